"""The contaminated binormal model: RJafroc's fits, the formula of its area, its edges, coverage."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from analysis.roc.binormal import binormal_fit_from_counts
from analysis.roc.models import contaminated
from analysis.roc.models.contaminated import contaminated_binormal_from_counts
from analysis.roc.models.fit import CHANCE
from analysis.roc.ratings import RatingCounts

READERS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "reference" / "curves.json").read_text(encoding="utf-8")
)["readers"]


def counts_of(reader: str) -> RatingCounts:
    one = READERS[reader]
    return RatingCounts(np.arange(1.0, 6), np.array(one["real"]), np.array(one["generated"]))


@pytest.mark.parametrize("reader", ["m1r1", "m1r2", "m1r5", "m2r1", "m2r3"])
def test_fits_are_rjafrocs(reader: str) -> None:
    """`FitCbmRoc` on Van Dyke's study, where its optimiser ended inside its bounds (μ < 6, α < .98); area to 5e-6."""
    reference = READERS[reader]["contaminated"]
    found = contaminated_binormal_from_counts(counts_of(reader))
    assert found.edge is None
    assert found.auc.value == pytest.approx(reference["auc"], abs=5e-6)
    assert (found.mu.value, found.alpha.value) == pytest.approx((reference["mu"], reference["alpha"]), abs=1e-3)
    assert found.log_likelihood == pytest.approx(-reference["minus_log_likelihood"], abs=1e-5)
    if isinstance(reference["auc_se"], float):  # from the observed information; here from the expected one
        assert found.auc.se == pytest.approx(reference["auc_se"], rel=0.03)


@pytest.mark.parametrize("reader", ["m1r3", "m1r4", "m2r2", "m2r5"])
def test_no_fit_is_less_likely_than_rjafrocs(reader: str) -> None:
    """There μ ended at RJafroc's bound, or α did; the same model has a higher likelihood elsewhere."""
    found = contaminated_binormal_from_counts(counts_of(reader))
    assert found.log_likelihood >= -READERS[reader]["contaminated"]["minus_log_likelihood"]


def test_area_is_the_integral_of_the_curve() -> None:
    found = contaminated_binormal_from_counts(counts_of("m1r1"))
    assert quad(lambda rate: float(found.hit_rate(rate)), 0, 1)[0] == pytest.approx(found.auc.value, abs=1e-8)
    assert found.hit_rate([0, 1]).tolist() == pytest.approx([0, 1])
    value, gradient = contaminated.area(np.array([1.3, 0.7]))
    step = 1e-6 * np.eye(2)
    shape = np.array([1.3, 0.7])
    slopes = [(contaminated.area(shape + e)[0] - contaminated.area(shape - e)[0]) / 2e-6 for e in step]
    assert gradient == pytest.approx(slopes, abs=1e-8)
    assert value == pytest.approx(0.7 * 0.8210, abs=1e-4) or value > 0.5


def test_where_the_binormal_model_degenerates_it_has_a_fit() -> None:
    """Hits without any false alarm, and no more hits at the laxer criteria: b tends to 0."""
    counts = RatingCounts(np.arange(1.0, 4), np.array([25, 25, 0]), np.array([10, 10, 30]))
    assert "degenerate" in str(binormal_fit_from_counts(counts).reason)
    found = contaminated_binormal_from_counts(counts)
    assert found.reason is None
    assert math.isinf(found.mu.value)
    assert (found.alpha.value, found.auc.value) == pytest.approx((0.6, 0.8), abs=1e-5)
    assert found.auc.low < 0.8 < found.auc.high
    assert found.hit_rate([0.0, 0.5]).tolist() == pytest.approx([0, 0.8], abs=1e-4)


def test_with_all_visible_it_is_the_equal_variance_binormal_model() -> None:
    counts = RatingCounts(np.arange(1.0, 5), np.array([40, 30, 20, 10]), np.array([10, 22, 30, 38]))
    found, equal = contaminated_binormal_from_counts(counts), binormal_fit_from_counts(counts, "equal")
    if found.edge == contaminated.ALL_VISIBLE:
        assert found.auc.value == pytest.approx(equal.a_z.value, abs=1e-6)
    assert found.log_likelihood >= equal.log_likelihood - 1e-6


def test_at_chance_it_is_the_chance_line() -> None:
    found = contaminated_binormal_from_counts(RatingCounts(np.arange(4.0), *2 * [np.array([5, 10, 20, 30])]))
    assert (found.auc.value, found.mu.value, found.edge) == (0.5, 0.0, CHANCE)


@pytest.mark.slow
def test_area_is_covered() -> None:
    """300 observers of 100 + 100 images, μ = 2, α = .6, eight ratings: 95% within .04 (standard error .013)."""
    rng, hits = np.random.default_rng(6), 0
    true = contaminated.area(np.array([2.0, 0.6]))[0]
    cuts = np.array([-0.8, -0.3, 0.2, 0.7, 1.2, 1.8, 2.5])
    for _ in range(300):
        evidence = rng.normal(size=100), rng.normal(size=100) + 2 * (rng.random(100) < 0.6)
        tables = [np.bincount(np.searchsorted(cuts, one), minlength=8) for one in evidence]
        found = contaminated_binormal_from_counts(RatingCounts(np.arange(8.0), *tables))
        hits += found.auc.low <= true <= found.auc.high
    assert hits / 300 == pytest.approx(0.95, abs=0.04)
