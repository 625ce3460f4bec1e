"""Excel workbooks: which sheet is the table, or which are its parts."""

from __future__ import annotations

import io
import itertools
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.files.sheet import Sheet, as_typed, plain_name, sheet_of

if TYPE_CHECKING:
    from openpyxl import Workbook

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# A cell with a formula and without a value; text (t="str") may be empty.
_NOT_COMPUTED = re.compile(
    rb"""<c(?=[ >])(?![^>]*t=["']str)[^>]*>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>|</c>)"""
)
# A row with cells that a filter hides.
_HIDDEN = re.compile(rb"""<row(?=[^>]*\shidden=["'](?:1|true)["'])[^>]*[^/]>\s*<c[ >]""")
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


def _hidden_rows(content: bytes) -> int:
    """How many rows the sheets of a workbook hide: rows that a filter leaves out are in the file all the same."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        return sum(len(_HIDDEN.findall(archive.read(name))) for name in names)


def _cells(book: Workbook) -> dict[str, list[list[str]]]:
    return {
        sheet.title: [[as_typed(value) for value in row] for row in sheet.iter_rows(values_only=True)]
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
    hidden = _hidden_rows(content)
    about = (f"{path.name}: has {hidden} hidden rows, which were read, too",) if hidden else ()
    filled = {name: rows for name, rows in sheets.items() if any(map(any, rows))}
    if sheet:
        if sheet not in sheets:
            raise LookalikeError("not-a-table", f"{path}: has no sheet {sheet!r}; it has {', '.join(sheets)}")
        return sheet_of(path, sheets[sheet], known, header_row, notes=about)
    if not filled:
        raise LookalikeError("not-a-table", f"{path}: is empty; it needs a header and a row per trial")

    def names(rows: list[list[str]]) -> int:
        return max(len({plain_name(cell) for cell in row if cell} & known) for row in rows[:40])

    best = max(filled, key=lambda name: names(filled[name]))  # the first of several
    read = sheet_of(path, filled[best], known, header_row, notes=about)
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
