"""The progress of a study: who took part, how far each session came, who is running now, who is due for a retest."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from data.bids import PLAN, RECORD, session_folder
from data.errors import LookalikeError
from data.files import sha256
from data.plan import read_plan
from data.record import read_record
from data.shipped import EXAMPLE_STUDY
from data.study import StudyFile, read_study
from experiments.records.participants import everyone, read_participant, withdrawal_mark
from experiments.records.record import BEGINNING_S, check_together, is_complete, is_running, utc_now

State = Literal["complete", "partial", "running", "beginning", "not started", "damaged", "table only"]
_NOT_HELD = ("not started", "partial")
Retest = Literal["due", "waiting", "started", "done", "no first session", "not stated"]


@dataclass(frozen=True)
class SessionState:
    """The state of one session. What is not known is None.

    Attributes
    ----------
    session : int
        Session number, from 1.
    state : str
        `complete`, `partial`, `running`, `beginning` (about to show its first image), `not started` (ended before it),
        `damaged`, or `table only` (no record here).
    answered : int
        Trials answered, practice included.
    trials : int or None
        Trials planned.
    observer : {"human", "scripted", "simulated"} or None
        Who answers.
    days_since : float or None
        Days since the session began.
    study_sha256 : str or None
        Hash of the study file it was planned with.
    problem : str or None
        What is damaged.

    Examples
    --------
    >>> import experiments
    >>> experiments.SessionState(1, "partial", answered=40, trials=100).open
    False
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
        """Whether someone may be taking part in it now."""
        return self.state in ("running", "beginning")


@dataclass(frozen=True)
class ParticipantState:
    """The state of one participant.

    Attributes
    ----------
    participant : str
        The participant's code.
    consent : bool or None
        None for a code that is not registered for a person.
    observer : {"human", "scripted", "simulated"} or None
        Who answers under this code; None where no readable file says so.
    sessions : tuple of SessionState
        The sessions, by number.
    retest : str
        `due` once the study's `retest_after_days` have passed since a complete session 1, `waiting` before,
        `started` or `done` with a later session, `no first session`, or `not stated` where no study file gives the
        days.
    due_in_days : float or None
        Days until the retest is due; negative once it is.
    withdrawing : bool
        Whether a removal of this participant's data was started and not finished.
    problem : str or None
        Why the participant's file cannot be read.

    Examples
    --------
    >>> import experiments
    >>> state = experiments.ParticipantState("k7q2m", True, "human", (), "no first session", None, False, None)
    >>> state.retest
    'no first session'
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
    """The progress of a study: every participant with anything in `data`, by code.

    Parameters
    ----------
    data : Path
        Folder with the data of all participants.
    study : StudyFile, optional
        Study file whose `retest_after_days` says when retests are due. Without it, only sessions run with the shipped
        example study have a due date.

    Returns
    -------
    list of ParticipantState
        One state per participant, sorted by code.

    Raises
    ------
    LookalikeError
        If `data` is not a folder (`no-such-folder`).

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from stimuli.sets import Candidate, Layout, build_set
    >>> rng = np.random.default_rng(1)
    >>> real, generated = ([Candidate(rng.random((16, 16), dtype=np.float32), f"{source}:{n}") for n in range(50)]
    ...                    for source in ("patch", "seed"))
    >>> stimuli = build_set(Path("stimuli"), real, generated, Layout(main=100), {})
    >>> setup = experiments.Setup("simulated", window=False)
    >>> result = experiments.run_first_session(stimuli.folder, Path("data"), "sim1", setup=setup)
    >>> [(one.participant, one.sessions[0].state, one.sessions[0].answered) for one in experiments.status(Path("data"))]
    [('sim1', 'complete', 100)]
    """
    if not Path(data).is_dir():
        raise LookalikeError("no-such-folder", f"{data}: no such folder; give the folder of all participants' data")
    example = sha256(EXAMPLE_STUDY)
    return [_participant(Path(data), code, study, example) for code in sorted(everyone(data))]


def session_states(data: Path, participant: str) -> list[SessionState]:
    """The participant's sessions by number, those with a record here and those with only a table."""
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
    # A retest that was opened and left before its first answer has not been held.
    later = [one.state for one in sessions if one.session > 1 and (one.answered or one.state not in _NOT_HELD)]
    if "complete" in later or later:
        return ("done" if "complete" in later else "started"), None
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
        return SessionState(number, "beginning" if fresh else "not started")
    try:
        running = is_running(record)
    except LookalikeError as error:  # it is locked, and damaged
        return SessionState(number, "running", problem=str(error))
    try:
        log = read_record(record)
        if not log.events:
            return SessionState(number, "running" if running else "not started")
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
