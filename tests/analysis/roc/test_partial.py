"""The partial AUC against scikit-learn, geometry and the binormal model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from analysis.roc import bootstrap as roc_bootstrap
from analysis.roc import partial as roc_partial
from analysis.roc import roc
from analysis.roc.ratings import count_ratings

RATINGS = st.lists(st.integers(-4, 4), min_size=1, max_size=30)
AXES: tuple[roc_partial.Axis, ...] = ("false-alarm rate", "hit rate")


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_standardised_area_is_scikit_learns(decimals: int) -> None:
    rng = np.random.default_rng(1)
    truth = np.where(rng.random(150) < 0.4, "generated", "real")
    ratings = np.round(rng.normal(size=truth.size) + 0.5 * (truth == "generated"), decimals)
    for stop in (0.03, 0.1, 0.37, 0.8, 1.0):
        result = roc_partial.partial_auc(truth, ratings, 0, stop)
        expected = roc_auc_score(truth == "generated", ratings, max_fpr=stop)
        assert result.standardised == pytest.approx(expected, abs=1e-12)


def test_worked_by_hand() -> None:
    """Points (0, 0), (0, .5), (.5, .5), (.5, 1), (1, 1): steps whose areas are rectangles."""
    truth, ratings = ["generated", "real", "generated", "real"], [4, 3, 2, 1]
    over_alarms = roc_partial.partial_auc(truth, ratings, 0.25, 1)
    assert over_alarms.area == pytest.approx(0.25 * 0.5 + 0.5 * 1)
    chance = (1 - 0.25**2) / 2
    assert over_alarms.standardised == pytest.approx((1 + (0.625 - chance) / (0.75 - chance)) / 2)
    over_hits = roc_partial.partial_auc(truth, ratings, 0.25, 1, axis="hit rate")
    assert over_hits.area == pytest.approx(0.25 * 1 + 0.5 * 0.5)
    # A tie is a sloping line, cut anywhere: hits rise from 0 to 1 as false alarms do from 0 to .5.
    sloping = roc_partial.partial_auc(["generated", "real", "real"], [2, 2, 1], 0, 0.25)
    assert sloping.area == pytest.approx(0.25 * 0.5 / 2)


@pytest.mark.parametrize("axis", AXES)
def test_large_samples_reach_the_binormal_area(axis: roc_partial.Axis) -> None:
    """d′ 1.2, over .1 to .4, by quadrature; 200,000 scores, a standard error near .001."""
    rng = np.random.default_rng(2)
    truth = np.repeat(["generated", "real"], 100_000)
    scores = rng.normal(size=truth.size) + 1.2 * (truth == "generated")
    if axis == "false-alarm rate":
        expected = quad(lambda f: norm.cdf(norm.ppf(f) + 1.2), 0.1, 0.4)[0]
    else:
        expected = quad(lambda h: 1 - norm.cdf(norm.ppf(h) - 1.2), 0.1, 0.4)[0]
    assert roc_partial.partial_auc(truth, scores, 0.1, 0.4, axis).area == pytest.approx(expected, abs=0.002)


def test_bootstrapped_as_any_statistic() -> None:
    """The bootstrap's estimate and spread are those of the partial area of trials that are resampled one by one."""
    rng = np.random.default_rng(3)
    truth = np.repeat(["generated", "real"], 40)
    ratings = np.floor(2 * rng.normal(size=80) + 2 * (truth == "generated"))
    found = roc_bootstrap.auc_bootstrap(truth, ratings, 1, statistic=roc_partial.statistic(0, 0.3))
    assert found.estimate == pytest.approx(roc_partial.partial_auc(truth, ratings, 0, 0.3).standardised)
    by_trial = []
    for _ in range(400):
        rows = np.concatenate([rng.integers(0, 40, 40), rng.integers(40, 80, 40)])
        by_trial.append(roc_partial.partial_auc(truth[rows], ratings[rows], 0, 0.3).standardised)
    assert found.se == pytest.approx(np.std(by_trial), rel=0.12)
    assert found.bca_low < found.estimate < found.bca_high


def test_one_class_or_nothing_is_undefined() -> None:
    for truth, rating, missing in ((["real"] * 3, [1, 2, 3], "generated"), ([], [], "generated and no real")):
        result = roc_partial.partial_auc(truth, rating, 0, 0.2)
        assert math.isnan(result.area)
        assert math.isnan(result.standardised)
        assert result.reason == f"no {missing} image was rated"


@pytest.mark.parametrize(("start", "stop"), [(0.2, 0.2), (0.5, 0.2), (-0.1, 0.5), (0.5, 1.1), (0, math.nan)])
def test_limits_that_enclose_nothing_are_refused(start: float, stop: float, refuses: Any) -> None:
    with refuses("out-of-range"):
        roc_partial.partial_auc(["real", "generated"], [1, 2], start, stop)
    with refuses("unknown-choice"):
        roc_partial.statistic(0, 1, axis="sensitivity")  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(RATINGS, RATINGS, st.floats(0.05, 0.95))
def test_parts_make_the_whole_and_chance_and_best_are_fixed(generated: list[int], real: list[int], cut: float) -> None:
    truth = ["generated"] * len(generated) + ["real"] * len(real)
    counts = count_ratings(truth, [*generated, *real])
    whole = roc.roc_auc_from_counts(counts).auc
    for axis in AXES:
        parts = (
            roc_partial.partial_auc_from_counts(counts, 0, cut, axis).area
            + roc_partial.partial_auc_from_counts(counts, cut, 1, axis).area
        )
        assert parts == pytest.approx(whole, abs=1e-9)
        assert roc_partial.partial_auc_from_counts(counts, 0, 1, axis).standardised == pytest.approx(whole, abs=1e-9)
        tied = count_ratings(truth, np.ones(len(truth)))
        assert roc_partial.partial_auc_from_counts(tied, 0, cut, axis).standardised == pytest.approx(0.5)
        perfect = count_ratings(truth, [float(word == "generated") for word in truth])
        assert roc_partial.partial_auc_from_counts(perfect, 0, cut, axis).standardised == pytest.approx(1)
    # What the curve loses right of it above a hit rate, its mirror image loses under it.
    mirrored = count_ratings(["real"] * len(generated) + ["generated"] * len(real), [-x for x in [*generated, *real]])
    right, under = (
        roc_partial.partial_auc_from_counts(counts, cut, 1, "hit rate"),
        roc_partial.partial_auc_from_counts(mirrored, 0, 1 - cut, "false-alarm rate"),
    )
    assert right.area == pytest.approx(under.area, abs=1e-9)
