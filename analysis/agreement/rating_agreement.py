"""Do two sets of ratings of the same images agree? Intraclass and rank correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from analysis import intervals
from analysis.agreement import intraclass
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class RatingAgreement(Result):
    """Agreement of ratings given twice.

    `pairs` images were rated twice, `unrated` lack a rating. `icc` is ICC(A,1): one rating, absolute
    agreement, so a shift of all ratings counts against it. `spearman` is the rank correlation, which a
    shift or stretch leaves as it is. Bounds are at `level`. What is undefined is NaN and `reason` says why.
    """

    pairs: int
    unrated: int
    icc: float
    icc_low: float
    icc_high: float
    spearman: float
    spearman_low: float
    spearman_high: float
    level: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class Correlation(Result):
    """A rank correlation [−1, 1] over `pairs`, with bounds at `level`; NaN where undefined, for a `reason`."""

    pairs: int
    value: float
    low: float
    high: float
    level: float
    reason: str | None


def rating_agreement(first: npt.ArrayLike, second: npt.ArrayLike, level: float = 0.95) -> RatingAgreement:
    """Agreement of two ratings of the same images: intraclass and rank correlation.

    Parameters
    ----------
    first, second : array_like of float, shape (images,)
        The two ratings of each image; an image without both (NaN) is left out and counted.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    RatingAgreement
        `icc`, ICC(A,1): one rating, absolute agreement, and `spearman`, both with bounds.

    Raises
    ------
    LookalikeError
        For unequal lengths or an infinite rating.

    References
    ----------
    McGraw & Wong 1996, Psychol. Methods 1:30; Bonett & Wright 2000, Psychometrika 65:23.

    Examples
    --------
    >>> from analysis import rating_agreement
    >>> found = rating_agreement([1, 2, 3, 4, 4, 1], [2, 2, 3, 3, 4, 1])
    >>> round(found.icc, 3), round(found.spearman, 3)
    (0.886, 0.909)
    """
    a, b = paired(first, second)
    both = ~(np.isnan(a) | np.isnan(b))
    ratings = np.stack([a[both], b[both]], axis=1)
    icc = low = high = np.nan
    reason = None
    if len(ratings) < 2:
        reason = "fewer than two images were rated twice" if a.size else "no image is shared"
    elif np.ptp(ratings) == 0:
        reason = "all ratings are the same"
    else:
        icc, low, high = intraclass_correlation(ratings, level)
        if np.isnan(icc):
            reason = "two images whose ratings were exchanged: the ICC has no value"
        elif np.isnan(low):
            reason = "every image was rated the same twice: the ICC has no interval"
    ranks = spearman(a[both], b[both], level)
    reasons = list(dict.fromkeys(why for why in (reason, ranks.reason) if why))
    return RatingAgreement(
        pairs=len(ratings),
        unrated=int(np.sum(~both)),
        icc=icc,
        icc_low=low,
        icc_high=high,
        spearman=ranks.value,
        spearman_low=ranks.low,
        spearman_high=ranks.high,
        level=level,
        reason="; ".join(reasons) or None,
    )


def intraclass_correlation(ratings: Floats, level: float = 0.95) -> tuple[float, float, float]:
    """ICC(A,1), the agreement of single ratings in absolute terms, with its bounds.

    Parameters
    ----------
    ratings : numpy.ndarray of float, shape (images, passes)
        A table without gaps.
    level : float, optional
        Level of the interval, in (0, 1).

    Returns
    -------
    tuple of float
        The ICC and its lower and upper bound; NaN without variance, no bounds without error variance.

    Notes
    -----
    Two-way random effects, absolute agreement, single rating: ICC(2,1) of Shrout & Fleiss. `shrout_fleiss` gives it
    with the other five.

    References
    ----------
    Shrout & Fleiss 1979, Psychol. Bull. 86:420; McGraw & Wong 1996, Psychol. Methods 1:30.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import intraclass_correlation
    >>> shrout_fleiss = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [round(value, 2) for value in intraclass_correlation(np.array(shrout_fleiss, dtype=float))]
    [0.29, 0.02, 0.76]
    """
    found = intraclass.shrout_fleiss(ratings, level).icc_2_1
    return found.value, found.low, found.high


def spearman(x: npt.ArrayLike, y: npt.ArrayLike, level: float = 0.95) -> Correlation:
    """Spearman's rank correlation of two arrays without gaps, both of shape (pairs,); ties share their mean rank.

    Bounds: Fisher's z with variance (1 + r²/2) / (n − 3) (Bonett & Wright 2000, Psychometrika 65:23).
    Raises `LookalikeError` as `rating_agreement` does.
    """
    a, b = paired(x, y)
    n = int(a.size)
    r = low = high = np.nan
    reason: str | None = None
    if n < 2:
        reason = "fewer than two pairs: no rank correlation"
    elif np.ptp(a) == 0 or np.ptp(b) == 0:
        reason = "one side does not vary: no rank correlation"
    else:
        r = float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])
        if n < 4 or abs(r) > 1 - 1e-12:
            reason = "fewer than four pairs" if n < 4 else "the ranks agree completely"
            reason += ": the rank correlation has no interval"
        else:
            margin = intervals.critical(level) * np.sqrt((1 + r**2 / 2) / (n - 3))
            low, high = (float(np.tanh(np.arctanh(r) + side * margin)) for side in (-1, 1))
    return Correlation(n, r, low, high, level, reason)


def paired(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both as numbers. Raises `LookalikeError` for unequal lengths or an infinite value."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise LookalikeError("unequal-lengths", f"{a.size} first and {b.size} second ratings: they must be paired")
    infinite = np.flatnonzero(np.isinf(a) | np.isinf(b))
    if infinite.size:
        raise LookalikeError("not-a-number", f"rating {int(infinite[0])} (from 0) is infinite")
    return a, b
