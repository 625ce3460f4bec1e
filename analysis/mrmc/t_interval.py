"""A t interval with its two tests: of a null value, and of equivalence to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import t

from data.errors import LookalikeError


class Interval(NamedTuple):
    """Standard error, degrees of freedom, bounds and p values; NaN with a `reason` where undefined.

    `p` is two-sided, of the null value. `p_equivalence` is the larger of the two one-sided p of null ± delta: it
    is below (1 − level) / 2 exactly when the interval, before it is cut, lies inside null ± delta (Schuirmann
    1987, J. Pharmacokinet. Biopharm. 15:657). NaN without a delta.
    """

    se: float
    df: float
    low: float
    high: float
    p: float
    p_equivalence: float
    reason: str | None


def interval(
    value: float,
    variance: float,
    df: float,
    *,
    null: float,
    level: float,
    delta: float | None = None,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Interval at `level` for a value with this variance, cut at `limits`; df may be infinite.

    Raises `LookalikeError` for a level outside (0, 1) or a delta that is not positive.
    """
    if not 0 < level < 1:
        raise LookalikeError(f"level {level}: must lie between 0 and 1, for example 0.9")
    if delta is not None and not delta > 0:
        raise LookalikeError(f"delta {delta}: must be positive, for example 0.084 (d′ = .3 as AUC)")
    if not variance > 0:
        return undefined("the estimated variance is not positive: too little data for an interval")
    se = float(np.sqrt(variance))
    margin = float(t.ppf((1 + level) / 2, df)) * se
    equivalence = np.nan
    if delta is not None:
        equivalence = max(t.sf((value - null + delta) / se, df), t.cdf((value - null - delta) / se, df))
    return Interval(
        se=se,
        df=float(df),
        low=max(limits[0], value - margin),
        high=min(limits[1], value + margin),
        p=float(2 * t.sf(abs(value - null) / se, df)),
        p_equivalence=float(equivalence),
        reason=None,
    )


def undefined(reason: str) -> Interval:
    """No interval, and why."""
    return Interval(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, reason)
