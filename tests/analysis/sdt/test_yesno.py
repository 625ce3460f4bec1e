"""d′, c and their uncertainty against published, hand-worked and exact values."""

from __future__ import annotations

import doctest
import itertools
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from analysis.sdt import yesno

COUNT = st.integers(0, 60)


def test_the_docstrings_example() -> None:
    ran = doctest.testmod(yesno)
    assert (ran.attempted > 0, ran.failed) == (True, 0)


def test_faces_of_macmillan_and_creelman() -> None:
    """Detection Theory (2005), ch. 1: 20 hits of 25, 10 false alarms of 25."""
    result = yesno.dprime(20, 5, 10, 15, correction="none")
    assert result.dprime == pytest.approx(1.095, abs=5e-4)
    assert result.criterion == pytest.approx(-0.294, abs=5e-4)
    assert (result.hit_rate, result.false_alarm_rate, result.accuracy) == (0.8, 0.4, 0.7)


def test_standard_error_of_a_published_a_not_a_experiment() -> None:
    """90 of 100 and 61 of 100: d′ 1.0022325, variance .0453817 (Preprints 202409.2372, section 3.1, A-not-A)."""
    result = yesno.dprime(90, 10, 61, 39, correction="none")
    assert result.dprime == pytest.approx(1.0022325, abs=1e-6)
    assert result.se**2 == pytest.approx(0.0453817, abs=1e-6)


def test_bias_indices_of_the_faces() -> None:
    """By hand from H .8 and F .4, z .8416 and −.2533: c′ = c/d′ and ln β = c d′ (Macmillan & Creelman, ch. 2)."""
    result = yesno.dprime(20, 5, 10, 15, correction="none")
    assert result.relative_criterion == pytest.approx(-0.2941 / 1.0950, abs=1e-4)
    assert result.ln_beta == pytest.approx((0.2533**2 - 0.8416**2) / 2, abs=1e-4)
    assert result.ln_beta == pytest.approx(result.criterion * result.dprime, abs=1e-12)
    assert result.b_double_prime_d == pytest.approx((0.2 * 0.6 - 0.8 * 0.4) / (0.2 * 0.6 + 0.8 * 0.4))
    assert result.a_prime == pytest.approx(0.5 + 0.4 * 1.4 / (4 * 0.8 * 0.6))


def test_ln_beta_is_the_likelihood_ratio_at_the_criterion() -> None:
    """H .70 and F .10 give d′ 1.806 and β 1.981 in W. Schneider's published notes on signal detection."""
    result = yesno.dprime(70, 30, 10, 90, correction="none")
    assert result.dprime == pytest.approx(1.806, abs=1e-3)
    assert math.exp(result.ln_beta) == pytest.approx(1.981, abs=2e-3)
    ratio = norm.pdf(result.criterion, result.dprime / 2) / norm.pdf(result.criterion, -result.dprime / 2)
    assert math.exp(result.ln_beta) == pytest.approx(ratio)


@pytest.mark.parametrize(("hits", "false_alarms"), [(20, 10), (10, 20), (24, 1), (1, 24), (13, 12), (25, 10), (10, 25)])
def test_a_prime_is_midway_between_the_areas_that_one_point_allows(hits: int, false_alarms: int) -> None:
    """Pollack & Norman (1964): a proper ROC through (F, H) runs within the lines through it and the corners."""
    result = yesno.dprime(hits, 25 - hits, false_alarms, 25 - false_alarms, correction="none")
    h, f = max(hits, false_alarms) / 25, min(hits, false_alarms) / 25
    least = f * h / 2 + (1 - f) * (h + 1) / 2
    # The lines from the corners, drawn on beyond the point, enclose two triangles with that area's edge.
    most = least + (1 - f / h) * (1 - h) / 2 + f * (h - f) / (1 - f) / 2
    middle = (least + most) / 2
    assert result.a_prime == pytest.approx(middle if hits > false_alarms else 1 - middle)


def test_criterion_has_half_the_error_of_dprime_and_its_interval_covers() -> None:
    """Var(c) = Var(zH + zF) / 4. Exact coverage of the nominal 95% interval over all outcomes, 25 + 25 trials."""
    result = yesno.dprime(20, 5, 10, 15)
    assert result.criterion_se == pytest.approx(result.se / 2)
    assert result.criterion_high - result.criterion == pytest.approx(1.959964 * result.se / 2, rel=1e-6)
    low, high = (_every_outcome(25, "log-linear", bound) for bound in ("criterion_low", "criterion_high"))
    for criterion, dprime in itertools.product((0.0, 0.5), (0.0, 1.0, 3.0)):
        inside = (low <= criterion) & (criterion <= high)
        assert np.sum(_weights(dprime, criterion, 25) * inside) >= 0.946


def test_relative_criterion_is_undefined_at_dprime_0_and_nothing_else_is() -> None:
    result = yesno.dprime(5, 20, 5, 20)
    assert result.dprime == 0
    assert math.isnan(result.relative_criterion)
    assert "d′ is 0" in str(result.relative_criterion_reason)
    assert (result.reason, result.ln_beta, result.a_prime) == (None, 0, 0.5)
    assert result.criterion > 0
    assert result.b_double_prime_d > 0
    # The same rate from other numbers of trials.
    assert yesno.dprime(5, 5, 10, 10).dprime == 0
    assert yesno.dprime(20, 5, 10, 15).relative_criterion_reason is None


def test_indices_that_need_no_z_survive_uncorrected_extremes() -> None:
    perfect = yesno.dprime(25, 0, 0, 25, correction="none")
    assert perfect.a_prime == 1
    assert math.isnan(perfect.b_double_prime_d)
    assert yesno.dprime(0, 25, 25, 0, correction="none").a_prime == 0
    never = yesno.dprime(0, 25, 0, 25, correction="none")
    assert (never.a_prime, never.b_double_prime_d) == (0.5, 1)
    assert math.isnan(never.ln_beta)
    assert never.relative_criterion_reason == never.reason


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_no_share_is_refused(level: float, refuses: Any) -> None:
    with refuses("out-of-range"):
        yesno.dprime(20, 5, 10, 15, level=level)


def test_log_linear_adds_half_a_trial_always() -> None:
    """Hautus (1995), worked by hand: (20.5 / 26, 10.5 / 26), and (25.5 / 26, .5 / 26) for perfect answers."""
    result = yesno.dprime(20, 5, 10, 15)
    assert result.dprime == pytest.approx(norm.ppf(20.5 / 26) - norm.ppf(10.5 / 26), abs=1e-12)
    assert result.dprime == pytest.approx(1.0445, abs=5e-4)
    perfect = yesno.dprime(25, 0, 0, 25)
    assert perfect.dprime == pytest.approx(4.140, abs=1e-3)
    assert perfect.criterion == pytest.approx(0, abs=1e-12)
    # The rates that are reported stay what was observed.
    assert (perfect.hit_rate, perfect.false_alarm_rate) == (1, 0)


@pytest.mark.parametrize("dprime", [1.0, 2.0, 3.0])
def test_log_linear_underestimates_as_hautus_showed(dprime: float) -> None:
    """Exact expectation over all outcomes, 25 + 25 trials: never above the truth, unlike `replace` at d′ = 2."""
    assert _expectation(dprime, 25, "log-linear") < dprime
    assert _expectation(2.0, 25, "replace") > 2.0


@pytest.mark.slow
@pytest.mark.parametrize("dprime", [0.0, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("trials", [25, 50])
def test_interval_covers(dprime: float, trials: int) -> None:
    """Exact coverage of the nominal 95% interval, unbiased and biased."""
    low, high = (_every_outcome(trials, "log-linear", bound) for bound in ("low", "high"))
    inside = (low <= dprime) & (dprime <= high)
    for criterion in (0.0, 0.5):
        assert 0.944 <= np.sum(_weights(dprime, criterion, trials) * inside) <= 0.968


def test_standard_error_of_a_hundred_trials_at_chance() -> None:
    """Gourevitch & Galanter (1967) at H = F = .5 and n = 50: sqrt(2 · .25 / 50 · 2π)."""
    result = yesno.dprime(25, 25, 25, 25)
    assert result.se == pytest.approx(math.sqrt(2 * 0.25 / 50 * 2 * math.pi))
    assert result.se == pytest.approx(0.251, abs=5e-4)
    assert (result.low, result.high) == pytest.approx((-1.96 * result.se, 1.96 * result.se), rel=1e-4)
    assert yesno.dprime(25, 25, 25, 25, level=0.9).high == pytest.approx(1.6449 * result.se, rel=1e-4)


def test_replace_touches_only_the_extremes() -> None:
    plain, replaced = (yesno.dprime(20, 5, 10, 15, correction=word) for word in ("none", "replace"))
    assert replaced.dprime == plain.dprime
    extreme = yesno.dprime(25, 0, 10, 15, correction="replace")
    assert extreme.dprime == pytest.approx(norm.ppf(1 - 0.5 / 25) - norm.ppf(0.4))
    assert yesno.dprime(0, 25, 10, 15, correction="replace").dprime == pytest.approx(norm.ppf(0.5 / 25) - norm.ppf(0.4))


@pytest.mark.parametrize(
    ("counts", "named"),
    [
        ((25, 0, 10, 15), ["hit rate is 1"]),
        ((20, 5, 0, 25), ["false-alarm rate is 0"]),
        ((0, 9, 9, 0), ["hit", "false"]),
    ],
)
def test_uncorrected_extremes_are_undefined_with_a_reason(counts: tuple[int, int, int, int], named: list[str]) -> None:
    result = yesno.dprime(*counts, correction="none")
    assert all(math.isnan(value) for value in (result.dprime, result.criterion, result.se, result.low, result.high))
    assert all(word in str(result.reason) for word in named)


@pytest.mark.parametrize("correction", ["log-linear", "replace", "none"])
def test_one_class_is_undefined_and_never_half(correction: yesno.Correction) -> None:
    """With no trials of a class the log-linear formula alone would call the rate .5."""
    result = yesno.dprime(12, 3, 0, 0, correction=correction)
    assert math.isnan(result.dprime)
    assert math.isnan(result.false_alarm_rate)
    assert result.reason == "no real image was answered"
    assert (result.hit_rate, result.accuracy) == (0.8, 0.8)


def test_nothing_answered() -> None:
    result = yesno.dprime_from_responses(["real", "generated"], [None, np.nan])
    assert result.unanswered == 2
    assert math.isnan(result.accuracy)
    assert result.reason == "no generated and no real image was answered"


def test_counts_follow_the_words() -> None:
    truth = ["generated", "generated", "generated", "real", "real", "real", "real"]
    response = ["generated", "generated", "real", "generated", "real", "real", None]
    result = yesno.dprime_from_responses(truth, response)
    counted = (result.hits, result.misses, result.false_alarms, result.correct_rejections, result.unanswered)
    assert counted == (2, 1, 1, 2, 1)
    assert result.to_dict()["hits"] == 2


@pytest.mark.parametrize(
    ("truth", "response", "code", "fact"),
    [
        (["fake"], ["real"], "unknown-word", "fake"),
        (["real"], ["Real"], "unknown-word", "Real"),
        (["real", "real"], ["real"], "unequal-lengths", "2 truths and 1"),
    ],
)
def test_other_words_are_refused(truth: list[str], response: list[str], code: str, fact: str, refuses: Any) -> None:
    with refuses(code) as caught:
        yesno.dprime_from_responses(truth, response)
    assert fact in str(caught.value)


def test_negative_counts_are_refused(refuses: Any) -> None:
    with refuses("out-of-range"):
        yesno.dprime(-1, 5, 10, 15)


@settings(max_examples=60, deadline=None)
@given(COUNT, COUNT, COUNT, COUNT)
def test_swapping_labels_flips_the_sign(hits: int, misses: int, false_alarms: int, rejections: int) -> None:
    """Calling real images the signal, with the same answers, turns d′ round and leaves its SE and c."""
    a = yesno.dprime(hits, misses, false_alarms, rejections)
    b = yesno.dprime(false_alarms, rejections, hits, misses)
    assert b.dprime == pytest.approx(-a.dprime, nan_ok=True)
    assert b.criterion == pytest.approx(a.criterion, nan_ok=True)
    assert b.se == pytest.approx(a.se, nan_ok=True)
    assert b.ln_beta == pytest.approx(-a.ln_beta, nan_ok=True)
    assert b.a_prime == pytest.approx(1 - a.a_prime, nan_ok=True)
    assert b.b_double_prime_d == pytest.approx(a.b_double_prime_d, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(COUNT, COUNT, COUNT, COUNT)
def test_a_value_or_a_reason(hits: int, misses: int, false_alarms: int, rejections: int) -> None:
    result = yesno.dprime(hits, misses, false_alarms, rejections, correction="none")
    assert math.isnan(result.dprime) == (result.reason is not None)


def _weights(dprime: float, criterion: float, trials: int) -> np.ndarray:
    x = np.arange(trials + 1)
    hits = binom.pmf(x, trials, norm.cdf(dprime / 2 - criterion))
    return np.outer(hits, binom.pmf(x, trials, norm.cdf(-dprime / 2 - criterion)))


def _expectation(dprime: float, trials: int, correction: yesno.Correction) -> float:
    return float(np.sum(_weights(dprime, 0, trials) * _every_outcome(trials, correction, "dprime")))


@cache
def _every_outcome(trials: int, correction: yesno.Correction, value: str) -> np.ndarray:
    """A result's value for every number of hits (rows) and false alarms (columns)."""
    counts = range(trials + 1)
    results = [[yesno.dprime(h, trials - h, f, trials - f, correction=correction) for f in counts] for h in counts]
    return np.array([[getattr(one, value) for one in row] for row in results])
