"""Loops as they are written."""

import importlib.util

import numpy as np
import pytest

from data.loops import ANCHORS, read_loop
from gan.codes import codes_of_seeds, images_of, read_codes
from gan.morphing.loop import LoopSettings, make_loop
from stimuli.images import read_image


def frames_of(folder):
    return np.stack([read_image(folder / frame.file).pixels for frame in read_loop(folder).frames])


def test_a_loop_starts_at_its_first_anchor_and_its_codes_make_it_again(model, tmp_path):
    anchors = codes_of_seeds(model, [1, 2, 3], psi=0.8)
    settings = LoopSettings(frames=30, bits=16)
    loop = make_loop(model, tmp_path / "loop", anchors, settings)
    images = frames_of(tmp_path / "loop")
    wanted = images_of(model.generator, anchors)
    np.testing.assert_allclose(images[0], wanted[0], atol=1e-4)
    for frame, image in zip(loop.anchors, wanted, strict=True):  # the other anchors are between frames
        away = np.abs(images - image).mean(axis=(1, 2))
        assert away.argmin() == frame
    again = read_codes(tmp_path / "loop" / ANCHORS, model)
    make_loop(model, tmp_path / "again", again, settings)
    np.testing.assert_array_equal(frames_of(tmp_path / "again"), images)


def test_steps_are_those_of_the_stored_frames(model, tmp_path):
    loop = make_loop(model, tmp_path / "loop", codes_of_seeds(model, [1, 2, 3]), LoopSettings(60, metric="pixel"))
    images = frames_of(tmp_path / "loop").astype(np.float64)
    steps = np.sqrt(np.square(np.roll(images, -1, axis=0) - images).mean(axis=(1, 2)))
    assert [frame.step for frame in loop.frames] == pytest.approx(steps, rel=1e-4)
    assert loop.evenness == pytest.approx(steps.std() / steps.mean(), rel=1e-3)
    assert loop.measures["variation"]["pixel"] == loop.evenness


def test_positions_and_provenance(model, tmp_path):
    loop = make_loop(model, tmp_path / "loop", codes_of_seeds(model, [4, 9, 2]), LoopSettings(16))
    assert [frame.position_deg for frame in loop.frames] == [22.5 * k for k in range(16)]
    assert loop == read_loop(tmp_path / "loop")
    assert loop.model_sha256 == model.sha256
    assert loop.sources == tuple(f"seed {seed}, truncation 0.7" for seed in (4, 9, 2))
    assert loop.patients == ((), (), ())
    assert [round(angle / 22.5) for angle in loop.anchors_deg] == list(loop.anchors)
    assert (tmp_path / "loop" / "loop.gif").read_bytes().startswith(b"GIF89a")


def test_an_open_path_ends_at_its_last_anchor(model, tmp_path):
    anchors = codes_of_seeds(model, [4, 9, 2])
    loop = make_loop(model, tmp_path / "path", anchors, LoopSettings(13, path="open", bits=16))
    images = frames_of(tmp_path / "path")
    np.testing.assert_allclose(images[[0, -1]], images_of(model.generator, [anchors[0], anchors[2]]), atol=1e-4)
    assert not loop.closed
    assert loop.frames[-1].position_deg == 180
    assert (loop.anchors[0], loop.anchors[-1], loop.anchors_deg[-1]) == (0, 12, 180)
    assert (tmp_path / "path" / "strip.png").is_file()


def test_unrelated_loops_share_no_noise(model, tmp_path):
    """With one noise for all, fine detail of unrelated loops was the same to a correlation of .74."""
    details = []
    for name, seeds in (("a", [1, 2, 3]), ("b", [4, 5, 6])):
        make_loop(model, tmp_path / name, codes_of_seeds(model, seeds), LoopSettings(12, bits=16))
        images = frames_of(tmp_path / name)
        details.append((images[0, 1:] - images[0, :-1]).ravel())
    assert abs(np.corrcoef(details)[0, 1]) < 0.5


def test_settings_that_cannot_be(model, tmp_path, patches, refuses):
    with refuses("unknown-choice"):
        LoopSettings(bits=12)
    with refuses("unknown-choice"):
        LoopSettings(path="square")
    anchors = codes_of_seeds(model, [1, 2, 3])
    with refuses("out-of-range") as caught:
        make_loop(model, tmp_path / "loop", anchors, LoopSettings(5))
    assert "5 frames are too few for 3 anchors" in str(caught.value)
    with refuses("weights-needed"):
        make_loop(model, tmp_path / "loop", anchors, LoopSettings(12), patches=patches)
    assert not (tmp_path / "loop").exists()


@pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="needs the extra video")
def test_the_film_holds_every_frame(model, tmp_path):
    import av

    make_loop(model, tmp_path / "loop", codes_of_seeds(model, [1, 2, 3]), LoopSettings(12, mp4=True))
    with av.open(tmp_path / "loop" / "loop.mp4") as film:
        shown = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    stored = frames_of(tmp_path / "loop") * 255
    assert len(shown) == 12
    small = np.stack(shown).reshape(12, 16, 16, 16, 16).mean(axis=(2, 4))
    assert np.abs(small - stored).mean() < 4
