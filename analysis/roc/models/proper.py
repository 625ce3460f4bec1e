"""The proper binormal model: the observer answers by the likelihood ratio of the binormal evidence.

The conventional binormal ROC has a hook: somewhere it crosses the chance line, unless both variances are equal. An
observer who orders images by the likelihood ratio of the same evidence has a curve without one, of ever decreasing
slope (Metz & Pan 1999, J. Math. Psychol. 43:1). With

    d_a = √2 a / √(1 + b²) ≥ 0,    c = (b − 1) / (b + 1),    D = d_a √(1 + c²),

and H(c) = 1 for c > 0 and 0 for c < 0, a criterion v gives

    FPF = Φ(−(1 − c) v − D / 2) + Φ(−(1 − c) v + D / 2c) − H(c),
    TPF = Φ(−(1 + c) v + D / 2) + Φ(−(1 + c) v + D / 2c) − H(c),
    AUC = Φ(d_a / √2) + 2 F(−d_a / √2, 0; −(1 − c²) / (1 + c²)) = 1 − 2 T(d_a / √2, (1 − c²) / 2|c|),

with F the bivariate normal distribution function of that correlation and T Owen's function. The area is never below .5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, owens_t

from analysis.likelihood import density, slices
from analysis.roc.binormal import binormal_fit_from_counts
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

NO_SHIFT = "d_a = 0: the curve of equal means and unequal variances"
_STARTS = ((0.5, 0.2), (2.0, -0.3))  # d_a and c, beside those of the conventional fit
_SKEWS = (-0.6, 0.6)  # c where d_a is 0
_BOUNDS = ((0.0, 8.0), (-0.99, 0.99))
_FLAT = 1e-7  # a smaller c is that of equal variances, where the formula divides by c
_STEPS = 100


@dataclass(frozen=True, eq=False)
class ProperBinormal(RatingCurve):
    """One observer's proper binormal fit: `d_a` ≥ 0 and `c` in (−1, 1), each with standard error and bounds.

    `c` is the skew of the curve: above 0 where generated images vary less than real ones (b > 1), below 0 where they
    vary more, 0 where both vary alike.
    """

    d_a: Estimate
    c: Estimate

    def hit_rate(self, false_alarm_rate: npt.ArrayLike) -> Floats:
        """The height of the fitted curve at these false-alarm rates [0, 1]; NaN without a fit."""
        rates = np.asarray(false_alarm_rate, dtype=np.float64)
        if self.reason:
            return np.full(rates.shape, np.nan)
        inside = (rates > 0) & (rates < 1)
        heights = rates.copy()
        heights[inside] = _curve(-ndtri(rates[inside]), self.d_a.value, self.c.value)[0]
        return heights


def proper_binormal(truth: npt.ArrayLike, rating: npt.ArrayLike, level: float = 0.95) -> ProperBinormal:
    """The proper binormal model of ratings, by maximum likelihood: d_a, c and an area without a hook.

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
    ProperBinormal
        `d_a`, `c` and `auc` with standard errors and bounds, thresholds, goodness of fit, AIC; `edge` where the fit is
        at the end of the model's range. `hit_rate` gives the curve.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths or an infinite rating.

    Notes
    -----
    The model cannot describe an observer below chance, so that at chance its area is above .5 on average: prefer it
    where a binormal curve crosses the chance line although the observer discriminates, not for observers near chance
    (`compare_rating_models` says which applies). Standard errors come from the expected information; the bounds of
    the area are symmetric on the logit scale, and cut at .5.

    References
    ----------
    Metz & Pan 1999, J. Math. Psychol. 43:1; Pesce & Metz 2007, Acad. Radiol. 14:814; Owen 1956, Ann. Math. Stat.
    27:1075.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import proper_binormal
    >>> real, generated = (np.repeat([1, 2, 3, 4, 5], counts) for counts in ([30, 19, 8, 2, 1], [5, 6, 5, 12, 22]))
    >>> fit = proper_binormal(["real"] * 60 + ["generated"] * 50, [*real, *generated])
    >>> round(fit.d_a.value, 3), round(fit.c.value, 3), round(fit.auc.value, 3)
    (1.597, -0.243, 0.871)
    """
    return proper_binormal_from_counts(count_ratings(truth, rating), level)


def proper_binormal_from_counts(counts: RatingCounts, level: float = 0.95) -> ProperBinormal:
    """The proper binormal fit of a table of ratings; see `proper_binormal`."""
    used = Counts.of(counts)
    reason = used.why_no_fit()
    found = None if reason else best_of([chance_candidate(used), _no_shift(used), _interior(counts, used)])
    if found is None:
        return ProperBinormal(
            **common_fields(counts, level, reason or "the fit did not converge"), d_a=UNDEFINED, c=UNDEFINED
        )
    if found.edge == CHANCE:
        auc, shape = Estimate(0.5), [Estimate(0.0), Estimate(0.0)]
    elif found.edge == NO_SHIFT:
        auc, skew = area_and_shape(found, used, level, _area_without_shift, ((-1.0, 1.0),))
        shape = [Estimate(0.0), *skew]
    else:
        auc, shape = area_and_shape(found, used, level, area, ((0.0, np.inf), (-1.0, 1.0)))
    fields = common_fields(counts, level, None) | fitted_fields(found, used, 2) | {"auc": auc}
    return ProperBinormal(**fields, d_a=shape[0], c=shape[1])


def area(shape: Floats) -> tuple[float, Floats]:
    """The area under the curve of (d_a, c), and its gradient."""
    h, c = float(shape[0]) / math.sqrt(2), float(shape[1])
    if abs(c) < _FLAT:
        return float(ndtr(h)), np.array([float(density(np.array(h))) / math.sqrt(2), 0.0])
    a = (1 - c**2) / (2 * abs(c))
    by_h = -float(density(np.array(h))) * (float(ndtr(a * h)) - 0.5)
    by_a = math.exp(-(h**2) * (1 + a**2) / 2) / (2 * math.pi * (1 + a**2))
    a_by_c = -math.copysign(1, c) * (1 + c**2) / (2 * c**2)
    return 1 - 2 * float(owens_t(h, a)), np.array([-2 * by_h / math.sqrt(2), -2 * by_a * a_by_c])


def _area_without_shift(shape: Floats) -> tuple[float, Floats]:
    value, gradient = area(np.array([0.0, shape[0]]))
    return value, gradient[1:]


def _no_shift(used: Counts) -> Candidate:
    """d_a = 0, where c is left. There the likelihood does not change with d_a, so that no search along it would end."""

    def cells(parameters: Floats) -> tuple[Floats, Floats]:
        probability, slope = _cells(np.concatenate([parameters[:-1], [0.0], parameters[-1:]]))
        return probability, np.delete(slope, -2, axis=1)

    starts = [np.append(used.cuts(), c) for c in _SKEWS]
    return Candidate(climb(used, cells, starts, _BOUNDS[1:]), cells, NO_SHIFT)


def _interior(counts: RatingCounts, used: Counts) -> Candidate:
    usual = binormal_fit_from_counts(counts)
    shapes = list(_STARTS)
    if usual.reason is None:
        skew = (usual.b.value - 1) / (usual.b.value + 1)
        shapes.insert(0, (abs(usual.d_a.value), float(np.clip(skew, -0.9, 0.9))))
    starts = [np.concatenate([used.cuts() + d_a / 4, [d_a, c]]) for d_a, c in shapes]
    found = climb(used, _cells, starts, _BOUNDS)
    d_a, c = found.parameters[-2:]
    near = [name for name, at in (("d_a", abs(d_a) > 7.9), ("c", abs(c) > 0.98)) if at]
    edge = f"{' and '.join(near)} at the end of the range: nearly perfect or degenerate data" if near else None
    found.parameters[-2] = abs(d_a)  # the curve is the same for both signs
    return Candidate(found, _cells, edge)


def _cells(parameters: Floats) -> tuple[Floats, Floats]:
    """Probabilities of the K ratings of real, then of generated images, and their derivatives.

    The thresholds are z of the share of real images below them, so that any d_a and c give a curve there.
    """
    cuts, d_a, c = parameters[:-2], float(parameters[-2]), float(parameters[-1])
    k = cuts.size
    if not abs(c) < 1 or not np.all(np.diff(cuts) > 0):
        return np.full(2 * k + 2, np.nan), np.zeros((2 * k + 2, k + 2))
    above, slope, by_shape = _curve(cuts, abs(d_a), c)
    by_shape[:, 0] *= math.copysign(1, d_a)
    by_cut = np.zeros((2, k + 1, k + 2))
    place = np.arange(k)
    for row, change in enumerate((density(cuts), density(cuts) * slope)):
        by_cut[row, place, place], by_cut[row, place + 1, place] = change, -change
    by_cut[1, :, k:] = -np.diff(np.concatenate([np.zeros((1, 2)), by_shape, np.zeros((1, 2))]), axis=0)
    generated = -np.diff(np.concatenate([[1.0], above, [0.0]]))
    return np.concatenate([slices(cuts), generated]), by_cut.reshape(2 * k + 2, k + 2)


def _curve(cuts: Floats, d_a: float, c: float) -> tuple[Floats, Floats, Floats]:
    """The hit rate where the false-alarm rate is Φ(−cut), the slope there, and its derivatives by (d_a, c)."""
    v = _criteria(cuts, d_a, c)
    fpf, tpf = _rates(v, d_a, c)
    slope = tpf[1] / fpf[1]
    return tpf[0], slope, np.stack([tpf[2] - slope * fpf[2], tpf[3] - slope * fpf[3]], axis=1)


def _rates(v: Floats, d_a: float, c: float) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """FPF and TPF, each with its derivatives by v, d_a and c."""
    root = math.sqrt(1 + c**2)
    d, d_by_c = d_a * root, d_a * c / root
    found = []
    for side in (-1, 1):  # real, then generated images
        steep = 1 + side * c
        near = -steep * v + side * d / 2
        at = density(near)
        value, by_v = ndtr(near), -steep * at
        by_d, by_c = at * side * root / 2, at * side * (-v + d_by_c / 2)
        if abs(c) >= _FLAT:
            # The far side of the evidence: Φ(−x) − H(c), written so that neither tail loses its digits.
            far, sign = steep * v - d / (2 * c), math.copysign(1, c)
            other = density(far)
            value, by_v = value - sign * ndtr(sign * far), by_v - steep * other
            by_d = by_d + other * root / (2 * c)
            by_c = by_c - other * (side * v - d_by_c / (2 * c) + d / (2 * c**2))
        found.append((value, by_v, by_d, by_c))
    return found[0], found[1]


def _criteria(cuts: Floats, d_a: float, c: float) -> Floats:
    """The criteria v of which the false-alarm rates are Φ(−cuts): Newton's steps, kept within a shrinking bracket."""
    aim, d = ndtr(-cuts), d_a * math.sqrt(1 + c**2)
    v = (cuts - d / 2) / (1 - c)
    if abs(c) < _FLAT:
        return np.asarray(v, dtype=np.float64)
    end, far = d / (4 * c), (40 + d + d / (2 * abs(c))) / (1 - c)
    low, high = (np.full(cuts.shape, x) for x in ((end, end + far) if c < 0 else (end - far, end)))
    v = np.clip(v, low, high)
    for _ in range(_STEPS):
        (value, by_v, *_), _ = _rates(v, d_a, c)
        above = value > aim  # the rate falls with v
        low, high = np.where(above, v, low), np.where(above, high, v)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = v - (value - aim) / by_v
        new = np.where((step >= low) & (step <= high), step, (low + high) / 2)
        # The next error is about the square of this step; near rates of 1 rounding is larger than the steps.
        if np.all((np.abs(new - v) <= 1e-9 * (1 + np.abs(v))) | ((np.abs(value - aim) <= 4e-16) & (aim > 0.5))):
            return np.asarray(new, dtype=np.float64)
        v = new
    return np.asarray(v, dtype=np.float64)
