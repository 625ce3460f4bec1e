"""The psychometric function of telling a known fake from a real image beside it, and what answers say about it.

P(correct at level x) = 1/2 + (1/2 − λ) Φ((log10 x − log10 threshold) / spread)

with lapses λ: at the threshold, lapses apart, 75% of choices are correct. Levels are of any unit, above 0, and
visibility rises with them. The posterior is taken on a grid with flat priors of log threshold, log spread and
lapses, the one on which QUEST+ (Watson 2017, J. Vis. 17(3):10) places a session's trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.arrays import Floats

CHANCE = 0.5
CREDIBLE = 0.95
SPREADS = np.geomspace(0.05, 0.8, 13)  # SD of the cumulative normal, log10 units of level
LAPSES = np.array([0.0, 0.01, 0.02, 0.04, 0.06])
_THRESHOLDS = 61


def probability_correct(
    level: npt.ArrayLike, threshold: npt.ArrayLike, spread: npt.ArrayLike, lapse: npt.ArrayLike
) -> Floats:
    """The probability of a correct choice; levels and thresholds in one unit, `spread` in its log10 units."""
    from scipy.special import ndtr

    z = (np.log10(level) - np.log10(threshold)) / np.asarray(spread)
    return np.asarray(CHANCE + (1 - CHANCE - np.asarray(lapse)) * ndtr(z), dtype=np.float64)


def thresholds(levels: Sequence[float]) -> Floats:
    """The thresholds of the grid, even in log10, from a step of the levels below the lowest to one above."""
    logs = np.log10(sorted(levels))
    step = (logs[-1] - logs[0]) / max(len(logs) - 1, 1)
    return np.asarray(10 ** np.linspace(logs[0] - step, logs[-1] + step, _THRESHOLDS), dtype=np.float64)


@dataclass(frozen=True)
class Belief:
    """What is believed of one parameter: posterior mean (of threshold and spread the geometric one) and mode, and the
    credible interval with equal tails.
    """

    mean: float
    mode: float
    low: float
    high: float


@dataclass(frozen=True)
class Posterior:
    """What is believed of a participant's function.

    `threshold` is in the unit of the levels, `spread` in log10 units of it, `lapse` a share. `credible` is the
    probability that an interval holds.
    """

    threshold: Belief
    spread: Belief
    lapse: Belief
    credible: float = CREDIBLE


def posterior(levels: Sequence[float], shown: Sequence[float], correct: Sequence[bool]) -> Posterior:
    """What answers say: `shown` are the levels of trials, each one of `levels`, and `correct` whether they were right.

    Examples
    --------
    >>> from data.simulated.psychometric import posterior
    >>> belief = posterior([1, 2, 4, 8], [1] * 20 + [8] * 20, [True, False] * 10 + [True] * 20)
    >>> 1 < belief.threshold.mean < 8
    True
    """
    from scipy.special import xlogy

    grid = thresholds(levels)
    parameters = (grid[:, None, None], SPREADS[None, :, None], LAPSES[None, None, :])
    log_likelihood = np.zeros((grid.size, SPREADS.size, LAPSES.size))
    at, said = np.asarray(shown, dtype=np.float64), np.asarray(correct, dtype=bool)
    for level in np.unique(at):
        right, trials = int(said[at == level].sum()), int((at == level).sum())
        p = probability_correct(level, *parameters)
        log_likelihood += xlogy(right, p) + xlogy(trials - right, 1 - p)
    weights = np.exp(log_likelihood - log_likelihood.max())
    weights /= weights.sum()
    return Posterior(
        threshold=_belief(weights.sum(axis=(1, 2)), grid, True),
        spread=_belief(weights.sum(axis=(0, 2)), SPREADS, True),
        lapse=_belief(weights.sum(axis=(0, 1)), LAPSES, False),
    )


def _belief(weights: Floats, values: Floats, in_logs: bool) -> Belief:
    where = np.log10(values) if in_logs else values
    # The distribution between grid points is taken as even: half of a point's weight lies on either side of it.
    below = np.cumsum(weights) - weights / 2
    low, high = np.interp([(1 - CREDIBLE) / 2, (1 + CREDIBLE) / 2], below, where)
    found = np.array([float(weights @ where), where[int(np.argmax(weights))], low, high])
    return Belief(*(round(float(value), 6) for value in (10**found if in_logs else found)))
