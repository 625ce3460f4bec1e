"""Confidences on any scale as the few categories that meta-d′, calibration and the binormal model need."""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST_LEVELS = 10  # a scale of more is a slider
_BINS = 4


def is_scale(confidence: pd.Series) -> bool:
    """Whether all confidences of a study are levels 1, 2, 3, ... of a scale of at most `MOST_LEVELS`."""
    levels = np.unique(confidence.dropna().to_numpy(dtype=np.float64))
    return bool(levels.size <= MOST_LEVELS and (levels % 1 == 0).all() and (levels >= 1).all())


def categories(trials: pd.DataFrame) -> tuple[pd.Series, str | None]:
    """The category of each confidence, 1 (least sure) and up, and how the categories were made, if they were.

    Levels of a scale are their own categories. At most `MOST_LEVELS` other values are numbered in their order, the same
    for all participants. More are a slider: each participant's own confidences are cut at their quartiles into four
    categories, as equal in number as ties allow, so that no cut depends on truth or response.

    `trials` has the columns participant and confidence, with NaN where there is none. Only what needs categories uses
    them; the ROC and its area take every value as it is.
    """
    confidence = trials["confidence"].astype(float)
    if is_scale(confidence):
        return confidence, None
    levels = np.unique(confidence.dropna())
    if levels.size <= MOST_LEVELS:
        numbered = confidence.map(dict(zip(levels, range(1, levels.size + 1), strict=True)))
        return numbered.astype(float), f"the {levels.size} confidences that occur were numbered in their order"
    cut = confidence.groupby(trials["participant"]).transform(_quarters)
    return cut, f"each participant's confidences were cut at their quartiles into {_BINS} categories"


def _quarters(confidence: pd.Series) -> pd.Series:
    given = confidence.dropna()
    if given.empty:
        return confidence
    # Ties stay together: the place of a value is the share of values below or equal to it.
    share = given.rank(method="max") / len(given)
    return np.ceil(share * _BINS).reindex(confidence.index)
