"""The session loop: one for every screen, every kind of task and every kind of observer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

import numpy as np

from data.errors import LookalikeError
from data.kinds.adaptive import estimate
from data.kinds.kind import Answer
from data.kinds.registry import find
from data.plan import Plan, PlannedTrial
from data.record import Event, Log
from experiments.records.record import Record, utc_now
from experiments.screen import Screen
from experiments.session.adaptive import Chooser, chooser_of
from experiments.session.states import Step, route
from experiments.tasks.instructions import page_footer, prompt
from experiments.tasks.modes import mode_of
from experiments.tasks.responders import Responder, SessionAborted
from stimuli.images import Pixels
from stimuli.stimulus_source import Stimuli

Progress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class History:
    """What came before a session.

    `log` is the record so far of a session that is resumed, None for a new one. `days` is the time since session 1
    began (never negative; None in session 1), `differs` what has changed on the display since then.
    """

    log: Log | None = None
    days: float | None = None
    differs: tuple[str, ...] = ()


NEW = History()


@dataclass(frozen=True)
class _Session:
    """What every trial needs; `zero` is the time on the screen's clock at 0 s of the session's clock."""

    plan: Plan
    stimuli: Stimuli
    screen: Screen
    responder: Responder
    record: Record
    chooser: Chooser
    zero: float


def run_session(
    plan: Plan,
    stimuli: Stimuli,
    screen: Screen,
    responder: Responder,
    record: Record,
    progress: Progress = silent,
    history: History = NEW,
) -> None:
    """Step through the states of a session (see `route`); each answer is on disk before the next image is shown.

    `progress` is called with (trials done, trials in all) after each answer that counts. Whatever ends the session
    early (Escape as `SessionAborted`, Ctrl+C, any error) is written to the record and raised again; the answers
    so far are kept, and the session can be resumed from them.
    """
    session, steps = _begin(plan, stimuli, screen, responder, record, history)
    try:
        for step in steps:
            record.append("state", state=step.state, block=step.block)
            if step.state == "thanks":
                break
            if step.text:
                _read(session, step.text)
            if step.state == "consent":
                record.append("consent")
            for trial in step.trials:
                _run_trial(session, trial, counts=step.state != "warm-up")
                if step.state != "warm-up":
                    progress(trial.trial, len(plan.trials))
        if find(plan.kind).adaptive:
            record.append("estimate", **asdict(estimate(plan, record.answers)))
        record.append("end")
    except BaseException as error:
        with suppress(LookalikeError):  # a full disk must not hide the first error
            record.append("interruption", reason=_reason(error))
        raise
    with suppress(SessionAborted):  # Escape closes this screen too, and asks nothing
        _read(session, steps[-1].text, may_stop=False)


def _begin(
    plan: Plan, stimuli: Stimuli, screen: Screen, responder: Responder, record: Record, history: History
) -> tuple[_Session, list[Step]]:
    """Write the start or the resume of the session to the record, and list the states ahead."""
    here: Event = {"observer": responder.kind, "screen": screen.about, "versions": plan.versions}
    here |= {"days_since_first": history.days, "differs": list(history.differs)}
    if responder.parameters is not None:
        here["parameters"] = dict(responder.parameters)
    if history.log is None:
        record.append(
            "start",
            participant=plan.participant,
            session=plan.session,
            plan_sha256=plan.sha256,
            stimulus_set_sha256=plan.stimulus_set_sha256,
            study_sha256=plan.study_sha256,
            **here,
        )
        return _Session(plan, stimuli, screen, responder, record, chooser_of(plan), screen.now()), route(plan)
    answered = frozenset(event["trial"] for event in history.log.of("answer"))
    following = next(trial.trial for trial in plan.trials if trial.trial not in answered)
    seen = any(event["trial"] == following for event in history.log.of("onset"))
    elapsed = _elapsed_s(history.log) if answered else 0.0
    gap = _seconds(history.log.events[-1]["utc"], utc_now())
    record.append("resume", trial=following, seen=seen, gap_s=gap, clock_s=elapsed, **here)
    session = _Session(plan, stimuli, screen, responder, record, chooser_of(plan), screen.now() - elapsed)
    return session, route(plan, answered, resumed=True, agreed=bool(history.log.of("consent")))


def _elapsed_s(log: Log) -> float:
    """The session's clock now: the time since it began, but never earlier than a time already recorded."""
    begun = log.begun
    recorded = [_end(event) for event in log.events[log.events.index(begun) :] if event.get("onset") is not None]
    return max([_seconds(begun["utc"], utc_now()), *recorded])


def _end(event: Event) -> float:
    """When the event of a trial ended, on the session's clock."""
    times = (event.get("adjust_onset", event["onset"]), event.get("response_time"), event.get("confidence_time"))
    return float(sum(time or 0.0 for time in times))


def _seconds(earlier: str, later: str) -> float:
    """Seconds between two times of day; 0 if the clock was put back in between."""
    elapsed = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return round(max(0.0, elapsed.total_seconds()), 3)


def _read(session: _Session, text: str, may_stop: bool = True) -> None:
    """Show a text page by page; the participant may turn back."""
    page, pages = 1, session.screen.pages(text)
    while page <= pages:
        show = partial(session.screen.message, text, page, page_footer(session.plan, page, pages))
        show()
        page += 1 if session.responder.proceed(show if may_stop else None, page > 1) else -1


def _run_trial(session: _Session, trial: PlannedTrial, counts: bool) -> None:
    trial = session.chooser.choose(trial, session.record.answers)
    images = [session.stimuli.read(name) for name in trial.images]
    screen = session.screen
    screen.blank()
    screen.prepare(*images)
    flip = screen.flip()
    shown = flip.time
    what: Event = {"trial": trial.trial, "stimulus_id": trial.stimulus_id, "onset": round(shown - session.zero, 6)}
    if trial.fake is not None:
        what |= {"fake_id": trial.fake.stimulus_id, "level": trial.level}
    if counts:
        session.record.append("onset", **what, onset_error=round(flip.error, 6), dropped_frames=flip.dropped_frames)
    if session.plan.exposure_s is not None:
        what |= _expose(session, images, shown, session.plan.exposure_s, trial.trial)
    begun = mode_of(session.plan).probe(screen, session.stimuli, session.plan, trial, shown)
    again = screen.flip if session.plan.exposure_s is None else partial(screen.message, prompt(session.plan))
    answer = session.responder.answer(trial, begun, again)
    if trial.match is not None:
        what["adjust_onset"] = round(begun - session.zero, 6)
    session.record.append("answer" if counts else "warm-up", **what, **_facts(answer))
    # A person's answer has already taken its time; a simulated one takes it on the screen's clock.
    screen.wait_until(begun + (answer.response_time or 0.0) + (answer.confidence_time or 0.0))


def _expose(session: _Session, images: list[Pixels], shown: float, exposure_s: float, trial: int) -> Event:
    """Show the images for their exposure, then mask them and clear the screen; answers given meanwhile wait.

    Returns the measured exposure in s, and how many frames were missed before the mask.
    """
    off = shown + exposure_s
    if not session.plan.mask_s:
        return {"exposure_time": round(session.screen.blank(off) - shown, 6)}
    rng = np.random.default_rng([session.plan.seed, session.plan.session, trial])
    session.screen.prepare(*(rng.permutation(pixels.ravel()).reshape(pixels.shape) for pixels in images))
    mask = session.screen.flip(off)
    session.screen.blank(mask.time + session.plan.mask_s)
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
