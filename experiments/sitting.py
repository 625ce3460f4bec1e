"""One sitting: from a plan to a finished record and its table. What `realfake` and `retest` share."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Literal

from data.errors import LookalikeError
from data.observers import Observer
from data.record import read_record
from data.trials import RECORD
from experiments.design import Plan
from experiments.display import HeadlessScreen, Screen, WindowScreen
from experiments.export import export_session
from experiments.record import Record, create_session, is_complete, refuse_taken
from experiments.responder import KeyboardResponder, Responder, SessionAborted, read_script, simulate
from experiments.session import Progress, run_session, silent
from stimuli.sets import StimulusSet


@dataclass(frozen=True)
class Setup:
    """Who answers, and on what.

    `script` is the table of answers of a scripted observer (see `responder.read_script`);
    `simulated` the simulated one. Without a `window` only those two can take part.
    """

    observer: Literal["human", "scripted", "simulated"] = "human"
    window: bool = True
    fullscreen: bool = False
    script: Path | None = None
    simulated: Observer = field(default_factory=Observer)

    def __post_init__(self) -> None:
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
    stimuli: StimulusSet,
    data: Path,
    setup: Setup,
    progress: Progress = silent,
    days_since_first: float | None = None,
) -> Result:
    """Run the planned session and export it, also when Escape, Ctrl+C or SIGTERM ends it early.

    Screen and observer are made ready first: if there is no display or the script is faulty, the
    participant's session is not used up. Raises `LookalikeError` for those, and if the session
    exists already; any other fault is raised after the export of what was answered.
    """
    refuse_taken(data, plan.participant, plan.session)
    with _open_screen(setup, plan, stimuli) as screen:
        responder = _open_responder(setup, plan, screen)
        folder = create_session(data, plan)
        try:
            with _sigterm_interrupts(), Record(folder) as record:
                run_session(plan, stimuli, screen, responder, record, progress, days_since_first)
        except (SessionAborted, KeyboardInterrupt):
            pass  # the record says so, and so does the result
        except BaseException:
            with suppress(LookalikeError, OSError):  # the fault that ended the session is the one to tell
                export_session(data, plan.participant, plan.session)
            raise
    table = export_session(data, plan.participant, plan.session)
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
def _open_screen(setup: Setup, plan: Plan, stimuli: StimulusSet) -> Iterator[Screen]:
    screen = _window(setup, plan, stimuli) if setup.window else HeadlessScreen()
    try:
        yield screen
    finally:
        screen.close()


def _window(setup: Setup, plan: Plan, stimuli: StimulusSet) -> WindowScreen:
    shapes = [stimuli.read(trial.stimulus_id).shape for trial in plan.trials]
    largest = (max(rows for rows, _ in shapes), max(columns for _, columns in shapes))
    # All images of the set, not only this session's: every participant sees the same grey.
    return WindowScreen(float(stimuli.table["mean"].mean()), largest, setup.fullscreen)


def _open_responder(setup: Setup, plan: Plan, screen: Screen) -> Responder:
    if setup.script is not None:
        return read_script(setup.script, plan)
    if setup.observer == "simulated":
        return simulate(setup.simulated, plan)
    return KeyboardResponder(plan, screen)
