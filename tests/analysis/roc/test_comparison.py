"""Paired and unpaired comparison of AUCs against the definition, a bootstrap and simulated size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.roc import comparison as roc_comparison
from analysis.roc import roc

TRUTH = np.array(["generated"] * 50 + ["real"] * 50)
PAIRS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=20)


def test_covariance_is_delongs_definition() -> None:
    """DeLong et al. (1988), equations 5–6, with the m × n matrices of pairs written out."""
    rng = np.random.default_rng(1)
    for generated, real, decimals in ((40, 60, 8), (30, 30, 0), (2, 5, 1)):
        truth = np.array(["generated"] * generated + ["real"] * real)
        shared = rng.normal(size=truth.size) + 0.7 * (truth == "generated")
        first, second = (np.round(shared + rng.normal(size=truth.size), decimals) for _ in range(2))
        result = roc_comparison.compare_aucs(truth, first, second)
        covariance = _brute_force_covariance(first, second, generated)
        assert result.se**2 == pytest.approx(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], abs=1e-12)
        expected = covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])
        assert result.correlation == pytest.approx(expected, abs=1e-9)
        assert result.first == pytest.approx(roc.roc_auc(truth, first).auc)
        assert result.second == pytest.approx(roc.roc_auc(truth, second).auc)


def test_z_p_and_interval_follow_from_the_standard_error() -> None:
    rng = np.random.default_rng(2)
    result = roc_comparison.compare_aucs(TRUTH, _ratings(rng, 1.5), _ratings(rng, 0.5), level=0.9)
    assert result.difference == pytest.approx(result.first - result.second)
    assert result.z == pytest.approx(result.difference / result.se)
    assert result.p == pytest.approx(2 * norm.sf(abs(result.z)))
    assert (result.low, result.high) == pytest.approx(
        (result.difference - 1.644854 * result.se, result.difference + 1.644854 * result.se), abs=1e-6
    )


def test_unpaired_adds_the_variances() -> None:
    rng = np.random.default_rng(3)
    first, second = (roc.roc_auc(TRUTH, _ratings(rng, dprime)) for dprime in (1.0, 0.0))
    result = roc_comparison.compare_independent_aucs(first, second)
    assert result.se == pytest.approx(math.hypot(first.se, second.se))
    assert (result.difference, result.correlation) == (pytest.approx(first.auc - second.auc), 0)
    assert (result.generated, result.real) == (100, 100)


@pytest.mark.slow
@pytest.mark.parametrize("dprime", [0.0, 1.0])
def test_both_have_their_size_and_cover(dprime: float) -> None:
    """1,000 studies without a difference: size and 1 − coverage .05, with a standard error of .007.

    The two ratings of an image share half of their variance, so the unpaired test, which takes them for
    independent, would hardly ever reject on the same images.
    """
    rng = np.random.default_rng(4)
    paired, unpaired, mistaken = [], [], []
    for _ in range(1000):
        shared = rng.standard_normal(TRUTH.size)
        one, other = (_ratings(rng, dprime, shared) for _ in range(2))
        paired.append(roc_comparison.compare_aucs(TRUTH, one, other))
        mistaken.append(roc_comparison.compare_independent_aucs(*(roc.roc_auc(TRUTH, each) for each in (one, other))))
        unpaired.append(
            roc_comparison.compare_independent_aucs(*(roc.roc_auc(TRUTH, _ratings(rng, dprime)) for _ in range(2)))
        )
    for results in (paired, unpaired):
        assert np.mean([one.p < 0.05 for one in results]) == pytest.approx(0.05, abs=0.02)
        assert np.mean([one.low <= 0 <= one.high for one in results]) == pytest.approx(0.95, abs=0.02)
    assert np.mean([one.p < 0.05 for one in mistaken]) < 0.02


def test_an_image_without_either_rating_is_left_out_of_both() -> None:
    first, second = [3, 1, np.nan, 2, -1, 4.0], [2, 1, 3, np.nan, -2, 1.0]
    truth = ["generated", "real", "generated", "real", "real", "generated"]
    result = roc_comparison.compare_aucs(truth, first, second)
    assert (result.generated, result.real, result.unrated) == (2, 2, 2)
    assert result.first == roc.roc_auc(["generated", "real", "real", "generated"], [3, 1, -1, 4]).auc


def test_what_cannot_be_tested_says_why(refuses: Any) -> None:
    rng = np.random.default_rng(5)
    rating = _ratings(rng, 1.0)
    same = roc_comparison.compare_aucs(TRUTH, rating, 2 * rating + 1)
    assert (same.difference, same.se) == (0, 0)
    assert math.isnan(same.p)
    assert "never differ" in str(same.reason)
    perfect = roc_comparison.compare_aucs(TRUTH, rating, np.where(TRUTH == "generated", 4.0, -4.0))
    assert math.isnan(perfect.se)
    assert "no variance" in str(perfect.reason)
    tied = roc_comparison.compare_independent_aucs(roc.roc_auc(TRUTH, np.ones(100)), roc.roc_auc(TRUTH, rating))
    assert math.isnan(tied.p)
    one_class = roc_comparison.compare_aucs(["real"] * 3, [1, 2, 3], [3, 2, 1])
    assert math.isnan(one_class.difference)
    assert "undefined" in str(one_class.reason)
    single = roc_comparison.compare_aucs(["real", "real", "generated"], [1, 2, 3], [3, 2, 1])
    assert (single.first, single.second) == (1, 0)
    assert "fewer than two" in str(single.reason)
    with refuses("unequal-lengths") as caught:
        roc_comparison.compare_aucs(["real", "real", "generated"], [1, 2, 3], [3, 2])
    assert "3 truths and 2 ratings" in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(PAIRS, PAIRS)
def test_swapping_turns_the_sign(generated: list[tuple[int, int]], real: list[tuple[int, int]]) -> None:
    rows = generated + real
    truth = ["generated"] * len(generated) + ["real"] * len(real)
    swapped = ["real"] * len(generated) + ["generated"] * len(real)
    first, second = ([row[k] for row in rows] for k in (0, 1))
    base = roc_comparison.compare_aucs(truth, first, second)
    for other in (
        roc_comparison.compare_aucs(truth, second, first),
        roc_comparison.compare_aucs(swapped, first, second),
    ):
        assert other.difference == pytest.approx(-base.difference)
        assert (other.se, other.p) == pytest.approx((base.se, base.p), abs=1e-9, nan_ok=True)
    backwards = roc_comparison.compare_aucs(truth[::-1], first[::-1], second[::-1])
    assert (backwards.difference, backwards.p) == pytest.approx((base.difference, base.p), abs=1e-9, nan_ok=True)


def _ratings(
    rng: np.random.Generator, dprime: float, shared: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    noise = rng.standard_normal(TRUTH.size)
    if shared is not None:
        noise = (noise + shared) / math.sqrt(2)
    return np.floor(2 * (noise + dprime * (TRUTH == "generated"))).clip(-4, 4)


def _brute_force_covariance(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], generated: int
) -> npt.NDArray[np.float64]:
    rows, columns = [], []
    for scores in (first, second):
        x, y = scores[:generated], scores[generated:]
        wins = np.array([[1.0 if a > b else 0.5 if a == b else 0.0 for b in y] for a in x])
        rows.append(wins.mean(axis=1) - wins.mean())
        columns.append(wins.mean(axis=0) - wins.mean())
    m, n = generated, first.size - generated
    return np.array(
        [
            [
                sum(a * b for a, b in zip(rows[i], rows[j], strict=True)) / (m - 1) / m
                + sum(a * b for a, b in zip(columns[i], columns[j], strict=True)) / (n - 1) / n
                for j in (0, 1)
            ]
            for i in (0, 1)
        ]
    )
