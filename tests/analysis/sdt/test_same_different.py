"""Same/different under both models against published values, simulated observers and exact coverage."""

from __future__ import annotations

import doctest
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from analysis.sdt import same_different

COUNT = st.integers(0, 40)
PAIRS = 30


def test_the_docstrings_example() -> None:
    ran = doctest.testmod(same_different)
    assert (ran.attempted > 0, ran.failed) == (True, 0)


def test_published_differencing() -> None:
    """ "Same" of 27 in 100 same pairs and 21 of 100 different ones: d′ 1.023, variance .272.

    Preprints 202409.2372, section 3.1 (same-different), which agrees with sensR and ASTM E2262.
    """
    result = same_different.same_different(79, 21, 73, 27, correction="none").differencing
    assert result.dprime == pytest.approx(1.023, abs=5e-4)
    assert result.se**2 == pytest.approx(0.272, abs=5e-4)


def test_independent_observations_by_hand() -> None:
    """H .75 and F .30: z difference 1.1989, p .7256, (1 + √.4511) / 2 = .8358, z .9775, d′ 1.955."""
    result = same_different.same_different(75, 25, 30, 70, correction="none")
    assert result.z_difference == pytest.approx(1.1989, abs=1e-4)
    assert result.independent.dprime == pytest.approx(1.955, abs=1e-3)


@pytest.mark.parametrize("dprime", [0.8, 2.0])
def test_standard_errors_are_numerical_derivatives(dprime: float) -> None:
    """Delta method with the derivatives taken by finite differences, at a million pairs of each kind."""
    n, step = 10**6, 10**3
    k = 1.2
    hits = round(n * (norm.cdf((dprime - k) / math.sqrt(2)) + norm.cdf((-dprime - k) / math.sqrt(2))))
    alarms = round(n * 2 * norm.cdf(-k / math.sqrt(2)))
    base = _of(hits, alarms, n)
    for model in ("independent", "differencing"):
        up, down, right, left = (
            getattr(_of(hits + a, alarms + b, n), model).dprime
            for a, b in ((step, 0), (-step, 0), (0, step), (0, -step))
        )
        by_hit, by_alarm = ((up - down) / (2 * step / n), (right - left) / (2 * step / n))
        h, f = hits / n, alarms / n
        variance = by_hit**2 * h * (1 - h) / n + by_alarm**2 * f * (1 - f) / n
        assert getattr(base, model).se == pytest.approx(math.sqrt(variance), rel=1e-3)


@pytest.mark.parametrize(("dprime", "k"), [(1.0, 1.0), (2.0, 1.5), (3.0, 2.0)])
def test_recovers_an_observer_who_takes_differences(dprime: float, k: float) -> None:
    """300,000 pairs, decided by |x₁ − x₂| > k."""
    different, same = _evidence(dprime)
    said = [np.abs(pairs[:, 0] - pairs[:, 1]) > k for pairs in (different, same)]
    result = _of_answers(*said)
    assert result.differencing.dprime == pytest.approx(dprime, abs=5 * result.differencing.se)
    assert result.differencing.dprime == pytest.approx(dprime, abs=0.05)


@pytest.mark.parametrize(("dprime", "criterion", "tolerance"), [(1.0, 0.0, 0.03), (2.0, 0.0, 0.03), (2.0, 0.6, 0.05)])
def test_recovers_an_observer_who_uses_the_likelihood_ratio(dprime: float, criterion: float, tolerance: float) -> None:
    """300,000 pairs, decided by cosh(d′(x₁ − x₂)/2) > β cosh(d′(x₁ + x₂)/2); a bias of ln β .6 adds .03 at d′ 2."""
    said = [
        np.log(np.cosh(dprime * (pairs[:, 0] - pairs[:, 1]) / 2) / np.cosh(dprime * pairs.sum(axis=1) / 2)) > criterion
        for pairs in _evidence(dprime)
    ]
    assert _of_answers(*said).independent.dprime == pytest.approx(dprime, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("dprime", [0.0, 1.0, 2.0])
def test_intervals_cover(dprime: float) -> None:
    """Exact coverage of the nominal 95% intervals, 30 + 30 pairs; outcomes rarer than 1e-4 are left out."""
    k = 1.5
    hit = norm.cdf((dprime - k) / math.sqrt(2)) + norm.cdf((-dprime - k) / math.sqrt(2))
    assert 0.944 <= _coverage(dprime, hit, 2 * norm.cdf(-k / math.sqrt(2)), "differencing") <= 0.97
    correct = norm.cdf(dprime / 2) ** 2 + norm.cdf(-dprime / 2) ** 2
    assert 0.944 <= _coverage(dprime, correct, 1 - correct, "independent") <= 0.97


def test_below_chance_no_dprime_is_invented() -> None:
    result = same_different.same_different(8, 12, 11, 9)
    assert result.z_difference < 0
    for model in (result.independent, result.differencing):
        assert math.isnan(model.dprime)
        assert math.isnan(model.se)
        assert "z_difference" in str(model.reason)
        # Chance is not excluded: d′ may be anything from 0 to a bound.
        assert model.low == 0
        assert model.high > 0.5
    hopeless = same_different.same_different(1, 49, 49, 1)
    assert math.isnan(hopeless.independent.high)
    assert math.isnan(hopeless.differencing.high)


def test_at_chance_dprime_is_0_without_an_error() -> None:
    result = same_different.same_different(10, 10, 10, 10)
    for model in (result.independent, result.differencing):
        assert (model.dprime, model.low) == (0, 0)
        assert math.isnan(model.se)
        assert "d′ is 0" in str(model.reason)


def test_extremes_and_one_kind_of_pair() -> None:
    perfect = same_different.same_different(25, 0, 0, 25, correction="none")
    assert math.isnan(perfect.differencing.dprime)
    assert "hit rate is 1" in str(perfect.reason)
    assert same_different.same_different(25, 0, 0, 25).differencing.high > 8
    one_kind = same_different.same_different(0, 0, 5, 5)
    assert one_kind.reason == one_kind.independent.reason == "no different pair was answered"


def test_counts_follow_the_words_and_others_are_refused(refuses: Any) -> None:
    result = same_different.same_different_from_responses(
        ["different", "different", "same", "same"], ["different", "same", None, "same"]
    )
    counted = (result.hits, result.misses, result.false_alarms, result.correct_rejections, result.unanswered)
    assert counted == (1, 1, 0, 1, 1)
    assert "differencing_dprime" in result.to_frame()
    with refuses("unknown-word"):
        same_different.same_different_from_responses(["real"], ["same"])
    with refuses("out-of-range"):
        same_different.same_different(-1, 5, 10, 15)


@settings(max_examples=25, deadline=None)
@given(COUNT, COUNT, COUNT, COUNT)
def test_a_value_or_a_reason_and_bounds_around_it(hits: int, misses: int, alarms: int, rejections: int) -> None:
    result = same_different.same_different(hits, misses, alarms, rejections)
    for model in (result.independent, result.differencing):
        assert math.isnan(model.se) == (model.reason is not None)
        if not math.isnan(model.dprime):
            assert 0 <= model.low <= model.dprime + 1e-6 <= model.high + 2e-6


def _evidence(dprime: float, pairs: int = 300_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    sign = rng.choice([-0.5, 0.5], size=(pairs, 1)) * dprime
    return rng.standard_normal((pairs, 2)) + sign * [1, -1], rng.standard_normal((pairs, 2)) + sign


def _of(hits: int, alarms: int, n: int) -> same_different.SameDifferent:
    return same_different.same_different(hits, n - hits, alarms, n - alarms, correction="none")


def _of_answers(different: np.ndarray, same: np.ndarray) -> same_different.SameDifferent:
    return _of(int(different.sum()), int(same.sum()), different.size)


def _coverage(dprime: float, hit: float, alarm: float, model: str) -> float:
    covered = total = 0.0
    for hits in range(PAIRS + 1):
        for alarms in range(PAIRS + 1):
            weight = binom.pmf(hits, PAIRS, hit) * binom.pmf(alarms, PAIRS, alarm)
            if weight > 1e-4:
                found = getattr(_outcome(hits, alarms), model)
                total += weight
                covered += weight * (found.low <= dprime <= found.high)
    return covered / total


@cache
def _outcome(hits: int, alarms: int) -> same_different.SameDifferent:
    return same_different.same_different(hits, PAIRS - hits, alarms, PAIRS - alarms)
