"""The rating ROC: operating points, area, and its uncertainty.

The direction is fixed: a larger rating means more generated-looking. Guessing it from the data
would lift the mean AUC of observers at true chance above .5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis import intervals
from analysis.roc.ratings import RatingCounts, count_ratings
from analysis.roc.tables import area_and_error, shares_at_least, why_no_area, why_no_error
from data.arrays import Floats
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class Roc(Result):
    """One observer's rating ROC.

    `false_alarm_rate` and `hit_rate` [0, 1] have shape (points,), from (0, 0) to (1, 1): the shares of
    real and generated images rated at least `threshold` (infinite at the first point). `auc` [0, 1] has
    the standard error `se` and the bounds `low` and `high` at `level`. `generated` and `real` count rated
    images, `unrated` those left out without a rating. What is undefined is NaN (and the points are
    empty without both classes); `reason` says why.
    """

    auc: float
    se: float
    low: float
    high: float
    level: float
    generated: int
    real: int
    unrated: int
    false_alarm_rate: Floats
    hit_rate: Floats
    threshold: Floats
    reason: str | None


def roc_auc(truth: npt.ArrayLike, rating: npt.ArrayLike, level: float = 0.95) -> Roc:
    """The rating ROC of one observer: the area under it, its uncertainty, and the operating points.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    rating : array_like of float, shape (trials,)
        A few categories or continuous scores; larger means more generated-looking. NaN is left out and counted.
    level : float, optional
        Level of the interval, in (0, 1).

    Returns
    -------
    Roc
        `auc` [0, 1] with standard error and bounds; `false_alarm_rate`, `hit_rate` and `threshold` of shape (points,).
        What is undefined is NaN and `reason` says why.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths, an infinite rating or a level outside (0, 1).

    Notes
    -----
    AUC is the Mann–Whitney share of (generated, real) pairs in which the generated image is rated higher, ties counting
    half; its variance is DeLong's. The interval is symmetric in logit(AUC): see `roc_auc_from_counts`. The direction is
    fixed: guessing it from the data would lift the mean AUC of observers at chance above .5.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837; Pepe 2003, Statistical Evaluation of Medical Tests, 5.2.

    Examples
    --------
    >>> from analysis import roc_auc
    >>> truth = ["generated"] * 4 + ["real"] * 4
    >>> found = roc_auc(truth, [4, 3, 3, 1, 3, 2, 1, 1])
    >>> round(found.auc, 3), round(found.se, 3), round(found.low, 2), round(found.high, 2)
    (0.75, 0.191, 0.29, 0.96)
    >>> found.hit_rate.tolist()
    [0.0, 0.25, 0.75, 0.75, 1.0]
    """
    return roc_auc_from_counts(count_ratings(truth, rating), level)


def roc_auc_from_counts(counts: RatingCounts, level: float = 0.95) -> Roc:
    """The ROC of a count table.

    AUC is the Mann–Whitney share of (generated, real) pairs in which the generated image is rated
    higher, ties counting half. Its variance is DeLong's (DeLong, DeLong & Clarke-Pearson 1988,
    Biometrics 44:837), from the sorted ratings in O(n log n).

    The interval is symmetric in logit(AUC), with SE / (AUC (1 − AUC)) as standard error (Pepe 2003,
    Statistical Evaluation of Medical Tests, 5.2). It stays inside [0, 1] and covers better than
    AUC ± z·SE: .95 at d′ = 2 against .91, on 50 + 50 images and 8 ratings, and .95–.96 at d′ from 0 to 1
    (test_roc). It is undefined where DeLong's variance is 0.
    """
    reason = why_no_area(counts)
    auc = se = low = high = np.nan
    false_alarm_rate = hit_rate = threshold = np.empty(0)
    if reason is None:
        auc, se = area_and_error(counts)
        low, high = intervals.logit(auc, se, level)
        reason = why_no_error(counts, auc, se)
        false_alarm_rate, hit_rate = shares_at_least(counts.real), shares_at_least(counts.generated)
        threshold = np.concatenate([[np.inf], counts.ratings[::-1]])
    return Roc(
        auc=auc,
        se=se,
        low=low,
        high=high,
        level=level,
        generated=int(counts.generated.sum()),
        real=int(counts.real.sum()),
        unrated=counts.unrated,
        false_alarm_rate=false_alarm_rate,
        hit_rate=hit_rate,
        threshold=threshold,
        reason=reason,
    )
