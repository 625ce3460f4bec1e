from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stimuli.images import Pixels, read_image, write_png
from stimuli.sources.precut import read_precut

Refuses = Callable[[str], AbstractContextManager[Any]]
WritePrecut = Callable[..., Path]
BOX = {"lesion_x": 4, "lesion_y": 3, "lesion_width": 8, "lesion_height": 10}


def test_patches_come_in_the_tables_order_with_what_is_known(tmp_path: Path, write_precut: WritePrecut) -> None:
    known = {"laterality": "LEFT", "view": "CC", "pathology": "BENIGN", "native_side_est": 41, "white": 0.1}
    folder = write_precut(tmp_path / "p", [{"file": "images/b.png", **BOX, **known}, {"patient_id": "007"}])
    first, second = read_precut(folder)
    assert (first.file, first.patient_id, first.laterality, first.view) == ("images/b.png", "000", "LEFT", "CC")
    assert (first.pathology, first.box, first.native_px, first.mask) == ("BENIGN", (4, 3, 8, 10), 41, None)
    assert first.context == pytest.approx(1.6)
    assert (second.patient_id, second.box, second.native_px, second.context) == ("007", None, None, None)
    assert second.size_px == 16
    assert np.array_equal(second.read().pixels, read_image(folder / "images/001.png").pixels)


@pytest.mark.parametrize(
    "names", [("lesion_w", "lesion_h", "native_rows"), ("lesion_width", "lesion_h", "native_side")]
)
def test_columns_have_the_names_in_use(tmp_path: Path, write_precut: WritePrecut, names: tuple[str, ...]) -> None:
    row = {"lesion_x": -2.5, "lesion_y": 1, **dict(zip(names, (6, 7, 30), strict=True))}
    (patch,) = read_precut(write_precut(tmp_path / "p", [row]))
    assert (patch.box, patch.native_px) == ((-2.5, 1, 6, 7), 30)


def test_the_table_may_stand_elsewhere(tmp_path: Path, write_precut: WritePrecut, refuses: Refuses) -> None:
    folder = write_precut(tmp_path / "p", [{}])
    (folder / "patches.csv").rename(tmp_path / "other.csv")
    assert len(read_precut(folder, tmp_path / "other.csv")) == 1
    with refuses("no-such-file"):
        read_precut(folder)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"lesion_x": 3}, "bad-value", "row 3 has no usable box"),
        ({**BOX, "lesion_height": 0}, "bad-value", "row 3 has no usable box"),
        ({**BOX, "lesion_width": "wide"}, "not-a-number", "row 3: lesion_width is 'wide', not a number"),
        ({**BOX, "lesion_y": "inf"}, "not-a-number", "row 3: lesion_y is 'inf', not a number"),
        ({"native_side": 0}, "bad-value", "row 3 has no usable native_side"),
        ({"native_side": "many"}, "not-a-number", "row 3: native_side is 'many', not a number"),
        ({"file": "images/000.png"}, "duplicate-id", "row 3: images/000.png is listed twice"),
        ({"patient_id": " "}, "missing-value", "row 3 has no patient_id"),
        ({"pathology": "Jane Doe"}, "unknown-word", "row 3: pathology is none of"),
        ({"mask": "masks/none.png"}, "missing-file", "none.png: named in patches.csv but missing"),
    ],
)
def test_a_bad_row_is_named(
    tmp_path: Path, write_precut: WritePrecut, refuses: Refuses, change: dict[str, Any], code: str, said: str
) -> None:
    folder = write_precut(tmp_path / "p", [{}, {}])
    table = pd.read_csv(folder / "patches.csv", dtype=object)
    for column, value in change.items():
        table.loc[1, column] = value
    table.to_csv(folder / "patches.csv", index=False)
    with refuses(code) as caught:
        read_precut(folder)
    assert said in str(caught.value)


def test_a_missing_image_and_a_missing_column(tmp_path: Path, write_precut: WritePrecut, refuses: Refuses) -> None:
    folder = write_precut(tmp_path / "p", [{}, {}])
    (folder / "images/001.png").unlink()
    with refuses("missing-file"):
        read_precut(folder)
    (folder / "patches.csv").write_text("file\nimages/000.png\n")
    with refuses("missing-column"):
        read_precut(folder)


def test_another_size_than_asked_for_is_refused(tmp_path: Path, write_precut: WritePrecut, refuses: Refuses) -> None:
    folder = write_precut(tmp_path / "p", [{}])
    assert read_precut(folder, size_px=16)[0].size_px == 16
    with refuses("wrong-size") as caught:
        read_precut(folder, size_px=64)
    assert "its side is 16 px, but --size asks for 64 px" in str(caught.value)


@pytest.mark.parametrize("which", [0, 1])
def test_a_patch_that_is_not_square_is_refused(
    tmp_path: Path, write_precut: WritePrecut, texture: Callable[..., Pixels], refuses: Refuses, which: int
) -> None:
    folder = write_precut(tmp_path / "p", [{}, {}])
    write_png(folder / f"images/00{which}.png", texture(0, 16, 17))
    with refuses("wrong-size") as caught:
        _ = [patch.read() for patch in read_precut(folder)]
    assert f"00{which}.png: is 17 x 16 px, not square" in str(caught.value)


def test_pixels_that_are_not_square_are_refused(
    tmp_path: Path, write_precut: WritePrecut, write_dicom: Callable[..., Path], refuses: Refuses
) -> None:
    folder = write_precut(tmp_path / "p", [{}, {"file": "images/b.dcm"}])
    write_dicom(folder / "images/b.dcm", np.zeros((16, 16), np.uint16), ImagerPixelSpacing=[0.16, 0.1])
    with refuses("wrong-size") as caught:
        _ = [patch.read() for patch in read_precut(folder)]
    assert "of pixels 1.6 times as high as wide" in str(caught.value)


def test_unequal_sizes_and_thumbnails_are_refused(
    tmp_path: Path, write_precut: WritePrecut, texture: Callable[..., Pixels], refuses: Refuses
) -> None:
    folder = write_precut(tmp_path / "p", [{}, {}])
    write_png(folder / "images/001.png", texture(0, 20, 20))
    with refuses("wrong-size") as caught:
        read_precut(folder)[1].read()
    assert "001.png: its side is 20 px, not 16 px" in str(caught.value)
    with refuses("out-of-range"):
        read_precut(write_precut(tmp_path / "q", [{}], size=7))
