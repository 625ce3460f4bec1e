"""Logistic regression by Firth's penalised likelihood, for many tables of counts at once.

Maximum likelihood gives infinite coefficients where an answer never varies with a predictor, and
coefficients too far from 0 in small samples. Adding half the log-determinant of the information
(Jeffreys' prior) to the log-likelihood corrects both (Firth 1993, Biometrika 80:27; Heinze & Schemper 2002,
Stat. Med. 21:2409). For one binary predictor it amounts to adding ½ to each of the four counts.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from data.arrays import Floats


def firth(design: Floats, counts: Floats, steps: int = 100) -> tuple[Floats, Floats]:
    """Coefficients and standard errors of many regressions on one design, both (tables, predictors).

    `design` has shape (cells, predictors), with a column of ones for an intercept; `counts` (tables, cells,
    2) says how often a cell's answer was 0 and 1. What a table does not determine is NaN. Fisher scoring
    on the score Σ (y − n p + h (½ − p)) x with h the leverage of a cell (Heinze & Schemper, equation 3);
    standard errors are from the information, as theirs.
    """
    n, y = counts.sum(axis=2), counts[:, :, 1]
    predictors = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), predictors**2)
    # With all probabilities at one half nothing is lost to certainty: singular here is singular anywhere.
    scale = np.linalg.eigvalsh((n @ products).reshape(-1, predictors, predictors))
    going = np.flatnonzero(scale[:, 0] > 1e-9 * scale[:, -1])
    beta, errors = (np.full((len(counts), predictors), np.nan) for _ in range(2))
    beta[going] = 0
    for number in range(steps):
        if not going.size:
            break
        probability = expit(beta[going] @ design.T)
        weight = n[going] * probability * (1 - probability)
        covariance = np.linalg.inv((weight @ products).reshape(-1, predictors, predictors))
        leverage = weight * (covariance.reshape(-1, predictors**2) @ products.T)
        score = (y[going] - n[going] * probability + leverage * (0.5 - probability)) @ design
        step = np.einsum("tij,tj->ti", covariance, score)
        size = np.abs(step).max(axis=1)
        # Where answers nearly separate, a long step overshoots, and full steps may circle the maximum.
        length = (1.0 if number < 10 else 0.5) / np.maximum(1, size / 2)
        beta[going] += length[:, None] * step
        errors[going] = np.sqrt(covariance.diagonal(axis1=1, axis2=2))
        going = going[size > 1e-6]
    beta[going], errors[going] = np.nan, np.nan
    return beta, errors
