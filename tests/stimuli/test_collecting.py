"""Patches that are already cut become an ordinary patch set."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from stimuli.crops import Cut
from stimuli.cutting import Limits, collect_patches, cut_patches
from stimuli.images import Pixels, read_image, write_png
from stimuli.patches import COLUMNS, MASK_COLUMNS, read_patches
from stimuli.sources.boxes_table import read_source
from stimuli.sources.precut import read_precut

Refuses = Callable[[str], AbstractContextManager[Any]]
WriteSource = Callable[..., Path]
KEY = b"a key of more than sixteen bytes"
BOX = {"lesion_x": 4, "lesion_y": 3, "lesion_width": 8, "lesion_height": 10}


@pytest.mark.parametrize("bits", [8, 16])
def test_every_grey_level_stays_exactly_what_it_was(tmp_path: Path, write_precut: WriteSource, bits: int) -> None:
    folder = write_precut(tmp_path / "p", [{}], size=256)
    levels = np.arange(2**bits).reshape(-1, 256).repeat(256 if bits == 8 else 1, axis=0)
    kind = np.uint8 if bits == 8 else np.uint16
    Pillow.fromarray(levels.astype(kind)).save(folder / "images/000.png")
    made = collect_patches(read_precut(folder), tmp_path / "out", KEY)
    with Pillow.open(made.folder / made.table["file"][0]) as image:
        stored = np.asarray(image).astype(int)
    assert np.array_equal(stored, levels * (257 if bits == 8 else 1))
    assert np.array_equal(made.read(made.table.iloc[0]), read_image(folder / "images/000.png").pixels)
    assert made.table["source_bit_depth"].tolist() == [bits]


def test_a_patient_has_the_code_and_split_of_the_set_from_whole_mammograms(
    tmp_path: Path, write_precut: WriteSource, write_source: WriteSource
) -> None:
    boxes = [{"patient_id": f"P{n // 2}"} for n in range(40)]
    whole = cut_patches(read_source(write_source(tmp_path / "m", boxes)), tmp_path / "a", KEY, Cut(size_px=8))
    precut = read_precut(write_precut(tmp_path / "p", [{"patient_id": f" P{n}"} for n in range(25)]))
    made = collect_patches(precut, tmp_path / "b", KEY)
    known = whole.table.drop_duplicates("patient").set_index("patient")["split"]
    found = made.table.set_index("patient")["split"]
    assert len(set(known.index) & set(found.index)) == 20
    assert set(known) == {"train", "select", "study"}
    assert found[known.index].to_dict() == known.to_dict()
    other = collect_patches(precut, tmp_path / "c", KEY, split=(0, 0, 1))
    assert set(other.table["split"]) == {"study"}


def test_the_context_is_recorded_patch_by_patch(tmp_path: Path, write_precut: WriteSource) -> None:
    rows = [{**BOX, "native_side": 40}, {**BOX, "lesion_height": 16}, {}]
    made = collect_patches(read_precut(write_precut(tmp_path / "p", rows)), tmp_path / "out", KEY, credit="Lee et al.")
    assert made.table["context"].fillna(0).tolist() == [1.6, 1, 0]
    assert made.about["context"] is None
    assert (made.about["context_median"], made.about["context_range"]) == (1.3, [1, 1.6])
    assert (made.about["size_px"], made.about["precut"], made.about["credit"]) == (16, True, "Lee et al.")
    assert set(made.table.columns) == {*COLUMNS, "context"}
    first, _, last = made.table.itertuples()
    assert (first.lesion_x, first.lesion_width, first.native_rows, first.native_columns) == (4, 8, 40, 40)
    assert (first.crop_x, first.crop_width) == (0, 16)
    assert np.isnan([last.lesion_x, last.native_rows]).all()
    again = read_patches(made.folder)
    pd.testing.assert_frame_equal(again.table, made.table)


@pytest.mark.parametrize(
    ("boxes", "context", "median"), [([BOX, BOX], 1.6, 1.6), ([BOX, {}], None, 1.6), ([{}, {}], None, None)]
)
def test_the_context_of_a_set(
    tmp_path: Path, write_precut: WriteSource, boxes: list[dict[str, Any]], context: float | None, median: float | None
) -> None:
    about = collect_patches(read_precut(write_precut(tmp_path / "p", boxes)), tmp_path / "out", KEY).about
    assert (about["context"], about["context_median"]) == (context, median)


def film(white: int, black: int, grey: int = 100) -> Pixels:
    """16 x 16 px, of which so many are just white enough, just black enough, or neither by one level."""
    levels = np.full(256, grey)
    levels[:white], levels[white : white + black] = 250, 2
    levels[-2:] = 249, 3
    return (levels / 255).astype(np.float32).reshape(16, 16)


@pytest.mark.parametrize("bits", [8, 16])
def test_film_border_and_air_are_kept_out_and_counted(tmp_path: Path, write_precut: WriteSource, bits: int) -> None:
    rows = [{"patient_id": str(n)} for n in range(5)]
    folder = write_precut(tmp_path / "p", rows)
    for n, (white, black) in enumerate([(5, 51), (6, 0), (0, 52), (100, 100), (0, 0)]):
        write_png(folder / f"images/{n:03d}.png", film(white, black), bits)
    limits = Limits(max_white=0.02, max_black=0.2)  # 5.12 and 51.2 pixels
    made = collect_patches(read_precut(folder), tmp_path / "out", KEY, limits=limits)
    assert len(made.table) == 2
    assert made.about["rejected"] == {
        "black in more than 0.2 of the patch": 1,
        "white in more than 0.02 of the patch": 2,
    }
    assert (made.about["max_white"], made.about["max_black"]) == (0.02, 0.2)
    assert len(collect_patches(read_precut(folder), tmp_path / "all", KEY).table) == 5


def test_the_limits_hold_for_cut_patches_too(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}, {}])
    picture = read_image(folder / "images/00000.png").pixels.copy()
    picture[14:34, 14:19] = 1
    write_png(folder / "images/00000.png", picture, 16)
    made = cut_patches(read_source(folder), tmp_path / "out", KEY, Cut(size_px=20), limits=Limits(max_white=0.2))
    assert (len(made.table), made.about["rejected"]) == (1, {"white in more than 0.2 of the patch": 1})


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_impossible_limits_are_refused(share: float, refuses: Refuses) -> None:
    with refuses("out-of-range"):
        Limits(max_white=share)
    with refuses("out-of-range"):
        Limits(max_black=share)


def test_enlarged_patches_are_rejected_and_nothing_left_is_refused(
    tmp_path: Path, write_precut: WriteSource, refuses: Refuses
) -> None:
    folder = write_precut(tmp_path / "p", [{"native_side": 15}, {"native_side": 16}])
    made = collect_patches(read_precut(folder), tmp_path / "out", KEY)
    assert (len(made.table), made.about["rejected"]) == (1, {"fewer than 16 native rows or columns": 1})
    with refuses("nothing-cut"):
        collect_patches(read_precut(folder)[:1], tmp_path / "none", KEY)
    assert not (tmp_path / "none").exists()


def test_a_bad_split_and_a_damaged_patch_leave_nothing(
    tmp_path: Path, write_precut: WriteSource, refuses: Refuses
) -> None:
    folder = write_precut(tmp_path / "p", [{}, {}])
    with refuses("out-of-range"):
        collect_patches(read_precut(folder), tmp_path / "out", KEY, split=(0.5, 0.1, 0.1))
    (folder / "images/001.png").write_bytes(b"\x89PNG")
    with refuses("unreadable-image"):
        collect_patches(read_precut(folder), tmp_path / "out", KEY)
    assert os.listdir(tmp_path) == ["p"]


def test_nothing_written_names_the_patient_or_the_patch(tmp_path: Path, write_precut: WriteSource) -> None:
    row = {"file": "images/P_4711_LEFT.png", "patient_id": "P_4711", "mask": "masks/P_4711_mask.png"}
    made = collect_patches(read_precut(write_precut(tmp_path / "p", [row])), tmp_path / "out", KEY)
    files = [path for path in made.folder.rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        assert "4711" not in path.name
        assert b"4711" not in path.read_bytes()


@pytest.mark.slow
def test_several_processes_write_the_same_bytes(
    tmp_path: Path, write_precut: WriteSource, write_source: WriteSource, refuses: Refuses
) -> None:
    precut = read_precut(write_precut(tmp_path / "p", [{"mask": f"masks/{n:03d}.png", **BOX} for n in range(101)]))
    films = write_source(tmp_path / "m", [{} for _ in range(101)])

    def content(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    written = []
    for workers in (1, 2):
        done: list[None] = []
        collect_patches(
            precut, tmp_path / f"p{workers}", KEY, progress=lambda done=done: done.append(None), workers=workers
        )
        cut_patches(read_source(films), tmp_path / f"m{workers}", KEY, Cut(size_px=8), workers=workers)
        assert len(done) == 101
        written.append((content(tmp_path / f"p{workers}"), content(tmp_path / f"m{workers}")))
    assert written[0] == written[1]
    assert len(written[0][0]) == 205
    precut[50].path.write_bytes(b"damaged")
    with refuses("unreadable-image"):
        collect_patches(precut, tmp_path / "none", KEY, workers=2)
    assert not [path for path in tmp_path.iterdir() if "none" in path.name]


@pytest.mark.slow
def test_the_published_patches_of_128_px(tmp_path: Path) -> None:
    root = os.environ.get("LOOKALIKE_DATA")
    if not root:
        pytest.skip("LOOKALIKE_DATA is unset; it names the folder that holds cbis-ddsm-mass-128/")
    folder = Path(root) / "cbis-ddsm-mass-128"
    key = (Path(__file__).parents[2] / "data/models/cbis-ddsm.key").read_bytes().strip()
    limits = Limits(max_white=0.02, max_black=0.2)
    made = collect_patches(read_precut(folder), tmp_path / "out", key, limits=limits, workers=2)
    assert made.about["patches"] == {"train": 885, "select": 131, "study": 257}
    # The rule of `limits` is that of the table's own columns.
    table = pd.read_csv(folder / "patches.csv")
    assert ((table["white"] <= 0.02) & (table["black"] <= 0.2)).sum() == 1273
    assert len(made.table["mask_file"].dropna()) > 1240
    assert 1.3 < made.about["context_median"] < 1.4
    assert {*COLUMNS, "context", *MASK_COLUMNS} == set(made.table.columns)
