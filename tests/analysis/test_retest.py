"""Sokal–Michener similarity, its interval, and agreement beyond the marginals."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from analysis import retest
from data.errors import LookalikeError

R, G = "real", "generated"
ANSWERS = st.lists(st.tuples(st.sampled_from([R, G]), st.sampled_from([R, G])), min_size=1, max_size=40)


def test_matches_over_pairs_and_not_rogers_tanimoto() -> None:
    """6 of 8 agree: .75. Counting mismatches twice (Rogers–Tanimoto) would give 6 / 10 = .60."""
    result = retest.from_pairs([G, G, G, G, R, R, R, R], [G, G, G, R, R, R, R, G])
    assert (result.pairs, result.matches, result.similarity) == (8, 6, 0.75)


def test_hand_worked_table() -> None:
    """30 both generated, 10 then real, 5 then generated, 55 both real; p = .40, q = .35."""
    first = [G] * 40 + [R] * 60
    second = [G] * 30 + [R] * 10 + [G] * 5 + [R] * 55
    result = retest.from_pairs(first, second)
    assert result.similarity == pytest.approx(0.85)
    assert result.expected == pytest.approx(0.40 * 0.35 + 0.60 * 0.65)
    assert result.kappa == pytest.approx((0.85 - 0.53) / 0.47)
    assert result.kappa == pytest.approx(cohen_kappa_score(first, second))


def test_wilson_interval_is_scipys() -> None:
    for matches in (0, 1, 17, 19, 20):
        result = retest.from_pairs([G] * 20, [G] * matches + [R] * (20 - matches))
        interval = binomtest(matches, 20).proportion_ci(0.95, "wilson")
        assert (result.low, result.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_bias_alone_gives_high_similarity_and_no_kappa() -> None:
    """Someone who says "real" nine times in ten agrees with himself at .82 without looking."""
    first = [G] * 10 + [R] * 90
    second = [G, *[R] * 9, *[G] * 9, *[R] * 81]
    result = retest.from_pairs(first, second)
    assert result.similarity == pytest.approx(0.82)
    assert result.expected == pytest.approx(0.82)
    assert result.kappa == pytest.approx(0, abs=1e-12)


def test_one_answer_only() -> None:
    result = retest.from_pairs([R] * 5, [R] * 5)
    assert (result.similarity, result.expected) == (1, 1)
    assert math.isnan(result.kappa)
    assert "κ is undefined" in str(result.reason)


def test_only_shared_images_answered_twice_count() -> None:
    first = pd.DataFrame({"stimulus_id": ["a", "b", "c", "d"], "response": [G, R, G, None]})
    second = pd.DataFrame({"stimulus_id": ["d", "c", "b", "x"], "response": [R, R, R, G]})
    result = retest.from_sessions(first, second)
    assert (result.pairs, result.matches, result.unanswered) == (2, 1, 1)


def test_no_shared_image_is_undefined() -> None:
    first = pd.DataFrame({"stimulus_id": ["a"], "response": [G]})
    second = pd.DataFrame({"stimulus_id": ["b"], "response": [G]})
    result = retest.from_sessions(first, second)
    assert all(math.isnan(value) for value in (result.similarity, result.low, result.expected, result.kappa))
    assert result.reason == "the sessions share no image"
    assert retest.from_pairs([None], [G]).reason == "no shared image was answered in both sessions"


def test_wrong_input_is_refused() -> None:
    twice = pd.DataFrame({"stimulus_id": ["a", "a"], "response": [G, R]})
    with pytest.raises(LookalikeError, match="a: is judged twice"):
        retest.from_sessions(twice, twice)
    with pytest.raises(LookalikeError, match="paired"):
        retest.from_pairs([G], [G, R])
    with pytest.raises(LookalikeError, match="fake"):
        retest.from_pairs(["fake"], [G])


@settings(max_examples=60, deadline=None)
@given(ANSWERS, st.randoms(use_true_random=False))
def test_symmetric_and_blind_to_order_and_names(answers: list[tuple[str, str]], random: Random) -> None:
    shuffled = answers.copy()
    random.shuffle(shuffled)
    swap = {R: G, G: R}
    base = retest.from_pairs([a for a, _ in answers], [b for _, b in answers])
    for other in (
        retest.from_pairs([b for _, b in answers], [a for a, _ in answers]),
        retest.from_pairs([a for a, _ in shuffled], [b for _, b in shuffled]),
        retest.from_pairs([swap[a] for a, _ in answers], [swap[b] for _, b in answers]),
    ):
        assert (other.similarity, other.low, other.high) == (base.similarity, base.low, base.high)
        np.testing.assert_allclose([other.expected, other.kappa], [base.expected, base.kappa], atol=1e-9)
    assert 0 <= base.low <= base.similarity <= base.high <= 1
