"""Means over participants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from analysis.group.one_sample import mean


def test_t_interval_is_scipys() -> None:
    values = [0.4, -0.1, 0.25, 0.02, -0.3, 0.6]
    result = mean(values)
    interval = ttest_1samp(values, 0).confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))
    assert result.sd == pytest.approx(np.std(values, ddof=1))


def test_undefined_values_are_counted_not_averaged() -> None:
    result = mean([0.2, math.nan, 0.4])
    assert (result.n, result.undefined) == (2, 1)
    assert result.mean == pytest.approx(0.3)


def test_bounds_cut_the_interval() -> None:
    result = mean([0.9, 1.0, 0.7], bounds=(0, 1))
    assert result.high == 1
    assert result.low < 0.7


@pytest.mark.parametrize(
    ("values", "reason"),
    [([], "no participant"), ([math.nan], "no participant"), ([0.5], "one participant"), ([0.5, 0.5], "same value")],
)
def test_no_interval_without_spread(values: list[float], reason: str) -> None:
    result = mean(values)
    assert math.isnan(result.low)
    assert math.isnan(result.high)
    assert reason in str(result.reason)


def test_no_interval_counts_the_spread_of_a_correction() -> None:
    """d′ of those who err never depends on the correction alone; of those who do not, it does."""
    found = mean([3.03, 3.05, 3.01], corrected=[True, True, False])
    assert math.isnan(found.low)
    assert found.mean == pytest.approx(3.03)
    assert "2 of 3 participants gave only right answers, or only wrong ones, or one answer to everything" in str(
        found.reason
    )
    assert mean([3.03, 3.05, 3.01], corrected=[False] * 3) == mean([3.03, 3.05, 3.01])
