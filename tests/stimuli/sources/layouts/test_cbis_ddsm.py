"""CBIS-DDSM: the official tables with images as TCIA's tools and JPEG repackagings name them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import Pixels, quantise, write_png
from stimuli.sources.boxes_table import read_source

WriteDicom = Callable[..., Path]
Rectangle = Callable[..., Pixels]
SHAPE = (120, 80)
BOXES = [(20, 30, 24, 20), (30, 60, 30, 26), (24, 40, 26, 28)]
SPACED = ("patient_id", "breast density", "left or right breast", "image view", "abnormality id", "pathology",
          "image file path", "cropped image file path", "ROI mask file path")  # fmt: skip
UNDERSCORED = ("patient_id", "breast_density", "left_or_right_breast", "image_view", "abnormality_id", "pathology",
               "image_file_path", "cropped_image_file_path", "ROI_mask_file_path")  # fmt: skip


def deliver(
    folder: Path,
    write: Callable[[Path, Pixels], None],
    texture: Callable[..., Pixels],
    rectangle: Rectangle,
    layout: str,
    columns: tuple[str, ...] = SPACED,
    swapped: tuple[int, ...] = (1,),
) -> None:
    """Three cases of two patients; the second row names its mask as its crop, and the other way round."""
    rows = []
    for n, box in enumerate(BOXES):
        case = f"Mass-Training_P_{n // 2 + 1:05d}_{'LEFT' if n % 2 else 'RIGHT'}_CC"
        film_uid, roi_uid = f"1.3.6.1.4.{n}1", f"1.3.6.1.4.{n}2"
        top = f"CBIS-DDSM/{case}"
        places = {
            "tcia": (f"{top}/study{n}/{film_uid}/1-1.dcm", f"{top}_1/study{n}/{roi_uid}/1-%d.dcm"),
            "dates": (f"{top}/07-20-2016-DDSM/1.000000-full/1-1.dcm", f"{top}_1/07-20-2016-DDSM/1.000000-ROI/1-%d.dcm"),
            "jpeg": (f"jpeg/{film_uid}/1-249.jpg", f"jpeg/{roi_uid}/%d-263.jpg"),
        }[layout]  # fmt: skip
        film, mask = texture(n, *SHAPE), rectangle(SHAPE, *box)
        crop = film[box[1] : box[1] + box[3], box[0] : box[0] + box[2]]
        for path, pixels in ((places[0], film), (places[1] % 1, crop), (places[1] % 2, mask)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write(folder / path, pixels)
        roi = f"{case}_1/study{n}/{roi_uid}/00000%d.dcm"
        named = (roi % 0, roi % 1) if n not in swapped else (roi % 1, roi % 0)
        values = (f"P_{n // 2 + 1:05d}", 3, "LEFT" if n % 2 else "RIGHT", "CC", 1, "MALIGNANT",
                  f"{case}/study{n}/{film_uid}/000000.dcm", named[0], f"{named[1]}\n")  # fmt: skip
        rows.append(dict(zip(columns, values, strict=True)))
    table = folder / ("csv" if layout == "jpeg" else ".") / "mass_case_description_train_set.csv"
    table.parent.mkdir(exist_ok=True)
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def writers(write_dicom: WriteDicom) -> dict[str, Any]:
    def dicom(path: Path, pixels: Pixels) -> None:
        write_dicom(path, quantise(pixels, 8 if set(np.unique(pixels)) <= {0, 1} else 16))

    def jpeg(path: Path, pixels: Pixels) -> None:  # a PNG by another name: JPEG would blur what is tested
        write_png(path, pixels)

    return {"tcia": dicom, "dates": dicom, "jpeg": jpeg}


@pytest.mark.parametrize("columns", [SPACED, UNDERSCORED])
@pytest.mark.parametrize("layout", ["tcia", "dates", "jpeg"])
def test_every_delivery_gives_the_same_lesions(
    tmp_path: Path, writers: dict[str, Any], texture: Any, rectangle: Any, layout: str, columns: tuple[str, ...]
) -> None:
    deliver(tmp_path, writers[layout], texture, rectangle, layout, columns)
    found = read_source(tmp_path)
    assert [one.patient_id for one in found] == ["P_00001", "P_00001", "P_00002"]
    assert [one.laterality for one in found] == ["RIGHT", "LEFT", "RIGHT"]
    made = cut_patches(found, tmp_path / "set", b"a secret of 16 bytes", Cut(16, context=1.5))
    assert made.about["rejected"] == {}
    cut = made.table[["lesion_x", "lesion_y", "lesion_width", "lesion_height"]].to_numpy()
    np.testing.assert_array_equal(cut, BOXES)
    assert made.table["mask_file"].notna().all()
    assert set(made.table["pathology"]) == {"MALIGNANT"}
    row = made.table.iloc[0]
    mask = made.mask(row)
    assert mask is not None
    x, y, width, height = BOXES[0]
    assert mask.sum() * (1.5 * 24 / 16) ** 2 == pytest.approx(width * height, rel=0.02)
    centre = made.read(row)[8, 8]
    assert centre == pytest.approx(found[0].read().pixels[y + height // 2, x + width // 2], abs=0.25)


def test_one_of_several_tables(tmp_path: Path, writers: dict[str, Any], texture: Any, rectangle: Any) -> None:
    deliver(tmp_path, writers["tcia"], texture, rectangle, "tcia")
    first = tmp_path / "mass_case_description_train_set.csv"
    lines = first.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "calc_case_description_test_set.csv").write_text("".join(lines[:1] + lines[-2:]), encoding="utf-8")
    assert sum(len(one.lesions) for one in read_source(tmp_path)) == 4
    assert sum(len(one.lesions) for one in read_source(tmp_path, boxes=first)) == 3


def test_a_mask_of_another_size_is_left_out_and_counted(
    tmp_path: Path, writers: dict[str, Any], texture: Any, rectangle: Any
) -> None:
    deliver(tmp_path, writers["tcia"], texture, rectangle, "tcia")
    (mask,) = tmp_path.glob("CBIS-DDSM/*P_00002*_1/*/*/1-2.dcm")
    writers["tcia"](mask, rectangle((60, 40), 5, 5, 20, 20))
    made = cut_patches(read_source(tmp_path), tmp_path / "set", b"a secret of 16 bytes", Cut(16, context=1.5))
    assert made.about["rejected"] == {"has no mask of the mammogram's size": 1}


def test_an_empty_mask_is_counted(tmp_path: Path, writers: dict[str, Any], texture: Any, rectangle: Any) -> None:
    deliver(tmp_path, writers["tcia"], texture, rectangle, "tcia")
    (mask,) = tmp_path.glob("CBIS-DDSM/*P_00002*_1/*/*/1-2.dcm")
    writers["tcia"](mask, np.zeros(SHAPE, np.float32))
    made = cut_patches(read_source(tmp_path), tmp_path / "set", b"a secret of 16 bytes", Cut(16, context=1.5))
    assert made.about["rejected"] == {"has an empty mask": 1}


def test_mammograms_that_were_not_downloaded_are_counted_and_all_of_them_refused(
    tmp_path: Path, writers: dict[str, Any], texture: Any, rectangle: Any, refuses: Any
) -> None:
    deliver(tmp_path, writers["tcia"], texture, rectangle, "tcia")
    (film,) = tmp_path.glob("CBIS-DDSM/*P_00002_RIGHT_CC/*/*/1-1.dcm")
    film.unlink()
    made = cut_patches(read_source(tmp_path), tmp_path / "set", b"a secret of 16 bytes", Cut(16, context=1.5))
    assert (len(made.table), made.about["rejected"]) == (2, {"image is not in the folder": 1})
    for path in tmp_path.glob("CBIS-DDSM/*_CC/*/*/*.dcm"):
        path.unlink()
    with refuses("missing-file") as caught:
        read_source(tmp_path)
    assert "as is every other image" in str(caught.value)


def test_two_files_for_one_mammogram_are_refused(
    tmp_path: Path, writers: dict[str, Any], texture: Any, rectangle: Any, refuses: Any
) -> None:
    deliver(tmp_path, writers["tcia"], texture, rectangle, "tcia")
    (film,) = tmp_path.glob("CBIS-DDSM/*P_00002_RIGHT_CC/*/*/1-1.dcm")
    film.with_name("1-1.png").write_bytes(b"")
    with refuses("ambiguous-file"):
        read_source(tmp_path)


def test_a_table_without_a_column_or_a_cell(
    tmp_path: Path, writers: dict[str, Any], texture: Any, rectangle: Any, refuses: Any
) -> None:
    deliver(tmp_path, writers["tcia"], texture, rectangle, "tcia")
    table = tmp_path / "mass_case_description_train_set.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("pathology", "diagnosis"), encoding="utf-8")
    with refuses("missing-column"):
        read_source(tmp_path)
    table.write_text(text.replace("P_00002,", ",", 1), encoding="utf-8")
    with refuses("missing-value"):
        read_source(tmp_path)


def test_masks_given_besides_are_refused(
    tmp_path: Path, writers: dict[str, Any], texture: Any, rectangle: Any, refuses: Any
) -> None:
    deliver(tmp_path, writers["tcia"], texture, rectangle, "tcia")
    with refuses("unused-option"):
        read_source(tmp_path, masks=tmp_path)
