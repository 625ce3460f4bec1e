"""Tables in files other than text: Excel workbooks, and JSON records."""

from __future__ import annotations

import datetime
import io
import itertools
import json
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.sheet import Sheet, plain_name, sheet_of
from data.external_tables.text_file import decoded

if TYPE_CHECKING:
    from openpyxl import Workbook

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# A cell with a formula and without a value; text (t="str") may be empty.
_NOT_COMPUTED = re.compile(
    rb"""<c(?=[ >])(?![^>]*t=["']str)[^>]*>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>|</c>)"""
)
_SHEET = "sheet"  # the column that says of which sheet a row is, where several were read
_CSV = "save it as .xlsx or CSV UTF-8 and try again"


def workbook_sheets(path: Path, content: bytes) -> dict[str, list[list[str]]]:
    """All sheets of an Excel workbook, their cells as text. Raises `LookalikeError` if it is not one."""
    if content.startswith(OLE):
        raise LookalikeError("not-a-table", f"{path}: is a workbook of an old Excel (.xls) or is encrypted; {_CSV}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            sheets = [archive.read(name) for name in names if name.startswith("xl/worksheets/")]
    except zipfile.BadZipFile:
        raise LookalikeError("not-a-table", f"{path}: is damaged; open it in Excel, {_CSV}") from None
    if "xl/workbook.xml" not in names:
        what = "an OpenDocument sheet" if "content.xml" in names else "an archive, not an Excel workbook"
        raise LookalikeError("not-a-table", f"{path}: is {what}; {_CSV}")
    from openpyxl import load_workbook  # only here: it takes a while to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells of styles and validations that it leaves out
        try:
            found = _cells(load_workbook(io.BytesIO(content), read_only=True, data_only=True))
            if any(_NOT_COMPUTED.search(sheet) for sheet in sheets):
                written = _cells(load_workbook(io.BytesIO(content), read_only=True))
                found = {title: _with_formulas(rows, written[title]) for title, rows in found.items()}
        except (KeyError, ValueError, TypeError, OSError, SyntaxError) as error:
            raise LookalikeError("not-a-table", f"{path}: not readable as a workbook ({error}); {_CSV}") from None
    return found


def _cells(book: Workbook) -> dict[str, list[list[str]]]:
    return {
        sheet.title: [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
        for sheet in book.worksheets
    }


def _with_formulas(computed: list[list[str]], written: list[list[str]]) -> list[list[str]]:
    """The cells, with its formula where one has no value: an answer that nobody computed is not a missing one."""
    return [
        [value or (formula if formula.startswith("=") else "") for value, formula in zip(*rows, strict=True)]
        for rows in zip(computed, written, strict=True)
    ]


def read_workbook(path: Path, content: bytes, known: frozenset[str], sheet: str, header_row: int) -> Sheet:
    """The sheet of this name, or the one whose header is known best, with those that have the same columns."""
    sheets = workbook_sheets(path, content)
    filled = {name: rows for name, rows in sheets.items() if any(map(any, rows))}
    if sheet:
        if sheet not in sheets:
            raise LookalikeError("not-a-table", f"{path}: has no sheet {sheet!r}; it has {', '.join(sheets)}")
        return sheet_of(path, sheets[sheet], known, header_row)
    if not filled:
        raise LookalikeError("not-a-table", f"{path}: is empty; it needs a header and a row per trial")

    def names(rows: list[list[str]]) -> int:
        return max(len({plain_name(cell) for cell in row if cell} & known) for row in rows[:40])

    best = max(filled, key=lambda name: names(filled[name]))  # the first of several
    read = sheet_of(path, filled[best], known, header_row)
    parts = {best: read, **_of_same_columns(path, filled, best, read, known, header_row)}
    others = [name for name in filled if name not in parts]
    left = f", not {', '.join(map(repr, others))}" if others else ""
    if len(parts) == 1:
        notes = (f"{path.name}: sheet {best!r} was read{left}",) if others else ()
        return replace(read, notes=(*notes, *read.notes))
    several = f"{path.name}: sheets {', '.join(map(repr, parts))}, whose columns are the same, were read as one{left}"
    return replace(read, cells=_stacked(path, parts), notes=(several, *read.notes))


def _of_same_columns(
    path: Path, filled: Mapping[str, list[list[str]]], best: str, read: Sheet, known: frozenset[str], header_row: int
) -> dict[str, Sheet]:
    """The other sheets with the columns of the one that was read: of other participants, or sessions."""
    columns = list(read.cells.columns)
    named = {name for name in columns if not name.startswith("unnamed ")}
    candidates = [name for name, rows in filled.items() if name != best and any(named <= {*row} for row in rows)]
    sheets = {name: sheet_of(path, filled[name], known, header_row) for name in candidates}
    return {name: one for name, one in sheets.items() if list(one.cells.columns) == columns}


def _stacked(path: Path, sheets: Mapping[str, Sheet]) -> pd.DataFrame:
    """The cells of several sheets, with a column that names the sheet, unless there is one of that name.

    Raises `LookalikeError` if all rows of one are in another, so that one is a copy, or what was kept of the other.
    """
    rows = {name: set(one.cells.itertuples(index=False, name=None)) for name, one in sheets.items()}
    for one, other in itertools.permutations(rows, 2):
        if rows[one] <= rows[other]:
            raise LookalikeError(
                "repeated-session",
                f"{path}: all rows of sheet {one!r} are in {other!r}, too; remove one of the two, or name the one to "
                'read in an import file (sheet = "..." under [file])',
            )
    parts = []
    for name, sheet in sheets.items():
        cells = sheet.cells if _SHEET in sheet.cells else sheet.cells.assign(**{_SHEET: name})
        parts.append(cells.set_axis([f"{name}:{row}" for row in cells.index], axis=0))
    return pd.concat(parts).rename_axis("row")


def read_records(path: Path, content: bytes, known: frozenset[str]) -> Sheet:
    """JSON records as a sheet: a list of objects, an object of lists, or such a list on each line (JATOS).

    A cell that holds an object of one value is that value; other objects become columns `name.key`.
    """
    text, notes = decoded(path, content)
    records = list(_records(path, _parsed(path, text)))
    if not records:
        raise LookalikeError("empty-table", f"{path}: holds no record; it needs one per trial")
    flat = [_flat(record) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    # A record has no header row: the first is row 1.
    table = sheet_of(
        path, [names, *([record.get(name, "") for name in names] for record in flat)], known, 1, notes=notes
    )
    cells = table.cells.set_axis(table.cells.index - 1, axis=0).rename_axis("row")
    return Sheet(path, cells, notes=table.notes, repeated=table.repeated)


def _parsed(path: Path, text: str) -> list[Any]:
    text = text.lstrip("\ufeff")
    try:
        return [json.loads(text)]
    except RecursionError:
        raise LookalikeError("not-json", f"{path}: is nested too deeply; it needs a record per trial") from None
    except json.JSONDecodeError as whole:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise LookalikeError("not-json", f"{path}: not readable as JSON ({whole}); export it again") from None


def _records(path: Path, parsed: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    for one in parsed:
        if isinstance(one, list):
            yield from _records(path, one)
        elif isinstance(one, dict):
            lists = [value for value in one.values() if isinstance(value, list)]
            if len(lists) == 1 and lists[0] and all(isinstance(row, dict) for row in lists[0]):
                about = {name: value for name, value in one.items() if value is not lists[0]}
                yield from ({**about, **row} for row in lists[0])
            elif _is_split(one):
                yield from (dict(zip(one["columns"], row, strict=False)) for row in one["data"])
            elif _is_of_columns(one):  # pandas' default: by column, then by row
                yield from ({name: values.get(row) for name, values in one.items()} for row in next(iter(one.values())))
            elif one and len(lists) == len(one) and len({len(value) for value in lists}) == 1:
                yield from (dict(zip(one, row, strict=True)) for row in zip(*lists, strict=True))
            else:
                yield one
        else:
            raise LookalikeError("not-json", f"{path}: holds {one!r} where a record {{...}} is needed")


def _is_split(one: Mapping[str, Any]) -> bool:
    """Whether an object holds names of columns and rows of cells, as pandas writes them."""
    columns, rows = one.get("columns"), one.get("data")
    return isinstance(columns, list) and isinstance(rows, list) and all(isinstance(row, list) for row in rows)


def _is_of_columns(one: Mapping[str, Any]) -> bool:
    """Whether an object holds columns, each an object with the same rows."""
    columns = list(one.values())
    return len(columns) > 1 and all(
        isinstance(column, dict) and column.keys() == columns[0].keys() for column in columns
    )


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, dict) and len(value) == 1:
            (value,) = value.values()
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = json.dumps(value) if isinstance(value, list) else _cell(value)
    return flat


def _cell(value: object) -> str:
    """A cell as a person would have typed it: Excel and JSON hold whole numbers as floats."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time.min:
        return value.date().isoformat()  # Excel has no dates without a time
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return re.sub(r"_x000[dD]_", "", str(value))
