"""Bounds from bootstrap draws: tails by hand, coverage with few units."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from analysis.percentile import bounds, mean_bounds


def test_tails_are_the_expanded_ones() -> None:
    """n = 10: Φ(−√(10/9) · 2.262) = .0086 in place of .025; for large n the plain percentiles."""
    draws = np.linspace(0, 1, 100_001)
    tail = norm.cdf(-math.sqrt(10 / 9) * t.ppf(0.975, 9))
    assert tail == pytest.approx(0.0086, abs=5e-5)
    assert bounds(draws, 10, 0.95) == pytest.approx((tail, 1 - tail), abs=1e-6)
    assert bounds(draws, 10**6, 0.95) == pytest.approx((0.025, 0.975), abs=1e-5)


@pytest.mark.parametrize(("n", "least"), [(5, 0.87), (10, 0.91)])
def test_mean_is_covered(n: int, least: float) -> None:
    """300 samples of n normals (standard error .013): .91 at n = 5, .94 at 10; plain percentiles .84 and .90."""
    rng = np.random.default_rng(n)
    intervals = [mean_bounds(rng.standard_normal(n), 0.95, rng) for _ in range(300)]
    assert least < np.mean([low <= 0 <= high for low, high, _ in intervals]) < 0.98


def test_undefined() -> None:
    assert all(math.isnan(one) for one in bounds(np.array([1.0, 2]), 1, 0.95))
    assert all(math.isnan(one) for one in bounds(np.full(3, np.nan), 5, 0.95))
    assert bounds(np.array([np.nan, 2.0, 2]), 5, 0.95) == (2, 2)
    rng = np.random.default_rng(0)
    assert mean_bounds(np.array([1.0]), 0.95, rng)[2] == "one participant: no interval"
    low, _, reason = mean_bounds(np.array([1.0, 1]), 0.95, rng)
    assert math.isnan(low)
    assert "same value" in str(reason)
