"""Intervals against scipy and published formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import bootstrap, norm, t, ttest_1samp
from statsmodels.stats.weightstats import DescrStatsW

from analysis import intervals


def test_bca_is_scipys_on_its_own_resamples() -> None:
    """One sample of 15 exponential times, its mean: same draws, same bounds (scipy.stats.bootstrap, to 1e-12)."""
    times = np.random.default_rng(1).exponential(size=15)
    theirs = bootstrap((times,), np.mean, n_resamples=999, confidence_level=0.9, method="BCa", rng=2)
    without = np.array([np.mean(np.delete(times, i)) for i in range(times.size)])
    influence = (times.size - 1) * (without.mean() - without)
    draws = theirs.bootstrap_distribution
    bias = intervals.median_bias(draws, float(np.mean(times)))
    acceleration = intervals.acceleration([(influence, np.ones(times.size, dtype=int))])
    # Of a mean, a is a sixth of the skewness over √n (Efron & Tibshirani 1993, 14.3).
    skewness = np.mean((times - times.mean()) ** 3) / np.std(times) ** 3
    assert acceleration == pytest.approx(skewness / 6 / math.sqrt(times.size))
    ours = intervals.bca(draws, bias, acceleration, 0.9)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)


def test_without_bias_and_acceleration_bca_is_the_percentile_interval() -> None:
    draws = np.random.default_rng(1).normal(size=500)
    assert intervals.bca(draws, 0, 0, 0.9) == pytest.approx(intervals.percentile(draws, 0.9))
    np.testing.assert_array_equal(intervals.bca(draws, math.inf, 0, 0.9), [math.nan, math.nan])
    np.testing.assert_array_equal(intervals.bca(draws, 0, math.nan, 0.9), [math.nan, math.nan])


def test_repeated_units_may_be_counted() -> None:
    values = np.array([-0.5, 0.25, 1.0])
    spelt_out = [(np.repeat(values, [3, 1, 2]), np.ones(6, dtype=int))]
    assert intervals.acceleration([(values, np.array([3, 1, 2]))]) == pytest.approx(intervals.acceleration(spelt_out))
    assert math.isnan(intervals.acceleration([(np.zeros(3), np.ones(3, dtype=int))]))


def test_median_bias_counts_ties_half() -> None:
    assert intervals.median_bias(np.array([1.0, 2, 2, 3]), 2.0) == 0
    assert intervals.median_bias(np.array([1.0, 2, 3, 4]), 1.5) == pytest.approx(norm.ppf(0.25))


def test_normal_and_logit() -> None:
    assert intervals.normal(1.0, 0.5, 0.95) == pytest.approx((1 - 0.979982, 1 + 0.979982), abs=1e-6)
    low, high = intervals.logit(0.8, 0.05, 0.95)
    margin = 1.959964 * 0.05 / 0.16
    assert math.log(low / (1 - low)) == pytest.approx(math.log(4) - margin, abs=1e-6)
    assert math.log(high / (1 - high)) == pytest.approx(math.log(4) + margin, abs=1e-6)
    np.testing.assert_array_equal(intervals.logit(1.0, 0.0, 0.95), [math.nan, math.nan])


@pytest.mark.parametrize("level", [0, 1, 95, math.nan])
def test_a_level_that_is_no_share_is_refused(level: float, refuses: Any) -> None:
    with refuses("out-of-range"):
        intervals.critical(level)


def test_t_interval_and_tests_are_scipys_and_statsmodels() -> None:
    values = np.random.default_rng(1).normal(0.52, 0.05, 9)
    found = intervals.t_interval(values.mean(), values.var(ddof=1) / 9, 8, null=0.5, level=0.9, delta=0.07)
    expected = ttest_1samp(values, 0.5)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    assert found.p_equivalence == pytest.approx(DescrStatsW(values).ttost_mean(0.43, 0.57)[0])


def test_infinite_degrees_of_freedom_are_the_normal_distribution() -> None:
    found = intervals.t_interval(0.6, 0.0025, math.inf, null=0.5, level=0.95)
    assert (found.low, found.high) == pytest.approx((0.6 - 1.959964 * 0.05, 0.6 + 1.959964 * 0.05))
    assert found.p == pytest.approx(2 * norm.sf(2))
    assert math.isnan(found.p_equivalence)


def test_the_t_interval_is_cut_at_the_limits() -> None:
    found = intervals.t_interval(0.98, 0.01, 5, null=0.5, level=0.9, limits=(0, 1))
    assert found.high == 1
    assert found.low > 0.7


@pytest.mark.parametrize("variance", [0.0, -1e-6, math.nan])
def test_no_variance_is_no_t_interval(variance: float) -> None:
    found = intervals.t_interval(0.5, variance, 5, null=0.5, level=0.9, delta=0.1)
    assert all(math.isnan(one) for one in found[:-1])
    assert "not positive" in str(found.reason)


@pytest.mark.parametrize(("level", "delta"), [(0, 0.1), (1, 0.1), (90, 0.1), (0.9, 0), (0.9, -0.1), (0.9, math.nan)])
def test_wrong_level_and_delta_are_refused(level: float, delta: float, refuses: Any) -> None:
    with refuses("out-of-range"):
        intervals.t_interval(0.5, 0.01, 5, null=0.5, level=level, delta=delta)


def test_tails_of_few_units_are_the_expanded_ones() -> None:
    """n = 10: Φ(−√(10/9) · 2.262) = .0086 in place of .025; for large n the plain percentiles."""
    draws = np.linspace(0, 1, 100_001)
    tail = norm.cdf(-math.sqrt(10 / 9) * t.ppf(0.975, 9))
    assert tail == pytest.approx(0.0086, abs=5e-5)
    assert intervals.expanded_percentile(draws, 10, 0.95) == pytest.approx((tail, 1 - tail), abs=1e-6)
    assert intervals.expanded_percentile(draws, 10**6, 0.95) == pytest.approx((0.025, 0.975), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "least"), [(5, 0.87), (10, 0.91)])
def test_bootstrap_mean_is_covered(n: int, least: float) -> None:
    """300 samples of n normals (standard error .013): .91 at n = 5, .94 at 10; plain percentiles .84 and .90."""
    rng = np.random.default_rng(n)
    found = [intervals.bootstrap_mean(rng.standard_normal(n), 0.95, rng) for _ in range(300)]
    assert least < np.mean([low <= 0 <= high for low, high, _ in found]) < 0.98


def test_bootstrap_bounds_are_undefined_with_one_unit_or_no_value() -> None:
    assert all(math.isnan(one) for one in intervals.expanded_percentile(np.array([1.0, 2]), 1, 0.95))
    assert all(math.isnan(one) for one in intervals.expanded_percentile(np.full(3, np.nan), 5, 0.95))
    assert intervals.expanded_percentile(np.array([np.nan, 2.0, 2]), 5, 0.95) == (2, 2)
    rng = np.random.default_rng(0)
    assert intervals.bootstrap_mean(np.array([1.0]), 0.95, rng)[2] == "one participant: no interval"
    low, _, reason = intervals.bootstrap_mean(np.array([1.0, 1]), 0.95, rng)
    assert math.isnan(low)
    assert "same value" in str(reason)
