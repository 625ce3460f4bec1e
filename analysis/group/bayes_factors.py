"""Bayes factors of a mean over participants: evidence for an effect, and for none.

One value per participant, 0 meaning chance (see `analysis.group.one_sample`). All of this is secondary: a mean over
participants takes the images as fixed. With mean x̄, standard deviation s and n values, t = x̄ √n / s has ν = n − 1
degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, hyp2f1, logsumexp
from scipy.stats import norm, t

from analysis.group.one_sample import Sample, check_positive, sample_of
from data.arrays import Floats
from data.errors import LookalikeError, check_choice
from data.results.result import Result

Direction = Literal["two-sided", "greater", "less"]
# Rouder et al. (2009) proposed 1; √2/2 is what BayesFactor, JASP and pingouin take today.
JZS_SCALE = float(np.sqrt(0.5))


@dataclass(frozen=True, eq=False)
class BayesFactor(Result):
    """How many times likelier the values are under "there is an effect" than under none: `bf10` = 1 / `bf01`.

    `prior` says in words what "an effect" is. `largest_bf01` is the most that this many participants could
    give for no effect, with a mean of exactly 0; NaN where there is no such bound (one-sided priors) or
    where it depends on s. What is undefined is NaN and `reason` says why.
    """

    n: int
    undefined: int
    t: float
    bf10: float
    bf01: float
    log_bf10: float
    largest_bf01: float
    direction: Direction
    prior: str
    reason: str | None


@dataclass(frozen=True, eq=False)
class IntervalBayesFactor(Result):
    """How many times likelier the values are with the mean inside ±`bound` than outside it, and the inverse.

    `prior_inside` and `posterior_inside` are the probabilities [0, 1] of "inside" before and after the data.
    What is undefined is NaN and `reason` says why.
    """

    n: int
    undefined: int
    bound: float
    bf_inside: float
    bf_outside: float
    log_bf_inside: float
    prior_inside: float
    posterior_inside: float
    prior: str
    reason: str | None


def bayes_factor(
    values: npt.ArrayLike,
    scale: float = JZS_SCALE,
    direction: Direction = "two-sided",
    *,
    corrected: Sequence[bool] = (),
) -> BayesFactor:
    """The JZS Bayes factor of a one-sample t test: an effect against none.

    Parameters
    ----------
    values : array_like of float, shape (participants,)
        0 means chance: d′, or AUC − .5. NaN is left out and counted.
    scale : float, optional
        Under "an effect" the mean in units of the SD between participants is Cauchy(0, scale).
    direction : {"two-sided", "greater", "less"}, optional
        Which half of that prior, doubled, or both.
    corrected : sequence of bool, optional
        Whose value is that of a correction of rates of 0 and 1 alone: with any of them there is no factor, for their
        spread is not the participants'.

    Returns
    -------
    BayesFactor
        `bf10`, `bf01` = 1 / `bf10`, and `largest_bf01`, the most that so many participants can give for no effect.

    Raises
    ------
    LookalikeError
        For an infinite value or a scale that is not positive.

    Notes
    -----
    With a direction the factor is the two-sided one times twice the posterior probability of that sign.

    References
    ----------
    Rouder et al. 2009, Psychon. Bull. Rev. 16:225, eq. 1; Morey & Wagenmakers 2014, Stat. Probab. Lett. 92:121.

    Examples
    --------
    >>> from analysis import bayes_factor
    >>> round(bayes_factor([0.3, -0.3, 0.1, -0.1]).bf01, 2)
    2.34
    """
    check_positive(scale, "scale")
    check_choice(direction, get_args(Direction), "direction")
    sample = sample_of(values, corrected)
    log_bf = np.nan if sample.reason else _log_jzs(sample.t, sample.n, scale, direction)
    largest = largest_bf01(sample.n, scale) if direction == "two-sided" and sample.n > 1 else np.nan
    return _bayes_factor(sample, log_bf, largest, direction, f"mean / SD ~ Cauchy(0, {scale:.3g})")


def largest_bf01(n: int, scale: float = JZS_SCALE) -> float:
    """The largest two-sided JZS BF01 that `n` participants can give: that of a mean of exactly 0.

    Raises `LookalikeError` for fewer than two participants.

    >>> [round(largest_bf01(n), 2) for n in (4, 10, 50)]
    [2.34, 3.24, 6.5]
    """
    if n < 2:
        raise LookalikeError("too-few-participants", f"{n} participants: a Bayes factor needs at least two")
    return float(np.exp(-_log_jzs(0.0, n, scale, "two-sided")))


def informed_bayes_factor(
    values: npt.ArrayLike,
    effect: float,
    direction: Direction = "two-sided",
    *,
    corrected: Sequence[bool] = (),
) -> BayesFactor:
    """The Bayes factor of an effect about as large as `effect` against none.

    Parameters
    ----------
    values : array_like of float, shape (participants,)
        0 means chance: d′, or AUC − .5. NaN is left out and counted.
    effect : float
        SD of the normal prior of the mean, in the units of `values`, positive.
    direction : {"two-sided", "greater", "less"}, optional
        Which half of that prior, doubled, or both.
    corrected : sequence of bool, optional
        Whose value is that of a correction of rates of 0 and 1 alone: with any of them there is no factor, for their
        spread is not the participants'.

    Returns
    -------
    BayesFactor
        `bf10` and `bf01` = 1 / `bf10`.

    Raises
    ------
    LookalikeError
        For an infinite value or an effect that is not positive.

    Notes
    -----
    The likelihood of the mean is t with n − 1 degrees of freedom, as follows from p(σ) ∝ 1/σ.

    References
    ----------
    Dienes 2014, Front. Psychol. 5:781; Dienes & Mclatchie 2018, Psychon. Bull. Rev. 25:207.

    Examples
    --------
    >>> from analysis import informed_bayes_factor
    >>> round(informed_bayes_factor([0.3, -0.3, 0.1, -0.1], effect=0.3).bf01, 2)
    2.48
    """
    check_positive(effect, "effect")
    check_choice(direction, get_args(Direction), "direction")
    sample = sample_of(values, corrected)
    low, high = {"two-sided": (-np.inf, np.inf), "greater": (0.0, np.inf), "less": (-np.inf, 0.0)}[direction]
    log_bf = np.nan
    if not sample.reason:
        halved = 0.0 if direction == "two-sided" else float(np.log(2))
        log_bf = halved + _log_mass(sample, effect, low, high) - float(_log_likelihood(sample, 0.0))
    return _bayes_factor(sample, log_bf, np.nan, direction, f"mean ~ Normal(0, {effect:.3g})")


def interval_bayes_factor(
    values: npt.ArrayLike, bound: float, scale: float, *, corrected: Sequence[bool] = ()
) -> IntervalBayesFactor:
    """The Bayes factor of a mean within ± `bound` against one outside.

    Parameters
    ----------
    values : array_like of float, shape (participants,)
        0 means chance: d′, or AUC − .5. NaN is left out and counted.
    bound : float
        In the units of `values`, positive, at most 8 scales.
    scale : float
        SD of the normal prior of the mean, in the same units. A wide prior puts less inside, so its factor can grow
        larger: state it with the result.
    corrected : sequence of bool, optional
        Whose value is that of a correction of rates of 0 and 1 alone: with any of them there is no factor, for their
        spread is not the participants'.

    Returns
    -------
    IntervalBayesFactor
        `bf_inside`, the posterior odds over the prior odds, its inverse `bf_outside`, and the two probabilities of
        inside.

    Raises
    ------
    LookalikeError
        For an infinite value, a bound or scale that is not positive, or a bound beyond 8 scales.

    References
    ----------
    Morey & Rouder 2011, Psychol. Methods 16:406.

    Examples
    --------
    >>> from analysis import interval_bayes_factor
    >>> found = interval_bayes_factor([0.1, -0.05, 0.12, 0.02, -0.1, 0.06], bound=0.3, scale=0.5)
    >>> round(found.bf_inside, 1), round(found.posterior_inside, 3)
    (4017.5, 1.0)
    """
    check_positive(bound, "bound")
    check_positive(scale, "scale")
    if bound > 8 * scale:
        raise LookalikeError(
            "out-of-range", f"bound {bound:g} and scale {scale:g}: a prior so narrow says that no mean lies outside"
        )
    sample = sample_of(values, corrected)
    prior_inside = float(1 - 2 * norm.sf(bound / scale))
    log_bf = posterior = np.nan
    if not sample.reason:
        inside = _log_mass(sample, scale, -bound, bound)
        outside = np.logaddexp(_log_mass(sample, scale, -np.inf, -bound), _log_mass(sample, scale, bound, np.inf))
        log_bf = float(inside - outside + np.log(2 * norm.sf(bound / scale)) - np.log(prior_inside))
        posterior = float(np.exp(inside - np.logaddexp(inside, outside)))
    bf, inverse, reason = _both_ways(log_bf, sample.reason)
    prior = f"mean ~ Normal(0, {scale:g})"
    return IntervalBayesFactor(
        sample.n, sample.undefined, bound, bf, inverse, log_bf, prior_inside, posterior, prior, reason
    )


def _bayes_factor(sample: Sample, log_bf: float, largest: float, direction: Direction, prior: str) -> BayesFactor:
    side = {"two-sided": "", "greater": ", positive half", "less": ", negative half"}[direction]
    bf10, bf01, reason = _both_ways(log_bf, sample.reason)
    return BayesFactor(
        sample.n, sample.undefined, sample.t, bf10, bf01, log_bf, largest, direction, prior + side, reason
    )


def _both_ways(log_bf: float, reason: str | None) -> tuple[float, float, str | None]:
    if abs(log_bf) > 700:
        return np.nan, np.nan, "too large or small for a number: see its logarithm"
    return float(np.exp(log_bf)), float(np.exp(-log_bf)), reason


def _log_jzs(t_value: float, n: int, scale: float, direction: Direction) -> float:
    """log BF10, integrated over the prior variance.

    A Cauchy effect is Normal(0, scale² / z²) with z a standard normal's absolute value. Given z, the factor
    is closed, and the sign of the mean has a t posterior with n degrees of freedom. In log z the integrand
    is smooth and falls off on both sides, where the trapezoid rule is exact to rounding.
    """
    nu, step = n - 1, 0.01
    log_z = np.arange(-40, 4, step)
    z2, spread = np.exp(2 * log_z), n * scale**2
    kept = z2 / (z2 + spread)
    terms = np.log(kept) / 2 + n / 2 * (np.log1p(t_value**2 / nu) - np.log1p(kept * t_value**2 / nu))
    terms += np.log(2 * step) + norm.logpdf(np.exp(log_z)) + log_z
    if direction != "two-sided":
        sign = 1 if direction == "greater" else -1
        root = np.sqrt((z2 + spread) * nu + t_value**2 * z2)
        terms += np.log(2) + _log_t_cdf(sign * t_value * n * scale / root, n)
    return float(logsumexp(terms))


def _log_t_cdf(x: Floats, df: int) -> Floats:
    """log P(T < x), in the lower tail from the incomplete beta function's series, where the probability underflows."""
    w = df / (df + np.minimum(x, -6.0) ** 2)
    beta = df / 2 * np.log(w) + np.log1p(-w) / 2 - np.log(df / 2) - betaln(df / 2, 0.5)
    tail = beta + np.log(hyp2f1((df + 1) / 2, 1, df / 2 + 1, w)) - np.log(2)
    return np.where(x < -6, tail, t.logcdf(np.maximum(x, -6.0), df))


def _log_likelihood(sample: Sample, mean: Floats | float) -> Floats:
    """Of the mean, with σ integrated out: a t kernel."""
    return np.asarray(-sample.n / 2 * np.log1p(((sample.mean - mean) / sample.se) ** 2 / (sample.n - 1)))


def _log_mass(sample: Sample, scale: float, low: float, high: float) -> float:
    """log of ∫ likelihood × Normal(0, scale) over the mean from `low` to `high`.

    Gauss–Legendre between break points that follow both the prior's width and the likelihood's, however
    different they are; beyond 38 SDs the prior is 0 in floating point.
    """
    around = np.concatenate([[0.0], np.geomspace(0.1, 1e6, 60)])
    breaks = [scale * np.linspace(0, 38, 77), sample.mean + sample.se * around, sample.mean - sample.se * around]
    breaks = [breaks[0], -breaks[0], *breaks[1:], np.array([low, high])[np.isfinite([low, high])]]
    edges = np.unique(np.clip(np.concatenate(breaks), max(low, -38 * scale), min(high, 38 * scale)))
    nodes, weights = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges)[:, None] / 2
    at = (edges[:-1] + edges[1:])[:, None] / 2 + half * nodes
    terms = _log_likelihood(sample, at) + norm.logpdf(at, scale=scale) + np.log(half * weights)
    return float(logsumexp(terms))
