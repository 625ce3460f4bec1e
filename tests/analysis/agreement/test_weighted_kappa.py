"""Weighted κ: psych, Lin's concordance, plain κ with two categories, coverage, invariances."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from analysis.agreement.retest import sokal_michener
from analysis.agreement.weighted_kappa import Weights, weighted_kappa

KAPPA: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "reference" / "curves.json").read_text(encoding="utf-8")
)["kappa"]
PAIRS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=5, max_size=40)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_kappa_is_that_of_psych_and_scikit_learn(weights: Weights) -> None:
    found = weighted_kappa(KAPPA["first"], KAPPA["second"], weights, categories=range(1, 6))
    assert found.kappa == pytest.approx(KAPPA[weights]["kappa"], abs=1e-12)
    assert found.kappa == pytest.approx(cohen_kappa_score(KAPPA["first"], KAPPA["second"], weights=weights), abs=1e-12)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_standard_error_is_the_delta_methods(weights: Weights) -> None:
    """By central differences over the shares of the table: κ's gradient under the multinomial covariance; to 1e-6.

    (psych 2.2.9 prints another variance, for weights that measure disagreement.)
    """
    scale = np.arange(5)
    steps = np.abs(np.subtract.outer(scale, scale)) / 4
    cost = steps if weights == "linear" else steps**2

    def kappa(shares: np.ndarray) -> float:
        shares = shares.reshape(5, 5)
        return float(1 - np.sum(cost * shares) / (shares.sum(axis=1) @ cost @ shares.sum(axis=0)))

    first, second = np.array(KAPPA["first"]) - 1, np.array(KAPPA["second"]) - 1
    p = np.bincount(5 * first + second, minlength=25) / len(first)
    slope = np.array([(kappa(p + step) - kappa(p - step)) / 2e-6 for step in 1e-6 * np.eye(25)])
    expected = np.sqrt((p @ slope**2 - (p @ slope) ** 2) / len(first))
    assert weighted_kappa(first, second, weights, range(5)).se == pytest.approx(expected, abs=1e-6)


def test_quadratic_is_lins_concordance() -> None:
    """Of numbers one step apart, by the variances and covariance (Lin 1989, Biometrics 45:255)."""
    first, second = np.array([1, 2, 3, 4, 4, 1]), np.array([2, 2, 3, 3, 4, 1])
    shift = (first.mean() - second.mean()) ** 2
    lin = 2 * np.cov(first, second, bias=True)[0, 1] / (first.var() + second.var() + shift)
    assert weighted_kappa(first, second).kappa == pytest.approx(lin, abs=1e-12)


def test_with_two_categories_it_is_cohens_with_its_error() -> None:
    words = np.array(["real", "generated"])
    first, second = np.array([0, 0, 1, 1, 1, 0, 1, 0, 0, 1]), np.array([0, 1, 1, 1, 0, 0, 1, 0, 0, 1])
    plain = sokal_michener(words[first], words[second])
    for weights in ("linear", "quadratic"):
        found = weighted_kappa(first, second, weights)
        assert (found.kappa, found.se) == pytest.approx((plain.kappa, plain.kappa_se), abs=1e-12)


def test_an_unused_category_is_a_step_too() -> None:
    first, second = [1, 1, 4, 4, 2, 1], [1, 4, 4, 2, 2, 1]
    assert weighted_kappa(first, second, "linear", range(1, 5)).kappa != weighted_kappa(first, second, "linear").kappa


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [([1.0], [2.0], "fewer than two"), ([2.0] * 4, [2.0] * 4, "the same"), ([1, 2, 3], [1, 2, 3], "no interval")],
)
def test_too_little_is_undefined(first: list[float], second: list[float], reason: str) -> None:
    found = weighted_kappa(first, second)
    assert reason in str(found.reason)
    assert math.isnan(found.low)
    assert math.isnan(found.p)


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("unknown-choice"):
        weighted_kappa([1, 2], [1, 2], "cubic")  # type: ignore[arg-type]
    with refuses("unknown-word") as caught:
        weighted_kappa([1, 7], [1, 2], categories=[1, 2, 3])
    assert "rating 7" in str(caught.value)
    with refuses("not-increasing"):
        weighted_kappa([1, 2], [1, 2], categories=[2, 1])


@pytest.mark.slow
def test_bounds_cover() -> None:
    """600 pairs of sessions of 100 images, correlation .5, eight ratings; standard error of the coverage .01."""
    rng = np.random.default_rng(3)
    for weights in ("linear", "quadratic"):
        true = weighted_kappa(*_ratings(rng, 300_000), weights, range(8)).kappa
        found = [weighted_kappa(*_ratings(rng, 100), weights, range(8)) for _ in range(600)]
        assert np.mean([one.low <= true <= one.high for one in found]) == pytest.approx(0.94, abs=0.025)


@settings(max_examples=40, deadline=None)
@given(PAIRS, st.sampled_from(["linear", "quadratic"]))
def test_sides_and_direction_do_not_matter(pairs: list[tuple[int, int]], weights: Weights) -> None:
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    base = weighted_kappa(first, second, weights, range(1, 6))
    for again in (
        weighted_kappa(second, first, weights, range(1, 6)),
        weighted_kappa(6 - first, 6 - second, weights, range(1, 6)),
    ):
        assert (again.kappa, again.low) == pytest.approx((base.kappa, base.low), abs=1e-9, nan_ok=True)


def _ratings(rng: np.random.Generator, n: int) -> np.ndarray:
    evidence = np.sqrt(0.5) * (rng.standard_normal((n, 1)) + rng.standard_normal((n, 2)))
    return np.searchsorted([-1.2, -0.7, -0.3, 0, 0.3, 0.7, 1.2], evidence).T
