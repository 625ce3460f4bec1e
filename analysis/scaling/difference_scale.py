"""Difference scaling on open paths and closed loops: the scale, its bands, and whether steps are even.

The model and what it can determine are in `analysis.scaling.distances`, its likelihood in `analysis.scaling.fit`.
Units: 1 JND is a difference of d′ = 1 between two images. Decisions rest on four readings of images, each with noise of
1 JND (in a triad the middle image is read once with either neighbour), so the SD of the decision noise is 2 JNDs
(Devinck & Knoblauch 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.stats import chi2, t

from analysis.intervals import critical
from analysis.scaling.comparisons import Comparisons, comparisons
from analysis.scaling.distances import Distance
from analysis.scaling.fit import MOST_LAPSES
from analysis.scaling.outcome import DifferenceScale, Evenness, ParticipantScale
from analysis.scaling.participant_scale import Fitted, fitted_scale, participant_scale
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Estimate

Scaled = TypeVar("Scaled", ParticipantScale, DifferenceScale)
_TELLING = 2.0  # difference of log-likelihoods from which the answers tell two models apart


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
    Bounds of one participant are basic intervals of the parametric bootstrap (of the length on a logarithmic scale),
    because maximum likelihood overstates the length, by 5 to 10% with 600 triads of 12 images, and bootstrap samples
    do so once more.

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
    >>> print(f"{found.share[4]:.2f} of the loop lies before 180 degrees; even: {found.evenness.p > 0.05}")
    0.67 of the loop lies before 180 degrees; even: False
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
    fits = {kind: [fitted_scale(one, closed, kind, lapse) for one in everyone] for kind in kinds}
    fits = {kind: each for kind, each in fits.items() if any(one.fit for one in each)} or fits
    heights = _log_likelihoods(list(fits.values()))
    if heights is None:
        raise LookalikeError("not-determined", f"{source}: {everyone[0].participant}: {fits[kinds[0]][0].reason}")
    likelihoods: dict[str, float] = dict(zip(fits, heights, strict=True))
    near = sorted((kind for kind in fits if max(heights) - likelihoods[kind] < _TELLING), key=lambda k: -likelihoods[k])
    found = [
        _group(_scales(everyone, fits[kind], closed, resamples, level, seed), where, closed, kind, likelihoods, level)
        for kind in near
    ]
    return found[0] if len(found) == 1 else _widened(*found)


def _log_likelihoods(fits: list[list[Fitted]]) -> list[float] | None:
    """Of each model, summed over the participants who have a scale under all of them; None if nobody has."""
    both = [each for each in zip(*fits, strict=True) if all(one.fit for one in each)]
    if not both:
        return None
    return [sum(one.fit.log_likelihood for one in each if one.fit) for each in zip(*both, strict=True)]


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


def _scales(
    everyone: Sequence[Comparisons], fits: Sequence[Fitted], closed: bool, resamples: int, level: float, seed: int
) -> tuple[ParticipantScale, ...]:
    rngs = np.random.default_rng(seed).spawn(len(everyone))
    return tuple(
        participant_scale(data, fitted, closed, resamples, level, rng)
        for data, fitted, rng in zip(everyone, fits, rngs, strict=True)
    )


def _widened(best: DifferenceScale, other: DifferenceScale) -> DifferenceScale:
    """The better model's scale, its bounds wide enough for the other model, which the answers hardly tell apart."""
    each = tuple(_both(one, two) for one, two in zip(best.participants, other.participants, strict=True))
    return replace(_both(best, other), participants=each, widened=True)


def _both(one: Scaled, other: Scaled) -> Scaled:
    length, second = one.length_jnd, other.length_jnd
    length = replace(length, low=min(length.low, second.low), high=max(length.high, second.high))
    return replace(
        one,
        length_jnd=length,
        low_jnd=np.fmin(one.low_jnd, other.low_jnd),
        high_jnd=np.fmax(one.high_jnd, other.high_jnd),
        share_low=np.fmin(one.share_low, other.share_low),
        share_high=np.fmax(one.share_high, other.share_high),
    )


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
        error = float(lengths.std(ddof=1) / np.sqrt(len(kept)))
        length = Estimate(float(mean), error, max(float(below), 0.0), float(above))
        share, *around = _mean(np.array([one.share for one in kept]), level)
        share_low, share_high = (np.clip(one, 0.0, 1.0) for one in around)
        parts = np.array([one.steps_jnd / one.length_jnd.value for one in kept])
        steps, low, high = (one * float(mean) for one in _mean(parts, level))
        # A step of 0 in everyone's scale has no spread, which does not make it certain.
        alike = np.ptp(parts, axis=0) == 0
        low, high = np.where(alike, np.nan, np.maximum(low, 0)), np.where(alike, np.nan, high)
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
