"""From participants to the group: means over observers of one kind, with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from analysis.participants import Participant
from analysis.result import Result


@dataclass(frozen=True)
class Mean(Result):
    """A mean over participants: `n` values, their SD, and t-based bounds at `level`.

    `undefined` counts participants without a value. What is undefined is NaN and `reason` says why.
    """

    n: int
    undefined: int
    mean: float
    sd: float
    low: float
    high: float
    level: float
    reason: str | None


@dataclass(frozen=True)
class Group(Result):
    """The participants of one kind of observer (people are never averaged with simulated observers).

    `dprime_sampling_sd` is the SD of d′ that finite trials alone would produce, the root mean square
    of the participants' SE(d′): a between-observer SD near it is no sign of real differences.
    """

    observer: str
    participants: int
    dprime: Mean
    dprime_sampling_sd: float
    auc: Mean
    similarity: Mean


def group_by_observer(participants: Sequence[Participant]) -> list[Group]:
    """One group per kind of observer, by name of the kind."""
    kinds = sorted({one.observer for one in participants})
    return [_group(kind, [one for one in participants if one.observer == kind]) for kind in kinds]


def mean(values: Sequence[float], bounds: tuple[float, float] = (-np.inf, np.inf), level: float = 0.95) -> Mean:
    """Mean of one value per participant with a t interval (n − 1 degrees of freedom), cut at `bounds`.

    NaN values are left out and counted. The interval speaks of other observers judging the same
    images: it takes the images as fixed.
    """
    defined = np.asarray([value for value in values if not np.isnan(value)], dtype=np.float64)
    n = int(defined.size)
    average = float(np.mean(defined)) if n else np.nan
    sd = float(np.std(defined, ddof=1)) if n > 1 else np.nan
    reason = None
    low = high = np.nan
    if n < 2:
        reason = "one participant: no spread and no interval" if n else "no participant has a value"
    elif np.ptp(defined) == 0:
        # Few coarse values can coincide; an interval of no width would claim certainty.
        reason = "all participants have the same value: no interval"
    else:
        margin = float(t.ppf((1 + level) / 2, n - 1)) * sd / np.sqrt(n)
        low, high = max(bounds[0], average - margin), min(bounds[1], average + margin)
    return Mean(n, len(values) - n, average, sd, float(low), float(high), level, reason)


def _group(kind: str, members: Sequence[Participant]) -> Group:
    errors = np.asarray([one.yesno.se for one in members if not np.isnan(one.yesno.se)])
    return Group(
        observer=kind,
        participants=len(members),
        dprime=mean([one.yesno.dprime for one in members]),
        dprime_sampling_sd=float(np.sqrt(np.mean(errors**2))) if errors.size else np.nan,
        auc=mean([one.roc.auc for one in members], bounds=(0, 1)),
        similarity=mean([one.retest.similarity for one in members if one.retest is not None], bounds=(0, 1)),
    )
