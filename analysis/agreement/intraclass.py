"""The intraclass correlations of Shrout & Fleiss: how much of the variance of ratings is the rated images'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import f as f_distribution

from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result

# What each coefficient is called by McGraw & Wong (1996), and what it says.
MEANING = {
    "icc_1_1": ("ICC(1)", "one rating; each image rated by other raters"),
    "icc_2_1": ("ICC(A,1)", "one rating; raters are a sample, and their shifts count as disagreement"),
    "icc_3_1": ("ICC(C,1)", "one rating; these raters, whose shifts do not count"),
    "icc_1_k": ("ICC(k)", "mean of k ratings; each image rated by other raters"),
    "icc_2_k": ("ICC(A,k)", "mean of k ratings; raters are a sample, and their shifts count as disagreement"),
    "icc_3_k": ("ICC(C,k)", "mean of k ratings; these raters, whose shifts do not count"),
}
_ROUNDING = 1e-12  # of the ratings' variance: less than that counts as nothing


@dataclass(frozen=True, eq=False)
class Icc(Result):
    """One intraclass correlation, at most 1, with its bounds and the F test that it is 0 or less.

    `f` has `df_images` and `df_error` degrees of freedom, and `p` is its upper tail. NaN where undefined.
    """

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    f: float = np.nan
    df_images: float = np.nan
    df_error: float = np.nan
    p: float = np.nan


@dataclass(frozen=True, eq=False)
class IntraclassCorrelations(Result):
    """The six coefficients of Shrout & Fleiss, from `images` that all of `raters` rated.

    The first digit is the model (1 one-way random, 2 two-way random with absolute agreement, 3 two-way mixed with
    consistency), the second whether it is of one rating or of the mean of `raters`. Of `left_out` images a rating is
    missing. Bounds are at `level`. What is undefined is NaN and `reason` says why.
    """

    images: int
    raters: int
    left_out: int
    icc_1_1: Icc
    icc_2_1: Icc
    icc_3_1: Icc
    icc_1_k: Icc
    icc_2_k: Icc
    icc_3_k: Icc
    level: float
    reason: str | None

    def by_kind(self) -> pd.DataFrame:
        """One row per coefficient: `icc` (Shrout & Fleiss), `name` (McGraw & Wong), `of` in words, and its values."""
        rows = [
            {"icc": field.replace("icc_", "ICC(").replace("_", ",") + ")", "name": name, "of": words}
            | getattr(self, field).to_dict()
            for field, (name, words) in MEANING.items()
        ]
        return pd.DataFrame(rows).assign(images=self.images, raters=self.raters)


def shrout_fleiss(ratings: npt.ArrayLike, level: float = 0.95) -> IntraclassCorrelations:
    """The six intraclass correlations of Shrout & Fleiss, with their F intervals.

    Parameters
    ----------
    ratings : array_like of float, shape (images, raters)
        Raters may be people, or sessions of one person; an image without all ratings (NaN) is left out and counted.
        The rows may also be participants and the columns sessions: then it is the retest reliability of a measure.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    IntraclassCorrelations
        `icc_1_1` to `icc_3_k`, each with bounds, F, its degrees of freedom and p; `by_kind()` is a table of them.

    Raises
    ------
    LookalikeError
        For a table that is not two-dimensional, an infinite rating, or a level outside (0, 1).

    Notes
    -----
    With the mean squares of images B, within images W, of raters J and of what remains E, n images and k raters:
    ICC(1,1) = (B − W) / (B + (k − 1) W), ICC(2,1) = (B − E) / (B + (k − 1) E + k (J − E) / n), ICC(3,1) = (B − E) /
    (B + (k − 1) E); ICC(·,k) steps each up by Spearman and Brown's formula. Bounds of models 1 and 3 are exact for
    normal ratings, those of model 2 take Satterthwaite's degrees of freedom.

    Which one to report: ICC(2,1) for one rating by any such rater, ICC(2,k) for the mean of all raters; model 3 if
    nobody but these raters will ever rate, or if a rater's shift of all ratings does not matter.

    References
    ----------
    Shrout & Fleiss 1979, Psychol. Bull. 86:420; McGraw & Wong 1996, Psychol. Methods 1:30, tables 4 and 7.

    Examples
    --------
    >>> from analysis import shrout_fleiss
    >>> found = shrout_fleiss([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> [round(value, 2) for value in found.by_kind()["value"]]
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    >>> round(found.icc_2_1.low, 2), round(found.icc_2_1.high, 2)
    (0.02, 0.76)
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise LookalikeError("wrong-shape", f"ratings of shape {table.shape}: must be a table of images × raters")
    if np.isinf(table).any():
        row, column = (int(place) for place in np.argwhere(np.isinf(table))[0])
        raise LookalikeError("not-a-number", f"the rating in row {row}, column {column} (from 0) is infinite")
    if not 0 < level < 1:
        raise LookalikeError("out-of-range", f"level {level}: must lie between 0 and 1, for example 0.95")
    complete = ~np.isnan(table).any(axis=1)
    kept = table[complete]
    n, k = kept.shape
    reason = _why_none(kept)
    found = dict.fromkeys(MEANING, Icc()) if reason else _six(kept, level)
    if not reason:
        reason = _why_incomplete(found)
    return IntraclassCorrelations(
        images=n, raters=k, left_out=int(np.sum(~complete)), level=level, reason=reason, **found
    )


def _why_none(ratings: Floats) -> str | None:
    n, k = ratings.shape
    if n < 2:
        return "fewer than two images have all ratings"
    if k < 2:
        return "fewer than two raters"
    return "all ratings are the same" if np.ptp(ratings) == 0 else None


def _why_incomplete(found: dict[str, Icc]) -> str | None:
    if any(np.isnan(one.value) for one in found.values()):
        return "a denominator is not positive: the ratings vary less between images than an ICC allows for"
    if any(np.isnan(one.low) for one in found.values()):
        return "no variance is left for error: an ICC has no interval"
    return None


def _six(ratings: Floats, level: float) -> dict[str, Icc]:
    n, k = ratings.shape
    images, within, raters, error = _mean_squares(ratings)
    single = {
        "icc_1_1": _ratio(images, within, (n - 1, n * (k - 1)), k, level),
        "icc_2_1": _absolute(images, raters, error, (n, k), level),
        "icc_3_1": _ratio(images, error, (n - 1, (n - 1) * (k - 1)), k, level),
    }
    return single | {
        name.replace("_1", "_k").replace("icc_k", "icc_1"): _stepped(one, k) for name, one in single.items()
    }


def _mean_squares(ratings: Floats) -> tuple[float, float, float, float]:
    """Of images, within images, of raters, and of what neither explains."""
    n, k = ratings.shape
    of_images, of_raters, mean = ratings.mean(axis=1, keepdims=True), ratings.mean(axis=0), ratings.mean()
    parts = (
        k * np.sum((of_images - mean) ** 2) / (n - 1),
        np.sum((ratings - of_images) ** 2) / (n * (k - 1)),
        n * np.sum((of_raters - mean) ** 2) / (k - 1),
        np.sum((ratings - of_images - of_raters + mean) ** 2) / ((n - 1) * (k - 1)),
    )
    images, within, raters, error = (0.0 if part < _ROUNDING * ratings.var() else float(part) for part in parts)
    return images, within, raters, error


def _ratio(images: float, error: float, df: tuple[int, int], k: int, level: float) -> Icc:
    """ICC(1,1) or ICC(3,1), a function of the ratio of two mean squares."""
    spread = images + (k - 1) * error
    if not spread > 0:
        return Icc()
    value = (images - error) / spread
    if error == 0:
        return Icc(value, df_images=float(df[0]), df_error=float(df[1]))
    f = images / error
    upper, lower = (float(f_distribution.ppf((1 + level) / 2, *pair)) for pair in (df, df[::-1]))
    low, high = ((one - 1) / (one + k - 1) for one in (f / upper, f * lower))
    return Icc(value, low, high, f, float(df[0]), float(df[1]), float(f_distribution.sf(f, *df)))


def _absolute(images: float, raters: float, error: float, size: tuple[int, int], level: float) -> Icc:
    """ICC(2,1), where the raters' variance counts, with the bounds of McGraw & Wong's table 7."""
    n, k = size
    spread = images + (k - 1) * error + k * (raters - error) / n
    if not spread > 0:
        return Icc()
    value = (images - error) / spread
    df = (float(n - 1), float((n - 1) * (k - 1)))
    f, p = np.nan, np.nan
    if error > 0:
        f, p = images / error, float(f_distribution.sf(images / error, *df))
    if value == 1 or (error == 0 and (raters == 0 or value == 0)):
        return Icc(value, f=f, df_images=df[0], df_error=df[1], p=p)
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * raters + b * error) ** 2 / ((a * raters) ** 2 / (k - 1) + (b * error) ** 2 / df[1])
    upper, lower = (float(f_distribution.ppf((1 + level) / 2, *pair)) for pair in ((n - 1, freedom), (freedom, n - 1)))
    noise = k * raters + (k * n - k - n) * error
    low = n * (images - upper * error) / (upper * noise + n * images)
    high = n * (lower * images - error) / (noise + n * lower * images)
    return Icc(float(value), float(low), float(high), f, df[0], df[1], p)


def _stepped(one: Icc, k: int) -> Icc:
    """The coefficient of the mean of k ratings (Spearman & Brown); its F test is the same."""
    value, low, high = (
        k * x / (1 + (k - 1) * x) if 1 + (k - 1) * x > 0 else np.nan for x in (one.value, one.low, one.high)
    )
    return Icc(value, low, high, one.f, one.df_images, one.df_error, one.p)
