"""What a known program's export is turned into, and what several of them need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from data.external_tables.files.sheet import Sheet, plain_name
from data.external_tables.values import is_numeric

IMAGE_FILE = re.compile(r"[^\s\"'<>=]+\.(?:png|jpe?g|tiff?|bmp|gif|webp|dcm|npy)\b", re.IGNORECASE)
_SURE = ("conf", "sure", "certain", "rating", "likert")
_EMPTY = ("", "None", "none", "null", "NA", "nan", "[]", "undefined")


@dataclass(frozen=True, eq=False)
class Export:
    """A table with the names that its program gives.

    Attributes
    ----------
    sheet : Sheet
        The cells, one row per trial as far as the program allows.
    program : str
        The program, as a sentence names it; empty if it is not known.
    columns, words : mapping of str to str
        Our column to theirs, and their word to ours, where the program fixes them.
    time_unit : {"s", "ms"}
        Unit of all times.
    one_person : bool
        Whether the program writes one file per participant.
    """

    sheet: Sheet
    program: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    time_unit: Literal["s", "ms"] = "s"
    one_person: bool = False


def with_cells(sheet: Sheet, cells: pd.DataFrame, *notes: str) -> Sheet:
    """The sheet with other cells."""
    return Sheet(sheet.path, cells, sheet.decimal_comma, (*sheet.notes, *notes), sheet.repeated)


def is_about_confidence(name: str) -> bool:
    """Whether a column or item is named after confidence."""
    return any(word in plain_name(name) for word in _SURE)


def given(column: pd.Series) -> pd.Series:
    """Where a column holds an answer."""
    return column.notna() & ~column.isin(_EMPTY)


def fullest(cells: pd.DataFrame, names: Iterable[str]) -> str | None:
    """The column with the most answers, the first of several; None without one."""
    counts = {name: int(given(cells[name]).sum()) for name in names if name in cells}
    best = max(counts, key=lambda name: counts[name], default=None)
    return best if best is not None and counts[best] else None


def answer_columns(
    cells: pd.DataFrame, answers: Iterable[str], mapped: Mapping[str, str], parts: Callable[[str], Mapping[str, str]]
) -> dict[str, str]:
    """Response, confidence and what belongs to the response, among the columns of a program's response items.

    `parts` gives the columns that belong to an answer column: those of `response_time` and `correct`.
    """
    names = [name for name in answers if name in cells and given(cells[name]).any()]
    sure = [name for name in names if is_about_confidence(name) and is_numeric(cells[name][given(cells[name])])]
    others = [name for name in names if name not in sure and name not in mapped.values()]
    found: dict[str, str] = {}
    with_score = [name for name in others if parts(name).get("correct") in cells.columns]
    response = mapped.get("response") or fullest(cells, with_score) or fullest(cells, others)
    if response is not None:
        found["response"] = response
        found |= {ours: theirs for ours, theirs in parts(response).items() if theirs in cells.columns}
    confidence = mapped.get("confidence") or fullest(cells, [name for name in sure if name != response])
    if confidence is not None:
        found["confidence"] = confidence
        time = parts(confidence).get("response_time")
        if time in cells.columns:
            found["confidence_time"] = str(time)
    return found


def practice_rows(cells: pd.DataFrame, where: pd.Series) -> pd.DataFrame:
    """The cells with a column `role`, unless there is one: practice where true, main elsewhere."""
    if "role" in cells or not where.any():
        return cells
    return cells.assign(role=where.map({True: "practice", False: "main"}).astype(object))
