"""The partial area under the ROC: over a range of false-alarm rates or of hit rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.roc.ratings import RatingCounts, count_ratings
from analysis.roc.tables import shares_at_least, why_no_area
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result

Axis = Literal["false-alarm rate", "hit rate"]


@dataclass(frozen=True, eq=False)
class PartialAuc(Result):
    """The area between the limits `start` and `stop` [0, 1] of the rate `axis`.

    `area` lies in [0, stop − start]; `standardised` is .5 at chance and 1 at best, whatever the limits
    (below .5 for an observer below chance). What is undefined is NaN and `reason` says why.
    """

    area: float
    standardised: float
    axis: Axis
    start: float
    stop: float
    generated: int
    real: int
    unrated: int
    reason: str | None


def partial_auc(
    truth: npt.ArrayLike, rating: npt.ArrayLike, start: float, stop: float, axis: Axis = "false-alarm rate"
) -> PartialAuc:
    """The partial area under the ROC, over a range of false-alarm rates or of hit rates.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    rating : array_like of float, shape (trials,)
        Larger means more generated-looking; NaN is left out and counted.
    start, stop : float
        The range, 0 ≤ start < stop ≤ 1.
    axis : {"false-alarm rate", "hit rate"}, optional
        Which rate the range is of.

    Returns
    -------
    PartialAuc
        `area` in [0, stop − start] and `standardised`, .5 at chance and 1 at best.

    Raises
    ------
    LookalikeError
        For a range outside [0, 1], another axis or word, unequal lengths or an infinite rating.

    Notes
    -----
    An interval: `auc_bootstrap` with `statistic=analysis.roc.partial.statistic(start, stop)`.

    References
    ----------
    McClish 1989, Med. Decis. Making 9:190.

    Examples
    --------
    >>> from analysis import partial_auc
    >>> truth = ["generated"] * 5 + ["real"] * 5
    >>> found = partial_auc(truth, [5, 4, 4, 3, 2, 3, 2, 1, 1, 1], 0, 0.2)
    >>> round(found.area, 3), round(found.standardised, 3)
    (0.14, 0.833)
    """
    return partial_auc_from_counts(count_ratings(truth, rating), start, stop, axis)


def partial_auc_from_counts(
    counts: RatingCounts, start: float, stop: float, axis: Axis = "false-alarm rate"
) -> PartialAuc:
    """The partial area of a count table's ROC, whose points are joined by straight lines.

    Over false-alarm rates it is the area under the curve from `start` to `stop`; over hit rates it is the
    area right of the curve between those heights. With A the area, A₀ that of the chance line and A₁ = stop − start
    the largest, the standardised area is (1 + (A − A₀) / (A₁ − A₀)) / 2 (McClish 1989, Med. Decis. Making 9:190).
    Raises `LookalikeError` unless 0 ≤ start < stop ≤ 1. For an interval, bootstrap `statistic`.
    """
    _check(start, stop, axis)
    reason = why_no_area(counts)
    area = np.nan if reason else float(_areas(counts.real, counts.generated, start, stop, axis))
    return PartialAuc(
        area=area,
        standardised=float(_standardised(np.asarray(area), start, stop, axis)),
        axis=axis,
        start=start,
        stop=stop,
        generated=int(counts.generated.sum()),
        real=int(counts.real.sum()),
        unrated=counts.unrated,
        reason=reason,
    )


def statistic(
    start: float, stop: float, axis: Axis = "false-alarm rate"
) -> Callable[[npt.NDArray[Any], npt.NDArray[Any]], Floats]:
    """The standardised partial area as a function of count tables (..., K), real and generated, to bootstrap."""
    _check(start, stop, axis)

    def of_tables(real: npt.NDArray[Any], generated: npt.NDArray[Any]) -> Floats:
        return _standardised(_areas(real, generated, start, stop, axis), start, stop, axis)

    return of_tables


def _areas(real: npt.NDArray[Any], generated: npt.NDArray[Any], start: float, stop: float, axis: Axis) -> Floats:
    false_alarms, hits = shares_at_least(real), shares_at_least(generated)
    if axis == "false-alarm rate":
        x, y = false_alarms, hits
    else:
        # Mirrored at the falling diagonal, the area right of the curve lies under it.
        x, y, start, stop = 1 - hits[..., ::-1], 1 - false_alarms[..., ::-1], 1 - stop, 1 - start
    width = np.diff(x, axis=-1)
    left, right = (np.clip(edge, start, stop) for edge in (x[..., :-1], x[..., 1:]))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(width > 0, np.diff(y, axis=-1) / width, 0)
    height = y[..., :-1] + slope * ((left + right) / 2 - x[..., :-1])
    return np.asarray(np.sum((right - left) * height, axis=-1), dtype=np.float64)


def _standardised(areas: Floats, start: float, stop: float, axis: Axis) -> Floats:
    low, high = (start, stop) if axis == "false-alarm rate" else (1 - stop, 1 - start)
    chance = (high**2 - low**2) / 2
    return (1 + (areas - chance) / (stop - start - chance)) / 2


def _check(start: float, stop: float, axis: Axis) -> None:
    if not 0 <= start < stop <= 1:
        raise LookalikeError("out-of-range", f"partial area from {start} to {stop}: must be 0 ≤ start < stop ≤ 1")
    if axis not in ("false-alarm rate", "hit rate"):
        raise LookalikeError("unknown-choice", f"axis {axis!r}: must be 'false-alarm rate' or 'hit rate'")
