"""Who answers: a person at keyboard and pointer, a list written beforehand, or a simulated observer.

All three go through the same session loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import read_table
from data.kinds.kind import Answer
from data.kinds.registry import find
from data.plan import Plan, PlannedTrial
from data.simulated.observers import Observer, usual_cuts
from experiments.screen import Screen
from experiments.tasks.instructions import confidence_question, stop_question

CONTINUE, BACK, STOP = "space", "left", "escape"
POLL_S = 0.001  # keys are stamped by their own queue, so this is no part of a response time
Again = Callable[[], object]


class SessionAborted(Exception):
    """The participant wants to stop."""


class Responder(Protocol):
    """`kind` is human | scripted | simulated; `parameters` are a simulated one's (else None), for the record."""

    @property
    def kind(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, Any] | None: ...

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:
        """Return when the participant wants to continue after a message, which `again` shows once more.

        The answer is False if, where there is a page before (`back`), the participant wants that one instead. Raises
        `SessionAborted` if the participant wants to stop; without `again` one who presses Escape is not asked whether
        that was meant.
        """

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:
        """Judge what has been on screen since `onset`, in s on the screen's clock; `again` shows it once more."""


@dataclass(frozen=True)
class SimulatedResponder:
    """A simulated observer's answers by trial, as it gives them in the plan's order.

    All are judged beforehand: an answer may depend on the one before, and a session that resumes in a
    new process must not forget that one.
    """

    answers: Mapping[int, Answer]
    parameters: Mapping[str, Any]
    kind: str = "simulated"

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:  # noqa: ARG002 (it reads nothing)
        return True

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002 (it has its own times)
        return self.answers[trial.trial]


@dataclass(frozen=True)
class SimulatedInTurn:
    """A simulated observer of an adaptive task, who judges each trial as it is shown and by nothing else."""

    judge: Callable[[PlannedTrial], Answer]
    parameters: Mapping[str, Any]
    kind: str = "simulated"

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:  # noqa: ARG002 (it reads nothing)
        return True

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002 (it has its own times)
        return self.judge(trial)


@dataclass(frozen=True)
class ScriptedResponder:
    """Answers by trial, written beforehand. Nothing is timed."""

    answers: Mapping[int, Answer]
    parameters: None = None
    kind: str = "scripted"

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:  # noqa: ARG002 (it reads nothing)
        return True

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002
        return self.answers[trial.trial]


class Press(NamedTuple):
    """A key or a touched number: `at` is when it went down, in s on the screen's clock."""

    name: str
    at: float
    by: str  # key | pointer


class HumanResponder:
    """A person. Response by the plan's two keys, then confidence by a digit (main row or numpad) or a touched number.

    A key is timed when it goes down, read when it is released, and counts only if it went down after the question
    had appeared: so late and double presses, and a key held down from before, answer nothing. What is pressed
    while the window does not have the keyboard was meant for another window and is ignored; how long that was is
    recorded with the answer. Escape asks whether to stop (Y raises `SessionAborted`); after N the trial continues, the
    response time still counts from its onset, and `paused_time` says how much of it the question took. Raises
    `LookalikeError` at once where keys could not be timed.
    """

    kind = "human"
    parameters: None = None

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self._keyboard = _open_keyboard(plan.keys.values())
        self._screen = screen
        self._footer = find(plan.kind).reminder(plan)
        self._confidence_question, self._stop_question = confidence_question(plan), stop_question(plan)
        self._prompted = plan.exposure_s is not None
        self._levels = plan.confidence_levels
        self._responses = {key: answer for answer, key in plan.keys.items()}
        levels = range(1, plan.confidence_levels + 1)
        self._confidences = {f"{prefix}{level}": level for prefix in ("", "num_") for level in levels}
        self._waiting: list[Press] = []
        self._paused_s = 0.0

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:
        turns = {CONTINUE: True, BACK: False} if back else {CONTINUE: True}
        return bool(self._wait_for(turns, self._screen.now(), again)[0])

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002 (a person sees the trial)
        self._paused_s = 0.0
        if self._prompted:
            self._collect(onset)
            if not any(press.name in self._responses for press in self._waiting):
                again()  # the image has gone, and nobody should wonder what to do
        response, responded = self._wait_for(self._responses, onset, again)
        confidence = confidence_time = None
        more: dict[str, Any] = {}
        if self._levels:
            self._ask_confidence()
            confidence, sure = self._wait_for(self._confidences, responded.at, self._ask_confidence)
            confidence_time, more["confidence_by"] = sure.at - responded.at, sure.by
        more["paused_time"] = round(self._paused_s, 6)
        more["unfocused_time"] = round(self._screen.unfocused_s(onset), 6)
        return Answer(response, confidence, responded.at - onset, confidence_time, more)

    def _ask_confidence(self) -> None:
        self._screen.scale(self._confidence_question, self._levels, self._footer)

    def _wait_for(self, meanings: Mapping[str, Any], after: float, again: Again | None) -> tuple[Any, Press]:
        """The first of `meanings` pressed later than `after`: what it means, and the press."""
        while True:
            self._collect(after)
            for press in self._waiting:
                if press.name in meanings:
                    self._waiting.remove(press)
                    return meanings[press.name], press
                if press.name == STOP:
                    self._ask_whether_to_stop(again)
                    break
            time.sleep(POLL_S)

    def _collect(self, after: float) -> None:
        # Keys arrive when they are released; fast typists press the next before that. So others are kept for the next
        # question, and taken in the order in which they went down.
        # waitRelease=True: without it PsychoPy loses a tap that begins and ends between two polls.
        touched = [Press(str(level), at, "pointer") for level, at in self._screen.touched()]
        keys = [Press(key.name, float(key.tDown), "key") for key in self._keyboard.getKeys(waitRelease=True)]
        here = [press for press in (*keys, *touched) if self._screen.focused(press.at)]
        waiting = [press for press in (*self._waiting, *here) if press.at > after or press.name == STOP]
        self._waiting = sorted(waiting, key=lambda press: press.at)

    def _ask_whether_to_stop(self, again: Again | None) -> None:
        if again is None:
            raise SessionAborted
        self._waiting.clear()
        asked = self._screen.message(self._stop_question)
        while True:
            self._collect(asked)
            for press in self._waiting:
                if press.name == "y":
                    raise SessionAborted
                if press.name == "n":
                    self._waiting.clear()
                    again()
                    self._paused_s += press.at - asked
                    return
            time.sleep(POLL_S)


def read_script(path: Path, plan: Plan) -> ScriptedResponder:
    """Read answers from a table with columns stimulus_id (of a pair: the left one's) or trial, response and confidence.

    Raises `LookalikeError` naming the rows at fault (row 1 is the header) or the trials without an
    answer.
    """
    path, asked = Path(path), plan.confidence_levels
    table = read_table(path, ("response", *(["confidence"] if asked else [])), text=("stimulus_id", "response"))
    key = next((column for column in ("stimulus_id", "trial") if column in table.columns), None)
    if key is None:
        raise LookalikeError(
            "missing-column", f"{path}: column stimulus_id or trial is missing; one of them says what is answered"
        )
    refuse_script_rows(path, table[key].isna(), f"{key} is missing", code="missing-value")
    refuse_script_rows(path, table[key].duplicated(keep=False), f"{key} is answered twice", code="repeated-answer")
    words = find(plan.kind).answers
    unknown = ~table["response"].isin(words)
    refuse_script_rows(path, unknown, f"response is none of {', '.join(words)}", code="unknown-word")
    confidence = pd.Series(None, index=table.index, dtype=object)
    if asked:
        confidence = pd.to_numeric(table["confidence"], errors="coerce")
        unknown = ~confidence.isin(range(1, asked + 1))
        refuse_script_rows(path, unknown, f"confidence is not 1 to {asked}", code="out-of-range")
    given = {
        one: Answer(response, int(sure) if asked else None, None, None)
        for one, response, sure in zip(table[key], table["response"], confidence, strict=True)
    }
    refuse_unanswered(path, plan, given, key)
    return ScriptedResponder({trial.trial: given[getattr(trial, key)] for trial in plan.trials})


def simulate(who: Any, plan: Plan) -> Responder:
    """The simulated observer that a plan's kind of task needs as a responder.

    An `Observer` with the default confidence cuts gets those for the plan's levels. Raises `LookalikeError` if it has
    cuts of its own, for another number of levels.
    """
    if isinstance(who, Observer):
        who = _with_levels(who, plan.confidence_levels)
    kind, parameters = find(plan.kind), asdict(who)
    if kind.adaptive:
        return SimulatedInTurn(lambda trial: kind.simulate(who, plan, [trial])[0], parameters)
    answers = kind.simulate(who, plan, plan.trials)
    judged = {trial.trial: one for trial, one in zip(plan.trials, answers, strict=True)}
    return SimulatedResponder(judged, parameters)


def _with_levels(observer: Observer, wanted: int) -> Observer:
    if observer.confidence_cuts == Observer.confidence_cuts:
        observer = replace(observer, confidence_cuts=usual_cuts(wanted))
    levels = len(observer.confidence_cuts) + 1
    if levels != wanted:
        raise LookalikeError(
            "wrong-confidence-levels",
            f"the simulated observer has {levels} confidence levels, the study {wanted}; give it {wanted - 1} "
            "confidence_cuts",
        )
    return observer


def _open_keyboard(keys: Iterable[str]) -> Any:
    try:
        # Without it PsychoPy only warns, falls back to another keyboard, and never sees a key.
        import psychtoolbox  # noqa: F401
    except ImportError as error:
        raise LookalikeError(
            "no-keyboard",
            f"keys cannot be timed (psychtoolbox: {error}); on Debian or Ubuntu: apt install libjack-jackd2-0, "
            'elsewhere, in the folder of Lookalike: pip install -c constraints.txt ".[lab]"',
        ) from None
    from psychopy.hardware.keyboard import Keyboard, keyNames

    unknown = sorted(set(keys) - set(keyNames.values()))
    if unknown:
        raise LookalikeError(
            "no-such-key",
            f"this computer's keyboard has no key {', '.join(map(repr, unknown))}, on which the task file puts an "
            "answer; choose another key there",
        )
    keyboard = Keyboard(backend="ptb")
    if keyboard.getBackend() != "ptb":
        raise LookalikeError(
            "no-keyboard",
            f"PsychoPy's keyboard runs on {keyboard.getBackend()!r}, which loses keys; start this session in a new "
            "Python process",
        )
    return keyboard


def refuse_unanswered(path: Path, plan: Plan, given: Mapping[Any, Answer], key: str) -> None:
    """Raise `LookalikeError` for trials of the plan whose `key` (trial, stimulus_id) is not in `given`."""
    unanswered = [str(trial.trial) for trial in plan.trials if getattr(trial, key) not in given]
    if unanswered:
        message = f"{path}: no answer for trial {_some(unanswered)} of the plan; add a row for each"
        raise LookalikeError("unanswered-trials", message)


def refuse_script_rows(path: Path, bad: pd.Series, why: str, *, code: str) -> None:
    """Raise `LookalikeError` naming the rows of a script where `bad` is true, if any."""
    if bad.any():
        rows = [str(int(index) + 2) for index in np.flatnonzero(bad.to_numpy())]
        raise LookalikeError(code, f"{path}: row {_some(rows)}: {why}; correct the script")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
