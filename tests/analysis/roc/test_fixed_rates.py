"""Sensitivity at a fixed specificity and the reverse: pROC, by hand, mirror images, coverage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from analysis.roc import fixed_rates
from analysis.roc.ratings import RatingCounts

READERS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "reference" / "curves.json").read_text(encoding="utf-8")
)["readers"]
TABLES = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(lambda x: sum(x) > 1)


@pytest.mark.parametrize("reader", READERS)
def test_rates_are_procs(reader: str) -> None:
    """`coords` at .7, .85 and .95, on Van Dyke's study; to 1e-12."""
    one = READERS[reader]
    counts = RatingCounts(np.arange(1.0, 6), np.array(one["real"]), np.array(one["generated"]))
    for of in ("sensitivity", "specificity"):
        mine = [float(fixed_rates.statistic(of, at)(counts.real, counts.generated)) for at in one["pROC"]["at"]]
        assert mine == pytest.approx(one["pROC"][of], abs=1e-12)


def test_at_an_operating_point_it_is_that_point() -> None:
    truth = ["generated"] * 20 + ["real"] * 20
    rating = [4] * 12 + [3] * 4 + [2] * 4 + [4, 4, 3, 3] + [2] * 6 + [1] * 10
    found = fixed_rates.sensitivity_at_specificity(truth, rating, 0.9)
    assert found.value == pytest.approx(0.6)
    assert found.low < 0.6 < found.high
    assert not found.extrapolated
    assert fixed_rates.specificity_at_sensitivity(truth, rating, 0.6).value == pytest.approx(0.9)


def test_beyond_the_strictest_rating_it_says_that_it_guesses() -> None:
    truth, rating = ["generated"] * 10 + ["real"] * 10, [2] * 6 + [1] * 4 + [2] * 3 + [1] * 7
    assert fixed_rates.sensitivity_at_specificity(truth, rating, 0.95).extrapolated
    assert not fixed_rates.sensitivity_at_specificity(truth, rating, 0.7).extrapolated
    assert fixed_rates.specificity_at_sensitivity(truth, rating, 0.9).extrapolated


@settings(max_examples=60, deadline=None)
@given(TABLES, TABLES, st.floats(0.05, 0.95))
def test_mirror_and_monotony(real: list[int], generated: list[int], at: float) -> None:
    """Classes exchanged and ratings reversed swap the two rates; more specificity never gains sensitivity."""
    one, other = np.array(real), np.array(generated)
    mine = fixed_rates.statistic("sensitivity", at)(one, other)
    assert mine == pytest.approx(fixed_rates.statistic("specificity", at)(other[::-1], one[::-1]), abs=1e-9)
    assert fixed_rates.statistic("sensitivity", min(0.99, at + 0.03))(one, other) <= mine + 1e-9
    assert 0 <= mine <= 1


def test_without_ratings_or_with_an_impossible_rate(refuses: Any) -> None:
    nothing = fixed_rates.sensitivity_at_specificity(["real"] * 3, [1, 2, 3])
    assert np.isnan(nothing.value)
    assert "no generated image" in str(nothing.reason)
    with refuses("out-of-range") as caught:
        fixed_rates.specificity_at_sensitivity(["real", "generated"], [1, 2], 1.0)
    assert "sensitivity 1.0" in str(caught.value)


@pytest.mark.slow
def test_bounds_cover() -> None:
    """500 observers of 100 + 100 images and eight ratings at d′ 0, 1 and 2; standard error of the coverage .01.

    The true value is on the polygon of the true operating points, as a curve of ratings is.
    """
    cuts, rng = np.array([-1.2, -0.6, 0.0, 0.5, 1.0, 1.5, 2.2]), np.random.default_rng(8)
    for dprime in (0.0, 1.0, 2.0):
        x, y = ndtr(-cuts[::-1]), ndtr(dprime - cuts[::-1])
        true = np.interp(0.1, np.concatenate([[0], x, [1]]), np.concatenate([[0], y, [1]]))
        inside = []
        for _ in range(500):
            tables = [np.bincount(np.searchsorted(cuts, rng.normal(m, 1, 100)), minlength=8) for m in (0, dprime)]
            found = fixed_rates.rate_from_counts(RatingCounts(np.arange(8.0), *tables), "sensitivity", 0.9, seed=rng)
            inside.append(found.low <= true <= found.high)
        assert np.mean(inside) == pytest.approx(0.94, abs=0.03)
