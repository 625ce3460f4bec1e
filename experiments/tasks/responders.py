"""Who answers: a person at keyboard and pointer, a list written beforehand, or a simulated observer.

All three go through the same session loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import read_table
from data.kinds.kind import Answer
from data.kinds.registry import find
from data.plan import Plan, PlannedTrial
from data.simulated.observers import Observer, usual_cuts
from experiments.tasks.rated import in_one_step
from experiments.tasks.slips import slips, with_slip

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
    """A simulated observer's answers by trial, as it gives them in the plan's order.

    All are judged beforehand: an answer may depend on the one before, and a session that resumes in a
    new process must not forget that one. `slips` are wrong answers that it gives first, and takes back.
    """

    answers: Mapping[int, Answer]
    parameters: Mapping[str, Any]
    kind: str = "simulated"
    slips: Mapping[int, Answer] = field(default_factory=dict)
    _given: list[int] = field(default_factory=list)

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:  # noqa: ARG002 (it reads nothing)
        return True

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002 (it has its own times)
        slip = self.slips.get(trial.trial) if trial.trial not in self._given else None
        self._given.append(trial.trial)
        return slip or self.answers[trial.trial]

    def takes_back(self, until: float) -> bool:  # noqa: ARG002
        return self._given[-1] in self.slips and self._given.count(self._given[-1]) == 1


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

    def takes_back(self, until: float) -> bool:  # noqa: ARG002
        return False


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
    kind, parameters = find(plan.kind), asdict(who)
    if kind.adaptive:
        return SimulatedInTurn(lambda trial: kind.simulate(who, plan, [trial])[0], parameters)
    answers = kind.simulate(who, plan, plan.trials)
    judged = {trial.trial: in_one_step(one, plan) for trial, one in zip(plan.trials, answers, strict=True)}
    wrong = slips(plan, judged, who.seed)
    if plan.flow.fixation_s is not None:
        return SimulatedResponder(judged, parameters, slips=wrong)
    judged |= {trial: with_slip(judged[trial], slip) for trial, slip in wrong.items()}
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
