"""The permutation test against full enumeration, scipy, and simulated size."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from analysis.roc import permutation as roc_permutation

RATINGS = st.lists(st.integers(-3, 3), min_size=1, max_size=6)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(RATINGS, RATINGS)
def test_exact_p_is_the_share_of_all_relabellings(generated: list[int], real: list[int]) -> None:
    result = _of(generated, real)
    ratings, few = np.array([*generated, *real], dtype=float), len(generated)
    wins = (ratings[:, None] > ratings) + (ratings[:, None] == ratings) / 2
    labels = np.array([np.isin(range(ratings.size), one) for one in itertools.combinations(range(ratings.size), few)])
    every = np.einsum("pi,ij,pj->p", labels, wins, ~labels) / few / len(real)
    found = np.abs(every - 0.5) >= abs(result.auc - 0.5) - 1e-12
    assert result.exact
    assert result.p == pytest.approx(np.mean(found))
    assert _of(real, generated).p == pytest.approx(result.p)
    assert result.p_above == pytest.approx(np.mean(every >= result.auc - 1e-12))
    assert result.p_below == pytest.approx(np.mean(every <= result.auc + 1e-12))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("right", [275, 330])
def test_more_choices_of_labels_than_a_float_counts_are_drawn(right: int) -> None:
    """Of 1,100 answers there are 10^329: p of half right is near 1, of 60% right as small as draws can show."""
    generated = [1] * right + [-1] * (550 - right)
    found = _of(generated, [-one for one in generated])
    assert not found.exact
    assert (found.p > 0.5) == (right == 275)
    assert found.p >= 1 / 10_001


def test_without_ties_it_is_the_rank_sum_test() -> None:
    """scipy.stats.mannwhitneyu, method "exact", 30 and 45 continuous scores."""
    rng = np.random.default_rng(1)
    generated, real = rng.normal(0.5, 1, 30), rng.normal(0, 1, 45)
    expected = mannwhitneyu(generated, real, method="exact").pvalue
    assert _of(generated, real).p == pytest.approx(expected, rel=1e-10)


def test_random_permutations_agree_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 permutations: within 4 standard errors of the exact p, for trials and for shared images."""
    rng = np.random.default_rng(2)
    truth, ratings = _study(rng, 4, 30, dprime=0.3)
    designs = [
        ({}, slice(0, 30)),
        ({"participant": np.repeat(range(4), 30), "image": np.tile(range(30), 4)}, slice(None)),
    ]
    for names, rows in designs:
        arguments = (truth[rows], ratings[rows], 3)
        exact = roc_permutation.permutation_test(*arguments, **names)
        monkeypatch.setattr(roc_permutation, "_EXACT_COST", 0)
        drawn = roc_permutation.permutation_test(*arguments, **names)
        monkeypatch.undo()
        assert (exact.exact, exact.resamples, drawn.exact, drawn.resamples) == (True, 0, False, 10_000)
        for name in ("p", "p_above", "p_below"):
            p = getattr(exact, name)
            assert getattr(drawn, name) == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 10_000))


@pytest.mark.slow
def test_within_participants_is_every_combination_of_relabellings() -> None:
    """Two participants with 3 + 2 and 2 + 2 images of their own: 10 x 6 relabellings written out."""
    truth = np.array([1, 1, 1, 0, 0, 1, 1, 0, 0], dtype=bool)
    ratings = np.array([3.0, 1, 2, 1, 0, 2, 2, 1, 0])
    people = np.array([0] * 5 + [1] * 4)
    every = []
    for one in itertools.combinations(range(5), 3):
        for other in itertools.combinations(range(5, 9), 2):
            labels = np.isin(np.arange(9), [*one, *other])
            every.append(np.mean([roc_auc_score(labels[people == j], ratings[people == j]) for j in (0, 1)]))
    words = np.where(truth, "generated", "real")
    result = roc_permutation.permutation_test(words, ratings, 1, participant=people, resamples=20_000)
    expected = np.mean(np.abs(np.array(every) - 0.5) >= abs(result.auc - 0.5) - 1e-9)
    assert (result.permuted, result.exact) == ("trials within participants", False)
    assert result.p == pytest.approx(expected, abs=0.015)


def test_missing_trials_of_shared_images() -> None:
    """Without some trials the sum of ranks no longer decides, so permutations are drawn; p moves little."""
    rng = np.random.default_rng(4)
    truth, ratings = _study(rng, 6, 40, dprime=0.4)
    people, images = np.repeat(range(6), 40), np.tile(range(40), 6)
    whole = roc_permutation.permutation_test(truth, ratings, 5, participant=people, image=images)
    ratings[[3, 50, 111]] = np.nan
    part = roc_permutation.permutation_test(truth, ratings, 5, participant=people, image=images)
    assert (whole.exact, part.exact, part.unrated, part.permuted) == (True, False, 3, "images")
    assert part.p == pytest.approx(whole.p, abs=0.03)


@pytest.mark.slow
def test_size() -> None:
    """At chance p ≤ .05 in at most .05 of 1,000 single observers (standard error .007) of 24 + 24 trials."""
    rng = np.random.default_rng(6)
    truth = np.repeat(["generated", "real"], 24)
    share = np.mean([roc_permutation.permutation_test(truth, rng.integers(0, 6, 48), 1).p <= 0.05 for _ in range(1000)])
    assert 0.03 <= share <= 0.065


@pytest.mark.slow
def test_images_must_be_permuted_where_they_are_shared() -> None:
    """200 studies of 6 x 40 at chance, image SD .6: labels of images keep the size, labels of trials do not.

    Of 2,000 such studies .050 and .229 were rejected at .05.
    """
    rng = np.random.default_rng(7)
    people, images = np.repeat(range(6), 40), np.tile(range(40), 6)
    rejected: dict[str, list[bool]] = {"images": [], "trials within participants": []}
    for _ in range(200):
        truth, ratings = _study(rng, 6, 40, dprime=0.0)
        for image in (images, None):
            result = roc_permutation.permutation_test(
                truth, ratings, rng, participant=people, image=image, resamples=400
            )
            rejected[result.permuted].append(result.p <= 0.05)
    assert np.mean(rejected["images"]) <= 0.09
    assert np.mean(rejected["trials within participants"]) > 0.12


def test_images_of_ones_own_are_permuted_within_participants() -> None:
    rng = np.random.default_rng(8)
    truth, ratings = _study(rng, 3, 20, dprime=0.0)
    result = roc_permutation.permutation_test(
        truth, ratings, 1, participant=np.repeat(range(3), 20), image=np.arange(60)
    )
    assert result.permuted == "trials within participants"


def test_a_seed_is_a_result() -> None:
    rng = np.random.default_rng(10)
    truth, ratings = _study(rng, 3, 20, dprime=0.2)
    people = np.repeat(range(3), 20)
    first, again, other = (roc_permutation.permutation_test(truth, ratings, n, participant=people).p for n in (1, 1, 2))
    assert first == again
    assert first != other


def test_ties_one_class_and_nothing() -> None:
    tied = roc_permutation.permutation_test(["real", "generated"] * 5, np.ones(10), 1)
    assert (tied.auc, tied.p) == (0.5, 1)
    for truth, ratings in ((["real"] * 3, [1, 2, 3]), ([], []), (["real", "generated"], [1, np.nan])):
        result = roc_permutation.permutation_test(truth, ratings, 1)
        assert math.isnan(result.p)
        assert "both classes" in str(result.reason)
    left_out = roc_permutation.permutation_test(["real", "generated", "real"], [1, 2, 3], 1, participant=[1, 1, 2])
    assert (left_out.participants, left_out.left_out) == (1, 1)
    assert (left_out.auc, left_out.p) == (1, 1)


def test_no_p_exceeds_1_by_rounding() -> None:
    """All but perfect discrimination at many sizes: the sum of all shares is 1, in floating point too."""
    for n in range(20, 60):
        found = _of(np.arange(n) % 3 + 4, np.arange(n) % 3)
        assert found.exact
        assert max(found.p, found.p_above, found.p_below) <= 1


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("repeated-stimulus"):
        roc_permutation.permutation_test(["real", "real"], [1, 2], 1, participant=["a", "a"], image=[5, 5])
    with refuses("unknown-word"):
        roc_permutation.permutation_test(["fake"], [1], 1)


def _study(
    rng: np.random.Generator, people: int, images: int, dprime: float
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
    """Columns of a crossed study, participant by participant, with an image SD of .6 in a total of 1."""
    truth = np.arange(images) % 2
    noise = 0.6 * rng.standard_normal(images) + 0.8 * rng.standard_normal((people, images))
    ratings = np.floor(2 * (noise + dprime * (truth - 0.5))).clip(-4, 3)
    return np.tile(np.where(truth, "generated", "real"), people), ratings.ravel()


def _of(generated: npt.ArrayLike, real: npt.ArrayLike) -> roc_permutation.PermutationTest:
    parts = [np.atleast_1d(np.asarray(each, dtype=float)) for each in (generated, real)]
    truth = ["generated"] * parts[0].size + ["real"] * parts[1].size
    return roc_permutation.permutation_test(truth, np.concatenate(parts), 1)
