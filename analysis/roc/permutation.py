"""Permutation test of chance: could the labels real and generated just as well have been assigned at random?

No distribution of the ratings is assumed. What may be permuted depends on the design:

- one participant: the labels of the trials;
- several participants, each with images of their own: the labels of the trials within each participant;
- several participants who share images: the labels of the images, the same for all participants. Shuffling
  within participants would here count an image that looks generated to everyone as many independent
  findings, and reject too often.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from analysis.readings import Readings, from_columns
from analysis.roc.participant_tables import ParticipantTables, tables_of
from analysis.roc.tables import areas
from data.arrays import Flags, Floats, Ints
from data.results.result import Result

Permuted = Literal["trials", "trials within participants", "images"]

# Additions that an exact test may take: about a second.
_EXACT_COST = 5e8
_MOST_CHOICES = 700.0  # as a logarithm: floats end at 709
# Cells of count tables held at once: 32 MB.
_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class PermutationTest(Result):
    """Test that the AUC (averaged over `participants`) is .5.

    `p` is two-sided: the share of permutations whose AUC is at least as far from .5; `p_above` is that of those with
    an AUC at least as large, and `p_below` at most as large. If `exact`, of all there are; otherwise of `resamples`
    drawn at random, the data counting as one more. `permuted` says what was. `left_out` counts participants without
    rated images of both classes, `unrated` trials without a rating. What is undefined is NaN and `reason` says why.
    """

    auc: float
    p: float
    exact: bool
    resamples: int
    permuted: Permuted
    participants: int
    left_out: int
    unrated: int
    reason: str | None
    p_above: float = np.nan  # results of earlier versions have neither
    p_below: float = np.nan


class _P(NamedTuple):
    both: float = np.nan
    above: float = np.nan
    below: float = np.nan
    exact: bool = False


def permutation_test(
    truth: npt.ArrayLike,
    rating: npt.ArrayLike,
    seed: int | np.random.Generator,
    *,
    participant: npt.ArrayLike | None = None,
    image: npt.ArrayLike | None = None,
    resamples: int = 10_000,
) -> PermutationTest:
    """Permutation test of chance: could the labels real and generated just as well have been assigned at random?

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    rating : array_like of float, shape (trials,)
        Larger means more generated-looking; NaN is left out and counted.
    seed : int or numpy.random.Generator
        Where the random numbers come from, if the test is not exact.
    participant : array_like, shape (trials,), optional
        Who judged, if there are several.
    image : array_like, shape (trials,), optional
        Which image was judged, if participants share images: its label is then permuted for all of them alike.
    resamples : int, optional
        Permutations drawn, if the test is not exact.

    Returns
    -------
    PermutationTest
        The AUC averaged over participants, its two-sided `p`, and `p_above` and `p_below` of each side alone; `exact`
        says whether all permutations were counted.

    Raises
    ------
    LookalikeError
        For unequal lengths, unknown words, an infinite rating, or an image that a participant judges twice.

    Notes
    -----
    The test is exact for one participant, and where every participant rated every image, as long as there are not too
    many (about 150 trials, or 100 images of 10 participants); p is then the rank-sum test's with ties. Otherwise p = (1
    + extreme) / (1 + resamples). Either speaks of these participants: that others would do better than chance is for a
    test on participants to say.

    References
    ----------
    Mann & Whitney 1947, Ann. Math. Stat. 18:50.

    Examples
    --------
    >>> from analysis import permutation_test
    >>> truth = ["generated"] * 5 + ["real"] * 5
    >>> found = permutation_test(truth, [5, 4, 4, 3, 2, 3, 2, 1, 1, 1], seed=1)
    >>> found.auc, round(found.p, 4), found.exact
    (0.92, 0.0397, True)
    """
    shared = participant is not None and image is not None
    return permutation_test_of(
        from_columns(truth, rating, participant, image), seed, resamples=resamples, shared=shared
    )


def permutation_test_of(
    readings: Readings,
    seed: int | np.random.Generator,
    *,
    resamples: int = 10_000,
    shared: bool = True,
    exact_cost: float | None = None,
) -> PermutationTest:
    """The same of `readings` of one modality, whose images may be `shared` between participants.

    An exact test takes at most `exact_cost` additions (about a second's by default).
    """
    study = tables_of(readings)
    permuted: Permuted = "trials"
    if study.participants > 1:
        permuted = "images" if shared and study.images < study.signal.size else "trials within participants"
    auc, p = np.nan, _P()
    if study.participants:
        auc = float(np.mean(study.areas()))
        p = _p_value(
            study,
            auc,
            permuted,
            resamples,
            np.random.default_rng(seed),
            _EXACT_COST if exact_cost is None else exact_cost,
        )
    return PermutationTest(
        auc=auc,
        p=p.both,
        exact=p.exact,
        resamples=0 if p.exact or not study.participants else resamples,
        permuted=permuted,
        participants=study.participants,
        left_out=len(readings.left_out),
        unrated=readings.unrated,
        reason=None if study.participants else "no participant rated images of both classes",
        p_above=p.above,
        p_below=p.below,
    )


def _p_value(
    study: ParticipantTables,
    auc: float,
    permuted: Permuted,
    resamples: int,
    rng: np.random.Generator,
    exact_cost: float,
) -> _P:
    """p of both sides and of each, and whether they are exact."""
    if permuted == "trials within participants":
        null = _relabelled_trials(study, resamples, rng)
    else:
        scores = _image_scores(study)
        if scores is not None and _cost(scores, study.truth_of_image) <= exact_cost:
            return _exact_p(scores, study.truth_of_image)
        null = (_relabelled_trials if permuted == "trials" else _relabelled_images)(study, resamples, rng)
    # Sums in another order can differ in the last digit.
    sides = (np.abs(null - 0.5) >= abs(auc - 0.5) - 1e-9, null >= auc - 1e-9, null <= auc + 1e-9)
    both, above, below = ((1 + int(np.sum(extreme))) / (1 + resamples) for extreme in sides)
    return _P(both, above, below)


def _image_scores(study: ParticipantTables) -> Ints | None:
    """Each image's rank summed over participants, in whole steps from 0; None unless everyone rated every image.

    With the same numbers of real and generated images for everyone, the mean AUC is a linear function
    of the sum of these over the generated images.
    """
    if study.signal.size != study.participants * study.images:
        return None
    real, generated = study.tables()
    all_ratings = real + generated
    twice_rank = 2 * np.cumsum(all_ratings, axis=1) - all_ratings
    ranks = twice_rank[study.participant, study.category]
    sums = np.bincount(study.image, weights=ranks, minlength=study.images).astype(np.int64)
    sums -= sums.min()
    step = int(np.gcd.reduce(sums))
    return sums // step if step else sums


def _cost(scores: Ints, labels: Flags) -> float:
    """Additions of an exact test; infinite where there are more choices of labels than a float can count."""
    few, n = _few(labels), scores.size
    if gammaln(n + 1) - gammaln(few + 1) - gammaln(n - few + 1) > _MOST_CHOICES:
        return math.inf
    return float(n) * few * (_largest_sum(scores, few) + 1)


def _largest_sum(scores: Ints, few: int) -> int:
    return int(np.sort(scores)[scores.size - few :].sum())


def _few(labels: Flags) -> int:
    return int(min(labels.sum(), labels.size - labels.sum()))


def _exact_p(scores: Ints, labels: Flags) -> _P:
    """The shares of all choices of labels whose sum of scores is at least as far from its mean, as large, as small.

    `ways[k, s]` counts the choices of k images with sum s, built up image by image, smallest scores first: so sums
    are small for long, and only choices that can still become complete are counted.
    """
    few, n, total = _few(labels), scores.size, int(scores.sum())
    chosen = labels if labels.sum() == few else ~labels
    ordered = np.sort(scores)
    largest = np.cumsum(ordered) - np.concatenate([np.zeros(few, np.int64), np.cumsum(ordered)[: n - few]])
    ways = np.zeros((few + 1, int(largest[-1]) + 1))
    ways[0, 0] = 1
    for before, (score, top) in enumerate(zip(ordered.tolist(), largest.tolist(), strict=True)):
        first, last = max(1, few - (n - 1 - before)), min(before + 1, few)
        ways[first : last + 1, score : top + 1] += ways[first - 1 : last, : top + 1 - score].copy()
    counts, observed = ways[few] / ways[few].sum(), int(scores[chosen].sum())
    # In whole numbers, n times the distance from the mean.
    distance = np.abs(n * np.arange(counts.size) - few * total)
    small, large = _sum_of_shares(counts[: observed + 1]), _sum_of_shares(counts[observed:])
    # The scores summed are those of the rarer class, which may be the real images.
    above, below = (large, small) if chosen is labels else (small, large)
    return _P(_sum_of_shares(counts[distance >= abs(n * observed - few * total)]), above, below, True)


def _sum_of_shares(counts: Floats) -> float:
    """Their sum, which rounding can put above 1 in the last digit."""
    return min(1.0, float(counts.sum()))


def _relabelled_trials(study: ParticipantTables, resamples: int, rng: np.random.Generator) -> Floats:
    """Mean AUCs with labels permuted within participants: draws from each one's ratings without replacement."""
    total = np.zeros(resamples)
    for real, generated in zip(*study.tables(), strict=True):
        ratings, n = (real + generated).astype(np.int64), int(generated.sum())
        start = 0
        for size in _chunks(resamples, ratings.size):
            drawn = rng.multivariate_hypergeometric(ratings, n, size=size, method="marginals")
            total[start : start + size] += areas(ratings - drawn, drawn)
            start += size
    return total / study.participants


def _relabelled_images(study: ParticipantTables, resamples: int, rng: np.random.Generator) -> Floats:
    """Mean AUCs with labels permuted over images; who is left without a class has no AUC there."""
    tables, shape = study.by_image(), (study.participants, study.categories)
    every = np.asarray(tables.sum(axis=1)).reshape(-1, 1)
    found = []
    for size in _chunks(resamples, max(tables.shape)):
        labels = rng.permuted(np.tile(study.truth_of_image, (size, 1)), axis=1).T
        labelled = np.asarray(tables @ labels.astype(np.float64))  # "generated"
        real, generated = (np.moveaxis(one.reshape(*shape, size), 1, -1) for one in (every - labelled, labelled))
        found.append(np.nanmean(areas(real, generated), axis=0))
    return np.concatenate(found)


def _chunks(resamples: int, cells: int) -> Iterator[int]:
    step = max(1, _CELLS // cells)
    for start in range(0, resamples, step):
        yield min(step, resamples - start)
