"""Which trials are analysed: session 1 is the measure, retests stand apart, and every session is accounted for.

A session is *kept*, *flagged* (kept, and the report says why one should look) or *set aside* (not
analysed, and the report says why). Nothing is dropped in silence, and a retest is never pooled
into session 1: whoever comes back has already seen the images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.audit import check_images, check_record
from data.errors import LookalikeError
from data.files import sha256
from data.study import Study, StudyFile
from data.trials import TRUTHS, BehFile, beh_files, read_beh, read_sidecar, unexported_sessions

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

TASK = "realfake"
OBSERVERS = ("human", "scripted", "simulated")
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Trials:
    """The trials of one study, selected and accounted for.

    `measure` holds the main trials of session 1 and `retests` those of later sessions, both with the
    columns of `data.trials` and without sessions set aside; unanswered trials stay in, without a
    response. `sessions` has one row per session found (see `SESSION_COLUMNS`). `files` maps every
    file read, relative to the BIDS folder, to its SHA-256.
    """

    measure: pd.DataFrame
    retests: pd.DataFrame
    sessions: pd.DataFrame
    files: Mapping[str, str]


SESSION_COLUMNS = (
    "participant",
    "session",
    "used_as",  # measure | retest
    "status",  # kept | flagged | set aside
    "reason",  # of the status; missing when kept without remark
    "observer",  # human | scripted | simulated | not stated
    "planned",  # main trials the session should have
    "answered",  # main trials with a response
    "rated",  # main trials with a response and a confidence
    "days_since_first",  # days
    "started",  # ISO 8601
    "stimulus_set_sha256",
    "study_sha256",
    "record_checked",  # whether the answers were held against the session's record
)


def load(folder: Path, study: StudyFile | None, stimuli: StimulusSet | None) -> Trials:
    """Read a BIDS folder and decide, session by session, what is analysed.

    A session without an answered main trial, or with a smaller answered share than the study's
    `min_answered`, is set aside; so is a retest without a session 1 that is kept, or by another kind
    of observer than session 1. A partial session is otherwise kept and flagged. The share counts the
    planned trials (the study's, or those in the table if they are more), so that a session broken off
    early does not pass as complete. A table is checked against the session's record and plan where
    `sourcedata` holds them, and against `stimuli` where it is given (see `analysis.audit`).

    Raises `LookalikeError` if the folder or a file breaks the contract, if a session was found twice,
    if one was recorded (in `sourcedata`) and has no table, if a table differs from its record, its plan
    or `stimuli`, if a record comes from another stimulus set than `stimuli` (or, when it is given, does
    not say from which), if a retest comes from another set than that participant's session 1, or if
    one image is real in one record and generated in another.
    """
    folder = Path(folder)
    task = study.study.task if study else TASK
    _refuse_unexported(folder)
    tables = [(file, read_beh(file)) for file in beh_files(folder, task)]
    found = [_read_session(file, table, check_record(folder, file, table)) for file, table in tables]
    _refuse_other_sets(found, None if stimuli is None else stimuli.sha256)
    if stimuli is not None:
        for file, table in tables:
            check_images(file, table, stimuli)
    _refuse_contradictions(found)

    sessions = _account(found, study)
    kept = {(row["participant"], row["session"]) for row in sessions.to_dict("records") if row["status"] != "set aside"}
    main = pd.concat([one.main for one in found], ignore_index=True)
    main = main[[key in kept for key in zip(main["participant"], main["session"], strict=True)]]
    read = [path for one in found for path in (one.path, one.path.with_suffix(".json"), *one.sources)]
    return Trials(
        measure=main[main["session"] == 1].reset_index(drop=True),
        retests=main[main["session"] > 1].reset_index(drop=True),
        sessions=sessions,
        files={path.relative_to(folder).as_posix(): sha256(path) for path in read},
    )


def is_generated(truth: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """True where the image is generated (the signal), False where it is real.

    Raises `LookalikeError` for any other word: it would otherwise count as the other class.
    """
    words = np.asarray(truth, dtype=object)
    unknown = sorted({str(word) for word in words.ravel() if word not in TRUTHS})
    if unknown:
        raise LookalikeError(f"truth {unknown[0]!r}: must be 'real' or 'generated'")
    return np.asarray(words == "generated", dtype=np.bool_)


@dataclass(frozen=True)
class _Session:
    """One session as found: its main trials and what its sidecar says."""

    participant: str
    session: int
    path: Path
    main: pd.DataFrame
    observer: str
    complete: bool
    stimulus_set: str | None
    study: str | None
    started: str | None
    days_since_first: float
    sources: tuple[Path, ...]  # the record and plan that the table was checked against, if there are any

    @property
    def answered(self) -> int:
        return int(self.main["response"].notna().sum())

    @property
    def rated(self) -> int:
        return int((self.main["response"].notna() & self.main["confidence"].notna()).sum())


def _refuse_unexported(folder: Path) -> None:
    """Refuse what would otherwise be left out in silence: answers that no table holds."""
    waiting = unexported_sessions(folder)
    if waiting:
        first, more = waiting[0], len(waiting) - 1
        raise LookalikeError(
            f"{first.folder}: participant {first.participant}, session {first.session} was recorded "
            f"({first.answered} answers) and has no table{f', and {more} more likewise' if more else ''}: "
            f"run 'lookalike export {folder}' (a session that is still running is exported at its end), "
            "or move the record out of the folder"
        )


def _read_session(file: BehFile, table: pd.DataFrame, sources: tuple[Path, ...]) -> _Session:
    sidecar = read_sidecar(file.path)
    observer, days = sidecar.get("Observer"), sidecar.get("DaysSinceFirstSession")
    return _Session(
        participant=file.participant,
        session=file.session,
        path=file.path,
        main=table[table["role"] == "main"].reset_index(drop=True),
        observer=observer if observer in OBSERVERS else NOT_STATED,
        complete=sidecar.get("Complete") is not False,
        stimulus_set=_text(sidecar.get("StimulusSetSHA256")),
        study=_text(sidecar.get("StudySHA256")),
        started=_text(sidecar.get("Started")),
        days_since_first=float(days) if isinstance(days, (int, float)) else np.nan,
        sources=sources,
    )


def _text(value: object) -> str | None:
    return str(value) if value else None


def _refuse_other_sets(found: list[_Session], stimuli_sha256: str | None) -> None:
    first = {one.participant: one.stimulus_set for one in found if one.session == 1}
    for one in found:
        sidecar = one.path.with_suffix(".json")
        if stimuli_sha256 is not None and one.stimulus_set != stimuli_sha256:
            was = f"comes from stimulus set {one.stimulus_set[:12]}" if one.stimulus_set else "names no stimulus set"
            raise LookalikeError(
                f"{sidecar}: the record {was}, not {stimuli_sha256[:12]}; "
                "give the set that was shown, or move this session out of the folder"
            )
        before = first.get(one.participant)
        if one.session > 1 and before and one.stimulus_set and one.stimulus_set != before:
            raise LookalikeError(
                f"{sidecar}: the retest shows stimulus set {one.stimulus_set[:12]}, session 1 showed {before[:12]}; "
                "a retest must show the same set, so move this session out of the folder"
            )


def _refuse_contradictions(found: list[_Session]) -> None:
    known: dict[tuple[str, str], tuple[str, Path]] = {}
    for one in found:
        # Where the set is not stated, the same id may be another image for another participant.
        images = one.stimulus_set or f"of {one.participant}"
        for stimulus, truth in zip(one.main["stimulus_id"], one.main["truth"], strict=True):
            before, where = known.setdefault((images, stimulus), (truth, one.path))
            if before != truth:
                raise LookalikeError(
                    f"{one.path}: {stimulus} is {truth} here and {before} in {where}; correct the wrong one"
                )


def _account(found: list[_Session], study: StudyFile | None) -> pd.DataFrame:
    """One row per session, in the order found (session 1 before its retests)."""
    first: dict[str, tuple[_Session, bool]] = {}
    rows = []
    for one in found:
        planned = max(len(one.main), study.study.plan.trials if study else 0)
        objections = _objections(one, planned, study.study if study else None)
        if one.session == 1:
            first[one.participant] = (one, not objections)
        else:
            objections += _retest_objections(one, first.get(one.participant))
        remarks = objections + _remarks(one, planned, study)
        rows.append(
            {
                "participant": one.participant,
                "session": one.session,
                "used_as": "measure" if one.session == 1 else "retest",
                "status": "set aside" if objections else "flagged" if remarks else "kept",
                "reason": "; ".join(remarks) or None,
                "observer": one.observer,
                "planned": planned,
                "answered": one.answered,
                "rated": one.rated,
                "days_since_first": one.days_since_first,
                "started": one.started,
                "stimulus_set_sha256": one.stimulus_set,
                "study_sha256": one.study,
                "record_checked": bool(one.sources),
            }
        )
    return pd.DataFrame(rows, columns=list(SESSION_COLUMNS))


def _objections(one: _Session, planned: int, study: Study | None) -> list[str]:
    """Why a session cannot be analysed."""
    if not one.answered:
        return ["no main trial was answered"]
    least = study.exclusions.min_answered if study else 0.0
    if one.answered < least * planned:
        return [f"{one.answered} of {planned} main trials answered, fewer than the study's {least:.0%}"]
    return []


def _retest_objections(one: _Session, first: tuple[_Session, bool] | None) -> list[str]:
    if first is None:
        return ["no session 1 to compare with"]
    measure, kept = first
    if not kept:
        return ["session 1 was set aside"]
    if one.observer != measure.observer:
        return [f"the observer is {one.observer} here and {measure.observer} in session 1"]
    return []


def _remarks(one: _Session, planned: int, study: StudyFile | None) -> list[str]:
    """What a reader should know about a session that may still be analysed."""
    remarks = []
    if 0 < one.answered < planned:
        remarks.append(f"partial session: {one.answered} of {planned} main trials answered")
    elif one.answered == planned and not one.complete:
        remarks.append("partial session: every main trial is answered, but the sidecar says it was not completed")
    if one.rated < one.answered:
        remarks.append(f"{one.answered - one.rated} answers without a confidence: they count in d′, not in the ROC")
    if study is not None:
        planned_days, days = study.study.plan.retest_after_days, one.days_since_first
        # A simulated observer's calendar means nothing.
        if one.observer in ("human", NOT_STATED) and days < planned_days:
            remarks.append(f"retest after {days:.1f} days; the study planned {planned_days:g}")
        levels = study.study.plan.confidence_levels
        beyond = int((one.main["confidence"] > levels).sum())
        if beyond:
            remarks.append(f"{beyond} confidences above the study's {levels} levels")
        if one.study is None:
            remarks.append("no study file was recorded with this session")
        elif one.study != study.sha256:
            remarks.append("study file changed: the session was run with another one")
    if one.stimulus_set is None:
        remarks.append("the stimulus set is not stated")
    if one.observer == NOT_STATED:
        remarks.append("the kind of observer is not stated")
    return remarks
