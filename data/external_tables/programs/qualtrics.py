"""Qualtrics: three header rows (names, questions, ImportIds), one row per respondent.

Columns of a loop (Loop & Merge) are named `1_Q5`, `2_Q5`, ...: the loop's number, then the question.
"""

from __future__ import annotations

from data.external_tables.files.sheet import Sheet
from data.external_tables.mapping import TableMapping
from data.external_tables.programs.export import Export, with_cells

NAMES = ("StartDate", "EndDate", "RecordedDate", "ResponseId", "Progress", "Finished", "DistributionChannel")
_TESTS = ("Survey Preview", "Survey Test", "1")  # "1" where values are exported as numbers


def recognise(names: set[str]) -> bool:
    return {"ResponseId", "StartDate"} <= names or {"ResponseID", "StartDate"} <= names


def adapt(sheet: Sheet, mapping: TableMapping) -> Export:  # noqa: ARG001
    cells = sheet.cells
    ids = cells.apply(lambda column: column.str.contains('"ImportId"', regex=False)).fillna(False).any(axis=1)
    if ids.any():
        cells = cells.loc[cells.index > cells.index[ids][-1]]
    notes = []
    if "Status" in cells:
        tests = cells["Status"].isin(_TESTS)
        if tests.any() and not tests.all():
            cells, notes = cells[~tests], [f"{sheet.path.name}: {tests.sum()} previews of the survey were left out"]
    identity = "ResponseId" if "ResponseId" in cells else "ResponseID"
    return Export(with_cells(sheet, cells, *notes), "Qualtrics", {"participant": identity})
