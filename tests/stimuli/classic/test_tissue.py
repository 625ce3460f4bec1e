"""Backgrounds: the lesion is gone, the tissue around it is untouched."""

from __future__ import annotations

import numpy as np
import pytest

from stimuli.classic.tissue import tissues, without_lesion
from stimuli.crops import Cut
from stimuli.cutting import collect_patches, cut_patches
from stimuli.patches import read_patches
from stimuli.phantoms import write_phantoms
from stimuli.sources.boxes_table import read_source
from stimuli.sources.precut import read_precut

KEY = b"k" * 32


def hole(size=64, start=20, stop=44):
    lesion = np.zeros((size, size), bool)
    lesion[start:stop, start:stop] = True
    return lesion


def test_what_is_in_the_lesion_does_not_matter_and_what_is_outside_stays(texture):
    tissue, lesion = texture(0, 64, 64), hole()
    one, other = tissue.copy(), tissue.copy()
    one[lesion], other[lesion] = 1, np.random.default_rng(0).random(lesion.sum())
    filled = without_lesion(one, lesion)
    np.testing.assert_array_equal(filled, without_lesion(other, lesion))
    kept = np.indices((64, 64)).min(axis=0) < 16
    np.testing.assert_array_equal(filled[kept], one[kept])


def test_a_gradient_goes_on_through_the_lesion():
    ramp = np.tile(np.linspace(0.2, 0.8, 64, dtype=np.float32), (64, 1))
    spoilt = ramp.copy()
    spoilt[hole()] = 1
    assert without_lesion(spoilt, hole()) == pytest.approx(ramp, abs=0.05)


def test_the_texture_inside_is_as_strong_as_outside():
    noise = (0.5 + 0.05 * np.random.default_rng(0).normal(size=(96, 96))).astype(np.float32)
    lesion = hole(96, 34, 62)
    filled = without_lesion(noise, lesion)
    assert filled[lesion].std() == pytest.approx(noise[~lesion].std(), rel=0.15)


def test_patches_full_of_lesion_or_air_are_left_out(texture):
    tissue = texture(0, 64, 64)
    assert without_lesion(tissue, hole(64, 4, 60)) is None
    tissue[:8] = 0
    assert without_lesion(tissue, hole()) is None


def test_the_box_of_a_patch_finds_its_lesion(tmp_path):
    write_phantoms(tmp_path / "film", 12, lesion_px=16)
    patches = cut_patches(read_source(tmp_path / "film"), tmp_path / "patches", KEY, Cut(32, context=2.5))
    rows = patches.table
    real = patches.read_all(rows)
    found = list(tissues(patches, rows, lesion_free=False))
    assert [one.patch_id for one in found] == rows["patch_id"].tolist()
    assert [one.patient for one in found] == rows["patient"].tolist()
    middle, rim = np.s_[:, 14:18, 14:18], np.s_[:, :2]
    filled = np.stack([one.pixels for one in found])
    assert (real[middle].mean() - real[rim].mean()) > 0.2
    assert abs(filled[middle].mean() - filled[rim].mean()) < 0.12
    as_they_are = list(tissues(patches, rows, lesion_free=True, size_px=16))
    assert {one.pixels.shape for one in as_they_are} == {(16, 16)}


def test_a_mask_comes_before_the_box(write_precut, tmp_path, draw_disc):
    folder = write_precut(tmp_path / "own", [{"mask": f"masks/{n}.png"} for n in range(4)], size=32)
    patches = collect_patches(read_precut(folder), tmp_path / "patches", KEY)
    rows = patches.table
    found = list(tissues(patches, rows, lesion_free=False))
    assert len(found) == 4
    outside = draw_disc(32, 16, 16, 10) == 0
    for one, row in zip(found, rows.itertuples(), strict=True):
        assert (one.pixels != patches.read(row))[16, 16]
        np.testing.assert_array_equal(one.pixels[outside], patches.read(row)[outside])


def test_a_patch_whose_lesion_is_nowhere_stated_is_refused(write_precut, tmp_path, refuses):
    folder = write_precut(tmp_path / "own", [{} for _ in range(4)])
    collect_patches(read_precut(folder), tmp_path / "patches", KEY)
    patches = read_patches(tmp_path / "patches")
    with refuses("no-lesion-box"):
        list(tissues(patches, patches.table, lesion_free=False))
    assert len(list(tissues(patches, patches.table, lesion_free=True))) == 4
