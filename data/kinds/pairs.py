"""What the kinds of task with a pair of images side by side share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from data.kinds.kind import ANSWER_COLUMNS, Answer, Judged, planned
from data.plan import Image, Plan, PlannedTrial
from data.simulated.observers import Judgement, Observer
from data.trials import COLUMN_NOTES

_LEVELS = COLUMN_NOTES["truth"]["Levels"]


class Pairs(Judged[Observer]):
    """A kind that shows a pair of images, and asks something of the two together."""

    report = "pairs"
    beside = 2
    fields: ClassVar[tuple[str, ...]] = ("trial", "role", "truth", "response")
    required = ("truth", "response")
    text = ("role", "truth", "response")
    serial = False

    def row(self, trial: PlannedTrial) -> dict[str, Any]:
        right = _right(trial)
        return {
            "left_id": trial.stimulus_id,
            "left_file": trial.file,
            "left_truth": trial.truth,
            "right_id": right.stimulus_id,
            "right_file": right.file,
            "right_truth": right.truth,
            "truth": self.truth(trial),
        }

    def simulate(self, who: Observer, plan: Plan, trials: Sequence[PlannedTrial]) -> list[Answer]:
        """Answers from both images, each judged by itself.

        Fatigue counts by trials; nothing carries over from one pair to the next.
        """
        answers = []
        for trial in trials:
            right = _right(trial)
            judged = (
                who.judge(trial.stimulus_id, trial.truth, plan.session, trial.trial),
                who.judge(right.stimulus_id, right.truth, plan.session, trial.trial),
            )
            answers.append(self.combine(who, plan, trial, *judged))
        return answers

    @abstractmethod
    def combine(self, who: Observer, plan: Plan, trial: PlannedTrial, left: Judgement, right: Judgement) -> Answer:
        """A simulated observer's answer, from the judgement of each image."""


def pair_columns(truth: Mapping[str, Any], response: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The columns of a table of pairs, given what truth and response mean."""
    notes = COLUMN_NOTES
    sides = {
        f"{side}_{name}": {"Description": f"{text} of the image on the {side}.", **levels}
        for side in ("left", "right")
        for name, text, levels in (
            ("id", "Id in the stimulus set", {}),
            ("file", "File in the stimulus set", {}),
            ("truth", "What it is", {"Levels": _LEVELS}),
        )
    }
    return {
        "trial": notes["trial"],
        **sides,
        "role": notes["role"],
        "truth": truth,
        "response": response,
        **ANSWER_COLUMNS,
    }


def is_different(trial: PlannedTrial) -> bool:
    """Whether one image of the pair is real and the other generated."""
    return trial.truth != _right(trial).truth


def sided(role: str, one: list[Image], other: list[Image], rng: np.random.Generator) -> list[PlannedTrial]:
    """Pairs of `one` with `other`, with `one` on the left in a random half of them."""
    on_left = rng.permutation(len(one)) % 2 == rng.integers(2)
    pairs = zip(one, other, on_left, strict=True)
    return [planned(a, role, b) if left else planned(b, role, a) for a, b, left in pairs]


def _right(trial: PlannedTrial) -> Image:
    if trial.right is None:
        raise ValueError(f"trial {trial.trial} is not a pair")
    return trial.right
