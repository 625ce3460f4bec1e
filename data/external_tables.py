"""Trial tables from elsewhere: one long CSV or TSV, with its own names for columns and answers.

The result is the trial table of `data.trials`. Four columns must be there, by whatever name: participant,
stimulus_id, truth and response. What else is missing is filled in, and said:

| column          | without it                                                 |
|-----------------|------------------------------------------------------------|
| session         | every trial is of session 1                                |
| trial           | trials are numbered in the order of the rows               |
| role            | every trial is a main one                                  |
| confidence      | none: d' is measured, the rating ROC is not                |
| after_gap       | no break came before any trial (`data.trials.after_gap`)   |
| times, stim_file | none                                                      |

A table that holds all of `data.trials.SESSION_FACTS`, as ours does (`experiments.records.long_table`), also
says of each session who answered, when, and what was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.files import read_table
from data.trials import COLUMNS, KEYS, SESSION_FACTS, after_gap, refuse_rows, validate

REQUIRED = ("participant", "stimulus_id", "truth", "response")
_FACTS_AS_TEXT = ("observer", "started", "stimulus_set_sha256", "study_sha256", "plan_sha256", "lookalike_version")
_WORDS_OF = ("truth", "response", "role")
_OURS = (*KEYS, *COLUMNS, "after_gap")
_FILLED = {"session": "1 throughout", "trial": "the order of the rows", "role": "main throughout"}


@dataclass(frozen=True)
class Mapped:
    """How a foreign table says what `data.trials` says.

    `columns`: our name to theirs, for those that differ. `words`: what they write to what we write
    (real | generated, or main | practice | catch); a key `column:word` is for one of our columns alone.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.columns if name not in _OURS]
        if unknown:
            raise LookalikeError(f"{unknown[0]!r} is no column of ours; they are {', '.join(_OURS)}")
        for key in self.words:
            column, colon, _ = key.partition(":")
            if colon and column not in _WORDS_OF:
                raise LookalikeError(f"{key!r}: only {', '.join(_WORDS_OF)} hold words; leave the column out for all")


@dataclass(frozen=True)
class Foreign:
    """A foreign table as ours, and what had to be filled in: column to what it holds now.

    `facts` has, by participant and session, what the table says of it in the sidecar's words, nothing that is
    missing; it is empty where the table has not all of `SESSION_FACTS`.
    """

    trials: pd.DataFrame
    filled: Mapping[str, str]
    facts: Mapping[tuple[str, int], Mapping[str, Any]]


def read_foreign(path: Path, mapped: Mapped = Mapped()) -> Foreign:
    """Read a table of all trials of all sessions; rows in any order.

    Participants keep their names as they are written; a missing answer is an empty cell or n/a. Raises
    `LookalikeError` naming the rows if the table breaks the contract of `data.trials`, and the words that
    are neither ours nor mapped.
    """
    path = Path(path)
    theirs = {name: mapped.columns.get(name, name) for name in _OURS}
    needed = tuple(theirs[name] for name in REQUIRED)
    texts = tuple({theirs[name] for name in ("participant", "stimulus_id", "stim_file", "after_gap", *_WORDS_OF)})
    table = read_table(path, needed, text=(*texts, *_FACTS_AS_TEXT))
    if table.empty:
        raise LookalikeError(f"{path}: holds no trial; it needs a row per judgement under its header")
    named = [theirs[name] for name in mapped.columns]
    lost = [name for name in named if name not in table.columns]
    if lost:
        raise LookalikeError(f"{path}: column {lost[0]!r} is missing; it has {', '.join(map(str, table.columns))}")
    frame = pd.DataFrame(
        {name: table[theirs[name]] for name in _OURS if theirs[name] in table.columns}, index=table.index
    )
    for column in _WORDS_OF:
        if column in frame:
            frame[column] = translated(frame[column], column, mapped.words)
    refuse_rows(frame["participant"].isna(), str(path), "participant is missing")
    filled = _fill(frame)
    session = pd.to_numeric(frame["session"], errors="coerce")
    refuse_rows(~((session >= 1) & (session % 1 == 0)), str(path), "session is not 1, 2, 3, ...")
    validate(frame, str(path))
    times = ("confidence", "response_time", "confidence_time", "onset")
    types: dict[str, type] = {"session": int, "trial": int, **dict.fromkeys(times, float)}
    trials = frame.assign(after_gap=after_gap(frame))[list(_OURS)].astype(types)
    return Foreign(trials.sort_values([*KEYS, "trial"]), filled, _facts(trials, table, str(path)))


def _facts(trials: pd.DataFrame, table: pd.DataFrame, source: str) -> dict[tuple[str, int], dict[str, Any]]:
    """What a table of ours says of each session. Raises `LookalikeError` if it says two things."""
    if not set(SESSION_FACTS) <= set(table.columns):
        return {}
    of_session = table[list(SESSION_FACTS)].groupby([trials["participant"], trials["session"]])
    for column, kinds in of_session.nunique(dropna=False).items():
        rows = pd.MultiIndex.from_frame(trials[list(KEYS)])
        several = pd.Series(kinds.reindex(rows).to_numpy() > 1, index=trials.index)
        refuse_rows(several, source, f"{column} is not the same throughout a session", "correct the table")
    facts: dict[tuple[str, int], dict[str, Any]] = {}
    for (participant, session), part in of_session:
        row = part.iloc[0]
        facts[participant, session] = {key: row[name] for name, key in SESSION_FACTS.items() if pd.notna(row[name])}
    return facts


def translated(written: pd.Series, column: str, words: Mapping[str, str]) -> pd.Series:
    """What `words` says for each word written; a key `column:word` is for that column alone."""
    table = {key: word for key, word in words.items() if ":" not in key}
    table |= {key.partition(":")[2]: word for key, word in words.items() if key.startswith(f"{column}:")}
    return written.map(lambda word: table.get(word, word), na_action="ignore")


def _fill(frame: pd.DataFrame) -> dict[str, str]:
    """Add the columns that are missing, in place; returns what was filled in."""
    filled = {name: how for name, how in _FILLED.items() if name not in frame}
    if "session" not in frame:
        frame["session"] = 1
    if "trial" not in frame:
        frame["trial"] = frame.groupby(["participant", "session"]).cumcount() + 1
    if "role" not in frame:
        frame["role"] = "main"
    for name in COLUMNS:
        if name not in frame:
            frame[name] = None
            filled[name] = "missing throughout"
    return filled
