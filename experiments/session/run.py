"""One sitting: from a plan to a finished record and its table. What `realfake` and `retest` share."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from data.errors import LookalikeError
from data.plan import Plan
from data.record import Log, read_record
from data.simulated.adjuster import Matcher
from data.simulated.observers import Observer
from data.trials import RECORD, session_folder
from experiments.display.display_file import Display
from experiments.display.psychopy_screen import WindowScreen
from experiments.records.bids import export_session
from experiments.records.record import Record, create_session, is_complete, refuse_taken
from experiments.screen import HeadlessScreen, Screen
from experiments.session.loop import NEW, Past, Progress, run_session, silent
from experiments.tasks.matching_responders import HumanMatcher, SimulatedMatcher, read_matches
from experiments.tasks.responders import HumanResponder, Responder, SessionAborted, read_script, simulate
from stimuli.loop_set import LoopSet
from stimuli.stimulus_source import Stimuli

Say = Callable[[str], None]
# What a screen says of itself that is measured anew each time, so that a difference is none of its settings.
_MEASURED = {"refresh_hz", "warnings"}


def to_stderr(text: str) -> None:
    """Tell whoever runs the session something, at once."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Setup:
    """Who answers, and on what.

    `script` is the table of answers of a scripted observer (see `responder.read_script`);
    `simulated` the simulated one, `matcher` the one of a matching task. Without a `window`
    only scripted and simulated observers can take part. `display` is the display that the window
    is on, if it was set up (see `displayfile`).
    """

    observer: Literal["human", "scripted", "simulated"] = "human"
    window: bool = True
    fullscreen: bool = False
    script: Path | None = None
    simulated: Observer = field(default_factory=Observer)
    matcher: Matcher = field(default_factory=Matcher)
    display: Display | None = None

    def __post_init__(self) -> None:
        if self.display is not None and not self.window:
            raise LookalikeError("without a window nothing is shown; leave out --display, or --no-window")
        if self.observer == "human" and not self.window:
            raise LookalikeError("a person needs a window; leave out --no-window, or use a simulated observer")
        if (self.observer == "scripted") != (self.script is not None):
            raise LookalikeError("a scripted observer needs a script (--script answers.csv), and no other takes one")


@dataclass(frozen=True)
class Result:
    """What a sitting left behind. `folder` holds plan and record; `table` is the exported one."""

    participant: str
    session: int
    seed: int
    folder: Path
    table: Path
    answered: int
    trials: int
    complete: bool


class Terminated(KeyboardInterrupt):
    """The process was told to end (SIGTERM), by a shutdown or a job scheduler."""


def hold(
    plan: Plan,
    stimuli: Stimuli,
    data: Path,
    setup: Setup,
    progress: Progress = silent,
    past: Past = NEW,
    display: dict[str, Any] | None = None,
    say: Say = to_stderr,
    ready: Callable[[], None] = lambda: None,
) -> Result:
    """Run the planned session and export it, also when Escape, Ctrl+C or SIGTERM ends it early.

    Screen and observer are made ready first: if there is no display or the script is faulty, the
    participant's session is not used up. Raises `LookalikeError` for those, and if the session
    exists already; any other fault is raised after the export of what was answered. `display` is what the screen
    of the participant's first session said of itself; `say` is told what is different now. `ready` is called when all
    is ready, and nothing is on the disk yet.
    """
    refuse_taken(data, plan.participant, plan.session)
    with _open_screen(setup, plan, stimuli) as screen:
        plan = plan.model_copy(update={"display": screen.about})
        responder = _open_responder(setup, plan, screen, stimuli)
        differs = _tell_of_display(display or {}, screen, plan, setup, say)
        ready()
        folder = create_session(data, plan)
        return _run(folder, plan, stimuli, data, screen, responder, progress, replace(past, differs=differs))


def go_on(
    plan: Plan,
    log: Log,
    stimuli: Stimuli,
    data: Path,
    setup: Setup,
    progress: Progress = silent,
    past: Past = NEW,
    say: Say = to_stderr,
) -> Result:
    """Go on with a session that stopped (see `record.find_unfinished`), at its first trial without an answer.

    Raises `LookalikeError` with nothing changed if another kind of observer answered before or `stimuli` is not
    the set that was shown; otherwise as `hold`.
    """
    who, answered = f"participant {plan.participant}, session {plan.session}", len(log.of("answer"))
    refuse_other_images(plan, stimuli)
    if log.events and setup.observer != log.start["observer"]:
        raise LookalikeError(
            f"{who}: was begun by a {log.start['observer']} observer and cannot go on with a {setup.observer} one; "
            f"give --observer {log.start['observer']}, or use another --participant"
        )
    setup = keep_display(setup, plan)
    with _open_screen(setup, plan, stimuli) as screen:
        responder = _open_responder(setup, plan, screen, stimuli)
        say(f"{who}: {f'goes on after {answered} of {len(plan.trials)} trials' if answered else 'begins anew'}")
        differs = _tell_of_display(plan.display, screen, plan, setup, say)
        folder = session_folder(data, plan.participant, plan.session)
        return _run(folder, plan, stimuli, data, screen, responder, progress, replace(past, log=log, differs=differs))


def _run(
    folder: Path,
    plan: Plan,
    stimuli: Stimuli,
    data: Path,
    screen: Screen,
    responder: Responder,
    progress: Progress,
    past: Past,
) -> Result:
    try:
        with _sigterm_interrupts(), Record(folder, past.log) as record:
            log = record.log if record.log.events else None
            if log is not None and is_complete(plan, log):  # by another process, a moment ago
                refuse_taken(data, plan.participant, plan.session)
            run_session(plan, stimuli, screen, responder, record, progress, replace(past, log=log))
    except (SessionAborted, KeyboardInterrupt):
        pass  # the record says so, and so does the result
    except BaseException:
        with suppress(LookalikeError, OSError):  # the fault that ended the session is the one to tell
            export_session(data, plan.participant, plan.session)
        raise
    return _result(folder, plan, export_session(data, plan.participant, plan.session))


def _result(folder: Path, plan: Plan, table: Path) -> Result:
    log = read_record(folder / RECORD)
    return Result(
        participant=plan.participant,
        session=plan.session,
        seed=plan.seed,
        folder=folder,
        table=table,
        answered=len(log.of("answer")),
        trials=len(plan.trials),
        complete=is_complete(plan, log),
    )


def refuse_other_images(plan: Plan, stimuli: Stimuli) -> None:
    """Raise `LookalikeError` unless `stimuli` is the set of the plan."""
    if stimuli.sha256 != plan.stimulus_set_sha256:
        raise LookalikeError(
            f"{stimuli.folder}: participant {plan.participant}'s session {plan.session} is a record from another "
            f"stimulus set ({plan.stimulus_set_sha256[:12]}, this one is {stimuli.sha256[:12]}); give the set that was "
            "used then"
        )


def keep_display(setup: Setup, before: Plan) -> Setup:
    """The setup on the kind of window that the participant's plan was shown in.

    Raises `LookalikeError` if that was on a display with a display file, and now there is none.
    """
    name = before.display.get("display_name")
    if name is not None and setup.window and setup.display is None:
        raise LookalikeError(
            f"participant {before.participant}'s session {before.session} was shown on the display {name!r}, and "
            "without its file the images would look otherwise; give it with --display"
        )
    return replace(setup, fullscreen=setup.fullscreen or bool(before.display.get("fullscreen")))


def _tell_of_display(before: dict[str, Any], screen: Screen, plan: Plan, setup: Setup, say: Say) -> tuple[str, ...]:
    """What the screen says of itself now and did not say before, in words; `say` is told, also what it warns of."""
    now = screen.about
    if before and before.get("display_name") is None and now.get("display_name") is not None:
        differs: tuple[str, ...] = (f"the display is set up as {now['display_name']!r} now, and was not",)
    else:
        differs = _differences(before, now)
    for one in differs:
        say(f"participant {plan.participant}, session {plan.session}: {one}")
    for one in screen.about.get("warnings", []) if setup.observer == "human" else []:
        say(one)
    return differs


def _differences(before: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"the display's {name.removeprefix('display_').replace('_', ' ')} is {now.get(name)}, was {before.get(name)}"
        for name in {**before, **now}
        if before and name not in _MEASURED and now.get(name) != before.get(name)
    )


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM end a session as Ctrl+C does. Only a main thread can set that, so others go without."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Terminated("SIGTERM")

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        # None stands for a handler that was not set from Python and cannot be put back.
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def _open_screen(setup: Setup, plan: Plan, stimuli: Stimuli) -> Iterator[Screen]:
    screen = _window(setup, plan, stimuli) if setup.window else HeadlessScreen()
    try:
        yield screen
    finally:
        screen.close()


def _window(setup: Setup, plan: Plan, stimuli: Stimuli) -> WindowScreen:
    shapes = [stimuli.read(name).shape for trial in plan.trials for name in trial.images]
    largest = (max(rows for rows, _ in shapes), max(columns for _, columns in shapes))
    beside, ring = max(len(trial.images) for trial in plan.trials), plan.kind == "matching"
    # All images of the set, not only this session's: every participant sees the same grey.
    return WindowScreen(stimuli.mean, largest, setup.fullscreen, setup.display, beside=beside, ring=ring)


def _open_responder(setup: Setup, plan: Plan, screen: Screen, stimuli: Stimuli) -> Responder:
    if isinstance(stimuli, LoopSet):
        return _open_matcher(setup, plan, screen, stimuli)
    if setup.script is not None:
        return read_script(setup.script, plan)
    if setup.observer == "simulated":
        return simulate(setup.simulated, plan)
    return HumanResponder(plan, screen)


def _open_matcher(setup: Setup, plan: Plan, screen: Screen, loops: LoopSet) -> Responder:
    if setup.script is not None:
        return read_matches(setup.script, plan)
    if setup.observer == "simulated":
        return SimulatedMatcher(setup.matcher, plan, loops)
    return HumanMatcher(plan, screen, loops)
