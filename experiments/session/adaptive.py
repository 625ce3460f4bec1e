"""Which known fake an adaptive session shows next.

The choice is a function of the plan and of the answers recorded so far and of nothing else, so a session that resumes
goes on as it would have done. QUEST+ (Watson 2017, J. Vis. 17(3):10) takes the level from whose answer most is expected
to be learnt of threshold, spread and lapses; the plan says which fake of that level is next. A level whose fakes have
all been shown is no longer offered, so that none is shown twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from data.errors import LookalikeError
from data.kinds.adaptive import answers_so_far
from data.kinds.registry import find
from data.plan import Plan, PlannedTrial
from data.record import Event
from data.simulated.psychometric import CHANCE, LAPSES, SPREADS, thresholds


class Chooser(Protocol):
    """What a session asks before each trial."""

    def choose(self, trial: PlannedTrial, answers: Sequence[Event]) -> PlannedTrial:
        """The trial with all its images; `answers` are those of the record so far."""


class AsPlanned:
    """Trials as the plan has them."""

    def choose(self, trial: PlannedTrial, answers: Sequence[Event]) -> PlannedTrial:  # noqa: ARG002 (nothing depends on them)
        return trial


class ByQuestPlus:
    """Known fakes by QUEST+, after the `answers` so far. Raises `LookalikeError` if its library is not installed.

    To choose takes about a tenth of a second, and to choose again after the same answers nothing.
    """

    def __init__(self, plan: Plan, answers: Sequence[Event] = ()) -> None:
        self._plan, self._grades = plan, {grade.level: grade.images for grade in plan.grades or ()}
        self._quest = _quest(list(self._grades))
        self._known: tuple[list[float], list[bool]] = ([], [])
        self._level: float | None = None  # chosen after the answers that are known
        self._learn(*answers_so_far(plan, answers))

    def choose(self, trial: PlannedTrial, answers: Sequence[Event]) -> PlannedTrial:
        if trial.fake is not None:
            return trial
        levels, correct = answers_so_far(self._plan, answers)
        self._learn(levels, correct)
        if self._level is None:
            level = 10 ** self._quest.next_stim["intensity"]
            self._level = min(self._grades, key=lambda one: abs(np.log(one / level)))
        fake = self._grades[self._level][levels.count(self._level)]
        return trial.model_copy(update={"fake": fake, "level": self._level})

    def _learn(self, levels: list[float], correct: list[bool]) -> None:
        """Tell QUEST+ the answers that it does not know; all of them if others were taken back."""
        if (levels, correct) == self._known:
            return
        known = len(self._known[0])
        if (levels[:known], correct[:known]) != self._known:
            self._quest, known = _quest(list(self._grades)), 0
        for number in range(known, len(levels)):
            outcome = "correct" if correct[number] else "wrong"
            self._quest.update(stim={"intensity": np.log10(levels[number])}, outcome={"response": outcome})
            left = [one for one, images in self._grades.items() if levels[: number + 1].count(one) < len(images)]
            if left and len(left) < self._quest.likelihoods.sizes["intensity"]:
                self._quest.likelihoods = self._quest.likelihoods.sel(intensity=np.log10(left))
        self._known, self._level = (levels, correct), None


def chooser_of(plan: Plan, answers: Sequence[Event] = ()) -> Chooser:
    """What chooses the images of a plan's trials, after the answers so far."""
    return ByQuestPlus(plan, answers) if find(plan.kind).adaptive else AsPlanned()


def _quest(levels: list[float]) -> Any:
    try:
        from questplus import QuestPlus
    except ImportError:
        raise LookalikeError(
            "missing-extra",
            "an adaptive session needs the 'lab' extra (questplus is not installed); in the folder of Lookalike, run: "
            'pip install -c constraints.txt ".[lab]"',
        ) from None
    return QuestPlus(
        stim_domain={"intensity": np.log10(levels)},
        param_domain={
            "mean": np.log10(thresholds(levels)),
            "sd": SPREADS,
            "lower_asymptote": np.array([CHANCE]),
            "lapse_rate": LAPSES,
        },
        # Flat in the logarithms, because the grid is even in them.
        outcome_domain={"response": ["correct", "wrong"]},
        func="norm_cdf",
        stim_scale="linear",
        stim_selection_method="min_entropy",
    )
