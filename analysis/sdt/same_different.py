"""Same/different: two images at a time, of one kind or of two (one real, one generated).

A hit is "different" said of a different pair, a false alarm "different" said of a same one. What d′
follows depends on how the observer decides, so both common models are given (Macmillan & Creelman
2005, Detection Theory, ch. 9). In both, d′ is the distance of the two kinds in the yes/no task:

- independent observations: each image is judged, and the likelihood ratio of the two judgements
  decides. The unbiased share correct is p = Φ(d′/2)² + Φ(−d′/2)², estimated by Φ((z(H) − z(F)) / 2):
  exact without bias, some .1 too large at d′ 1 and .04 at d′ 2 for a log likelihood criterion of .6.
  The best rule, and a plausible one when the two kinds stay fixed.
- differencing: "different" if the two images' evidence differs by more than a criterion k, so
  F = 2 Φ(−k/√2) and H = Φ((d′−k)/√2) + Φ((−d′−k)/√2). Likely when the kinds vary from trial to trial.

From d′ 0 up, either model gives H ≥ F; so neither can give a d′ below 0, and the mean of d′ over
observers at chance lies above 0. `z_difference`, z(H) − z(F), has no such floor: average and test it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr, ndtri, xlogy

from analysis import intervals
from analysis.sdt.outcomes import Correction, Outcomes, Rate, is_first, outcomes, tally, undefined
from data.results.result import Result

_ROOT2 = math.sqrt(2)
# Far beyond what a finite number of trials can distinguish from infinity.
_LARGEST = 40.0
_BELOW = '"different" was said more often of same than of different pairs: no d′ gives that; see z_difference'
_AT_ZERO = "d′ is 0: its standard error is infinite"


@dataclass(frozen=True, eq=False)
class Sensitivity(Result):
    """d′ under one model, with its standard error and bounds at the result's level.

    What is undefined is NaN and `reason` says why; the bounds can be defined where d′ is not.
    """

    dprime: float
    se: float
    low: float
    high: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class SameDifferent(Outcomes):
    """One observer's same/different performance.

    Beside the `Outcomes`, all comes from the corrected rates. `z_difference` is z(H) − z(F), with its standard error
    and bounds at `level`; `criterion` is −(z(H) + z(F)) / 2, above 0 for a leaning towards "same";
    `independent` and `differencing` hold d′ under each model. What is undefined is NaN and `reason` says why.
    """

    z_difference: float
    z_se: float
    z_low: float
    z_high: float
    criterion: float
    independent: Sensitivity
    differencing: Sensitivity
    level: float
    correction: Correction
    reason: str | None


def same_different_from_responses(
    truth: npt.ArrayLike, response: npt.ArrayLike, correction: Correction = "log-linear", level: float = 0.95
) -> SameDifferent:
    """d′ of same/different trials, from what was shown and what was said.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "same" or "different".
    response : array_like of str, shape (trials,)
        "same" or "different"; a missing response (None or NaN) is counted apart.
    correction : {"log-linear", "replace", "none"}, optional
        As in `dprime`.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    SameDifferent
        As from `same_different`.

    Raises
    ------
    LookalikeError
        For any other word, or unequal lengths.

    Examples
    --------
    >>> from analysis import same_different_from_responses
    >>> truth, response = ["same", "different"] * 20, ["same", "different", "different", "different"] * 10
    >>> found = same_different_from_responses(truth, response)
    >>> found.hits, found.false_alarms, round(found.z_difference, 2)
    (20, 10, 1.98)
    """
    counts = tally(truth, response, partial(is_first, pair=("different", "same")))
    return same_different(**counts, correction=correction, level=level)


def same_different(
    hits: int,
    misses: int,
    false_alarms: int,
    correct_rejections: int,
    *,
    unanswered: int = 0,
    correction: Correction = "log-linear",
    level: float = 0.95,
) -> SameDifferent:
    """d′ of the same/different task under two models of the observer, from the four counts.

    Parameters
    ----------
    hits, misses : int
        "different" and "same" said of different pairs, in trials.
    false_alarms, correct_rejections : int
        "different" and "same" said of same pairs.
    unanswered : int, optional
        Trials without an answer; they are only counted.
    correction : {"log-linear", "replace", "none"}, optional
        As in `dprime`.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    SameDifferent
        The counts and observed rates; `z_difference` = z(H) − z(F), which has no floor and is what to average over
        observers; `independent` and `differencing`, d′ under each model, with standard errors and bounds.

    Raises
    ------
    LookalikeError
        For a negative count or a level outside (0, 1).

    Notes
    -----
    Standard errors are by the delta method from those of the rates; they grow without bound as d′ nears 0, where they
    are NaN. The bounds do not rest on them. For independent observations they are those of z(H) − z(F), ± z·SE, turned
    into d′; for differencing they are the profile likelihood's. They are cut at 0, and NaN where H lies so far below F
    that not even d′ 0 fits. With the log-linear correction their exact coverage at .95 is .949–.966, for 30 + 30 pairs
    and d′ from 0 to 3, unbiased (independent) or k from 1 to 2 (differencing; test_same_different).

    References
    ----------
    Macmillan & Creelman 2005, Detection Theory, ch. 9; Christensen & Brockhoff 2009, Food Qual. Prefer. 20:514.

    Examples
    --------
    >>> from analysis import same_different
    >>> found = same_different(79, 21, 73, 27, correction="none")
    >>> round(found.differencing.dprime, 3), round(found.independent.dprime, 3)
    (1.023, 0.711)
    """
    counted = outcomes(hits, misses, false_alarms, correct_rejections, unanswered)
    hit, false_alarm = counted.corrected(correction)
    reason = undefined(hit, false_alarm, ("different", "same"), "pair")
    z_difference = z_se = criterion = np.nan
    if reason is None:
        z_difference, criterion = hit.z - false_alarm.z, -(hit.z + false_alarm.z) / 2
        z_se = math.sqrt(hit.z_variance + false_alarm.z_variance)
    z_low, z_high = intervals.normal(z_difference, z_se, level)
    nothing = Sensitivity(np.nan, np.nan, np.nan, np.nan, reason)
    return SameDifferent(
        **counted.to_dict(),
        z_difference=z_difference,
        z_se=z_se,
        z_low=z_low,
        z_high=z_high,
        criterion=criterion,
        independent=nothing if reason else _independent(z_difference, z_se, z_low, z_high),
        differencing=nothing if reason else _differencing(hit, false_alarm, level),
        level=level,
        correction=correction,
        reason=reason,
    )


def _independent(z_difference: float, z_se: float, z_low: float, z_high: float) -> Sensitivity:
    high = _of_independent(z_high)
    low = _of_independent(max(z_low, 0.0)) if z_high >= 0 else np.nan
    if z_difference < 0:
        return Sensitivity(np.nan, np.nan, low, high, _BELOW)
    dprime = _of_independent(z_difference)
    # p = Φ(z/2), s = √(2p − 1), d′ = 2 z((1 + s) / 2), differentiated from p to d′ and from z to p.
    root = math.sqrt(2 * float(ndtr(z_difference / 2)) - 1)
    if root == 0:
        return Sensitivity(dprime, np.nan, low, high, _AT_ZERO)
    slope = _density(z_difference / 2) / 2 / (root * _density(dprime / 2))
    return Sensitivity(dprime, slope * z_se, low, high, None)


def _of_independent(z_difference: float) -> float:
    if z_difference < 0:
        return np.nan
    return 2 * float(ndtri((1 + math.sqrt(2 * float(ndtr(z_difference / 2)) - 1)) / 2))


def _differencing(hit: Rate, false_alarm: Rate, level: float) -> Sensitivity:
    k = _cut(false_alarm.value)
    above = hit.value > false_alarm.value
    dprime = _root(lambda d: _said_different(d, k) - hit.value, 0.0, _LARGEST) if above else 0.0
    low, high = _profile_interval(hit, false_alarm, dprime, level)
    if hit.value < false_alarm.value:
        return Sensitivity(np.nan, np.nan, low, high, _BELOW)
    if not above:
        return Sensitivity(dprime, np.nan, low, high, _AT_ZERO)
    # dH = (∂H/∂d′) dd′ + (∂H/∂k) dk, and k follows from F.
    up, down = _density((dprime - k) / _ROOT2), _density((dprime + k) / _ROOT2)
    k_slope = -_ROOT2 / (2 * _density(k / _ROOT2))
    variance = (2 * _variance(hit) + ((up + down) * k_slope) ** 2 * _variance(false_alarm)) / (up - down) ** 2
    return Sensitivity(dprime, math.sqrt(variance), low, high, None)


def _profile_interval(hit: Rate, false_alarm: Rate, peak: float, level: float) -> tuple[float, float]:
    """Every d′ whose likelihood, at its best criterion, is within χ² of that of the rates themselves.

    `peak` is the best d′. NaN where not even d′ 0 is likely enough.
    """
    least = _log_likelihood(hit, false_alarm, hit.value, false_alarm.value) - intervals.critical(level) ** 2 / 2

    def margin(dprime: float) -> float:
        def loss(z: float) -> float:
            rate = float(ndtr(z))
            # Finite, or the search would multiply infinity by 0.
            return min(-_log_likelihood(hit, false_alarm, _said_different(dprime, _cut(rate)), rate), 1e9)

        return -float(minimize_scalar(loss, bounds=(-8, 8), method="bounded").fun) - least

    if peak == 0 and margin(0.0) < 0:
        return np.nan, np.nan
    low = 0.0 if margin(0.0) >= 0 else _root(margin, 0.0, peak)
    return low, _root(margin, peak, _LARGEST)


def _log_likelihood(hit: Rate, false_alarm: Rate, hit_model: float, false_alarm_model: float) -> float:
    return sum(
        rate.trials * float(xlogy(rate.value, model) + xlogy(1 - rate.value, 1 - model))
        for rate, model in ((hit, hit_model), (false_alarm, false_alarm_model))
    )


def _said_different(dprime: float, k: float) -> float:
    return float(ndtr((dprime - k) / _ROOT2) + ndtr((-dprime - k) / _ROOT2))


def _cut(false_alarm_rate: float) -> float:
    return -_ROOT2 * float(ndtri(false_alarm_rate / 2))


def _variance(rate: Rate) -> float:
    return rate.value * (1 - rate.value) / rate.trials


def _density(z: float) -> float:
    return math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=1e-8))
