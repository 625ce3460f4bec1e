import numpy as np
import pytest
import torch

from data.loops import read_loop
from gan.morph import make_loop
from gan.networks.generator import codes_from_seeds, noise_from_seed, to_p_values
from stimuli.images import read_image


def frames_of(folder):
    return np.stack([read_image(folder / frame.file).pixels for frame in read_loop(folder).frames])


def test_the_loop_passes_through_its_anchors(model, tmp_path):
    loop = make_loop(model, tmp_path / "loop", [1, 2, 3], frames=30, psi=0.8, noise_seed=5, bits=16)
    generator = model.generator
    ws = generator.truncate(generator.per_layer(generator.mapping(codes_from_seeds(generator, [1, 2, 3]))), 0.8)
    expected = to_p_values(generator.synthesis(ws, noise_from_seed(generator, 5)))
    images = frames_of(tmp_path / "loop")
    assert loop.anchors[0] == 0
    np.testing.assert_allclose(images[list(loop.anchors)], expected, atol=1e-4)


def test_steps_are_even_also_across_the_seam(model, tmp_path):
    loop = make_loop(model, tmp_path / "loop", [1, 2, 3], frames=60, bits=16)
    images = frames_of(tmp_path / "loop").astype(np.float64)
    steps = np.sqrt(np.square(np.roll(images, -1, axis=0) - images).mean(axis=(1, 2)))
    np.testing.assert_allclose([frame.step for frame in loop.frames], steps, atol=1e-4)
    assert loop.evenness == pytest.approx(steps.std() / steps.mean(), abs=2e-3)
    # The same frames at even steps of w are much less even in the image.
    assert loop.evenness < 0.05 < uneven(model, [1, 2, 3], 60)


def uneven(model, seeds, frames):
    generator = model.generator
    with torch.inference_mode():
        anchors = generator.truncate(generator.per_layer(generator.mapping(codes_from_seeds(generator, seeds))), 0.7)
        parts = torch.linspace(0, 1, frames // 3 + 1)[:-1, None, None]
        path = torch.cat([torch.lerp(a, b, parts) for a, b in zip(anchors, anchors.roll(-1, 0), strict=True)])
        images = to_p_values(generator.synthesis(path, noise_from_seed(generator, 0))).astype(np.float64)
    steps = np.sqrt(np.square(np.roll(images, -1, axis=0) - images).mean(axis=(1, 2)))
    return steps.std() / steps.mean()


def test_positions_are_even_angles_and_frames_are_counted(model, tmp_path):
    loop = make_loop(model, tmp_path / "loop", [4, 9], frames=16)
    assert [frame.position_deg for frame in loop.frames] == [22.5 * k for k in range(16)]
    assert loop.model_sha256 == model.sha256
    assert loop == read_loop(tmp_path / "loop")
    assert (tmp_path / "loop" / "loop.gif").read_bytes().startswith(b"GIF89a")


@pytest.mark.parametrize("seeds", [[], [1], [1, 1], [1, 2, 1]])
def test_anchors_must_be_two_or_more_and_different(model, tmp_path, seeds, refuses):
    with refuses("bad-anchors"):
        make_loop(model, tmp_path / "loop", seeds)
    assert not (tmp_path / "loop").exists()


def test_too_few_frames_are_refused(model, tmp_path, refuses):
    with refuses("out-of-range") as caught:
        make_loop(model, tmp_path / "loop", [1, 2, 3], frames=5)
    assert "5 frames are too few for 3 anchors" in str(caught.value)


def test_a_generator_that_ignores_its_code_has_no_path(model, tmp_path, refuses):
    model.generator.synthesis.to_grey.weight.zero_()
    with refuses("bad-anchors"):
        make_loop(model, tmp_path / "loop", [1, 2, 3], frames=12)
