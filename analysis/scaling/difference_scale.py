"""Difference scaling on open paths and closed loops: the scale, its bands, and whether steps are even.

The model and what it can determine are in `analysis.scaling.distances`, its likelihood in `analysis.scaling.fit`. Units:
1 JND is a difference of d′ = 1 between two images. Decisions rest on four readings of images, each with noise of 1 JND
(in a triad the middle image is read once with either neighbour), so the SD of the decision noise is 2 JNDs (Devinck &
Knoblauch 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import chi2, t

from analysis.intervals import bca, critical, median_bias
from analysis.scaling.comparisons import Comparisons, comparisons
from analysis.scaling.distances import Distance, undetermined
from analysis.scaling.fit import MOST_LAPSES, Fit, Problem, fit, problem_of, resampled, slopes
from analysis.scaling.scoring import deviance
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import UNDEFINED, Estimate, Result, frame_of
from data.simulated.comparer import DECISION_SD_JND


@dataclass(frozen=True, eq=False)
class Evenness(Result):
    """Are steps the same for the same number of degrees? Likelihood ratio against a scale of one slope; χ² on `df`."""

    statistic: float = np.nan
    df: int = 0
    p: float = np.nan


@dataclass(frozen=True, eq=False)
class GoodnessOfFit(Result):
    """Does the model describe the answers? Both p are shares of bootstrap samples that fit as badly.

    `deviance_p` is of the deviance from the observed shares of comparisons; `runs_p` of as few runs of residuals of one
    sign, comparisons in the order of their fitted probabilities (Wood 2006, as Knoblauch & Maloney 2008 use it).
    `explained` is the share of the deviance of guessing that the scale explains.
    """

    deviance_p: float = np.nan
    runs_p: float = np.nan
    explained: float = np.nan


@dataclass(frozen=True, eq=False)
class ParticipantScale(Result):
    """One participant's scale.

    `steps_jnd` (steps,) leads from each position to the next, on a loop from the last to the first too, with bounds
    `low_jnd` and `high_jnd`; `share` (images,) is how far round (or along) each position lies, from 0 at the first,
    with its bounds. `length_jnd` is the sum of steps. `right` is the share of answers that named the right side.
    What is undefined is NaN, and `reason` says why.
    """

    participant: str
    trials: int
    unanswered: int
    right: float
    steps_jnd: Floats
    low_jnd: Floats
    high_jnd: Floats
    share: Floats
    share_low: Floats
    share_high: Floats
    length_jnd: Estimate
    lapse: float
    log_likelihood: float
    evenness: Evenness
    goodness: GoodnessOfFit
    reason: str | None


@dataclass(frozen=True, eq=False)
class DifferenceScale(Result):
    """The mean scale of a group, and everyone's own.

    `steps_jnd` is the mean length times everyone's mean share of it; bounds of steps are of their share of the mean
    length. With one participant all of these are that participant's, bounds too (from the bootstrap); with more, bounds
    are t intervals over participants. `distance` is how far apart images are taken to look
    (`analysis.scaling.distances`); `log_likelihoods` has the sum over participants under each model that was fitted.
    """

    participants: tuple[ParticipantScale, ...]
    n: int
    positions_deg: Floats
    steps_jnd: Floats
    low_jnd: Floats
    high_jnd: Floats
    share: Floats
    share_low: Floats
    share_high: Floats
    length_jnd: Estimate
    evenness: Evenness
    closed: bool
    distance: str
    log_likelihoods: dict[str, float]
    level: float
    reason: str | None

    def by_participant(self) -> pd.DataFrame:
        """One row per participant."""
        return frame_of(self.participants)

    def steps(self) -> pd.DataFrame:
        """One row per step: from_deg, to_deg, jnd, low, high, jnd_per_degree."""
        start, end = self.positions_deg, np.roll(self.positions_deg, -1)
        degrees = (end - start) % 360 if self.closed else end - start
        kept = slice(None, self.steps_jnd.size)
        table = pd.DataFrame({"from_deg": start[kept], "to_deg": end[kept], "jnd": self.steps_jnd})
        return table.assign(low=self.low_jnd, high=self.high_jnd, jnd_per_degree=self.steps_jnd / degrees[kept])


def difference_scale(
    table: pd.DataFrame,
    *,
    closed: bool = True,
    distance: Distance | None = None,
    lapse: float | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    source: str = "the comparisons",
) -> DifferenceScale:
    """The perceptual scale of a loop or an open path, from triads or quadruples.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per comparison (`analysis.scaling.comparisons`): positions in degrees, and `response`, the side that
        looks more different (left or right). Optional: participant, role, loop.
    closed : bool
        Whether the images are on a loop, 360° around; otherwise positions may be in any unit.
    distance : {'arc', 'chord', 'path'}, optional
        How far apart images of a loop look: the shorter way round, or straight across. By default whichever makes all
        answers likelier; both have the same number of parameters. An open path has 'path' alone.
    lapse : float, optional
        Share of guesses, 0 to .1; by default estimated for each participant, under a prior with a mean of .01. 0 is the
        published method.
    resamples : int
        Parametric bootstrap samples per participant, 20 or more.
    level : float
        Confidence level of bounds, in (0, 1).
    seed : int
        Seed of all random draws.
    source : str
        Name of the table, for errors.

    Returns
    -------
    DifferenceScale
        The mean scale and everyone's own, in JNDs, with bounds.

    Raises
    ------
    LookalikeError
        If the table breaks its format, an option is out of range, participants compared other images, or the
        comparisons of nobody determine a scale.

    Notes
    -----
    Bounds of one participant are bias-corrected percentiles of the parametric bootstrap. Maximum likelihood overstates
    the length a little: by 5% with 600 triads of 12 images.

    References
    ----------
    Maloney, L. T., & Yang, J. N. (2003). Maximum likelihood difference scaling. Journal of Vision, 3, 573-585.
    Knoblauch, K., & Maloney, L. T. (2008). MLDS: Maximum likelihood difference scaling in R. Journal of Statistical
    Software, 25(2).
    Devinck, F., & Knoblauch, K. (2012). A common signal detection model accounts for both perception and discrimination
    of the watercolor effect. Journal of Vision, 12(3), 19.

    Examples
    --------
    An observer to whom half of a loop looks twice as large as the other:

    >>> import numpy as np
    >>> from analysis import difference_scale
    >>> from data import SimulatedComparer, draw_triads
    >>> from data.scales import Scale
    >>> scale = Scale(tuple(range(0, 360, 45)), (4.0,) * 4 + (2.0,) * 4, closed=True)
    >>> triads = draw_triads(scale.positions_deg, 600, closed=True, rng=np.random.default_rng(1))
    >>> answers = SimulatedComparer(scale).answer(triads, np.random.default_rng(2))
    >>> found = difference_scale(answers, resamples=50)
    >>> print(f"{found.share[4]:.2f} of the loop lies before 180 degrees, p (even) < {max(found.evenness.p, 0.001):.3f}")
    0.66 of the loop lies before 180 degrees, p (even) < 0.001
    """
    critical(level)
    _refuse_options(closed, distance, lapse, resamples)
    everyone = comparisons(table, closed=closed, source=source)
    where = everyone[0].positions_deg
    odd = next((one for one in everyone if not np.array_equal(one.positions_deg, where)), None)
    if odd is not None:
        raise LookalikeError(
            "contradictory-facts",
            f"{source}: {odd.participant} compared other images than {everyone[0].participant}; scale them apart",
        )
    kinds: tuple[Distance, ...] = (distance,) if distance else ("arc", "chord") if closed else ("path",)
    fits = {kind: [_fitted(one, closed, kind, lapse) for one in everyone] for kind in kinds}
    heights = {
        kind: float(sum(one.fit.log_likelihood for one in each if one.fit is not None)) for kind, each in fits.items()
    }
    kind = max(kinds, key=lambda name: heights[name])
    rngs = np.random.default_rng(seed).spawn(len(everyone))
    scales = tuple(
        _participant(data, fitted, closed, resamples, level, rng)
        for data, fitted, rng in zip(everyone, fits[kind], rngs, strict=True)
    )
    if all(one.reason for one in scales):
        raise LookalikeError("not-determined", f"{source}: {scales[0].participant}: {scales[0].reason}")
    return _group(scales, where, closed, kind, heights, level)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A participant's fit with free steps, or why there is none."""

    problem: Problem
    fit: Fit | None
    reason: str | None = None


def _refuse_options(closed: bool, distance: str | None, lapse: float | None, resamples: int) -> None:
    known = ("arc", "chord") if closed else ("path",)
    if distance is not None and distance not in known:
        raise LookalikeError(
            "unknown-choice",
            f"distance is {distance!r}; {'a loop' if closed else 'an open path'} has {' and '.join(known)}",
        )
    if lapse is not None and not 0 <= lapse <= MOST_LAPSES:
        raise LookalikeError("out-of-range", f"lapse is {lapse}; it must lie between 0 and {MOST_LAPSES}")
    if resamples < 20:
        raise LookalikeError("out-of-range", f"resamples is {resamples}; bounds need at least 20")


def _fitted(data: Comparisons, closed: bool, kind: Distance, lapse: float | None) -> _Fitted:
    problem = problem_of(data, closed, kind, lapse)
    even = np.full(problem.first.shape[1], 1.0)
    why = undetermined(slopes(problem, even), data.positions_deg)
    if why is not None:
        return _Fitted(problem, None, why)
    found = fit(problem)
    if found.unbounded:
        return _Fitted(problem, None, "no two answers contradict one another, so the noise is unknown: compare more")
    return _Fitted(problem, found)


def _participant(
    data: Comparisons, fitted: _Fitted, closed: bool, resamples: int, level: float, rng: np.random.Generator
) -> ParticipantScale:
    found = fitted.fit
    facts = {
        "participant": data.participant,
        "trials": int(data.trials.sum()),
        "unanswered": data.unanswered,
        "right": data.answered_right,
    }
    images, steps = data.positions_deg.size, fitted.problem.first.shape[1]
    if found is None:
        nothing, nowhere = np.full(steps, np.nan), np.full(images, np.nan)
        return ParticipantScale(
            **facts,  # type: ignore[arg-type]
            **dict.fromkeys(("steps_jnd", "low_jnd", "high_jnd"), nothing),  # type: ignore[arg-type]
            **dict.fromkeys(("share", "share_low", "share_high"), nowhere),  # type: ignore[arg-type]
            length_jnd=UNDEFINED,
            lapse=np.nan,
            log_likelihood=np.nan,
            evenness=Evenness(),
            goodness=GoodnessOfFit(),
            reason=fitted.reason,
        )
    drawn = [resampled(fitted.problem, found, rng) for _ in range(resamples)]
    again = [fit(one, found) for one in drawn]
    replicates = np.array([one.steps for one in again]) * DECISION_SD_JND
    here = found.steps * DECISION_SD_JND
    low, high = _bands(replicates, here, level)
    share = _share(here, images)
    share_low, share_high = _bands(np.array([_share(one, images) for one in replicates]), share, level)
    length_low, length_high = (float(one[0]) for one in _bands(replicates.sum(axis=1)[:, None], here.sum()[None], level))
    return ParticipantScale(
        **facts,  # type: ignore[arg-type]
        steps_jnd=here,
        low_jnd=low,
        high_jnd=high,
        share=share,
        share_low=share_low,
        share_high=share_high,
        length_jnd=Estimate(float(here.sum()), float(replicates.sum(axis=1).std(ddof=1)), length_low, length_high),
        lapse=found.lapse,
        log_likelihood=found.log_likelihood,
        evenness=_evenness(fitted.problem, found, data.positions_deg, closed),
        goodness=_goodness(fitted.problem, found, list(zip(drawn, again, strict=True))),
        reason=None,
    )


def _share(steps: Floats, images: int) -> Floats:
    """How far along each image lies, from 0 at the first; on an open path up to 1 at the last."""
    travelled = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    return np.asarray(travelled[:images], dtype=np.float64)


def _bands(replicates: Floats, here: Floats, level: float) -> tuple[Floats, Floats]:
    """Bias-corrected percentiles of each column; where all replicates are equal, that value."""
    bounds = []
    for values, value in zip(replicates.T, here, strict=True):
        bias = median_bias(values, float(value))
        bounds.append(bca(values, bias, 0.0, level) if np.isfinite(bias) else tuple(np.quantile(values, [0, 1])))
    low, high = np.array(bounds).T
    return low, high


def _evenness(problem: Problem, found: Fit, positions_deg: Floats, closed: bool) -> Evenness:
    degrees = np.diff(positions_deg, append=positions_deg[:1] + 360) if closed else np.diff(positions_deg)
    even = fit(replace(problem, basis=degrees[:, None] / degrees.mean()))
    statistic = max(0.0, 2 * (found.maximum.height - even.maximum.height))
    df = int(problem.basis.shape[1] - 1)
    return Evenness(statistic, df, float(chi2.sf(statistic, df)))


def _goodness(problem: Problem, found: Fit, again: Sequence[tuple[Problem, Fit]]) -> GoodnessOfFit:
    misfit, runs = _misfit(problem, found)
    null = np.array([_misfit(*one) for one in again])
    guessing = 2 * float(problem.trials.sum()) * np.log(2)
    return GoodnessOfFit(
        deviance_p=float((1 + np.sum(null[:, 0] >= misfit - 1e-9)) / (1 + len(null))),
        runs_p=float((1 + np.sum(null[:, 1] <= runs)) / (1 + len(null))),
        explained=float(1 + 2 * found.log_likelihood / guessing),
    )


def _misfit(problem: Problem, found: Fit) -> tuple[float, int]:
    """Deviance from the observed shares, and runs of residuals of one sign in the order of fitted probabilities."""
    probability = found.maximum.probability
    order = np.argsort(probability, kind="stable")
    above = (problem.said_second > problem.trials * probability)[order]
    return deviance(found.maximum, problem.counts), 1 + int(np.sum(above[1:] != above[:-1]))


def _group(
    scales: tuple[ParticipantScale, ...],
    where: Floats,
    closed: bool,
    kind: str,
    heights: dict[str, float],
    level: float,
) -> DifferenceScale:
    kept = [one for one in scales if one.reason is None]
    length, reason = kept[0].length_jnd, None
    share, share_low, share_high = kept[0].share, kept[0].share_low, kept[0].share_high
    steps, low, high = kept[0].steps_jnd, kept[0].low_jnd, kept[0].high_jnd
    if len(kept) > 1:
        lengths = np.array([one.length_jnd.value for one in kept])
        (mean,), (below,), (above,) = _mean(lengths[:, None], level)
        length = Estimate(float(mean), float(lengths.std(ddof=1) / np.sqrt(len(kept))), float(below), float(above))
        share, share_low, share_high = _mean(np.array([one.share for one in kept]), level)
        parts = np.array([one.steps_jnd / one.length_jnd.value for one in kept])
        steps, low, high = (one * float(mean) for one in _mean(parts, level))
        low = np.maximum(low, 0)
    if len(kept) < len(scales):
        left = [f"{one.participant}: {one.reason}" for one in scales if one.reason]
        reason = "; ".join(left)
    statistic, df = sum(one.evenness.statistic for one in kept), sum(one.evenness.df for one in kept)
    return DifferenceScale(
        participants=scales,
        n=len(kept),
        positions_deg=where,
        steps_jnd=steps,
        low_jnd=low,
        high_jnd=high,
        share=share,
        share_low=share_low,
        share_high=share_high,
        length_jnd=length,
        evenness=Evenness(float(statistic), df, float(chi2.sf(statistic, df))),
        closed=closed,
        distance=kind,
        log_likelihoods=heights,
        level=level,
        reason=reason,
    )


def _mean(values: Floats, level: float) -> tuple[Floats, Floats, Floats]:
    """Means over participants (participants, columns) and their t bounds."""
    n = len(values)
    mean = values.mean(axis=0)
    margin = float(t.ppf((1 + level) / 2, n - 1)) * values.std(axis=0, ddof=1) / np.sqrt(n)
    return mean, mean - margin, mean + margin
