"""OpenSesame's logger: all variables in each row, `response_<item>`, `response_time_<item>` (ms), `correct_<item>`."""

from __future__ import annotations

from data.external_tables.files.sheet import Sheet
from data.external_tables.mapping import TableMapping
from data.external_tables.programs.export import Export, answer_columns, practice_rows, with_cells

_MARKS = {"live_row", "experiment_file", "opensesame_version", "opensesame_codename", "subject_parity"}


def recognise(names: set[str]) -> bool:
    return "subject_nr" in names and (bool(names & _MARKS) or any(name.startswith("count_") for name in names))


def adapt(sheet: Sheet, mapping: TableMapping) -> Export:
    cells = sheet.cells
    items = [name for name in cells.columns if name.startswith("response_") and not name.startswith("response_time")]
    if "practice" in cells:
        cells = practice_rows(cells, cells["practice"].str.casefold().isin(("yes", "1", "true")))
    # `response` is that of the last item; with one item it is the answer.
    answers = items if len(items) > 1 else ["response"]
    columns = {"participant": "subject_nr"} | answer_columns(cells, answers, mapping.columns, _parts)
    return Export(with_cells(sheet, cells), "OpenSesame", columns, time_unit="ms")


def _parts(answer: str) -> dict[str, str]:
    item = answer.removeprefix("response")
    return {"response_time": f"response_time{item}", "correct": f"correct{item}"}
