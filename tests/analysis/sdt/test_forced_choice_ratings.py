"""Forced choice with confidence: its d′ is that of the evidence, whatever the criterion."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from analysis.sdt.forced_choice_ratings import ForcedChoiceRatings, forced_choice_ratings
from analysis.sdt.two_alternative import two_alternative_from_responses
from data.errors import LookalikeError

PLACES = ("left", "right")


@pytest.mark.parametrize("criterion", [0.0, 0.8])
@pytest.mark.parametrize("dprime", [0.0, 0.7, 1.5])
def test_it_recovers_dprime_from_the_difference_of_two_images(dprime: float, criterion: float) -> None:
    """100,000 trials of an observer who compares two images of evidence N(0, 1) and N(d′, 1)."""
    place, difference = _trials(100_000, dprime, seed=1)
    response = np.where(difference > criterion, "left", "right")
    found = forced_choice_ratings(place, response, _sure(difference - criterion), PLACES)
    # Six steps of confidence make chords of the curve, which lie a little below it.
    assert found.dprime == pytest.approx(dprime, abs=0.08)
    assert found.dprime <= dprime + 0.02
    assert found.dprime == pytest.approx(two_alternative_from_responses(place, response, PLACES).dprime, abs=0.09)
    assert found.unbiased_accuracy == pytest.approx(norm.cdf(dprime / math.sqrt(2)), abs=0.02)


def test_the_area_is_scikit_learns_and_dprime_its_z() -> None:
    place, difference = _trials(80, 1.0, seed=2)
    response, sure = np.where(difference > 0, "left", "right"), _sure(difference)
    found = forced_choice_ratings(place, response, sure, PLACES)
    expected = roc_auc_score(place == "left", np.where(response == "left", sure, -sure))
    assert found.area == pytest.approx(expected, abs=1e-12)
    assert (found.dprime, found.low, found.high) == pytest.approx(
        tuple(norm.ppf([found.area, found.area_low, found.area_high]))
    )
    assert (found.hit_rate[0], found.false_alarm_rate[-1]) == (0, 1)
    assert ForcedChoiceRatings.from_json(found.to_json()) == found


def test_without_answer_or_confidence_a_trial_does_not_count() -> None:
    place, difference = _trials(40, 1.0, seed=3)
    response, sure = np.where(difference > 0, "left", "right").astype(object), _sure(difference).astype(float)
    response[0], sure[1] = None, np.nan
    found = forced_choice_ratings(place, response, sure, PLACES)
    assert (found.rated, found.unrated) == (38, 2)
    assert found.area == forced_choice_ratings(place[2:], response[2:], sure[2:], PLACES).area


def test_perfect_ratings_have_no_dprime_and_unknown_words_are_refused() -> None:
    place = np.tile(["left", "right"], 10)
    found = forced_choice_ratings(place, place, np.ones(20), PLACES)
    assert (found.area, math.isnan(found.dprime)) == (1, True)
    assert "not finite" in str(found.reason)
    with pytest.raises(LookalikeError) as caught:
        forced_choice_ratings(place, np.full(20, "up"), np.ones(20), PLACES)
    assert caught.value.code == "unknown-word"


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_places_exchanged_are_the_same(seed: int) -> None:
    place, difference = _trials(30, 1.0, seed)
    response, sure = np.where(difference > 0, "left", "right"), _sure(difference)
    a = forced_choice_ratings(place, response, sure, PLACES)
    b = forced_choice_ratings(place, response, sure, PLACES[::-1])
    assert b.area == pytest.approx(a.area, nan_ok=True)
    assert b.dprime == pytest.approx(a.dprime, nan_ok=True)


@pytest.mark.slow
def test_the_interval_covers() -> None:
    """1,000 sessions of 100 pairs (SE .007); the ratings' own d′ in the long run is what is covered."""
    place, difference = _trials(200_000, 1.0, seed=9)
    true = forced_choice_ratings(place, np.where(difference > 0, "left", "right"), _sure(difference), PLACES).dprime
    inside = []
    for seed in range(1000):
        place, difference = _trials(100, 1.0, seed)
        found = forced_choice_ratings(place, np.where(difference > 0, "left", "right"), _sure(difference), PLACES)
        inside.append(found.low <= true <= found.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.022)


def _trials(count: int, dprime: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    place = np.tile(["left", "right"], count // 2)
    rng = np.random.default_rng(seed)
    left, right = rng.normal(dprime * (place == "left")), rng.normal(dprime * (place == "right"))
    return place, left - right


def _sure(evidence: np.ndarray) -> np.ndarray:
    return 1 + np.searchsorted([0.5, 1.0, 1.8], np.abs(evidence))
