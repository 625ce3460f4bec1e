"""Where tables are: one file, several, a folder with one per participant, or a BIDS folder that others wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.files import read_json
from data.trials import COLUMNS

_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".xlsx", ".json", ".imrmc")
_BIDS = re.compile(
    r"sub-(?P<participant>[^_]+)(?:_ses-(?P<session>[^_]+))?_task-(?P<task>[^_]+)(?:_[A-Za-z]+-[^_]+)*"
    r"_(?P<suffix>beh|events)\.tsv"
)
_BIDS_SUFFIXES = ("beh", "events")  # of a task that has both, the first
_OURS = ("LookalikeVersion", "PlanSHA256", "Observer")
_MILLISECONDS = ("ms", "msec", "millisecond", "milliseconds")


@dataclass(frozen=True)
class TableFile:
    """One table on disk: `participant` and `session` are those that its name says, `facts` what its sidecars say."""

    path: Path
    participant: str | None = None
    session: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def in_ms(self, column: str) -> bool:
        """Whether the sidecars say that a column of times is in ms."""
        about = self.facts.get(column)
        return isinstance(about, dict) and str(about.get("Units")).lower() in _MILLISECONDS


def is_bids(folder: Path) -> bool:
    """Whether a folder is laid out as BIDS, whoever wrote it."""
    return folder.is_dir() and any(folder.glob("sub-*/"))


def is_ours(folder: Path) -> bool:
    """Whether a folder holds sessions that Lookalike recorded, or nothing that another program wrote.

    They have a record in `sourcedata`, or a sidecar beside a table that says what Lookalike's say; or lost them all.
    """
    if (folder / "sourcedata").is_dir() and any((folder / "sourcedata").glob("sub-*/ses-*/record.jsonl")):
        return True
    if not is_bids(folder):
        return not _tables_in(folder)
    tables = sorted(folder.glob("sub-*/**/*_beh.tsv"))
    if not tables:
        return not any(folder.glob("sub-*/**/*_events.tsv"))
    if not all("_ses-" in path.name for path in tables):
        return False
    sidecars = [path.with_suffix(".json") for path in tables if path.with_suffix(".json").is_file()]
    if sidecars:
        return any(set(_OURS) & set(read_json(path)) for path in sidecars)
    # Tables of ours that have lost their sidecars; others inherit them, or have other columns.
    return not any(_sidecars(folder, path, "beh") for path in tables) and all(map(_has_our_columns, tables))


def _has_our_columns(table: Path) -> bool:
    with open(table, encoding="utf-8", errors="replace") as file:
        return file.readline().rstrip("\n").split("\t")[: len(COLUMNS)] == list(COLUMNS)


def tables_of(source: Path | Sequence[Path], task: str | None = None) -> tuple[list[TableFile], list[str]]:
    """The tables that are to be read as one study, and what to say of them.

    Raises `LookalikeError` if there is no such file or folder, or a folder holds none, or tables of several tasks.
    """
    if not isinstance(source, Path):
        found: list[TableFile] = []
        notes: list[str] = []
        for one in source:
            if is_bids(Path(one)) and is_ours(Path(one)):
                raise LookalikeError(
                    "recorded-sessions", f"{one}: holds sessions that Lookalike recorded; analyse this folder by itself"
                )
            more, said = tables_of(Path(one), task)
            found, notes = [*found, *more], [*notes, *said]
        if not found:
            raise LookalikeError("no-such-file", "no table was given")
        return found, notes
    if source.is_file():
        return [TableFile(source)], []
    if not source.is_dir():
        cure = f"{source}: no such file or folder; give a table, or the folder that holds the tables or sub-* folders"
        raise LookalikeError("no-such-file" if source.suffix else "no-such-folder", cure)
    return _of_bids(source, task) if is_bids(source) else _of_folder(source)


def _tables_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    there = (
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in _SUFFIXES and not path.name.startswith((".", "~$"))
    )
    return sorted(there, key=_in_order)


def _in_order(path: Path) -> list[tuple[int, str]]:
    """By what files are sorted, so that run 2 comes before run 10: trials without numbers are in this order."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path)) if part]


def _of_folder(folder: Path) -> tuple[list[TableFile], list[str]]:
    """The tables of one kind of file: programs write each twice, say as .csv and .xlsx."""
    there = _tables_in(folder)
    suffixes = {path.suffix.lower() for path in there}
    if not suffixes:
        kinds = ", ".join(_SUFFIXES)
        raise LookalikeError("no-such-file", f"{folder}: holds no table ({kinds}) and no sub-* folders")
    chosen = next(suffix for suffix in _SUFFIXES if suffix in suffixes)
    kept = [path for path in there if path.suffix.lower() == chosen]
    left = len(there) - len(kept)
    notes = [f"{folder}: {len(kept)} {chosen} files were read, {left} of other kinds were not"] if left else []
    empty = [path for path in kept if not path.stat().st_size]  # of sessions that were broken off
    if 0 < len(empty) < len(kept):
        notes += [f"{path.name}: is empty" for path in empty]
        kept = [path for path in kept if path not in empty]
    return [TableFile(path) for path in kept], notes


def _of_bids(folder: Path, task: str | None) -> tuple[list[TableFile], list[str]]:
    """The tables of one task, `_beh.tsv` rather than `_events.tsv`."""
    there = sorted((path for one in _BIDS_SUFFIXES for path in folder.glob(f"sub-*/**/*_{one}.tsv")), key=_in_order)
    named = [(path, match) for path in there if (match := _BIDS.fullmatch(path.name))]
    if not named:
        raise LookalikeError(
            "no-sessions",
            f"{folder}: no sub-*/beh/*_task-*_beh.tsv or *_task-*_events.tsv below it; give the tables themselves",
        )
    tasks = sorted({match["task"] for _, match in named})
    if task is None and len(tasks) == 1:
        task = tasks[0]
    if task not in tasks:
        cure = f"none of task {task}; " if task else ""
        raise LookalikeError(
            "other-task", f"{folder}: holds task {', '.join(tasks)}, {cure}put the tables of one task in a folder"
        )
    of_task = [(path, match) for path, match in named if match["task"] == task]
    suffix = next(one for one in _BIDS_SUFFIXES if any(match["suffix"] == one for _, match in of_task))
    found = []
    for path, match in of_task:
        if match["suffix"] == suffix:
            facts: dict[str, Any] = {}
            for sidecar in _sidecars(folder, path, suffix):
                facts |= read_json(sidecar)
            found.append(TableFile(path, match["participant"], match["session"], facts))
    notes = [f"{path.name}: was not read; name it sub-..._task-..._{suffix}.tsv" for path in _unnamed(there, named)]
    if left := len(of_task) - len(found):
        notes.append(f"{folder}: {len(found)} _{suffix}.tsv of task {task} were read, {left} _events.tsv were not")
    return found, notes


def _unnamed(there: Iterable[Path], named: Iterable[tuple[Path, object]]) -> list[Path]:
    known = {path for path, _ in named}
    return [path for path in there if path not in known]


def _sidecars(folder: Path, table: Path, suffix: str) -> list[Path]:
    """The sidecars that hold for a table, from the folder downwards: those whose entities the table's name has all."""
    entities = set(table.name.removesuffix(f"_{suffix}.tsv").split("_"))
    places = [place for place in reversed(table.parents) if place == folder or folder in place.parents]
    return [
        path
        for place in places
        for path in sorted(place.glob(f"*{suffix}.json"))
        if set(path.name.removesuffix(f"{suffix}.json").rstrip("_").split("_")) - {""} <= entities
    ]
