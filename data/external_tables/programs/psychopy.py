"""PsychoPy (`ExperimentHandler.saveAsWideText`) and Pavlovia: one row per trial, and rows for other routines.

Components give columns `name.keys`, `name.rt`, `name.corr` (keyboard), `name.response`, `name.rt` (slider),
`name.clicked_name` (mouse); loops give `loop.thisN`. Times are in s.
"""

from __future__ import annotations

import re

import pandas as pd

from data.external_tables.files.sheet import Sheet
from data.external_tables.mapping import TableMapping
from data.external_tables.programs.export import (
    Export,
    answer_columns,
    fullest,
    given,
    is_about_confidence,
    practice_rows,
    with_cells,
)

_ANSWERS = (".keys", ".clicked_name", ".response", ".rating", ".text")
_ONE_KEY = re.compile(r"""\[\s*['"]?(?P<key>[^'",]*)['"]?\s*\]""")  # where all keys are stored


def recognise(names: set[str]) -> bool:
    return {"expName", "date"} <= names


def adapt(sheet: Sheet, mapping: TableMapping) -> Export:
    cells = sheet.cells.copy()
    answers = [name for name in cells.columns if name.endswith(_ANSWERS)]
    for name in (*answers, *(name for name in cells.columns if name.endswith(".rt"))):
        cells[name] = cells[name].map(_one_key, na_action="ignore")
    loops = {name.removesuffix(".thisN"): name for name in cells.columns if name.endswith(".thisN")}
    practice = pd.Series(False, index=cells.index)
    for loop, name in loops.items():
        if re.search("pract|train|warm", loop, re.IGNORECASE):
            practice |= cells[name].notna()
    cells = practice_rows(cells, practice)
    columns = answer_columns(cells, answers, mapping.columns, _parts)
    sliders = [name for name in answers if name.endswith((".response", ".rating"))]
    if columns.get("response") in sliders and "response" not in mapping.columns:
        # A slider that is the only answer is a rating; beside keys it says how sure one was.
        keys = fullest(cells, [name for name in answers if name not in sliders and not is_about_confidence(name)])
        slider = columns.pop("response")
        if keys and given(cells[keys]).sum() < given(cells[slider]).sum() / 2:
            keys = None  # pressed to go on
        columns |= {"response": keys, **_known(cells, keys)} if keys else {"rating": slider}
    elif "confidence" not in columns and "response" in columns:
        others = [name for name in sliders if name != columns["response"] and given(cells[name]).any()]
        if len(others) == 1:
            columns["confidence"] = others[0]
    return Export(with_cells(sheet, cells), "PsychoPy", columns)


def _known(cells: pd.DataFrame, answer: str) -> dict[str, str]:
    return {ours: theirs for ours, theirs in _parts(answer).items() if theirs in cells.columns}


def _parts(answer: str) -> dict[str, str]:
    item = answer.rpartition(".")[0]
    return {"response_time": f"{item}.rt", "correct": f"{item}.corr"}


def _one_key(written: str) -> str:
    match = _ONE_KEY.fullmatch(written)
    return match["key"] if match else written
