"""The proper binormal model: PROPROC's fits, the published formulas, numerical integration, coverage, edges."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal, norm

from analysis.roc.binormal import binormal_fit_from_counts
from analysis.roc.models import proper
from analysis.roc.models.fit import CHANCE
from analysis.roc.ratings import RatingCounts

REFERENCE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "reference" / "curves.json").read_text(encoding="utf-8")
)
# Area, c and d_a that PROPROC (Metz & Pan; in OR-DBM MRMC, University of Iowa) gives for Van Dyke's study, as published
# with RJafroc (inst/MRMCRuns/VD). Reader 4 of modality 2 is degenerate and has no fit there either.
PROPROC = {
    "m1r1": (0.9340403616, -0.2980072344, 2.1255412315),
    "m1r2": (0.8910714123, -0.2809004255, 1.7314724686),
    "m1r3": (0.9078321352, -0.7455097978, 0.0001186957),
    "m1r4": (0.9774594813, -0.9315807464, 0.0005236787),
    "m1r5": (0.8405597604, -0.5074269320, 0.8958638262),
    "m2r1": (0.9519359305, -0.3212354325, 2.3481494976),
    "m2r2": (0.9259925843, -0.7908676146, 0.0000409947),
    "m2r3": (0.9304317582, -0.3299822076, 2.0785433399),
    "m2r5": (0.9426874140, -0.5530819099, 2.0196598664),
}
SHAPES = [(0.9, -0.3), (0.9, 0.4), (0.2, 0.05), (2.5, -0.8), (1.0, 0.0)]


def counts_of(reader: str) -> RatingCounts:
    one = REFERENCE["readers"][reader]
    return RatingCounts(np.arange(1.0, 6), np.array(one["real"]), np.array(one["generated"]))


@pytest.mark.parametrize("reader", PROPROC)
def test_fits_are_proprocs(reader: str) -> None:
    """Area to 2e-6; c and d_a to 1e-3 (three readers have d_a = 0, which PROPROC nears to 5e-4)."""
    area, c, d_a = PROPROC[reader]
    found = proper.proper_binormal_from_counts(counts_of(reader))
    assert found.auc.value == pytest.approx(area, abs=2e-6)
    assert (found.c.value, found.d_a.value) == pytest.approx((c, d_a), abs=1e-3)
    assert (found.edge == proper.NO_SHIFT) == (d_a < 0.01)


def test_area_is_that_of_rjafroc() -> None:
    """`UtilAucPROPROC`, the bivariate normal formula; its integral is good to 1e-6 (1e-9 seen)."""
    areas = REFERENCE["proper_areas"]
    mine = [proper.area(np.array([d, c]))[0] for c, d in zip(areas["c"], areas["d_a"], strict=True)]
    assert mine == pytest.approx(areas["auc"], abs=1e-6)


@pytest.mark.parametrize(("d_a", "c"), SHAPES)
def test_area_is_metz_and_pans_formula_and_the_integral_of_the_curve(d_a: float, c: float) -> None:
    value, gradient = proper.area(np.array([d_a, c]))
    rho = -(1 - c**2) / (1 + c**2)
    if c:
        both = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([-d_a / math.sqrt(2), 0])
        assert value == pytest.approx(norm.cdf(d_a / math.sqrt(2)) + 2 * both, abs=1e-6)
        step = 1e-6 * np.eye(2)
        slopes = [
            (proper.area(np.array([d_a, c]) + e)[0] - proper.area(np.array([d_a, c]) - e)[0]) / 2e-6 for e in step
        ]
        assert gradient == pytest.approx(slopes, abs=1e-6)
    assert quad(lambda rate: float(proper._curve(-ndtri([rate]), d_a, c)[0][0]), 0, 1)[0] == pytest.approx(
        value, abs=1e-6
    )


@pytest.mark.parametrize(("d_a", "c"), [(0.9, -0.3), (1.4, 0.35)])
def test_curve_is_that_of_the_likelihood_ratio(d_a: float, c: float) -> None:
    """Derived anew: of the images of N(0, 1) and N(a/b, 1/b²), those with a likelihood ratio above a cut."""
    b = (1 + c) / (1 - c)
    a = d_a * math.sqrt((1 + b**2) / 2)
    for log_ratio in (-0.5, 0.2, 1.0):
        # ln b − (b x − a)² / 2 + x² / 2 = cut, a parabola in x.
        roots = np.sort(np.roots([(1 - b**2) / 2, a * b, math.log(b) - a**2 / 2 - log_ratio]).real)
        real = ndtr(roots[1]) - ndtr(roots[0])
        generated = ndtr(b * roots[1] - a) - ndtr(b * roots[0] - a)
        if b < 1:  # the ratio is high outside the roots
            real, generated = 1 - real, 1 - generated
        assert proper._curve(-ndtri([real]), d_a, c)[0][0] == pytest.approx(generated, abs=1e-9)


def test_with_equal_variances_it_is_the_binormal_curve() -> None:
    rates = np.array([0.05, 0.3, 0.8])
    assert proper._curve(-ndtri(rates), 1.2, 0.0)[0] == pytest.approx(ndtr(1.2 + ndtri(rates)), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 4), st.floats(-0.95, 0.95))
def test_the_curve_is_concave_and_above_the_chance_line(d_a: float, c: float) -> None:
    rates = np.linspace(0.001, 0.999, 60)
    heights, slopes, _ = proper._curve(-ndtri(rates), d_a, c)
    assert (heights >= rates - 1e-9).all()
    assert (np.diff(slopes) <= 1e-6 * (1 + slopes[:-1])).all()


@pytest.mark.slow
def test_area_is_covered() -> None:
    """120 observers of 100 + 100 images, a = 1.2, b = .8, eight ratings: 95% within .05 (standard error .02)."""
    rng, hits = np.random.default_rng(4), 0
    true = proper.area(np.array([math.sqrt(2) * 1.2 / math.sqrt(1 + 0.8**2), -0.2 / 1.8]))[0]
    b, a = 0.8, 1.2
    for _ in range(120):
        real, generated = rng.normal(size=100), rng.normal(a / b, 1 / b, size=100)
        # What the observer rates is the likelihood ratio.
        ratio = [0.5 * (1 - b**2) * x**2 + a * b * x for x in (real, generated)]
        cuts = np.quantile(np.concatenate(ratio), np.arange(1, 8) / 8)
        tables = [np.bincount(np.searchsorted(cuts, one), minlength=8) for one in ratio]
        found = proper.proper_binormal_from_counts(RatingCounts(np.arange(8.0), *tables))
        hits += found.auc.low <= true <= found.auc.high
    assert hits / 120 == pytest.approx(0.95, abs=0.05)


def test_below_chance_it_is_the_chance_line_and_says_so() -> None:
    found = proper.proper_binormal_from_counts(
        RatingCounts(np.arange(4.0), np.array([5, 10, 20, 30]), np.array([28, 19, 12, 6]))
    )
    assert found.auc.value >= 0.5
    assert (
        binormal_fit_from_counts(
            RatingCounts(np.arange(4.0), np.array([5, 10, 20, 30]), np.array([28, 19, 12, 6]))
        ).a_z.value
        < 0.4
    )
    same = proper.proper_binormal_from_counts(RatingCounts(np.arange(4.0), *2 * [np.array([5, 10, 20, 30])]))
    assert (same.auc.value, same.edge) == (0.5, CHANCE)
    assert math.isnan(same.auc.se)


def test_without_enough_there_is_no_fit() -> None:
    two = proper.proper_binormal(["real", "generated"] * 4, [1, 2, 1, 2, 2, 1, 1, 2])
    assert "fewer than three ratings" in str(two.reason)
    assert np.isnan(two.hit_rate([0.1])).all()
    apart = proper.proper_binormal(["real"] * 4 + ["generated"] * 4, [1, 1, 2, 2, 3, 3, 4, 4])
    assert "separate the classes completely" in str(apart.reason)
    assert "no generated image" in str(proper.proper_binormal(["real"] * 3, [1, 2, 3]).reason)


def test_unused_ratings_change_nothing_and_the_curve_goes_through_the_corners() -> None:
    full, used = (
        counts_of("m1r1"),
        RatingCounts(np.arange(7.0), *(np.insert(x, 3, [0, 0]) for x in ([47, 9, 10, 2, 1], [4, 1, 2, 10, 28]))),
    )
    one, other = proper.proper_binormal_from_counts(full), proper.proper_binormal_from_counts(used)
    assert one.auc.value == pytest.approx(other.auc.value, abs=1e-9)
    assert other.dropped == 2
    assert one.hit_rate([0, 1]).tolist() == [0, 1]
