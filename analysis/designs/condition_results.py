"""What a comparison of conditions finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.group.primary import Primary
from analysis.mrmc.answers import AnswerDifference, AnswerMean
from analysis.mrmc.equality import Crossing, Equality
from analysis.mrmc.mrmc import Difference
from analysis.mrmc.pairing import Overlap
from data.results.result import Result

Status = Literal["discriminated", "near chance", "not decided"]


@dataclass(frozen=True, eq=False)
class Condition(Result):
    """One condition: its primary result, with p adjusted for the number of conditions, and the measures at the answer.

    `status` is discriminated where the area differs from .5 by the adjusted p, near chance where the study file's
    bounds allow to say so, and not decided otherwise.
    """

    name: str
    status: Status
    primary: Primary
    p_adjusted: float
    dprime: AnswerMean
    criterion: AnswerMean
    sensitivity: AnswerMean
    specificity: AnswerMean


@dataclass(frozen=True, eq=False)
class ConditionDifference(Result):
    """Two conditions, the one with the larger area first: differences of the area and of the measures at the answer.

    `p_adjusted` is of the area, adjusted for the number of pairs.
    """

    first: str
    second: str
    auc: Difference
    p_adjusted: float
    dprime: AnswerDifference
    criterion: AnswerDifference
    sensitivity: AnswerDifference
    specificity: AnswerDifference


@dataclass(frozen=True, eq=False)
class Conditions(Result):
    """The conditions of one kind of observer.

    `each` is by name, `differences` of every pair. `equality` tests whether all have the same area, `equality_dprime`
    the same d′. `participants` and `same_images` say how they were paired with conditions; `remarks` what else to know.
    """

    observer: str
    names: tuple[str, ...]
    verdict: Literal["conditions differ", "not decided"]
    words: str
    generalises_to: str
    participants: Crossing
    same_images: Overlap
    each: tuple[Condition, ...]
    equality: Equality
    equality_dprime: Equality
    differences: tuple[ConditionDifference, ...]
    remarks: tuple[str, ...]
