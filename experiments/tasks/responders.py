"""Who answers: a person at keyboard and pointer, a list written beforehand, or a simulated observer.

All three go through the same session loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import read_table
from data.kinds.kind import Answer, Kind
from data.kinds.registry import find
from data.plan import Plan, PlannedTrial
from data.simulated.observers import Observer, usual_cuts
from experiments.tasks.rated import in_one_step
from experiments.tasks.slips import slip_before, with_slip

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
        """Judge what has been on screen since `onset`, in s on the screen's clock; `again` shows it once more.

        The answer's response is None if none came in time.
        """

    def takes_back(self, until: float) -> bool:
        """Whether the participant takes the last answer back; waits for that, but no longer than `until`."""


@dataclass(frozen=True)
class SimulatedResponder:
    """A simulated observer.

    `judge` says what it answers to a trial, `slip` which wrong answer it gives first and takes back, if any: at once,
    before its confidence, or (`from_fixation`) while the fixation mark is up.
    """

    judge: Callable[[PlannedTrial], Answer]
    parameters: Mapping[str, Any]
    slip: Callable[[PlannedTrial, Answer], Answer | None]
    from_fixation: bool
    kind: str = "simulated"
    _given: list[tuple[int, bool]] = field(default_factory=list)  # trial, and whether it was a slip

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:  # noqa: ARG002 (it reads nothing)
        return True

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002 (it has its own times)
        answer = self.judge(trial)
        slip = self.slip(trial, answer)
        if slip is not None and not self.from_fixation:
            return with_slip(answer, slip)
        slips = slip is not None and all(trial.trial != before for before, _ in self._given)
        self._given.append((trial.trial, slips))
        return slip if slip is not None and slips else answer

    def takes_back(self, until: float) -> bool:  # noqa: ARG002
        return self._given[-1][1]


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

    def takes_back(self, until: float) -> bool:  # noqa: ARG002
        return False


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
        one: in_one_step(Answer(response, int(sure) if asked else None, None, None), plan)
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
    kind, slip = find(plan.kind), partial(slip_before, plan, who.seed)
    return SimulatedResponder(_judge(kind, who, plan), asdict(who), slip, plan.flow.fixation_s is not None)


def _judge(kind: Kind[Any, Any], who: Any, plan: Plan) -> Callable[[PlannedTrial], Answer]:
    """What a simulated observer answers to a trial.

    All trials are judged beforehand: an answer may depend on the one before, and a session that resumes in a new
    process must not forget that one. Only in an adaptive task is each judged as it is shown, and by nothing else.
    """
    if kind.adaptive:
        return lambda trial: in_one_step(kind.simulate(who, plan, [trial])[0], plan)
    answers = kind.simulate(who, plan, plan.trials)
    judged = {trial.trial: in_one_step(one, plan) for trial, one in zip(plan.trials, answers, strict=True)}
    return lambda trial: judged[trial.trial]


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
