"""p values of several tests at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.arrays import Floats


def holm(p: npt.ArrayLike) -> Floats:
    """p values (tests,) adjusted for their number (Holm 1979, Scand. J. Stat. 6:65); a NaN was no test, and stays NaN.

    >>> holm([0.01, 0.04, np.nan, 0.03]).round(3).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    given = np.asarray(p, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    order = np.argsort(given)[: int(np.sum(~np.isnan(given)))]  # NaN is sorted last
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * np.arange(order.size, 0, -1)), 1)
    return adjusted
