"""The grain of JPEGs: that of pictures whose grain is known, and what is told of patches."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow
from scipy.ndimage import gaussian_filter

import stimuli
from stimuli.jpeg_grain import jpeg_grain

PART = (13.3, 6.8, 160.0, 130.0)  # left, top, width, height


def jpeg_of(folder, grey, quality=75):
    Pillow.fromarray(grey.round().clip(0, 255).astype(np.uint8)).save(folder / "picture.jpg", quality=quality)
    return stimuli.read_image(folder / "picture.jpg")


def grain(picture, part=PART, size=64):
    left, top, width, height = part
    patch = stimuli.resample(picture.pixels, (size, size), (left, top, left + width, top + height))
    return jpeg_grain(picture, part, patch)


def film(sd, seed=0, shape=(160, 200)):
    """Soft structure as strong as a lesion's, and white grain."""
    rng = np.random.default_rng(seed)
    structure = gaussian_filter(rng.normal(0, 1, shape), 8)
    return 128 + 30 * structure / structure.std() + rng.normal(0, sd, shape)


@pytest.mark.parametrize(("sd", "quality"), [(2.5, 75), (4, 75), (6, 75), (6, 50), (2, 92)])
def test_grain_is_found_again(tmp_path, sd, quality):
    found = [grain(jpeg_of(tmp_path, film(sd, seed), quality)) for seed in range(5)]
    assert np.median(found) == pytest.approx(sd, rel=0.15)


@pytest.mark.parametrize("sd", [0, 2])
def test_grain_that_left_nothing_is_not_known(tmp_path, sd):
    """Of a patch hardly larger than its size, only waves of large steps are finer."""
    assert grain(jpeg_of(tmp_path, film(sd)), (10, 10, 75, 75)) is None


@pytest.mark.parametrize("quality", [98, 100])
def test_grain_that_every_block_shows_is_not_known(tmp_path, quality):
    """Not too little: the blocks without waves would be those where there happens to be none."""
    found = grain(jpeg_of(tmp_path, film(4), quality))
    assert found is None


def test_soft_structure_is_no_grain(tmp_path):
    found = grain(jpeg_of(tmp_path, film(0)))
    assert found is None or found < 2


def test_structure_in_a_few_blocks_hardly_counts(tmp_path):
    grey = film(4)
    grey[40:52, 60:72] += 80 * np.random.default_rng(1).standard_normal((12, 12))
    assert grain(jpeg_of(tmp_path, grey)) == pytest.approx(grain(jpeg_of(tmp_path, film(4))), rel=0.05)


def test_without_waves_that_a_patch_cannot_show_nothing_is_known(tmp_path):
    assert grain(jpeg_of(tmp_path, film(4)), (10, 10, 64, 64)) is None


def test_a_patch_without_a_whole_block_has_none(tmp_path):
    assert grain(jpeg_of(tmp_path, film(4)), (9, 9, 14, 14), 8) is None


def test_noise_without_end_is_as_much_as_can_be_told(tmp_path):
    noise = np.random.default_rng(0).integers(0, 2, (160, 200)) * 255
    assert grain(jpeg_of(tmp_path, noise, 2)) <= 50


def test_pictures_of_other_formats_have_none(tmp_path):
    Pillow.fromarray(film(4).astype(np.uint8)).save(tmp_path / "picture.png")
    assert grain(stimuli.read_image(tmp_path / "picture.png")) is None


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_patch_sets_tell_it_where_sources_are_jpegs(tmp_path, kind):
    for number in range(12):
        Pillow.fromarray(film(4, number).astype(np.uint8)).save(tmp_path / f"{number}.{kind}", quality=75)
    boxes = {"x": 60, "y": 50, "width": 48, "height": 48}
    table = pd.DataFrame([{"file": f"{number}.{kind}", "patient_id": number, **boxes} for number in range(12)])
    table.to_csv(tmp_path / "boxes.csv", index=False)
    made = stimuli.cut_patches(stimuli.read_source(tmp_path), tmp_path / "set", b"k" * 32, stimuli.Cut(32))
    if kind == "png":
        assert not {"jpeg_quality", "jpeg_grain"} & set(made.table)
    else:
        assert made.table["jpeg_grain"].between(3.2, 4.8).all()
