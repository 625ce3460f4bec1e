"""Hedges' g: a mean, or a difference of means, in standard deviations, without the bias of small samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import gammaln
from scipy.stats import nct

from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result

_FARTHEST = 40.0  # noncentrality, beyond any t that an experiment gives


@dataclass(frozen=True, eq=False)
class EffectSize(Result):
    """Hedges' `g` with bounds at `level`, and Cohen's `d`, which it corrects. `n` counts the values used.

    What is undefined is NaN and `reason` says why.
    """

    g: float
    low: float
    high: float
    d: float
    n: int
    level: float
    reason: str | None


def hedges_g(
    values: npt.ArrayLike, other: npt.ArrayLike | None = None, *, null: float = 0.0, level: float = 0.95
) -> EffectSize:
    """Hedges' g of a mean against `null`, or of two independent groups.

    Parameters
    ----------
    values : array_like of float, shape (participants,)
        One value per participant, such as d′; for paired values, their differences. NaN is left out.
    other : array_like of float, shape (others,), optional
        The values of another group; g is then of the difference `values` − `other`, in pooled SDs.
    null : float, optional
        What the mean is compared with, or the difference.
    level : float, optional
        Level of the interval, in (0, 1).

    Returns
    -------
    EffectSize
        `g` and its bounds, and Cohen's `d`.

    Raises
    ------
    LookalikeError
        For an infinite value, or a level outside (0, 1).

    Notes
    -----
    d = (mean − null) / SD, or the difference over the pooled SD; g = J d with J = Γ(m/2) / (√(m/2) Γ((m − 1)/2)) and m
    degrees of freedom, exactly. The bounds invert the noncentral t distribution, and are multiplied by J too. It is the
    size of an effect beside differences among people, with these images; it does not say how visible a difference is,
    as d′ and the area do.

    References
    ----------
    Hedges 1981, J. Educ. Stat. 6:107; Cumming & Finch 2001, Educ. Psychol. Meas. 61:532.

    Examples
    --------
    >>> from analysis import hedges_g
    >>> found = hedges_g([0.1, 0.4, 0.3, 0.6, 0.2, 0.5])
    >>> round(found.g, 2), round(found.low, 2), round(found.high, 2)
    (1.57, 0.39, 2.71)
    """
    if not 0 < level < 1:
        raise LookalikeError("out-of-range", f"level {level}: must lie between 0 and 1, for example 0.95")
    groups = [_defined(values)] + ([] if other is None else [_defined(other)])
    n = sum(one.size for one in groups)
    degrees = n - len(groups)
    if degrees < 1 or min(one.size for one in groups) < 1:
        return EffectSize(np.nan, np.nan, np.nan, np.nan, n, level, "too few participants: no spread between them")
    centre = float(groups[0].mean() - (groups[1].mean() if len(groups) > 1 else 0.0) - null)
    sd = math.sqrt(sum(float(np.sum((one - one.mean()) ** 2)) for one in groups) / degrees)
    if not sd > 1e-12 * max(1.0, abs(centre)):
        return EffectSize(np.nan, np.nan, np.nan, np.nan, n, level, "all participants have the same value")
    d = centre / sd
    # t = d · √size, with the size of one group, or half the harmonic mean of two.
    size = 1 / sum(1 / one.size for one in groups)
    scale = correction(degrees)
    low, high = (scale * bound / math.sqrt(size) for bound in _noncentrality(d * math.sqrt(size), degrees, level))
    return EffectSize(scale * d, low, high, d, n, level, None)


def correction(degrees: float) -> float:
    """Hedges' J, which takes the bias of d away: about 1 − 3 / (4 degrees − 1)."""
    if degrees <= 1:
        return math.nan
    return float(np.exp(gammaln(degrees / 2) - gammaln((degrees - 1) / 2)) / np.sqrt(degrees / 2))


def _noncentrality(t: float, degrees: int, level: float) -> tuple[float, float]:
    """The noncentralities of which t is the upper and the lower tail's quantile."""

    def bound(share: float, side: int) -> float:
        def miss(centre: float) -> float:
            return float(nct.cdf(t, degrees, centre)) - share

        # Stepwise, as far away the distribution function is not computed any more.
        near, far = t, t + side
        while side * miss(far) > 0:
            near, far = far, far + side * (1 + abs(far - t) / 2)
            if abs(far) > _FARTHEST:
                return math.nan
        return float(brentq(miss, near, far, xtol=1e-10))

    if degrees < 2 or abs(t) > _FARTHEST:
        return math.nan, math.nan
    return bound((1 + level) / 2, -1), bound((1 - level) / 2, 1)


def _defined(values: npt.ArrayLike) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    if np.isinf(given).any():
        where = int(np.flatnonzero(np.isinf(given))[0])
        raise LookalikeError("not-a-number", f"value {where} (from 0) is infinite; use a correction")
    return np.asarray(given[~np.isnan(given)], dtype=np.float64)
