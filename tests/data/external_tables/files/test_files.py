"""However a table is written, the same trials are read; and what is no table says so in a line with the cure."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import LookalikeError
from data.external_tables.files.text import decoded
from data.external_tables.mapping import TableMapping
from data.external_tables.read import read_external_table

FILE = {"encoding": "", "separator": "", "decimal": ""}


def comma(study: pd.DataFrame) -> pd.DataFrame:
    """As a spreadsheet in German writes numbers."""
    return study.assign(response_time=study["response_time"].str.replace(".", ","))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize(
    ("name", "separator"), [("t.csv", ","), ("t.csv", ";"), ("t.tsv", "\t"), ("t.txt", "\t"), ("t.txt", "|")]
)
def test_any_encoding_and_separator(read, is_clean, study, encoding, name, separator):
    is_clean(read(study, name, sep=separator, encoding=encoding))


def test_an_encoding_that_is_guessed_is_told_and_another_can_be_given(read, study, tmp_path):
    assert 'Windows-1252; if letters are wrong, save it as UTF-8 (or, for answers, write encoding = "..."' in " ".join(
        read(study, encoding="cp1252").notes
    )
    renamed = study.replace({"Zoé": "Ольга"})
    path = tmp_path / "cyrillic.csv"
    renamed.to_csv(path, index=False, encoding="cp1251")
    found = read_external_table(path, mapping=TableMapping(file={"encoding": "cp1251"}))
    assert set(found.trials["participant"]) == {"Ольга", "P02"}


def test_decimal_commas_and_percent(read, is_clean, study):
    is_clean(read(comma(study), sep=";"))
    is_clean(read(comma(study), "t.txt", sep="\t", encoding="utf-16"))
    is_clean(read(comma(study), quoting=1))  # in quotation marks, between commas
    percent = read(study.assign(confidence=study["confidence"].map(lambda sure: sure and f"{sure} %")))
    assert percent.trials["confidence"].max() == 4


def test_points_and_commas_in_one_column_are_refused(read, study, refuses):
    mixed = comma(study).replace({"response_time": {"0,75": "1.250"}})
    with refuses("not-a-number") as caught:
        read(mixed, sep=";")
    assert "'1.250'" in str(caught.value)
    assert "row 2" in str(caught.value)


@pytest.mark.parametrize(
    "decorate",
    [
        lambda lines: ["Real or fake, March 2026", "", *lines],
        lambda lines: ['"sep=,"', *lines],
        lambda lines: ["# made by a script", "# version 2", *lines],
        lambda lines: [lines[0].replace(",", " , "), *lines[1:]],
        lambda lines: [lines[0].upper(), *lines[1:]],
        lambda lines: [*lines, ",,,,,,,", ",,,,,,,"],
        lambda lines: [lines[0], "", *lines[1:5], ",,,,,,,", *lines[5:], "", ""],
        lambda lines: [f"{line}," for line in lines],
        lambda lines: [f"{line},,," for line in lines],
        lambda lines: [line.replace(",", " ,") for line in lines],
        lambda lines: [lines[0], *(line.rstrip(",") for line in lines[1:])],
    ],
    ids=["title", "sep=", "comments", "blanks in the header", "capitals", "cleared rows", "blank rows",
         "a trailing comma", "trailing commas", "blanks in cells", "short rows"],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_surrounds_a_table_does_not_matter(tmp_path, is_clean, study, decorate, end):
    path = tmp_path / "table.csv"
    lines = study.to_csv(index=False).splitlines()
    path.write_bytes(end.join(decorate(lines)).encode())
    is_clean(read_external_table(path))


def test_rs_own_table_has_row_names_without_a_header(tmp_path, is_clean, study):
    path = tmp_path / "table.txt"
    rows = [" ".join(f'"{cell}"' if cell else "NA" for cell in row) for row in study.to_numpy()]
    header = " ".join(f'"{name}"' for name in study.columns)
    path.write_text("\n".join([header, *(f'"{number}" {row}' for number, row in enumerate(rows, 1))]))
    is_clean(read_external_table(path))


def test_tables_that_were_joined_with_their_headers(tmp_path, is_clean, study):
    lines = study.to_csv(index=False).splitlines()
    (tmp_path / "all.csv").write_text("\n".join([*lines[:9], lines[0], *lines[9:]]))
    found = read_external_table(tmp_path / "all.csv")
    is_clean(found)
    assert any("again in row 10" in note for note in found.notes)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("signs", [",.", ".,"])
def test_thousands_beside_decimals(read, is_clean, study, separator, signs):
    turned = str.maketrans(",.", signs)
    times = study["response_time"].map(lambda time: time and f"{1000 * float(time):,.1f}".translate(turned))
    assert times.str.contains(signs[0], regex=False).any()
    is_clean(read(study.assign(response_time=times), sep=separator, mapping=TableMapping(time_unit="ms")))


def test_rows_are_counted_as_the_file_has_them(tmp_path, study, refuses):
    path = tmp_path / "table.csv"
    lines = study.replace({"trial": {}}).to_csv(index=False).splitlines()
    lines[3] = lines[3].replace(",generated,", ",gan2,", 1)
    path.write_text("\n".join(["A title", "", *lines[:2], "", *lines[2:]]))
    with refuses("unknown-word") as caught:
        read_external_table(path)
    assert "'gan2'" in str(caught.value)
    assert "(row 7)" in str(caught.value)


def write_book(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def typed(study: pd.DataFrame) -> list[list[object]]:
    """The rows with numbers as numbers, as a workbook holds them."""
    numbers = ("session", "trial", "confidence", "response_time")
    rows = [
        [float(value) if name in numbers and value else value or None for name, value in row.items()]
        for row in study.to_dict("records")
    ]
    return [list(study.columns), *rows]


def test_a_workbook_with_a_title_and_other_sheets(tmp_path, is_clean, study):
    notes = [["Notes"], ["Recorded in March"], [datetime.date(2026, 3, 2), True, "=1+1"]]
    path = write_book(tmp_path / "t.xlsx", {"Notes": notes, "Data": [["Study 7"], [], *typed(study), [], [None, None]]})
    found = read_external_table(path)
    is_clean(found)
    assert any("sheet 'Data' was read" in note for note in found.notes)
    renamed = path.rename(tmp_path / "t.csv")  # as it happens
    is_clean(read_external_table(renamed))


def test_a_sheet_is_chosen_by_name(tmp_path, refuses, is_clean, study):
    half = typed(study.iloc[:8])
    path = write_book(tmp_path / "t.xlsx", {"first": half, "all": typed(study)})
    is_clean(read_external_table(path, mapping=TableMapping(file={"sheet": "all"})))
    with refuses("repeated-session") as caught:  # what was kept of the other
        read_external_table(path)
    assert "all rows of sheet 'first' are in 'all', too" in str(caught.value)
    with refuses("not-a-table") as caught:
        read_external_table(path, mapping=TableMapping(file={"sheet": "last"}))
    assert "first, all" in str(caught.value)


def test_sheets_of_the_same_columns_are_one_table(tmp_path, refuses, is_clean, study):
    halves = {name: typed(part) for name, part in study.groupby("participant")}
    path = write_book(tmp_path / "t.xlsx", {"Notes": [["Recorded in March"]], **halves})
    found = read_external_table(path)
    is_clean(found)
    assert any("read as one, not 'Notes'" in note for note in found.notes)
    nameless = {name: [row[1:] for row in rows] for name, rows in halves.items()}
    path = write_book(tmp_path / "nameless.xlsx", nameless)
    with refuses("missing-column") as caught:
        read_external_table(path)
    assert "sheet; name yours with --columns participant=..." in str(caught.value)
    found = read_external_table(path, mapping=TableMapping({"participant": "sheet"}))
    assert set(found.trials["participant"]) == set(halves)
    wrong = {name: [*rows[:2], [*rows[2][:4], "gan2", *rows[2][5:]]] for name, rows in halves.items()}
    with refuses("unknown-word") as caught:
        read_external_table(write_book(tmp_path / "wrong.xlsx", wrong))
    assert f"(row {next(iter(halves))}:3" in str(caught.value)


def test_a_date_as_an_id_has_no_midnight(tmp_path, study):
    rows = typed(study)
    days = {name: datetime.datetime(2026, 3, day) for day, name in enumerate(study["participant"].unique(), 1)}
    dated = [rows[0], *([days[row[0]], *row[1:]] for row in rows[1:])]
    found = read_external_table(write_book(tmp_path / "t.xlsx", {"a": dated}))
    assert set(found.trials["participant"]) == {day.date().isoformat() for day in days.values()}


def test_ids_that_excel_made_numbers(tmp_path, study):
    numbered = study.replace({"participant": {"Zoé": "1", "P02": "2"}})
    rows = typed(numbered)
    for row in rows[1:]:
        row[0] = float(row[0])
    found = read_external_table(write_book(tmp_path / "t.xlsx", {"a": rows}))
    assert set(found.trials["participant"]) == {"1", "2"}


def records(study: pd.DataFrame) -> list[dict[str, object]]:
    return [{name: value or None for name, value in row.items()} for row in study.to_dict("records")]


@pytest.mark.parametrize(
    "write",
    [
        lambda rows: json.dumps(rows),
        lambda rows: json.dumps({"experiment": "x", "trials": rows}),
        lambda rows: json.dumps({name: [row[name] for row in rows] for name in rows[0]}),
        lambda rows: pd.DataFrame(rows).to_json(),
        lambda rows: pd.DataFrame(rows).to_json(orient="split"),
        lambda rows: "\n".join(json.dumps(row) for row in rows),
        lambda rows: "\n".join([json.dumps(rows[:8]), json.dumps(rows[8:])]),  # JATOS: a line per participant
        lambda rows: "\ufeff" + json.dumps([{**row, "confidence": {"Q0": row["confidence"]}} for row in rows]),
    ],
    ids=[
        "records",
        "in an object",
        "columns",
        "pandas",
        "pandas, split",
        "lines",
        "JATOS",
        "object of one value, with a mark",
    ],
)
def test_json(tmp_path, is_clean, study, write):
    path = tmp_path / "table.json"
    path.write_text(write(records(study)), encoding="utf-8")
    is_clean(read_external_table(path))


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(zipfile.ZipInfo(name), "x")  # of no time: the bytes are part of the test's name
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code", "told"),
    [
        ("t.csv", b"", "not-a-table", "is empty"),
        ("t.csv", b"\n\n,,\n", "not-a-table", "is empty"),
        ("t.csv", b"participant,truth\n\"a,real\nb,real\n", "not-a-table", "quotation marks"),
        ("t.csv", b"participant,truth,response\na,real,real,5\n", "ragged-table", "row 2 has 4 cells, its header 3"),
        ("t.csv", b"\x00\x01\x02\x03rubbish\x00", "not-a-table", "save it as"),
        ("t.csv", b"participant,truth\n\x81\x8d\x8f\xff,real\n", "not-a-table", "save it as UTF-8"),
        ("t.sav", b"$FL2" + bytes(200), "not-a-table", "not a text file"),
        ("t.mat", b"MATLAB 5.0 MAT-file, Platform" + bytes(100), "not-a-table", "not a text file"),
        ("t.csv.gz", gzip.compress(b"participant,truth\n", mtime=0), "not-a-table", "unpack it"),
        ("t.xls", b"<html><table><tr><td>participant</td></tr></table>", "not-a-table", "a web page or XML"),
        ("t.pdf", b"%PDF-1.7\n1 0 obj", "not-a-table", "a document"),
        ("t.csv", b"{\\rtf1\\ansi participant,truth}", "not-a-table", "a document"),
        ("t.csv", b"\xff\xfea", "not-a-table", "save it as UTF-8"),
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not-a-table", "save it as .xlsx"),
        ("t.ods", archive("content.xml"), "not-a-table", "OpenDocument"),
        ("t.xlsx", archive("a.txt"), "not-a-table", "not an Excel workbook"),
        ("t.xlsx", b"PK\x03\x04broken", "not-a-table", "damaged"),
        ("t.xlsx", archive("xl/workbook.xml"), "not-a-table", "not readable as a workbook"),
        ("t.json", b"[{", "not-json", "not readable as JSON"),
        ("t.json", b"[1, 2]", "not-json", "a record"),
        ("t.json", b"[]", "empty-table", "no record"),
    ],
)  # fmt: skip
def test_what_is_no_table_says_so(tmp_path, refuses, name, content, code, told):
    (tmp_path / name).write_bytes(content)
    with refuses(code) as caught:
        read_external_table(tmp_path / name)
    assert told in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ({"encoding": "klingon"}, "bad-setting"),
        ({"encoding": "ascii"}, "not-a-table"),
        ({"separator": "--"}, "bad-setting"),
        ({"program": "matlab"}, "bad-setting"),
        ({"header_row": 40}, "not-a-table"),
    ],
)
def test_settings_that_do_not_fit_the_file(read, study, refuses, file, code):
    with refuses(code):
        read(study, mapping=TableMapping(file=file))


def test_settings_that_fit(read, is_clean, study):
    how = {"separator": "\\t", "encoding": "utf-16", "header_row": 1, "decimal": ",", "program": "none"}
    is_clean(read(comma(study), sep="\t", encoding="utf-16", mapping=TableMapping(file=how)))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
@settings(max_examples=60)
def test_a_text_survives_every_marked_encoding(text):
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        if encoding != "utf-8" or not text.startswith("\ufeff"):
            assert decoded(Path("t.csv"), text.encode(encoding))[0].lstrip("\ufeff") == text.lstrip("\ufeff")


def test_a_formula_that_nobody_computed_is_no_missing_answer(tmp_path, refuses, study):
    """openpyxl and others write formulas without their values, and an empty cell would be a missing answer."""
    rows = typed(study)
    column = list(study.columns).index("response")
    rows[1] = [*rows[1][:column], '=IF(1,"real","fake")', *rows[1][column + 1 :]]
    with refuses("not-computed") as caught:
        read_external_table(write_book(tmp_path / "t.xlsx", {"s": rows}))
    assert "response is a formula without its value" in str(caught.value)
    assert "(row 2)" in str(caught.value)


@pytest.mark.parametrize(
    "text", ['{"columns": 3, "data": [[1]]}', '{"columns": ["a"], "data": 3}', '[{"a": [1, 2]}]', "[" * 100_000]
)
def test_json_of_other_shapes_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(LookalikeError) as caught:
        read_external_table(tmp_path / "t.json")
    assert "\n" not in str(caught.value)


def test_rows_that_a_filter_hides_are_told(tmp_path, is_clean, study):
    path = tmp_path / "t.xlsx"
    study.to_excel(path, index=False)
    is_clean(found := read_external_table(path))
    assert not any("hidden" in note for note in found.notes)
    book = openpyxl.load_workbook(path)
    for row in (3, 4, 40):  # the last has no cells
        book.active.row_dimensions[row].hidden = True
    book.save(path)
    is_clean(found := read_external_table(path))
    assert "t.xlsx: has 2 hidden rows, which were read, too" in found.notes
