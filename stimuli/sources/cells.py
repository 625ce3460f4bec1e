"""The cells of a table of images, whatever file they came in: read as every other table is, numbers as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.decimals import Decimal, decimal_sign, has_both, in_doubt, with_point
from data.external_tables.files.records import read_records
from data.external_tables.files.sheet import Sheet, plain_name
from data.external_tables.files.text import read_text_table
from data.external_tables.files.workbook import OLE, ZIP, read_workbook
from data.external_tables.mapping import FileSettings
from data.external_tables.values import number_in

_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_CORNERS = {"xmin", "ymin", "xmax", "ymax"}
_MISSING = ("n/a", "na", "nan", "none", "null", "#n/a")  # cells that mean nothing is known
_FILE = "file"  # NA may be the name of one; of those words only n/a means that it is unknown


def read_cells(
    table: Path,
    names: Sequence[str],
    required: Sequence[str],
    numeric: Sequence[str],
    tell: Callable[[str], None] = lambda _note: None,
) -> pd.DataFrame:
    """The columns called `names`, as far as they are there, as text, and those of them in `numeric` as numbers.

    Any encoding and separator, decimal commas, blank rows, a title above the header, workbooks and JSON records; case,
    blanks and punctuation in the names of columns do not count. Empty cells and n/a are None, as are NA, NaN, None and
    null except as the name of a file, or NaN among numbers. The index is the row in the file, as a spreadsheet counts.
    `tell` is called with what one should know of how the file was read.

    Raises `LookalikeError` if the file is no table, a `required` column is missing, one is there twice, or a cell of a
    numeric one is no number.
    """
    known = {plain_name(name): name for name in names}
    sheet = _sheet(table, frozenset(known))
    for note in sheet.notes:
        tell(note)
    found: dict[str, str] = {}
    for column in sheet.cells.columns:
        name = known.get(plain_name(column))
        if name is None:
            continue
        if name in found or column in sheet.repeated:
            raise LookalikeError("repeated-column", f"{table}: column {name} is there twice; remove or rename one")
        found[name] = column
    if missing := [name for name in required if name not in found]:
        there = ", ".join(map(str, sheet.cells.columns))
        corners = {plain_name(column) for column in sheet.cells.columns} >= _CORNERS
        # Whether the last pixel counts is not known here: tables differ.
        cure = "give x = xmin, y = ymin, width = xmax - xmin, height = ymax - ymin" if corners else "call yours so"
        raise LookalikeError(
            "missing-column", f"{table}: column {', '.join(missing)} is missing; it has {there}; {cure}"
        )
    cells = pd.DataFrame(
        {
            name: _known(sheet.cells[column], _MISSING[:1] if name == _FILE else _MISSING)
            for name, column in found.items()
        },
        sheet.cells.index,
    )
    return cells.assign(**{name: _numbers(cells[name], sheet, table) for name in numeric if name in found})


def table_in(folder: Path, stem: str) -> Path:
    """The table of this name in a folder, a text file before a workbook; `.csv` if there is none."""
    paths = [folder / f"{stem}{suffix}" for suffix in _SUFFIXES]
    return next((path for path in paths if path.is_file()), paths[0])


def _sheet(table: Path, known: frozenset[str]) -> Sheet:
    try:
        content = table.read_bytes()
    except FileNotFoundError:
        raise LookalikeError("no-such-file", f"{table}: no such file") from None
    if content.startswith((ZIP, OLE)):
        return read_workbook(table, content, known, "", 0)
    if table.suffix.lower() == ".json":
        return read_records(table, content, known)
    return read_text_table(table, content, known, FileSettings())


def _known(column: pd.Series[str], words: Sequence[str]) -> pd.Series[str]:
    missing = column.str.casefold().isin(words)
    return column.astype(object).where(~missing & column.notna(), None)


def _numbers(column: pd.Series[str], sheet: Sheet, table: Path) -> pd.Series[float]:
    """A column as floats. Raises `LookalikeError` naming the first cell that is none, or may be two, and its row."""
    written = column.dropna()
    words = written.unique()
    sign = decimal_sign(words, likely_comma=sheet.decimal_comma)
    doubtful = None if sign else in_doubt(words, sheet.decimal_comma)
    found = {word: _number(word, sign) for word in words}
    for row, word in written.items():
        if word == doubtful or found[word] is None:
            which = "comma" if "," in word else "point"
            why = f"which may be thousands or a decimal {which}; write it without the {which}"
            why = why if word == doubtful else "not a number"
            raise LookalikeError("not-a-number", f"{table}: row {row}: {column.name} is {word!r}, {why}")
    return column.map(found, na_action="ignore").astype(float)


def _number(word: str, sign: Decimal) -> float | None:
    """A number; in a column of points and commas (no `sign`), one without groups of thousands."""
    if "%" in word or (not sign and has_both([word])):
        return None
    number = number_in(with_point(word, sign))
    return number if number is not None and math.isfinite(number) else None
