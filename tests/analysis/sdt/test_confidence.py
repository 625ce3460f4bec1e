"""Confidence counts, type-2 ROC and calibration by hand, by libraries and by simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from analysis.sdt import confidence
from analysis.sdt.confidence import ConfidenceCounts

CELLS = st.lists(st.integers(0, 12), min_size=16, max_size=16)


def test_counts_by_hand() -> None:
    found = confidence.count_confidence(
        ["real", "real", "generated", "generated", "real", "real", "generated"],
        ["real", "generated", "generated", "real", "real", None, "real"],
        [1, 3, 3, 1, 3, 2, np.nan],
    )
    np.testing.assert_array_equal(found.levels, [1, 3])
    np.testing.assert_array_equal(found.table, [[[1, 1], [0, 1]], [[1, 0], [0, 1]]])
    assert found.unrated == 2
    np.testing.assert_array_equal(found.correct(), [1, 2])
    np.testing.assert_array_equal(found.incorrect(), [1, 1])
    np.testing.assert_array_equal(found.correct("real"), [1, 1])
    np.testing.assert_array_equal(found.incorrect("real"), [1, 0])
    np.testing.assert_array_equal(found.correct("generated"), [0, 1])
    np.testing.assert_array_equal(found.incorrect("generated"), [0, 1])


@pytest.mark.parametrize(
    ("truth", "response", "sure", "code", "fact"),
    [
        (["fake"], ["real"], [1], "unknown-word", "fake"),
        (["real"], ["fake"], [1], "unknown-word", "fake"),
        (["real"], ["real"], [1, 2], "unequal-lengths", "1 truths, 1 responses and 2 confidences"),
        (["real", "real"], ["real", "real"], [1, 0], "not-a-whole-number", "confidence 0 of trial 1"),
        (["real", "real"], ["real", "real"], [2.5, 1], "not-a-whole-number", "confidence 2.5 of trial 0"),
        (["real"], ["real"], [np.inf], "not-a-whole-number", "confidence inf of trial 0"),
    ],
)
def test_other_words_and_confidences_are_refused(
    truth: list[str], response: list[str], sure: list[float], code: str, fact: str, refuses: Any
) -> None:
    with refuses(code) as caught:
        confidence.count_confidence(truth, response, sure)
    assert fact in str(caught.value)


def test_tables_that_are_none_are_refused(refuses: Any) -> None:
    with refuses("unequal-lengths") as caught:
        ConfidenceCounts(np.arange(1.0, 4), np.ones((2, 2, 2), dtype=np.int64))
    assert "(2, 2, 2)" in str(caught.value)
    with refuses("out-of-range"):
        ConfidenceCounts(np.array([1.0, 2]), np.array([[[1, 2], [3, -1]], [[1, 2], [3, 4]]]))
    with refuses("not-increasing"):
        ConfidenceCounts(np.array([2.0, 1]), np.ones((2, 2, 2), dtype=np.int64))


def test_type_2_rates_by_hand_for_each_response_and_pooled() -> None:
    counts = _counts([[[4, 2, 1], [1, 1, 0]], [[2, 1, 1], [1, 3, 5]]])
    said = confidence.type2_roc(counts, "generated")
    assert (said.correct, said.incorrect) == (9, 2)
    np.testing.assert_allclose(said.hit_rate, [0, 5 / 9, 8 / 9, 1])
    np.testing.assert_allclose(said.false_alarm_rate, [0, 0, 1 / 2, 1])
    np.testing.assert_allclose(said.threshold, [np.inf, 3, 2, 1])
    assert said.area.value == pytest.approx((5 * 2 + 3 * 1.5 + 1 * 0.5) / 18)
    np.testing.assert_allclose(confidence.type2_roc(counts, "real").hit_rate, [0, 1 / 7, 3 / 7, 1])
    pooled = confidence.type2_roc(counts)
    np.testing.assert_allclose(pooled.hit_rate, [0, 6 / 16, 11 / 16, 1])
    np.testing.assert_allclose(pooled.false_alarm_rate, [0, 1 / 6, 3 / 6, 1])
    right, sure = _trials(counts)
    assert pooled.area.value == pytest.approx(roc_auc_score(right, sure))
    assert pooled.area.low < pooled.area.value < pooled.area.high


@pytest.mark.parametrize(
    ("real", "generated", "area"),
    [
        ([52, 32, 35, 37, 26, 12, 4, 2], [2, 5, 15, 22, 33, 38, 40, 45], 0.7277965052),
        ([36, 24, 17, 20, 10, 12, 9, 2], [1, 4, 10, 11, 19, 18, 28, 39], 0.6998064266),
    ],
)
def test_areas_of_metadpy_and_hmeta_d(real: list[int], generated: list[int], area: float) -> None:
    """metadpy's and HMeta-d's documented areas, which add half a trial to each cell: one to each pooled count."""
    table = np.array([[row[:4][::-1], row[4:]] for row in (real, generated)])
    table[:, 0] += 1  # one more right and one more wrong answer at each confidence
    assert confidence.type2_roc(ConfidenceCounts(np.arange(1.0, 5), table)).area.value == pytest.approx(area, abs=1e-9)


def test_calibration_by_level() -> None:
    """Shares by hand, bounds as statsmodels' Wilson interval."""
    counts = _counts([[[4, 2, 0], [1, 1, 0]], [[2, 0, 0], [1, 3, 5]]])
    found = confidence.calibration(counts)
    np.testing.assert_array_equal(found.trials, [8, 6, 5])
    np.testing.assert_array_equal(found.correct, [5, 5, 5])
    np.testing.assert_allclose(found.accuracy, [5 / 8, 5 / 6, 1])
    low, high = proportion_confint(found.correct, found.trials, method="wilson")
    np.testing.assert_allclose(found.low, low, atol=1e-12)
    np.testing.assert_allclose(found.high, high, atol=1e-12)
    frame = found.by_level()
    assert list(frame.columns) == ["confidence", "trials", "correct", "accuracy", "low", "high"]
    assert list(frame["confidence"]) == [1, 2, 3]
    assert "gamma_value" in found.to_frame().columns


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_gamma_is_its_definition(cells: list[int]) -> None:
    counts = ConfidenceCounts(np.arange(1.0, 5), np.array(cells).reshape(2, 2, 4))
    right, sure = _trials(counts)
    wins = np.sign(np.subtract.outer(sure[right], sure[~right]))
    found = confidence.calibration(counts)
    if not wins.size or not wins.any():
        assert math.isnan(found.gamma.value)
        assert found.reason is not None
        return
    assert found.gamma.value == pytest.approx(wins.sum() / np.abs(wins).sum())
    if found.reason is None:
        assert -1 <= found.gamma.low < found.gamma.value < found.gamma.high <= 1
        # The area of the pooled type-2 ROC is γ with ties counted as half wins.
        assert confidence.type2_roc(counts).area.value == pytest.approx(0.5 + wins.mean() / 2)
    else:
        assert abs(found.gamma.value) == 1
        assert "completely" in found.reason


@pytest.mark.slow
def test_intervals_of_gamma_and_area_cover() -> None:
    """600 observers of 200 trials with d′ = 1: the standard error of a coverage is .009."""
    edges = np.array([0, 0.4, 0.8, 1.3, np.inf])
    right, wrong = (-np.diff(norm.sf(edges - mean)) for mean in (0.5, -0.5))
    share = np.concatenate([right, wrong])
    pairs = np.outer(right, wrong)
    win, lose = np.tril(pairs, -1).sum(), np.triu(pairs, 1).sum()
    gamma, area = (win - lose) / (win + lose), (1 + (win - lose) / pairs.sum()) / 2
    tables = np.random.default_rng(2).multinomial(200, share, 600)
    counts = [_counts([[one[:4], one[4:]], [np.zeros(4), np.zeros(4)]]) for one in tables]
    found = [confidence.calibration(one).gamma for one in counts]
    assert np.mean([one.low <= gamma <= one.high for one in found]) == pytest.approx(0.95, abs=0.027)
    assert np.mean([one.se for one in found]) == pytest.approx(np.std([one.value for one in found]), rel=0.1)
    areas = [confidence.type2_roc(one).area for one in counts[:300]]
    assert np.mean([one.low <= area <= one.high for one in areas]) == pytest.approx(0.95, abs=0.035)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[[4, 2], [0, 0]], [[0, 0], [1, 3]]], "no wrong answer"),
        ([[[0, 0], [4, 2]], [[1, 3], [0, 0]]], "no right answer"),
        ([[[0, 0], [0, 0]], [[0, 0], [0, 0]]], "no right and no wrong answer"),
    ],
)
def test_one_kind_of_answer_is_undefined(table: list[list[list[int]]], words: str) -> None:
    for found in (confidence.type2_roc(_counts(table)), confidence.calibration(_counts(table))):
        assert words in str(found.reason)
    assert math.isnan(confidence.type2_roc(_counts(table)).area.value)
    assert math.isnan(confidence.calibration(_counts(table)).gamma.value)
    assert confidence.type2_roc(_counts(table)).hit_rate.size == 0


def test_one_confidence_is_half_and_no_gamma() -> None:
    counts = _counts([[[4], [2]], [[1], [3]]])
    assert confidence.type2_roc(counts).area.value == 0.5
    found = confidence.calibration(counts)
    assert "all confidences tie" in str(found.reason)
    np.testing.assert_allclose(found.accuracy, [0.7])


def _counts(table: object) -> ConfidenceCounts:
    counts = np.array(table, dtype=np.int64)
    return ConfidenceCounts(np.arange(1.0, counts.shape[2] + 1), counts)


def _trials(counts: ConfidenceCounts) -> tuple[np.ndarray, np.ndarray]:
    right, wrong = counts.correct(), counts.incorrect()
    sure = np.concatenate([np.repeat(counts.levels, right), np.repeat(counts.levels, wrong)])
    return np.repeat([True, False], [right.sum(), wrong.sum()]), sure
