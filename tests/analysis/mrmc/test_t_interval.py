"""The t interval and its two tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp
from statsmodels.stats.weightstats import DescrStatsW

from analysis.mrmc.t_interval import interval
from data.errors import LookalikeError


def test_interval_and_tests_are_scipys_and_statsmodels() -> None:
    values = np.random.default_rng(1).normal(0.52, 0.05, 9)
    found = interval(values.mean(), values.var(ddof=1) / 9, 8, null=0.5, level=0.9, delta=0.07)
    expected = ttest_1samp(values, 0.5)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    assert found.p_equivalence == pytest.approx(DescrStatsW(values).ttost_mean(0.43, 0.57)[0])


def test_infinite_degrees_of_freedom_are_the_normal_distribution() -> None:
    found = interval(0.6, 0.0025, math.inf, null=0.5, level=0.95)
    assert (found.low, found.high) == pytest.approx((0.6 - 1.959964 * 0.05, 0.6 + 1.959964 * 0.05))
    assert found.p == pytest.approx(2 * norm.sf(2))
    assert math.isnan(found.p_equivalence)


def test_the_interval_is_cut_at_the_limits() -> None:
    found = interval(0.98, 0.01, 5, null=0.5, level=0.9, limits=(0, 1))
    assert found.high == 1
    assert found.low > 0.7


@pytest.mark.parametrize("variance", [0.0, -1e-6, math.nan])
def test_no_variance_is_no_interval(variance: float) -> None:
    found = interval(0.5, variance, 5, null=0.5, level=0.9, delta=0.1)
    assert all(math.isnan(one) for one in found[:-1])
    assert "not positive" in str(found.reason)


@pytest.mark.parametrize(("level", "delta"), [(0, 0.1), (1, 0.1), (90, 0.1), (0.9, 0), (0.9, -0.1), (0.9, math.nan)])
def test_wrong_level_and_delta_are_refused(level: float, delta: float) -> None:
    with pytest.raises(LookalikeError, match="must"):
        interval(0.5, 0.01, 5, null=0.5, level=level, delta=delta)
