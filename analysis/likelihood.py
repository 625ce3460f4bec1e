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
from data.arrays import Flags, Floats, Ints
from data.results.result import Estimate

# Parameters (P,) -> probabilities of the cells (C,) and their derivatives (C, P).
Cells = Callable[[Floats], tuple[Floats, Floats]]
# The same of many tables: parameters (M, P), and of which table each row is (M,) -> (M, C) and (M, C, P).
ManyCells = Callable[[Floats, Ints], tuple[Floats, Floats]]

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

    def each(parameters: Floats, _: Ints) -> tuple[Floats, Floats]:
        probability, slope = zip(*(cells(one) for one in parameters), strict=True)
        return np.array(probability), np.array(slope)

    return maximise_each(counts[None], trials[None], each, start[None], steps=steps, scoring_steps=scoring_steps)[0]


def maximise_each(
    counts: Floats,
    trials: Floats,
    cells: ManyCells,
    start: Floats,
    *,
    steps: int = STEPS,
    scoring_steps: int = SCORING_STEPS,
) -> list[Maximum]:
    """`maximise` of many tables of one shape, each with its own counts (N, C), trials (N, C) and start (N, P).

    The steps of each are those that it would take alone; together they take far less time.
    """
    found: dict[int, Maximum] = {}
    # A step too far may overflow; it is then halved.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        here = _at(counts, cells, start, np.arange(len(counts)))

        def stop(which: Flags, step: int, converged: bool) -> None:
            for one, place in zip(here.of[which].tolist(), np.flatnonzero(which).tolist(), strict=True):
                found[one] = Maximum(here.parameters[place].copy(), float(here.height[place]), step, converged)

        lost = ~np.isfinite(here.height)
        stop(lost, 0, False)
        here = here.only(~lost)
        for step in range(steps):
            if not here.of.size:
                break
            curvature = information(trials[here.of], here.probability, here.slope)
            if step >= scoring_steps:
                curvature = _observed(counts, cells, here, curvature)
            move, singular = _solved(curvature, here.score)
            risen = ~singular & (np.sum(here.score * move, axis=1) < _RISE)
            stop(singular, step, False)
            stop(risen, step, True)
            going = ~(singular | risen)
            here, move = here.only(going), move[going]
            if not here.of.size:
                break
            there, stuck = _climbed(counts, cells, here, move)
            stop(stuck, step, False)
            here = there.only(~stuck)
        stop(np.ones(here.of.size, dtype=np.bool_), steps, False)
    return [found[place] for place in range(len(counts))]


class _Points(NamedTuple):
    """Parameters, their cells, and the log-likelihood (`height`) with its slope (`score`) there.

    One row each; `of` says of which table it is.
    """

    parameters: Floats
    probability: Floats
    slope: Floats
    height: Floats
    score: Floats
    of: Ints

    def only(self, kept: Flags) -> _Points:
        parts = self.parameters, self.probability, self.slope, self.height, self.score
        taken = [part[kept] for part in parts]
        return _Points(taken[0], taken[1], taken[2], taken[3], taken[4], self.of[kept])

    def replace(self, places: Ints, others: _Points) -> None:
        for part, other in zip(self, others, strict=True):
            part[places] = other


def _at(counts: Floats, cells: ManyCells, parameters: Floats, of: Ints) -> _Points:
    probability, slope = cells(parameters, of)
    ratio = counts[of] / np.maximum(probability, _TINY)
    score = (ratio[:, None] @ slope)[:, 0]
    return _Points(parameters, probability, slope, log_likelihood(counts[of], probability), score, of)


def _climbed(counts: Floats, cells: ManyCells, here: _Points, move: Floats) -> tuple[_Points, Flags]:
    """Where these steps lead, each halved until the likelihood is no lower; and which led nowhere."""
    there, stuck = _at(counts, cells, here.parameters + move, here.of), np.zeros(here.of.size, dtype=np.bool_)
    # Rounding may lower a likelihood that can no longer rise.
    floor = here.height - 1e-12 * np.abs(here.height)
    while (low := np.flatnonzero(~stuck & ~(there.height >= floor))).size:
        move[low] /= 2
        stuck[low] = ~(np.abs(move[low]).max(axis=1) > 1e-12)
        again = low[~stuck[low]]
        if again.size:
            there.replace(again, _at(counts, cells, here.parameters[again] + move[again], here.of[again]))
    return there, stuck


def _solved(curvature: Floats, score: Floats) -> tuple[Floats, Flags]:
    """Each step (N, P), and which curvatures are singular."""
    try:
        return np.asarray(np.linalg.solve(curvature, score[:, :, None])[:, :, 0]), np.zeros(len(score), dtype=np.bool_)
    except np.linalg.LinAlgError:
        if len(score) == 1:
            return np.zeros_like(score), np.ones(1, dtype=np.bool_)
    each = [_solved(curvature[[place]], score[[place]]) for place in range(len(score))]
    return np.concatenate([move for move, _ in each]), np.concatenate([singular for _, singular in each])


def _observed(counts: Floats, cells: ManyCells, here: _Points, expected: Floats) -> Floats:
    """Observed information by central differences of the score; `expected` where it is not positive definite."""
    size = here.parameters.shape[1]
    step = 1e-5 / np.sqrt(expected.diagonal(axis1=1, axis2=2))
    moved = step[:, :, None] * np.eye(size)
    of = np.repeat(here.of, size)
    before, after = (
        _at(counts, cells, (here.parameters[:, None] + side * moved).reshape(-1, size), of).score for side in (-1, 1)
    )
    observed = (before - after).reshape(-1, size, size) / (2 * step[:, :, None])
    observed = (observed + observed.transpose(0, 2, 1)) / 2
    return np.array([one if _definite(one) else other for one, other in zip(observed, expected, strict=True)])


def _definite(matrix: Floats) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def log_likelihood(counts: Floats, probability: Floats) -> Floats:
    """Σ count · ln probability over the last axis; −∞ where one is no probability, or 0 in a cell with a count."""
    total = np.sum(xlogy(counts, probability), axis=-1)
    return np.asarray(np.where((probability >= 0).all(axis=-1), total, -np.inf), dtype=np.float64)


def information(trials: Floats, probability: Floats, slope: Floats) -> Floats:
    """Expected (Fisher) information (..., P, P) of multinomials laid end to end; `trials` as in `maximise`."""
    weighted = slope * (trials / np.maximum(probability, _TINY))[..., None]
    return np.asarray(np.swapaxes(slope, -1, -2) @ weighted, dtype=np.float64)


def slices(cuts: Floats) -> Floats:
    """Shares of a standard normal between ascending cuts (..., K), all K + 1 of them, exact in both tails."""
    end = np.full((*cuts.shape[:-1], 1), np.inf)
    edges = np.concatenate([-end, cuts, end], axis=-1)
    low, high = edges[..., :-1], edges[..., 1:]
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
