"""The cells of one table as text, whatever file they came in: CSV of any kind, a workbook, JSON records."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data.errors import LookalikeError

_IMPORT_ID = '{"ImportId"'
_LOOKED_AT = 40  # rows among which the header is looked for


@dataclass(frozen=True, eq=False)
class Sheet:
    """The cells of one table.

    Attributes
    ----------
    path : Path
        The file.
    cells : pandas.DataFrame
        Text without blanks around it, None where a cell is empty; the index, called `row`, holds each row's place in
        the file as a spreadsheet counts.
    decimal_comma : bool
        Whether the file may write numbers with a decimal comma.
    notes : tuple of str
        What a reader should know about how the file was read.
    repeated : tuple of str
        Names that several columns bear; the first of them keeps it.
    """

    path: Path
    cells: pd.DataFrame
    decimal_comma: bool = False
    notes: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


def plain_name(name: str) -> str:
    """A column's name without what differs from writer to writer: case, blanks, punctuation."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())


def as_typed(value: object) -> str:
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


def sheet_of(
    path: Path,
    rows: Sequence[Sequence[str]],
    known: frozenset[str],
    header_row: int = 0,
    decimal_comma: bool = False,
    notes: tuple[str, ...] = (),
) -> Sheet:
    """A sheet from all rows of a file; the header is found by its names, `known` (`plain_name`), or by its width.

    Raises `LookalikeError` if there is no row, or a row has more cells than the header.
    """
    cleaned = [(number, [cell.strip() for cell in row]) for number, row in enumerate(rows, 1)]
    filled = [(number, row) for number, row in cleaned if any(row)]
    if not filled:
        raise LookalikeError("not-a-table", f"{path}: is empty; it needs a header and a row per trial")
    place = _header(filled, known, header_row, path)
    (_, header), body = filled[place], filled[place + 1 :]
    again = [number for number, row in body if row == header]  # tables that were joined with their headers
    body = [(number, row) for number, row in body if row != header]
    if again:
        notes = (*notes, f"{path.name}: the header is there again in row {', '.join(map(str, again[:5]))}; left out")
    header = header[: _width(header)]
    one_more = bool(body) and all(len(row) > len(header) for _, row in body)
    if (
        one_more
        and {_width(row) for _, row in body} == {len(header) + 1}
        and _are_row_names([row[0] for _, row in body])
    ):
        header = ["row name", *header]  # R's write.table gives no name to its first column
    for number, row in body:
        if len(row) > len(header) < _width(row):
            raise LookalikeError(
                "ragged-table",
                f"{path}: row {number} has {_width(row)} cells, its header {len(header)}; correct the table",
            )
    if place and not header_row:
        notes = (*notes, f"{path.name}: the header is row {filled[place][0]}; what stands above it was left out")
    names, repeated = _unique(header)
    cells = [[cell or None for cell in row[: len(names)]] + [None] * (len(names) - len(row)) for _, row in body]
    frame = pd.DataFrame(cells, columns=names, dtype=object)
    frame.index = pd.Index([number for number, _ in body], name="row")
    unnamed = [name for name in names if name.startswith("unnamed ") and frame[name].isna().all()]
    return Sheet(path, frame.drop(columns=unnamed), decimal_comma, notes, repeated)


def _width(row: Sequence[str]) -> int:
    """How many cells a row has, empty ones at its end left out."""
    return max((place for place, cell in enumerate(row, 1) if cell), default=0)


def _header(rows: Sequence[tuple[int, list[str]]], known: frozenset[str], header_row: int, path: Path) -> int:
    """The place of the header among the rows that are not blank."""
    if header_row:
        for place, (number, _) in enumerate(rows):
            if number == header_row:
                return place
        raise LookalikeError("not-a-table", f"{path}: header_row is {header_row}, and that row is blank or not there")
    looked_at = rows[:_LOOKED_AT]
    identities = [place for place, (_, row) in enumerate(looked_at) if row[0].startswith(_IMPORT_ID)]
    if identities and identities[0] >= 2:  # Qualtrics: names, questions (which may be known words), identities
        return identities[0] - 2
    hits = [len({plain_name(cell) for cell in row if cell} & known) for _, row in looked_at]
    if max(hits) >= 2:
        return hits.index(max(hits))
    counts = [sum(map(bool, row)) for _, row in looked_at]
    usual = Counter(counts[1:] or counts).most_common(1)[0][0]
    return next(place for place, count in enumerate(counts) if count >= 0.6 * usual)


def _are_row_names(first: Sequence[str]) -> bool:
    """R numbers rows in ascending order; rows that were taken out leave gaps."""
    if not all(cell.isdigit() for cell in first):
        return False
    numbers = [int(cell) for cell in first]
    return numbers == sorted(set(numbers))


def _unique(header: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    names: list[str] = []
    repeated: list[str] = []
    for place, cell in enumerate(header, 1):
        name = unicodedata.normalize("NFC", cell) or f"unnamed {place}"
        if name in names:
            repeated.append(name)
            name = f"{name} (column {place})"
        names.append(name)
    return names, tuple(repeated)
