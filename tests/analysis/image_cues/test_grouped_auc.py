"""The clustered AUC against DeLong, Wilcoxon and a brute-force Obuchowski, and by simulation."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import mannwhitneyu

from analysis.image_cues import grouped_auc as grouped
from analysis.roc import roc

TRUTH = np.array(["generated"] * 50 + ["real"] * 50)
ROWS = st.lists(
    st.tuples(st.sampled_from(["generated", "real"]), st.integers(-4, 4), st.integers(0, 5)), min_size=4, max_size=30
)


def test_single_images_give_delongs_interval_and_wilcoxons_p() -> None:
    """`analysis.roc.roc` and scipy's Mann–Whitney test without continuity correction, ties included, to 1e-12."""
    rng = np.random.default_rng(1)
    for generated, real in ((50, 50), (12, 31)):
        truth = np.array(["generated"] * generated + ["real"] * real)
        score = np.round(rng.normal(size=truth.size) + 0.4 * (truth == "generated"), 1)
        found, delong = grouped.grouped_auc(truth, score), roc.roc_auc(truth, score)
        assert (found.auc, found.se, found.low, found.high) == pytest.approx(
            (delong.auc, delong.se, delong.low, delong.high), abs=1e-12
        )
        test = mannwhitneyu(score[:generated], score[generated:], use_continuity=False, method="asymptotic")
        assert found.p == pytest.approx(test.pvalue, abs=1e-12)
        assert found.design_effect == pytest.approx(1)


def test_variance_is_obuchowskis_definition() -> None:
    """Written out pair by pair from Obuchowski (1997), with patients of one class and of both, to 1e-12."""
    rng = np.random.default_rng(2)
    signal = rng.random(40) < 0.5
    patient = rng.integers(0, 12, 40)
    score = np.round(rng.normal(size=40) + rng.normal(size=12)[patient], 1)
    found = grouped.grouped_auc(np.where(signal, "generated", "real"), score, patient)
    assert found.se**2 == pytest.approx(_obuchowski(score, signal, patient), abs=1e-12)
    assert found.groups == 12


def test_copies_add_nothing() -> None:
    """Every image twice, as one patient's, is worth as much as once: design effect 2, the same SE."""
    rng = np.random.default_rng(3)
    score = rng.normal(size=100) + 0.5 * (TRUTH == "generated")
    once = grouped.grouped_auc(TRUTH, score)
    twice = grouped.grouped_auc(np.tile(TRUTH, 2), np.tile(score, 2), np.tile(np.arange(100), 2))
    assert (twice.auc, twice.se, twice.design_effect) == pytest.approx((once.auc, once.se, 2))
    assert twice.smallest_detectable == pytest.approx(once.smallest_detectable, abs=0.002)
    ignored = grouped.grouped_auc(np.tile(TRUTH, 2), np.tile(score, 2))
    assert ignored.se == pytest.approx(once.se / math.sqrt(2), rel=0.02)
    assert ignored.p < twice.p


@pytest.mark.parametrize(("copies", "alike", "limits"), [(1, 0.0, (0.04, 0.06)), (2, 0.8, (0.03, 0.06))])
def test_chance_is_rejected_as_often_as_stated(copies: int, alike: float, limits: tuple[float, float]) -> None:
    """2,000 sets of 50 real and 50 generated images at chance; the rate's standard error is .005."""
    score, codes = _sets(2000, 0, copies, alike)
    signal = np.tile(np.arange(100) >= 50, (len(score), 1))
    z = grouped.rank_test(score, signal, codes, np.zeros(100, dtype=np.int64)).z
    freedom = grouped.degrees_of_freedom(signal[0], codes)
    rejected = np.mean([grouped.two_sided(float(one), freedom) < 0.05 for one in z])
    assert limits[0] < rejected < limits[1]
    if copies > 1:
        ignored = grouped.rank_test(score, signal, np.arange(100), np.zeros(100, dtype=np.int64)).z
        assert np.mean(np.abs(ignored) > 1.96) > 0.08


@pytest.mark.slow
def test_interval_covers_with_several_images_of_a_patient() -> None:
    """400 sets at d′ = 1, 25 patients with two real images each: the standard error of the coverage is .011."""
    score, codes = _sets(400, 1, 2, 0.8)
    truth = np.where(np.arange(100) >= 50, "generated", "real")
    results = [grouped.grouped_auc(truth, one, codes) for one in score]
    true = ndtr(1 / math.sqrt(2))
    assert np.mean([one.low <= true <= one.high for one in results]) == pytest.approx(0.95, abs=0.03)


def test_smallest_detectable_auc_is_found_with_the_stated_power() -> None:
    """At that AUC, 2,000 sets of normal scores are significant in 80%, to .03 (the formula's model is exponential)."""
    smallest = grouped.smallest_detectable_auc(50, 50)
    assert smallest == pytest.approx(0.66, abs=0.01)
    score, codes = _sets(2000, math.sqrt(2) * float(ndtri(smallest)), 1, 0)
    signal = np.tile(np.arange(100) >= 50, (len(score), 1))
    z = grouped.rank_test(score, signal, codes, np.zeros(100, dtype=np.int64)).z
    assert np.mean(z > ndtri(0.975)) == pytest.approx(0.8, abs=0.03)


def test_smallest_detectable_auc_moves_as_it_should() -> None:
    base = grouped.smallest_detectable_auc(50, 50)
    assert grouped.smallest_detectable_auc(200, 200) < base < grouped.smallest_detectable_auc(50, 50, inflation=2)
    assert grouped.smallest_detectable_auc(50, 50, null_high=0.7) > 0.7
    assert grouped.smallest_detectable_auc(50, 50, alpha=0.005) > base
    assert math.isnan(grouped.smallest_detectable_auc(2, 2))
    assert math.isnan(grouped.smallest_detectable_auc(0, 50))
    assert math.isnan(grouped.smallest_detectable_auc(50, 50, inflation=math.nan))


def test_standard_error_is_that_of_hanley_and_mcneils_model() -> None:
    """Scores with exponential distributions, 6 real and 80 generated images, AUC .8: SD of 4,000 areas, to 4%; and
    the SE of .032 to .033 of their worked example (1982), an area of .893 on 58 normal and 51 abnormal cases."""
    rng = np.random.default_rng(4)
    score = np.concatenate([rng.exponential(1, (4000, 6)), rng.exponential(4, (4000, 80))], axis=1)
    signal = np.tile(np.arange(86) >= 6, (4000, 1))
    area = grouped.rank_test(score, signal, np.arange(86), np.zeros(86, dtype=np.int64)).auc
    assert area.mean() == pytest.approx(0.8, abs=0.005)
    high = 0.8 - ndtri(0.8) * area.std()
    assert grouped.smallest_detectable_auc(6, 80, null_high=high) == pytest.approx(0.8, abs=0.004)
    high = 0.893 - ndtri(0.8) * 0.0325
    assert grouped.smallest_detectable_auc(58, 51, null_high=high) == pytest.approx(0.893, abs=0.0005)


def test_pairs_of_either_class_are_worth_more_than_strangers() -> None:
    """A real image and its all but equal copy cancel out in the difference: a design effect near 0."""
    score = np.random.default_rng(6).normal(size=50)
    copies = score + 0.1 * np.random.default_rng(7).normal(size=50)
    found = grouped.grouped_auc(TRUTH, np.concatenate([copies, score]), np.tile(np.arange(50), 2))
    assert found.design_effect < 0.1


def test_generated_images_without_a_patient_stand_alone() -> None:
    signal = np.array([False, False, True, True, True, True])
    codes = grouped.group_codes(signal, ["p1", "p1", "", None, np.nan, "p1"])
    assert codes[0] == codes[1] == codes[5]
    assert np.unique(codes).size == 4
    np.testing.assert_array_equal(grouped.group_codes(signal, None), np.arange(6))


def test_wrong_groups_are_refused(refuses: Any) -> None:
    with refuses("missing-value") as caught:
        grouped.grouped_auc(["real", "real", "real", "generated"], [1, 2, 3, 4], ["a", "", None, ""])
    assert "first image 1" in str(caught.value)
    with refuses("unequal-lengths") as caught:
        grouped.grouped_auc(["real"] * 4, [1, 2, 3, 4], ["a", "b"])
    assert "4 truths and 2 groups" in str(caught.value)
    with refuses("unknown-word"):
        grouped.grouped_auc(["fake", "real"], [1, 2])
    with refuses("not-a-number"):
        grouped.grouped_auc(["generated", "real"], [1, math.inf])


@pytest.mark.parametrize(
    ("truth", "score", "groups", "area", "reason"),
    [
        (["real"] * 3, [1, 2, 3], None, math.nan, "no generated image was scored"),
        ([], [], None, math.nan, "no generated and no real image was scored"),
        (["generated", "real"] * 3, [2.0] * 6, None, 0.5, "all scores tie"),
        (["generated", "real"] * 3, [2.0, 1] * 3, None, 1, "separate"),
        (["generated", "real", "real"], [2, 1, 3], None, 0.5, "fewer than two images"),
        (["generated", "real"] * 3, [3, 1, 0, 1, 4, 2], ["", "a"] * 3, 2 / 3, "of one patient"),
        (["generated", "real"] * 3, [math.nan] * 6, None, math.nan, "no generated and no real"),
    ],
)
def test_what_cannot_be_had_is_missing_with_a_reason(
    truth: list[str], score: list[float], groups: list[str] | None, area: float, reason: str
) -> None:
    found = grouped.grouped_auc(truth, score, groups)
    assert found.auc == pytest.approx(area, nan_ok=True)
    assert math.isnan(found.low)
    assert reason in str(found.reason)


def test_separation_has_a_p_though_no_interval() -> None:
    found = grouped.grouped_auc(TRUTH, np.arange(100)[::-1])
    assert found.auc == 1
    assert found.p < 1e-12


def test_missing_scores_are_counted_and_left_out() -> None:
    found = grouped.grouped_auc(
        ["generated", "real"] * 3, [3, 1, 2, 2, math.nan, math.nan], ["", "a", "", "b", "", "c"]
    )
    assert (found.generated, found.real, found.unscored, found.groups) == (2, 2, 2, 4)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_swapping_labels_reflects_the_area(rows: list[tuple[str, int, int]]) -> None:
    truth, score, patient = zip(*rows, strict=True)
    swapped = ["real" if word == "generated" else "generated" for word in truth]
    a, b = grouped.grouped_auc(truth, score, patient), grouped.grouped_auc(swapped, score, patient)
    assert b.auc == pytest.approx(1 - a.auc, nan_ok=True)
    assert b.se == pytest.approx(a.se, abs=1e-9, nan_ok=True)
    assert b.p == pytest.approx(a.p, abs=1e-9, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_of_rows_and_scale_are_irrelevant(rows: list[tuple[str, int, int]], random: Random) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    a, b = (
        grouped.grouped_auc([r[0] for r in table], [math.exp(r[1]) for r in table], [f"p{r[2]}" for r in table])
        for table in (rows, shuffled)
    )
    c = grouped.grouped_auc([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    for other in (b, c):
        assert (a.auc, a.se, a.p) == pytest.approx((other.auc, other.se, other.p), abs=1e-9, nan_ok=True)


def _sets(
    count: int, dprime: float, copies: int, alike: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Normal scores (count, 100): 50 real images, `copies` to a patient that correlate by `alike`, and 50 generated."""
    rng = np.random.default_rng(5)
    patients = np.repeat(rng.normal(size=(count, 50 // copies)), copies, axis=1)
    real = math.sqrt(alike) * patients + math.sqrt(1 - alike) * rng.normal(size=(count, 50))
    codes = np.concatenate([np.repeat(np.arange(50 // copies), copies), 100 + np.arange(50)])
    return np.concatenate([real, dprime + rng.normal(size=(count, 50))], axis=1), codes


def _obuchowski(score: npt.NDArray[np.float64], signal: npt.NDArray[np.bool_], patient: npt.NDArray[np.int64]) -> float:
    x, y = score[signal], score[~signal]
    m, n = len(x), len(y)
    wins = [[1.0 if a > b else 0.5 if a == b else 0.0 for b in y] for a in x]
    area = sum(map(sum, wins)) / (m * n)
    v10 = [sum(row) / n for row in wins]
    v01 = [sum(row[j] for row in wins) / m for j in range(n)]
    of_x, of_y = list(patient[signal]), list(patient[~signal])
    s10 = s01 = s11 = 0.0
    for one in set(of_x) | set(of_y):
        a = sum(v - area for v, p in zip(v10, of_x, strict=True) if p == one)
        b = sum(v - area for v, p in zip(v01, of_y, strict=True) if p == one)
        s10, s01, s11 = s10 + a * a, s01 + b * b, s11 + a * b
    i10, i01, i = len(set(of_x)), len(set(of_y)), len(set(patient))
    s10 *= i10 / ((i10 - 1) * m)
    s01 *= i01 / ((i01 - 1) * n)
    s11 *= i / (i - 1)
    return s10 / m + s01 / n + 2 * s11 / (m * n)
