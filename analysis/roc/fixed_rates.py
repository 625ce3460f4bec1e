"""Sensitivity at a fixed specificity, and specificity at a fixed sensitivity, from the empirical ROC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.roc.bootstrap import auc_bootstrap_from_counts
from analysis.roc.ratings import RatingCounts, count_ratings
from analysis.roc.tables import shares_at_least
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result

_ROUNDING = 1e-12
Rate = Literal["sensitivity", "specificity"]


@dataclass(frozen=True, eq=False)
class FixedRate(Result):
    """One of sensitivity and specificity where the other is `at`, with bounds at `level`.

    `extrapolated` says that no rating reaches so far: the value lies on the straight line that joins the last
    operating point to a corner, which the ratings say nothing about. What is undefined is NaN and `reason` says why.
    """

    of: Rate
    at: float
    value: float
    low: float
    high: float
    extrapolated: bool
    level: float
    generated: int
    real: int
    unrated: int
    reason: str | None


def sensitivity_at_specificity(
    truth: npt.ArrayLike,
    rating: npt.ArrayLike,
    specificity: float = 0.9,
    *,
    level: float = 0.95,
    seed: int | np.random.Generator = 0,
) -> FixedRate:
    """The share of generated images that are called so, where a given share of real ones is called real.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    rating : array_like of float, shape (trials,)
        Larger means more generated-looking; NaN is left out and counted.
    specificity : float, optional
        Where to read the curve, in (0, 1): 1 − the false-alarm rate.
    level : float, optional
        Level of the interval, in (0, 1).
    seed : int or numpy.random.Generator, optional
        Of the resamples.

    Returns
    -------
    FixedRate
        The sensitivity with its bounds; `extrapolated` where no rating reaches that specificity.

    Raises
    ------
    LookalikeError
        For a specificity outside (0, 1), another word, unequal lengths or an infinite rating.

    Notes
    -----
    Straight lines join the operating points; the bounds are percentiles of 2,000 resamples stratified by truth, as in
    pROC's `ci.se`. For 100 + 100 images and eight ratings they cover .93–.95 (d′ 0, 1 and 2; 500 observers each).

    References
    ----------
    Pepe 2003, The Statistical Evaluation of Medical Tests, 5.2; Robin et al. 2011, BMC Bioinformatics 12:77.

    Examples
    --------
    >>> from analysis import sensitivity_at_specificity
    >>> truth = ["generated"] * 20 + ["real"] * 20
    >>> rating = [4] * 12 + [3] * 4 + [2] * 4 + [4, 4, 3, 3] + [2] * 6 + [1] * 10
    >>> found = sensitivity_at_specificity(truth, rating, 0.9)
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.6, 0.2, 0.9)
    """
    return rate_from_counts(count_ratings(truth, rating), "sensitivity", specificity, level=level, seed=seed)


def specificity_at_sensitivity(
    truth: npt.ArrayLike,
    rating: npt.ArrayLike,
    sensitivity: float = 0.9,
    *,
    level: float = 0.95,
    seed: int | np.random.Generator = 0,
) -> FixedRate:
    """The share of real images that are called so, where a given share of generated ones is called generated.

    Parameters
    ----------
    truth, rating, level, seed
        As in `sensitivity_at_specificity`.
    sensitivity : float, optional
        Where to read the curve, in (0, 1): the hit rate.

    Returns
    -------
    FixedRate
        The specificity with its bounds; `extrapolated` where no rating reaches that sensitivity.

    Raises
    ------
    LookalikeError
        For a sensitivity outside (0, 1), another word, unequal lengths or an infinite rating.

    References
    ----------
    Pepe 2003, The Statistical Evaluation of Medical Tests, 5.2; Robin et al. 2011, BMC Bioinformatics 12:77.

    Examples
    --------
    >>> from analysis import specificity_at_sensitivity
    >>> truth = ["generated"] * 20 + ["real"] * 20
    >>> rating = [4] * 12 + [3] * 4 + [2] * 4 + [4, 4, 3, 3] + [2] * 6 + [1] * 10
    >>> round(specificity_at_sensitivity(truth, rating, 0.8).value, 2)
    0.8
    """
    return rate_from_counts(count_ratings(truth, rating), "specificity", sensitivity, level=level, seed=seed)


def rate_from_counts(
    counts: RatingCounts, of: Rate, at: float, *, level: float = 0.95, seed: int | np.random.Generator = 0
) -> FixedRate:
    """Sensitivity or specificity of a count table, where the other one is `at`; raises unless that is in (0, 1)."""
    found = auc_bootstrap_from_counts(counts, seed, statistic=statistic(of, at), level=level)
    reason = found.reason if np.isnan(found.percentile_low) else None
    return FixedRate(
        of=of,
        at=at,
        value=found.estimate,
        low=found.percentile_low,
        high=found.percentile_high,
        extrapolated=_extrapolated(counts, of, at),
        level=level,
        generated=int(counts.generated.sum()),
        real=int(counts.real.sum()),
        unrated=counts.unrated,
        reason=reason,
    )


def statistic(of: Rate, at: float) -> Callable[[npt.NDArray[Any], npt.NDArray[Any]], Floats]:
    """The rate as a function of count tables (..., K), real and generated; raises unless `at` is in (0, 1)."""
    if not 0 < at < 1:
        other = "specificity" if of == "sensitivity" else "sensitivity"
        raise LookalikeError("out-of-range", f"{other} {at}: must lie between 0 and 1, for example 0.9")

    def of_tables(real: npt.NDArray[Any], generated: npt.NDArray[Any]) -> Floats:
        false_alarms, hits = shares_at_least(real), shares_at_least(generated)
        if of == "sensitivity":
            return _height(false_alarms, hits, 1 - at)
        # Mirrored at the falling diagonal the curve is one of specificities over misses.
        return _height(1 - hits[..., ::-1], 1 - false_alarms[..., ::-1], 1 - at)

    return of_tables


def _height(x: Floats, y: Floats, at: float) -> Floats:
    """The highest point of the curve over `at`, along the last axis; straight lines join the points."""
    # Rounding must not move a point that lies at `at` to its other side.
    after = np.sum(x <= at + _ROUNDING, axis=-1)[..., None]
    last = np.minimum(after, x.shape[-1] - 1)
    (x0, x1), (y0, y1) = (
        [np.take_along_axis(part, place, -1)[..., 0] for place in (after - 1, last)] for part in (x, y)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(x1 > x0, (at - x0) / (x1 - x0), 0.0)
    return np.asarray(y0 + np.clip(share, 0, 1) * (y1 - y0), dtype=np.float64)


def _extrapolated(counts: RatingCounts, of: Rate, at: float) -> bool:
    """Whether the value lies beyond the strictest or the laxest criterion that the ratings allow."""
    own = counts.real if of == "sensitivity" else counts.generated[::-1]
    shares = shares_at_least(own)[1:-1]
    if not shares.size or not own.sum():
        return True
    return not shares.min() - _ROUNDING <= 1 - at <= shares.max() + _ROUNDING
