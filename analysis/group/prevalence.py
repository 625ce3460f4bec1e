"""What share of people can tell? From the tests of single participants to the population they were drawn from.

A mean says little about single people: +.8 and −.8 average to 0, and one of ten who sees everything moves it little.
Here each participant is tested by themselves, and the number of those who pass estimates the share of the population
who would: Bayesian prevalence (Ince, Paton, Kay & Schyns 2021, eLife 10:e62461).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import betainc, betaincinv

from analysis.intervals import critical
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class Share(Result):
    """A share of the population, [0, 1]: its most probable `value`, and its highest-density interval `low` to `high`.

    `significant` of the participants passed the test, whose false-positive rate is `alpha`.
    """

    significant: int
    alpha: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Prevalence(Result):
    """The share of people who discriminate, in either direction, and each direction by itself.

    `above` are those who rate generated images higher, `below` those who rate them lower; each is tested at half of
    the false-positive rate of `either`. `level` is that of the intervals. `untested` counts participants without a
    test. What is undefined is NaN and `reason` says why.
    """

    participants: int
    untested: int
    level: float
    either: Share
    above: Share
    below: Share
    reason: str | None

    @property
    def by_chance(self) -> float:
        """How many of the participants would pass though none of them can tell."""
        return self.either.alpha * self.participants


def prevalence(
    p_above: npt.ArrayLike, p_below: npt.ArrayLike, *, alpha: float = 0.05, level: float = 0.95
) -> Prevalence:
    """The share of people who can tell, from one test of each participant in each direction.

    Parameters
    ----------
    p_above, p_below : array_like of float, shape (participants,)
        One-sided p of each participant, as from `permutation_test`: that an AUC so large, or so small, comes by chance.
        NaN is left out and counted; of too few images to pass, give NaN.
    alpha : float, optional
        False-positive rate of the two tests of a participant together, in (0, 1).
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    Prevalence
        The share who discriminate in `either` direction, `above` chance and `below` it: the most probable value and the
        highest-density interval.

    Raises
    ------
    LookalikeError
        For unequal lengths, a p outside [0, 1], or an alpha or level outside (0, 1).

    Notes
    -----
    Those who can tell pass the test, and a share alpha of the others does. With a uniform prior of the share γ, the
    probability θ = α + (1 − α) γ of passing has a beta posterior cut off below α. Who can tell only a little may not
    pass with so few trials: γ is the share whom a session of this length would show to discriminate.

    References
    ----------
    Ince, R. A. A., Paton, A. T., Kay, J. W., & Schyns, P. G. (2021). Bayesian inference of population prevalence.
    eLife, 10, e62461.

    Examples
    --------
    >>> from analysis import prevalence
    >>> found = prevalence([0.001, 0.2, 0.6, 0.99, 0.003], [0.999, 0.8, 0.4, 0.01, 0.997])
    >>> found.either.significant, found.above.significant, found.below.significant
    (3, 2, 1)
    >>> round(found.either.value, 2), round(found.either.low, 2), round(found.either.high, 2)
    (0.58, 0.2, 0.89)
    """
    above, below = np.asarray(p_above, dtype=np.float64), np.asarray(p_below, dtype=np.float64)
    if above.shape != below.shape:
        raise LookalikeError(
            "unequal-lengths", f"{above.size} p above and {below.size} below: give both of each participant"
        )
    bad = (above < 0) | (above > 1) | (below < 0) | (below > 1)
    if bad.any():
        where = int(np.flatnonzero(bad)[0])
        raise LookalikeError("out-of-range", f"participant {where} (from 0): p must lie between 0 and 1")
    if not 0 < alpha < 1:
        raise LookalikeError("out-of-range", f"alpha {alpha}: must lie between 0 and 1, for example 0.05")
    critical(level)  # refuses what is no level
    tested = ~(np.isnan(above) | np.isnan(below))
    passed = [_passed(p[tested], alpha / 2) for p in (above, below)]
    n = int(tested.sum())
    return Prevalence(
        participants=n,
        untested=int(above.size - n),
        level=level,
        either=_share(sum(passed), n, alpha, level),
        above=_share(passed[0], n, alpha / 2, level),
        below=_share(passed[1], n, alpha / 2, level),
        reason=None if n else "nobody rated enough images of both classes to be tested alone",
    )


def p_alone(p_above: float, p_below: float, generated: int, real: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """A participant's p in both directions; NaN where even images all told apart would not pass, for they are too few.

    One labelling of all the choices of `generated` images separates them completely, so p is never smaller than that.
    """
    enough = min(generated, real) > 0 and math.comb(generated + real, generated) >= 2 / alpha
    return (p_above, p_below) if enough else (math.nan, math.nan)


def _passed(p: Floats, alpha: float) -> int:
    return int(np.sum(p <= alpha))


def _share(significant: int, n: int, alpha: float, level: float) -> Share:
    """The posterior of the share: its mode, and the narrowest interval that holds so much of it."""
    if not n:
        return Share(significant, alpha, np.nan, np.nan, np.nan)
    posterior = (significant + 1, n - significant + 1)  # a beta distribution's
    cut = betainc(*posterior, alpha)

    def bound(mass: float) -> float:
        return float((betaincinv(*posterior, cut + mass * (1 - cut)) - alpha) / (1 - alpha))

    # The density has one peak, so the narrowest interval is the one of highest density.
    narrowest = minimize_scalar(
        lambda left: bound(left + level) - bound(left), bounds=(0, 1 - level), method="bounded", options={"xatol": 1e-9}
    )
    left = min((0.0, float(narrowest.x), 1 - level), key=lambda start: bound(start + level) - bound(start))
    mode = (significant / n - alpha) / (1 - alpha)
    low = max(bound(left), 0.0) if left > 0 else 0.0  # the bound at 0 is 0 but for rounding
    return Share(significant, alpha, float(np.clip(mode, 0, 1)), low, min(bound(left + level), 1.0))
