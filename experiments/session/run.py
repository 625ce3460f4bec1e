"""One session, from its plan to a finished record and table, for every kind of task."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from data.bids import RECORD, session_folder
from data.errors import LookalikeError
from data.kinds.registry import find
from data.plan import Plan
from data.record import Log, read_record
from data.simulated.adjuster import SimulatedAdjuster
from data.simulated.comparer import SimulatedComparer
from data.simulated.detector import SimulatedDetector
from data.simulated.observers import Observer
from experiments.display.display_file import Display
from experiments.records.bids import export_session
from experiments.records.record import Record, create_session, is_complete, refuse_taken
from experiments.screen import HeadlessScreen, Screen
from experiments.session.devices import Devices, open_devices
from experiments.session.loop import NEW, History, Progress, run_session, silent
from experiments.session.states import words
from experiments.tasks.buttons import has_buttons
from experiments.tasks.modes import Simulated, mode_of
from experiments.tasks.responders import Responder, SessionAborted
from experiments.typesetting.fonts import find_font
from experiments.windows.psychopy_screen import WindowScreen
from stimuli.stimulus_source import Stimuli

Say = Callable[[str], None]
# What is measured each time a screen is opened: a difference in it is not a change of the set-up.
_MEASURED = {"refresh_hz", "warnings"}
_NOT_RECORDED_EARLIER = {"font", "pair_apart_px"}  # so a record without it says nothing of a change


def to_stderr(text: str) -> None:
    """Print a line for the experimenter, at once."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Setup:
    """Who answers, and on which screen.

    Attributes
    ----------
    observer : {"human", "scripted", "simulated"}
        Who answers.
    window : bool
        Whether a window is opened. Without one only scripted and simulated observers can take part.
    fullscreen : bool
        Whether the window covers the whole screen.
    script : Path or None
        CSV table of a scripted observer's answers: `stimulus_id` or `trial`, `response`, `confidence`; for a matching
        task `trial`, `response_deg` (0 to below 360) and `confidence`.
    simulated : Observer
        The simulated observer.
    adjuster : SimulatedAdjuster
        The simulated observer of a matching task.
    detector : SimulatedDetector
        The simulated observer of an adaptive task.
    comparer : SimulatedComparer
        The simulated observer of triads.
    display : Display or None
        The display that the window is on, as `read_display` reads it. None: not calibrated.

    Examples
    --------
    >>> import experiments
    >>> experiments.Setup("simulated", window=False).observer
    'simulated'
    """

    observer: Literal["human", "scripted", "simulated"] = "human"
    window: bool = True
    fullscreen: bool = False
    script: Path | None = None
    simulated: Observer = field(default_factory=Observer)
    adjuster: SimulatedAdjuster = field(default_factory=SimulatedAdjuster)
    detector: SimulatedDetector = field(default_factory=SimulatedDetector)
    comparer: SimulatedComparer = field(default_factory=SimulatedComparer)
    display: Display | None = None

    def __post_init__(self) -> None:
        if self.display is not None and not self.window:
            raise LookalikeError(
                "conflicting-options", "without a window nothing is shown; leave out --display or --no-window"
            )
        if self.observer == "human" and not self.window:
            raise LookalikeError(
                "conflicting-options", "a person needs a window; leave out --no-window, or use a simulated observer"
            )
        if (self.observer == "scripted") != (self.script is not None):
            raise LookalikeError(
                "conflicting-options",
                "a scripted observer needs a script (--script answers.csv), and no other observer takes one",
            )


@dataclass(frozen=True)
class SessionResult:
    """How a session ended, and where its data are.

    Attributes
    ----------
    participant : str
        The participant's code.
    session : int
        Session number, from 1.
    seed : int
        Seed of the choice and order of images.
    folder : Path
        Folder with the plan (`plan.json`) and the record (`record.jsonl`).
    table : Path
        The exported table (`*_beh.tsv`), with its sidecar beside it.
    answered, trials : int
        Trials answered, and trials planned, practice included.
    complete : bool
        Whether every planned trial was answered.

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> folder = Path("data/sourcedata/sub-k7q2m/ses-1")
    >>> table = Path("data/sub-k7q2m/ses-1/beh/sub-k7q2m_ses-1_task-realfake_beh.tsv")
    >>> result = experiments.SessionResult("k7q2m", 1, 7, folder, table, 90, 100, False)
    >>> result.answered / result.trials
    0.9
    """

    participant: str
    session: int
    seed: int
    folder: Path
    table: Path
    answered: int
    trials: int
    complete: bool


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM) by a shutdown or a job scheduler."""


def run(
    plan: Plan,
    stimuli: Stimuli,
    data: Path,
    setup: Setup,
    progress: Progress = silent,
    history: History = NEW,
    display: dict[str, Any] | None = None,
    say: Say = to_stderr,
    ready: Callable[[], None] = lambda: None,
) -> SessionResult:
    """Run a planned session and export it, also if Escape, Ctrl+C or SIGTERM ends it early.

    Screen and observer are opened first: without a display, or with a faulty script, the participant's session is not
    used up. Raises `LookalikeError` for those, and if the session exists already; any other error is raised after the
    answers so far are exported. `display` is the description of the screen of the participant's first session; `say`
    is called with each difference from it. `ready` is called when screen and observer are open and nothing is on disk
    yet.
    """
    refuse_taken(data, plan.participant, plan.session)
    with _open(setup, plan, stimuli, say, display) as (screen, devices):
        plan = plan.model_copy(update={"display": screen.about})
        responder = devices.connect(_open_responder(setup, plan, screen, stimuli))
        differs = _report_display(display or {}, screen, plan, setup, say)
        ready()
        folder = create_session(data, plan)
        history = replace(history, differs=differs)
        return _run(folder, plan, stimuli, data, screen, responder, devices, progress, history)


def resume(
    plan: Plan,
    log: Log,
    stimuli: Stimuli,
    data: Path,
    setup: Setup,
    progress: Progress = silent,
    history: History = NEW,
    say: Say = to_stderr,
) -> SessionResult:
    """Resume a session that stopped (see `record.find_unfinished`), at its first trial without an answer.

    Raises `LookalikeError` with nothing changed if another kind of observer answered before or `stimuli` is not
    the set that was shown; otherwise as `run`.
    """
    who, answered = f"participant {plan.participant}, session {plan.session}", len(log.of("answer"))
    refuse_other_images(plan, stimuli)
    if log.events and setup.observer != log.start["observer"]:
        raise LookalikeError(
            "observer-mismatch",
            f"{who}: was started by a {log.start['observer']} observer and cannot be resumed by a {setup.observer} "
            f"one; give --observer {log.start['observer']}, or use another --participant",
        )
    setup = keep_display(setup, plan)
    with _open(setup, plan, stimuli, say) as (screen, devices):
        responder = devices.connect(_open_responder(setup, plan, screen, stimuli))
        say(f"{who}: {f'resumes after {answered} of {len(plan.trials)} trials' if answered else 'restarts'}")
        differs = _report_display(plan.display, screen, plan, setup, say)
        folder = session_folder(data, plan.participant, plan.session)
        history = replace(history, log=log, differs=differs)
        return _run(folder, plan, stimuli, data, screen, responder, devices, progress, history)


def _run(
    folder: Path,
    plan: Plan,
    stimuli: Stimuli,
    data: Path,
    screen: Screen,
    responder: Responder,
    devices: Devices,
    progress: Progress,
    history: History,
) -> SessionResult:
    try:
        with _sigterm_interrupts(), Record(folder, history.log) as record:
            log = record.log if record.log.events else None
            if log is not None and is_complete(plan, log):  # by another process, a moment ago
                refuse_taken(data, plan.participant, plan.session)
            history = replace(history, log=log)
            run_session(plan, stimuli, screen, responder, record, progress, history, devices.markers)
    except (SessionAborted, KeyboardInterrupt):
        pass  # the record says so, and so does the result
    except BaseException:
        with suppress(LookalikeError, OSError):  # the error that ended the session is the one to report
            export_session(data, plan.participant, plan.session)
        raise
    return _result(folder, plan, export_session(data, plan.participant, plan.session))


def _result(folder: Path, plan: Plan, table: Path) -> SessionResult:
    log = read_record(folder / RECORD)
    return SessionResult(
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
            "other-set",
            f"{stimuli.folder}: participant {plan.participant}'s session {plan.session} was run with another stimulus "
            f"set ({plan.stimulus_set_sha256[:12]}, this one is {stimuli.sha256[:12]}); give the set that was used "
            "then",
        )


def keep_display(setup: Setup, before: Plan) -> Setup:
    """The setup with the kind of window that the participant's plan was shown in.

    Raises `LookalikeError` if that was on a display with a display file, and `setup` has none.
    """
    name = before.display.get("display_name")
    if name is not None and setup.window and setup.display is None:
        raise LookalikeError(
            "display-missing",
            f"participant {before.participant}'s session {before.session} was shown on the display {name!r}, and "
            "without its file the images would look different; give it with --display",
        )
    return replace(setup, fullscreen=setup.fullscreen or bool(before.display.get("fullscreen")))


def _report_display(before: dict[str, Any], screen: Screen, plan: Plan, setup: Setup, say: Say) -> tuple[str, ...]:
    """The differences between the screen's descriptions before and now, as sentences; `say` gets them and warnings."""
    now = screen.about
    if before and before.get("display_name") is None and now.get("display_name") is not None:
        differs: tuple[str, ...] = (f"the display is now set up as {now['display_name']!r}, and was not before",)
    else:
        differs = _differences(before, now)
    for difference in differs:
        say(f"participant {plan.participant}, session {plan.session}: {difference}")
    for warning in screen.about.get("warnings", []) if setup.observer == "human" else []:
        say(warning)
    return differs


def _differences(before: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"the display's {name.removeprefix('display_').replace('_', ' ')} is {now.get(name)}, was {before.get(name)}"
        for name in {**before, **now}
        if before and name not in _MEASURED and now.get(name) != before.get(name)
        if name in before or name not in _NOT_RECORDED_EARLIER
    )


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM end a session as Ctrl+C does. Only the main thread can set a handler; others do without."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Terminated("SIGTERM")

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        # None means a handler that was not set from Python and cannot be restored.
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def _open(
    setup: Setup, plan: Plan, stimuli: Stimuli, say: Say, display: Mapping[str, Any] | None = None
) -> Iterator[tuple[Screen, Devices]]:
    """Screen and devices; `display` is the description of the screen of an earlier session, if this is a later one."""
    shown_on = setup.fullscreen, setup.display
    screen = open_window(plan, stimuli, *shown_on, display) if setup.window else HeadlessScreen()
    try:
        with open_devices(plan, screen, setup.observer == "human", say) as devices:
            yield screen, devices
    finally:
        screen.close()


def open_window(
    plan: Plan,
    stimuli: Stimuli,
    fullscreen: bool,
    display: Display | None,
    before: Mapping[str, Any] | None = None,
) -> WindowScreen:
    """The window of a session; `before` is the description of the screen of an earlier one.

    Raises `LookalikeError` if there is no font, no screen, or no room.
    """
    # By all images of the set, not only this session's: every participant sees the same grey and the same scale.
    return WindowScreen(
        stimuli.mean,
        stimuli.largest_px,
        fullscreen,
        display,
        beside=find(plan.kind).beside,
        separation_deg=plan.separation_deg,
        ring=mode_of(plan).ring,
        buttons=has_buttons(plan),
        font=find_font(words(plan)),
        before=plan.display or dict(before or {}),
    )


def _open_responder(setup: Setup, plan: Plan, screen: Screen, stimuli: Stimuli) -> Responder:
    mode = mode_of(plan)
    if setup.script is not None:
        return mode.script(setup.script, plan)
    if setup.observer == "simulated":
        who = Simulated(setup.simulated, setup.adjuster, setup.detector, setup.comparer)
        return mode.simulated(who, plan, stimuli)
    return mode.human(plan, screen, stimuli)
