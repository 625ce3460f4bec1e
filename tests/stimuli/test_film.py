"""Film border and air are told patch by patch, and an image under two names is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from stimuli.crops import Cut
from stimuli.cutting import Limits, collect_patches, cut_patches
from stimuli.images import read_image, write_png
from stimuli.patches import read_patches
from stimuli.sources.boxes_table import read_source
from stimuli.sources.precut import read_precut

WriteSource = Callable[..., Path]
Refuses = Callable[[str], Any]
KEY = b"k" * 32


def cut_edges(tmp_path: Path, limits: Limits | None = None) -> Any:
    """Patches of 20 px with 0, 3 and 8 columns of film border, and with 5 columns of air."""
    (tmp_path / "film").mkdir()
    rows = []
    for number, (white, black) in enumerate([(0, 0), (3, 0), (8, 0), (0, 5)]):
        pixels = np.random.default_rng(number).uniform(0.3, 0.7, (40, 40)).astype(np.float32)
        pixels[:, 10 : 10 + white] = 1
        pixels[:, 10 : 10 + black] = 0
        write_png(tmp_path / "film" / f"{number}.png", pixels)
        rows.append({"file": f"{number}.png", "patient_id": f"P{number}", "x": 15, "y": 15, "width": 10, "height": 10})
    pd.DataFrame(rows).to_csv(tmp_path / "film" / "boxes.csv", index=False)
    return cut_patches(read_source(tmp_path / "film"), tmp_path / "set", KEY, Cut(20), limits=limits or Limits())


def test_the_share_of_film_border_and_air_is_told_patch_by_patch(tmp_path: Path) -> None:
    made = cut_edges(tmp_path)
    film = pd.read_csv(made.folder / "film.csv")
    assert list(film["patch_id"]) == list(made.table["patch_id"])
    np.testing.assert_allclose(film["white_share"], [0, 0.15, 0.4, 0], atol=1e-4)
    np.testing.assert_allclose(film["black_share"], [0, 0, 0, 0.25], atol=1e-4)
    assert made.about["film"] == {
        "share": 0.02, "white_above": 2, "white_most": 0.4, "black_above": 1, "black_most": 0.25
    }  # fmt: skip
    assert not {"white_share", "fingerprint", "origin", "person"} & set(made.table)


def test_beyond_a_limit_patches_are_rejected_and_counted(tmp_path: Path) -> None:
    made = cut_edges(tmp_path, Limits(0.2, 0.2))
    assert made.about["rejected"] == {
        "white in more than 0.2 of the patch": 1,
        "black in more than 0.2 of the patch": 1,
    }
    assert (made.about["film"]["white_most"], made.about["film"]["black_most"]) == (0.15, 0)


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
        hashes.append(read_image(tmp_path / name).fingerprint)
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
