"""A group's M-ratio: a hierarchical model of all participants' confidences.

Single M-ratios are noisy, skewed, and without meaning where d′ may be 0; their mean is worse. Here every participant s
has a d′ and an M-ratio of the group's distributions,

    d′_s ~ N(μ_d, τ²),    log M_s ~ N(μ, σ²),    meta-d′_s = M_s d′_s,

as in HMeta-d (Fleming 2017, Neurosci. Conscious. nix007), and nothing is divided by an estimated d′. Instead of
sampling, the integrals are computed: the likelihood of a participant's answers is a function of d′ alone, that of the
confidences, given the answers, of meta-d′ alone (each at its best criteria), so that each participant is one curve over
log M, and the posterior of μ and σ is a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize
from scipy.special import log_ndtr, logsumexp
from scipy.stats import norm

from analysis.group.one_sample import mean
from analysis.likelihood import density
from analysis.sdt import yesno
from analysis.sdt.confidence import ConfidenceCounts
from analysis.sdt.metacognition import LARGEST, confidence_profile
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import UNDEFINED, Estimate, Result

# Priors as HMeta-d's: of μ normal with SD 1; of σ half normal with SD 1.
_PRIOR_SD = 1.0
_DPRIMES = np.linspace(-2.5, 6.0, 171)
_METAS = np.linspace(-4.0, LARGEST, 25)  # a smooth curve is drawn through the likelihoods at these
_LOGS = np.linspace(-5.0, 3.0, 321)  # of M-ratios of .007 to 20
_MEANS = np.linspace(-3.0, 2.0, 201)
_SPREADS = np.linspace(0.06, 2.5, 62)


@dataclass(frozen=True, eq=False)
class GroupMRatio(Result):
    """The M-ratio of a group. `m_ratio` is exp(μ), that of the typical participant; `spread` is σ, the SD of log M.

    Both are posterior medians with the bounds that leave (1 − level) / 2 on either side; their `se` is the posterior's
    SD. `below_one` is the posterior probability that M-ratio < 1: confidence loses evidence. `participants` are those
    with usable confidences, `left_out` those without. `mean_dprime` and `dprime_sd` are μ_d and τ. Where the
    participants cannot be shown to discriminate, all is NaN and `reason` says so.
    """

    m_ratio: Estimate
    spread: Estimate
    below_one: float
    mean_dprime: float
    dprime_sd: float
    participants: int
    left_out: int
    level: float
    reason: str | None


def group_m_ratio(counts: Sequence[ConfidenceCounts], level: float = 0.95) -> GroupMRatio:
    """The M-ratio of a group, by a hierarchical model of every participant's confidences.

    Parameters
    ----------
    counts : sequence of ConfidenceCounts
        One per participant, from `count_confidence`; of single images, each called real or generated.
    level : float, optional
        Level of the credible intervals, in (0, 1).

    Returns
    -------
    GroupMRatio
        `m_ratio` of the typical participant and `spread`, the SD of log M-ratio between participants, both with
        intervals, and the probability that the M-ratio is below 1.

    Raises
    ------
    LookalikeError
        For a level outside (0, 1).

    Notes
    -----
    1 means that confidence uses all the evidence behind the answer. The criterion is kept in place, as in the model
    "fleming" of `meta_dprime`. Priors: μ ~ N(0, 1), σ half normal with SD 1, as HMeta-d's. μ_d and τ are estimated from
    the answers alone, and so are criteria from the data; neither's uncertainty is in the interval. Withheld where the
    t interval of the mean d′ includes 0.

    Simulated groups of 15 (200 trials, four levels, d′ 1.2 ± .3; 50 groups each): with M-ratios of .8 (σ .2) and 1.0
    (σ .3) the 95% intervals cover 94 to 98%, and the mean estimates are .80 and 1.00.

    References
    ----------
    Fleming 2017, Neurosci. Conscious. nix007; Maniscalco & Lau 2012, Conscious. Cogn. 21:422.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import count_confidence, group_m_ratio
    >>> rng, truth = np.random.default_rng(1), np.repeat(["real", "generated"], 100)
    >>> def person():
    ...     evidence = rng.normal(np.repeat([-0.7, 0.7], 100))
    ...     felt = abs(evidence) + rng.normal(0, 0.5, 200)
    ...     said = np.where(evidence > 0, "generated", "real")
    ...     return count_confidence(truth, said, 1 + np.digitize(felt, [0.5, 1, 1.5]))
    >>> found = group_m_ratio([person() for _ in range(8)])
    >>> round(found.m_ratio.value, 2), round(found.m_ratio.low, 2), round(found.m_ratio.high, 2)
    (0.84, 0.66, 1.03)
    """
    if not 0 < level < 1:
        raise LookalikeError("out-of-range", f"level {level}: must lie between 0 and 1, for example 0.95")
    rates = [_rates(one) for one in counts]
    kept = [
        (one, rate)
        for one, rate in zip(counts, rates, strict=True)
        if rate.reason is None and confidence_profile(one, rate.criterion, np.zeros(1)) is not None
    ]
    left_out = len(counts) - len(kept)
    reason = _why_none([rate.dprime for _, rate in kept], level)
    if reason:
        nan = np.nan
        return GroupMRatio(UNDEFINED, UNDEFINED, nan, nan, nan, len(kept), left_out, level, reason)
    answers = np.array([_answers_likelihood(rate) for _, rate in kept])
    mu_d, tau = _dprimes_of_group(answers, [rate.dprime for _, rate in kept])
    curves = np.array(
        [_curve(one, rate.criterion, row, mu_d, tau) for (one, rate), row in zip(kept, answers, strict=True)]
    )
    posterior = _posterior(curves)
    over_mean, over_spread = posterior.sum(axis=1), posterior.sum(axis=0)
    centre = _summary(_MEANS, over_mean, level)
    ratios = np.exp(_MEANS)
    average = float(over_mean @ ratios)
    return GroupMRatio(
        m_ratio=Estimate(
            float(np.exp(centre.value)),
            float(np.sqrt(over_mean @ (ratios - average) ** 2)),
            float(np.exp(centre.low)),
            float(np.exp(centre.high)),
        ),
        spread=_summary(_SPREADS, over_spread, level),
        below_one=float(np.interp(0.0, _MEANS, np.cumsum(over_mean) - over_mean / 2)),
        mean_dprime=mu_d,
        dprime_sd=tau,
        participants=len(kept),
        left_out=left_out,
        level=level,
        reason=None,
    )


def _rates(counts: ConfidenceCounts) -> yesno.YesNo:
    answers = counts.table.sum(axis=2)
    return yesno.dprime(int(answers[1, 1]), int(answers[1, 0]), int(answers[0, 1]), int(answers[0, 0]))


def _why_none(dprimes: Sequence[float], level: float) -> str | None:
    if len(dprimes) < 2:
        return "fewer than two participants have answers at two levels of confidence, right and wrong"
    found = mean(dprimes, level=level)
    if not found.low > 0:
        return (
            "the interval of the mean d′ of answers with a confidence includes 0 or lies below it, and a ratio to d′ "
            "has no meaning then"
        )
    return None


def _answers_likelihood(rates: yesno.YesNo) -> Floats:
    """The log-likelihood of the answers at every d′ of the grid, each at its best criterion."""
    right = np.array([rates.hits, rates.correct_rejections], dtype=np.float64)[:, None]
    wrong = np.array([rates.misses, rates.false_alarms], dtype=np.float64)[:, None]
    side = np.array([-1.0, 1.0])[:, None]  # a laxer criterion means more hits and fewer correct rejections
    criterion = np.full(_DPRIMES.size, rates.criterion)
    for _ in range(30):
        z = _DPRIMES / 2 + side * criterion
        up, down = (density(z) / np.exp(log_ndtr(part)) for part in (z, -z))
        slope = np.sum(side * (right * up - wrong * down), axis=0)
        curvature = np.sum(right * up * (up + z) + wrong * down * (down - z), axis=0)
        criterion = criterion + np.clip(slope / np.maximum(curvature, 1e-9), -0.5, 0.5)
    z = _DPRIMES / 2 + side * criterion
    return np.asarray(np.sum(right * log_ndtr(z) + wrong * log_ndtr(-z), axis=0), dtype=np.float64)


def _dprimes_of_group(answers: Floats, dprimes: Sequence[float]) -> tuple[float, float]:
    """μ_d and τ, by maximum marginal likelihood of the answers."""

    def height(parameters: Floats) -> float:
        prior = norm.logpdf(_DPRIMES, parameters[0], np.exp(parameters[1]))
        return -float(np.sum(logsumexp(answers + prior, axis=1)))

    start = np.array([np.mean(dprimes), np.log(max(0.1, float(np.std(dprimes)) / 2))])
    # A grid of steps of .05 has no narrower distributions.
    found = minimize(height, start, method="L-BFGS-B", bounds=[(-2, 5), (np.log(0.08), np.log(3))])
    return float(found.x[0]), float(np.exp(found.x[1]))


def _curve(counts: ConfidenceCounts, criterion: float, answers: Floats, mu_d: float, tau: float) -> Floats:
    """The log-likelihood of one participant at every log M of the grid, d′ integrated out."""
    confidences = CubicSpline(_METAS, confidence_profile(counts, criterion, _METAS))
    weight = answers + norm.logpdf(_DPRIMES, mu_d, tau)
    near = weight > weight.max() - 20
    metas = np.clip(np.exp(_LOGS)[:, None] * _DPRIMES[near], _METAS[0], _METAS[-1])
    return np.asarray(logsumexp(confidences(metas) + weight[near], axis=1), dtype=np.float64)


def _posterior(curves: Floats) -> Floats:
    """The posterior of μ and σ on their grids, (means, spreads); sums to 1."""
    tallest = curves.max(axis=1, keepdims=True)
    likelihood = np.exp(curves - tallest)
    found = np.empty((_MEANS.size, _SPREADS.size))
    for place, spread in enumerate(_SPREADS):
        weights = norm.pdf(_LOGS[:, None], _MEANS[None, :], spread)
        weights /= weights.sum(axis=0)
        found[:, place] = np.log(np.maximum(likelihood @ weights, 1e-300)).sum(axis=0)
    found += norm.logpdf(_MEANS, 0, _PRIOR_SD)[:, None] + norm.logpdf(_SPREADS, 0, _PRIOR_SD)
    found = np.exp(found - found.max())
    return np.asarray(found / found.sum(), dtype=np.float64)


def _summary(grid: Floats, mass: Floats, level: float) -> Estimate:
    """Median, SD and equal-tailed bounds of a distribution on a grid."""
    below = np.cumsum(mass) - mass / 2
    low, middle, high = np.interp([(1 - level) / 2, 0.5, (1 + level) / 2], below, grid)
    average = float(mass @ grid)
    return Estimate(float(middle), float(np.sqrt(mass @ (grid - average) ** 2)), float(low), float(high))
