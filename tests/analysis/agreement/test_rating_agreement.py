"""ICC and rank correlation of ratings: published values, pingouin, scipy, coverage."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from analysis.agreement import rating_agreement

PAIRS = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=5, max_size=30)


def test_icc_is_shrout_and_fleiss() -> None:
    """Shrout & Fleiss (1979), table 2: ICC(2,1) = .29; its interval .019–.761 as McGraw & Wong's table 7 gives."""
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7.0]])
    icc, low, high = rating_agreement.intraclass_correlation(ratings)
    assert icc == pytest.approx(0.29, abs=0.005)
    assert (low, high) == pytest.approx((0.019, 0.761), abs=0.0005)


def test_icc_is_pingouins() -> None:
    """The estimate to 1e-6, the bounds to the two digits that pingouin gives."""
    rng = np.random.default_rng(1)
    for shift in (0, 1.5):
        first = rng.integers(-4, 5, 40)
        second = np.round(0.6 * first + rng.normal(shift, 1.5, 40))
        long = pd.DataFrame({"image": [*range(40)] * 2, "pass": [1] * 40 + [2] * 40, "rating": [*first, *second]})
        reference = pingouin.intraclass_corr(long, "image", "pass", "rating").set_index("Type").loc["ICC(A,1)"]
        result = rating_agreement.rating_agreement(first, second)
        assert result.icc == pytest.approx(reference["ICC"], abs=1e-6)
        assert (result.icc_low, result.icc_high) == pytest.approx(reference["CI95"], abs=0.0051)
        assert result.spearman == pytest.approx(spearmanr(first, second)[0], abs=1e-12)


@pytest.mark.slow
def test_both_intervals_cover() -> None:
    """2,000 pairs of sessions of 100 images, normal evidence with correlation .5 cut into eight ratings.

    True values from one sample of 10⁶; the standard error of the coverage is .005.

    With so coarse ratings the ICC's bounds cover .943, those of the rank correlation .954 (6,000 pairs).
    """
    rng = np.random.default_rng(2)
    large = _ratings(rng, 1_000_000)
    true_icc, _, _ = rating_agreement.intraclass_correlation(large)
    true_rank = rating_agreement.spearman(*large.T).value
    results = [rating_agreement.rating_agreement(*_ratings(rng, 100).T) for _ in range(2000)]
    icc = np.mean([one.icc_low <= true_icc <= one.icc_high for one in results])
    rank = np.mean([one.spearman_low <= true_rank <= one.spearman_high for one in results])
    assert (icc, rank) == pytest.approx((0.95, 0.95), abs=0.02)


def test_missing_ratings_are_counted_and_left_out() -> None:
    result = rating_agreement.rating_agreement([1, 2, np.nan, 4, 3], [1, np.nan, 3, 3, 4])
    assert (result.pairs, result.unrated) == (3, 2)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ([], [], "no image is shared"),
        ([1.0], [2.0], "fewer than two images were rated twice"),
        ([np.nan] * 3, [1.0, 2, 3], "fewer than two images were rated twice"),
        ([2.0] * 5, [2.0] * 5, "all ratings are the same"),
    ],
)
def test_too_little_is_undefined(first: list[float], second: list[float], reason: str) -> None:
    result = rating_agreement.rating_agreement(first, second)
    assert all(math.isnan(one) for one in (result.icc, result.icc_low, result.spearman, result.spearman_high))
    assert reason in str(result.reason)


def test_two_exchanged_ratings_have_no_icc_and_were_not_rated_the_same() -> None:
    result = rating_agreement.rating_agreement([1.0, 2], [2.0, 1])
    assert math.isnan(result.icc)
    assert "two images whose ratings were exchanged: the ICC has no value" in str(result.reason)


def test_one_constant_session_has_an_icc_of_nothing_and_no_ranks() -> None:
    result = rating_agreement.rating_agreement([2.0] * 6, [1.0, 2, 3, 1, 2, 3])
    assert result.icc == pytest.approx(0)
    assert math.isnan(result.spearman)
    assert "one side does not vary" in str(result.reason)


def test_perfect_agreement_claims_no_certainty() -> None:
    result = rating_agreement.rating_agreement([1, 2, 3, 4, 4], [1, 2, 3, 4, 4])
    assert (result.icc, result.spearman) == pytest.approx((1, 1))
    assert all(math.isnan(one) for one in (result.icc_low, result.icc_high, result.spearman_low))
    assert "the ICC has no interval" in str(result.reason)
    assert "ranks agree completely" in str(result.reason)


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("unequal-lengths") as caught:
        rating_agreement.rating_agreement([1, 2], [1])
    assert "2 first and 1 second" in str(caught.value)
    with refuses("not-a-number") as caught:
        rating_agreement.rating_agreement([1, np.inf], [1, 2])
    assert "rating 1 (from 0) is infinite" in str(caught.value)


@settings(max_examples=50, deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_invariances(pairs: list[tuple[int, int]], random: Random) -> None:
    """Order and sides are irrelevant; a shift or stretch of both keeps the ICC, a monotone bend the ranks."""
    shuffled = pairs.copy()
    random.shuffle(shuffled)
    base = rating_agreement.rating_agreement(*zip(*pairs, strict=True))
    for other in (shuffled, [(b, a) for a, b in pairs], [(3 * a + 2, 3 * b + 2) for a, b in pairs]):
        again = rating_agreement.rating_agreement(*zip(*other, strict=True))
        assert (again.icc, again.icc_low, again.spearman, again.spearman_high) == pytest.approx(
            (base.icc, base.icc_low, base.spearman, base.spearman_high), nan_ok=True, abs=1e-6
        )
    bent = rating_agreement.rating_agreement(*zip(*[(math.exp(a), math.exp(b)) for a, b in pairs], strict=True))
    assert bent.spearman == pytest.approx(base.spearman, nan_ok=True, abs=1e-9)


def _ratings(rng: np.random.Generator, n: int) -> np.ndarray:
    evidence = np.sqrt(0.5) * (rng.standard_normal((n, 1)) + rng.standard_normal((n, 2)))
    return np.searchsorted([-1.2, -0.7, -0.3, 0, 0.3, 0.7, 1.2], evidence).astype(float)
