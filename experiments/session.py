"""The session loop: one for every screen and every kind of observer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from data.errors import LookalikeError
from experiments.design import Plan, PlannedTrial
from experiments.display import Screen
from experiments.record import Record
from experiments.responder import Responder, SessionAborted
from experiments.wording import PRACTICE_OVER, THANKS, instructions
from stimuli.sets import StimulusSet

Progress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def run_session(
    plan: Plan,
    stimuli: StimulusSet,
    screen: Screen,
    responder: Responder,
    record: Record,
    progress: Progress = silent,
    days_since_first: float | None = None,
) -> None:
    """Instructions, practice, trials, thanks; each answer is on disk before the next image is shown.

    `progress` is told (trials done, trials in all) after each answer. Whatever ends the session
    early (Escape as `SessionAborted`, Ctrl+C, any fault) is written to the record and raised again;
    the answers so far stay.
    """
    record.append(
        "start",
        participant=plan.participant,
        session=plan.session,
        plan_sha256=plan.sha256,
        stimulus_set_sha256=plan.stimulus_set_sha256,
        study_sha256=plan.study_sha256,
        observer=responder.kind,
        days_since_first=days_since_first,
        screen=screen.about,
        versions=plan.versions,
    )
    start = screen.now()
    try:
        screen.message(instructions(plan))
        responder.proceed()
        practised = False
        for trial in plan.trials:
            if practised and trial.role != "practice":
                screen.message(PRACTICE_OVER)
                responder.proceed()
            practised = trial.role == "practice"
            _run_trial(trial, stimuli, screen, responder, record, start)
            progress(trial.trial, len(plan.trials))
        record.append("end")
    except BaseException as error:
        with suppress(LookalikeError):  # a full disk must not hide the first fault
            record.append("interruption", reason=_reason(error))
        raise
    screen.message(THANKS)
    with suppress(SessionAborted):  # Escape closes this screen as well as any key
        responder.proceed()


def _run_trial(
    trial: PlannedTrial, stimuli: StimulusSet, screen: Screen, responder: Responder, record: Record, start: float
) -> None:
    screen.blank()
    shown = screen.image(stimuli.read(trial.stimulus_id))
    onset = round(shown - start, 6)
    record.append("onset", trial=trial.trial, stimulus_id=trial.stimulus_id, onset=onset)
    answer = responder.answer(trial, shown)
    record.append(
        "answer",
        trial=trial.trial,
        stimulus_id=trial.stimulus_id,
        response=answer.response,
        confidence=answer.confidence,
        response_time=_rounded(answer.response_time),
        confidence_time=_rounded(answer.confidence_time),
        onset=onset,
    )
    # A person's answer took its time already; a simulated one takes it on the screen's clock.
    screen.wait_until(shown + (answer.response_time or 0.0) + (answer.confidence_time or 0.0))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _reason(error: BaseException) -> str:
    if isinstance(error, SessionAborted):
        return "Escape"
    return f"{type(error).__name__}: {error}".removesuffix(": ")
