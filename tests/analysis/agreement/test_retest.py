"""Sokal–Michener similarity, its interval, and agreement beyond the marginals."""

from __future__ import annotations

import math
from itertools import permutations
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact, spearmanr
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from analysis.agreement import retest

R, G = "real", "generated"
ANSWERS = st.lists(st.tuples(st.sampled_from([R, G]), st.sampled_from([R, G])), min_size=1, max_size=40)


def test_matches_over_pairs_and_not_rogers_tanimoto() -> None:
    """6 of 8 agree: .75. Counting mismatches twice (Rogers–Tanimoto) would give 6 / 10 = .60."""
    result = retest.sokal_michener([G, G, G, G, R, R, R, R], [G, G, G, R, R, R, R, G])
    assert (result.pairs, result.matches, result.similarity) == (8, 6, 0.75)


def test_hand_worked_table() -> None:
    """30 both generated, 10 then real, 5 then generated, 55 both real; p = .40, q = .35."""
    first = [G] * 40 + [R] * 60
    second = [G] * 30 + [R] * 10 + [G] * 5 + [R] * 55
    result = retest.sokal_michener(first, second)
    assert result.similarity == pytest.approx(0.85)
    assert result.expected == pytest.approx(0.40 * 0.35 + 0.60 * 0.65)
    assert result.kappa == pytest.approx((0.85 - 0.53) / 0.47)
    assert result.kappa == pytest.approx(cohen_kappa_score(first, second))


def test_wilson_interval_is_scipys() -> None:
    for matches in (0, 1, 17, 19, 20):
        result = retest.sokal_michener([G] * 20, [G] * matches + [R] * (20 - matches))
        interval = binomtest(matches, 20).proportion_ci(0.95, "wilson")
        assert (result.low, result.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_bias_alone_gives_high_similarity_and_no_kappa() -> None:
    """Someone who says "real" nine times in ten agrees with himself at .82 without looking."""
    first = [G] * 10 + [R] * 90
    second = [G, *[R] * 9, *[G] * 9, *[R] * 81]
    result = retest.sokal_michener(first, second)
    assert result.similarity == pytest.approx(0.82)
    assert result.expected == pytest.approx(0.82)
    assert result.kappa == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("table", [[[118, 5], [2, 0]], [[55, 10], [5, 30]], [[3, 4], [6, 2]]])
def test_kappas_standard_error_is_statsmodels(table: list[list[int]]) -> None:
    result, reference = _of(table), cohens_kappa(table)
    assert (result.kappa, result.kappa_se) == pytest.approx((reference.kappa, reference.std_kappa), abs=1e-9)
    assert (result.kappa_low, result.kappa_high) == pytest.approx((reference.kappa_low, reference.kappa_upp), abs=1e-6)


@pytest.mark.parametrize(
    ("table", "value", "se"),
    [
        ([[118, 5], [2, 0]], 0.94078, 0.02296),
        ([[30, 10], [5, 55]], 0.71765, 0.06960),
        ([[40, 9], [6, 45]], 0.70075, 0.07135),
        ([[55, 3], [4, 2]], 0.87024, 0.05121),
    ],
)
def test_ac1_is_gwets(table: list[list[int]], value: float, se: float) -> None:
    """Gwet's (2002) 125 subjects: AC1 .9408 where κ is −.0234; this and the others by irrCAC 0.4.4, to its digits."""
    result = _of(table)
    assert (result.ac1, result.ac1_se) == pytest.approx((value, se), abs=5e-6)
    if table[0][0] == 118:
        assert result.kappa == pytest.approx(-0.0234, abs=5e-5)


def test_p_is_fishers_and_that_of_every_permutation() -> None:
    for table in ([[3, 1], [1, 3]], [[20, 9], [14, 7]], [[0, 4], [5, 0]]):
        assert _of(table).p == pytest.approx(fisher_exact(table, alternative="greater").pvalue, abs=1e-12)
    first, second = [G, G, G, R, R, R], [G, G, R, R, R, G]
    matches = [sum(a == b for a, b in zip(first, order, strict=True)) for order in permutations(second)]
    assert retest.sokal_michener(first, second).p == pytest.approx(np.mean(np.array(matches) >= 4))


@pytest.mark.slow
def test_p_keeps_its_level_when_bias_makes_similarity_high() -> None:
    """2,000 pairs of sessions that only share a bias of .8; an exact p is at most nominal."""
    rng = np.random.default_rng(1)
    p = [_of(np.bincount(2 * a + b, minlength=4).reshape(2, 2)).p for a, b in rng.random((2000, 2, 100)) < 0.8]
    assert 0.02 < np.mean(np.array(p) <= 0.05) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize(("p", "agreement"), [(0.5, 0.65), (0.7, 0.5), (0.85, 0.4)])
def test_kappa_and_ac1_are_covered(p: float, agreement: float) -> None:
    """A second answer repeats the first with probability `agreement`, else is drawn anew, so κ is `agreement`.

    1,000 pairs of sessions of 100 images; the standard error of the coverage is .007.
    """
    rng = np.random.default_rng(2)
    cells = np.outer([1 - p, p], [1 - p, p]) * (1 - agreement) + np.diag([1 - p, p]) * agreement
    results = [_of(table.reshape(2, 2)) for table in rng.multinomial(100, cells.ravel(), size=1000)]
    chance = 2 * p * (1 - p)
    ac1 = (cells.trace() - chance) / (1 - chance)
    assert np.mean([one.kappa_low <= agreement <= one.kappa_high for one in results]) == pytest.approx(0.94, abs=0.025)
    assert np.mean([one.ac1_low <= ac1 <= one.ac1_high for one in results]) == pytest.approx(0.945, abs=0.025)


def test_perfect_agreement_claims_no_certainty() -> None:
    result = _of([[5, 0], [0, 5]])
    assert (result.kappa, result.ac1, result.kappa_se) == (1, 1, 0)
    assert all(math.isnan(one) for one in (result.kappa_low, result.kappa_high, result.ac1_low, result.ac1_high))
    assert result.reason == "the pairs of answers do not vary: no interval for κ and AC1"
    assert result.p == pytest.approx(1 / math.comb(10, 5))


def test_one_answer_only() -> None:
    result = retest.sokal_michener([R] * 5, [R] * 5)
    assert (result.similarity, result.expected) == (1, 1)
    assert math.isnan(result.kappa)
    assert math.isnan(result.ac1_low)
    # Every way to deal the answers gives this table.
    assert (result.p, result.ac1) == (1, 1)
    assert "κ is undefined" in str(result.reason)


def _session(stimulus_ids: list[str], responses: list[str | None]) -> pd.DataFrame:
    """A session that shows generated images, with equal confidence in every answer."""
    return pd.DataFrame({"stimulus_id": stimulus_ids, "truth": G, "response": responses, "confidence": 1.0})


def test_only_shared_images_answered_twice_count() -> None:
    first = _session(["a", "b", "c", "d"], [G, R, G, None])
    second = _session(["d", "c", "b", "x"], [R, R, R, G])
    result = retest.compare_sessions(first, second).answers
    assert (result.pairs, result.matches, result.unanswered) == (2, 1, 1)


def test_no_shared_image_is_undefined() -> None:
    result = retest.compare_sessions(_session(["a"], [G]), _session(["b"], [G])).answers
    assert all(math.isnan(value) for value in (result.similarity, result.low, result.expected, result.kappa))
    assert result.reason == "the sessions share no image"
    assert retest.sokal_michener([None], [G]).reason == "no shared image was answered in both sessions"


def test_wrong_input_is_refused(refuses: Any) -> None:
    twice = _session(["a", "a"], [G, R])
    with refuses("repeated-stimulus"):
        retest.compare_sessions(twice, twice)
    with refuses("unequal-lengths"):
        retest.sokal_michener([G], [G, R])
    with refuses("unknown-word"):
        retest.sokal_michener(["fake"], [G])


def test_comparison_of_two_sessions() -> None:
    """Eight shared images worked by hand, one of them unanswered; one image in each session alone."""
    first = pd.DataFrame(
        {
            "stimulus_id": list("abcdefghx"),
            "truth": [R, R, R, R, G, G, G, G, G],
            "response": [R, R, G, G, G, G, G, None, R],
            "confidence": [4, 1, 2, 3, 4, 3, 2, np.nan, 1],
        }
    )
    second = pd.DataFrame(
        {
            "stimulus_id": list("hgfedcbay"),
            "truth": [G, G, G, G, R, R, R, R, R],
            "response": [R, R, G, G, R, G, R, R, R],
            "confidence": [1, 2, np.nan, 4, 3, 2, 1, 4, 1],
        }
    )
    result = retest.compare_sessions(first, second)
    assert (result.shared, result.first_only, result.second_only) == (8, 1, 1)
    assert (result.answers.pairs, result.answers.matches, result.answers.unanswered) == (7, 5, 1)
    real, generated = result.answers_to_real, result.answers_to_generated
    assert (real.real_real, real.real_generated, real.generated_real, real.generated_generated) == (2, 0, 1, 1)
    assert (generated.real_real, generated.generated_real, generated.generated_generated) == (0, 1, 2)
    assert (result.ratings.pairs, result.ratings.unrated) == (6, 2)
    # a, b, c, d, e, g: −4 −1 2 3 4 2 and −4 −1 2 −3 4 −2
    assert result.ratings.spearman == pytest.approx(spearmanr([-4, -1, 2, 3, 4, 2], [-4, -1, 2, -3, 4, -2])[0])
    assert (result.noise.real, result.noise.generated) == (result.change.real, result.change.generated) == (4, 3)
    row = result.to_frame().iloc[0]
    assert (row["answers_similarity"], row["change_se"]) == (result.answers.similarity, result.change.se)


def test_comparison_without_shared_images_says_so() -> None:
    first = pd.DataFrame({"stimulus_id": ["a"], "truth": [R], "response": [R], "confidence": [1]})
    result = retest.compare_sessions(first, first.assign(stimulus_id="b"))
    empty = retest.compare_sessions(first.iloc[:0], first.iloc[:0])
    for one in (result, empty):
        assert one.shared == 0
        reasons = [part.reason for part in (one.answers, one.ratings, one.noise, one.change)]
        assert all(reasons), reasons
        assert math.isnan(one.ratings.icc)


def test_comparison_refuses_what_it_cannot_pair(refuses: Any) -> None:
    first = pd.DataFrame({"stimulus_id": ["a", "b"], "truth": [R, G], "response": [R, R], "confidence": [1, 1]})
    with refuses("contradictory-truth"):
        retest.compare_sessions(first, first.assign(truth=[R, R]))
    with refuses("missing-column"):
        retest.compare_sessions(first, first[["stimulus_id", "response"]])
    with refuses("repeated-stimulus"):
        retest.compare_sessions(first, first.assign(stimulus_id="a"))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(ANSWERS, st.randoms(use_true_random=False))
def test_symmetric_and_blind_to_order_and_names(answers: list[tuple[str, str]], random: Random) -> None:
    shuffled = answers.copy()
    random.shuffle(shuffled)
    swap = {R: G, G: R}
    base = retest.sokal_michener([a for a, _ in answers], [b for _, b in answers])
    for other in (
        retest.sokal_michener([b for _, b in answers], [a for a, _ in answers]),
        retest.sokal_michener([a for a, _ in shuffled], [b for _, b in shuffled]),
        retest.sokal_michener([swap[a] for a, _ in answers], [swap[b] for _, b in answers]),
    ):
        assert (other.similarity, other.low, other.high) == (base.similarity, base.low, base.high)
        for name in ("expected", "p", "kappa", "kappa_se", "kappa_low", "ac1", "ac1_se", "ac1_high"):
            np.testing.assert_allclose(getattr(other, name), getattr(base, name), atol=1e-6, err_msg=name)
    assert 0 <= base.low <= base.similarity <= base.high <= 1


def _of(table: npt.ArrayLike) -> retest.Retest:
    """Of a table of first (rows) × second answers, real before generated."""
    answers = np.repeat([(R, R), (R, G), (G, R), (G, G)], np.asarray(table).ravel(), axis=0)
    return retest.sokal_michener(answers[:, 0], answers[:, 1])
