"""`boxes.csv` as spreadsheets, R and people write it: the same lesions whatever the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import LookalikeError
from stimuli.images import Pixels, write_png
from stimuli.sources.boxes_table import Mammogram, read_source
from stimuli.sources.precut import read_precut

Texture = Callable[..., Pixels]
Refuses = Callable[[str], Any]
ROWS = [
    {"file": "ä.png", "patient_id": "007", "x": 1.5, "y": 2, "width": 8.25, "height": 9, "pathology": "BENIGN"},
    {"file": "b.png", "patient_id": "008", "x": 3, "y": 4.5, "width": 10, "height": 7.125, "pathology": None},
]
TABLE = pd.DataFrame(ROWS)
POINTS = TABLE.to_csv(index=False)
COMMAS = TABLE.to_csv(index=False, sep=";", decimal=",")


def workbook(path: Path) -> None:
    TABLE.to_excel(path, index=False)


def with_a_title(path: Path) -> None:
    """Ids are text, so that Excel keeps the zeros."""
    with pd.ExcelWriter(path) as book:
        TABLE.to_excel(book, index=False, startrow=3)
        book.sheets["Sheet1"]["A1"] = "Lesions, second reading"


WAYS: dict[str, Callable[[Path], object]] = {
    "UTF-8": lambda path: path.write_text(POINTS, encoding="utf-8"),
    "UTF-8 with a mark": lambda path: path.write_text(POINTS, encoding="utf-8-sig"),
    "UTF-16": lambda path: path.write_text(POINTS.replace(",", "\t"), encoding="utf-16"),
    "Windows-1252": lambda path: path.write_text(POINTS, encoding="cp1252"),
    "semicolons, decimal commas": lambda path: path.write_text(COMMAS, encoding="utf-8"),
    "semicolons in Windows-1252": lambda path: path.write_text(COMMAS, encoding="cp1252"),
    "sep=": lambda path: path.write_text("sep=;\n" + COMMAS, encoding="utf-8-sig"),
    "tabs": lambda path: path.write_text(POINTS.replace(",", "\t"), encoding="utf-8"),
    "blank rows": lambda path: path.write_text("\n" + POINTS.replace("\n", "\n,,,,,,\n\n"), encoding="utf-8"),
    "Macintosh lines": lambda path: path.write_bytes(POINTS.replace("\n", "\r").encode()),
    "quotes": lambda path: TABLE.to_csv(path, index=False, quoting=1),
    "row names of R": lambda path: TABLE.set_axis([1, 2]).to_csv(path),
    "other names": lambda path: path.write_text(
        POINTS.replace("patient_id,x,y,width,height", " Patient ID ,X,Y,Width,HEIGHT"), encoding="utf-8"
    ),
    "NA of R": lambda path: TABLE.fillna("NA").to_csv(path, index=False),
    "workbook": workbook,
    "workbook with a title": with_a_title,
    "records": lambda path: path.write_text(json.dumps([{k: v for k, v in row.items() if v} for row in ROWS])),
}
SUFFIXES = {"workbook": ".xlsx", "workbook with a title": ".xlsx", "records": ".json"}


@pytest.fixture
def folder(tmp_path: Path, texture: Texture) -> Path:
    for row in ROWS:
        write_png(tmp_path / str(row["file"]), texture(0))
    return tmp_path


def boxes(mammograms: list[Mammogram]) -> list[tuple[object, ...]]:
    return [
        (one.file, one.patient_id, lesion.x, lesion.y, lesion.width, lesion.height, lesion.pathology)
        for one in mammograms
        for lesion in one.lesions
    ]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_writing_the_table_gives_the_same_lesions(folder: Path, way: str) -> None:
    path = folder / f"table{SUFFIXES.get(way, '.csv')}"
    WAYS[way](path)
    expected = [tuple(value or "" for value in row.values()) for row in ROWS]
    assert boxes(read_source(folder, path)) == expected


@pytest.mark.parametrize("name", ["boxes.csv", "boxes.tsv", "boxes.txt", "boxes.xlsx"])
def test_the_table_is_found_under_its_name_with_any_suffix(folder: Path, name: str) -> None:
    (workbook if name.endswith("xlsx") else WAYS["tabs"])(folder / name)
    assert len(read_source(folder)) == 2


def test_an_assumed_encoding_is_told(folder: Path) -> None:
    WAYS["Windows-1252"](folder / "boxes.csv")
    told: list[str] = []
    read_source(folder, tell=told.append)
    (note,) = told
    assert note.startswith("boxes.csv: is not UTF-8, so it was read as Windows-1252; if letters are wrong, ")


def test_rows_are_counted_as_in_the_file(folder: Path, refuses: Refuses) -> None:
    header, first, second = POINTS.splitlines()
    broken = second.replace("10.0", "ten")
    (folder / "boxes.csv").write_text("\n".join(["Lesions", "", header, first, "", "", broken]), encoding="utf-8")
    with refuses("not-a-number") as caught:
        read_source(folder)
    assert str(caught.value).endswith("boxes.csv: row 7: width is 'ten', not a number")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (POINTS.replace("pathology", "Width"), "repeated-column", "column width is there twice"),
        (POINTS.replace("8.25", '"1,234"'), "not-a-number", "thousands or a decimal comma"),
        (POINTS.replace("8.25", '"1.234,5"'), "not-a-number", "row 2: width is '1.234,5', not a number"),
        (POINTS.replace("8.25", '"1.234"').replace("10.0", '"8,5"'), "not-a-number", "1.234', which may be thousands"),
        (POINTS.replace("width", "w"), "missing-column", "width is missing; it has file, patient_id, x, y, w,"),
        (POINTS.replace("BENIGN", '"BENIGN'), "not-a-table", "quotation marks"),
        ("", "not-a-table", "is empty"),
        ("file\n", "missing-column", "patient_id"),
        ("file,patient_id,X_min,Y_min,X_max,Y_max\n", "missing-column", "width = xmax - xmin"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(folder: Path, text: str, code: str, said: str, refuses: Refuses) -> None:
    (folder / "boxes.csv").write_text(text, encoding="utf-8")
    with refuses(code) as caught:
        read_source(folder)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{folder / 'boxes.csv'}: ")


@pytest.mark.parametrize("word", ["NA", "n/a", "NaN", "None", "null"])
def test_a_word_for_missing_is_no_patient(folder: Path, word: str, refuses: Refuses) -> None:
    (folder / "boxes.csv").write_text(POINTS.replace(",007,", f",{word},"), "utf-8")
    with refuses("missing-value") as caught:
        read_source(folder)
    assert "row 2 has no patient_id" in str(caught.value)


def test_a_patient_whose_id_a_spreadsheet_shortened_is_refused(folder: Path, refuses: Refuses) -> None:
    (folder / "boxes.csv").write_text(POINTS.replace(",007,", ",6.12346E+11,"), "utf-8")
    with refuses("shortened-id") as caught:
        read_source(folder)
    assert "row 2: patient_id is '6.12346E+11'" in str(caught.value)


def test_a_decimal_comma_in_a_quoted_cell_is_one(folder: Path) -> None:
    (folder / "boxes.csv").write_text(POINTS.replace("8.25", '"8,25"'), encoding="utf-8")
    assert read_source(folder)[0].lesions[0].width == 8.25


def test_thousands_in_groups_that_can_be_nothing_else(folder: Path) -> None:
    (folder / "boxes.csv").write_text(POINTS.replace("8.25", '"1,008.25"'), encoding="utf-8")
    assert read_source(folder)[0].lesions[0].width == 1008.25


def test_a_table_of_precut_patches_is_read_alike(tmp_path: Path, texture: Texture) -> None:
    write_png(tmp_path / "a.png", texture(0, 16, 16))
    text = "file;patient_id;lesion_x;lesion_y;lesion_w;lesion_h;native_side\na.png;1;2,5;3;8,5;4;40\n"
    (tmp_path / "patches.csv").write_text(text, encoding="utf-16")
    (patch,) = read_precut(tmp_path)
    assert (patch.box, patch.native_px) == ((2.5, 3.0, 8.5, 4.0), 40)


CELL = st.one_of(
    st.sampled_from(
        ["", "1", "-1", "1e9", "1,5", "1.000,5", "NaN", "inf", "0", "²", "１２", '"', ";", "\t", "\ufeff", "=1+1"]
    ),
    st.text(max_size=6),
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=6, max_size=8), max_size=5),
    separator=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_any_cells_are_lesions_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str, encoding: str, texture: Texture
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    write_png(folder / "1", texture(0))
    header = ["file", "patient_id", "x", "y", "width", "height", "frame", "pixel_aspect"]
    lines = [separator.join(row) for row in [header, *rows]]
    (folder / "boxes.csv").write_text("\n".join(lines), encoding=encoding, errors="replace", newline="")
    try:
        found = read_source(folder)
    except LookalikeError as error:
        if "\n" in str(error):
            pytest.fail(str(error))
        return
    for mammogram in found:
        for lesion in mammogram.lesions:
            assert lesion.width > 0
            assert lesion.height > 0
