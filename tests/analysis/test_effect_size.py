"""Hedges' g: Hedges' exact correction, pingouin, the noncentral t, coverage and bias."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pingouin
import pytest
from scipy.stats import nct

from analysis.effect_size import correction, hedges_g


def test_correction_is_hedges() -> None:
    """Hedges 1981, table 1: c(2) = .5642, c(10) = .9227, c(30) = .9748."""
    assert [round(correction(m), 4) for m in (2, 10, 30)] == [0.5642, 0.9227, 0.9748]


def test_two_groups_are_pingouins_up_to_its_approximate_correction() -> None:
    """pingouin takes 1 − 3 / (4 N − 9), which is within .002 of the exact J for 20 values."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(0.6, 1, 9), rng.normal(0, 1, 11)
    found = hedges_g(one, other)
    assert found.d == pytest.approx(pingouin.compute_effsize(one, other, eftype="cohen"), abs=1e-12)
    assert found.g == pytest.approx(pingouin.compute_effsize(one, other, eftype="hedges"), rel=0.002)


def test_bounds_are_those_noncentralities_of_which_t_is_a_quantile() -> None:
    values = [0.1, 0.4, 0.3, 0.6, 0.2, 0.5]
    found = hedges_g(values)
    t = np.mean(values) / np.std(values, ddof=1) * math.sqrt(6)
    j = correction(5)
    tails = [nct.cdf(t, 5, bound / j * math.sqrt(6)) for bound in (found.low, found.high)]
    assert tails == pytest.approx([0.975, 0.025], abs=1e-6)


def test_null_signs_and_missing_values() -> None:
    values = [0.1, 0.4, 0.3, 0.6]
    assert hedges_g(values, null=0.35).g == pytest.approx(0, abs=1e-12)
    assert hedges_g([-one for one in values]).g == pytest.approx(-hedges_g(values).g)
    assert hedges_g([*values, np.nan]) == hedges_g(values)
    shifted = hedges_g([one + 1 for one in values], values)
    assert shifted.g == pytest.approx(-hedges_g(values, [one + 1 for one in values]).g)


@pytest.mark.parametrize(("values", "reason"), [([0.5], "too few"), ([], "too few"), ([1.0, 1, 1], "the same value")])
def test_too_little_is_undefined(values: list[float], reason: str) -> None:
    found = hedges_g(values)
    assert math.isnan(found.g)
    assert reason in str(found.reason)


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("not-a-number"):
        hedges_g([1.0, math.inf])
    with refuses("out-of-range"):
        hedges_g([1.0, 2.0], level=0)


@pytest.mark.slow
def test_no_bias_and_coverage() -> None:
    """1,000 samples of 8 with a true effect of .8: mean g .8 within .05 (d's is .91), coverage .95 within .02."""
    rng = np.random.default_rng(2)
    found = [hedges_g(rng.normal(0.8, 1, 8)) for _ in range(1000)]
    assert np.mean([one.g for one in found]) == pytest.approx(0.8, abs=0.05)
    # The bounds are multiplied by J as g is, so they cover J times the effect exactly.
    target = correction(7) * 0.8
    assert np.mean([one.low <= target <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)
