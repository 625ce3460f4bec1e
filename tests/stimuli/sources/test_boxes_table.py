from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.errors import LookalikeError
from stimuli.images import Pixels, write_png
from stimuli.sources.boxes_table import Lesion, read_source

WriteSource = Callable[..., Path]


def refusal(folder: Path, code: str) -> str:
    """The one line with which listing or reading the mammograms is refused."""
    with pytest.raises(LookalikeError) as caught:
        _ = [mammogram.read() for mammogram in read_source(folder)]
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_mammograms_come_in_the_tables_order_with_their_lesions(tmp_path: Path, texture: Callable[..., Pixels]) -> None:
    for name in ("b.png", "a.png"):
        write_png(tmp_path / name, texture(1, 40, 60))
    (tmp_path / "boxes.csv").write_text(
        "file,patient_id,x,y,width,height,lesion,laterality,view,pathology,pixel_aspect,breast_density\n"
        "b.png,001,1,2,3.5,4,1,LEFT,CC,BENIGN,1.6,3\n"
        "a.png,NB,5,6,7,8,1,RIGHT,MLO,MALIGNANT,1.5,2\n"
        "b.png,001,9,10,11,12,2,LEFT,CC,n/a,1.6,3\n"
    )
    b, a = read_source(tmp_path)
    assert (b.file, b.patient_id, b.laterality, b.view, b.pixel_aspect) == ("b.png", "001", "LEFT", "CC", 1.6)
    assert b.lesions == (Lesion(1, 1, 2, 3.5, 4, "BENIGN"), Lesion(2, 9, 10, 11, 12, ""))
    assert (a.file, a.patient_id, a.laterality, a.view, a.pixel_aspect) == ("a.png", "NB", "RIGHT", "MLO", 1.5)
    assert b.read().pixels.shape == (40, 60)
    assert b.read().pixel_aspect == 1.6


def test_without_its_columns_lesions_are_numbered_and_pixels_square(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}, {"file": "images/00000.png", "patient_id": "000", "x": 3}])
    (mammogram,) = read_source(folder)
    assert [lesion.number for lesion in mammogram.lesions] == [1, 2]
    assert (mammogram.laterality, mammogram.view, mammogram.pixel_aspect) == ("", "", None)
    assert mammogram.read().pixel_aspect == 1.0


def test_the_table_may_stand_elsewhere(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}])
    shutil.move(folder / "boxes.csv", tmp_path / "other.csv")
    assert len(read_source(folder, tmp_path / "other.csv")) == 1
    assert "no such table, with one row per lesion" in refusal(folder, "no-such-file")


def test_a_dicoms_own_spacing_holds_unless_the_table_says_otherwise(
    tmp_path: Path, write_dicom: Callable[..., Path]
) -> None:
    write_dicom(tmp_path / "a.dcm", np.zeros((30, 40), np.uint16), ImagerPixelSpacing=[0.16, 0.1])
    table = pd.DataFrame([{"file": "a.dcm", "patient_id": "1", "x": 5, "y": 5, "width": 9, "height": 9}])
    table.to_csv(tmp_path / "boxes.csv", index=False)
    (mammogram,) = read_source(tmp_path)
    assert mammogram.read().pixel_aspect == pytest.approx(1.6)
    assert mammogram.read().pixels.shape == (30, 40)
    table.assign(pixel_aspect=1.2).to_csv(tmp_path / "boxes.csv", index=False)
    (mammogram,) = read_source(tmp_path)
    assert mammogram.read().pixel_aspect == 1.2
    assert mammogram.read().bit_depth == 16


def test_no_such_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none", "no-such-folder").startswith(f"{tmp_path / 'none'}: no such folder")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "notes.txt").write_text("nothing here")
    assert refusal(tmp_path, "no-images").startswith(f"{tmp_path}: holds no images")


def test_a_table_without_rows_or_columns(tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text("file,patient_id,x,y,width,height\n")
    refusal(tmp_path, "empty-table")
    (tmp_path / "boxes.csv").write_text("file,patient_id,x,y,width\na.png,1,1,1,1\n")
    assert "column height is missing" in refusal(tmp_path, "missing-column")


def test_a_file_that_is_named_but_missing(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}, {}])
    (folder / "images/00001.png").unlink()
    assert refusal(folder, "missing-file") == f"{folder / 'images/00001.png'}: named in boxes.csv but missing"


def test_a_name_that_is_too_long_for_a_file(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}, {}])
    table = folder / "boxes.csv"
    table.write_text(table.read_text().replace("images/00001.png", 5000 * "a"))
    assert "aaa..." in refusal(folder, "missing-file")


@pytest.mark.parametrize(
    "box",
    [{"x": 39}, {"y": 39}, {"x": -1}, {"y": -1}, {"width": 1000}, {"height": 1000}, {"x": -1000}, {"width": 1e300}],
)
def test_a_box_outside_its_image_is_refused(tmp_path: Path, write_source: WriteSource, box: dict[str, object]) -> None:
    folder = write_source(tmp_path / "m", [{}, box])
    message = refusal(folder, "box-outside-image")
    assert message.startswith(f"{folder / 'images/00001.png'}: box of lesion 1 ")
    assert "reaches outside the image of 48 x 48" in message


@pytest.mark.parametrize("box", [{"x": 38}, {"y": 38}, {"x": 0, "y": 0}, {"x": -0.4}, {"x": 38.4}])
def test_a_box_at_the_edge_has_half_a_pixel_of_tolerance(
    tmp_path: Path, write_source: WriteSource, box: dict[str, object]
) -> None:
    (mammogram,) = read_source(write_source(tmp_path / "m", [box]))
    assert mammogram.read().pixels.shape == (48, 48)


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ({"x": None}, "has no usable box: x is empty"),
        ({"height": "n/a"}, "has no usable box: height is empty"),
        ({"y": "left"}, "y is 'left', not a number"),
        ({"y": "inf"}, "y is 'inf', not a number"),
        ({"y": "50%"}, "y is '50%', not a number"),
        ({"y": "1,234"}, "y is '1,234', which may be thousands or a decimal comma"),
        ({"width": 0}, "has no usable box: width is 0; it must be above 0"),
        ({"height": -3}, "has no usable box: height is -3; it must be above 0"),
        ({"file": None}, "has no file"),
        ({"patient_id": None}, "has no patient_id"),
        ({"pixel_aspect": 0}, "has no usable pixel_aspect: 0"),
        ({"pixel_aspect": np.inf}, "pixel_aspect is 'inf', not a number"),
        ({"pixel_aspect": "wide"}, "pixel_aspect is 'wide', not a number"),
        ({"pathology": "Jane Doe"}, "pathology is none of BENIGN"),
        ({"laterality": "Jane Doe"}, "laterality is none of LEFT"),
        ({"view": "Jane Doe"}, "view is none of CC"),
        ({"patient_id": "  "}, "has no patient_id"),
        ({"patient_id": "_ABC"}, "differs from ABC only in how it is written"),
    ],
)
def test_a_bad_row_is_named_as_a_spreadsheet_counts(
    tmp_path: Path, write_source: WriteSource, box: dict[str, object], why: str
) -> None:
    good = {"pixel_aspect": 1.0, "pathology": "benign", "laterality": "L", "view": "CC"}
    folder = write_source(tmp_path / "m", [good | {"patient_id": "ABC"}, good])
    table = pd.read_csv(folder / "boxes.csv", dtype=object)
    for column, value in box.items():
        table.loc[1, column] = value
    table.to_csv(folder / "boxes.csv", index=False)
    codes = {
        ", not a": "not-a-number",
        ", which may": "not-a-number",
        "has no usable": "bad-value",
        "has no ": "missing-value",
        " is none of": "unknown-word",
    }
    code = next((code for part, code in codes.items() if part in why), "ambiguous-patient")
    message = refusal(folder, code)
    assert message.startswith(f"{folder / 'boxes.csv'}: row 3")
    assert why in message


def test_one_image_of_two_patients_is_refused(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}, {"file": "images/00000.png", "patient_id": "01"}])
    assert refusal(folder, "ambiguous-patient").startswith(
        f"{folder / 'images/00000.png'}: belongs to several patients"
    )


def test_spaces_around_an_id_do_not_make_another_patient(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{"patient_id": name} for name in ("P1", "P1 ", " P1")])
    assert {mammogram.patient_id for mammogram in read_source(folder)} == {"P1"}


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        ("12.0", "12", "12"),
        ("p1", "P1", "P1"),
        ("P 1", "p1", "p1"),
        ("P1", "Ｐ１ ", "P1"),
        ("é1", "e\u03011", "é1"),
        ("12", "12,0", "12"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_one_patient_in_two_writings_has_one_code_and_is_told(
    tmp_path: Path, write_source: WriteSource, one: str, other: str, kept: str, turned: bool
) -> None:
    names = (other, one) if turned else (one, other)
    folder = write_source(tmp_path / "m", [{"patient_id": name} for name in names])
    told: list[str] = []
    assert {mammogram.patient_id for mammogram in read_source(folder, tell=told.append)} == {kept}
    (note,) = [note for note in told if "taken for one" in note]
    assert note.startswith(f"{folder / 'boxes.csv'}: patients written in several ways were taken for one: ")


@pytest.mark.parametrize(
    ("one", "other"), [("12", "012"), ("P_1", "P1"), ("P-1", "p 01"), ("1-23", "1_23"), ("Ann Lee", "Ann-Lee")]
)
def test_ids_that_may_be_one_patient_are_refused(
    tmp_path: Path, write_source: WriteSource, one: str, other: str
) -> None:
    refusal(write_source(tmp_path / "m", [{"patient_id": one}, {"patient_id": other}]), "ambiguous-patient")


@pytest.mark.parametrize(("one", "other"), [("1-23", "12-3"), ("P1", "P11"), ("A1", "B1"), ("1.5", "15"), ("-", "+")])
def test_ids_that_differ_in_more_are_two_patients(
    tmp_path: Path, write_source: WriteSource, one: str, other: str
) -> None:
    folder = write_source(tmp_path / "m", [{"patient_id": one}, {"patient_id": other}])
    assert [mammogram.patient_id for mammogram in read_source(folder)] == [one, other]


@pytest.mark.parametrize("written", ["12", "12.0", "12.00", " 12 ", "１２"])
def test_a_patients_number_is_a_whole_one_in_every_table(
    tmp_path: Path, write_source: WriteSource, written: str
) -> None:
    folder = write_source(tmp_path / "m", [{"patient_id": written}, {"patient_id": "12"}])
    assert {mammogram.patient_id for mammogram in read_source(folder)} == {"12"}


@pytest.mark.parametrize("blanks", [(" ", ""), ("", " "), ("\t", " \t")])
def test_blanks_around_the_names_of_columns_do_not_count(
    tmp_path: Path, write_source: WriteSource, blanks: tuple[str, str]
) -> None:
    folder = write_source(tmp_path / "m", [{"patient_id": "007"}])
    header, rows = (folder / "boxes.csv").read_text(encoding="utf-8").split("\n", 1)
    spaced = ",".join(name.join(blanks) for name in header.split(","))
    (folder / "boxes.csv").write_text(f"{spaced}\n{rows}", encoding="utf-8")
    (found,) = read_source(folder)
    assert (found.patient_id, found.lesions[0].width) == ("007", 10)


def test_boxes_in_shares_of_the_image_are_refused(tmp_path: Path, write_source: WriteSource) -> None:
    shares = {"x": 0.4, "y": 0.3, "width": 0.2, "height": 0.25}
    assert "0 to 1" in refusal(write_source(tmp_path / "m", [shares, shares]), "bad-value")


def test_an_empty_pixel_aspect_is_the_files_own(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{"pixel_aspect": 1.5}, {"pixel_aspect": None}])
    assert [one.pixel_aspect for one in read_source(folder)] == [1.5, None]


def test_one_image_written_in_several_ways_is_one(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}])
    lesion = "1,{},1,{},19,10,10\n"
    ways = ("images/00000.png", "./images/00000.png", "images\\00000.png", "images//00000.png")
    (folder / "boxes.csv").write_text(
        "n,file,patient_id,x,y,width,height\n" + "".join(map(lesion.format, ways, range(4)))
    )
    (found,) = read_source(folder)
    assert (found.file, len(found.lesions)) == ("images/00000.png", 4)
    (folder / "boxes.csv").write_text(
        "file,patient_id,x,y,width,height\nimages/00000.png,P1,19,19,10,10\n./images/00000.png,P2,19,19,10,10\n"
    )
    assert "several patients" in refusal(folder, "ambiguous-patient")


@pytest.mark.parametrize(
    ("column", "first", "second"), [("pixel_aspect", 1, 2), ("laterality", "LEFT", "RIGHT"), ("view", "CC", "")]
)
def test_rows_of_one_image_must_agree_on_it(
    tmp_path: Path, write_source: WriteSource, column: str, first: object, second: object
) -> None:
    same = {"file": "images/00000.png", "patient_id": "000", "x": 3}
    folder = write_source(tmp_path / "m", [{column: first}, {**same, column: second}])
    said = refusal(folder, "bad-value")
    assert f"{column} of images/00000.png is" in said
    table = pd.read_csv(folder / "boxes.csv", dtype=str)
    table.assign(**{column: str(first)}).to_csv(folder / "boxes.csv", index=False)
    assert len(read_source(folder)) == 1


def test_a_lesion_that_is_there_twice_is_refused(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}, {"file": "images/00000.png", "patient_id": "000", "x": 3}])
    table = pd.read_csv(folder / "boxes.csv", dtype=str)
    pd.concat([table, table.iloc[:1]]).to_csv(folder / "boxes.csv", index=False)
    assert "row 4 is the lesion of row 2 again" in refusal(folder, "repeated-lesion")
    pd.concat([table, table.iloc[:1].assign(width="5")]).to_csv(folder / "boxes.csv", index=False)
    (mammogram,) = read_source(folder)
    assert len(mammogram.lesions) == 3
