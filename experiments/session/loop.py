"""The session loop: one for every screen, every kind of task and every kind of observer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from data.record import RESPONDED, Event, Log
from experiments.markers.markers import Markers
from experiments.records.record import Record, is_repeated, settled, utc_now
from experiments.screen import NO_BUTTONS, Screen
from experiments.session.adaptive import Chooser, chooser_of
from experiments.session.states import Step, repeat, route
from experiments.tasks.buttons import on_image, on_page, to_undo
from experiments.tasks.instructions import page_footer, prompt
from experiments.tasks.modes import mode_of
from experiments.tasks.responders import Responder, SessionAborted
from experiments.tasks.slips import in_time
from stimuli.images import Pixels
from stimuli.stimulus_source import Stimuli

Progress = Callable[[int, int], None]
_LEAD_S = 0.1  # before an image that follows a fixation mark, to get it ready


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
    """What every trial needs; `zero` is the time on the screen's clock at 0 s of the session's clock.

    `missed` are the trials so far that were not answered in time and are to come again.
    """

    plan: Plan
    stimuli: Stimuli
    screen: Screen
    responder: Responder
    record: Record
    chooser: Chooser
    zero: float
    markers: Markers
    missed: list[PlannedTrial]

    def note(self, event: str, **facts: object) -> None:
        """Write an event to the record, with the markers that were sent since the last one."""
        self.record.append(event, **facts, **self.markers.taken(self.zero))


def run_session(
    plan: Plan,
    stimuli: Stimuli,
    screen: Screen,
    responder: Responder,
    record: Record,
    progress: Progress = silent,
    history: History = NEW,
    markers: Markers | None = None,
) -> None:
    """Step through the states of a session (see `route`); each answer is on disk before the next image is shown.

    `progress` is called with (trials done, trials in all) after each answer that counts. Whatever ends the session
    early (Escape as `SessionAborted`, Ctrl+C, any error) is written to the record and raised again; the answers
    so far are kept, and the session can be resumed from them.
    """
    session, steps = _begin(plan, stimuli, screen, responder, record, history, markers or Markers())
    session.markers.send("start")
    try:
        for step in _with_repeats(session, steps):
            session.note("state", state=step.state, block=step.block)
            if step.state == "thanks":
                break
            if step.text:
                _read(session, step.text)
            if step.state == "consent":
                record.append("consent")
            _run_trials(session, step, progress)
        if find(plan.kind).adaptive:
            session.note("estimate", **asdict(estimate(plan, record.answers)))
        session.markers.send("end")
        session.note("end")
    except BaseException as error:
        with suppress(LookalikeError):  # a full disk must not hide the first error
            record.append("interruption", reason=_reason(error))
        raise
    with suppress(SessionAborted):  # Escape closes this screen too, and asks nothing
        _read(session, steps[-1].text, may_stop=False)


def _with_repeats(session: _Session, steps: list[Step]) -> Iterator[Step]:
    """The steps, and before the last one the trials that were missed, of which there may be some by then."""
    for step in steps:
        if step.state == "thanks" and session.missed:
            yield repeat(session.plan, tuple(session.missed))
        yield step


def _begin(
    plan: Plan,
    stimuli: Stimuli,
    screen: Screen,
    responder: Responder,
    record: Record,
    history: History,
    markers: Markers,
) -> tuple[_Session, list[Step]]:
    """Write the start or the resume of the session to the record, and list the states ahead."""
    here: Event = {"observer": responder.kind, "screen": screen.about, "versions": plan.versions}
    here |= {"days_since_first": history.days, "differs": list(history.differs)}
    if responder.parameters is not None:
        here["parameters"] = dict(responder.parameters)
    shared = plan, stimuli, screen, responder, record, chooser_of(plan, record.answers)
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
        return _Session(*shared, screen.now(), markers, []), route(plan)
    done, once = settled(plan, history.log), {event["trial"] for event in history.log.of("missed")}
    missed = [trial for trial in plan.trials if trial.trial in once - done]
    ahead = [trial for trial in plan.trials if trial.trial not in done | once]
    following = (ahead or missed)[0].trial
    seen = any(event["trial"] == following for event in history.log.of("onset"))
    elapsed = _elapsed_s(history.log) if any(history.log.of(event) for event in RESPONDED) else 0.0
    gap = _seconds(history.log.events[-1]["utc"], utc_now())
    record.append("resume", trial=following, seen=seen, gap_s=gap, clock_s=elapsed, **here)
    session = _Session(*shared, screen.now() - elapsed, markers, missed)
    return session, route(plan, done | once, resumed=True, agreed=bool(history.log.of("consent")))


def _elapsed_s(log: Log) -> float:
    """The session's clock now: the time since it began, but never earlier than a time already recorded."""
    begun = log.begun
    recorded = [_end(event) for event in log.events[log.events.index(begun) :] if event.get("onset") is not None]
    return max([_seconds(begun["utc"], utc_now()), *recorded])


def _end(event: Event) -> float:
    """When the event of a trial ended, on the session's clock."""
    if event["event"] == "missed":
        return float(event["onset"] + event["timeout_s"])
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
        row = on_page(session.plan, page, may_stop)
        show = partial(session.screen.message, text, page, page_footer(session.plan, page, pages), row)
        show()
        page += 1 if session.responder.proceed(show if may_stop else None, page > 1) else -1


def _run_trials(session: _Session, step: Step, progress: Progress) -> None:
    """Run the trials of a step; until the next image the last answer may be taken back, and is asked for again."""
    counts, repeated, before = step.state != "warm-up", step.state == "repeat", None
    for trial in step.trials:
        fixated = _fixate(session, trial, before, repeated)
        answered = _run_trial(session, trial, counts, repeated, fixated)
        if counts:
            progress(trial.trial, len(session.plan.trials))
        before = trial if answered and counts else None
    if before is not None and session.plan.flow.undo is not None:
        _fixate(session, before, before, repeated)


def _fixate(session: _Session, trial: PlannedTrial, before: PlannedTrial | None, repeated: bool) -> float | None:
    """Show the fixation mark, if there is one, and return when; as often as the answer to `before` is taken back."""
    if trial.fixation_s is None:
        return None
    while True:
        fixated = session.screen.fixate(NO_BUTTONS if before is None else to_undo(session.plan))
        session.markers.send("fixation")
        if trial is not before:  # chosen now, as that takes time that the image must not wait for
            session.chooser.choose(trial, session.record.answers)
        if before is None or session.plan.flow.undo is None:
            return fixated
        if not session.responder.takes_back(fixated + trial.fixation_s - _LEAD_S):
            return fixated
        session.markers.send("undo")
        time = round(session.screen.now() - session.zero, 6)
        session.note("undo", trial=before.trial, stimulus_id=before.stimulus_id, time=time)
        if not _run_trial(session, before, True, repeated):
            before = None


def _run_trial(
    session: _Session, trial: PlannedTrial, counts: bool, repeated: bool, fixated: float | None = None
) -> bool:
    """Show one trial and record its answer. Returns whether there was one: there may be none in time."""
    trial = session.chooser.choose(trial, session.record.answers)
    images = [session.stimuli.read(name) for name in trial.images]
    screen, row = session.screen, on_image(session.plan)
    if fixated is None:
        screen.blank()
    screen.prepare(*images, row=row)
    flip = screen.flip(None if fixated is None else fixated + (trial.fixation_s or 0.0))
    shown = flip.time
    session.markers.send(f"onset_{find(session.plan.kind).truth(trial)}", "onset")
    what: Event = {"trial": trial.trial, "stimulus_id": trial.stimulus_id, "onset": round(shown - session.zero, 6)}
    if trial.fake is not None:
        what |= {"fake_id": trial.fake.stimulus_id, "level": trial.level}
    if counts:
        before = {} if fixated is None else {"fixation_onset": round(fixated - session.zero, 6)}
        error, dropped = round(flip.error, 6), flip.dropped_frames
        session.note("onset", **what, **before, onset_error=error, dropped_frames=dropped)
    if session.plan.exposure_s is not None:
        what |= _expose(session, images, shown, session.plan.exposure_s, trial.trial)
    begun = mode_of(session.plan).probe(screen, session.stimuli, session.plan, trial, shown)
    asked = partial(screen.message, prompt(session.plan), row=row)
    answer = session.responder.answer(trial, begun, screen.flip if session.plan.exposure_s is None else asked)
    if trial.match is not None:
        what["adjust_onset"] = round(begun - session.zero, 6)
    limit_s = session.plan.flow.timeout_s
    if session.responder.kind != "human":  # a person heeded the limit, and was marked at the answer
        answer = in_time(answer, limit_s, repeated)
        if answer.response is not None:
            session.markers.answer(answer.response, answer.more.get("rating_category"))
    if answer.response is None:
        _miss(session, trial, {**what, "timeout_s": limit_s, **answer.more}, counts, repeated)
        screen.wait_until(begun + (limit_s or 0.0))
        return False
    session.note("answer" if counts else "warm-up", **what, **_facts(answer))
    # A person's answer has already taken its time; a simulated one takes it on the screen's clock.
    screen.wait_until(begun + (answer.response_time or 0.0) + (answer.confidence_time or 0.0))
    return True


def _miss(session: _Session, trial: PlannedTrial, what: Event, counts: bool, repeated: bool) -> None:
    """Record that no answer came in time; the image comes again if the plan says so."""
    session.markers.send("missed")
    if counts:
        session.note("missed", **what)
    if counts and not repeated and is_repeated(session.plan, trial):
        session.missed.append(trial)


def _expose(session: _Session, images: list[Pixels], shown: float, exposure_s: float, trial: int) -> Event:
    """Show the images for their exposure, then mask them and clear the screen; answers given meanwhile wait.

    Returns the measured exposure in s, and how many frames were missed before the mask.
    """
    off = shown + exposure_s
    if not session.plan.mask_s:
        gone = session.screen.blank(off)
        session.markers.send("offset")
        return {"exposure_time": round(gone - shown, 6)}
    rng = np.random.default_rng([session.plan.seed, session.plan.session, trial])
    noise = (rng.permutation(pixels.ravel()).reshape(pixels.shape) for pixels in images)
    session.screen.prepare(*noise, row=on_image(session.plan))
    mask = session.screen.flip(off)
    session.markers.send("offset")
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
