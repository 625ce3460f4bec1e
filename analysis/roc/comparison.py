"""Do two AUCs differ? On the same images (paired) or on different ones (unpaired)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from analysis import intervals
from analysis.roc.ratings import count_ratings, rated
from analysis.roc.roc import Roc
from analysis.roc.tables import placements
from data.arrays import Flags, Floats
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class AucComparison(Result):
    """The difference of two AUCs.

    `first` and `second` [0, 1] are the AUCs, `difference` is first − second with its standard error `se` and
    bounds `low` and `high` at `level`; `correlation` [−1, 1] is that of the two estimates (0 if unpaired).
    `z` and two-sided `p` test a difference of 0. `generated` and `real` count the images that were
    compared (both AUCs' together if unpaired), `unrated` those left out because a rating is missing. What
    is undefined is NaN and `reason` says why.
    """

    first: float
    second: float
    difference: float
    se: float
    low: float
    high: float
    level: float
    correlation: float
    z: float
    p: float
    generated: int
    real: int
    unrated: int
    reason: str | None


def compare_aucs(
    truth: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike, level: float = 0.95
) -> AucComparison:
    """Do two AUCs on the same images differ: two observers, two sessions or two conditions?

    Parameters
    ----------
    truth : array_like of str, shape (images,)
        "real" or "generated".
    first, second : array_like of float, shape (images,)
        The two ratings of each image, in the same order; an image without either (NaN) is left out and counted.
    level : float, optional
        Level of the interval, in (0, 1).

    Returns
    -------
    AucComparison
        The two AUCs [0, 1], their difference with standard error, bounds, z and p, and the correlation of the
        estimates.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths or an infinite rating.

    Notes
    -----
    The variance of the difference takes the covariance of the two AUCs into account. It speaks of other images, for
    these observers; `mrmc_difference` speaks of other participants too.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837.

    Examples
    --------
    >>> from analysis import compare_aucs
    >>> truth = ["generated"] * 5 + ["real"] * 5
    >>> found = compare_aucs(truth, [5, 4, 4, 3, 2, 3, 2, 1, 1, 1], [3, 4, 2, 1, 2, 3, 2, 4, 1, 1])
    >>> round(found.difference, 3), round(found.se, 3), round(found.p, 3)
    (0.36, 0.182, 0.048)
    """
    signal, a = rated(truth, first)
    _, b = rated(truth, second)
    kept = ~(np.isnan(a) | np.isnan(b))
    placed = [_placements(signal[kept], scores[kept]) for scores in (a, b)]
    wins, losses = (np.stack(each) for each in zip(*placed, strict=True))
    enough = min(wins.shape[1], losses.shape[1]) > 1
    covariance = _covariance(wins) + _covariance(losses) if enough else np.full((2, 2), np.nan)
    areas = wins.mean(axis=1) if wins.size and losses.size else np.full(2, np.nan)
    return _compare(areas, covariance, level, generated=wins.shape[1], real=losses.shape[1], unrated=int(np.sum(~kept)))


def compare_independent_aucs(first: Roc, second: Roc, level: float = 0.95) -> AucComparison:
    """Do two AUCs on different images differ?

    Parameters
    ----------
    first, second : Roc
        From `roc_auc`. With the same images `compare_aucs` is right: this would mistake what they share for chance.
    level : float, optional
        Level of the interval, in (0, 1).

    Returns
    -------
    AucComparison
        The two AUCs [0, 1] and their difference with standard error, bounds, z and p.

    Raises
    ------
    LookalikeError
        For a level outside (0, 1).

    References
    ----------
    DeLong, E. R., DeLong, D. M. & Clarke-Pearson, D. L. (1988). Comparing the areas under two or more correlated
    receiver operating characteristic curves. Biometrics, 44, 837-845.

    Examples
    --------
    >>> from analysis import compare_independent_aucs, roc_auc
    >>> truth = ["generated"] * 5 + ["real"] * 5
    >>> first, second = roc_auc(truth, [5, 4, 4, 3, 2, 3, 2, 1, 1, 1]), roc_auc(truth, [3, 4, 2, 1, 2, 3, 2, 4, 1, 1])
    >>> found = compare_independent_aucs(first, second)
    >>> round(found.difference, 3), round(found.se, 3), round(found.p, 3)
    (0.36, 0.214, 0.093)
    """
    return _compare(
        np.array([first.auc, second.auc]),
        np.diag([first.se**2, second.se**2]),
        level,
        generated=first.generated + second.generated,
        real=first.real + second.real,
        unrated=first.unrated + second.unrated,
    )


def _placements(signal: Flags, scores: Floats) -> tuple[Floats, Floats]:
    """The placements of the generated and of the real images, in the order given."""
    counts = count_ratings(np.where(signal, "generated", "real"), scores)
    wins, losses = placements(counts.real, counts.generated)
    place = np.searchsorted(counts.ratings, scores)
    return wins[place[signal]], losses[place[~signal]]


def _covariance(values: Floats) -> Floats:
    return np.asarray(np.cov(values) / values.shape[1], dtype=np.float64)


def _compare(areas: Floats, covariance: Floats, level: float, generated: int, real: int, unrated: int) -> AucComparison:
    difference = float(areas[0] - areas[1])
    # Rounding can leave a variance of −1e−18 where two ratings always agree.
    se = float(np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0)))
    scale = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    reason = None
    if np.isnan(difference):
        reason = "an AUC is undefined: both need generated and real images that were rated"
    elif np.isnan(se):
        reason = "fewer than two images of a class: the difference has no standard error"
    elif min(covariance[0, 0], covariance[1, 1]) <= 0:
        # As in `roc`: a variance of 0 is too little data, not certainty.
        reason, se = "ratings that all tie or separate the classes completely give an AUC no variance: no test", np.nan
    elif se < 1e-9:
        reason, se = "the two AUCs never differ, whichever images are drawn: no test", 0.0
    low, high = intervals.normal(difference, se, level) if se else (np.nan, np.nan)
    z = difference / se if se else np.nan
    return AucComparison(
        first=float(areas[0]),
        second=float(areas[1]),
        difference=difference,
        se=se,
        low=low,
        high=high,
        level=level,
        correlation=float(covariance[0, 1]) / scale if scale else np.nan,
        z=z,
        p=2 * float(ndtr(-abs(z))),
        generated=generated,
        real=real,
        unrated=unrated,
        reason=reason,
    )
