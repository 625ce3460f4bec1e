"""The equivalence test (TOST) against statsmodels and pingouin, and how often it errs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pingouin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.weightstats import DescrStatsW

from analysis.group.equivalence import equivalence_test

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "reference" / "evidence.json").read_text("utf-8"))
SAMPLES: dict[str, list[float]] = {name: one["values"] for name, one in REFERENCE["jzs"].items()}
VALUES = st.lists(st.integers(-200, 200).map(lambda n: n / 100), min_size=3, max_size=12).filter(
    lambda values: max(values) - min(values) > 0.3
)


@pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES.keys())
def test_tost_is_statsmodels_and_pingouins(values: list[float]) -> None:
    result = equivalence_test(values, 0.3)
    p, lower, upper = DescrStatsW(values).ttost_mean(-0.3, 0.3)
    assert (result.p, result.p_lower, result.p_upper) == pytest.approx((p, lower[1], upper[1]), abs=1e-12)
    assert result.p == pytest.approx(float(pingouin.tost(values, 0, bound=0.3)["pval"].iloc[0]), abs=1e-3)
    interval = DescrStatsW(values).tconfint_mean(alpha=0.1)
    assert (result.low, result.high) == pytest.approx(interval, abs=1e-12)
    assert result.level == pytest.approx(0.9)


@pytest.mark.slow
@given(VALUES, st.floats(0.05, 2))
def test_equivalent_is_the_interval_inside_the_bounds(values: list[float], bound: float) -> None:
    result = equivalence_test(values, bound)
    assert result.equivalent == (-bound < result.low and result.high < bound)
    mirrored = equivalence_test([-value for value in values], bound)
    assert (mirrored.p_lower, mirrored.p_upper) == pytest.approx((result.p_upper, result.p_lower))


@pytest.mark.slow
@pytest.mark.parametrize("sign", [-1, 1])
def test_tost_errs_as_often_as_alpha_says_at_the_bound(sign: int) -> None:
    """2,000 groups of 10 observers whose d′ varies with SD .2, on the bound .3: standard error .005."""
    draws = sign * 0.3 + 0.2 * np.random.default_rng(1).standard_normal((2000, 10))
    assert np.mean([equivalence_test(row, 0.3).equivalent for row in draws]) == pytest.approx(0.05, abs=0.015)


def _dprimes(observers: int, between_sd: float, image_sd: float, dprime: float, studies: int, seed: int) -> np.ndarray:
    """d′ of simulated studies of 50 + 50 shared images, (studies, observers), log-linear, unbiased observers."""
    rng = np.random.default_rng(seed)
    own = dprime + between_sd * rng.standard_normal((studies, observers, 1, 1))
    sides = np.array([0.5, -0.5]).reshape(1, 1, 2, 1) * own
    images = image_sd * rng.standard_normal((studies, 1, 2, 50))
    noise = np.sqrt(1 - image_sd**2) * rng.standard_normal((studies, observers, 2, 50), dtype=np.float32)
    said = np.sum(sides + images + noise > 0, axis=-1)
    z = norm.ppf((said + 0.5) / 51)
    return np.asarray(z[..., 0] - z[..., 1])


@pytest.mark.slow
@pytest.mark.parametrize(("observers", "share"), [(10, 0.13), (20, 0.20)])
def test_tost_on_means_errs_far_too_often_where_observers_share_images(observers: int, share: float) -> None:
    """True d′ at the bound .3, image SD .5, 1,500 studies (standard error .01); 5% is promised."""
    found = _dprimes(observers, 0.0, 0.5, 0.3, 1500, seed=1)
    assert np.mean([equivalence_test(row, 0.3).equivalent for row in found]) == pytest.approx(share, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("observers", "alike", "different"), [(10, 0.94, 0.73), (6, 0.63, 0.34)])
def test_differences_between_observers_cost_tost_its_power(observers: int, alike: float, different: float) -> None:
    """True mean d′ 0, bound .3, between-observer SD 0 or .2; standard error .013 at most."""
    for sd, power in ((0.0, alike), (0.2, different)):
        found = _dprimes(observers, sd, 0.0, 0.0, 1500, seed=2)
        assert np.mean([equivalence_test(row, 0.3).equivalent for row in found]) == pytest.approx(power, abs=0.04)


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("out-of-range"):
        equivalence_test([0.1, 0.2], -0.3)
    with refuses("out-of-range"):
        equivalence_test([0.1, 0.2], 0.3, alpha=0.5)
