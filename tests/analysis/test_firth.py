"""Firth's logistic regression against closed forms, a direct maximisation and statsmodels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.special import expit

from analysis.firth import firth

Array = npt.NDArray[np.float64]


@pytest.mark.parametrize("counts", [[[3, 9], [8, 4]], [[0, 12], [8, 4]], [[0, 7], [7, 0]]])
def test_one_binary_predictor_adds_a_half_to_every_count(counts: list[list[int]]) -> None:
    """Firth (1993): in a saturated logistic model the penalty is ½ to each count, separation or not."""
    beta, errors = firth(np.array([[1.0, 0], [1, 1]]), np.array([counts], dtype=float))
    (a, b), (c, d) = np.array(counts) + 0.5
    assert beta[0] == pytest.approx([np.log(b / a), np.log(d / c) - np.log(b / a)], abs=1e-5)
    assert np.isfinite(errors).all()


def test_is_the_maximum_of_the_penalised_likelihood() -> None:
    """Against `scipy.optimize.minimize` of −log L − ½ log|I|, on 30 observations with three predictors; to 1e-3."""
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(30), rng.normal(size=(30, 3))])
    y = (rng.random(30) < expit(design @ [0.3, 1, -1, 0])).astype(float)

    def loss(beta: Array) -> float:
        p = expit(design @ beta)
        information = design.T @ (design * (p * (1 - p))[:, None])
        return float(-np.sum(y * np.log(p) + (1 - y) * np.log1p(-p)) - 0.5 * np.linalg.slogdet(information)[1])

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    beta, _ = firth(design, np.stack([1 - y, y], axis=1)[None])
    assert beta[0] == pytest.approx(best.x, abs=1e-3)


def test_approaches_maximum_likelihood_in_large_samples() -> None:
    """statsmodels' Logit on 20,000 observations; to .001, standard errors to .0001."""
    rng = np.random.default_rng(2)
    design = np.column_stack([np.ones(20_000), rng.integers(0, 2, (20_000, 2)) - 0.5])
    y = (rng.random(20_000) < expit(design @ [0.2, 1, -0.5])).astype(float)
    reference = sm.Logit(y, design).fit(disp=0)
    beta, errors = firth(design, np.stack([1 - y, y], axis=1)[None])
    assert beta[0] == pytest.approx(reference.params, abs=1e-3)
    assert errors[0] == pytest.approx(reference.bse, abs=1e-4)


def test_tables_are_fitted_each_for_itself_and_the_undetermined_are_nan() -> None:
    design = np.array([[1.0, 0], [1, 1]])
    tables = np.array([[[3, 9], [8, 4]], [[3, 9], [0, 0]], [[1, 5], [5, 1]], [[0, 0], [0, 0]]], dtype=float)
    beta, errors = firth(design, tables)
    assert np.isnan(beta[[1, 3]]).all()
    assert np.isnan(errors[[1, 3]]).all()
    for place in (0, 2):
        assert beta[place] == pytest.approx(firth(design, tables[[place]])[0][0])
