"""Confidence intervals that several results share: plain, on the logit scale, and from a bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri
from statsmodels.stats.proportion import proportion_confint

from analysis.arrays import Floats, Ints
from data.errors import LookalikeError


def quantile(level: float) -> float:
    """The z of a two-sided normal interval at `level`: 1.96 at .95.

    Raises `LookalikeError` unless `level` lies between 0 and 1.
    """
    if not 0 < level < 1:
        raise LookalikeError(f"level {level}: must be a share between 0 and 1, such as 0.95")
    return float(ndtri((1 + level) / 2))


def plain(estimate: float, se: float, level: float) -> tuple[float, float]:
    """The bounds estimate ± z·SE."""
    margin = quantile(level) * se
    return estimate - margin, estimate + margin


def wilson(part: npt.ArrayLike, whole: npt.ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Bounds of the shares part / whole (Wilson 1927, J. Am. Stat. Assoc. 22:209), NaN where `whole` is 0."""
    some, n = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    n = np.where(n > 0, n, np.nan)
    low, high = proportion_confint(some, n, 1 - level, "wilson")
    # Exactly 0 and 1 at the ends, where rounding lands just inside or outside.
    return np.clip(low, 0, some / n), np.clip(high, some / n, 1)


def logit(share: float, se: float, level: float) -> tuple[float, float]:
    """Bounds of a share [0, 1], symmetric on the logit scale; NaN where `se` is not positive.

    The standard error of logit(p) is SE / (p (1 − p)) (Pepe 2003, Statistical Evaluation of Medical Tests, 5.2).
    """
    z = quantile(level)
    if not se > 0:
        return np.nan, np.nan
    centre, margin = np.log(share / (1 - share)), z * se / (share * (1 - share))
    return float(1 / (1 + np.exp(margin - centre))), float(1 / (1 + np.exp(-margin - centre)))


def percentile(draws: Floats, level: float) -> tuple[float, float]:
    """The bounds that leave (1 − level) / 2 of a bootstrap's `draws` on either side."""
    quantile(level)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bca(draws: Floats, bias: float, acceleration: float, level: float) -> tuple[float, float]:
    """The bias-corrected and accelerated bounds (Efron 1987, J. Am. Stat. Assoc. 82:171).

    `draws` has shape (resamples,); `bias` is Efron's z0 (`median_bias`) and `acceleration` his a.
    The bounds are NaN where either is not finite.
    """
    z = quantile(level)
    if not np.isfinite([bias, acceleration]).all():
        return np.nan, np.nan
    shifted = bias + np.array([-z, z])
    low, high = np.quantile(draws, ndtr(bias + shifted / (1 - acceleration * shifted)))
    return float(low), float(high)


def median_bias(draws: Floats, estimate: float) -> float:
    """Efron's z0: the z of the share of `draws` below the estimate, those equal to it counting half."""
    share = np.mean(draws < estimate) / 2 + np.mean(draws <= estimate) / 2
    return float(ndtri(share))


def acceleration(influences: Sequence[tuple[Floats, Ints]]) -> float:
    """Efron's a from jackknife influence values, for each set of units that is resampled by itself.

    A set is a pair of arrays: the values l = (n − 1)(mean of the leave-one-out values − the value without
    the unit), and how many of the n units have each. a = Σ_s Σ l³ / n_s³ / (6 (Σ_s Σ l² / n_s²)^1.5)
    (Davison & Hinkley 1997, Bootstrap Methods and their Application, 5.3.2, for several samples). NaN if no
    unit has influence.
    """
    cubes = sum(float(np.dot(counts, values**3)) / int(counts.sum()) ** 3 for values, counts in influences)
    squares = sum(float(np.dot(counts, values**2)) / int(counts.sum()) ** 2 for values, counts in influences)
    return cubes / (6 * squares**1.5) if squares > 0 else np.nan
