"""How much observers differ, beyond what the sampling error of their finite trials makes them differ.

A mean d′ near 0 says little of its own: +.8 and −.8 average to 0. So the SD of true d′ between
observers stands beside it, with its upper limit. Like any mean over participants it takes the images as fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

from analysis.group.one_sample import by_correction
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class Heterogeneity(Result):
    """The SD between `n` observers in the units of the values.

    `sd` is that of the values as they are, `sampling_sd` the root mean square of their standard errors: what
    equal observers would show. `tau` is the SD of the true values, with the bounds `low` and `high` at `level`
    (each bound alone holds at (1 + level) / 2). `q` is Cochran's statistic, and `p` the probability of one so
    large if all were equal. `undefined` counts observers without a value or standard error. What is
    undefined is NaN and `reason` says why.
    """

    n: int
    undefined: int
    sd: float
    sampling_sd: float
    tau: float
    low: float
    high: float
    level: float
    q: float
    p: float
    reason: str | None


def heterogeneity(
    values: npt.ArrayLike, errors: npt.ArrayLike, level: float = 0.95, *, corrected: Sequence[bool] = ()
) -> Heterogeneity:
    """The SD of true values between observers, beyond what the error of their finite trials makes them differ.

    Parameters
    ----------
    values : array_like of float, shape (observers,)
        Such as d′; NaN is left out and counted.
    errors : array_like of float, shape (observers,)
        Their standard errors, positive.
    level : float, optional
        Level of the interval, in (0, 1).
    corrected : sequence of bool, optional
        Whose value is that of a correction of rates of 0 and 1 alone. That observers differ is told all the same; by
        how much, the correction would decide, so with any of them there is no τ.

    Returns
    -------
    Heterogeneity
        `tau`, the SD of the true values, with bounds; the observed SD and that of equal observers; Cochran's q and its
        p.

    Raises
    ------
    LookalikeError
        For unequal lengths, an infinite value or a standard error that is not positive.

    Notes
    -----
    y_i ~ N(μ, τ² + se_i²). τ is estimated by restricted maximum likelihood. Its bounds are the τ at which Q(τ) = Σ (y_i
    − ȳ)² / (se_i² + τ²) is at the quantiles of χ² with n − 1 degrees of freedom, which is exact when the standard
    errors are known (Q-profile). Where even τ = 0 is too large for the upper bound, the values lie closer together than
    their errors allow and there is no bound.

    References
    ----------
    Viechtbauer 2007, Stat. Med. 26:37.

    Examples
    --------
    >>> from analysis import heterogeneity
    >>> found = heterogeneity([0.1, 0.9, -0.3, 0.5], [0.25, 0.25, 0.26, 0.25])
    >>> round(found.tau, 3), round(found.low, 3), round(found.high, 2), round(found.p, 4)
    (0.448, 0.144, 1.91, 0.0063)
    """
    y, se = np.asarray(values, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if y.shape != se.shape:
        raise LookalikeError(
            "unequal-lengths", f"{y.size} values and {se.size} standard errors: there must be one error per value"
        )
    bad = np.isinf(y) | np.isinf(se) | (se <= 0)
    if bad.any():
        raise LookalikeError(
            "out-of-range",
            f"observer {int(np.flatnonzero(bad)[0])} (from 0): value must be finite and its standard error positive",
        )
    kept = ~(np.isnan(y) | np.isnan(se))
    y, se = y[kept], se[kept]
    n = int(y.size)
    reason = ("one observer: no SD between observers" if n else "no observer has a value") if n < 2 else None
    sd = tau = low = high = q = p = np.nan
    if reason is None:
        sd, tau, q = float(np.std(y, ddof=1)), _reml(y, se**2), float(_q(np.zeros(1), y, se**2)[0])
        p = float(chi2.sf(q, n - 1))
        low, high = (_bound(float(chi2.ppf(share, n - 1)), y, se**2) for share in ((1 + level) / 2, (1 - level) / 2))
        if high == 0:
            low = high = np.nan
            reason = "the values differ less than their standard errors allow: no bounds of τ"
        if any(corrected):
            tau = low = high = np.nan
            reason = by_correction(corrected)
    return Heterogeneity(
        n=n,
        undefined=int(np.sum(~kept)),
        sd=sd,
        sampling_sd=float(np.sqrt(np.mean(se**2))) if n else np.nan,
        tau=tau,
        low=low,
        high=high,
        level=level,
        q=q,
        p=p,
        reason=reason,
    )


def _q(tau: Floats, y: Floats, variance: Floats) -> Floats:
    """Cochran's Q with the weights that follow from each τ: (taus,)."""
    weights = 1 / (variance + tau[:, None] ** 2)
    means = np.sum(weights * y, axis=1) / np.sum(weights, axis=1)
    return np.asarray(np.sum(weights * (y - means[:, None]) ** 2, axis=1))


def _reml(y: Floats, variance: Floats) -> float:
    """The τ of the highest restricted likelihood: the best of a grid, refined."""

    def loss(tau: Floats) -> Floats:
        weights = 1 / (variance + tau[:, None] ** 2)
        spread = np.log(np.sum(weights, axis=1)) - np.sum(np.log(weights), axis=1)
        return np.asarray(spread + _q(tau, y, variance))

    # Beyond the range of the values the likelihood only falls.
    grid = np.linspace(0, max(float(np.ptp(y)), 1e-12), 101)
    best = int(np.argmin(loss(grid)))
    around = (float(grid[max(best - 1, 0)]), float(grid[min(best + 1, 100)]))
    refined = minimize_scalar(
        lambda tau: float(loss(np.array([tau]))[0]), bounds=around, method="bounded", options={"xatol": 1e-10}
    )
    return float(refined.x) if refined.fun < loss(np.zeros(1))[0] - 1e-10 else 0.0


def _bound(quantile: float, y: Floats, variance: Floats) -> float:
    """The τ at which Q falls to the quantile; 0 if it is there at once."""

    def above(tau: float) -> float:
        return float(_q(np.array([tau]), y, variance)[0]) - quantile

    # Q(τ) < Σ (y − ȳ)² / τ², so it has fallen below the quantile at the upper end.
    far = float(np.sqrt(np.sum((y - y.mean()) ** 2) / quantile))
    return float(brentq(above, 0.0, far, xtol=1e-12)) if above(0.0) > 0 else 0.0
