"""What the proper and the contaminated model share: the counts that they are fitted to, the edges, the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri

from analysis.intervals import logit
from analysis.likelihood import Cells, Maximum, delta, information, log_likelihood, maximise, slices
from analysis.roc.binormal import MOST_RATINGS, Goodness, goodness_of
from analysis.roc.ratings import RatingCounts
from data.arrays import Floats, Ints
from data.results.result import UNDEFINED, Estimate, Result

CHANCE = "at chance: the curve is the chance line, below which this model cannot go"
_SCORING = 20  # steps, which are plenty where they lead anywhere
_GAIN = 1e-6  # in log-likelihood: a fit that is better by less is not better


@dataclass(frozen=True, eq=False)
class RatingCurve(Result):
    """A fitted ROC without a hook: its area, and how well it fits.

    `auc` [.5, 1] holds value, standard error and bounds at `level`; `ratings` (K,) are the ratings used and
    `thresholds` (K − 1,) the cuts between them, as z of the share of real images rated below. `log_likelihood` leaves
    out the multinomial coefficients; `aic` is 2 · parameters − 2 · log-likelihood. `edge` says at which end of the
    model's range the fit lies, if at any; the standard errors are then those of the model at that end. `generated` and
    `real` count rated images, `unrated` those without a rating, `dropped` the categories never used. Without a fit the
    numbers are NaN and `reason` says why.
    """

    auc: Estimate
    ratings: Floats
    thresholds: Floats
    log_likelihood: float
    aic: float
    goodness: Goodness
    edge: str | None
    level: float
    generated: int
    real: int
    unrated: int
    dropped: int
    reason: str | None


@dataclass(frozen=True, eq=False)
class Counts:
    """Used ratings only, of both classes."""

    ratings: Floats
    real: Ints
    generated: Ints

    @classmethod
    def of(cls, counts: RatingCounts) -> Counts:
        used = counts.real + counts.generated > 0
        return cls(counts.ratings[used], counts.real[used], counts.generated[used])

    @property
    def observed(self) -> Floats:
        return np.concatenate([self.real, self.generated]).astype(np.float64)

    @property
    def trials(self) -> Floats:
        return np.repeat([float(self.real.sum()), float(self.generated.sum())], self.real.size)

    def why_no_fit(self) -> str | None:
        missing = [name for name, part in (("generated", self.generated), ("real", self.real)) if not part.sum()]
        if missing:
            return f"no {' and no '.join(missing)} image was rated"
        if self.real.size < 3:
            return "fewer than three ratings were used: one operating point does not determine the curve"
        false_alarms, hits = (np.cumsum(part[::-1])[:-1] for part in (self.real, self.generated))
        if ((false_alarms == 0) | (hits == self.generated.sum())).all():
            return "the ratings separate the classes completely: the area is 1, and no curve has an interval"
        if self.real.size > MOST_RATINGS:
            return f"{self.real.size} different ratings, more than {MOST_RATINGS}: group neighbouring ones first"
        return None

    def cuts(self) -> Floats:
        """A first guess of the thresholds: those of both classes together, half a count in each rating."""
        both = (self.real / self.real.sum() + self.generated / self.generated.sum()) / 2 + 0.5 / self.trials.sum()
        below = np.cumsum(both / both.sum())[:-1]
        return np.asarray(ndtri(below), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A maximum within part of a model: its cells, its `shape` (parameters after the thresholds) and its edge."""

    maximum: Maximum
    cells: Cells
    edge: str | None


def best_of(candidates: Sequence[Candidate]) -> Candidate | None:
    """The likeliest; of those as likely, the first. None where none converged."""
    best: Candidate | None = None
    for one in candidates:
        if one.maximum.converged and (best is None or one.maximum.log_likelihood > best.maximum.log_likelihood + _GAIN):
            best = one
    return best


def climb(counts: Counts, cells: Cells, starts: Sequence[Floats], bounds: Sequence[tuple[float, float]]) -> Maximum:
    """The highest maximum from several starts; `bounds` are of the parameters after the thresholds.

    Fisher scoring, which is quick; where it circles or is caught at a bound, quasi-Newton steps within the bounds.
    """
    steps = {"steps": _SCORING, "scoring_steps": _SCORING}
    found = [maximise(counts.observed, counts.trials, cells, start, **steps) for start in starts]
    best = max(found, key=lambda one: (np.isfinite(one.log_likelihood), one.log_likelihood))
    return best if best.converged else _within_bounds(counts, cells, best.parameters, bounds)


def _within_bounds(counts: Counts, cells: Cells, start: Floats, bounds: Sequence[tuple[float, float]]) -> Maximum:
    """The thresholds as the lowest and the logarithms of the steps to the next, so that they keep their order."""
    k = start.size - len(bounds)

    def unfold(x: Floats) -> Floats:
        return np.concatenate([x[0] + np.concatenate([[0.0], np.cumsum(np.exp(x[1:k]))]), x[k:]])

    def height(x: Floats) -> tuple[float, Floats]:
        parameters = unfold(x)
        with np.errstate(all="ignore"):
            probability, slope = cells(parameters)
            score = slope.T @ (counts.observed / np.maximum(probability, 1e-300))
            value = float(log_likelihood(counts.observed, probability))
        if not np.isfinite(value) or not np.isfinite(score).all():
            return 1e10, np.zeros_like(x)
        steps = np.cumsum(score[:k][::-1])[::-1]
        return -value, -np.concatenate([[steps[0]], steps[1:] * np.exp(x[1:k]), score[k:]])

    low, high = np.array(bounds).T
    first = np.concatenate([[start[0]], np.log(np.maximum(np.diff(start[:k]), 1e-6)), np.clip(start[k:], low, high)])
    limits = [(None, None)] * k + list(bounds)
    found = minimize(height, first, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": 200, "ftol": 1e-12})
    return Maximum(unfold(found.x), -float(found.fun), int(found.nit), bool(np.isfinite(found.fun) and found.fun < 1e9))


def chance_candidate(counts: Counts) -> Candidate:
    """The chance line: both classes have the same distribution of ratings."""
    both = counts.real + counts.generated
    cuts = np.asarray(ndtri(np.cumsum(both)[:-1] / both.sum()), dtype=np.float64)

    def cells(parameters: Floats) -> tuple[Floats, Floats]:
        probability = slices(parameters)
        return np.concatenate([probability, probability]), np.zeros((2 * probability.size, parameters.size))

    height = float(log_likelihood(counts.observed, cells(cuts)[0]))
    return Candidate(Maximum(cuts, height, 0, True), cells, CHANCE)


def area_and_shape(
    found: Candidate,
    counts: Counts,
    level: float,
    area: Callable[[Floats], tuple[float, Floats]],
    limits: Sequence[tuple[float, float]],
) -> tuple[Estimate, list[Estimate]]:
    """The area and the free parameters after the thresholds, with standard errors from the expected information.

    `area` gives the AUC and its gradient by those parameters; each is cut at its `limits`.
    """
    k = counts.real.size - 1
    shape = found.maximum.parameters[k:]
    auc, gradient = area(shape)
    probability, slope = found.cells(found.maximum.parameters)
    unknown = Estimate(auc), [Estimate(float(one)) for one in shape]
    if found.edge == CHANCE:
        return unknown
    # Directions about which the data say nothing, such as an infinite threshold, do not move the area.
    expected = information(counts.trials, np.maximum(probability, 1e-9), slope)
    whole = np.linalg.pinv(expected, rcond=1e-10, hermitian=True)
    covariance = np.asarray(whole[k:, k:], dtype=np.float64)
    if not gradient @ covariance @ gradient > 0:
        return unknown
    whole_area = delta(auc, gradient, covariance, level)
    low, high = logit(auc, whole_area.se, level) if 1 - auc > 1e-3 * whole_area.se else (np.nan, np.nan)
    parts = [delta(float(one), row, covariance, level) for one, row in zip(shape, np.eye(shape.size), strict=True)]
    cut = [
        Estimate(one.value, one.se, max(least, one.low), min(most, one.high)) if one.se > 1e-6 else Estimate(one.value)
        for one, (least, most) in zip(parts, limits, strict=True)
    ]
    return Estimate(auc, whole_area.se, float(np.maximum(0.5, low)), high), cut


def common_fields(counts: RatingCounts, level: float, reason: str | None) -> dict[str, Any]:
    """The fields that do not depend on the fit, and those of a fit that there is not."""
    used = counts.real + counts.generated > 0
    return {
        "auc": UNDEFINED,
        "ratings": counts.ratings[used],
        "thresholds": np.empty(0),
        "log_likelihood": np.nan,
        "aic": np.nan,
        "goodness": Goodness(np.nan, np.nan, np.nan, np.nan, 0, np.nan, reason),
        "edge": None,
        "level": level,
        "generated": int(counts.generated.sum()),
        "real": int(counts.real.sum()),
        "unrated": counts.unrated,
        "dropped": int(np.sum(~used)),
        "reason": reason,
    }


def fitted_fields(found: Candidate, counts: Counts, parameters: int) -> dict[str, Any]:
    """Likelihood, AIC and goodness of a fit; `parameters` are the model's after the thresholds, free or at an edge."""
    k = counts.real.size - 1
    probability, _ = found.cells(found.maximum.parameters)
    return {
        "thresholds": found.maximum.parameters[:k],
        "log_likelihood": found.maximum.log_likelihood,
        "aic": 2 * (k + parameters) - 2 * found.maximum.log_likelihood,
        "goodness": goodness_of(counts.observed, counts.trials * probability, k - parameters),
        "edge": found.edge,
    }
