"""What difference scaling returns: a participant's scale, and a group's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.arrays import Floats
from data.results.result import Estimate, Result, frame_of


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
    Where two models' differ by less than 2, every bound includes the other model's (`widened`): lengths under the two
    may differ by a fifth.
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
    widened: bool = False

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
