"""Two-alternative forced choice against published, simulated and exact values."""

from __future__ import annotations

import doctest
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from analysis.sdt import two_alternative, yesno

COUNT = st.integers(0, 60)


def test_the_docstrings_example() -> None:
    ran = doctest.testmod(two_alternative)
    assert (ran.attempted > 0, ran.failed) == (True, 0)


def test_published_two_afc() -> None:
    """76 of 100 correct without bias: d′ .9989, variance .037748 (Preprints 202409.2372, section 3.1, as sensR).

    Hacker & Ratcliff's (1979, Percept. Psychophys. 26:168) table gives 1.00 for .76.
    """
    result = two_alternative.two_alternative(38, 12, 12, 38, correction="none")
    assert result.dprime == pytest.approx(0.9989, abs=5e-5)
    assert result.se**2 == pytest.approx(0.037748, abs=5e-7)
    assert (result.criterion, result.accuracy) == (pytest.approx(0, abs=1e-12), 0.76)
    assert result.unbiased_accuracy == pytest.approx(0.76)


@pytest.mark.slow
@pytest.mark.parametrize(("dprime", "bias"), [(0.0, 0.4), (1.0, 0.0), (1.5, -0.5)])
def test_recovers_an_observer_who_compares_the_two_images(dprime: float, bias: float) -> None:
    """400,000 trials: the standard error of d′ is .003–.005. Without the √2 it would be 41% too large."""
    rng = np.random.default_rng(1)
    first = rng.random(400_000) < 0.5
    evidence = rng.standard_normal((first.size, 2))
    evidence[np.arange(first.size), np.where(first, 0, 1)] += dprime
    said_first = (evidence[:, 0] - evidence[:, 1]) / math.sqrt(2) > bias
    words = [np.where(each, "left", "right") for each in (first, said_first)]
    result = two_alternative.two_alternative_from_responses(*words, places=("left", "right"))
    assert result.dprime == pytest.approx(dprime, abs=0.015)
    assert result.criterion == pytest.approx(bias, abs=0.015)
    # Unbiased accuracy is the area under the yes/no ROC (Green's area theorem).
    assert result.unbiased_accuracy == pytest.approx(norm.cdf(dprime / math.sqrt(2)), abs=0.005)


def test_interval_covers() -> None:
    """Exact coverage of the nominal 95% interval over all outcomes, 25 + 25 trials."""
    trials, x = 25, np.arange(26)
    every = [[two_alternative.two_alternative(h, trials - h, f, trials - f) for f in x] for h in x]
    low, high = (np.array([[getattr(one, bound) for one in row] for row in every]) for bound in ("low", "high"))
    for dprime, bias in itertools.product((0.0, 1.0, 2.0), (0.0, 0.5)):
        rates = norm.cdf(dprime / math.sqrt(2) - bias), norm.cdf(-dprime / math.sqrt(2) - bias)
        weights = np.outer(*(binom.pmf(x, trials, rate) for rate in rates))
        assert 0.944 <= np.sum(weights * ((low <= dprime) & (dprime <= high))) <= 0.968


def test_counts_follow_the_words() -> None:
    place = ["first", "first", "first", "second", "second", "second", "second"]
    response = ["first", "first", "second", "first", "second", "second", None]
    result = two_alternative.two_alternative_from_responses(place, response)
    counted = (result.hits, result.misses, result.false_alarms, result.correct_rejections, result.unanswered)
    assert counted == (2, 1, 1, 2, 1)


def test_extremes_and_a_place_that_never_held_it_are_undefined_with_a_reason() -> None:
    perfect = two_alternative.two_alternative(25, 0, 0, 25, correction="none")
    assert math.isnan(perfect.dprime)
    assert math.isnan(perfect.unbiased_accuracy)
    assert "hit rate is 1 and false-alarm rate is 0" in str(perfect.reason)
    one_place = two_alternative.two_alternative(20, 5, 0, 0)
    assert math.isnan(one_place.dprime)
    assert one_place.reason == "no generated-second trial was answered"


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("unknown-word"):
        two_alternative.two_alternative_from_responses(["left"], ["first"])
    with refuses("unknown-word"):
        two_alternative.two_alternative_from_responses(["first"], ["left"])
    with refuses("unequal-lengths") as caught:
        two_alternative.two_alternative_from_responses(["first", "second"], ["first"])
    assert "2 truths and 1" in str(caught.value)
    with refuses("out-of-range"):
        two_alternative.two_alternative(1, -1, 0, 0)


@settings(max_examples=60, deadline=None)
@given(COUNT, COUNT, COUNT, COUNT)
def test_is_the_yes_no_task_but_for_the_root_of_two(hits: int, misses: int, alarms: int, rejections: int) -> None:
    counts = (hits, misses, alarms, rejections)
    two, one = two_alternative.two_alternative(*counts), yesno.dprime(*counts)
    assert two.dprime == pytest.approx(one.dprime / math.sqrt(2), nan_ok=True)
    assert two.criterion == pytest.approx(one.criterion, nan_ok=True)
    assert two.criterion_se == pytest.approx(one.criterion_se, nan_ok=True)
    # Naming the places the other way round leaves d′ and turns the bias.
    turned = two_alternative.two_alternative(rejections, alarms, misses, hits)
    assert (turned.dprime, turned.se) == (pytest.approx(two.dprime, nan_ok=True), pytest.approx(two.se, nan_ok=True))
    assert turned.criterion == pytest.approx(-two.criterion, nan_ok=True)
