"""`[flow]` of a task file: what comes between two images, and what a participant may do."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from data.flow.kept import Kept


class Flow(Kept):
    """How trials follow one another. By default the next image follows an answer at once, and answers are final."""

    fixation_s: float | None = Field(None, gt=0, le=60, description="a fixation mark before each image: how long")
    fixation_longest_s: float | None = Field(
        None, gt=0, le=60, description="drawn for each trial from fixation_s to this; None is always fixation_s"
    )
    fixation_mean_s: float | None = Field(
        None, gt=0, le=60, description="drawn from a truncated exponential of this mean; None is uniformly"
    )
    undo: str | None = Field(None, description="the key that takes back an answer, until the next image")
    timeout_s: float | None = Field(None, ge=0.2, le=600, description="time to answer, from the image's onset")
    missed: Literal["leave", "repeat"] = Field("leave", description="whether images not answered in time come again")
    touch: bool = Field(False, description="buttons on the screen for all that keys do")

    @model_validator(mode="after")
    def _fits(self) -> Flow:
        longest, mean = self.fixation_longest_s, self.fixation_mean_s
        if longest is not None and (self.fixation_s is None or longest <= self.fixation_s):
            raise ValueError("fixation_longest_s: must be longer than fixation_s, the shortest time")
        if mean is not None:
            if self.fixation_s is None or longest is None:
                raise ValueError("fixation_mean_s: is of times between fixation_s and fixation_longest_s; set both")
            middle = (self.fixation_s + longest) / 2
            if not self.fixation_s < mean < middle:
                raise ValueError(
                    f"fixation_mean_s: an exponential has more short times than long ones, so its mean is above "
                    f"{self.fixation_s:g} and below {middle:g}, half-way; this is {mean:g}"
                )
        if self.missed == "repeat" and self.timeout_s is None:
            raise ValueError("missed: only with timeout_s can an image be missed; set it too")
        return self

    def draw_fixations(self, trials: int, rng: np.random.Generator) -> list[float | None]:
        """How long the fixation mark stands before each of so many trials, in s; None without one."""
        if self.fixation_s is None:
            return [None] * trials
        if self.fixation_longest_s is None:
            return [self.fixation_s] * trials
        span = self.fixation_longest_s - self.fixation_s
        share = rng.random(trials)
        if self.fixation_mean_s is not None:
            share = _exponential(share, (self.fixation_mean_s - self.fixation_s) / span)
        return [round(float(self.fixation_s + span * one), 6) for one in share]


def _exponential(uniform: np.ndarray, mean: float) -> np.ndarray:
    """Draws from an exponential truncated to [0, 1] whose mean, after truncation, is `mean` (0 to 1/2)."""
    from scipy.optimize import brentq  # takes a second, which only such a task should cost

    # The mean is 1/rate - 1/(e^rate - 1): 1/2 at rate 0, about 1/rate at high ones.
    rate = float(brentq(lambda rate: 1 / rate - 1 / math.expm1(rate) - mean, 1e-6, min(700.0, 2 / mean)))
    return np.asarray(-np.log1p(uniform * math.expm1(-rate)) / rate)
