"""Gorilla: one row per event; the answers of a trial share its number. Times are in ms."""

from __future__ import annotations

import pandas as pd

from data.external_tables.files.sheet import Sheet
from data.external_tables.mapping import TableMapping
from data.external_tables.programs.events import merged
from data.external_tables.programs.export import Export, given, practice_rows, with_cells

NAMES = ("Participant Private ID", "Participant Public ID", "Trial Number", "Reaction Time", "Zone Type", "Event Index")

# What was answered with, in either Task Builder.
_KINDS = ("Zone Type", "Component Type", "Component Name", "Object Name", "Screen Name", "Screen")


def recognise(names: set[str]) -> bool:
    return "Participant Private ID" in names and bool({"Trial Number", "Event Index", "Zone Type"} & names)


def adapt(sheet: Sheet, mapping: TableMapping) -> Export:
    cells = sheet.cells
    if "Event Index" in cells:
        cells = cells[cells["Event Index"] != "END OF FILE"]
    for name in [name for name in cells.columns if name.startswith("Spreadsheet: ")]:  # Task Builder 2
        short = name.removeprefix("Spreadsheet: ")
        if short not in cells:
            cells = cells.rename(columns={name: short})
    columns = {"participant": "Participant Private ID"}
    answer = mapping.columns.get("response", "Response")
    if "Trial Number" in cells and answer in cells:
        keys = [name for name in ("Participant Private ID", "Tree Node Key", "Trial Number") if name in cells]
        cells = cells[given(cells[answer]) & cells["Trial Number"].notna()]
        if "Response Type" in cells and cells["Response Type"].eq("response").any():  # not an action on the way to it
            cells = cells[cells["Response Type"] == "response"]
        kind = next((name for name in _KINDS if name in cells), None)
        time = next((name for name in ("Reaction Time", "Response Onset") if name in cells), None)
        new_trial = pd.concat([cells[name] != cells[name].shift() for name in keys], axis=1).any(axis=1)
        cells, found = merged(cells, new_trial.cumsum(), answer, time, kind, mapping.columns)
        columns |= found
        if "Correct" in cells:
            columns["correct"] = "Correct"
    if "display" in cells:
        cells = practice_rows(cells, cells["display"].str.contains("prac", case=False).fillna(False).astype(bool))
    return Export(with_cells(sheet, cells), "Gorilla", columns, time_unit="ms")
