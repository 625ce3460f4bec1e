"""What readers could have seen: thresholds of telling known fakes of graded visibility from real images.

Each participant's threshold is the posterior mean of the model that placed the trials, with its credible interval
(`data.simulated.psychometric`); beside it stands the maximum-likelihood fit of the same function, with bounds from the
bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.intervals import t_interval
from analysis.scaling.psychometric import PsychometricFunction, psychometric_functions
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import UNDEFINED, Estimate, Result, frame_of
from data.simulated.psychometric import CHANCE, CREDIBLE, Belief, posterior, probability_correct


@dataclass(frozen=True, eq=False)
class DetectionThreshold(Result):
    """One participant's threshold.

    `threshold` is in the unit of the levels, `spread` in log10 units of it, `lapse` a share: posterior means with
    credible intervals; their `se` is NaN. `fitted` is the threshold of the maximum-likelihood fit, undefined where
    `fit_reason` says so. `levels`, `trials_at` and `correct_at` are what was observed. `reason` says why the threshold
    is only a bound, None if it lies within the levels.
    """

    participant: str
    trials: int
    unanswered: int
    correct: float
    threshold: Estimate
    spread: Estimate
    lapse: Estimate
    fitted: Estimate
    fit_deviance_p: float
    fit_reason: str | None
    levels: Floats
    trials_at: Floats
    correct_at: Floats
    reason: str | None

    def probability(self, level: Floats) -> Floats:
        """The probability of a correct choice at some levels, at the posterior means; same shape."""
        return probability_correct(level, self.threshold.value, self.spread.value, self.lapse.value)


@dataclass(frozen=True, eq=False)
class DetectionThresholds(Result):
    """Everyone's thresholds, sorted by participant, and their geometric mean.

    `mean` has a t interval over participants, in log10; with one participant it is that one's threshold and credible
    interval. `bounded` counts the participants whose threshold is only a bound.
    """

    participants: tuple[DetectionThreshold, ...]
    mean: Estimate
    sd_log10: float
    bounded: int
    level: float

    @property
    def n(self) -> int:
        """How many participants there are."""
        return len(self.participants)

    def by_participant(self) -> pd.DataFrame:
        """One row per participant."""
        return frame_of(self.participants)


def detection_thresholds(
    table: pd.DataFrame,
    *,
    levels: Sequence[float] = (),
    resamples: int = 1000,
    seed: int = 0,
    source: str = "the answers",
) -> DetectionThresholds:
    """The threshold of every participant, and of the group.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per trial: `participant`, `level` (above 0, rising with visibility), `truth` and `response` (the same
        words where the choice is correct). A missing response is left out and counted.
    levels : sequence of float
        All levels that could have been shown; those of the table are added. They fix the grid of the prior.
    resamples : int
        Parametric bootstrap samples of the maximum-likelihood fit, 20 or more.
    seed : int
        Seed of the bootstrap.
    source : str
        Name of the table, for errors.

    Returns
    -------
    DetectionThresholds
        Thresholds, and their geometric mean with a 95% interval.

    Raises
    ------
    LookalikeError
        If there is no answer, or fewer than three levels.

    References
    ----------
    Watson, A. B. (2017). QUEST+: A general multidimensional Bayesian adaptive psychometric method. Journal of Vision,
    17(3), 10.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis import detection_thresholds
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"participant": "a", "level": np.tile([0.01, 0.02, 0.04, 0.08], 50), "truth": "left"})
    >>> table["response"] = np.where(rng.random(200) < 0.5 + 0.5 * (table["level"] > 0.03), "left", "right")
    >>> one = detection_thresholds(table, resamples=50).participants[0]
    >>> 0.02 < one.threshold.value < 0.04
    True
    """
    answered = table[table["response"].notna()]
    every = sorted({float(one) for one in (*levels, *answered["level"].unique())})
    if answered.empty or len(every) < 3:
        raise LookalikeError(
            "nothing-to-analyse", f"{source}: has {len(answered)} answers at {len(every)} levels; a threshold needs 3"
        )
    said = pd.DataFrame(
        {
            "participant": answered["participant"].astype(str),
            "level": np.log10(answered["level"]),
            "response": np.where(answered["response"] == answered["truth"], "yes", "no"),
        }
    )
    fits = {
        one.participant: one
        for one in psychometric_functions(said, guess=CHANCE, resamples=resamples, seed=seed).participants
    }
    people = tuple(
        _participant(str(name), own, every, fits[str(name)])
        for name, own in sorted(table.groupby("participant"), key=lambda item: str(item[0]))
        if str(name) in fits
    )
    mean, sd = _mean(people)
    return DetectionThresholds(people, mean, sd, sum(one.reason is not None for one in people), CREDIBLE)


def _participant(name: str, own: pd.DataFrame, levels: list[float], fit: PsychometricFunction) -> DetectionThreshold:
    answered = own[own["response"].notna()]
    correct = answered["response"] == answered["truth"]
    found = posterior(levels, answered["level"].tolist(), correct.tolist())
    reason = None
    if found.threshold.mean < levels[0]:
        reason = f"it is below the lowest level, {levels[0]:g}: fainter fakes are needed"
    elif found.threshold.mean > levels[-1]:
        reason = f"it is above the highest level, {levels[-1]:g}: more visible fakes are needed"
    at = correct.groupby(answered["level"]).agg(["size", "sum"])
    fitted = fit.threshold
    if fit.reason is None:
        fitted = replace(fitted, value=10**fitted.value, se=np.nan, low=10**fitted.low, high=10**fitted.high)
    return DetectionThreshold(
        participant=name,
        trials=len(answered),
        unanswered=len(own) - len(answered),
        correct=float(correct.mean()),
        threshold=_estimate(found.threshold),
        spread=_estimate(found.spread),
        lapse=_estimate(found.lapse),
        fitted=fitted if fit.reason is None else UNDEFINED,
        fit_deviance_p=fit.deviance_p,
        fit_reason=fit.reason,
        levels=at.index.to_numpy(np.float64),
        trials_at=at["size"].to_numpy(np.float64),
        correct_at=at["sum"].to_numpy(np.float64),
        reason=reason,
    )


def _estimate(belief: Belief) -> Estimate:
    return Estimate(belief.mean, np.nan, belief.low, belief.high)


def _mean(people: tuple[DetectionThreshold, ...]) -> tuple[Estimate, float]:
    if len(people) == 1:
        return people[0].threshold, np.nan
    logs = np.log10([one.threshold.value for one in people])
    mean, variance = float(logs.mean()), float(logs.var(ddof=1))
    ci = t_interval(mean, variance / logs.size, logs.size - 1, null=0.0, level=CREDIBLE)
    return Estimate(float(10**mean), np.nan, float(10**ci.low), float(10**ci.high)), float(np.sqrt(variance))
