"""Means over participants of one value each, such as d′ or AUC − .5, where 0 is chance.

What is tested of their mean takes the images as fixed: it speaks of other observers judging the same images, and not
of other images. With 100 shared images whose effects have an SD of .5 and a true d′ at the bound .3, the equivalence
test calls 13% (10 observers) to 20% (20) of studies equivalent where it promises 5%. The multi-reader multi-case
AUC (`analysis.mrmc`) and `analysis.group.mixed_probit` take both as a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis import intervals
from data.errors import LookalikeError
from data.results.result import Result


@dataclass(frozen=True, eq=False)
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
class Sample:
    """Mean, SD, standard error and t of `n` values; `undefined` (NaN) ones are left out. NaN for a `reason`."""

    n: int
    undefined: int
    mean: float
    sd: float
    se: float
    t: float
    reason: str | None


def mean(
    values: Sequence[float],
    bounds: tuple[float, float] = (-np.inf, np.inf),
    level: float = 0.95,
    corrected: Sequence[bool] = (),
) -> Mean:
    """Mean of one value per participant with a t interval (n − 1 degrees of freedom), cut at `bounds`.

    NaN values are left out and counted. `corrected` says whose value is that of a correction alone
    (`analysis.sdt.outcomes.only_corrected`): their spread is not the participants', so with any of them there is no
    interval. The interval speaks of other observers judging the same images: it takes the images as fixed.
    """
    defined = np.asarray([value for value in values if not np.isnan(value)], dtype=np.float64)
    n = int(defined.size)
    average = float(np.mean(defined)) if n else np.nan
    sd = float(np.std(defined, ddof=1)) if n > 1 else np.nan
    reason = None
    low = high = np.nan
    if n < 2:
        reason = "one participant: no spread and no interval" if n else "no participant has a value"
    elif any(corrected):
        reason = by_correction(corrected)
    elif np.ptp(defined) == 0:
        # Few coarse values can coincide; an interval of no width would claim certainty.
        reason = "all participants have the same value: no interval"
    else:
        margin = intervals.critical(level, n - 1) * sd / np.sqrt(n)
        low, high = max(bounds[0], average - margin), min(bounds[1], average + margin)
    return Mean(n, len(values) - n, average, sd, float(low), float(high), level, reason)


def own_mean(values: Sequence[float], corrected: Sequence[bool], level: float = 0.95) -> Mean | None:
    """`mean` of the values that are participants' own, where others are a correction's alone; None where none are.

    Who is left out is not left out at random (the most sensitive, or who gave one answer to everything), so it speaks
    of people like those who are left in, and stands beside the mean of all.
    """
    if not any(corrected):
        return None
    return mean([value for value, alone in zip(values, corrected, strict=True) if not alone], level=level)


def by_correction(corrected: Sequence[bool]) -> str:
    """Why there is no interval where some participants' values are those of a correction alone."""
    return (
        f"{sum(corrected)} of {len(corrected)} participants gave only right answers, or only wrong ones, or one answer "
        "to everything, so their values are the correction’s, whose spread is not theirs"
    )


def sample_of(values: npt.ArrayLike, corrected: Sequence[bool] = ()) -> Sample:
    """The sample of one value per participant; `corrected` as in `mean`.

    Raises `LookalikeError` for an infinite value.
    """
    given = np.asarray(values, dtype=np.float64)
    if np.isinf(given).any():
        raise LookalikeError(
            "not-a-number", f"value {int(np.flatnonzero(np.isinf(given))[0])} (from 0) is infinite; use a correction"
        )
    defined = given[~np.isnan(given)]
    n = int(defined.size)
    mean = float(np.mean(defined)) if n else np.nan
    sd = float(np.std(defined, ddof=1)) if n > 1 else np.nan
    if n < 2:
        reason = "one participant: no spread between participants" if n else "no participant has a value"
    elif any(corrected):
        reason = by_correction(corrected)
    elif np.ptp(defined) == 0:
        reason = "all participants have the same value: their spread is unknown"
    else:
        se = sd / np.sqrt(n)
        return Sample(n, given.size - n, mean, sd, float(se), float(mean / se), None)
    return Sample(n, given.size - n, mean, sd, np.nan, np.nan, reason)


def check_positive(value: float, what: str) -> None:
    """Raise `LookalikeError` unless `value` is finite and above 0."""
    if not (np.isfinite(value) and value > 0):
        raise LookalikeError("out-of-range", f"{what} {value}: must be a positive number")
