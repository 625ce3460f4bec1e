"""Which model is preferred, and what is said of it: hooks, degenerate ratings, chance, no difference."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.roc.models.comparison import (
    CONTAMINATED,
    EQUAL,
    PROPER,
    UNEQUAL,
    RatingModels,
    compare_rating_models_from_counts,
)
from analysis.roc.ratings import RatingCounts


def of(real: list[int], generated: list[int]) -> RatingModels:
    return compare_rating_models_from_counts(
        RatingCounts(np.arange(float(len(real))), np.array(real), np.array(generated))
    )


def test_a_hook_inside_the_data_asks_for_a_curve_without_one() -> None:
    found = of([10, 12, 14, 20, 24, 12, 6, 2], [20, 2, 2, 3, 6, 10, 20, 37])
    assert found.models[1].remark is not None
    assert found.preferred in (PROPER, CONTAMINATED)
    assert "crosses the chance line inside the data" in found.words


def test_degenerate_ratings_ask_for_one_too() -> None:
    found = of([25, 25, 0], [10, 10, 30])
    assert found.preferred in (PROPER, CONTAMINATED)
    assert "the binormal model has no fit (degenerate" in found.words


def test_near_chance_none_is_needed() -> None:
    found = of([25, 24, 26, 25], [22, 26, 26, 26])
    assert found.preferred is None
    assert "the area may be .5" in found.words
    assert "empirical area" in found.words


def test_of_models_that_fit_alike_the_simplest_is_taken() -> None:
    found = of([69, 53, 38, 40], [31, 38, 47, 84])
    assert found.preferred == EQUAL
    assert "these data do not tell it from" in found.words


def test_unequal_variances_that_show_are_not_called_equal() -> None:
    """Generated evidence with an SD of 2 and a mean of 2, so that no hook lies inside the data."""
    rng = np.random.default_rng(2)
    cuts = [0, 0.5, 1, 1.5, 2, 3, 4]
    real, generated = (
        np.bincount(np.searchsorted(cuts, rng.normal(m, s, 2000)), minlength=8) for m, s in ((0, 1), (2, 2))
    )
    found = of(real.tolist(), generated.tolist())
    assert found.preferred != EQUAL
    assert found.models[0].aic > found.models[1].aic + 10


def test_aic_counts_thresholds_and_shape() -> None:
    found = of([30, 19, 8, 2, 1], [5, 6, 5, 12, 22])
    assert [one.model for one in found.models] == [EQUAL, UNEQUAL, PROPER, CONTAMINATED]
    assert [one.parameters for one in found.models] == [5, 6, 6, 6]
    for one in found.models:
        assert one.aic == pytest.approx(2 * one.parameters - 2 * one.log_likelihood)
    assert len(found.by_model()) == 4


def test_without_any_fit_it_says_why() -> None:
    found = of([3, 4, 0], [0, 0, 5])
    assert found.preferred is None
    assert "No model has a fit" in found.words
