"""The session loop: one for every screen, every kind of task and every kind of observer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from data.errors import LookalikeError
from data.plan import Plan, PlannedTrial
from data.record import Event, Log
from experiments.records.record import Record, utc_now
from experiments.screen import Screen
from experiments.session.states import Step, route
from experiments.tasks.kind import Answer
from experiments.tasks.registry import KINDS
from experiments.tasks.responders import Responder, SessionAborted
from stimuli.images import Pixels
from stimuli.stimulus_source import Stimuli

Progress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Past:
    """What a session that begins comes from.

    `log` is the record so far of a session that goes on, None of a new one. Of a retest, `days` is the time since
    session 1 began (never negative), `differs` what is no longer as it was then.
    """

    log: Log | None = None
    days: float | None = None
    differs: tuple[str, ...] = ()


NEW = Past()


@dataclass(frozen=True)
class _Room:
    """What every trial needs; `zero` is the moment on the screen's clock at which the session's clock says 0 s."""

    plan: Plan
    stimuli: Stimuli
    screen: Screen
    responder: Responder
    record: Record
    zero: float


def run_session(
    plan: Plan,
    stimuli: Stimuli,
    screen: Screen,
    responder: Responder,
    record: Record,
    progress: Progress = silent,
    past: Past = NEW,
) -> None:
    """Go from state to state (see `route`); each answer is on disk before the next image is shown.

    `progress` is told (trials done, trials in all) after each answer that counts. Whatever ends the session
    early (Escape as `SessionAborted`, Ctrl+C, any fault) is written to the record and raised again; the answers
    so far stay, and the session can go on from them.
    """
    room, steps = _begin(plan, stimuli, screen, responder, record, past)
    try:
        for step in steps:
            record.append("state", state=step.state, block=step.block)
            if step.state == "thanks":
                break
            if step.text:
                _read(room, step)
            for trial in step.trials:
                _run_trial(room, trial, counts=step.state != "warm-up")
                if step.state != "warm-up":
                    progress(trial.trial, len(plan.trials))
        record.append("end")
    except BaseException as error:
        with suppress(LookalikeError):  # a full disk must not hide the first fault
            record.append("interruption", reason=_reason(error))
        raise
    screen.message(steps[-1].text)
    with suppress(SessionAborted):  # Escape closes this screen as well as any key
        responder.proceed()


def _begin(
    plan: Plan, stimuli: Stimuli, screen: Screen, responder: Responder, record: Record, past: Past
) -> tuple[_Room, list[Step]]:
    """Write where the session starts, or goes on, and say what lies before it."""
    here: Event = {"observer": responder.kind, "screen": screen.about, "versions": plan.versions}
    here |= {"days_since_first": past.days, "differs": list(past.differs)}
    if responder.parameters is not None:
        here["parameters"] = dict(responder.parameters)
    if past.log is None:
        record.append(
            "start",
            participant=plan.participant,
            session=plan.session,
            plan_sha256=plan.sha256,
            stimulus_set_sha256=plan.stimulus_set_sha256,
            study_sha256=plan.study_sha256,
            **here,
        )
        return _Room(plan, stimuli, screen, responder, record, screen.now()), route(plan)
    answered = frozenset(event["trial"] for event in past.log.of("answer"))
    following = next(trial.trial for trial in plan.trials if trial.trial not in answered)
    seen = any(event["trial"] == following for event in past.log.of("onset"))
    elapsed = _elapsed_s(past.log) if answered else 0.0
    gap = _seconds(past.log.events[-1]["utc"], utc_now())
    record.append("resume", trial=following, seen=seen, gap_s=gap, clock_s=elapsed, **here)
    room = _Room(plan, stimuli, screen, responder, record, screen.now() - elapsed)
    return room, route(plan, answered, resumed=True, agreed=bool(past.log.of("consent")))


def _elapsed_s(log: Log) -> float:
    """What the session's clock says now: the time since it began, but never less than what it said already."""
    begun = log.begun
    said = [_over(event) for event in log.events[log.events.index(begun) :] if event.get("onset") is not None]
    return max([_seconds(begun["utc"], utc_now()), *said])


def _over(event: Event) -> float:
    """When a trial's event was over, on the session's clock."""
    times = (event.get("adjust_onset", event["onset"]), event.get("response_time"), event.get("confidence_time"))
    return float(sum(time or 0.0 for time in times))


def _seconds(earlier: str, later: str) -> float:
    """Seconds between two moments of the wall clock; 0 if it was put back in between."""
    elapsed = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return round(max(0.0, elapsed.total_seconds()), 3)


def _read(room: _Room, step: Step) -> None:
    room.screen.message(step.text)
    room.responder.proceed(lambda: room.screen.message(step.text))
    if step.state == "consent":
        room.record.append("consent")


def _run_trial(room: _Room, trial: PlannedTrial, counts: bool) -> None:
    images = [room.stimuli.read(name) for name in trial.images]
    kind, screen = KINDS[room.plan.kind], room.screen
    screen.blank()
    screen.prepare(*images)
    flip = screen.flip()
    shown = flip.time
    what: Event = {"trial": trial.trial, "stimulus_id": trial.stimulus_id, "onset": round(shown - room.zero, 6)}
    if counts:
        room.record.append("onset", **what, onset_error=round(flip.error, 6), dropped_frames=flip.dropped_frames)
    if room.plan.exposure_s is not None:
        what |= _expose(room, images, shown, room.plan.exposure_s, trial.trial)
    begun = kind.probe(screen, room.stimuli, room.plan, trial, shown)
    answer = room.responder.answer(trial, begun, screen.flip if room.plan.exposure_s is None else screen.blank)
    if trial.match is not None:
        what["adjust_onset"] = round(begun - room.zero, 6)
    room.record.append("answer" if counts else "warm-up", **what, **_facts(answer))
    # A person's answer took its time already; a simulated one takes it on the screen's clock.
    screen.wait_until(begun + (answer.response_time or 0.0) + (answer.confidence_time or 0.0))


def _expose(room: _Room, images: list[Pixels], shown: float, exposure_s: float, trial: int) -> Event:
    """Leave the images up, then mask them and clear the screen; answers given meanwhile wait.

    Returns for how many s they were up in truth, and how many frames were missed before the mask.
    """
    off = shown + exposure_s
    if not room.plan.mask_s:
        return {"exposure_time": round(room.screen.blank(off) - shown, 6)}
    rng = np.random.default_rng([room.plan.seed, room.plan.session, trial])
    room.screen.prepare(*(rng.permutation(pixels.ravel()).reshape(pixels.shape) for pixels in images))
    mask = room.screen.flip(off)
    room.screen.blank(mask.time + room.plan.mask_s)
    return {"exposure_time": round(mask.time - shown, 6), "mask_dropped_frames": mask.dropped_frames}


def _facts(answer: Answer) -> Event:
    return {
        "response": answer.response,
        "confidence": answer.confidence,
        "response_time": _rounded(answer.response_time),
        "confidence_time": _rounded(answer.confidence_time),
        **answer.more,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _reason(error: BaseException) -> str:
    if isinstance(error, SessionAborted):
        return "Escape"
    return f"{type(error).__name__}: {error}".removesuffix(": ")
