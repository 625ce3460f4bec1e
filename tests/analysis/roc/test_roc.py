"""The rating ROC against scikit-learn, a brute-force DeLong and simulated coverage."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from analysis.roc import roc
from analysis.roc.ratings import RatingCounts

CUTS = np.array([-1.2, -0.7, -0.3, 0, 0.3, 0.7, 1.2])  # eight ratings, as four confidence levels give
TRUTH = np.array(["generated"] * 50 + ["real"] * 50)
RATINGS = st.lists(st.integers(-4, 4), min_size=2, max_size=30)


def test_auc_is_scikit_learns_and_variance_is_delongs_definition() -> None:
    rng = np.random.default_rng(1)
    for generated, real in ((50, 50), (7, 31), (2, 3)):
        truth = np.array(["generated"] * generated + ["real"] * real)
        ratings = np.round(rng.normal(size=truth.size) + 0.4 * (truth == "generated"), 1)
        result = roc.roc_auc(truth, ratings)
        assert result.auc == pytest.approx(roc_auc_score(truth == "generated", ratings), abs=1e-12)
        expected = _brute_force_variance(ratings[:generated], ratings[generated:])
        assert result.se**2 == pytest.approx(expected, abs=1e-12)


def test_points_run_from_corner_to_corner() -> None:
    """Worked by hand: generated 3, 2, −1; real 2, −1, −1, −3."""
    result = roc.roc_auc(["generated"] * 3 + ["real"] * 4, [3, 2, -1, 2, -1, -1, -3])
    np.testing.assert_allclose(result.threshold, [np.inf, 3, 2, -1, -3])
    np.testing.assert_allclose(result.hit_rate, [0, 1 / 3, 2 / 3, 1, 1])
    np.testing.assert_allclose(result.false_alarm_rate, [0, 0, 1 / 4, 3 / 4, 1])
    area = np.trapezoid(result.hit_rate, result.false_alarm_rate)
    assert result.auc == pytest.approx(area)
    assert result.auc == pytest.approx((4 + 3.5 + 2) / 12)


def test_a_count_table_is_its_trials() -> None:
    """The table of Chakraborty's notes, 30/19/8/2/1 real and 5/6/5/12/22 generated, and the same spelt out."""
    table = RatingCounts(np.arange(1.0, 6), np.array([30, 19, 8, 2, 1]), np.array([5, 6, 5, 12, 22]))
    truth = ["real"] * 60 + ["generated"] * 50
    ratings = [*np.repeat(table.ratings, table.real), *np.repeat(table.ratings, table.generated)]
    counted, spelt_out = roc.roc_auc_from_counts(table), roc.roc_auc(truth, ratings)
    assert counted.auc == pytest.approx(roc_auc_score(np.array(truth) == "generated", ratings), abs=1e-12)
    assert (counted.auc, counted.se, counted.low) == (spelt_out.auc, spelt_out.se, spelt_out.low)
    np.testing.assert_array_equal(counted.hit_rate, spelt_out.hit_rate)


def test_continuous_scores_are_as_exact_as_few_ratings() -> None:
    """20,000 different scores against scikit-learn; ranks in float32 would be off in the seventh digit."""
    rng = np.random.default_rng(6)
    truth = np.where(rng.random(20_000) < 0.5, "generated", "real")
    scores = rng.normal(size=truth.size) + 1e6 + (truth == "generated")
    assert roc.roc_auc(truth, scores).auc == pytest.approx(roc_auc_score(truth == "generated", scores), abs=1e-12)


def test_nothing_rated_is_undefined() -> None:
    result = roc.roc_auc(["real", "generated"], [np.nan, np.nan])
    assert math.isnan(result.auc)
    assert result.reason == "no generated and no real image was rated"
    assert math.isnan(roc.roc_auc([], []).auc)


def test_direction_is_fixed() -> None:
    """An observer who is consistently wrong has an AUC near 0, not near 1."""
    assert roc.roc_auc(["generated"] * 2 + ["real"] * 2, [-4, -3, 3, 4]).auc == 0


def test_mean_auc_at_chance_is_a_half() -> None:
    """Guessing the direction would make it about .54 here; the mean's standard error is .0026."""
    rng = np.random.default_rng(2)
    areas = [roc.roc_auc(TRUTH, _ratings(rng, 0)).auc for _ in range(500)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("dprime", [0.0, 1.0])
def test_interval_covers(dprime: float) -> None:
    """1,000 simulated observers: the standard error of the coverage is .007."""
    rng, truth = np.random.default_rng(3), _true_auc(dprime)
    results = [roc.roc_auc(TRUTH, _ratings(rng, dprime)) for _ in range(1000)]
    assert np.mean([one.low <= truth <= one.high for one in results]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
def test_logit_interval_covers_better_than_the_plain_one_far_from_chance() -> None:
    rng, truth = np.random.default_rng(4), _true_auc(2.0)
    results = [roc.roc_auc(TRUTH, _ratings(rng, 2.0)) for _ in range(1000)]
    logit = np.mean([one.low <= truth <= one.high for one in results])
    plain = np.mean([abs(one.auc - truth) <= 1.96 * one.se for one in results])
    assert logit == pytest.approx(0.95, abs=0.02)
    assert plain < 0.93


@pytest.mark.parametrize(("truth", "missing"), [("generated", "real"), ("real", "generated")])
def test_one_class_is_undefined(truth: str, missing: str) -> None:
    result = roc.roc_auc([truth] * 5, [1, 2, 3, 4, 4])
    assert math.isnan(result.auc)
    assert math.isnan(result.se)
    assert result.hit_rate.size == 0
    assert result.reason == f"no {missing} image was rated"


def test_all_ties_are_half_without_an_interval() -> None:
    result = roc.roc_auc(TRUTH, np.full(100, 2.0))
    assert (result.auc, result.se) == (0.5, 0)
    assert math.isnan(result.low)
    assert result.reason == "all ratings tie: no interval"
    np.testing.assert_array_equal(result.hit_rate, [0, 1])


def test_perfect_separation_claims_no_certainty() -> None:
    result = roc.roc_auc(TRUTH, np.where(TRUTH == "generated", 4.0, -4.0))
    assert result.auc == 1
    assert math.isnan(result.low)
    assert "separate" in str(result.reason)


def test_one_image_of_a_class_has_an_area_but_no_error() -> None:
    result = roc.roc_auc(["generated", "real", "real"], [2, 1, 3])
    assert result.auc == 0.5
    assert math.isnan(result.se)
    assert "fewer than two" in str(result.reason)


def test_missing_ratings_are_counted_and_left_out() -> None:
    with_gap = roc.roc_auc(["generated", "real", "generated", "real"], [3, -1, np.nan, np.nan])
    assert (with_gap.generated, with_gap.real, with_gap.unrated, with_gap.auc) == (1, 1, 2, 1)


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("unknown-word"):
        roc.roc_auc(["fake", "real"], [1, 2])
    with refuses("unequal-lengths") as caught:
        roc.roc_auc(["real", "real"], [1])
    assert "2 truths and 1 ratings" in str(caught.value)


@settings(max_examples=50, deadline=None)
@given(RATINGS, RATINGS)
def test_swapping_labels_reflects_the_area(generated: list[int], real: list[int]) -> None:
    a = _of(generated, real)
    b = _of(real, generated)
    assert b.auc == pytest.approx(1 - a.auc)
    assert b.se == pytest.approx(a.se, abs=1e-9)
    if a.low == a.low and b.low == b.low:
        assert (b.low, b.high) == pytest.approx((1 - a.high, 1 - a.low))


@settings(max_examples=50, deadline=None)
@given(RATINGS, RATINGS)
def test_a_monotone_transform_changes_nothing(generated: list[int], real: list[int]) -> None:
    a = _of(generated, real)
    b = _of([math.exp(x) - 7 for x in generated], [math.exp(x) - 7 for x in real])
    assert (b.auc, b.se) == pytest.approx((a.auc, a.se), nan_ok=True)
    np.testing.assert_allclose(b.hit_rate, a.hit_rate)


@settings(max_examples=50, deadline=None)
@given(RATINGS, RATINGS, st.randoms(use_true_random=False))
def test_order_of_rows_is_irrelevant(generated: list[int], real: list[int], random: Random) -> None:
    rows = [("generated", x) for x in generated] + [("real", x) for x in real]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    a, b = (roc.roc_auc([r[0] for r in table], [r[1] for r in table]) for table in (rows, shuffled))
    assert (a.auc, a.se, a.low) == pytest.approx((b.auc, b.se, b.low), nan_ok=True)


def _of(generated: list[float] | list[int], real: list[float] | list[int]) -> roc.Roc:
    return roc.roc_auc(["generated"] * len(generated) + ["real"] * len(real), [*generated, *real])


def _ratings(rng: np.random.Generator, dprime: float) -> npt.NDArray[np.float64]:
    evidence = rng.standard_normal(TRUTH.size) + np.where(TRUTH == "generated", dprime / 2, -dprime / 2)
    return np.searchsorted(CUTS, evidence).astype(float)


def _true_auc(dprime: float) -> float:
    """The area for these cuts, from the category probabilities."""
    edges = np.concatenate([[-np.inf], CUTS, [np.inf]])
    generated, real = np.diff(norm.cdf(edges - dprime / 2)), np.diff(norm.cdf(edges + dprime / 2))
    below = np.cumsum(real) - real
    return float(np.sum(generated * (below + real / 2)))


def _brute_force_variance(generated: npt.NDArray[np.float64], real: npt.NDArray[np.float64]) -> float:
    """DeLong et al. (1988), equations 4–5, with the m × n matrix of pairs written out."""
    wins = [[1.0 if x > y else 0.5 if x == y else 0.0 for y in real] for x in generated]
    m, n = len(generated), len(real)
    area = sum(map(sum, wins)) / (m * n)
    v10 = [sum(row) / n for row in wins]
    v01 = [sum(row[j] for row in wins) / m for j in range(n)]
    s10 = sum((v - area) ** 2 for v in v10) / (m - 1)
    s01 = sum((v - area) ** 2 for v in v01) / (n - 1)
    return s10 / m + s01 / n
