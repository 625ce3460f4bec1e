"""The statistics that summarise a participant's answers to pairs of images, found by name.

A kind of task names its own (`data.kinds.kind.Kind.measure`); all that the group analysis and the report need to
know about a statistic is in its entry here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import pandas as pd
from scipy.special import ndtri

from analysis.sdt.outcomes import Correction
from analysis.sdt.same_different import SameDifferent, Sensitivity, same_different_from_responses
from analysis.sdt.two_alternative import ForcedChoice, two_alternative_from_responses
from data.errors import LookalikeError

Found = TypeVar("Found", ForcedChoice, SameDifferent)
Words = tuple[str, str]


@dataclass(frozen=True)
class PairStatistic(Generic[Found]):
    """One statistic of pairs. `estimate` gives its value, standard error and bounds; `reason`, what is undefined.

    `from_responses` takes truth, response, the table's two words for them, and the correction. `bound` turns the
    study's ±δ (in area under the ROC curve) into a bound of the mean; None where no bound follows from δ. `models` are
    d′ under each model of how the observer decides, by name, for a statistic that is not itself a d′.
    """

    symbol: str
    title: str
    task: str
    methods: str
    from_responses: Callable[[pd.Series[Any], pd.Series[Any], Words | None, Correction], Found]
    estimate: Callable[[Found], tuple[float, float, float, float]]
    reason: Callable[[Found], str | None]
    bound: Callable[[float], float] | None = None
    models: Mapping[str, Callable[[Found], Sensitivity]] = field(default_factory=dict)


_FORCED_CHOICE = PairStatistic[ForcedChoice](
    symbol="d′",
    title="Which of two is generated?",
    task="Two-alternative forced choice",
    methods=(
        "With H the share of answers naming one position when the generated image was there, and F when it was not, "
        "d′ = [z(H) − z(F)]/√2 and the bias between positions is c = −[z(H) + z(F)]/2 {macmillan2005}; d′ is in the "
        "units of the yes/no task."
    ),
    from_responses=lambda truth, response, words, correction: two_alternative_from_responses(
        truth, response, words or ("left", "right"), correction
    ),
    estimate=lambda found: (found.dprime, found.se, found.low, found.high),
    reason=lambda found: found.reason,
    bound=lambda delta: math.sqrt(2) * float(ndtri(0.5 + delta)),
)
_SAME_DIFFERENT = PairStatistic[SameDifferent](
    symbol="z(H) − z(F)",
    title="Same or different?",
    task="Pairs of images of one kind, or of two",
    methods=(
        "A hit is “different” said of a different pair. d′ is given under two models {macmillan2005}: independent "
        "observations, and differencing, with bounds by the profile likelihood {christensen2009}. Neither can be below "
        "0, so the group’s mean is taken of z(H) − z(F), which is 0 on average at chance."
    ),
    from_responses=lambda truth, response, _words, correction: same_different_from_responses(
        truth, response, correction
    ),
    estimate=lambda found: (found.z_difference, found.z_se, found.z_low, found.z_high),
    reason=lambda found: found.independent.reason,
    models={"independent": lambda found: found.independent, "differencing": lambda found: found.differencing},
)
_STATISTICS: dict[str, PairStatistic[Any]] = {"dprime": _FORCED_CHOICE, "z_difference": _SAME_DIFFERENT}


def find_statistic(name: str) -> PairStatistic[Any]:
    """The statistic of this name. Raises `LookalikeError` if there is none."""
    if name not in _STATISTICS:
        known = ", ".join(_STATISTICS)
        raise LookalikeError("unknown-statistic", f"no statistic of pairs is named {name!r}; there are {known}")
    return _STATISTICS[name]
