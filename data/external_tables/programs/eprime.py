"""E-Prime: tables of E-DataAid and E-Merge, and a session's log (`.txt`). Items give `.RESP`, `.RT` (ms), `.ACC`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from data.external_tables.files.sheet import Sheet, sheet_of
from data.external_tables.files.text import decoded
from data.external_tables.mapping import TableMapping
from data.external_tables.programs.export import Export, answer_columns, is_about_confidence, practice_rows, with_cells
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


@dataclass(frozen=True)
class _Frame:
    """A frame of a log: its level, its values, those of the session's header, and whether it holds no others."""

    level: int
    values: dict[str, str]
    header: dict[str, str]
    innermost: bool = True


def read(path: Path, content: bytes, known: frozenset[str]) -> Sheet:
    """The log of a session, or of several in one file: each trial's values, and those of its block and session.

    The innermost frames are trials, at whatever level: practice may be nested less deeply than the rest.
    """
    text, notes = decoded(path, content)
    header: dict[str, str] = {}
    frames: list[_Frame] = []
    values: dict[str, str] | None = None
    inside, level = False, 0
    for line in map(str.strip, text.splitlines()):
        if line in _HEADER:
            inside = line == _HEADER[0]
            header = {} if inside else header
        elif line == _START:
            values = {}
        elif line == _END and values is not None:
            frames = _with_frame(frames, _Frame(level, values, header))
            values = None
        elif line.startswith("Level:") and values is None:
            level = int(line.removeprefix("Level:"))
        elif ":" in line and (inside or values is not None):
            name, _, value = line.partition(":")
            (header if values is None else values)[name.strip()] = value.strip()
    trials = [
        {"ExperimentName": frame.header.get("Experiment", ""), **frame.header, **frame.values}
        for frame in frames
        if frame.innermost
    ]
    names = list(dict.fromkeys(name for trial in trials for name in trial))
    cells = [names, *([trial.get(name, "") for name in names] for trial in trials)]
    return sheet_of(path, cells, known, 1, notes=notes)


def _with_frame(frames: list[_Frame], new: _Frame) -> list[_Frame]:
    """The frames with one more, which is written after those that it holds; its values hold for them too."""
    changed = list(frames)
    place = len(changed)
    while place and changed[place - 1].level > new.level and changed[place - 1].header is new.header:
        place -= 1
        changed[place] = replace(changed[place], values={**new.values, **changed[place].values})
    return [*changed, replace(new, innermost=place == len(changed))]
