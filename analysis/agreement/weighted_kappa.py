"""Weighted κ: agreement of two sets of ratings beyond chance, where near misses count less than far ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from statsmodels.stats.inter_rater import cohens_kappa

from analysis import intervals
from analysis.agreement.rating_agreement import paired
from data.arrays import Floats
from data.errors import LookalikeError, check_choice
from data.results.result import Result

Weights = Literal["linear", "quadratic"]

_TINY = 1e-9
_MOST_LEVELS = 20  # of confidence: of finer scales, the values that occur are the categories


@dataclass(frozen=True, eq=False)
class WeightedKappa(Result):
    """Agreement of two ratings of `pairs` images; 1 is perfect, 0 as expected from the two distributions.

    `observed` and `expected` [0, 1] are the weighted shares of agreement in the data and by chance. `kappa` comes with
    `se` and the bounds `low` and `high` at `level`; `p` is two-sided, of κ = 0. `unrated` images lack a rating.
    What is undefined is NaN and `reason` says why.
    """

    weights: Weights
    pairs: int
    unrated: int
    categories: int
    observed: float
    expected: float
    kappa: float
    se: float
    low: float
    high: float
    p: float
    level: float
    reason: str | None


def weighted_kappa(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    weights: Weights = "quadratic",
    categories: Sequence[float] | Floats | None = None,
    level: float = 0.95,
) -> WeightedKappa:
    """Cohen's weighted κ of two ratings of the same images, with the standard error of Fleiss, Cohen & Everitt.

    Parameters
    ----------
    first, second : array_like of float, shape (images,)
        The two ratings of each image, by two people or in two sessions; an image without both (NaN) is left out.
    weights : {"linear", "quadratic"}, optional
        What a disagreement costs: the number of steps between the categories, or its square.
    categories : sequence of float, optional
        Every category of the scale in order, used or not; by default the values that occur. Steps are counted here.
    level : float, optional
        Level of the interval, in (0, 1).

    Returns
    -------
    WeightedKappa
        `kappa` with standard error, bounds and p.

    Raises
    ------
    LookalikeError
        For unequal lengths, an infinite rating, other weights, or a rating that is none of `categories`.

    Notes
    -----
    κ_w = (observed − expected) / (1 − expected), with agreement 1 − (steps / most steps) or 1 − (steps / most steps)².
    With quadratic weights and categories as numbers it is Lin's concordance coefficient, and close to ICC(2,1). The
    bounds are κ_w ± z·SE, cut at ±1; for 100 images and eight categories they cover .93–.95 (1,500 tables
    each). p
    takes the standard error under κ_w = 0.

    References
    ----------
    Cohen 1968, Psychol. Bull. 70:213; Fleiss, Cohen & Everitt 1969, Psychol. Bull. 72:323.

    Examples
    --------
    >>> from analysis import weighted_kappa
    >>> found = weighted_kappa([1, 2, 3, 4, 4, 1], [2, 2, 3, 3, 4, 1])
    >>> round(found.kappa, 3), round(found.se, 3)
    (0.867, 0.085)
    """
    check_choice(weights, get_args(Weights), "weights")
    a, b = paired(first, second)
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    scale = np.unique(np.concatenate([a, b])) if categories is None else np.asarray(categories, dtype=np.float64)
    table = _table(a, b, scale)
    reason = _why_none(table)
    parts = dict.fromkeys(("observed", "expected", "kappa", "se", "low", "high", "p"), np.nan)
    if reason is None:
        parts, reason = _estimated(table, weights, level)
    return WeightedKappa(
        weights=weights,
        pairs=a.size,
        unrated=int(np.sum(~both)),
        categories=scale.size,
        level=level,
        reason=reason,
        **parts,
    )


def signed_scale(confidences: Floats) -> Floats | None:
    """Every rating of confidences 1 … k: −k … −1, 1 … k. None if they are no short scale of whole numbers."""
    known = confidences[~np.isnan(confidences)]
    if not known.size or known.max() > _MOST_LEVELS or known.min() < 1 or np.any(known != np.floor(known)):
        return None
    levels = np.arange(1.0, known.max() + 1)
    return np.asarray(np.concatenate([-levels[::-1], levels]), dtype=np.float64)


def _table(first: Floats, second: Floats, scale: Floats) -> Floats:
    """How often each pair of categories occurs (categories, categories)."""
    if not np.all(np.diff(scale) > 0):
        raise LookalikeError("not-increasing", "categories: must ascend, each once")
    places = []
    for ratings in (first, second):
        place = np.searchsorted(scale, ratings)
        inside = place < scale.size
        inside[inside] = scale[place[inside]] == ratings[inside]
        if not inside.all():
            raise LookalikeError("unknown-word", f"rating {ratings[~inside][0]:g}: is none of the categories")
        places.append(place)
    table = np.zeros((scale.size, scale.size))
    np.add.at(table, tuple(places), 1)
    return table


def _why_none(table: Floats) -> str | None:
    if table.sum() < 2:
        return "fewer than two images were rated twice"
    if np.count_nonzero(table.sum(axis=0)) == 1 and table.trace() == table.sum():
        return "all ratings are the same"
    return None


def _estimated(table: Floats, weights: Weights, level: float) -> tuple[dict[str, float], str | None]:
    steps = np.abs(np.subtract.outer(np.arange(len(table)), np.arange(len(table)))) / (len(table) - 1)
    agreement = 1 - (steps if weights == "linear" else steps**2)
    shares = table / table.sum()
    observed = float(np.sum(agreement * shares))
    expected = float(shares.sum(axis=1) @ agreement @ shares.sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):  # its z, where one session has a single rating
        found = cohens_kappa(table, wt=weights)
    kappa, se, under_zero = (float(value) for value in (found.kappa, found.std_kappa, found.std_kappa0))
    p = 2 * float(ndtr(-abs(kappa / under_zero))) if under_zero > _TINY else np.nan
    parts = {"observed": observed, "expected": expected, "kappa": kappa, "se": se, "p": p}
    # A standard error of nothing (all agree, say) means too little data, not certainty.
    if not se > _TINY:
        why = "the pairs of ratings do not vary: weighted κ has no interval"
        return parts | dict.fromkeys(("low", "high", "p"), np.nan), why
    low, high = intervals.normal(kappa, se, level)
    return parts | {"low": max(-1.0, low), "high": min(1.0, high)}, None
