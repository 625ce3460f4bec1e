"""Ratings as counts: the table from which everything about a rating experiment follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.trials import is_generated
from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class RatingCounts(Result):
    """How often each rating was given to real and to generated images.

    `ratings` (K,) ascend: larger is more generated-looking. `real` and `generated` (K,) are whole numbers of
    trials; `unrated` counts those left out without a rating.
    """

    ratings: Floats
    real: Ints
    generated: Ints
    unrated: int = 0


def count_ratings(truth: npt.ArrayLike, rating: npt.ArrayLike) -> RatingCounts:
    """How often each rating was given to real and to generated images.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    rating : array_like of float, shape (trials,)
        Larger means more generated-looking; NaN is left out and counted.

    Returns
    -------
    RatingCounts
        `ratings` that occur, ascending, and the counts `real` and `generated`, all of shape (ratings,).

    Raises
    ------
    LookalikeError
        For another word, unequal lengths or an infinite rating.

    Examples
    --------
    >>> from analysis import count_ratings
    >>> found = count_ratings(["real", "real", "generated", "generated"], [1, 2, 2, 3])
    >>> found.ratings.tolist(), found.real.tolist(), found.generated.tolist()
    ([1.0, 2.0, 3.0], [1, 1, 0], [0, 1, 1])
    """
    signal, scores = rated(truth, rating)
    kept = ~np.isnan(scores)
    # Two sorts and a merge: a third of the time of sorting everything with its places.
    classes = [np.sort(scores[kept & (signal == kind)]) for kind in (False, True)]
    both = np.concatenate(classes)
    order = np.argsort(both, kind="stable")
    new = np.flatnonzero(np.diff(both[order], prepend=np.nan))
    ratings, totals = both[order[new]], np.diff(new, append=both.size)
    real = np.add.reduceat(order < classes[0].size, new, dtype=np.int64) if new.size else totals
    generated = totals - real
    return RatingCounts(ratings, real, generated, int(np.sum(~kept)))


def rated(truth: npt.ArrayLike, rating: npt.ArrayLike) -> tuple[Flags, Floats]:
    """Whether each image is generated, and its rating (NaN where there is none), checked against each other.

    Raises `LookalikeError` for an unknown truth, unequal lengths or an infinite rating.
    """
    signal, scores = is_generated(truth), np.asarray(rating, dtype=np.float64)
    if signal.shape != scores.shape:
        raise LookalikeError(
            "unequal-lengths", f"{signal.size} truths and {scores.size} ratings: there must be one rating per trial"
        )
    if np.isinf(scores).any():
        raise LookalikeError("not-a-number", f"rating {int(np.flatnonzero(np.isinf(scores))[0])} (from 0) is infinite")
    return signal, scores
