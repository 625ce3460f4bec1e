"""Maximum likelihood of binomial counts by Fisher scoring, with parameters kept within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from data.arrays import Floats

# Parameters (P,) -> probabilities (cells,) and their derivatives (cells, P).
Model = Callable[[Floats], tuple[Floats, Floats]]

_ROUNDS, _HALVINGS = 200, 40
_SMALLEST = 1e-12  # probability


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where the likelihood, less the penalty, is highest within the bounds, and whether that was reached."""

    parameters: Floats
    log_likelihood: float
    height: float  # less the penalty
    probability: Floats
    converged: bool


@dataclass(frozen=True, eq=False)
class _Place:
    parameters: Floats
    height: float
    probability: Floats
    slope: Floats


def maximise(
    model: Model,
    counts: tuple[Floats, Floats],
    start: Floats,
    bounds: tuple[Floats, Floats],
    *,
    penalty: Floats | float = 0.0,
    rise: float = 1e-11,
) -> Maximum:
    """Scoring with step halving, until the log-likelihood rises by less than `rise`.

    `counts` are the successes and the trials of each cell; `bounds` the lowest and highest parameters. A parameter that
    is at its bound, and would leave it, stays there while the others move. `penalty` times the parameters is taken off
    the log-likelihood: the rates of exponential priors.
    """
    said, trials = counts
    low, high = bounds
    fine = np.zeros(start.size) + penalty
    here = _at(model, counts, np.clip(start, low, high), fine)
    for _ in range(_ROUNDS):
        weight = 1 / (here.probability * (1 - here.probability))
        score = here.slope.T @ ((said - trials * here.probability) * weight) - fine
        curvature = here.slope.T @ (here.slope * (trials * weight)[:, None])
        held = ((here.parameters <= low) & (score <= 0)) | ((here.parameters >= high) & (score >= 0))
        step = np.zeros_like(here.parameters)
        step[~held] = _solved(curvature[np.ix_(~held, ~held)], score[~held])
        there = next(
            (
                place
                for halving in range(_HALVINGS)
                if (place := _at(model, counts, np.clip(here.parameters + step / 2**halving, low, high), fine)).height
                >= here.height
            ),
            here,
        )
        if there.height - here.height < rise:
            return _maximum(there, fine, True)
        here = there
    return _maximum(here, fine, False)


def deviance(found: Maximum, counts: tuple[Floats, Floats]) -> float:
    """Twice the log-likelihood ratio of the observed shares to the fitted probabilities."""
    said, trials = counts
    saturated = np.sum(xlogy(said, said / trials) + xlogy(trials - said, 1 - said / trials))
    return float(2 * (saturated - found.log_likelihood))


def _maximum(place: _Place, fine: Floats, converged: bool) -> Maximum:
    likelihood = place.height + float(fine @ place.parameters)
    return Maximum(place.parameters, likelihood, place.height, place.probability, converged)


def _at(model: Model, counts: tuple[Floats, Floats], parameters: Floats, fine: Floats) -> _Place:
    said, trials = counts
    probability, slope = model(parameters)
    probability = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    height = float(np.sum(xlogy(said, probability) + xlogy(trials - said, 1 - probability)) - fine @ parameters)
    return _Place(parameters, height, probability, slope)


def _solved(curvature: Floats, score: Floats) -> Floats:
    if not score.size:
        return score
    # A trace of ridge: far from the maximum a direction may be flat for the moment.
    ridge = (1e-10 * np.trace(curvature) / len(curvature) + 1e-300) * np.eye(len(curvature))
    return np.asarray(np.linalg.solve(curvature + ridge, score), dtype=np.float64)
