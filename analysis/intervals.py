"""Confidence intervals that several results share. Each returns the bounds (low, high) at a `level` such as .95.

From an estimate and its standard error: `normal`, `logit`, and `t_interval`, which comes with its two tests. From
counts: `wilson`. From bootstrap replicates of a statistic: `percentile`, `expanded_percentile` and `bca`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit
from scipy.stats import t
from statsmodels.stats.proportion import proportion_confint

from data.arrays import Floats, Ints
from data.errors import LookalikeError

RESAMPLES = 2000


def critical(level: float, df: float = np.inf) -> float:
    """Half the width of a two-sided interval in standard errors: z, 1.96 at .95, or Student's t with `df`.

    Raises `LookalikeError` unless `level` lies between 0 and 1.
    """
    if not 0 < level < 1:
        raise LookalikeError("out-of-range", f"level {level}: must lie between 0 and 1, for example 0.95")
    tail = (1 + level) / 2
    return float(ndtri(tail) if np.isinf(df) else stdtrit(df, tail))


def normal(estimate: float, se: float, level: float) -> tuple[float, float]:
    """The bounds estimate ± z·SE."""
    margin = critical(level) * se
    return estimate - margin, estimate + margin


def wilson(part: npt.ArrayLike, whole: npt.ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Bounds of the proportions part / whole (Wilson 1927, J. Am. Stat. Assoc. 22:209), NaN where `whole` is 0."""
    some, n = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    n = np.where(n > 0, n, np.nan)
    low, high = proportion_confint(some, n, 1 - level, "wilson")
    # Exactly 0 and 1 at the ends, where rounding lands just inside or outside.
    return np.clip(low, 0, some / n), np.clip(high, some / n, 1)


def logit(estimate: float, se: float, level: float, df: float = np.inf) -> tuple[float, float]:
    """Bounds of a proportion or an AUC [0, 1], symmetric on the logit scale; NaN if SE is not positive or df below 1.

    The standard error of logit(p) is SE / (p (1 − p)) (Pepe 2003, Statistical Evaluation of Medical Tests, 5.2).
    """
    if not se > 0 or not 0 < estimate < 1 or df < 1:
        return np.nan, np.nan
    centre, margin = np.log(estimate / (1 - estimate)), critical(level, df) * se / (estimate * (1 - estimate))
    return float(1 / (1 + np.exp(margin - centre))), float(1 / (1 + np.exp(-margin - centre)))


class TInterval(NamedTuple):
    """Standard error, degrees of freedom, bounds and p values; NaN with a `reason` where undefined.

    `p` is two-sided, of the null value. `p_equivalence` is the larger of the two one-sided p of null ± delta: it
    is below (1 − level) / 2 exactly when the interval, before it is cut, lies inside null ± delta (Schuirmann
    1987, J. Pharmacokinet. Biopharm. 15:657). NaN without a delta.
    """

    se: float = np.nan
    df: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    p_equivalence: float = np.nan
    reason: str | None = None


def t_interval(
    estimate: float,
    variance: float,
    df: float,
    *,
    null: float,
    level: float,
    delta: float | None = None,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> TInterval:
    """The t interval of an estimate with this variance, cut at `limits`, and its tests; `df` may be infinite.

    Raises `LookalikeError` for a level outside (0, 1) or a delta that is not positive.
    """
    times_se = critical(level, df)
    if delta is not None and not delta > 0:
        raise LookalikeError("out-of-range", f"delta {delta}: must be positive, for example 0.084 (d′ = .3 as AUC)")
    if not variance > 0:
        return TInterval(reason="the estimated variance is not positive: too little data for an interval")
    se = float(np.sqrt(variance))
    margin = times_se * se
    equivalence = np.nan
    if delta is not None:
        equivalence = max(t.sf((estimate - null + delta) / se, df), t.cdf((estimate - null - delta) / se, df))
    return TInterval(
        se=se,
        df=float(df),
        low=float(max(limits[0], estimate - margin)),
        high=float(min(limits[1], estimate + margin)),
        p=float(2 * t.sf(abs(estimate - null) / se, df)),
        p_equivalence=float(equivalence),
    )


def percentile(replicates: Floats, level: float) -> tuple[float, float]:
    """The bounds that leave (1 − level) / 2 of a bootstrap's `replicates` on either side."""
    critical(level)
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def expanded_percentile(replicates: Floats, units: int, level: float) -> tuple[float, float]:
    """Percentiles of `replicates`, statistics of resamples of `units`, at the tails that few units need.

    Plain percentiles are too narrow by √((n − 1) / n) and take the normal's tail for Student's. The expanded
    percentile interval (Hesterberg 2015, Am. Stat. 69:371, section 5.3) takes the tail probability
    Φ(−√(n / (n − 1)) t), with t the quantile of n − 1 degrees of freedom. For means of normals, intervals of
    .95 cover .94 from 6 units on, .91 with 5 and .87 with 4 (2,000 samples each). NaN replicates are left out;
    NaN if there are fewer than 2 units or no replicate is left.
    """
    kept = replicates[~np.isnan(replicates)]
    if units < 2 or not kept.size:
        return np.nan, np.nan
    tail = float(ndtr(-np.sqrt(units / (units - 1)) * critical(level, units - 1)))
    low, high = np.quantile(kept, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap_mean(values: Floats, level: float, rng: np.random.Generator) -> tuple[float, float, str | None]:
    """Expanded percentile bounds of the mean of one value per participant, and why they are undefined (NaN)."""
    if values.size < 2:
        return np.nan, np.nan, "one participant: no interval"
    if np.ptp(values) == 0:
        return np.nan, np.nan, "all participants have the same value: no interval"
    weights = rng.multinomial(values.size, np.full(values.size, 1 / values.size), size=RESAMPLES)
    return *expanded_percentile(weights @ values / values.size, values.size, level), None


def bca(replicates: Floats, bias: float, acceleration: float, level: float) -> tuple[float, float]:
    """The bias-corrected and accelerated bounds (Efron 1987, J. Am. Stat. Assoc. 82:171).

    `replicates` has shape (resamples,); `bias` is Efron's z0 (`median_bias`) and `acceleration` his a.
    The bounds are NaN where either is not finite.
    """
    z = critical(level)
    if not np.isfinite([bias, acceleration]).all():
        return np.nan, np.nan
    shifted = bias + np.array([-z, z])
    low, high = np.quantile(replicates, ndtr(bias + shifted / (1 - acceleration * shifted)))
    return float(low), float(high)


def median_bias(replicates: Floats, estimate: float) -> float:
    """Efron's z0: the z of the share of `replicates` below the estimate, those equal to it counting half."""
    share = np.mean(replicates < estimate) / 2 + np.mean(replicates <= estimate) / 2
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
