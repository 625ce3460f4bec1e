"""Ratings in one step: which number means what, and the answer and confidence that follow from it."""

from __future__ import annotations

from dataclasses import replace

from data.kinds.kind import Answer
from data.kinds.registry import find
from data.plan import Plan
from data.trials import split_rating


def rating_keys(plan: Plan) -> dict[str, int]:
    """The number keys, main row and number pad, and their categories: 1 is certainly the first answer (real)."""
    levels = plan.rating_levels
    lowest = plan.keys[find(plan.kind).answers[0]]
    return {
        f"{pad}{number}": number if lowest == "1" else levels + 1 - number
        for pad in ("", "num_")
        for number in range(1, levels + 1)
    }


def split(category: int, levels: int) -> tuple[str, int]:
    """The answer and the confidence that a rating stands for."""
    response, confidence = split_rating([category], (levels + 1) / 2)
    return str(response[0]), int(confidence[0])


def in_one_step(answer: Answer, plan: Plan) -> Answer:
    """An answer with confidence as one rating, if the plan asks for ratings."""
    if not plan.rating_levels or answer.confidence is None:
        return answer
    half = plan.rating_levels // 2
    above = answer.response == find(plan.kind).answers[1]
    category = half + answer.confidence if above else half + 1 - answer.confidence
    return replace(answer, confidence_time=None, more={**answer.more, "rating_category": category})
