"""The SD between observers against R's metafor, and the coverage of its bounds."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.group.heterogeneity import heterogeneity
from analysis.sdt import yesno

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "reference" / "evidence.json").read_text("utf-8"))
STUDIES: dict[str, Any] = REFERENCE["spread"]


@pytest.mark.parametrize("name", STUDIES)
def test_metafor_gives_the_same(name: str) -> None:
    """rma(method = "REML") and its Q-profile interval, to 1e-7."""
    study = STUDIES[name]
    result, reference = heterogeneity(study["values"], study["se"]), study["REML"]
    assert result.tau == pytest.approx(reference["tau"], abs=1e-7)
    assert (result.low, result.high) == pytest.approx((reference["tau_low"], reference["tau_high"]), abs=1e-7)
    assert (result.q, result.p) == pytest.approx((reference["q"], reference["p"]), rel=1e-9)
    assert result.sd == pytest.approx(np.std(study["values"], ddof=1))


@pytest.mark.slow
@pytest.mark.parametrize("tau", [0.0, 0.1, 0.4])
def test_bounds_cover(tau: float) -> None:
    """800 groups of 8 observers with known errors: each bound alone holds at .95, standard error .008.

    Where there is no upper bound (values too close together) it counts as missed; at τ = 0 the lower one is 0.
    """
    rng = np.random.default_rng(3)
    errors = 0.25 * rng.uniform(0.8, 1.3, 8)
    draws = 0.2 + np.sqrt(tau**2 + errors**2) * rng.standard_normal((800, 8))
    results = [heterogeneity(row, errors, level=0.9) for row in draws]
    assert np.mean([one.high >= tau for one in results]) == pytest.approx(0.95, abs=0.02)
    if tau:
        assert np.mean([not one.low > tau for one in results]) == pytest.approx(0.95, abs=0.02)
        assert np.sqrt(np.mean([one.tau**2 for one in results])) == pytest.approx(tau, abs=0.07)


@pytest.mark.slow
def test_upper_limit_covers_for_dprimes_of_100_trials() -> None:
    """400 groups of 10 observers, SD .4 of d′, with `yesno`'s own standard errors: that of the coverage is .011."""
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(400):
        dprime = 0.1 + 0.4 * rng.standard_normal(10)
        hits = np.sum(rng.standard_normal((10, 50)) < dprime[:, None] / 2, axis=1)
        alarms = np.sum(rng.standard_normal((10, 50)) < -dprime[:, None] / 2, axis=1)
        each = [yesno.dprime(h, 50 - h, f, 50 - f) for h, f in zip(hits, alarms, strict=True)]
        covered.append(heterogeneity([one.dprime for one in each], [one.se for one in each], level=0.9).high >= 0.4)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_opposite_observers_average_to_nothing_and_differ() -> None:
    result = heterogeneity([0.8, -0.8, 0.8, -0.8], [0.25] * 4)
    assert result.low > 0.3
    assert result.tau == pytest.approx(math.sqrt(0.8**2 * 4 / 3 - 0.25**2))


def test_order_and_sign_are_irrelevant() -> None:
    study = STUDIES["twenty"]
    plain = heterogeneity(study["values"], study["se"])
    turned = heterogeneity([-value for value in study["values"][::-1]], study["se"][::-1])
    assert turned.to_dict() == pytest.approx(plain.to_dict(), abs=1e-7)


def test_values_closer_than_their_errors_allow_have_no_bounds() -> None:
    result = heterogeneity([0.1, 0.1, 0.1, 0.1001, 0.1], [0.25] * 5)
    assert result.tau == 0
    assert math.isnan(result.high)
    assert "less than their standard errors allow" in str(result.reason)
    assert math.isnan(heterogeneity([0.1] * 5, [0.25] * 5).high)


@pytest.mark.parametrize(
    ("values", "errors", "reason"),
    [
        ([], [], "no observer"),
        ([0.2], [0.1], "one observer"),
        ([0.2, math.nan, 0.3], [0.1, 0.1, math.nan], "one observer"),
    ],
)
def test_too_few_observers(values: list[float], errors: list[float], reason: str) -> None:
    result = heterogeneity(values, errors)
    assert math.isnan(result.tau)
    assert math.isnan(result.high)
    assert reason in str(result.reason)
    assert result.undefined == len(values) - result.n


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("unequal-lengths") as caught:
        heterogeneity([0.1, 0.2], [0.1])
    assert "2 values and 1 standard errors" in str(caught.value)
    with refuses("out-of-range") as caught:
        heterogeneity([0.1, 0.2], [0.1, 0.0])
    assert "observer 1" in str(caught.value)
    with refuses("out-of-range") as caught:
        heterogeneity([math.inf, 0.2], [0.1, 0.1])
    assert "observer 0" in str(caught.value)
