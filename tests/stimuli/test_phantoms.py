"""Phantoms: patients and boxes as a table of mammograms has them, and masses where the boxes are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.phantoms import write_phantoms
from stimuli.sources.boxes_table import read_source


def test_each_phantom_is_a_patient_with_a_bright_mass_in_its_box(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "film", 4, lesion_px=16)
    mammograms = read_source(tmp_path / "film")
    assert len({one.patient_id for one in mammograms}) == 4
    for mammogram in mammograms:
        pixels, (lesion,) = mammogram.read().pixels, mammogram.lesions
        left, top, side = (int(value) for value in (lesion.x, lesion.y, lesion.width))
        assert pixels.shape == (48, 48)
        assert pixels[top : top + side, left : left + side].mean() > pixels.mean() + 0.05
    patches = cut_patches(mammograms, tmp_path / "patches", b"k" * 32, Cut(size_px=32))
    assert (len(patches.table), patches.about["rejected"]) == (4, {})


def test_the_seed_decides(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_phantoms(tmp_path / name, 2, lesion_px=8, seed=seed)
    a, b, c = ([one.read().pixels for one in read_source(tmp_path / name)] for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a[0], a[1])
    assert not np.array_equal(a[0], c[0])


def test_an_occupied_folder_is_left_alone(tmp_path: Path, refuses: Any) -> None:
    write_phantoms(tmp_path / "film", 1, lesion_px=8)
    with refuses("occupied"):
        write_phantoms(tmp_path / "film", 1, lesion_px=8)
