"""ROC points, the area under them and DeLong's variance of it, from count tables.

A count table (`analysis.roc.ratings.RatingCounts`) holds all that the ROC of a rating experiment depends on;
continuous scores are a table with as many ratings as there are different scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.roc.ratings import RatingCounts
from data.arrays import Floats, Ints


def shares_at_least(counts: npt.NDArray[Any]) -> Floats:
    """The share of a class rated at least each rating, from the largest down, after a 0.

    (..., K) counts with ratings ascending give (..., K + 1) shares in [0, 1]; NaN for an empty table.
    """
    sums = np.cumsum(counts[..., ::-1], axis=-1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        shares = sums / sums[..., -1:]
    return np.concatenate([np.zeros((*shares.shape[:-1], 1)), shares], axis=-1)


def areas(real: npt.NDArray[Any], generated: npt.NDArray[Any]) -> Floats:
    """The AUC of many count tables at once.

    `real` and `generated` have shape (..., K), ratings ascending along the last axis; they may be
    weights. AUC is the Mann–Whitney share of (generated, real) pairs in which the generated image is rated
    higher, ties counting half. NaN for a table without one of the classes.
    """
    below = np.cumsum(real, axis=-1) - real / 2
    pairs = np.sum(real, axis=-1, dtype=np.float64) * np.sum(generated, axis=-1, dtype=np.float64)
    wins = np.einsum("...k,...k->...", generated, below)
    with np.errstate(invalid="ignore"):
        return np.asarray(wins / pairs, dtype=np.float64)


def placements(real: npt.NDArray[Any], generated: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """How each rating compares with the other class: the structural components of DeLong et al. (1988).

    Shapes as in `areas`. The first array is, for a generated image with that rating, the share of real
    images rated lower; the second, for a real image, the share of generated images rated higher; ties
    count half. Their means over the images of the class are both the AUC.
    """
    lower = np.cumsum(real, axis=-1) - real / 2
    higher = np.sum(generated, axis=-1, keepdims=True) - np.cumsum(generated, axis=-1) + generated / 2
    with np.errstate(invalid="ignore"):
        return lower / np.sum(real, axis=-1, keepdims=True), higher / np.sum(generated, axis=-1, keepdims=True)


def area_and_error(counts: RatingCounts) -> tuple[float, float]:
    """AUC and its standard error; NaN without both classes, and the error with fewer than two images of one.

    The variance is DeLong's (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837).
    """
    auc = float(areas(counts.real, counts.generated))
    wins, losses = placements(counts.real, counts.generated)
    variance = _variance_of_mean(wins, counts.generated, auc) + _variance_of_mean(losses, counts.real, auc)
    return auc, float(np.sqrt(variance))


def why_no_area(counts: RatingCounts) -> str | None:
    """The reason why there is no AUC, if there is none."""
    missing = [name for name, part in (("generated", counts.generated), ("real", counts.real)) if not part.sum()]
    return f"no {' and no '.join(missing)} image was rated" if missing else None


def why_no_error(counts: RatingCounts, auc: float, se: float) -> str | None:
    """The reason why the AUC has no usable standard error, if it has none."""
    if min(counts.generated.sum(), counts.real.sum()) < 2:
        return "fewer than two images of a class: the AUC has no standard error"
    if se > 0:
        return None
    # A variance of 0 here means too little data, not certainty.
    return "all ratings tie: no interval" if auc == 0.5 else "the ratings separate the classes completely: no interval"


def _variance_of_mean(values: Floats, counts: Ints, mean: float) -> float:
    n = int(counts.sum())
    return float(np.dot(counts, (values - mean) ** 2)) / (n - 1) / n if n > 1 else np.nan
