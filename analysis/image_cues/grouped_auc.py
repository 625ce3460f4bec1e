"""The AUC of a score when images of one patient belong together.

Images of one patient resemble one another and count for less than as many independent images. The
signal is `generated` and the direction is fixed: an AUC above .5 means that generated images score higher.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, stdtr
from scipy.stats import rankdata

from analysis import intervals
from analysis.roc.ratings import rated
from analysis.trials import is_generated
from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class GroupedAuc(Result):
    """How well one score separates generated from real images.

    `auc` [0, 1] with its standard error and the bounds `low` and `high` at `level`; `p` (two-sided) of AUC = .5.
    `design_effect` is the variance at AUC = .5 over that of as many independent images. `smallest_detectable` is
    the AUC that a two-sided test at `alpha` would find with 80% power. `real`, `generated` and `groups` count
    scored images and their patients; `unscored` images had no score and are left out. What is undefined is NaN
    and `reason` says why.
    """

    auc: float
    se: float
    low: float
    high: float
    level: float
    p: float
    design_effect: float
    smallest_detectable: float
    alpha: float
    real: int
    generated: int
    groups: int
    unscored: int
    reason: str | None


def grouped_auc(
    truth: npt.ArrayLike,
    score: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    *,
    level: float = 0.95,
    alpha: float = 0.05,
) -> GroupedAuc:
    """The AUC of a score of images, with the images of one patient as a cluster.

    Parameters
    ----------
    truth : array_like of str, shape (images,)
        "real" or "generated".
    score : array_like of float, shape (images,)
        Larger means more generated-looking; NaN is left out and counted.
    groups : array_like, shape (images,), optional
        Patients' codes; by default every image is its own group. A generated image may have none (missing or empty).
    level : float, optional
        Level of the interval, in (0, 1).
    alpha : float, optional
        Of the test whose `smallest_detectable` AUC is given.

    Returns
    -------
    GroupedAuc
        `auc` [0, 1] with standard error, bounds and the two-sided p of .5; the design effect of the clusters, and the
        smallest AUC that 80% of such studies would find.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths, an infinite score or a real image without a group.

    Notes
    -----
    The variance is Obuchowski's, which is DeLong's where every image is its own group; the interval is symmetric in
    logit(AUC). `p` is of Wilcoxon's rank sum, its variance (corrected for ties) times the design effect: the sum of
    squares of the patients' summed contributions over that of the images' own. Where a group holds several images,
    quantiles are Student's with the fewer groups of the two classes less one as degrees of freedom.

    References
    ----------
    Obuchowski 1997, Biometrics 53:567; Hanley & McNeil 1982, Radiology 143:29.

    Examples
    --------
    >>> from analysis import grouped_auc
    >>> truth, score = ["real", "generated"] * 6, [1, 3, 2, 2, 4, 5, 1, 4, 2, 3, 3, 5]
    >>> found = grouped_auc(truth, score, ["a", "", "a", "", "b", "", "b", "", "c", "", "c", ""])
    >>> round(found.auc, 3), round(found.design_effect, 2), found.groups
    (0.819, 0.95, 9)
    """
    signal, scores = rated(truth, score)
    codes = group_codes(signal, groups)
    kept = ~np.isnan(scores)
    unscored = int(np.sum(~kept))
    signal, scores, codes = signal[kept], scores[kept], codes[kept]
    real, generated = int(np.sum(~signal)), int(np.sum(signal))
    area = se = low = high = p = effect = smallest = np.nan
    reason = _missing(real, generated)
    if reason is None:
        one_fold = np.zeros(scores.size, dtype=np.int64)
        null = rank_test(scores[None], signal[None], codes, one_fold)
        area, effect = float(null.auc[0]), float(null.design_effect[0])
        se = standard_error(pair_wins(scores, signal, one_fold), signal, codes, one_fold)
        freedom = degrees_of_freedom(signal, codes)
        low, high = intervals.logit(area, se, level, freedom)
        p = two_sided(float(null.z[0]), freedom)
        smallest = smallest_detectable_auc(real, generated, inflation=effect, alpha=alpha)
        reason = _no_interval(area, se, low, real, generated)
    return GroupedAuc(
        auc=area,
        se=se,
        low=low,
        high=high,
        level=level,
        p=p,
        design_effect=effect,
        smallest_detectable=smallest,
        alpha=alpha,
        real=real,
        generated=generated,
        groups=int(np.unique(codes).size),
        unscored=unscored,
        reason=reason,
    )


def smallest_detectable_auc(
    real: int,
    generated: int,
    *,
    null_high: float | None = None,
    inflation: float = 1.0,
    alpha: float = 0.05,
    power: float = 0.8,
) -> float:
    """The AUC above .5 that a test would find with `power` at these numbers of images.

    It solves AUC = null_high + z(power) SE(AUC), with the SE of Hanley & McNeil (1982, Radiology 143:29, by the
    negative exponential model) times √inflation, the design effect. `null_high` is what an AUC must exceed to be
    found; by default .5 + z(1 − alpha/2) SE(.5), the two-sided Wilcoxon test. NaN if no AUC below 1 would do.
    """
    if min(real, generated) < 1 or not np.isfinite(inflation):
        return np.nan
    widen = np.sqrt(inflation)
    if null_high is None:
        null_high = 0.5 + float(ndtri(1 - alpha / 2)) * widen * _hanley_mcneil(0.5, real, generated)

    def shortfall(area: float) -> float:
        return float(area - null_high - ndtri(power) * widen * _hanley_mcneil(area, real, generated))

    if not 0.5 <= null_high < 1 or shortfall(0.5) > 0:
        return np.nan
    return float(brentq(shortfall, 0.5, 1.0))


def group_codes(signal: Flags, groups: npt.ArrayLike | None) -> Ints:
    """One whole number per image, the same for images that belong together.

    `groups` (images,) are patients' codes; None makes every image its own group. A generated image without a code
    (missing or empty) is its own group. Raises `LookalikeError` for unequal lengths or a real image without a code.
    """
    if groups is None:
        return np.arange(signal.size, dtype=np.int64)
    names = np.asarray(groups, dtype=object)
    if names.shape != signal.shape:
        raise LookalikeError(
            "unequal-lengths", f"{signal.size} truths and {names.size} groups: there must be one group per image"
        )
    missing = np.asarray(pd.isna(names), dtype=np.bool_) | np.array([name == "" for name in names], dtype=np.bool_)
    nameless = np.flatnonzero(missing & ~signal)
    if nameless.size:
        raise LookalikeError(
            "missing-value",
            f"{nameless.size} real images have no patient, first image {nameless[0]} (from 0): images of one patient "
            "must stay together; give each its patient's code",
        )
    codes = np.empty(signal.size, dtype=np.int64)
    codes[~missing], known = pd.factorize(names[~missing])
    codes[missing] = len(known) + np.arange(np.sum(missing))
    return codes


@dataclass(frozen=True, eq=False)
class RankTest:
    """AUC, its z at AUC = .5 and the design effect of several labellings, each of shape (labellings,)."""

    auc: Floats
    z: Floats
    se: Floats
    design_effect: Floats


def rank_test(scores: Floats, signal: Flags, codes: Ints, fold: Ints) -> RankTest:
    """Wilcoxon's test over pairs within folds, with groups as clusters.

    `scores` and `signal` have shape (labellings, images), `codes` and `fold` (images,). Only images of one fold
    are compared: scores of different folds come from differently trained classifiers. What is undefined is NaN.
    """
    above, pairs, variance = (np.zeros(len(scores)) for _ in range(3))
    share = np.zeros(scores.shape)  # each image's contribution to `above`
    for one in np.unique(fold):
        here = np.flatnonzero(fold == one)
        flags = signal[:, here]
        ranks = rankdata(scores[:, here], axis=1) - (here.size + 1) / 2
        m = flags.sum(axis=1)
        n = here.size - m
        share[:, here] = np.where(flags, n[:, None], -m[:, None]) * ranks / here.size
        above += np.sum(ranks * flags, axis=1)
        pairs += m * n
        # The permutation variance of a rank sum, ties included.
        variance += m * n * np.sum(ranks**2, axis=1) / (here.size * max(here.size - 1, 1))
    members = np.zeros((scores.shape[1], int(codes.max()) + 1))
    members[np.arange(codes.size), codes] = 1
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = np.sum((share @ members) ** 2, axis=1) / np.sum(share**2, axis=1)
        spread = np.sqrt(variance * effect)
        return RankTest(0.5 + above / pairs, above / spread, spread / pairs, effect)


def pair_wins(scores: Floats, signal: Flags, fold: Ints, noise_sd: float = 0.0) -> Floats:
    """Of the images of the other class in its fold, how many each image has on the right side, shape (images,).

    A tie counts half. With `noise_sd`, in units of the scores, each pair counts with the probability that normal
    noise of that SD on both scores leaves it in the right order.
    """
    wins = np.zeros(scores.size)
    for one in np.unique(fold):
        generated, real = np.flatnonzero((fold == one) & signal), np.flatnonzero((fold == one) & ~signal)
        ahead = scores[generated][:, None] - scores[real]
        right = ndtr(ahead / (np.sqrt(2) * noise_sd)) if noise_sd else (np.sign(ahead) + 1) / 2
        wins[generated], wins[real] = right.sum(axis=1), right.sum(axis=0)
    return wins


def standard_error(wins: Floats, signal: Flags, codes: Ints, fold: Ints) -> float:
    """The SE of the share of pairs within folds in the right order, with groups as clusters.

    Obuchowski (1997) for one fold; over folds the influence function of LeDell, Petersen & van der
    Laan (2015, Electron. J. Stat. 9:1583). NaN with fewer than two groups of a class.
    """
    of_other_kind = np.stack([np.bincount(fold[kind], minlength=fold.max() + 1) for kind in (signal, ~signal)])
    rivals = of_other_kind[signal.astype(int), fold].astype(np.float64)
    pairs = float(np.sum(rivals[signal]))
    apart = wins - rivals * float(np.sum(wins[signal])) / pairs
    size = int(codes.max()) + 1
    parts, factors = [], []
    for kind in (signal, ~signal):
        clusters = np.unique(codes[kind]).size
        if clusters < 2:
            return np.nan
        parts.append(np.bincount(codes[kind], apart[kind], minlength=size))
        factors.append(clusters / (clusters - 1))
    everyone = np.unique(codes).size
    both = 2 * everyone / (everyone - 1) * float(np.sum(parts[0] * parts[1]))
    variance = factors[0] * float(np.sum(parts[0] ** 2)) + factors[1] * float(np.sum(parts[1] ** 2)) + both
    return float(np.sqrt(max(variance, 0.0))) / pairs


def degrees_of_freedom(signal: Flags, codes: Ints) -> float:
    """Infinite where every image is its own group, otherwise the fewer groups of the two classes less one."""
    if np.unique(codes).size == codes.size:
        return np.inf
    return float(min(np.unique(codes[signal]).size, np.unique(codes[~signal]).size) - 1)


def two_sided(z: float, freedom: float) -> float:
    """The two-sided p of a z, normal or (finite `freedom`) Student's; NaN where z or the freedom is missing."""
    if freedom < 1:
        return np.nan
    return float(2 * (ndtr(-abs(z)) if np.isinf(freedom) else stdtr(freedom, -abs(z))))


def truth_flags(truth: npt.ArrayLike, images: int) -> Flags:
    """True where generated; raises `LookalikeError` unless there is one truth per image."""
    signal = is_generated(truth)
    if signal.shape != (images,):
        raise LookalikeError(
            "unequal-lengths", f"{signal.size} truths and {images} images: there must be one truth per image"
        )
    return signal


def _hanley_mcneil(area: float, real: int, generated: int) -> float:
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (generated - 1) * (first - area**2) + (real - 1) * (second - area**2)
    return float(np.sqrt(max(variance, 0.0) / (real * generated)))


def _missing(real: int, generated: int) -> str | None:
    missing = " and no ".join(name for name, count in (("generated", generated), ("real", real)) if not count)
    return f"no {missing} image was scored" if missing else None


def _no_interval(area: float, se: float, low: float, real: int, generated: int) -> str | None:
    if min(real, generated) < 2:
        return "fewer than two images of a class: the AUC has no standard error"
    if low == low:
        return None
    if np.isnan(se):
        return "all images of a class are of one patient: the AUC has no standard error"
    # A variance of 0 here means too little data, not certainty.
    return "all scores tie: no interval" if area == 0.5 else "the scores separate the classes completely: no interval"
