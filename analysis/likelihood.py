"""Maximum likelihood for tables of counts, by Fisher scoring, and what follows from the information.

Shared by the models whose cells are slices of a normal distribution (`binormal`, `metacognition`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, xlogy

from analysis import intervals
from data.arrays import Floats
from data.results.result import Estimate

# Parameters (P,) -> probabilities of the cells (C,) and their derivatives (C, P).
Cells = Callable[[Floats], tuple[Floats, Floats]]

STEPS = 100
# Scoring is cheap and sturdy; where the model fits badly it may circle, and Newton steps take over.
SCORING_STEPS = 8
# Convergence is judged by how far the likelihood could still rise; 1e-14 leaves about 1e-7 standard errors.
_RISE = 1e-14
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where a likelihood is highest: the parameters (P,), its logarithm there, and whether that was reached."""

    parameters: Floats
    log_likelihood: float
    steps: int
    converged: bool


def maximise(
    counts: Floats,
    trials: Floats,
    cells: Cells,
    start: Floats,
    *,
    steps: int = STEPS,
    scoring_steps: int = SCORING_STEPS,
) -> Maximum:
    """Maximum likelihood of one or more multinomials laid end to end, by Fisher scoring with step halving.

    `counts` (C,) need not be whole; `trials` (C,) is, for each cell, the size of the multinomial it belongs
    to. `cells` may return negative or NaN probabilities where parameters are not allowed: such a step is
    halved. The log-likelihood leaves out the multinomial coefficients, which no parameter changes. After
    `scoring_steps` of at most `steps` Newton steps are taken.
    """
    # A step too far may overflow; it is then halved.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        here = _at(counts, cells, start)
        if not math.isfinite(here.height):
            return Maximum(start, here.height, 0, False)
        for step in range(steps):
            curvature = information(trials, here.probability, here.slope)
            if step >= scoring_steps:
                curvature = _observed(counts, cells, here.parameters, curvature)
            try:
                move = np.linalg.solve(curvature, here.score)
            except np.linalg.LinAlgError:
                return Maximum(here.parameters, here.height, step, False)
            if here.score @ move < _RISE:
                return Maximum(here.parameters, here.height, step, True)
            there = _at(counts, cells, here.parameters + move)
            # Rounding may lower a likelihood that can no longer rise.
            while not there.height >= here.height - 1e-12 * abs(here.height):
                move /= 2
                if not np.abs(move).max() > 1e-12:
                    return Maximum(here.parameters, here.height, step, False)
                there = _at(counts, cells, here.parameters + move)
            here = there
        return Maximum(here.parameters, here.height, steps, False)


class _Point(NamedTuple):
    """Parameters, their cells, and the log-likelihood (`height`) with its slope (`score`) at this point."""

    parameters: Floats
    probability: Floats
    slope: Floats
    height: float
    score: Floats


def _at(counts: Floats, cells: Cells, parameters: Floats) -> _Point:
    probability, slope = cells(parameters)
    score = slope.T @ (counts / np.maximum(probability, _TINY))
    return _Point(parameters, probability, slope, log_likelihood(counts, probability), score)


def _observed(counts: Floats, cells: Cells, parameters: Floats, expected: Floats) -> Floats:
    """Observed information by central differences of the score; `expected` where it is not positive definite."""
    step = 1e-5 / np.sqrt(np.diag(expected))
    before, after = ([_at(counts, cells, parameters + side * one).score for one in np.diag(step)] for side in (-1, 1))
    observed = (np.array(before) - np.array(after)) / (2 * step[:, None])
    observed = (observed + observed.T) / 2
    try:
        np.linalg.cholesky(observed)
    except np.linalg.LinAlgError:
        return expected
    return np.asarray(observed, dtype=np.float64)


def log_likelihood(counts: Floats, probability: Floats) -> float:
    """Σ count · ln probability; −∞ where a probability is no probability, or 0 in a cell with a count."""
    if not (probability >= 0).all():
        return -np.inf
    return float(np.sum(xlogy(counts, probability)))


def information(trials: Floats, probability: Floats, slope: Floats) -> Floats:
    """Expected (Fisher) information (P, P) of multinomials laid end to end; arguments as in `maximise`."""
    return np.asarray(slope.T @ (slope * (trials / np.maximum(probability, _TINY))[:, None]), dtype=np.float64)


def slices(cuts: Floats) -> Floats:
    """Shares of a standard normal between ascending cuts (K,), all K + 1 of them, exact in both tails."""
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    low, high = edges[:-1], edges[1:]
    # In the upper tail both values of Φ are near 1 and their difference would lose its digits.
    upper = low > 0
    return np.asarray(ndtr(np.where(upper, -low, high)) - ndtr(np.where(upper, -high, low)), dtype=np.float64)


def density(x: Floats) -> Floats:
    """The standard normal density."""
    return np.asarray(np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi), dtype=np.float64)


def delta(value: float, gradient: Floats, covariance: Floats, level: float, *, positive: bool = False) -> Estimate:
    """The estimate of a function of parameters by the delta method.

    `gradient` (P,) is its derivative at the maximum. The interval is value ± z·SE, or, for a quantity that is
    always `positive`, symmetric in its logarithm.
    """
    se = math.sqrt(float(gradient @ covariance @ gradient))
    if positive:
        ratio = math.exp(intervals.critical(level) * se / value)
        return Estimate(value, se, value / ratio, value * ratio)
    return Estimate(value, se, *intervals.normal(value, se, level))
