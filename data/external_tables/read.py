"""Trials of any kind of task, read from tables of any program or from a BIDS folder of recorded sessions.

A table has one row per trial: a text file of any encoding and separator, an Excel workbook, or JSON records; several
files, or a folder of them, are read as one study. It may use its own names for columns and its own words for answers
(`data.external_tables.mapping.TableMapping`); exports of known programs (`data.external_tables.programs`) are
recognised. Which columns it needs, and which words they may hold, is asked of the kind of task (`data.kinds`):

| kind            | columns                      | what they hold                                                     |
|-----------------|------------------------------|--------------------------------------------------------------------|
| realfake        | truth, and response or       | what the image is, and was said to be: real | generated; or how    |
|                 | rating                       | generated it looked, on any scale                                  |
| two_alternative | truth, response              | where the generated image is, and was said to be: left | right, or |
|                 |                              | first | second                                                     |
| same_different  | truth, response              | what the pair is (one real, one generated: different), and was     |
|                 |                              | said to be: same | different                                       |
| matching        | target_deg, response_deg     | position on the loop, 360° around, in the direction of the loop's  |
|                 |                              | frames: of the image to match, and of the match                    |

A missing response is an empty cell, n/a, NA or the like. What else is missing is filled in, and `TrialTable.filled`
says so:

| column            | without it                                                 |
|-------------------|------------------------------------------------------------|
| participant       | each of several files is one participant, named as the file |
| session           | every trial is of session 1                                |
| trial             | trials are numbered in the order of the rows               |
| role              | every trial is a main one (main | practice | catch)        |
| stimulus_id       | every trial shows an image of its own (realfake)           |
| after_gap         | no break came before any trial (`data.trials.after_gap`)   |
| loop              | all matches are on one loop (matching only)                |
| confidence        | none: d' is measured, the ROC is not (two_alternative too)  |
| times, stim_file  | none (realfake)                                            |
| condition         | the study has one (realfake)                               |

Rows without an image and without an answer, such as instructions, are left out and counted. A table with a column
`observer` in the words human, scripted and simulated, or with all of `data.trials.SESSION_FACTS` as the long table that
Lookalike exports, also says of each session who answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.bids import BehFile, beh_files, read_sidecar
from data.errors import LookalikeError
from data.external_tables.cells import PERSON, read_part
from data.external_tables.facts import facts_of
from data.external_tables.mapping import TableMapping, refuse_unknown
from data.external_tables.numbering import (
    merged_participants,
    refuse_mixed_people,
    refuse_shortened,
    session_numbers,
    trial_numbers,
)
from data.external_tables.scales import implausible, scaled_confidence, split_ratings
from data.external_tables.sources import TableFile, is_ours, tables_of
from data.external_tables.values import counted, same_ids, words_in_no_cell
from data.files import read_table, sha256
from data.kinds.kind import Kind
from data.kinds.registry import find
from data.shipped import DEFAULT_TASK
from data.trials import KEYS, after_gap, refuse_rows

_MISSING = (None, "missing throughout")
_OWN_IMAGES = "an image of its own in each trial, different for each participant"


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
    notes : tuple of str
        What was recognised, merged or left out, a sentence each.
    doubts : tuple of str
        Values that look implausible and were taken as they are, a sentence each.
    people : pandas.DataFrame, or None
        Participant and the columns that describe participants (`TableMapping.people`), one row for each.

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
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    people: pd.DataFrame | None = None

    @property
    def measure(self) -> str:
        """What the analysis of this kind measures, such as `dprime` (`data.kinds`)."""
        return find(self.kind).measure

    @property
    def observers(self) -> tuple[str, ...]:
        """The kinds of observer (human | scripted | simulated | not stated); empty if nothing is known."""
        return tuple(sorted({str(facts.get("Observer") or "not stated") for facts in self.facts.values()}))


def read_external_table(
    source: Path | Sequence[Path],
    kind: str = DEFAULT_TASK,
    mapping: TableMapping | None = None,
    task: str | None = None,
) -> TrialTable:
    """Read the tables of all trials of all sessions as one study, their rows in any order.

    Parameters
    ----------
    source : Path, or a sequence of them
        A table (CSV of any kind, .xlsx, JSON, .imrmc), several, or a folder that holds one per participant; or a BIDS
        folder that another program wrote.
    kind : str
        The kind of task; see the head of this module for the columns that each needs.
    mapping : TableMapping, optional
        The table's own names of columns and words, and how its cells are to be read.
    task : str, optional
        The task's name in a BIDS folder; by default the only one.

    Returns
    -------
    TrialTable
        The trials in Lookalike's words, what had to be filled in, and what else a reader should know.

    Raises
    ------
    LookalikeError
        If there is no such file, a column is missing, or a word or number is not one that the kind allows, naming the
        rows, the word and the option that cures it.

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
    source = Path(source) if isinstance(source, (str, Path)) else [Path(one) for one in source]
    asked, mapping = find(kind), mapping or TableMapping()
    refuse_unknown(mapping, external_columns(asked))
    tables, notes = tables_of(source, task)
    files = {_name(table, source): sha256(table.path) for table in tables}
    _refuse_copies(files)
    several = len(tables) > 1 or tables[0].path != source
    read = [read_part(table, asked, mapping, several) for table in tables]
    parts = [part for part in read if len(part.trials)]
    where = str(source) if isinstance(source, Path) else ", ".join(map(str, source[:3]))
    if not parts:
        raise LookalikeError("empty-table", f"{where}: holds no trial; it needs a row per trial under its header")
    notes += [
        f"{table.path.name}: holds no trial" for table, part in zip(tables, read, strict=True) if part not in parts
    ]
    table = pd.concat([part.trials for part in parts])
    notes += list(dict.fromkeys(note for part in parts for note in part.notes))
    if left_out := sum(part.left_out for part in parts):
        rows = counted(left_out, "row")
        notes.append(f"{rows} without an image and an answer {'was' if left_out == 1 else 'were'} left out")
    notes += words_in_no_cell(set.intersection(*(set(part.unused) for part in parts)))
    table, numbered, more = _numbered(table, mapping, where, named_by_file=any(part.named_by_file for part in parts))
    table, scaled = _scaled(table, mapping, where)
    notes += [*more, *scaled]
    doubts = tuple(implausible(table, mapping))
    people = _people(table, mapping.people, where)
    trials, filled = _filled(table, asked, where)
    trials, pair = _checked(trials, asked, where)
    facts = facts_of(trials, table, tables, parts, where)
    return TrialTable(kind, _ordered(trials), pair, {**numbered, **filled}, files, facts, tuple(notes), doubts, people)


def read_trials(
    source: Path | Sequence[Path],
    kind: str = DEFAULT_TASK,
    mapping: TableMapping | None = None,
    task: str | None = None,
) -> TrialTable:
    """Read tables, or the sessions of a BIDS folder whose tables bear the name `task`.

    Parameters
    ----------
    source : Path, or a sequence of them
        Tables, read as by `read_external_table`, or the folder that holds the `sub-*` folders.
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
        As `read_external_table` does; if a folder holds no table of this task; or if `mapping` is given for sessions
        that Lookalike recorded.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_trials
    >>> _ = Path("matches.csv").write_text("participant,target_deg,response_deg\\na,10,12\\na,350,n/a\\n")
    >>> read_trials(Path("matches.csv"), "matching").trials["response_deg"].tolist()
    [12.0, nan]
    """
    asked = find(kind)
    if not recorded_here(source):
        return read_external_table(source, kind, mapping, task)
    source = Path(source)  # type: ignore[arg-type]
    refuse_mapping_of_folder(source, mapping)
    found, files, facts = [], {}, {}
    for file in beh_files(source, task or asked.label):
        found.append(_session(file, asked))
        facts[file.participant, file.session] = read_sidecar(file.path)
        for path in (file.path, file.path.with_suffix(".json")):
            files[path.relative_to(source).as_posix()] = sha256(path)
    table, pair = _checked(pd.concat(found, ignore_index=True), asked, str(source))
    return TrialTable(kind, _ordered(table), pair, {}, files, facts)


def recorded_here(source: Path | Sequence[Path]) -> bool:
    """Whether a source is a folder of sessions that Lookalike recorded, whose records are checked."""
    return isinstance(source, (str, Path)) and Path(source).is_dir() and is_ours(Path(source))


def refuse_mapping_of_folder(source: Path, mapping: TableMapping | None) -> None:
    """Raise `LookalikeError` if names of columns or words are mapped for sessions that Lookalike recorded."""
    if mapping is not None and mapping != TableMapping():
        raise LookalikeError(
            "mapping-of-folder",
            f"{source}: holds sessions that Lookalike recorded, in its own columns and words; leave --columns, --words "
            "and --import out",
        )


def external_columns(kind: Kind[Any, Any]) -> tuple[str, ...]:
    """Our columns that an external table may have for this kind of task."""
    more = ("rating", "correct", "condition") if kind.single_images else ("correct",) if kind.vocabularies else ()
    return (*KEYS, *kind.fields, "after_gap", *more, "observer")


def _refuse_copies(files: Mapping[str, str]) -> None:
    """Raise `LookalikeError` if two files are the same: answers would count twice."""
    first: dict[str, str] = {}
    for name, sha in files.items():
        if sha in first:
            raise LookalikeError("repeated-session", f"{name}: is a copy of {first[sha]}; remove one of the two")
        first[sha] = name


def _name(table: TableFile, source: Path | Sequence[Path]) -> str:
    folder = source if isinstance(source, Path) and source.is_dir() else table.path.parent
    return table.path.relative_to(folder).as_posix()


def _numbered(
    table: pd.DataFrame, mapping: TableMapping, where: str, named_by_file: bool
) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """The table with participants, sessions and trials in order; what was filled in, and what else to say."""
    table, filled = table.copy(), {}
    gone = table["participant"].isna()
    cure = "write the id in every row, or remove the rows"
    refuse_rows(gone, where, "participant is missing", cure, code="missing-value")
    refuse_shortened(table, where)
    written = table["participant"]
    table["participant"], notes = merged_participants(written)
    if named_by_file:
        filled["participant"] = "the names of the files"
    if "session" in table:
        table["session"], more = session_numbers(table["session"], table["participant"], mapping, where)
        notes += more
    else:
        table["session"], filled["session"] = 1, "1 throughout"
    if "trial" in table:
        table["trial"], told = trial_numbers(table, where)
        notes += [f"trial: {told}"] if told else []
    if "stimulus_id" in table:
        table["stimulus_id"] = same_ids(table["stimulus_id"])
        refuse_mixed_people(table, written, where)
    return table, filled, notes


def _people(table: pd.DataFrame, names: Sequence[str], where: str) -> pd.DataFrame | None:
    """One row per participant. Raises `LookalikeError` where a participant's rows contradict one another."""
    if not names:
        return None
    found = table[["participant", *(PERSON + name for name in names)]].set_axis(["participant", *names], axis=1)
    for name in names:
        several = found.groupby("participant")[name].transform("nunique") > 1
        refuse_rows(
            several,
            where,
            f"{name} is not the same throughout for a participant",
            "correct the table",
            code="contradictory-facts",
        )
    return found.groupby("participant", as_index=False).first()


def _scaled(table: pd.DataFrame, mapping: TableMapping, where: str) -> tuple[pd.DataFrame, list[str]]:
    """The table with ratings as response and confidence, and confidences from 1."""
    notes: list[str] = []
    rated = "rating" in table and "response" not in table
    if not rated and mapping.rating.middle is not None:
        raise LookalikeError(
            "unused-option",
            f"{where}: --middle is for ratings, and none were read; leave it out, or name their column instead of the "
            "answers' (--columns rating=THEIRS)",
        )
    if rated:
        response, confidence, note = split_ratings(table["rating"], mapping.rating)
        return table.assign(response=response, confidence=confidence), [note]
    if "confidence" in table and table["confidence"].notna().any():
        confidence, told = scaled_confidence(table["confidence"], where)
        table = table.assign(confidence=confidence)
        notes += [told] if told else []
    return table, notes


def _session(file: BehFile, kind: Kind[Any, Any]) -> pd.DataFrame:
    """One session's table as recorded, checked by itself, so that rows are those of its file."""
    table = read_table(file.path, ("trial", *kind.required), text=(*kind.text, "after_gap"))
    table = table.assign(participant=file.participant, session=file.session)
    table = table[[name for name in (*KEYS, *kind.fields, "after_gap") if name in table]]
    table, _ = _filled(table, kind, str(file.path))
    return _checked(table, kind, str(file.path))[0]


def _filled(trials: pd.DataFrame, kind: Kind[Any, Any], where: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table with all columns of the kind, and what those that it lacked hold now."""
    trials, filled = trials.copy(), {}
    fills = {"role": ("main", "main throughout"), **kind.fills}
    for name in kind.fields:
        if name in trials:
            continue
        if name == "trial":
            trials[name], filled[name] = trials.groupby([*KEYS]).cumcount() + 1, "the order of the rows"
        elif name == "stimulus_id":
            place = trials.groupby([*KEYS]).cumcount() + 1
            keys = (trials[key].astype(str) for key in KEYS)
            trials[name] = next(keys).str.cat([*keys, place.astype(str)], sep="/")
            filled[name] = _OWN_IMAGES
        else:
            trials[name], filled[name] = fills.get(name, _MISSING)
    if "role" in trials:
        trials["role"] = trials["role"].where(trials["role"].notna(), "main")
    if "after_gap" not in trials and kind.serial:
        filled["after_gap"] = "no throughout"
    trials["after_gap"] = after_gap(trials, where)
    for name in ("participant", *kind.text):
        if trials[name].notna().any():  # one type, whatever the cells went through
            trials[name] = pd.Series(trials[name].where(trials[name].notna(), np.nan).tolist(), index=trials.index)
    more = ("condition",) if "condition" in trials and kind.single_images else ()
    return trials[[*KEYS, *kind.fields, "after_gap", *more]], filled


def _checked(trials: pd.DataFrame, kind: Kind[Any, Any], source: str) -> tuple[pd.DataFrame, tuple[str, str] | None]:
    """The table in its order on disk, with numbers as numbers, and the words of its answers."""
    return kind.check(trials, source).astype({"session": int, "trial": int}), kind.vocabulary(trials)


def _ordered(trials: pd.DataFrame) -> pd.DataFrame:
    return trials.sort_values([*KEYS, "trial"]).reset_index(drop=True)
