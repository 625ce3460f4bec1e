"""What the two tasks with a pair of images side by side share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from data.plan import Image, PlannedTrial
from data.simulated.observers import Judgement, Observer
from data.trials import COLUMN_NOTES
from experiments.tasks.kind import planned

_LEVELS = COLUMN_NOTES["truth"]["Levels"]


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
        "confidence": notes["confidence"],
        "response_time": {**notes["response_time"], "Description": "From the images' onset to the answer."},
        "confidence_time": {**notes["confidence_time"], "Description": "From the answer to the confidence answer."},
        "onset": notes["onset"],
    }


def pair_row(trial: PlannedTrial, truth: str) -> dict[str, Any]:
    """A pair's columns that the plan knows."""
    right = _right(trial)
    return {
        "left_id": trial.stimulus_id,
        "left_file": trial.file,
        "left_truth": trial.truth,
        "right_id": right.stimulus_id,
        "right_file": right.file,
        "right_truth": right.truth,
        "truth": truth,
    }


def is_different(trial: PlannedTrial) -> bool:
    return trial.truth != _right(trial).truth


def sided(role: str, one: list[Image], other: list[Image], rng: np.random.Generator) -> list[PlannedTrial]:
    """Pairs of `one` with `other`, of which `one` is on the left in half (drawn which)."""
    on_left = rng.permutation(len(one)) % 2 == rng.integers(2)
    pairs = zip(one, other, on_left, strict=True)
    return [planned(a, role, b) if left else planned(b, role, a) for a, b, left in pairs]


def judge_both(observer: Observer, trial: PlannedTrial, session: int) -> tuple[Judgement, Judgement]:
    """A simulated observer's judgements of the left and the right image, each for itself.

    Fatigue counts by trials; nothing carries over from one pair to the next.
    """
    right = _right(trial)
    return (
        observer.judge(trial.stimulus_id, trial.truth, session, trial.trial),
        observer.judge(right.stimulus_id, right.truth, session, trial.trial),
    )


def _right(trial: PlannedTrial) -> Image:
    if trial.right is None:
        raise ValueError(f"trial {trial.trial} is no pair")
    return trial.right
