"""Tables of the other tasks: two images side by side, or a match on a loop of morphs.

One long table (CSV or TSV) of all trials, or a BIDS folder of sessions that Lookalike recorded. One row is one trial.

| kind            | columns                     | what they hold                                                      |
|-----------------|-----------------------------|---------------------------------------------------------------------|
| two_alternative | truth, response             | where the generated image is, and was said to be: left | right, or  |
|                 |                             | first | second                                                      |
| same_different  | truth, response             | what the pair is (one real, one generated: different), and was said |
|                 |                             | to be: same | different                                             |
| matching        | target_deg, response_deg    | place on the loop, 360° around, in the direction of the loop's      |
|                 |                             | frames: of the image to match, and of the match                     |

A missing response is an empty cell or n/a. In every kind also `participant` (must be there; in a BIDS folder the file's
name says it), and, filled in where it is missing:

| column    | without it                                                                                        |
|-----------|---------------------------------------------------------------------------------------------------|
| session   | every trial is of session 1                                                                       |
| trial     | trials are numbered in the order of the rows                                                      |
| role      | every trial is a main one (main | practice | catch)                                               |
| after_gap | no break came before any trial (no or false; anything else, such as break or resume, is a break)  |
| loop      | all matches are on one loop (matching only); with it, each loop's trials are taken by themselves  |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.external_tables import translated
from data.files import read_table, sha256
from data.trials import KEYS, ROLES, BehFile, after_gap, beh_files, read_sidecar, refuse_rows

Kind = Literal["two_alternative", "same_different", "matching"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_PAIRS: dict[Kind, tuple[tuple[str, str], ...]] = {
    "two_alternative": (("left", "right"), ("first", "second")),
    "same_different": (("different", "same"),),
}
_AROUND = ("trial", "role", "after_gap")
_FILLED = {
    "session": "1 throughout",
    "trial": "the order of the rows",
    "role": "main throughout",
    "after_gap": "no throughout",
}


@dataclass(frozen=True, eq=False)
class Answers:
    """The trials of one kind of task: participant, session, trial, role, after_gap (bool) and the kind's columns.

    `words` are the two answers of a pair's task, the signal first. `filled` says what a table lacked, `files` maps
    what was read to its SHA-256, `observers` are the kinds of observer that sidecars name (empty for a table).
    """

    kind: Kind
    trials: pd.DataFrame
    words: tuple[str, str] | None
    filled: Mapping[str, str]
    files: Mapping[str, str]
    observers: tuple[str, ...]


def columns_of(kind: Kind) -> tuple[str, str]:
    """The two columns that a kind of task must have: what was shown and what was answered."""
    return ("target_deg", "response_deg") if kind == "matching" else ("truth", "response")


def read_answers(
    source: Path,
    kind: Kind,
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, str] | None = None,
    task: str | None = None,
) -> Answers:
    """Read a long table, or the sessions of a BIDS folder whose tables bear the name `task` (by default the kind's).

    Of a long table `columns` maps our names to theirs and `words` theirs to ours (`data.external_tables.Mapped`).
    Raises `LookalikeError` for a missing column, a word or number outside the layout above, a trial number twice in one
    session (each naming rows), and for a folder that holds no such table.
    """
    source = Path(source)
    if not source.is_file():
        if columns or words:
            raise LookalikeError(f"{source}: names of columns and words are mapped for one table, and this is no file")
        return _from_bids(source, kind, task or kind.replace("_", ""))
    names = (*KEYS, *_AROUND, *columns_of(kind), *(("loop",) if kind == "matching" else ()))
    theirs = {name: (columns or {}).get(name, name) for name in names}
    unknown = [name for name in columns or {} if name not in names]
    if unknown:
        raise LookalikeError(f"{unknown[0]!r} is no column of ours; they are {', '.join(names)}")
    needed = ("participant", *columns_of(kind))
    texts = ("participant", "role", "after_gap", *(("loop",) if kind == "matching" else columns_of(kind)))
    table = read_table(source, tuple(theirs[name] for name in needed), text=tuple(theirs[name] for name in texts))
    lost = [theirs[name] for name in columns or {} if theirs[name] not in table.columns]
    if lost:
        raise LookalikeError(f"{source}: column {lost[0]!r} is missing; it has {', '.join(map(str, table.columns))}")
    frame = pd.DataFrame({name: table[theirs[name]] for name in names if theirs[name] in table.columns})
    for name in ({"role", *texts[3:]} - {"loop"}) & set(frame):
        frame[name] = translated(frame[name], name, words or {})
    filled = {name: how for name, how in _FILLED.items() if name not in frame}
    if kind != "matching":
        filled.pop("after_gap", None)  # of no use to a pair's task
    frame, pair = _checked(frame, kind, str(source))
    return Answers(kind, frame, pair, filled, {source.name: sha256(source)}, ())


def _from_bids(folder: Path, kind: Kind, task: str) -> Answers:
    texts = ("role", "after_gap", *(("loop",) if kind == "matching" else columns_of(kind)))
    found, files, observers = [], {}, set()
    for file in beh_files(folder, task):
        found.append(_session(file, kind, texts))
        observers.add(str(read_sidecar(file.path).get("Observer") or "not stated"))
        for path in (file.path, file.path.with_suffix(".json")):
            files[path.relative_to(folder).as_posix()] = sha256(path)
    table, pair = _checked(pd.concat(found, ignore_index=True), kind, str(folder))
    return Answers(kind, table, pair, {}, files, tuple(sorted(observers)))


def _session(file: BehFile, kind: Kind, texts: tuple[str, ...]) -> pd.DataFrame:
    table = read_table(file.path, ("trial", *columns_of(kind)), text=texts)
    table = table.assign(participant=file.participant, session=file.session)
    _checked(table, kind, str(file.path))  # once by itself, so that rows are those of this file
    return table


def _checked(frame: pd.DataFrame, kind: Kind, source: str) -> tuple[pd.DataFrame, tuple[str, str] | None]:
    """The frame with all columns in order, after each row has been found in order; and the words of a pair's task."""
    refuse_rows(frame["participant"].isna(), source, "participant is missing")
    frame = _fill(frame)
    for name in ("session", "trial"):
        number = pd.to_numeric(frame[name], errors="coerce")
        refuse_rows(~((number >= 1) & (number % 1 == 0)), source, f"{name} is not 1, 2, 3, ...")
    refuse_rows(~frame["role"].isin(ROLES), source, f"role is none of {', '.join(ROLES)}")
    refuse_rows(frame.duplicated([*KEYS, "trial"], keep=False), source, "trial number is used twice in one session")
    shown, answered = columns_of(kind)
    pair = None
    if kind == "matching":
        for name in (shown, answered):
            angle = pd.to_numeric(frame[name], errors="coerce")
            broken = (angle.isna() & frame[name].notna()) | np.isinf(angle)
            refuse_rows(broken, source, f"{name} is no number of degrees")
            frame[name] = angle.astype(float)
        refuse_rows(frame[shown].isna(), source, f"{shown} is missing")
        if "loop" in frame:
            refuse_rows(frame["loop"].isna(), source, "loop is missing")
    else:
        pair = next((two for two in _PAIRS[kind] if set(frame[shown].dropna()) & set(two)), _PAIRS[kind][0])
        said = f"neither {pair[0]!r} nor {pair[1]!r}"
        refuse_rows(~frame[shown].isin(pair), source, f"{shown} is {said}")
        refuse_rows(~(frame[answered].isin(pair) | frame[answered].isna()), source, f"{answered} is {said}")
    types = {"session": int, "trial": int}
    kept = frame[
        [*KEYS, *_AROUND, *(["loop"] if kind == "matching" and "loop" in frame else []), shown, answered]
    ].astype(types)
    return kept.sort_values([*KEYS, "trial"]).reset_index(drop=True), pair


def _fill(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    if "session" not in frame:
        frame["session"] = 1
    if "trial" not in frame:
        frame["trial"] = frame.groupby([*KEYS]).cumcount() + 1
    if "role" not in frame:
        frame["role"] = "main"
    frame["after_gap"] = after_gap(frame)
    return frame
