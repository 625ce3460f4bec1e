"""Who answers: a person at a keyboard, a list written beforehand, or a simulated observer.

All three go through the same session loop.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import read_table
from data.observers import Observer, usual_cuts
from data.trials import TRUTHS
from experiments.design import Plan, PlannedTrial
from experiments.display import Screen
from experiments.wording import confidence_question

GO_ON, STOP = "space", "escape"
_POLL_S = 0.001  # keys are stamped by their own queue, so this is no part of a response time


class SessionAborted(Exception):
    """The participant pressed Escape."""


@dataclass(frozen=True)
class Answer:
    """`response` real | generated; `confidence` 1..k; times in s, None where nothing was timed."""

    response: str
    confidence: int
    response_time: float | None
    confidence_time: float | None


class Responder(Protocol):
    """`kind` is human | scripted | simulated."""

    @property
    def kind(self) -> str: ...

    def proceed(self) -> None:
        """Return when the participant wants to go on from a message."""

    def answer(self, trial: PlannedTrial, onset: float) -> Answer:
        """Judge the image on screen since `onset`, in s on the screen's clock."""


@dataclass(frozen=True)
class SimulatedResponder:
    """A simulated observer; its answers depend on the session, as a person's do."""

    observer: Observer
    session: int
    kind: str = "simulated"

    def proceed(self) -> None:
        pass

    def answer(self, trial: PlannedTrial, onset: float) -> Answer:  # noqa: ARG002 (the observer has its own times)
        judged = self.observer.judge(trial.stimulus_id, trial.truth, self.session)
        return Answer(judged.response, judged.confidence, judged.response_time, judged.confidence_time)


@dataclass(frozen=True)
class ScriptedResponder:
    """Answers by stimulus id, written beforehand. Nothing is timed."""

    answers: Mapping[str, Answer]
    kind: str = "scripted"

    def proceed(self) -> None:
        pass

    def answer(self, trial: PlannedTrial, onset: float) -> Answer:  # noqa: ARG002
        return self.answers[trial.stimulus_id]


class KeyboardResponder:
    """A person. Response by the plan's two keys, then confidence by a digit, main row or numpad.

    A key counts from the moment it goes down, is taken when it is let go, and only if it went down
    after what it answers had appeared. Escape raises `SessionAborted`. Raises `LookalikeError` at
    once where keys could not be timed.
    """

    kind = "human"

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self._keyboard = _open_keyboard()
        self._screen = screen
        self._question = confidence_question(plan.confidence_levels)
        self._responses = {plan.keys.real: "real", plan.keys.generated: "generated"}
        levels = range(1, plan.confidence_levels + 1)
        self._confidences = {f"{prefix}{level}": level for prefix in ("", "num_") for level in levels}
        self._waiting: list[Any] = []

    def proceed(self) -> None:
        self._wait_for({GO_ON: GO_ON}, self._screen.now())

    def answer(self, trial: PlannedTrial, onset: float) -> Answer:  # noqa: ARG002 (a person sees the trial)
        response, responded = self._wait_for(self._responses, onset)
        self._screen.message(self._question)
        confidence, sure = self._wait_for(self._confidences, responded)
        return Answer(response, confidence, responded - onset, sure - responded)

    def _wait_for(self, meanings: Mapping[str, Any], after: float) -> tuple[Any, float]:
        """The first key of `meanings` pressed later than `after`: what it means, and when (s)."""
        while True:
            # waitRelease=True: without it PsychoPy loses a tap that begins and ends between two polls.
            self._waiting += self._keyboard.getKeys(waitRelease=True)
            if any(key.name == STOP for key in self._waiting):
                raise SessionAborted
            # Keys arrive as they are let go; fast typists press the next before that. So others are
            # kept for the next question, and taken in the order in which they went down.
            self._waiting = sorted((key for key in self._waiting if key.tDown > after), key=lambda key: key.tDown)
            for key in self._waiting:
                if key.name in meanings:
                    self._waiting.remove(key)
                    return meanings[key.name], float(key.tDown)
            time.sleep(_POLL_S)


def read_script(path: Path, plan: Plan) -> ScriptedResponder:
    """Read answers from a table with columns stimulus_id or trial, response and confidence.

    Raises `LookalikeError` naming the rows at fault (row 1 is the header) or the trials without an
    answer.
    """
    path = Path(path)
    table = read_table(path, ("response", "confidence"), text=("stimulus_id", "response"))
    key = next((column for column in ("stimulus_id", "trial") if column in table.columns), None)
    if key is None:
        raise LookalikeError(f"{path}: column stimulus_id or trial is missing; one of them says what is answered")
    levels = range(1, plan.confidence_levels + 1)
    confidence = pd.to_numeric(table["confidence"], errors="coerce")
    _refuse_rows(path, table[key].isna(), f"{key} is missing")
    _refuse_rows(path, table[key].duplicated(keep=False), f"{key} is answered twice")
    _refuse_rows(path, ~table["response"].isin(TRUTHS), f"response is none of {', '.join(TRUTHS)}")
    _refuse_rows(path, ~confidence.isin(levels), f"confidence is not 1 to {levels[-1]}")
    given = {row[key]: Answer(row["response"], int(row["confidence"]), None, None) for row in table.to_dict("records")}
    unanswered = [str(trial.trial) for trial in plan.trials if getattr(trial, key) not in given]
    if unanswered:
        raise LookalikeError(f"{path}: no answer for trial {_some(unanswered)} of the plan; add a row for each")
    return ScriptedResponder({trial.stimulus_id: given[getattr(trial, key)] for trial in plan.trials})


def simulate(observer: Observer, plan: Plan) -> SimulatedResponder:
    """The observer as a responder; one with the default confidence cuts gets those for the plan's levels.

    Raises `LookalikeError` if it has cuts of its own, for another number of levels.
    """
    if observer.confidence_cuts == Observer.confidence_cuts:
        observer = replace(observer, confidence_cuts=usual_cuts(plan.confidence_levels))
    levels = len(observer.confidence_cuts) + 1
    if levels != plan.confidence_levels:
        raise LookalikeError(
            f"the simulated observer has {levels} confidence levels, the study {plan.confidence_levels}; "
            f"give it {plan.confidence_levels - 1} confidence_cuts"
        )
    return SimulatedResponder(observer, plan.session)


def _open_keyboard() -> Any:
    try:
        # Without it PsychoPy only warns, falls back to another keyboard, and never sees a key.
        import psychtoolbox  # noqa: F401
    except ImportError as error:
        raise LookalikeError(
            f"keys cannot be timed (psychtoolbox: {error}); on Debian or Ubuntu: apt install libjack-jackd2-0, "
            "elsewhere: pip install 'lookalike[lab]'"
        ) from None
    from psychopy.hardware.keyboard import Keyboard

    keyboard = Keyboard(backend="ptb")
    if keyboard.getBackend() != "ptb":
        raise LookalikeError(
            f"PsychoPy's keyboard runs on {keyboard.getBackend()!r}, which loses keys; start this session in a new "
            "Python process"
        )
    return keyboard


def _refuse_rows(path: Path, bad: pd.Series, why: str) -> None:
    if bad.any():
        rows = [str(int(index) + 2) for index in np.flatnonzero(bad.to_numpy())]
        raise LookalikeError(f"{path}: row {_some(rows)}: {why}; correct the script")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
