"""Maximum likelihood of a difference scale.

P(the second pair looks more different) = λ / 2 + (1 − λ) Φ(d₂ − d₁), with distances d in SDs of the decision noise
(Maloney & Yang 2003; as a probit regression: Knoblauch & Maloney 2008), lapses λ that are guesses, and no step below 0.
Where lapses are estimated they have an exponential prior with a mean of 1%: free ones overstate the length of short
scales by a tenth, and without any 3% of lapses shorten long ones by a sixth (`benchmarks/scaling.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from analysis.scaling.comparisons import Comparisons
from analysis.scaling.distances import Distance, distances, spans
from analysis.scaling.scoring import Maximum, maximise
from data.arrays import Floats

MOST_LAPSES = 0.1  # of all answers; more would no longer be slips
_USUAL_LAPSES = 0.01  # mean of their prior
_FAR = 8.0  # SDs of noise: answers about a longer step never contradict one another, so it has no maximum
_SURE = -1e-6  # log-likelihood above which every answer is certain
_ROUGH = 1e-5  # rise of the log-likelihood at which a bootstrap sample's fit ends: .005 standard errors


@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted: spans of both pairs (comparisons, steps), counts, and how images differ.

    `basis` (steps, parameters) makes steps from parameters: the identity, or one column for steps that are equal per
    degree. `lapse` is a share, or None to estimate it.
    """

    first: Floats
    second: Floats
    trials: Floats
    said_second: Floats
    kind: Distance
    basis: Floats
    lapse: float | None

    @property
    def counts(self) -> tuple[Floats, Floats]:
        return self.said_second, self.trials


@dataclass(frozen=True, eq=False)
class Fit:
    """The maximum, its steps in SDs of the decision noise, and the lapse rate."""

    maximum: Maximum
    steps: Floats
    lapse: float

    @property
    def log_likelihood(self) -> float:
        return self.maximum.log_likelihood

    @property
    def unbounded(self) -> bool:
        """Whether steps grow without limit, as where no two answers contradict one another."""
        sure = self.log_likelihood > _SURE
        return sure or not self.maximum.converged or bool(self.steps.max() > _FAR)


def problem_of(data: Comparisons, closed: bool, kind: Distance, lapse: float | None) -> Problem:
    """A participant's comparisons as a problem with every step free."""
    images = data.positions_deg.size
    first, second = (spans(pairs, images, closed) for pairs in (data.left, data.right))
    return Problem(first, second, data.trials, data.said_right, kind, np.eye(first.shape[1]), lapse)


def fit(problem: Problem, start: Fit | None = None) -> Fit:
    """The maximum, from equal parameters; or from another fit of the same comparisons, and then less exactly."""
    size = problem.basis.shape[1]
    free = problem.lapse is None
    first = np.append(np.full(size, 10 / problem.basis.sum()), [0.01] if free else [])
    low = np.zeros(size + free)
    high = np.append(np.full(size, 4 * _FAR), [MOST_LAPSES] if free else [])
    found = maximise(
        lambda parameters: _probabilities(problem, parameters),
        problem.counts,
        first if start is None else start.maximum.parameters,
        (low, high),
        penalty=np.append(np.zeros(size), [1 / _USUAL_LAPSES] if free else []),
        **{} if start is None else {"rise": _ROUGH},
    )
    lapse = float(found.parameters[-1]) if problem.lapse is None else problem.lapse
    return Fit(found, problem.basis @ found.parameters[:size], lapse)


def resampled(problem: Problem, fitted: Fit, rng: np.random.Generator) -> Problem:
    """The same comparisons, answered anew with the fitted probabilities (parametric bootstrap)."""
    said = rng.binomial(problem.trials.astype(np.int64), fitted.maximum.probability)
    return replace(problem, said_second=said.astype(np.float64))


def slopes(problem: Problem, steps: Floats) -> Floats:
    """Derivatives of the differences of distances with respect to the steps: (comparisons, steps)."""
    return _differences(problem, steps)[1]


def _differences(problem: Problem, steps: Floats) -> tuple[Floats, Floats]:
    near, near_slope = distances(problem.first, steps, problem.kind)
    far, far_slope = distances(problem.second, steps, problem.kind)
    return far - near, far_slope - near_slope


def _probabilities(problem: Problem, parameters: Floats) -> tuple[Floats, Floats]:
    size = problem.basis.shape[1]
    difference, slope = _differences(problem, problem.basis @ parameters[:size])
    lapse = parameters[-1] if problem.lapse is None else problem.lapse
    normal = ndtr(difference)
    density = np.exp(-(difference**2) / 2) / np.sqrt(2 * np.pi)
    derivative = (1 - lapse) * density[:, None] * (slope @ problem.basis)
    if problem.lapse is None:
        derivative = np.column_stack([derivative, 0.5 - normal])
    return lapse / 2 + (1 - lapse) * normal, derivative
