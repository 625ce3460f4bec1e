"""The binormal model of ratings: maximum likelihood on rating counts, with equal and unequal variances.

Real images give evidence N(0, 1), generated ones N(μ, σ²); rating k is given where the evidence lies
between thresholds k − 1 and k. The ROC is then a straight line in z, z(hit rate) = a + b z(false-alarm
rate), with

    a = μ / σ,    b = 1 / σ,    d_a = μ √(2 / (1 + σ²)),    A_z = Φ(d_a / √2)

(Dorfman & Alf 1969, J. Math. Psychol. 6:487; Simpson & Fitter 1973, Psychol. Bull. 80:481). Only the
order of the ratings counts, not their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri

from analysis.likelihood import Maximum, delta, density, information, maximise_each, slices
from analysis.roc.ratings import RatingCounts, count_ratings
from data.arrays import Floats, Ints
from data.errors import LookalikeError
from data.results.result import UNDEFINED, Estimate, Result

Variance = Literal["unequal", "equal"]

# Each rating is a parameter; a fit of hundreds would take minutes and gain nothing.
MOST_RATINGS = 100


@dataclass(frozen=True, eq=False)
class Goodness(Result):
    """How well the fitted cells agree with the counts.

    `pearson` is Pearson's X² and `deviance` G², each with its upper tail `pearson_p` and `deviance_p` in χ² with
    `df` degrees of freedom. `smallest` is the smallest expected count: where it is small G² rejects too often
    (see `binormal_fit_from_counts`). With df 0 nothing is left to test: the tails are NaN and `reason` says so.
    """

    pearson: float
    pearson_p: float
    deviance: float
    deviance_p: float
    df: int
    smallest: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class Binormal(Result):
    """One observer's binormal fit.

    `a`, `b`, `mu`, `sigma`, `d_a` (in SDs of the real images' evidence, `d_a` in root-mean-square SDs) and `a_z`
    [0, 1] hold value, standard error and bounds at `level`. `ratings` (K,) are the ratings used, `thresholds`
    (K − 1,) the cuts between them with `threshold_se`. `log_likelihood` leaves out the multinomial
    coefficients. `crossing` [0, 1] is the false-alarm rate at which the fitted ROC meets the chance line (NaN
    where b is 1); `remark` says when that lies inside the data. `generated` and `real` count rated images,
    `unrated` those without a rating, `dropped` the rating categories that were never used. Without a fit the
    numbers are NaN, the arrays of thresholds empty, and `reason` says why.
    """

    variance: Variance
    a: Estimate
    b: Estimate
    mu: Estimate
    sigma: Estimate
    d_a: Estimate
    a_z: Estimate
    level: float
    ratings: Floats
    thresholds: Floats
    threshold_se: Floats
    log_likelihood: float
    goodness: Goodness
    crossing: float
    remark: str | None
    generated: int
    real: int
    unrated: int
    dropped: int
    reason: str | None


@dataclass(frozen=True, eq=False)
class EqualVariance(Result):
    """Likelihood-ratio test of σ = 1: `statistic` is 2 ln(L unequal / L equal), in χ² with 1 degree of freedom."""

    statistic: float
    p: float
    reason: str | None


def binormal_fit(
    truth: npt.ArrayLike, rating: npt.ArrayLike, variance: Variance = "unequal", level: float = 0.95
) -> Binormal:
    """The binormal model of ratings, by maximum likelihood: a, b, d_a and A_z.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    rating : array_like of float, shape (trials,)
        At most 100 different values; larger means more generated-looking, and only their order counts. NaN is left out.
    variance : {"unequal", "equal"}, optional
        Whether generated images may vary more or less than real ones.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    Binormal
        `a`, `b`, `mu`, `sigma`, `d_a` and `a_z`, each with standard error and bounds; thresholds, log-likelihood,
        goodness of fit. Without a fit the numbers are NaN and `reason` says why.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths or an infinite rating.

    Notes
    -----
    See `binormal_fit_from_counts` for the intervals, their coverage and the data that have no fit.

    References
    ----------
    Dorfman & Alf 1969, J. Math. Psychol. 6:487; Simpson & Fitter 1973, Psychol. Bull. 80:481.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import binormal_fit
    >>> real, generated = (np.repeat([1, 2, 3, 4, 5], counts) for counts in ([30, 19, 8, 2, 1], [5, 6, 5, 12, 22]))
    >>> fit = binormal_fit(["real"] * 60 + ["generated"] * 50, [*real, *generated])
    >>> round(fit.a.value, 4), round(fit.b.value, 4), round(fit.a_z.value, 4)
    (1.3205, 0.6075, 0.8705)
    """
    return binormal_fit_from_counts(count_ratings(truth, rating), variance, level)


def binormal_fit_from_counts(counts: RatingCounts, variance: Variance = "unequal", level: float = 0.95) -> Binormal:
    """The binormal fit of a table of ratings.

    Categories that nobody used are dropped first, which changes nothing else. Standard errors come from the
    expected information and the delta method; intervals are value ± z·SE, for b and σ in the logarithm, and
    for A_z through d_a, so that they stay inside their ranges. On 50 + 50 or 100 + 100 images and eight ratings,
    μ from 0 to 1.5 and σ from 1 to 1.4, the 95% intervals cover in 94.0 to 96.7%; of true models, Pearson's X²
    rejects 4.4 to 5.5% at .05, and G² 4.8 to 8.0%, so rely on the first.

    No maximum exists, and `reason` says so, where all operating points lie on an ROC that the model only
    reaches in the limit: TPF constant between FPF 0 and 1 (b → 0), FPF constant (b → ∞), or only FPF 0 and TPF 1, or
    FPF 1 and TPF 0 (a → ±∞; the classes may still share one rating). Everywhere else the fit is finite, because each
    limit gives likelihood 0 to some cell with a count.
    Raises `LookalikeError` for counts that are negative or not paired.

    >>> ratings = RatingCounts(np.arange(1.0, 6), np.array([30, 19, 8, 2, 1]), np.array([5, 6, 5, 12, 22]))
    >>> fit = binormal_fit_from_counts(ratings)
    >>> round(fit.a.value, 4), round(fit.b.value, 4), round(fit.a_z.value, 4)
    (1.3205, 0.6075, 0.8705)
    """
    return binormal_fits([counts], variance, level)[0]


def binormal_fits(many: Sequence[RatingCounts], variance: Variance = "unequal", level: float = 0.95) -> list[Binormal]:
    """`binormal_fit_from_counts` of each table; many together take far less time than one by one."""
    tables = []
    for counts in many:
        _check(counts)
        used = counts.real + counts.generated > 0
        tables.append((counts.real[used], counts.generated[used]))
    reasons = [_no_fit(real, generated, variance) for real, generated in tables]
    maxima: list[Maximum | None] = [None] * len(tables)
    for size in {real.size for real, _ in tables}:
        places = [place for place, one in enumerate(tables) if one[0].size == size and reasons[place] is None]
        for place, found in zip(places, _maxima([tables[place] for place in places], variance), strict=True):
            maxima[place] = found
    return [
        _read(counts, table, reason, found, variance, level)
        for counts, table, reason, found in zip(many, tables, reasons, maxima, strict=True)
    ]


def _read(
    counts: RatingCounts,
    table: tuple[Ints, Ints],
    reason: str | None,
    maximum: Maximum | None,
    variance: Variance,
    level: float,
) -> Binormal:
    real, generated = table
    if maximum is not None and not maximum.converged:
        reason, maximum = f"the fit did not converge in {maximum.steps} steps", None
    parts = _undefined(reason) if maximum is None else _defined(maximum, real, generated, variance, level)
    used = counts.real + counts.generated > 0
    return Binormal(
        variance=variance,
        level=level,
        ratings=counts.ratings[used],
        generated=int(generated.sum()),
        real=int(real.sum()),
        unrated=counts.unrated,
        dropped=int(np.sum(~used)),
        reason=reason,
        **parts,
    )


def equal_variance_test(counts: RatingCounts) -> EqualVariance:
    """Likelihood-ratio test of whether generated images vary as much as real ones: σ = 1, hence a symmetric ROC.

    Parameters
    ----------
    counts : RatingCounts
        From `count_ratings`.

    Returns
    -------
    EqualVariance
        `statistic` in χ² with 1 degree of freedom and its `p`; NaN, with a reason, where one of the two models has no
        fit.

    Raises
    ------
    LookalikeError
        For counts that are negative or not paired.

    References
    ----------
    Dorfman, D. D. & Alf, E. (1969). Maximum-likelihood estimation of parameters of signal-detection theory and
    determination of confidence intervals. Journal of Mathematical Psychology, 6, 487-496.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import count_ratings, equal_variance_test
    >>> real, generated = (np.repeat([1, 2, 3, 4, 5], counts) for counts in ([30, 19, 8, 2, 1], [5, 6, 5, 12, 22]))
    >>> found = equal_variance_test(count_ratings(["real"] * 60 + ["generated"] * 50, [*real, *generated]))
    >>> round(found.statistic, 2), round(found.p, 3)
    (3.85, 0.05)
    """
    equal, unequal = (binormal_fit_from_counts(counts, variance) for variance in ("equal", "unequal"))
    reason = unequal.reason or equal.reason
    if reason:
        return EqualVariance(np.nan, np.nan, reason)
    statistic = max(0.0, 2 * (unequal.log_likelihood - equal.log_likelihood))
    return EqualVariance(statistic, float(chdtrc(1, statistic)), None)


def _check(counts: RatingCounts) -> None:
    shapes = {counts.ratings.shape, counts.real.shape, counts.generated.shape}
    if len(shapes) > 1 or counts.ratings.ndim != 1:
        raise LookalikeError(
            "unequal-lengths", f"ratings, real and generated of shapes {sorted(shapes)}: must be of one length"
        )
    if min(counts.real.min(initial=0), counts.generated.min(initial=0)) < 0:
        raise LookalikeError("out-of-range", "counts of ratings: none may be negative")
    if not np.all(np.diff(counts.ratings) > 0):
        raise LookalikeError("not-increasing", "ratings: must ascend, each once")


def _no_fit(real: Ints, generated: Ints, variance: Variance) -> str | None:
    """Why these counts (of used categories) are not fitted, or None."""
    missing = " and no ".join(name for name, part in (("generated", generated), ("real", real)) if not part.sum())
    if missing:
        return f"no {missing} image was rated"
    if real.size == 1:
        return "all ratings tie"
    if real.size > MOST_RATINGS:
        return f"{real.size} different ratings, more than {MOST_RATINGS}: group neighbouring ones first"
    # From the strictest criterion to the laxest; whole numbers, so that equality is exact.
    false_alarms, hits = np.cumsum(real[::-1])[:-1], np.cumsum(generated[::-1])[:-1]
    no_alarm, all_alarm = false_alarms == 0, false_alarms == real.sum()
    no_hit, all_hit = hits == 0, hits == generated.sum()
    if (no_alarm | all_hit).all():
        return "degenerate: every operating point lies on FPF 0 or TPF 1, so d_a tends to infinity"
    if (all_alarm | no_hit).all():
        return "degenerate: every operating point lies on FPF 1 or TPF 0, so d_a tends to minus infinity"
    if variance == "equal":
        return None
    if real.size == 2:
        return "only two ratings were used: one operating point does not determine a and b"
    if np.unique(hits[~no_alarm & ~all_alarm]).size <= 1:
        return "degenerate: every operating point lies on FPF 0, FPF 1 or one hit rate, so b tends to 0"
    if np.unique(false_alarms[~no_hit & ~all_hit]).size <= 1:
        return "degenerate: every operating point lies on TPF 0, TPF 1 or one false-alarm rate, so b tends to infinity"
    return None


def _maxima(tables: Sequence[tuple[Ints, Ints]], variance: Variance) -> list[Maximum]:
    """Of tables with equally many ratings."""
    if not tables:
        return []
    counts = np.array([np.concatenate(one) for one in tables], dtype=np.float64)
    start = np.array([_start(*one, variance) for one in tables])
    return maximise_each(counts, np.array([_trials(*one) for one in tables]), lambda p, _: _cells(p, variance), start)


def _start(real: Ints, generated: Ints, variance: Variance) -> Floats:
    """Parameters are the thresholds, then a, then b where variances are unequal."""
    # Half a count keeps the first guess finite and its thresholds apart.
    z_real, z_generated = (
        -ndtri(np.cumsum(part[::-1] + 0.5)[-2::-1] / (part.sum() + part.size / 2)) for part in (real, generated)
    )
    thresholds = (z_real + z_generated + np.mean(z_real - z_generated)) / 2
    b = np.std(z_generated) / np.std(z_real) if variance == "unequal" else 1.0
    if variance == "unequal":
        thresholds = z_real
    a = float(np.mean(b * thresholds - z_generated))
    return np.concatenate([thresholds, [a], [b] if variance == "unequal" else []])


def _trials(real: Ints, generated: Ints) -> Floats:
    return np.repeat([float(real.sum()), float(generated.sum())], real.size)


def _cells(parameters: Floats, variance: Variance) -> tuple[Floats, Floats]:
    """Probabilities of the K ratings of real, then of generated images, and their derivatives, of parameters (..., P).

    Shapes (..., 2 K) and (..., 2 K, P).
    """
    extra = 2 if variance == "unequal" else 1
    cuts, a = parameters[..., :-extra], parameters[..., -extra, None]
    b = parameters[..., -1, None] if variance == "unequal" else np.ones_like(a)
    shifted = b * cuts - a
    k, whole = cuts.shape[-1], cuts.shape[:-1]
    # A cut adds to the cell below it what it takes from the cell above it.
    by_cut = np.zeros((*whole, 2, k + 1, k + extra))
    place = np.arange(k)
    for row, (at, scale) in enumerate(((density(cuts), np.ones_like(b)), (density(shifted), b))):
        by_cut[..., row, place, place], by_cut[..., row, place + 1, place] = scale * at, -scale * at
    none = np.zeros((*whole, 1))
    by_cut[..., 1, :, k] = -np.diff(np.concatenate([none, density(shifted), none], axis=-1))
    if variance == "unequal":
        by_cut[..., 1, :, k + 1] = np.diff(np.concatenate([none, density(shifted) * cuts, none], axis=-1))
    probability = np.concatenate([slices(cuts), slices(shifted)], axis=-1)
    return probability, by_cut.reshape(*whole, 2 * k + 2, k + extra)


def _defined(
    maximum: Maximum,
    real: Ints,
    generated: Ints,
    variance: Variance,
    level: float,
) -> dict[str, Any]:
    probability, slope = _cells(maximum.parameters, variance)
    trials = _trials(real, generated)
    covariance = np.asarray(np.linalg.inv(information(trials, probability, slope)), dtype=np.float64)
    k = real.size - 1
    thresholds, a = maximum.parameters[:k], float(maximum.parameters[k])
    b = float(maximum.parameters[k + 1]) if variance == "unequal" else 1.0
    observed = np.concatenate([real, generated]).astype(np.float64)
    crossing = float(ndtr(a / (1 - b))) if b != 1 else np.nan
    estimates = _estimates(a, b, covariance[k:, k:], level)
    return {
        **estimates,
        "thresholds": thresholds,
        "threshold_se": np.sqrt(np.diag(covariance)[:k]),
        "log_likelihood": maximum.log_likelihood,
        "goodness": goodness_of(observed, trials * probability, real.size - 2 - (variance == "unequal")),
        "crossing": crossing,
        "remark": _remark(crossing, ndtr(-thresholds), estimates["d_a"]),
    }


def _estimates(a: float, b: float, covariance: Floats, level: float) -> dict[str, Estimate]:
    """`covariance` is that of (a, b), or of a alone where b is fixed at 1."""

    def estimate(value: float, by_a: float, by_b: float, positive: bool = False) -> Estimate:
        gradient = np.array([by_a, by_b][: covariance.shape[0]])
        return delta(value, gradient, covariance, level, positive=positive)

    root = math.sqrt(1 + b**2)
    d_a = estimate(a * math.sqrt(2) / root, math.sqrt(2) / root, -a * b * math.sqrt(2) / root**3)
    by_d_a = float(density(np.array(d_a.value / math.sqrt(2)))) / math.sqrt(2)
    a_z = Estimate(
        value=float(ndtr(d_a.value / math.sqrt(2))),
        se=by_d_a * d_a.se,
        low=float(ndtr(d_a.low / math.sqrt(2))),
        high=float(ndtr(d_a.high / math.sqrt(2))),
    )
    return {
        "a": estimate(a, 1, 0),
        "b": estimate(b, 0, 1, positive=True),
        "mu": estimate(a / b, 1 / b, -a / b**2),
        "sigma": estimate(1 / b, 0, -1 / b**2, positive=True),
        "d_a": d_a,
        "a_z": a_z,
    }


def goodness_of(observed: Floats, expected: Floats, df: int) -> Goodness:
    """How well the `expected` counts of all cells agree with those `observed`."""
    some = expected > 0
    pearson = float(np.sum((observed - expected)[some] ** 2 / expected[some]))
    some = observed > 0
    deviance = float(2 * np.sum(observed[some] * np.log(observed[some] / expected[some])))
    tails = [float(chdtrc(df, max(0.0, x))) if df else np.nan for x in (pearson, deviance)]
    reason = None if df else "as many parameters as free counts: nothing is left to test"
    return Goodness(pearson, tails[0], deviance, tails[1], df, float(expected.min()), reason)


def _remark(crossing: float, false_alarm_rate: Floats, d_a: Estimate) -> str | None:
    if not false_alarm_rate.min() <= crossing <= false_alarm_rate.max():
        return None
    why = (
        "as noise makes the curve of an observer at chance do"
        if d_a.low <= 0 <= d_a.high
        else "so A_z averages both sides"
    )
    return (
        f"improper ROC: inside the data, at a false-alarm rate of {crossing:.2f}, the fitted curve crosses the chance "
        f"line, {why}"
    )


def _undefined(reason: str | None) -> dict[str, Any]:
    return {
        **dict.fromkeys(("a", "b", "mu", "sigma", "d_a", "a_z"), UNDEFINED),
        "thresholds": np.empty(0),
        "threshold_se": np.empty(0),
        "log_likelihood": np.nan,
        "goodness": Goodness(np.nan, np.nan, np.nan, np.nan, 0, np.nan, reason),
        "crossing": np.nan,
        "remark": None,
    }
