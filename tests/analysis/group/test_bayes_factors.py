"""Bayes factors against R's BayesFactor, pingouin, and integrals done another way."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import cauchy, chi2, nct, norm
from scipy.stats import t as student

from analysis.group import bayes_factors
from analysis.group.bayes_factors import BayesFactor, Direction
from analysis.group.equivalence import equivalence_test

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "reference" / "evidence.json").read_text("utf-8"))
SAMPLES: dict[str, list[float]] = {name: one["values"] for name, one in REFERENCE["jzs"].items()}
DIRECTIONS: list[Direction] = ["two-sided", "greater", "less"]
# Student's sleep data: extra hours of sleep, first drug minus second.
SLEEP = [-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4]
VALUES = st.lists(st.integers(-200, 200).map(lambda n: n / 100), min_size=3, max_size=12).filter(
    lambda values: max(values) - min(values) > 0.3
)


@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES.keys())
def test_jzs_is_that_of_the_bayesfactor_package(values: list[float]) -> None:
    """Two-sided and one-sided, at two scales, to 1e-8 of the value."""
    (reference,) = (one["BayesFactor"] for one in REFERENCE["jzs"].values() if one["values"] == values)
    for one in reference:
        for direction in DIRECTIONS:
            result = bayes_factors.bayes_factor(values, one["scale"], direction)
            assert result.bf10 == pytest.approx(one[direction.replace("-", "_")], rel=1e-8)
            assert result.bf01 == pytest.approx(1 / result.bf10)
            assert result.log_bf10 == pytest.approx(math.log(result.bf10))


def test_jzs_of_the_sleep_data_is_as_published() -> None:
    """17.259, in the manual of BayesFactor (paired t test, r = .707)."""
    assert bayes_factors.bayes_factor(SLEEP).bf10 == pytest.approx(17.259, abs=5e-4)


@pytest.mark.parametrize(("t", "n"), [(0.0, 4), (0.8, 10), (-2.5, 20), (6.0, 50)])
def test_two_sided_jzs_is_pingouins(t: float, n: int) -> None:
    assert bayes_factors.bayes_factor(_with_t(t, n)).bf10 == pytest.approx(
        float(pingouin.bayesfactor_ttest(t, n)), rel=2e-3
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("t", "n"), [(0.3, 5), (2.2, 12), (-1.4, 30)])
def test_jzs_is_an_integral_over_the_effect(t: float, n: int, direction: Direction) -> None:
    """By its definition: the noncentral t density of t, averaged over the Cauchy prior of the effect."""

    def integrand(effect: float) -> float:
        return float(nct.pdf(t, n - 1, math.sqrt(n) * effect) * cauchy.pdf(effect, scale=bayes_factors.JZS_SCALE))

    low, high = {"two-sided": (-10, 10), "greater": (0, 10), "less": (-10, 0)}[direction]
    density = quad(integrand, low, high, points=[t / math.sqrt(n)] if low < t / math.sqrt(n) < high else None)[0]
    expected = (1 if direction == "two-sided" else 2) * density / student.pdf(t, n - 1)
    assert bayes_factors.bayes_factor(_with_t(t, n), direction=direction).bf10 == pytest.approx(expected, rel=1e-5)


def test_largest_evidence_for_no_effect_grows_slowly() -> None:
    """The check values of the notes: 4 observers never give more than 2.34, 10 than 3.24, 50 than 6.5."""
    assert [round(bayes_factors.largest_bf01(n), 2) for n in (4, 10, 50)] == [2.34, 3.24, 6.5]
    at_zero = bayes_factors.bayes_factor([-0.2, 0.2, 0.5, -0.5])
    assert at_zero.bf01 == pytest.approx(at_zero.largest_bf01)
    for values in SAMPLES.values():
        result = bayes_factors.bayes_factor(values)
        assert result.bf01 < result.largest_bf01 == bayes_factors.largest_bf01(len(values))


@pytest.mark.slow
@pytest.mark.parametrize(
    "function",
    [
        bayes_factors.bayes_factor,
        lambda values, direction="two-sided": bayes_factors.informed_bayes_factor(values, 0.3, direction),
    ],
)
@settings(max_examples=40, deadline=None)
@given(values=VALUES)
def test_one_sided_factors_average_to_the_two_sided(function: Callable[..., BayesFactor], values: list[float]) -> None:
    two, greater, less = (function(values, direction=direction) for direction in DIRECTIONS)
    assert (greater.bf10 + less.bf10) / 2 == pytest.approx(two.bf10, rel=1e-6)
    mirrored = function([-value for value in values], direction="less")
    assert mirrored.log_bf10 == pytest.approx(greater.log_bf10, abs=1e-8)


def test_jzs_holds_for_overwhelming_data() -> None:
    """1,000 observers at t = 30 to 150, where tail probabilities underflow: "less" neither vanishes nor grows."""
    wrong = [bayes_factors.bayes_factor(_with_t(t, 1000), direction="less").bf10 for t in (30, 60, 100, 150)]
    assert all(0.0005 < later < earlier < 0.002 for earlier, later in pairwise(wrong))
    huge = bayes_factors.bayes_factor(_with_t(100, 1000))
    assert math.isnan(huge.bf10)
    assert huge.log_bf10 == pytest.approx(1193, abs=1)
    assert "logarithm" in str(huge.reason)


@pytest.mark.slow
@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES.keys())
@pytest.mark.parametrize("effect", [0.05, 0.3, 2.0])
def test_informed_factor_is_an_integral_over_the_variance(values: list[float], effect: float) -> None:
    """The other order of integration: given σ all is normal, and σ² has its posterior under 1/σ² and a flat mean."""
    n, mean, sd = len(values), np.mean(values), np.std(values, ddof=1)

    def average(of_variance: Callable[[float], float]) -> float:
        return float(quad(lambda x: of_variance((n - 1) * sd**2 / n / x) * chi2.pdf(x, n - 1), 0, 40 * n, limit=400)[0])

    def under(squared_error: float) -> float:
        return float(norm.pdf(mean, scale=math.sqrt(squared_error + effect**2)))

    def positive(squared_error: float) -> float:
        shrunk = mean * effect / math.sqrt(squared_error * (squared_error + effect**2))
        return 2 * under(squared_error) * float(norm.cdf(shrunk))

    none = average(lambda squared_error: float(norm.pdf(mean, scale=math.sqrt(squared_error))))
    assert bayes_factors.informed_bayes_factor(values, effect).bf10 == pytest.approx(average(under) / none, rel=1e-6)
    assert bayes_factors.informed_bayes_factor(values, effect, "greater").bf10 == pytest.approx(
        average(positive) / none, rel=1e-6
    )


def test_informed_factor_of_many_observers_is_the_normal_one() -> None:
    """With a known standard error: √(se² / (se² + effect²)) exp(t² effect² / (se² + effect²) / 2)."""
    values = _with_t(1.5, 20000) * 3  # an SD of 3
    se, effect = 3 / math.sqrt(20000), 0.05
    share = effect**2 / (se**2 + effect**2)
    expected = math.sqrt(1 - share) * math.exp(1.5**2 * share / 2)
    assert bayes_factors.informed_bayes_factor(values, effect).bf10 == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES.keys())
def test_interval_factor_is_posterior_over_prior_odds(values: list[float]) -> None:
    result = bayes_factors.interval_bayes_factor(values, 0.3, 0.5)
    se = np.std(values, ddof=1) / math.sqrt(len(values))

    def posterior(mean: float) -> float:
        return float(student.pdf((np.mean(values) - mean) / se, len(values) - 1) * norm.pdf(mean, scale=0.5))

    inside = quad(posterior, -0.3, 0.3, points=[float(np.mean(values))], epsabs=0, epsrel=1e-10)[0]
    outside = sum(quad(posterior, *part, epsabs=0, epsrel=1e-9)[0] for part in ((-8, -0.3), (0.3, 8)))
    prior = norm.cdf(0.3, scale=0.5) - norm.cdf(-0.3, scale=0.5)
    assert result.prior_inside == pytest.approx(prior)
    assert result.posterior_inside == pytest.approx(inside / (inside + outside), rel=1e-6)
    assert result.bf_inside == pytest.approx(inside / outside * (1 - prior) / prior, rel=1e-6)
    assert result.bf_outside == pytest.approx(1 / result.bf_inside)


def test_a_small_interval_is_a_point() -> None:
    values = SAMPLES["ten_above"]
    assert bayes_factors.interval_bayes_factor(values, 1e-4, 0.5).bf_inside == pytest.approx(
        bayes_factors.informed_bayes_factor(values, 0.5).bf01, rel=1e-3
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [([], "no participant"), ([math.nan], "no participant"), ([0.5, math.nan], "one"), ([0.2] * 5, "same value")],
)
def test_without_spread_there_is_no_evidence(values: list[float], reason: str) -> None:
    equivalence, factor = equivalence_test(values, 0.3), bayes_factors.bayes_factor(values)
    interval, informed = (
        bayes_factors.interval_bayes_factor(values, 0.3, 1),
        bayes_factors.informed_bayes_factor(values, 0.3),
    )
    assert math.isnan(equivalence.p)
    assert math.isnan(equivalence.low)
    assert not equivalence.equivalent
    assert math.isnan(factor.bf10)
    assert math.isnan(informed.bf01)
    assert math.isnan(interval.bf_inside)
    assert math.isnan(interval.posterior_inside)
    assert all(reason in str(one.reason) for one in (equivalence, factor, interval, informed))


def test_undefined_values_are_counted_and_left_out() -> None:
    values = SAMPLES["ten_above"]
    for function in (
        bayes_factors.bayes_factor,
        lambda one: equivalence_test(one, 0.3),
        lambda one: bayes_factors.interval_bayes_factor(one, 0.3, 1),
    ):
        plain, gap = function(values), function([math.nan, *values, math.nan])
        assert (gap.n, gap.undefined, plain.undefined) == (10, 2, 0)
        assert {**gap.to_dict(), "undefined": 0} == plain.to_dict()


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("out-of-range") as caught:
        equivalence_test([0.1, 0.2], -0.3)
    assert "bound -0.3" in str(caught.value)
    with refuses("out-of-range") as caught:
        equivalence_test([0.1, 0.2], 0.3, alpha=0.5)
    assert "alpha 0.5" in str(caught.value)
    with refuses("not-a-number") as caught:
        bayes_factors.bayes_factor([0.1, math.inf])
    assert "value 1" in str(caught.value)
    with refuses("out-of-range"):
        bayes_factors.bayes_factor([0.1, 0.2], scale=math.nan)
    with refuses("out-of-range") as caught:
        bayes_factors.informed_bayes_factor([0.1, 0.2], 0)
    assert "effect 0" in str(caught.value)
    with refuses("out-of-range"):
        bayes_factors.interval_bayes_factor([0.1, 0.2], 3, 0.3)
    with refuses("too-few-participants"):
        bayes_factors.largest_bf01(1)


def _with_t(t: float, n: int) -> Any:
    """n values with an SD of 1 and the t statistic `t`."""
    values = np.arange(n, dtype=float)
    values = (values - values.mean()) / values.std(ddof=1)
    return values + t / math.sqrt(n)
