"""The stratified bootstrap of an AUC against scipy, trials resampled one by one, and simulated coverage."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import bootstrap, norm

from analysis import intervals
from analysis.roc import bootstrap as roc_bootstrap
from analysis.roc import partial as roc_partial
from analysis.roc import roc
from analysis.roc.ratings import RatingCounts, count_ratings
from analysis.roc.tables import areas

CUTS = np.array([-1.2, -0.7, -0.3, 0, 0.3, 0.7, 1.2])
TRUTH = np.array(["generated"] * 50 + ["real"] * 50, dtype=object)
CHAKRABORTY = RatingCounts(np.arange(1.0, 6), np.array([30, 19, 8, 2, 1]), np.array([5, 6, 5, 12, 22]))


@pytest.mark.parametrize("statistic", [areas, roc_partial.statistic(0, 0.4)])
def test_bca_is_scipys(statistic: roc_bootstrap.Statistic) -> None:
    """scipy.stats.bootstrap resamples trials of two samples: its own draws with our z0 and a give its interval.

    7 generated and 12 real images with ties, to 1e-12. Our draws agree with its to Monte-Carlo error.
    """
    rng = np.random.default_rng(1)
    generated, real = np.round(rng.normal(1, 1, 7)), np.round(rng.normal(0, 1, 12))
    truth = ["generated"] * 7 + ["real"] * 12
    levels = np.unique(np.concatenate([generated, real]))

    def of_samples(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], axis: int = -1) -> np.ndarray:
        tables = [np.sum(np.moveaxis(x, axis, -1)[..., None] == levels, axis=-2) for x in (one, other)]
        return statistic(tables[1], tables[0])

    theirs = bootstrap((generated, real), of_samples, n_resamples=4000, method="BCa", vectorized=True, rng=2)
    ours = roc_bootstrap.auc_bootstrap(truth, np.concatenate([generated, real]), 3, statistic=statistic, resamples=4000)
    draws = theirs.bootstrap_distribution
    bounds = intervals.bca(draws, intervals.median_bias(draws, ours.estimate), ours.acceleration, 0.95)
    assert bounds == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)
    assert ours.se == pytest.approx(theirs.standard_error, rel=0.05)
    assert (ours.bca_low, ours.bca_high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.06)


def test_spread_is_near_delongs() -> None:
    """The bootstrap variance of a Mann–Whitney share is DeLong's but for terms of order 1/n²."""
    found, delong = (
        roc_bootstrap.auc_bootstrap_from_counts(CHAKRABORTY, 1, resamples=8000),
        roc.roc_auc_from_counts(CHAKRABORTY),
    )
    assert found.estimate == delong.auc
    assert found.se == pytest.approx(delong.se, rel=0.04)
    assert np.mean(found.draws) == pytest.approx(delong.auc, abs=0.002)
    assert (found.percentile_low, found.percentile_high) == pytest.approx(np.quantile(found.draws, [0.025, 0.975]))


def test_the_multinomial_is_the_resampling_of_trials() -> None:
    """Same distribution of AUCs: quantiles of 4,000 multinomial draws and of 4,000 draws trial by trial."""
    rng = np.random.default_rng(1)
    real, generated = (np.repeat(np.arange(5), part) for part in (CHAKRABORTY.real, CHAKRABORTY.generated))
    tables = [
        np.stack([np.bincount(rng.choice(x, x.size), minlength=5) for _ in range(4000)]) for x in (real, generated)
    ]
    ours = roc_bootstrap.auc_bootstrap_from_counts(CHAKRABORTY, 2, resamples=4000).draws
    points = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(np.quantile(ours, points), np.quantile(areas(*tables), points), atol=0.005)


def test_large_tables_in_pieces_give_what_small_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    counts = count_ratings(TRUTH, rng.normal(size=100))
    whole = roc_bootstrap.auc_bootstrap_from_counts(counts, 5, resamples=50)
    monkeypatch.setattr(roc_bootstrap, "_CELLS", 1000)
    pieces = roc_bootstrap.auc_bootstrap_from_counts(counts, 5, resamples=50)
    assert (pieces.acceleration, pieces.draws.size) == (pytest.approx(whole.acceleration), 50)
    assert pieces.se == pytest.approx(whole.se, rel=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("dprime", [0.0, 1.0, 2.0])
def test_intervals_cover(dprime: float) -> None:
    """400 simulated observers, 50 + 50 images and 8 ratings: a standard error of .011. Of 4,000, BCa covered .952."""
    rng = np.random.default_rng(6)
    edges = np.concatenate([[-np.inf], CUTS, [np.inf]])
    truth = float(areas(*(np.diff(norm.cdf(edges - sign * dprime / 2)) for sign in (-1, 1))))
    inside = []
    for _ in range(400):
        evidence = rng.standard_normal(100) + np.where(TRUTH == "generated", dprime / 2, -dprime / 2)
        found = roc_bootstrap.auc_bootstrap(TRUTH, np.searchsorted(CUTS, evidence), rng, resamples=1000)
        inside.append(
            (found.bca_low <= truth <= found.bca_high, found.percentile_low <= truth <= found.percentile_high)
        )
    assert np.mean(inside, axis=0) == pytest.approx([0.952, 0.942], abs=0.03)


def test_a_seed_is_a_result() -> None:
    one, again, other = (
        roc_bootstrap.auc_bootstrap_from_counts(CHAKRABORTY, seed, resamples=100) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.draws, again.draws)
    assert one.se != other.se
    generator = np.random.default_rng(1)
    np.testing.assert_array_equal(
        one.draws, roc_bootstrap.auc_bootstrap_from_counts(CHAKRABORTY, generator, resamples=100).draws
    )


def test_labels_swapped_reflect_everything() -> None:
    swapped = RatingCounts(CHAKRABORTY.ratings, CHAKRABORTY.generated, CHAKRABORTY.real)
    one, other = (roc_bootstrap.auc_bootstrap_from_counts(each, 1, resamples=4000) for each in (CHAKRABORTY, swapped))
    assert other.estimate == pytest.approx(1 - one.estimate)
    assert other.acceleration == pytest.approx(-one.acceleration)
    assert (other.bca_low, other.bca_high) == pytest.approx((1 - one.bca_high, 1 - one.bca_low), abs=0.01)


def test_what_has_no_interval_says_why(refuses: Any) -> None:
    perfect = roc_bootstrap.auc_bootstrap(TRUTH, np.where(TRUTH == "generated", 4.0, -4.0), 1)
    assert perfect.estimate == 1
    assert math.isnan(perfect.percentile_low)
    assert "all resamples have the same value" in str(perfect.reason)
    tied = roc_bootstrap.auc_bootstrap(TRUTH, np.ones(100), 1)
    assert (tied.estimate, math.isnan(tied.bca_high)) == (0.5, True)
    single = roc_bootstrap.auc_bootstrap(["generated", "real", "real"], [1, 2, 0], 1)
    assert (single.estimate, math.isnan(single.se)) == (0.5, True)
    assert "fewer than two" in str(single.reason)
    one_class = roc_bootstrap.auc_bootstrap(["real"] * 3, [1, 2, np.nan], 1)
    assert math.isnan(one_class.estimate)
    assert (one_class.reason, one_class.unrated) == ("no generated image was rated", 1)
    with refuses("out-of-range"):
        roc_bootstrap.auc_bootstrap_from_counts(CHAKRABORTY, 1, level=95)
