"""E-Prime: tables of E-DataAid and E-Merge, and a session's log (`.txt`). Items give `.RESP`, `.RT` (ms), `.ACC`."""

from __future__ import annotations

from pathlib import Path

from data.external_tables.mapping import TableMapping
from data.external_tables.programs.export import Export, answer_columns, is_about_confidence, practice_rows, with_cells
from data.external_tables.sheet import Sheet, sheet_of
from data.external_tables.text_file import decoded
from data.external_tables.values import is_numeric

_START, _END = "*** LogFrame Start ***", "*** LogFrame End ***"
_HEADER = ("*** Header Start ***", "*** Header End ***")
NAMES = ("ExperimentName", "Subject", "Session", "Clock.Information", "Procedure[Trial]")


def recognise(names: set[str]) -> bool:
    return {"ExperimentName", "Subject", "Session"} <= names


def adapt(sheet: Sheet, mapping: TableMapping) -> Export:
    cells = sheet.cells
    running = [name for name in cells.columns if name.split("[")[0] in ("Procedure", "Running")]
    if running:
        names = cells[running].fillna("").agg(" ".join, axis=1)
        cells = practice_rows(cells, names.str.contains("prac", case=False))
    answers = [name for name in cells.columns if name.split("[")[0].endswith(".RESP")]
    columns = {"participant": "Subject", "session": "Session"}
    columns |= answer_columns(cells, answers, mapping.columns, _parts)
    others = [name for name in answers if name != columns.get("response") and is_numeric(cells[name])]
    if "confidence" not in columns and len(others) == 1 and not is_about_confidence(columns.get("response", "")):
        columns["confidence"] = others[0]
    return Export(with_cells(sheet, cells), "E-Prime", columns, time_unit="ms")


def _parts(answer: str) -> dict[str, str]:
    return {"response_time": answer.replace(".RESP", ".RT"), "correct": answer.replace(".RESP", ".ACC")}


def opens(content: bytes) -> bool:
    return _HEADER[0].encode() in content[:400] or _HEADER[0].encode("utf-16-le") in content[:800]


def read(path: Path, content: bytes, known: frozenset[str]) -> Sheet:
    """The log of a session: a frame per trial, then one per block and session whose values hold for those before it."""
    text, notes = decoded(path, content)
    general: dict[str, str] = {}
    rows: list[tuple[int, dict[str, str]]] = []
    frame: dict[str, str] | None = None
    inside, level = False, 0
    for line in map(str.strip, text.splitlines()):
        if line in _HEADER:
            inside = line == _HEADER[0]
        elif line == _START:
            frame = {}
        elif line == _END and frame is not None:
            rows = _with_frame(rows, level, frame)
            frame = None
        elif line.startswith("Level:") and frame is None:
            level = int(line.removeprefix("Level:"))
        elif ":" in line and (inside or frame is not None):
            name, _, value = line.partition(":")
            (general if frame is None else frame)[name.strip()] = value.strip()
    about = {"ExperimentName": general.get("Experiment", ""), **general}
    deepest = max((level for level, _ in rows), default=0)
    trials = [about | values for level, values in rows if level == deepest]
    names = list(dict.fromkeys(name for trial in trials for name in trial))
    cells = [names, *([trial.get(name, "") for name in names] for trial in trials)]
    return sheet_of(path, cells, known, 1, notes=notes)


def _with_frame(
    rows: list[tuple[int, dict[str, str]]], level: int, frame: dict[str, str]
) -> list[tuple[int, dict[str, str]]]:
    """The rows with one more; a frame of a higher level also holds for the deeper ones since the last of its own."""
    changed = list(rows)
    for place in range(len(changed) - 1, -1, -1):
        depth, values = changed[place]
        if depth <= level:
            break
        changed[place] = (depth, {**frame, **values})
    return [*changed, (level, frame)]
