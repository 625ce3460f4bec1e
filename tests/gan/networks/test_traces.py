"""What files leave of images: against Pillow's own JPEG and resampling, and through training and storage."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from gan.checkpoint import load_model, save_model, seal
from gan.generate import images_from_seeds
from gan.networks.generator import Architecture, Generator, from_seeds
from gan.networks.traces import FileTraces, _axis, log_contrast

BLOCK, SIZE = 8, 32


def traces(*files):
    module = FileTraces(len(files))
    module.files.copy_(torch.tensor(files, dtype=torch.int32))
    return module


def picture(seed=0, size=SIZE):
    drawn = torch.Generator().manual_seed(seed)
    smooth = F.interpolate(torch.randn(1, 1, 6, 6, generator=drawn), size=(size, size), mode="bicubic")
    return (0.3 * smooth + 0.03 * torch.randn(1, 1, size, size, generator=drawn)).clamp(-1, 1)


def stored_by_pillow(native, quality, part, size):
    """A grey image, 0 to 255, as it comes back from a JPEG of libjpeg, cut out and reduced as patches are."""
    stream = io.BytesIO()
    Pillow.fromarray(native.round().clip(0, 255).astype(np.uint8)).save(stream, "jpeg", quality=quality)
    decoded = Pillow.fromarray(np.asarray(Pillow.open(stream), dtype=np.float32))
    return np.asarray(decoded.resize((size, size), Pillow.Resampling.BICUBIC, box=part))


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(SIZE, 90),
    columns=st.integers(SIZE, 140),
    quality=st.sampled_from([30, 50, 75, 90]),
    down=st.integers(0, 7),
    across=st.integers(0, 7),
)
def test_a_part_of_a_jpeg_is_as_libjpeg_leaves_it(rows, columns, quality, down, across):
    image = picture(rows + 100 * columns)
    draws = torch.tensor([[0.0, (down + 0.5) / BLOCK, (across + 0.5) / BLOCK, 0.0]])
    found = (traces((rows, columns, quality, 0))(image, draws)[0, 0].numpy() + 1) * 127.5
    grey = (image[0, 0].numpy() + 1) * 127.5
    above, left = BLOCK + down, BLOCK + across
    (vertical, _), (horizontal, _) = (_axis(SIZE, rows, above, "cpu"), _axis(SIZE, columns, left, "cpu"))
    native = vertical.numpy() @ grey @ horizontal.numpy().T
    expected = stored_by_pillow(native, quality, (left, above, left + columns, above + rows), SIZE)
    # libjpeg computes with whole numbers, so a few values are rounded to the other side.
    assert (found - expected).std() < 0.35 * max((grey - expected).std(), 1)


def test_a_whole_file_of_8_bits_is_rounded():
    image = picture()
    found = traces((SIZE, SIZE, 0, 1))(image, torch.rand(1, 4))
    torch.testing.assert_close((found + 1) * 127.5, ((image + 1) * 127.5).round(), atol=1e-4, rtol=0)


def test_a_whole_jpeg_begins_with_a_block():
    """Wherever the draws would begin: what lies in one block depends on that block alone."""
    module = traces((SIZE, SIZE, 75, 1))
    image = picture()
    other = image.clone()
    other[..., :BLOCK, :BLOCK] = 0
    found, changed = (module(one, torch.tensor([[0.0, 0.9, 0.4, 0.0]])) for one in (image, other))
    assert torch.equal(found[..., BLOCK:], changed[..., BLOCK:])
    assert torch.equal(found[..., BLOCK:, :], changed[..., BLOCK:, :])
    assert not torch.equal(found, changed)


def test_draws_choose_the_file_and_where_blocks_begin():
    module = traces((SIZE, SIZE, 0, 1), (40, 60, 50, 0))
    image = picture()
    plain = module(image, torch.tensor([[0.49, 0.9, 0.9, 0.0]]))
    assert torch.equal(plain, module(image, torch.tensor([[0.0, 0.1, 0.5, 0.0]])))
    seen = [
        module(image, torch.tensor([[0.5, down, across, 0.0]])) for down, across in ((0, 0), (0, 0), (0.2, 0), (0, 0.2))
    ]
    assert torch.equal(seen[0], seen[1])
    assert len({tuple(one.flatten().tolist()) for one in [plain, *seen]}) == 4


def test_files_are_those_of_patches_of_about_the_same_contrast():
    """Four of little contrast and four of much, of other sizes; draws from 0 to 1 reach all that are alike."""
    images = torch.cat([0.05 * picture(), 2 * picture()]).clamp(-1, 1)
    module = FileTraces(8)
    faint, strong = log_contrast(images).tolist()
    near = torch.tensor([-0.03, -0.01, 0.01, 0.03])
    module.contrasts.copy_(torch.cat([faint + near, strong + near]))
    for first, image in ((0, images[:1]), (4, images[1:])):
        chosen = [int(module._alike(image, torch.tensor([draw]))) for draw in (0.05, 0.3, 0.6, 0.95)]
        assert chosen == [first, first + 1, first + 2, first + 3]


def test_an_image_without_contrast_has_a_file_too():
    assert torch.isfinite(
        traces((40, 60, 50, 0), (50, 60, 50, 0))(torch.zeros(1, 1, SIZE, SIZE), torch.rand(1, 4))
    ).all()


def test_compression_hardly_changes_the_contrast_that_files_are_chosen_by():
    image = picture()
    stored = traces((64, 64, 50, 0))(image, torch.zeros(1, 4))
    assert float(log_contrast(stored)) == pytest.approx(float(log_contrast(image)), abs=0.05)


def test_rounding_passes_the_gradient_on():
    image = picture().requires_grad_()
    traces((SIZE, SIZE, 0, 1))(image, torch.rand(1, 4)).sum().backward()
    torch.testing.assert_close(image.grad, torch.ones_like(image))


def test_training_goes_on_after_images_were_made():
    """What is computed once for both is no tensor that refuses gradients."""
    module = traces((41, 67, 33, 0))
    with torch.inference_mode():
        module(picture(), torch.zeros(1, 4))
    image = picture().requires_grad_()
    module(image, torch.zeros(1, 4)).sum().backward()
    assert image.grad.abs().sum() > 0


@pytest.mark.parametrize(("rows", "columns"), [(SIZE, 40), (50, 70), (200, 33)])
def test_a_file_without_compression_leaves_the_image_as_it_is(rows, columns):
    """But for rounding to 8 bits at the native size, most of which is averaged away."""
    image = picture()
    found = traces((rows, columns, 0, 0))(image, torch.tensor([[0.0, 0.4, 0.7, 0.0]]))
    assert ((found - image) * 127.5).abs().max() < 2
    assert ((found - image) * 127.5).std() < 0.4


def test_what_lies_around_a_part_is_the_image_mirrored():
    enlarge, _ = _axis(SIZE, 50, 11, "cpu")
    assert torch.equal(enlarge[:11], enlarge[11:22].flip(0))
    assert torch.equal(enlarge[61:], enlarge[61 - (len(enlarge) - 61) : 61].flip(0))


def test_the_gradient_of_a_jpeg_is_that_of_the_image_itself():
    """All that a file does is rounding, which has none of its own."""
    image, weights = (0.5 * picture()).requires_grad_(), torch.randn(1, 1, SIZE, SIZE)
    (traces((50, 70, 10, 0))(image, torch.zeros(1, 4)) * weights).sum().backward()
    torch.testing.assert_close(image.grad, weights, atol=1e-3, rtol=1e-3)


def grainy(sd, quality=75, rows=50, columns=70):
    module = traces((rows, columns, quality, 0))
    module.grain.fill_(sd)
    return module


def test_grain_is_finer_than_an_image_shows():
    """What a JPEG that hardly rounds leaves of it is rounding to 8 bits, as without grain."""
    image, draws = 0.5 * picture(), torch.zeros(1, 4)
    plain, found = (grainy(sd, quality=100)(image, draws) for sd in (0.0, 5.0))
    assert ((found - image) * 127.5).std() < 1.1 * ((plain - image) * 127.5).std()


@pytest.mark.parametrize("seed", range(3))
def test_an_image_in_a_grainy_jpeg_is_more_like_one_whose_picture_was_grainy(seed):
    """Power at the highest diagonal frequencies, against that of a grainy picture compressed by libjpeg and reduced."""
    rng = np.random.default_rng(seed)
    image = 0.5 * torch.cat([picture(100 * seed + number) for number in range(40)])
    rows, columns, sd = 50, 70, 4.0
    (down, _), (across, _) = (_axis(SIZE, native, BLOCK, "cpu") for native in (rows, columns))
    expected = []
    for grey in (image[:, 0].numpy() + 1) * 127.5:
        native = down.numpy() @ grey @ across.numpy().T
        noisy = native + rng.normal(0, sd, native.shape)
        part = (BLOCK, BLOCK, BLOCK + columns, BLOCK + rows)
        expected.append(stored_by_pillow(noisy, 75, part, SIZE))
        # The image that a generator is to make is the grainy one, reduced but not compressed.
        reduced = Pillow.fromarray(noisy.astype(np.float32)).resize((SIZE, SIZE), Pillow.Resampling.BICUBIC, box=part)
        image[len(expected) - 1, 0] = torch.from_numpy(np.array(reduced)) / 127.5 - 1
    draws = torch.cat([torch.zeros(40, 3), torch.arange(40)[:, None] / 40], dim=1)
    with_grain, without = ((grainy(sd)(image, draws)[:, 0].numpy() + 1) * 127.5 for sd in (sd, 0.0))
    wanted, one, other = (corner_power(images) for images in (np.array(expected), with_grain, without))
    assert abs(one / wanted - 1) < 0.7 * abs(other / wanted - 1)


def corner_power(images):
    power = (np.abs(np.fft.rfft2(images)) ** 2).mean(axis=0)
    return power[SIZE * 3 // 8 : SIZE * 5 // 8, SIZE * 3 // 8 :].mean()


def test_the_last_draw_is_that_of_the_grain():
    image, module = 0.5 * picture(), grainy(3.0)
    one, again, other = (module(image, torch.tensor([[0.0, 0.3, 0.3, draw]])) for draw in (0.2, 0.2, 0.8))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def model_with_traces(files=((40, 60, 75, 0), (3000, 2049, 90, 0))):
    torch.manual_seed(0)
    generator = Generator(Architecture(SIZE, channel_max=8, z_dim=8, w_dim=8, source_files=len(files)))
    generator.traces.files.copy_(torch.tensor(files, dtype=torch.int32))
    generator.traces.grain.fill_(2.3)
    return generator


def test_images_of_seeds_have_traces_and_do_not_depend_on_the_batch():
    generator = model_with_traces(((40, 60, 30, 0), (64, 50, 30, 0)))
    one, other = ([image for _, image in from_seeds(generator, range(7), 1.0, batch)] for batch in (3, 7))
    np.testing.assert_allclose(one, other, atol=1 / 255)
    generator.traces = None
    without = [image for _, image in from_seeds(generator, range(7), 1.0)]
    assert np.abs(np.subtract(one, without)).mean() > 0.5 / 255


def test_a_model_of_before_grain_makes_its_images_still(tmp_path):
    generator = model_with_traces()
    generator.traces.grain.zero_()
    save_model(tmp_path / "model", generator, {})
    weights = load_file(tmp_path / "model" / "generator.safetensors")
    del weights["traces.grain"]
    with safe_open(tmp_path / "model" / "generator.safetensors", "pt") as stored:
        about = stored.metadata()
    save_file(weights, tmp_path / "model" / "generator.safetensors", metadata=about)
    seal(tmp_path / "model")
    loaded = load_model(tmp_path / "model").generator
    assert np.array_equal(images_from_seeds(loaded, [4], 1.0), images_from_seeds(generator, [4], 1.0))


@pytest.mark.parametrize("half", [False, True])
def test_a_stored_model_keeps_its_files(tmp_path, half):
    """Whole numbers above 2048 have no exact float16."""
    generator = model_with_traces()
    save_model(tmp_path / "model", generator, {}, half=half)
    loaded = load_model(tmp_path / "model").generator
    assert torch.equal(loaded.traces.files, generator.traces.files)
    assert float(loaded.traces.grain) == pytest.approx(2.3, rel=1e-3)
    if not half:
        np.testing.assert_allclose(images_from_seeds(loaded, [4], 1.0), images_from_seeds(generator, [4], 1.0))
