"""Effects of what came before, on one participant and on a group, against re-drawn orders of trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from analysis.intervals import bootstrap_mean
from data.arrays import Floats
from data.results.result import Result

MANY, GROUP_DRAWS = 100, 1000


@dataclass(frozen=True, eq=False)
class Effect(Result):
    """One effect on one participant's answers, in log-odds.

    `raw` is the regression coefficient, with standard error `se`; `expected` is its mean over re-drawn orders, the
    bias of the method; `effect` = raw − expected, with bounds ± z·SE at the result's level; `p` is
    two-sided: twice the smaller share of re-drawn orders whose raw effect is as low, or as high.
    """

    raw: float
    se: float
    expected: float
    effect: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, eq=False)
class GroupEffect(Result):
    """Mean effect over `n` participants (`undefined` have none), with bounds from resampling participants.

    `p` is two-sided, against no dependence in any participant, from the re-drawn orders of all of them.
    """

    n: int
    undefined: int
    mean: float
    low: float
    high: float
    p: float
    reason: str | None


def effect(values: Floats, se: float, level: float) -> Effect:
    """From the observed value, followed by those of re-drawn orders."""
    raw, null = float(values[0]), values[1:][np.isfinite(values[1:])]
    if np.isnan(raw) or not null.size:
        return Effect(raw, se, np.nan, np.nan, np.nan, np.nan, np.nan)
    expected, margin = float(null.mean()), float(ndtri((1 + level) / 2)) * se
    effect = raw - expected
    return Effect(raw, se, expected, effect, effect - margin, effect + margin, _two_sided(raw, null))


def _two_sided(value: float, null: Floats) -> float:
    # The observed order is one of those that could have been drawn, so it is counted too.
    rounding = 1e-9
    tails = (np.sum(null <= value + rounding) + 1, np.sum(null >= value - rounding) + 1)
    return min(1.0, 2 * float(min(tails)) / (null.size + 1))


def _means(each: Floats, rng: np.random.Generator) -> Floats:
    """Group means under the null, from values of shape (participants, redraws).

    Participants' orders are drawn independently, so any order of one may be combined with any of another: with `MANY`
    participants a few redraws each make `GROUP_DRAWS` groups. With fewer participants the groups would repeat.
    """
    if len(each) >= MANY and each.shape[1] < GROUP_DRAWS:
        each = np.take_along_axis(each, rng.integers(each.shape[1], size=(len(each), GROUP_DRAWS)), axis=1)
    means: Floats = each.mean(axis=0)
    return means


def group_effect(
    effects: Sequence[Effect], nulls: Sequence[Floats], level: float, rng: np.random.Generator
) -> GroupEffect:
    """The mean over participants, each with their effects in re-drawn orders."""
    kept = [place for place, one in enumerate(effects) if np.isfinite(one.effect)]
    n, undefined = len(kept), len(effects) - len(kept)
    if not n:
        return GroupEffect(0, undefined, np.nan, np.nan, np.nan, np.nan, "no participant has a value")
    values = np.array([effects[place].effect for place in kept])
    centred = np.stack([nulls[place] - effects[place].expected for place in kept])
    # An order that cannot be fitted for a participant says nothing either way, so it is put at the centre.
    null = _means(np.nan_to_num(centred), rng)
    low, high, reason = bootstrap_mean(values, level, rng)
    return GroupEffect(n, undefined, float(values.mean()), low, high, _two_sided(float(values.mean()), null), reason)
