"""Answers for other programs: one long CSV of every trial, and iMRMC's format for multi-reader studies.

Both are made from the tables, so a session that has none yet is exported first (`experiments.records.bids`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.files import read_table, refuse_occupied, write_table, write_text
from data.trials import (
    COLUMNS,
    KEYS,
    SESSION_FACTS,
    TEXT_COLUMNS,
    BehFile,
    beh_files,
    rating,
    read_beh,
    read_sidecar,
)

_TEXTS = (*TEXT_COLUMNS, "left_id", "left_file", "right_id", "right_file", "loop", "after_gap", "key_mapping")
_CURE = "name the one that is wanted with --task"


@dataclass(frozen=True)
class Mrmc:
    """What went into an iMRMC file; `unrated` trials lack a rating and were left out."""

    readers: int
    real: int
    generated: int
    scores: int
    unrated: int


def write_long(data: Path, out: Path, task: str = "realfake") -> int:
    """Write all trials of all sessions of a task, whatever their role, as one CSV; return how many.

    Columns: those of the tables, those that only some have too, and `SESSION_FACTS` from the sidecars.
    `data.external_tables` reads it back, and `data.answers` that of pairs or matches. Raises `LookalikeError` if `out`
    is there, or as `beh_files` does.
    """
    out = _new_file(out)
    tables = []
    for file in beh_files(data, task, _CURE):
        table, sidecar = _whole(file), read_sidecar(file.path)
        tables.append(table.assign(**{column: sidecar.get(key) for column, key in SESSION_FACTS.items()}))
    long = pd.concat([table.astype(object) for table in tables], ignore_index=True)
    write_table(out, long.astype({"confidence": "Int64"} if "confidence" in long else {}))
    return len(long)


def write_imrmc(data: Path, out: Path, task: str = "realfake", session: int = 1, observer: str | None = None) -> Mrmc:
    """Write one session's main trials in iMRMC's format (Gallas, FDA; the iMRMC user manual, "input file").

    After a free-text head with the numbers of readers, cases and modalities: rows `readerID,caseID,modalityID,
    score`. First a row `-1,case,0,truth` per case, 1 for a generated image (the signal) and 0 for a real one;
    then the scores: signed ratings, larger is more generated-looking. Ids are whole numbers, which every reader
    of the format takes; the head says what they stand for. Images of different sets are different cases.

    With `observer` (human | scripted | simulated) only sessions of that kind. Raises `LookalikeError` if
    `out` is there, several kinds answered and none was named, nothing was rated, an image has two truths, or the
    task's trials are pairs or matches.
    """
    out = _new_file(out)
    files = _of_kind(
        [file for file in beh_files(data, task, _CURE) if file.session == session], data, session, observer
    )
    if not _is_of_single_images(read_table(files[0].path, (), text=_TEXTS)):
        raise LookalikeError(
            f"{data}: iMRMC's format is for ratings of single images, and task {task} has pairs or matches; leave out "
            "--imrmc (--long takes every task)"
        )
    tables = [_scores(file) for file in files]
    trials = pd.concat(tables, ignore_index=True)
    scored = trials[trials["score"].notna()]
    if scored.empty:
        raise LookalikeError(f"{data}: no main trial of session {session} has an answer with a confidence")
    cases = scored.drop_duplicates("case").sort_values("case")
    split = scored.groupby("case")["truth"].nunique()
    if (split > 1).any():
        raise LookalikeError(f"{data}: {split.idxmax()[1]} is real in one table and generated in another")
    reader_ids = {code: number for number, code in enumerate(sorted(scored["participant"].unique()), start=1)}
    case_ids = {case: number for number, case in enumerate(cases["case"], start=1)}
    generated = int((cases["truth"] == "generated").sum())
    made = Mrmc(len(reader_ids), len(cases) - generated, generated, len(scored), len(trials) - len(scored))
    lines = [
        f"Real or generated images, session {session}, main trials, by Lookalike.",
        "Cases with signal are the generated images. Scores are signed ratings: larger is more generated-looking.",
        *(
            f"{name}: {count}"
            for name, count in (("NR", made.readers), ("N0", made.real), ("N1", generated), ("NM", 1))
        ),
        *(f"reader {number} is {code}" for code, number in reader_ids.items()),
        *(f"case {number} is {case[1]} of set {case[0][:12] or 'not stated'}" for case, number in case_ids.items()),
        "BEGIN DATA:",
        *(f"-1,{case_ids[row.case]},0,{int(row.truth == 'generated')}" for row in cases.itertuples()),
        *(f"{reader_ids[row.participant]},{case_ids[row.case]},1,{row.score:g}" for row in scored.itertuples()),
    ]
    write_text(out, "\n".join(lines) + "\n")
    return made


def _whole(file: BehFile) -> pd.DataFrame:
    """A session's table with all its columns; one of single images is validated."""
    whole = read_table(file.path, ("trial", "role"), text=_TEXTS)
    if not _is_of_single_images(whole):
        whole.insert(0, "participant", file.participant)
        whole.insert(1, "session", file.session)
        return whole
    more = [name for name in whole.columns if name not in (*KEYS, *COLUMNS, *SESSION_FACTS)]
    table = read_beh(file)
    table[more] = whole[more]
    return table


def _is_of_single_images(table: pd.DataFrame) -> bool:
    return not {"left_id", "target_deg"} & set(table.columns)


def _new_file(out: Path) -> Path:
    refuse_occupied(out)
    if not Path(out).parent.is_dir():
        raise LookalikeError(f"{Path(out).parent}: no such folder; make it first")
    return Path(out)


def _of_kind(files: Sequence[BehFile], data: Path, session: int, observer: str | None) -> list[BehFile]:
    kinds = {file: str(read_sidecar(file.path).get("Observer")) for file in files}
    if observer is None and len(set(kinds.values())) > 1:
        found = " and ".join(sorted(set(kinds.values())))
        raise LookalikeError(f"{data}: {found} observers answered session {session}; name one kind with --observer")
    kept = [file for file in files if observer in (None, kinds[file])]
    if not kept:
        raise LookalikeError(f"{data}: no session {session}{f' by a {observer} observer' if observer else ''}")
    return kept


def _scores(file: BehFile) -> pd.DataFrame:
    """A session's main trials with case (set, image) and score."""
    table, sidecar = read_beh(file), read_sidecar(file.path)
    main = table[table["role"] == "main"]
    # Where the set is not stated, the same id may be another image for another participant.
    images: Any = sidecar.get("StimulusSetSHA256") or f"of {file.participant}"
    cases = [(images, image) for image in main["stimulus_id"]]
    return main.assign(case=cases, score=rating(main["response"], main["confidence"]))
