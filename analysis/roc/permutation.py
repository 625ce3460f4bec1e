"""Permutation test of chance: could the labels real and generated just as well have been assigned at random?

No distribution of the ratings is assumed. What may be permuted depends on the design:

- one participant: the labels of the trials;
- several participants, each with images of their own: the labels of the trials within each participant;
- several participants who share images: the labels of the images, the same for all participants. Shuffling
  within participants would here count an image that looks generated to everyone as many independent
  findings, and reject too often.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.readings import from_columns
from analysis.roc.participant_tables import ParticipantTables, tables_of
from analysis.roc.tables import areas
from data.arrays import Flags, Floats, Ints
from data.results.result import Result

Permuted = Literal["trials", "trials within participants", "images"]

# Additions that an exact test may take: about a second.
_EXACT_COST = 5e8
# Cells of count tables held at once: 32 MB.
_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class PermutationTest(Result):
    """Test that the AUC (averaged over `participants`) is .5.

    `p` is two-sided: the share of permutations whose AUC is at least as far from .5. If `exact`, of all
    there are; otherwise of `resamples` drawn at random, the data counting as one more. `permuted` says what
    was. `left_out` counts participants without rated images of both classes, `unrated` trials without a
    rating. What is undefined is NaN and `reason` says why.
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
        The AUC averaged over participants and its two-sided `p`; `exact` says whether all permutations were counted.

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
    readings = from_columns(truth, rating, participant, image)
    study = tables_of(readings)
    permuted: Permuted = "trials"
    if study.participants > 1:
        permuted = "images" if image is not None and study.images < study.signal.size else "trials within participants"
    auc = p = np.nan
    exact = False
    if study.participants:
        auc = float(np.mean(study.areas()))
        p, exact = _p_value(study, auc, permuted, resamples, np.random.default_rng(seed))
    return PermutationTest(
        auc=auc,
        p=p,
        exact=exact,
        resamples=0 if exact or not study.participants else resamples,
        permuted=permuted,
        participants=study.participants,
        left_out=len(readings.left_out),
        unrated=readings.unrated,
        reason=None if study.participants else "no participant rated images of both classes",
    )


def _p_value(
    study: ParticipantTables, auc: float, permuted: Permuted, resamples: int, rng: np.random.Generator
) -> tuple[float, bool]:
    """p, and whether it is exact."""
    if permuted == "trials within participants":
        null = _relabelled_trials(study, resamples, rng)
    else:
        scores = _image_scores(study)
        if scores is not None and _cost(scores, study.truth_of_image) <= _EXACT_COST:
            return _exact_p(scores, study.truth_of_image), True
        null = (_relabelled_trials if permuted == "trials" else _relabelled_images)(study, resamples, rng)
    # Sums in another order can differ in the last digit.
    extreme = np.abs(null - 0.5) >= abs(auc - 0.5) - 1e-9
    return (1 + int(np.sum(extreme))) / (1 + resamples), False


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
    few = _few(labels)
    return float(scores.size) * few * (_largest_sum(scores, few) + 1)


def _largest_sum(scores: Ints, few: int) -> int:
    return int(np.sort(scores)[scores.size - few :].sum())


def _few(labels: Flags) -> int:
    return int(min(labels.sum(), labels.size - labels.sum()))


def _exact_p(scores: Ints, labels: Flags) -> float:
    """The share of all choices of labels whose sum of scores is at least as far from its mean.

    `ways[k, s]` counts the choices of k images with sum s, built up image by image.
    """
    few, n, total = _few(labels), scores.size, int(scores.sum())
    chosen = labels if labels.sum() == few else ~labels
    largest = _largest_sum(scores, few)
    ways = np.zeros((few + 1, largest + 1))
    ways[0, 0] = 1
    for score in scores.tolist():
        ways[1:, score:] += ways[:-1, : largest + 1 - score].copy()
    # In whole numbers, n times the distance from the mean.
    distance = np.abs(n * np.arange(largest + 1) - few * total)
    extreme = distance >= abs(n * int(scores[chosen].sum()) - few * total)
    return float(ways[few, extreme].sum() / ways[few].sum())


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
    found = []
    for size in _chunks(resamples, max(tables.shape)):
        labels = rng.permuted(np.tile(study.truth_of_image, (size, 1)), axis=1).T
        real, generated = (
            np.moveaxis((tables @ (labels == kind).astype(np.float64)).reshape(*shape, size), 1, -1)
            for kind in (False, True)
        )
        found.append(np.nanmean(areas(real, generated), axis=0))
    return np.concatenate(found)


def _chunks(resamples: int, cells: int) -> Iterator[int]:
    step = max(1, _CELLS // cells)
    for start in range(0, resamples, step):
        yield min(step, resamples - start)
