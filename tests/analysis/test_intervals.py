"""Intervals against scipy and published formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap, norm

from analysis import intervals
from data.errors import LookalikeError


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


def test_plain_and_logit() -> None:
    assert intervals.plain(1.0, 0.5, 0.95) == pytest.approx((1 - 0.979982, 1 + 0.979982), abs=1e-6)
    low, high = intervals.logit(0.8, 0.05, 0.95)
    margin = 1.959964 * 0.05 / 0.16
    assert math.log(low / (1 - low)) == pytest.approx(math.log(4) - margin, abs=1e-6)
    assert math.log(high / (1 - high)) == pytest.approx(math.log(4) + margin, abs=1e-6)
    np.testing.assert_array_equal(intervals.logit(1.0, 0.0, 0.95), [math.nan, math.nan])


@pytest.mark.parametrize("level", [0, 1, 95, math.nan])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    with pytest.raises(LookalikeError, match="level"):
        intervals.quantile(level)
