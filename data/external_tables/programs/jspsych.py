"""jsPsych (CSV or JSON): one row per plugin call, so one trial may be an image, its answer and a confidence. In ms.

A trial begins where an image is shown that the row before did not show. An answer that is an object of one value,
such as `{"Q0":3}` of survey-likert, is that value.
"""

from __future__ import annotations

import json

import pandas as pd

from data.external_tables.files.sheet import Sheet
from data.external_tables.mapping import TableMapping
from data.external_tables.programs.events import merged
from data.external_tables.programs.export import IMAGE_FILE, Export, with_cells
from data.external_tables.values import counted

NAMES = ("trial_type", "trial_index", "time_elapsed", "internal_node_id")


def recognise(names: set[str]) -> bool:
    return {"trial_type", "trial_index", "time_elapsed"} <= names


def adapt(sheet: Sheet, mapping: TableMapping) -> Export:
    cells = sheet.cells.copy()
    answer = mapping.columns.get("response", "response" if "response" in cells else "key_press")
    columns = {"response_time": "rt"} if "rt" in cells else {}
    if "run_id" in cells and not {"participant", "subject", "subject_id"} & set(cells.columns):
        columns["participant"] = "run_id"  # cognition.run
    if answer not in cells:
        return Export(with_cells(sheet, cells), "jsPsych", columns, time_unit="ms", one_person=True)
    cells[answer] = cells[answer].map(_one_value, na_action="ignore")
    shown = mapping.columns.get("stimulus_id", "stimulus")
    images = (
        cells[shown].map(_image, na_action="ignore") if shown in cells else pd.Series(None, cells.index, dtype=object)
    )
    if images.notna().sum() < 2:
        return Export(
            with_cells(sheet, cells), "jsPsych", columns | {"response": answer}, time_unit="ms", one_person=True
        )
    cells[shown] = images
    new = images.notna() & (images != images.ffill().shift())
    again = images.notna() & ~new & (cells["trial_type"] == cells["trial_type"].shift())
    trial = (new | again).cumsum()
    kept = cells[trial > 0]
    kept, found = merged(kept, trial[trial > 0], answer, "rt" if "rt" in cells else None, "trial_type", mapping.columns)
    left = len(cells) - len(cells[trial > 0])
    notes = (f"{sheet.path.name}: {counted(left, 'row')} before the first image left out",) if left else ()
    columns |= found | ({"stimulus_id": shown} if shown in cells else {})
    return Export(with_cells(sheet, kept, *notes), "jsPsych", columns, time_unit="ms", one_person=True)


def _image(stimulus: str) -> str | None:
    match = IMAGE_FILE.search(stimulus)
    return match[0] if match else None


def _one_value(written: str) -> str:
    if not written.startswith("{"):
        return written
    try:
        value = json.loads(written)
    except json.JSONDecodeError:
        return written
    if isinstance(value, dict) and len(value) == 1:
        (one,) = value.values()
        return str(one)
    return written
