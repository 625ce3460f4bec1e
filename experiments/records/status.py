"""How a study stands: who took part, how far each session came, who is running now, and who is due for a retest."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from data.errors import LookalikeError
from data.files import sha256
from data.plan import read_plan
from data.record import read_record
from data.shipped import EXAMPLE_STUDY
from data.study import StudyFile, read_study
from data.trials import PLAN, RECORD, session_folder
from experiments.records.participants import everyone, read_participant, withdrawal_mark
from experiments.records.record import BEGINNING_S, check_together, is_complete, is_running, utc_now

State = Literal["complete", "partial", "running", "beginning", "not begun", "damaged", "table only"]
Retest = Literal["due", "waiting", "begun", "done", "no first session", "not stated"]


@dataclass(frozen=True)
class SessionState:
    """How one session stands: `answered` of `trials`, and `days_since` it began.

    *beginning* may be about to show its first image; *not begun* ended before it; *table only* has no
    record here. `problem` says what is damaged. What is not known is None.
    """

    session: int
    state: State
    answered: int = 0
    trials: int | None = None
    observer: str | None = None
    days_since: float | None = None
    study_sha256: str | None = None
    problem: str | None = None

    @property
    def open(self) -> bool:
        """Whether somebody may be sitting at it now."""
        return self.state in ("running", "beginning")


@dataclass(frozen=True)
class ParticipantState:
    """How one participant stands.

    `consent` is None for a code that was not made for a person. `observer` is who answers under this code: human,
    simulated or scripted, and None where nothing readable says so. `retest` is *due* once `retest_after_days` have
    gone by since a complete session 1, *waiting* before, *begun* and *done* with a later session, *not stated*
    where no study file says after how many days; `due_in_days` is negative once it is due.
    `withdrawing` marks a removal that began and did not end. `problem` says why the participant's file cannot
    be read.
    """

    participant: str
    consent: bool | None
    observer: str | None
    sessions: tuple[SessionState, ...]
    retest: Retest
    due_in_days: float | None
    withdrawing: bool
    problem: str | None


def status(data: Path, study: StudyFile | None = None) -> list[ParticipantState]:
    """Every participant of whom there is anything in `data`, by code.

    Without a `study`, sessions run with the shipped example are due after its days. Raises `LookalikeError`
    if `data` is no folder.
    """
    if not Path(data).is_dir():
        raise LookalikeError(f"{data}: no such folder; give the folder of all participants' data")
    example = sha256(EXAMPLE_STUDY)
    return [_participant(Path(data), code, study, example) for code in sorted(everyone(data))]


def session_states(data: Path, participant: str) -> list[SessionState]:
    """The participant's sessions by number, with a record here or only a table."""
    recorded = _numbers(session_folder(data, participant, 1).parent.glob("ses-*"))
    tables = _numbers(path.parents[1] for path in Path(data).glob(f"sub-{participant}/ses-*/beh/*_beh.tsv"))
    return [
        _session(session_folder(data, participant, number), number)
        if number in recorded
        else SessionState(number, "table only")
        for number in sorted(recorded | tables)
    ]


def _participant(data: Path, code: str, study: StudyFile | None, example: str) -> ParticipantState:
    person, problem = None, None
    try:
        person = read_participant(data, code)
    except LookalikeError as error:
        problem = str(error)
    sessions = tuple(session_states(data, code))
    retest, due_in_days = _retest(sessions, study, example)
    return ParticipantState(
        participant=code,
        consent=None if person is None else person.reader.consent,
        observer="human" if person else next((one.observer for one in sessions if one.observer), None),
        sessions=sessions,
        retest=retest,
        due_in_days=due_in_days,
        withdrawing=withdrawal_mark(data, code).exists(),
        problem=problem,
    )


def _retest(sessions: tuple[SessionState, ...], study: StudyFile | None, example: str) -> tuple[Retest, float | None]:
    first = next((one for one in sessions if one.session == 1 and one.state == "complete"), None)
    later = [one.state for one in sessions if one.session > 1 and one.state != "not begun"]
    if "complete" in later or later:
        return ("done" if "complete" in later else "begun"), None
    if first is None or first.days_since is None:
        return "no first session", None
    if study is None and first.study_sha256 == example:
        study = read_study(EXAMPLE_STUDY)
    if study is None:
        return "not stated", None
    left = round(study.study.plan.retest_after_days - first.days_since, 3)
    return ("due" if left <= 0 else "waiting"), left


def _session(folder: Path, number: int) -> SessionState:
    record = folder / RECORD
    if not record.exists():
        plan = folder / PLAN
        fresh = plan.exists() and time.time() - plan.stat().st_mtime < BEGINNING_S
        return SessionState(number, "beginning" if fresh else "not begun")
    try:
        running = is_running(record)
    except LookalikeError as error:  # it is locked, and damaged
        return SessionState(number, "running", problem=str(error))
    try:
        log = read_record(record)
        if not log.events:
            return SessionState(number, "running" if running else "not begun")
        begun, start = log.begun, log.start
        planned = read_plan(folder / PLAN)
        check_together(planned, log)
    except LookalikeError as error:
        return SessionState(number, "damaged", problem=str(error))
    since = datetime.fromisoformat(utc_now()) - datetime.fromisoformat(begun["utc"])
    return SessionState(
        session=number,
        state="running" if running else "complete" if is_complete(planned, log) else "partial",
        answered=len(log.of("answer")),
        trials=len(planned.trials),
        observer=start["observer"],
        days_since=round(since.total_seconds() / 86400, 3),
        study_sha256=start["study_sha256"],
    )


def _numbers(folders: Iterable[Path]) -> set[int]:
    return {int(folder.name[4:]) for folder in folders if folder.name[4:].isdecimal()}
