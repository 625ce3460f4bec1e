"""How well a classifier discriminates real from generated images: trained on some patients, tested on others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis import intervals
from analysis.image_cues import grouped_auc as grouped
from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.results.result import Result

# From training features (n, features), labellings of them (labellings, n) and test features (k, features) to the
# tests' scores (labellings, k), larger meaning more generated-looking.
Decide = Callable[[Floats, Flags, Floats], Floats]

TOO_FEW_PATIENTS = "a class has images of fewer than two patients: nothing to test on"


@dataclass(frozen=True, eq=False)
class CrossValidated(Result):
    """How well a classifier discriminates generated from real images of patients that it was not trained on.

    `auc` [0, 1] is the share of pairs within a fold in the right order, with its standard error and the bounds
    `low` and `high` at `level`. `null_high` is what chance exceeds in 5% of relabellings of the patients, `p`
    (one-sided) the share of relabellings that do as well. `smallest_detectable` is the AUC that would exceed
    `null_high` with 80% power. `real`, `generated` and `groups` count images and patients. Per image, all of
    shape (images,): `signal` (is it generated), `group`, `fold` (where it was tested) and `score`, by a classifier
    that did not see its patient. `widening` is the factor in `se` for training (see `cross_validate`).
    What is undefined is NaN and `reason` says why.
    """

    auc: float
    se: float
    low: float
    high: float
    level: float
    p: float
    null_high: float
    smallest_detectable: float
    real: int
    generated: int
    groups: int
    folds: int
    permutations: int
    widening: float
    signal: Flags
    group: Ints
    fold: Ints
    score: Floats
    reason: str | None


def cross_validate(
    features: npt.ArrayLike,
    truth: npt.ArrayLike,
    groups: npt.ArrayLike | None,
    decide: Decide,
    *,
    folds: int = 5,
    permutations: int = 999,
    seed: int = 0,
    level: float = 0.95,
) -> CrossValidated:
    """Train on all folds but one, score that one, and compare within it; no group is on both sides.

    `features` (images, features), `truth` and `groups` (images,); for `groups` see `grouped.group_codes`.
    Pairs across folds are not compared: a fold with more images of a class leaves fewer to train on, which pulls
    a pooled AUC below .5 at chance.

    The null distribution relabels whole groups (within a group where it contains both classes), retrains in the
    same folds and takes each AUC's distance from .5 in units of its own standard error at chance, since groups
    differ in size (Chung & Romano 2013, Ann. Stat. 41:484); one-sided, because a trained classifier is right, if
    anything. `smallest_detectable` solves AUC = null_high + z(.8) SE(AUC), with the SE of Hanley & McNeil widened
    as the null distribution is.

    The interval is symmetric in logit(AUC), its variance by groups (`grouped.standard_error`). That holds for
    classifiers as trained; near chance each sample trains another one, and the AUC varies more (coverage .86). So
    the SE is multiplied by the null distribution's SD in units of its own SE, if above 1: coverage is .95 at
    chance and higher far from it, where less would do (test_crossvalidation).
    Raises `LookalikeError` for an unknown truth, unequal lengths, a real image without group, a missing feature
    or fewer than 19 permutations, with which p cannot reach .05.
    """
    table = np.asarray(features, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise LookalikeError(
            "not-a-number", f"features of shape {table.shape}: must be a table (images, features) of finite numbers"
        )
    signal = grouped.truth_flags(truth, len(table))
    codes = grouped.group_codes(signal, groups)
    if permutations < 19:
        raise LookalikeError("out-of-range", f"{permutations} permutations: at least 19 are needed for a p of .05")
    fold = fold_of(signal, codes, folds, seed)
    if fold is None:
        return undefined(signal, codes, level, TOO_FEW_PATIENTS)
    labellings = np.concatenate([signal[None], _relabelled(signal, codes, permutations, np.random.default_rng(seed))])
    scores = np.zeros(labellings.shape)
    for one in range(int(fold.max()) + 1):
        train, test = fold != one, fold == one
        scores[:, test] = decide(table[train], labellings[:, train], table[test])
    return _summary(scores, labellings, codes, fold, level)


def fold_of(signal: Flags, codes: Ints, folds: int, seed: int) -> Ints | None:
    """Each image's fold (images,), groups whole and classes spread evenly; fewer folds where a class has fewer
    groups, None where it has fewer than two."""
    groups = [np.unique(codes[kind]).size for kind in (signal, ~signal)]
    count = min(folds, *groups)
    if count < 2:
        return None
    # What each group holds of either class, as shares; large groups are assigned first, each to the fold that has
    # least of what the group adds. (scikit-learn's StratifiedGroupKFold does the same in 20 times the time.)
    share = np.stack([np.bincount(codes[kind], minlength=codes.max() + 1) / kind.sum() for kind in (signal, ~signal)])
    present = np.random.default_rng(seed).permutation(np.unique(codes))
    held, fold_of_group = np.zeros((count, 2)), np.zeros(codes.max() + 1, dtype=np.int64)
    for group in present[np.argsort(-share[:, present].sum(axis=0), kind="stable")]:
        brings = share[:, group]
        fold_of_group[group] = np.argmin(held @ brings + 1e-6 * held.sum(axis=1))
        held[fold_of_group[group]] += brings
    return fold_of_group[codes]


def fewest_in_training(signal: Flags, fold: Ints) -> int:
    """Images of the scarcer class in the smallest training part."""
    return min(int(np.sum(kind & (fold != one))) for one in np.unique(fold) for kind in (signal, ~signal))


def _relabelled(signal: Flags, codes: Ints, count: int, rng: np.random.Generator) -> Flags:
    """`count` relabellings (count, images) that keep groups whole."""
    labels = np.tile(signal, (count, 1))
    number, size = int(codes.max()) + 1, np.bincount(codes)
    share = np.bincount(codes, signal, minlength=number) / np.maximum(size, 1)
    mixed = (share > 0) & (share < 1)
    pure = np.flatnonzero((size > 0) & ~mixed)
    of_group = np.zeros((count, number), dtype=np.bool_)
    of_group[:, pure] = rng.permuted(np.tile(share[pure] == 1, (count, 1)), axis=1)
    in_pure = ~mixed[codes]
    labels[:, in_pure] = of_group[:, codes[in_pure]]
    for one in np.flatnonzero(mixed):
        here = np.flatnonzero(codes == one)
        labels[:, here] = rng.permuted(labels[:, here], axis=1)
    return labels


def _summary(scores: Floats, labellings: Flags, codes: Ints, fold: Ints, level: float) -> CrossValidated:
    """What the first labelling (the true one) gives, beside the others."""
    signal, score = labellings[0], scores[0]
    real, generated = int(np.sum(~signal)), int(np.sum(signal))
    test = grouped.rank_test(scores, labellings, codes, fold)
    area, z, null = float(test.auc[0]), float(test.z[0]), np.nan_to_num(test.z[1:])
    se = low = high = null_high = smallest = p = widening = np.nan
    reason = None
    if np.isnan(z):
        reason = "all scores tie: nothing was learned"
    else:
        p = (1 + int(np.sum(null >= z))) / (1 + null.size)
        null_high = 0.5 + float(np.quantile(null, 0.95, method="higher")) * float(test.se[0])
        # How much wider the null distribution is than that of as many independent images.
        independent = (real + generated + 1) / (12 * real * generated)
        inflation = float(np.mean(null**2)) * float(test.se[0]) ** 2 / independent
        smallest = grouped.smallest_detectable_auc(real, generated, null_high=null_high, inflation=inflation)
        widening = max(1.0, float(np.sqrt(np.mean(null**2))))
        se = widening * grouped.standard_error(grouped.pair_wins(score, signal, fold), signal, codes, fold)
        low, high = intervals.logit(area, se, level, grouped.degrees_of_freedom(signal, codes))
        reason = None if low == low else "the scores separate the classes completely: no interval"
    return CrossValidated(
        auc=area,
        se=se,
        low=low,
        high=high,
        level=level,
        p=p,
        null_high=null_high,
        smallest_detectable=smallest,
        real=real,
        generated=generated,
        groups=int(np.unique(codes).size),
        folds=int(fold.max()) + 1,
        permutations=null.size,
        widening=widening,
        signal=signal,
        group=codes,
        fold=fold,
        score=score,
        reason=reason,
    )


def undefined(signal: Flags, codes: Ints, level: float, reason: str) -> CrossValidated:
    """A result without an AUC, and why."""
    return CrossValidated(
        auc=np.nan,
        se=np.nan,
        low=np.nan,
        high=np.nan,
        level=level,
        p=np.nan,
        null_high=np.nan,
        smallest_detectable=np.nan,
        real=int(np.sum(~signal)),
        generated=int(np.sum(signal)),
        groups=int(np.unique(codes).size),
        folds=0,
        permutations=0,
        widening=np.nan,
        signal=signal,
        group=codes,
        fold=np.zeros(signal.size, dtype=np.int64),
        score=np.full(signal.size, np.nan),
        reason=reason,
    )
