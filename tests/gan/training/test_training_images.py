from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from gan.adversaries.step_rng import StepRng
from gan.networks.generator import Architecture
from gan.training.settings import Settings
from gan.training.training_images import (
    TrainingImages,
    at_stage,
    open_training_images,
    random_symmetry,
    source_files,
)
from stimuli.crops import Cut
from stimuli.cutting import collect_patches, cut_patches
from stimuli.sources.boxes_table import read_source
from stimuli.sources.precut import read_precut

SETTINGS = Settings(Architecture(resolution=16), batch=8, symmetry="none")


def numbered(count):
    return np.arange(count, dtype=np.uint16)[:, None, None] * np.ones((1, 16, 16), np.uint16)


def test_every_patch_is_seen_once_per_epoch():
    training_images = TrainingImages(numbered(50), SETTINGS)
    batches = [training_images.batch(step, StepRng(0, step, 8)) for step in range(25)]
    shown = ((torch.cat(batches)[:, 0, 0, 0] + 1) / 2 * 65535).round().tolist()
    for epoch in range(4):
        assert sorted(shown[epoch * 50 : (epoch + 1) * 50]) == list(range(50))
    assert shown[:50] != shown[50:100]


def test_a_step_shows_the_same_images_whatever_came_before():
    fresh, used = TrainingImages(numbered(50), SETTINGS), TrainingImages(numbered(50), SETTINGS)
    for step in (30, 2, 12):
        used.batch(step, StepRng(0, step, 8))
    assert torch.equal(fresh.batch(6, StepRng(0, 6, 8)), used.batch(6, StepRng(0, 6, 8)))


def test_processes_share_a_batch_between_them():
    mirrored = replace(SETTINGS, symmetry="mirror")
    levels = np.random.default_rng(0).integers(0, 65536, (50, 16, 16)).astype(np.uint16)
    whole = TrainingImages(levels, mirrored).batch(3, StepRng(0, 3, 8))
    parts = [TrainingImages(levels, mirrored).batch(3, StepRng(0, 3, 8, rank, 2)) for rank in range(2)]
    assert torch.equal(whole, torch.cat(parts))


def test_real_images_are_mapped_from_one_file_and_in_the_networks_range(patches, tmp_path):
    training_images = open_training_images(patches, SETTINGS, tmp_path)
    assert isinstance(training_images.levels, np.memmap)
    rows = patches.select("train")
    assert training_images.levels.shape == (len(rows), 16, 16)
    shown = torch.cat([training_images.batch(step, StepRng(0, step, 8)) for step in range(len(rows) // 8)])
    expected = np.stack([patches.read(row) for row in rows.itertuples()]) * 2 - 1
    nearest = np.abs(shown.numpy()[:, 0, None] - expected).max(axis=(2, 3)).min(axis=1)
    assert nearest.max() < 1e-6
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    open_training_images(patches, SETTINGS, tmp_path)
    assert file.stat().st_mtime_ns == written


def test_a_gathering_that_was_cut_off_is_done_again(patches, tmp_path):
    open_training_images(patches, SETTINGS, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.rename(file.with_suffix(".partial"))
    file.with_suffix(".partial").write_bytes(whole[:200])
    open_training_images(patches, SETTINGS, tmp_path)
    assert file.read_bytes() == whole


@pytest.mark.parametrize(("symmetry", "ways"), [("none", 1), ("mirror", 2), ("dihedral", 8)])
def test_images_are_turned_in_all_the_ways_that_their_symmetry_allows_equally_often(symmetry, ways):
    image = torch.arange(9.0).view(1, 1, 3, 3)
    made = random_symmetry(image.repeat(4000, 1, 1, 1), symmetry, StepRng(0, 0, 4000))
    found = torch.unique(made.flatten(1), dim=0, return_counts=True)[1]
    assert len(found) == ways
    assert found.min() > 0.75 * 4000 / ways
    if symmetry == "mirror":
        assert all(torch.equal(one, image[0]) or torch.equal(one, image[0].flip(2)) for one in made)


def test_smaller_stages_see_averages_and_a_fade_begins_with_the_coarser_image():
    images = torch.randn(2, 1, 16, 16)
    torch.testing.assert_close(at_stage(images, 8, 1.0)[0, 0, 0, 0], images[0, 0, :2, :2].mean())
    coarse = at_stage(images, 16, 0.0)
    torch.testing.assert_close(coarse[..., ::2, ::2], coarse[..., 1::2, 1::2])
    torch.testing.assert_close(at_stage(images, 16, 0.5), (coarse + images) / 2)
    assert torch.equal(at_stage(images, 16, 1.0), images)


def test_files_of_jpegs_are_known_by_their_native_size_and_quality(jpeg_patches):
    rows = jpeg_patches.select("train")
    native = zip(rows["native_rows"].astype(int), rows["native_columns"].astype(int), strict=True)
    files, contrasts, grain = source_files(jpeg_patches)
    assert sorted(map(tuple, files.tolist())) == sorted((height, width, 75, 0) for height, width in native)
    assert contrasts.shape == (len(rows),)
    assert float(grain) == pytest.approx(0.75 * rows["jpeg_grain"].median())


def test_files_are_sorted_by_the_contrast_of_their_patches(tmp_path):
    """Patches of rising contrast, each cut from a file of its own quality."""
    noise = np.random.default_rng(0).normal(0, 1, (48, 48))
    for number in range(30):
        grey = gaussian_filter(noise, 2) * 40 * (number + 1) + 128
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(tmp_path / f"{number}.jpg", quality=60 + number)
    boxes = {"x": 16, "y": 16, "width": 16, "height": 16}
    table = pd.DataFrame([{"file": f"{number}.jpg", "patient_id": number, **boxes} for number in range(30)])
    table.to_csv(tmp_path / "boxes.csv", index=False)
    made = cut_patches(read_source(tmp_path), tmp_path / "set", b"k" * 32, Cut(16, split=(0.8, 0.1, 0.1)))
    files, contrasts, _ = source_files(made)
    assert files[:, 2].tolist() == sorted(files[:, 2].tolist())
    assert torch.equal(contrasts, contrasts.sort().values)


def test_files_that_left_no_traces_are_not_known(patches):
    files, contrasts, grain = source_files(patches)
    assert files.shape == (0, 4)
    assert contrasts.shape == (0,)
    assert float(grain) == 0


@pytest.mark.parametrize(("bits", "kind", "expected"), [
    (8, "png", (16, 16, 0, 1)),
    (16, "png", None),
    (8, "jpg", (16, 16, 75, 1)),
])  # fmt: skip
def test_patches_that_came_cut_are_whole_files(tmp_path, bits, kind, expected):
    rng = np.random.default_rng(0)
    for number in range(20):
        levels = rng.integers(0, 2**bits, (16, 16)).astype(np.uint8 if bits == 8 else np.uint16)
        Image.fromarray(levels).save(tmp_path / f"{number}.{kind}", quality=75)
    table = pd.DataFrame({"file": [f"{number}.{kind}" for number in range(20)], "patient_id": range(20)})
    table.to_csv(tmp_path / "patches.csv", index=False)
    made = collect_patches(read_precut(tmp_path), tmp_path / "set", b"k" * 32, (0.8, 0.1, 0.1))
    files, contrasts, grain = source_files(made)
    assert files.tolist() == ([] if expected is None else [list(expected)] * len(made.select("train")))
    assert len(contrasts) == len(files)
    assert float(grain) == 0
