"""Trials of any kind of task, read from one long table or from a BIDS folder of recorded sessions.

A table is a CSV or TSV file, one row per trial. It may use its own names for columns and its own words for answers
(`TableMapping`). Which columns it needs, and which words they may hold, is asked of the kind of task (`data.kinds`):

| kind            | columns                      | what they hold                                                     |
|-----------------|------------------------------|--------------------------------------------------------------------|
| realfake        | stimulus_id, truth, response | what the image is, and was said to be: real | generated            |
| two_alternative | truth, response              | where the generated image is, and was said to be: left | right, or |
|                 |                              | first | second                                                     |
| same_different  | truth, response              | what the pair is (one real, one generated: different), and was     |
|                 |                              | said to be: same | different                                       |
| matching        | target_deg, response_deg     | position on the loop, 360° around, in the direction of the loop's  |
|                 |                              | frames: of the image to match, and of the match                    |

A missing response is an empty cell or n/a. Every kind also needs `participant`. What else is missing is filled in, and
`TrialTable.filled` says so:

| column            | without it                                                 |
|-------------------|------------------------------------------------------------|
| session           | every trial is of session 1                                |
| trial             | trials are numbered in the order of the rows               |
| role              | every trial is a main one (main | practice | catch)        |
| after_gap         | no break came before any trial (`data.trials.after_gap`)   |
| loop              | all matches are on one loop (matching only)                |
| confidence        | none: d' is measured, the rating ROC is not (realfake)     |
| times, stim_file  | none (realfake)                                            |

A table that holds all of `data.trials.SESSION_FACTS`, as the long table that Lookalike exports does, also says of each
session who answered, when, and what was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from data.bids import BehFile, beh_files, read_sidecar
from data.errors import LookalikeError
from data.files import read_table, sha256
from data.kinds.kind import Kind
from data.kinds.registry import find
from data.shipped import DEFAULT_TASK
from data.trials import KEYS, SESSION_FACTS, after_gap, refuse_rows

_FACTS_AS_TEXT = ("observer", "started", "stimulus_set_sha256", "study_sha256", "plan_sha256", "lookalike_version")
_MISSING = (None, "missing throughout")


@dataclass(frozen=True)
class TableMapping:
    """How an external table names what Lookalike names otherwise.

    Attributes
    ----------
    columns : mapping of str to str
        Our column to theirs, for those that differ.
    words : mapping of str to str
        Their word to ours, in the columns that hold words. A key `column:word`, with our name of the column, is for
        that column alone.

    Examples
    --------
    >>> from data import TableMapping
    >>> TableMapping({"response": "Key"}, {"j": "generated", "f": "real", "truth:1": "generated", "truth:0": "real"})
    TableMapping(columns={'response': 'Key'}, words={...})
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TrialTable:
    """The trials of one kind of task.

    Attributes
    ----------
    kind : str
        The name of the kind (`data.kinds`).
    trials : pandas.DataFrame
        Participant, session, the kind's columns and `after_gap` (bool), ordered by participant, session and trial.
    words : tuple of two str, or None
        The two words of truth and response, the signal first; None for matches.
    filled : mapping of str to str
        Columns that the table lacked, and what they hold now.
    files : mapping of str to str
        The files that were read, with their SHA-256.
    facts : mapping
        By participant and session, what is known of it in the words of a sidecar; empty if the table does not say.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_external_table
    >>> _ = Path("pairs.csv").write_text("participant,truth,response\\na,left,left\\na,right,left\\n")
    >>> found = read_external_table(Path("pairs.csv"), "two_alternative")
    >>> found.words, found.filled["trial"]
    (('left', 'right'), 'the order of the rows')
    """

    kind: str
    trials: pd.DataFrame
    words: tuple[str, str] | None
    filled: Mapping[str, str]
    files: Mapping[str, str]
    facts: Mapping[tuple[str, int], Mapping[str, Any]]

    @property
    def measure(self) -> str:
        """What the analysis of this kind measures, such as `dprime` (`data.kinds`)."""
        return find(self.kind).measure

    @property
    def observers(self) -> tuple[str, ...]:
        """The kinds of observer (human | scripted | simulated | not stated); empty if nothing is known."""
        return tuple(sorted({str(facts.get("Observer") or "not stated") for facts in self.facts.values()}))


def read_external_table(path: Path, kind: str = DEFAULT_TASK, mapping: TableMapping | None = None) -> TrialTable:
    """Read one long table of all trials of all sessions, its rows in any order.

    Parameters
    ----------
    path : Path
        A CSV or TSV file.
    kind : str
        The kind of task; see the head of this module for the columns that each needs.
    mapping : TableMapping, optional
        The table's own names of columns and words.

    Returns
    -------
    TrialTable
        The trials in Lookalike's words, and what had to be filled in.

    Raises
    ------
    LookalikeError
        If a column is missing, or a word or number is not one that the kind allows, naming the rows.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import TableMapping, read_external_table
    >>> text = "Subj,img,IsFake,Key\\n007,a,0,r\\n007,b,1,g\\n"
    >>> _ = Path("theirs.csv").write_text(text)
    >>> columns = {"participant": "Subj", "stimulus_id": "img", "truth": "IsFake", "response": "Key"}
    >>> words = {"truth:0": "real", "truth:1": "generated", "r": "real", "g": "generated"}
    >>> found = read_external_table(Path("theirs.csv"), mapping=TableMapping(columns, words))
    >>> found.trials[["participant", "truth", "response"]].values.tolist()
    [['007', 'real', 'real'], ['007', 'generated', 'generated']]
    """
    path, asked, mapping = Path(path), find(kind), mapping or TableMapping()
    names = (*KEYS, *asked.fields, "after_gap")
    _refuse_mapping(mapping, asked, names)
    theirs = {name: mapping.columns.get(name, name) for name in names}
    needed = tuple(theirs[name] for name in ("participant", *asked.required))
    texts = tuple(theirs[name] for name in ("participant", "after_gap", *asked.text))
    table = read_table(path, needed, text=(*texts, *_FACTS_AS_TEXT))
    if table.empty:
        raise LookalikeError("empty-table", f"{path}: holds no trial; it needs a row per trial under its header")
    lost = [theirs[name] for name in mapping.columns if theirs[name] not in table.columns]
    if lost:
        there = ", ".join(map(str, table.columns))
        raise LookalikeError("missing-column", f"{path}: column {lost[0]!r} is missing; it has {there}")
    trials = pd.DataFrame(
        {name: table[theirs[name]] for name in names if theirs[name] in table.columns}, index=table.index
    )
    for column in _worded(asked):
        if column in trials:
            trials[column] = _translated(trials[column], column, mapping.words)
    refuse_rows(trials["participant"].isna(), str(path), "participant is missing", code="missing-value")
    trials, filled = _filled(trials, asked)
    trials, pair = _checked(trials, asked, str(path))
    facts = _facts(trials, table, str(path))
    return TrialTable(kind, _ordered(trials), pair, filled, {path.name: sha256(path)}, facts)


def read_trials(
    source: Path, kind: str = DEFAULT_TASK, mapping: TableMapping | None = None, task: str | None = None
) -> TrialTable:
    """Read one long table, or the sessions of a BIDS folder whose tables bear the name `task`.

    Parameters
    ----------
    source : Path
        A table, read as by `read_external_table`, or the folder that holds the `sub-*` folders.
    kind : str
        The kind of task.
    mapping : TableMapping, optional
        A table's own names of columns and words.
    task : str, optional
        The task's name in the names of a folder's tables; by default the kind's.

    Returns
    -------
    TrialTable
        The trials of all sessions.

    Raises
    ------
    LookalikeError
        As `read_external_table` does; if a folder holds no table of this task; or if `mapping` is given for one.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_trials
    >>> _ = Path("matches.csv").write_text("participant,target_deg,response_deg\\na,10,12\\na,350,n/a\\n")
    >>> read_trials(Path("matches.csv"), "matching").trials["response_deg"].tolist()
    [12.0, nan]
    """
    source, asked = Path(source), find(kind)
    if source.is_file():
        return read_external_table(source, kind, mapping)
    refuse_mapping_of_folder(source, mapping)
    found, files, facts = [], {}, {}
    for file in beh_files(source, task or asked.label):
        found.append(_session(file, asked))
        facts[file.participant, file.session] = read_sidecar(file.path)
        for path in (file.path, file.path.with_suffix(".json")):
            files[path.relative_to(source).as_posix()] = sha256(path)
    table, pair = _checked(pd.concat(found, ignore_index=True), asked, str(source))
    return TrialTable(kind, _ordered(table), pair, {}, files, facts)


def refuse_mapping_of_folder(source: Path, mapping: TableMapping | None) -> None:
    """Raise `LookalikeError` if names of columns or words are mapped for what is not one table."""
    if mapping is not None and (mapping.columns or mapping.words):
        raise LookalikeError(
            "mapping-of-folder",
            f"{source}: names of columns and words are mapped for one table, and this is not a file",
        )


def _worded(kind: Kind[Any, Any]) -> tuple[str, ...]:
    """The columns whose words may be mapped."""
    return ("role", *((kind.shown_column, kind.answer_column) if kind.vocabularies else ()))


def _refuse_mapping(mapping: TableMapping, kind: Kind[Any, Any], names: tuple[str, ...]) -> None:
    unknown = [name for name in mapping.columns if name not in names]
    if unknown:
        raise LookalikeError("unknown-column", f"{unknown[0]!r} is not a column of ours; they are {', '.join(names)}")
    for key in mapping.words:
        column, colon, _ = key.partition(":")
        if colon and column not in _worded(kind):
            raise LookalikeError(
                "unknown-column", f"{key!r}: only {', '.join(_worded(kind))} hold words; leave the column out for all"
            )


def _translated(written: pd.Series, column: str, words: Mapping[str, str]) -> pd.Series:
    """What `words` says for each word written; a key `column:word` is for that column alone."""
    table = {key: word for key, word in words.items() if ":" not in key}
    table |= {key.partition(":")[2]: word for key, word in words.items() if key.startswith(f"{column}:")}
    return written.map(lambda word: table.get(word, word), na_action="ignore")


def _session(file: BehFile, kind: Kind[Any, Any]) -> pd.DataFrame:
    """One session's table as recorded, checked by itself, so that rows are those of its file."""
    table = read_table(file.path, ("trial", *kind.required), text=(*kind.text, "after_gap"))
    table = table.assign(participant=file.participant, session=file.session)
    table, _ = _filled(table[[name for name in (*KEYS, *kind.fields, "after_gap") if name in table]], kind)
    return _checked(table, kind, str(file.path))[0]


def _filled(trials: pd.DataFrame, kind: Kind[Any, Any]) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table with all columns of the kind, and what those that it lacked hold now."""
    trials, filled = trials.copy(), {}
    fills = {"session": (1, "1 throughout"), "role": ("main", "main throughout"), **kind.fills}
    for name in ("session", *kind.fields):
        if name in trials:
            continue
        if name == "trial":
            trials[name], filled[name] = trials.groupby([*KEYS]).cumcount() + 1, "the order of the rows"
        else:
            trials[name], filled[name] = fills.get(name, _MISSING)
    if "after_gap" not in trials and kind.serial:
        filled["after_gap"] = "no throughout"
    trials["after_gap"] = after_gap(trials)
    return trials[[*KEYS, *kind.fields, "after_gap"]], filled


def _checked(trials: pd.DataFrame, kind: Kind[Any, Any], source: str) -> tuple[pd.DataFrame, tuple[str, str] | None]:
    """The table in its order on disk, with numbers as numbers, and the words of its answers."""
    return kind.check(trials, source).astype({"session": int, "trial": int}), kind.vocabulary(trials)


def _ordered(trials: pd.DataFrame) -> pd.DataFrame:
    return trials.sort_values([*KEYS, "trial"]).reset_index(drop=True)


def _facts(trials: pd.DataFrame, table: pd.DataFrame, source: str) -> dict[tuple[str, int], dict[str, Any]]:
    """What a table exported by Lookalike says of each session. Raises `LookalikeError` if it contradicts itself."""
    if not set(SESSION_FACTS) <= set(table.columns):
        return {}
    of_session = table[list(SESSION_FACTS)].groupby([trials["participant"], trials["session"]])
    for column, kinds in of_session.nunique(dropna=False).items():
        rows = pd.MultiIndex.from_frame(trials[list(KEYS)])
        several = pd.Series(kinds.reindex(rows).to_numpy() > 1, index=trials.index)
        message = f"{column} is not the same throughout a session"
        refuse_rows(several, source, message, "correct the table", code="contradictory-facts")
    facts: dict[tuple[str, int], dict[str, Any]] = {}
    for (participant, session), part in of_session:
        row = part.iloc[0]
        facts[participant, session] = {key: row[name] for name, key in SESSION_FACTS.items() if pd.notna(row[name])}
    return facts
