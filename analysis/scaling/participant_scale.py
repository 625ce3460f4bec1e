"""One participant's scale: its fit, bounds by the parametric bootstrap, evenness and goodness of fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import chi2

from analysis.scaling.comparisons import Comparisons
from analysis.scaling.distances import Distance, undetermined
from analysis.scaling.fit import Fit, Problem, fit, problem_of, resampled, slopes
from analysis.scaling.outcome import Evenness, GoodnessOfFit, ParticipantScale
from analysis.scaling.scoring import deviance
from data.arrays import Floats
from data.results.result import UNDEFINED, Estimate
from data.simulated.comparer import DECISION_SD_JND


@dataclass(frozen=True, eq=False)
class Fitted:
    """A participant's fit with free steps, or why there is none."""

    problem: Problem
    fit: Fit | None
    reason: str | None = None


def fitted_scale(data: Comparisons, closed: bool, kind: Distance, lapse: float | None) -> Fitted:
    """The fit with every step free, if the comparisons determine one."""
    problem = problem_of(data, closed, kind, lapse)
    even = np.full(problem.first.shape[1], 1.0)
    why = undetermined(slopes(problem, even), data.positions_deg)
    if why is not None:
        return Fitted(problem, None, why)
    found = fit(problem)
    if not found.unbounded:
        return Fitted(problem, found)
    far = int(found.steps.argmax())
    start, end = data.positions_deg[far], data.positions_deg[(far + 1) % data.positions_deg.size]
    why = f"answers about the images at {start:g} and {end:g} degrees never contradict one another: compare nearer ones"
    return Fitted(problem, None, why)


def participant_scale(
    data: Comparisons, fitted: Fitted, closed: bool, resamples: int, level: float, rng: np.random.Generator
) -> ParticipantScale:
    """The scale with its bounds from `resamples` bootstrap samples, and its tests."""
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
    low, high = _bounds(replicates, here, level)
    share = _share(here, images)
    share_low, share_high = _bounds(np.array([_share(one, images) for one in replicates]), share, level)
    lengths = replicates.sum(axis=1)
    length_low, length_high = np.exp(_bounds(np.log(lengths), np.log(here.sum()), level))
    return ParticipantScale(
        **facts,  # type: ignore[arg-type]
        steps_jnd=here,
        low_jnd=np.maximum(low, 0),
        high_jnd=high,
        share=share,
        share_low=np.maximum(share_low, 0),
        share_high=np.minimum(share_high, 1),
        length_jnd=Estimate(float(here.sum()), float(lengths.std(ddof=1)), float(length_low), float(length_high)),
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


def _bounds(replicates: Floats, here: Floats, level: float) -> tuple[Floats, Floats]:
    """The basic bootstrap interval of each column: as far from the value as its replicates are, on the other side."""
    tail = (1 - level) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail], axis=0)
    return 2 * here - high, 2 * here - low


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
