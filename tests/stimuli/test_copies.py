"""An image under two names is found, whatever the files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from stimuli.crops import Cut
from stimuli.cutting import collect_patches, cut_patches
from stimuli.images import read_image, resample, write_png
from stimuli.patches import read_patches
from stimuli.sources.boxes_table import read_source
from stimuli.sources.precut import read_precut

WriteSource = Callable[..., Path]
Refuses = Callable[[str], Any]
KEY = b"k" * 32


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_one_image_of_two_patients_is_refused_whatever_the_files(
    tmp_path: Path, write_source: WriteSource, suffix: str, refuses: Refuses
) -> None:
    folder = write_source(tmp_path / "film", [{}, {"file": f"images/copy{suffix}", "patient_id": "other"}])
    levels = (read_image(folder / "images/00000.png").pixels * 255).round().astype(np.uint8)
    Pillow.fromarray(levels).save(folder / "images/00000.png")
    Pillow.fromarray(levels).save(folder / f"images/copy{suffix}")
    with refuses("ambiguous-patient") as caught:
        cut_patches(read_source(folder), tmp_path / "set", KEY, Cut(16))
    said = str(caught.value)
    assert said.startswith(f"images/00000.png and images/copy{suffix} are the same image, of patients 000 and other; ")
    assert not (tmp_path / "set").exists()


def test_one_image_of_a_patient_under_two_names_is_told(tmp_path: Path, write_source: WriteSource) -> None:
    boxes = [{}, {"file": "images/copy.png", "patient_id": "000"}, {"file": "images/more.png", "patient_id": "000"}, {}]
    folder = write_source(tmp_path / "film", boxes)
    for name in ("copy", "more"):
        shutil.copy(folder / "images/00000.png", folder / f"images/{name}.png")
    made = cut_patches(read_source(folder), tmp_path / "set", KEY, Cut(16))
    assert made.about["notes"] == {"the same image as another, under another name": 2}
    assert len(read_patches(made.folder).table) == 4


def test_blank_images_are_no_copies_of_one_another(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "film", [{}, {}])
    for number in range(2):
        write_png(folder / f"images/{number:05d}.png", np.full((48, 48), 0.5, np.float32))
    assert "notes" not in cut_patches(read_source(folder), tmp_path / "set", KEY, Cut(16)).about


def test_precut_patches_of_two_patients_must_differ_too(
    tmp_path: Path, write_precut: WriteSource, refuses: Refuses
) -> None:
    folder = write_precut(tmp_path / "cut", [{}, {}])
    shutil.copy(folder / "images/000.png", folder / "images/001.png")
    with refuses("ambiguous-patient"):
        collect_patches(read_precut(folder), tmp_path / "set", KEY)


def test_large_images_have_a_fingerprint_of_their_own(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((2000, 1500)).astype(np.float32)
    hashes = []
    for name, shown in (("a.png", pixels), ("b.png", pixels), ("c.png", pixels[::-1]), ("d.png", pixels[:, :1499])):
        write_png(tmp_path / name, shown)
        hashes.append(read_image(tmp_path / name).likeness.fingerprint)
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def as_8_bit(pixels: np.ndarray, path: Path) -> None:
    write_png(path, pixels)


def as_jpeg(pixels: np.ndarray, path: Path) -> None:
    Pillow.fromarray((pixels * 255).round().astype(np.uint8)).save(path, "JPEG", quality=75)


def mirrored(pixels: np.ndarray, path: Path) -> None:
    write_png(path, pixels[:, ::-1], bits=16)


def larger(pixels: np.ndarray, path: Path) -> None:
    write_png(path, resample(pixels, (96, 96)), bits=16)


@pytest.mark.parametrize("write", [as_8_bit, as_jpeg, mirrored, larger])
def test_a_copy_in_another_form_under_another_patient_is_told(
    tmp_path: Path, write_source: WriteSource, write: Callable[[np.ndarray, Path], None]
) -> None:
    folder = write_source(tmp_path / "film", [{}, {}, {"file": "images/copy.png", "patient_id": "other"}])
    write(read_image(folder / "images/00000.png").pixels, folder / "images/copy.png")
    made = cut_patches(read_source(folder), tmp_path / "set", KEY, Cut(16))
    ((note, count),) = made.about["notes"].items()
    assert count == 2
    assert note.startswith("the same to the eye as one of another patient")
    assert note.endswith(f"({made.table['file'].iloc[0]} and {made.table['file'].iloc[2]})")


def test_a_copy_in_another_form_of_the_same_patient_and_other_images_are_not(
    tmp_path: Path, write_source: WriteSource
) -> None:
    folder = write_source(tmp_path / "film", [{}, {}, {}, {"file": "images/copy.png", "patient_id": "000"}])
    as_jpeg(read_image(folder / "images/00000.png").pixels, folder / "images/copy.png")
    assert "notes" not in cut_patches(read_source(folder), tmp_path / "set", KEY, Cut(16)).about
