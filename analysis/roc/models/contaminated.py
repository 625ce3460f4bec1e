"""The contaminated binormal model: in some of the generated images the observer sees nothing unusual.

Real images give evidence N(0, 1). A share α of the generated ones gives N(μ, 1), the others N(0, 1) too, as real
images do (Dorfman & Berbaum 2000, Acad. Radiol. 7:427). With thresholds θ,

    FPF = Φ(−θ),    TPF = α Φ(μ − θ) + (1 − α) Φ(−θ),    AUC = α Φ(μ / √2) + (1 − α) / 2.

The curve has no hook, is never below the chance line, and has a fit where the binormal model degenerates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from analysis.likelihood import density, slices
from analysis.roc.models.fit import (
    CHANCE,
    Candidate,
    Counts,
    RatingCurve,
    area_and_shape,
    best_of,
    chance_candidate,
    climb,
    common_fields,
    fitted_fields,
)
from analysis.roc.ratings import RatingCounts, count_ratings
from data.arrays import Floats
from data.results.result import UNDEFINED, Estimate

ALL_VISIBLE = "α = 1: the equal-variance binormal curve"
CERTAIN = "μ is infinite: where anything is seen it is seen with certainty"
BEYOND = "μ is too large to be measured: what is seen is seen with certainty"
_BEYOND = 7.0
_STARTS = ((0.8, 0.6), (1.5, 0.4), (1.5, 0.8), (3.0, 0.3), (3.0, 0.7))  # μ and α
_BOUNDS = ((0.0, 12.0), (0.0, 1.0))
_LARGEST = 11.9


@dataclass(frozen=True, eq=False)
class Contaminated(RatingCurve):
    """One observer's contaminated binormal fit: `mu` ≥ 0 (in SDs) and the visible share `alpha` [0, 1]."""

    mu: Estimate
    alpha: Estimate

    def hit_rate(self, false_alarm_rate: npt.ArrayLike) -> Floats:
        """The height of the fitted curve at these false-alarm rates [0, 1]; NaN without a fit."""
        rates = np.asarray(false_alarm_rate, dtype=np.float64)
        if self.reason:
            return np.full(rates.shape, np.nan)
        seen = np.where(rates > 0, 1.0, 0.0) if np.isinf(self.mu.value) else ndtr(self.mu.value + ndtri(rates))
        return np.asarray(self.alpha.value * seen + (1 - self.alpha.value) * rates, dtype=np.float64)


def contaminated_binormal(truth: npt.ArrayLike, rating: npt.ArrayLike, level: float = 0.95) -> Contaminated:
    """The contaminated binormal model of ratings, by maximum likelihood: μ, the visible share α, and the area.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    rating : array_like of float, shape (trials,)
        3 to 100 different values; larger means more generated-looking, and only their order counts. NaN is left out.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    Contaminated
        `mu`, `alpha` and `auc` with standard errors and bounds, thresholds, goodness of fit, AIC; `edge` where α is 1,
        μ infinite, or the curve the chance line. `hit_rate` gives the curve.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths or an infinite rating.

    Notes
    -----
    As of every model without a hook, the area is at least .5, so that at chance it is above .5 on average. Standard
    errors come from the expected information of the parameters that are not at an edge; the bounds of the area are
    symmetric on the logit scale, and cut at .5.

    References
    ----------
    Dorfman, Berbaum et al. 2000, Acad. Radiol. 7:420; Dorfman & Berbaum 2000, Acad. Radiol. 7:427 and 7:438.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import contaminated_binormal
    >>> real, generated = (np.repeat([1, 2, 3, 4, 5], counts) for counts in ([30, 19, 8, 2, 1], [5, 6, 5, 12, 22]))
    >>> fit = contaminated_binormal(["real"] * 60 + ["generated"] * 50, [*real, *generated])
    >>> round(fit.mu.value, 3), round(fit.alpha.value, 3), round(fit.auc.value, 3)
    (2.453, 0.803, 0.868)
    """
    return contaminated_binormal_from_counts(count_ratings(truth, rating), level)


def contaminated_binormal_from_counts(counts: RatingCounts, level: float = 0.95) -> Contaminated:
    """The contaminated binormal fit of a table of ratings; see `contaminated_binormal`."""
    used = Counts.of(counts)
    reason = used.why_no_fit()
    found = None if reason else best_of([chance_candidate(used), _all_visible(used), _certain(used), _interior(used)])
    if found is None:
        return Contaminated(
            **common_fields(counts, level, reason or "the fit did not converge"), mu=UNDEFINED, alpha=UNDEFINED
        )
    none, one, infinite = Estimate(0.0), Estimate(1.0), Estimate(np.inf)
    if found.edge == CHANCE:
        auc, mu, alpha = Estimate(0.5), none, none
    elif found.edge == ALL_VISIBLE:
        auc, (mu,) = area_and_shape(found, used, level, lambda p: area(np.array([p[0], 1.0])), ((0.0, np.inf),))
        alpha = one
    elif found.edge == CERTAIN:
        auc, (alpha,) = area_and_shape(found, used, level, lambda p: area(np.array([np.inf, p[0]])), ((0.0, 1.0),))
        mu = infinite
    else:
        auc, (mu, alpha) = area_and_shape(found, used, level, area, ((0.0, np.inf), (0.0, 1.0)))
        mu = infinite if found.edge == BEYOND else mu
    fields = common_fields(counts, level, None) | fitted_fields(found, used, 2) | {"auc": auc}
    return Contaminated(**fields, mu=mu, alpha=alpha)


def area(shape: Floats) -> tuple[float, Floats]:
    """The area under the curve of (μ, α), and its gradient; by the free one alone where the other is at its end."""
    mu, alpha = float(shape[0]), float(shape[1])
    seen = float(ndtr(mu / math.sqrt(2)))
    by_mu = alpha * float(density(np.array(mu / math.sqrt(2)))) / math.sqrt(2)
    gradient = [by_mu, seen - 0.5]
    if math.isinf(mu):
        gradient = gradient[1:]
    elif alpha == 1:
        gradient = gradient[:1]
    return alpha * seen + (1 - alpha) / 2, np.array(gradient)


def _interior(used: Counts) -> Candidate:
    starts = [np.concatenate([used.cuts() + alpha * mu / 3, [mu, alpha]]) for mu, alpha in _STARTS]
    found = climb(used, _cells, starts, _BOUNDS)
    # Beyond that, thresholds that no real image reached move away with μ and change nothing.
    return Candidate(found, _cells, BEYOND if found.parameters[-2] > _BEYOND else None)


def _all_visible(used: Counts) -> Candidate:
    """α = 1, where the parameter μ is left."""

    def cells(parameters: Floats) -> tuple[Floats, Floats]:
        probability, slope = _cells(np.append(parameters, 1.0))
        return probability, slope[:, :-1]

    starts = [np.append(used.cuts() + mu / 2, mu) for mu in (0.3, 1.5)]
    return Candidate(climb(used, cells, starts, _BOUNDS[:1]), cells, ALL_VISIBLE)


def _certain(used: Counts) -> Candidate:
    """μ → ∞: a visible image gets the highest rating; α is left."""

    def cells(parameters: Floats) -> tuple[Floats, Floats]:
        cuts, alpha = parameters[:-1], float(parameters[-1])
        probability, slope = _cells(np.concatenate([cuts, [0.0, alpha]]))
        k = cuts.size
        top = np.zeros(k + 1)
        top[-1] = 1.0
        # With μ = 0 both parts are alike; the visible one is moved to the highest rating.
        nothing = probability[: k + 1]
        probability[k + 1 :] = alpha * top + (1 - alpha) * nothing
        slope[k + 1 :, :k] = (1 - alpha) * slope[: k + 1, :k]
        slope[k + 1 :, k] = top - nothing
        return probability, slope[:, : k + 1]

    starts = [np.append(used.cuts(), alpha) for alpha in (0.2, 0.6)]
    return Candidate(climb(used, cells, starts, _BOUNDS[1:]), cells, CERTAIN)


def _cells(parameters: Floats) -> tuple[Floats, Floats]:
    """Probabilities of the K ratings of real, then of generated images, and their derivatives."""
    cuts, mu, alpha = parameters[:-2], float(parameters[-2]), float(parameters[-1])
    k = cuts.size
    if not (0 <= mu <= _LARGEST + 0.1 and 0 <= alpha <= 1):
        return np.full(2 * k + 2, np.nan), np.zeros((2 * k + 2, k + 2))
    nothing, visible = slices(cuts), slices(cuts - mu)
    by_cut = np.zeros((2, k + 1, k + 2))
    place = np.arange(k)
    at, moved = density(cuts), density(cuts - mu)
    for row, change in enumerate((at, alpha * moved + (1 - alpha) * at)):
        by_cut[row, place, place], by_cut[row, place + 1, place] = change, -change
    by_cut[1, :, k] = -alpha * np.diff(np.concatenate([[0.0], moved, [0.0]]))
    by_cut[1, :, k + 1] = visible - nothing
    generated = alpha * visible + (1 - alpha) * nothing
    return np.concatenate([nothing, generated]), by_cut.reshape(2 * k + 2, k + 2)
