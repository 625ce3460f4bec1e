"""The four outcomes that yes/no, two-alternative forced choice and same/different share, their rates and z.

There are two kinds of trial, of which one is the signal, and two answers, of which one is "yes".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from data.arrays import Flags
from data.errors import LookalikeError, check_choice
from data.results.result import Result

Correction = Literal["log-linear", "replace", "none"]


@dataclass(frozen=True)
class Rate:
    """A corrected rate in [0, 1] of `trials` trials; NaN without a trial."""

    value: float
    trials: int

    @property
    def z(self) -> float:
        """The inverse of the standard normal distribution at the rate."""
        return float(ndtri(self.value))

    @property
    def z_variance(self) -> float:
        """Sampling variance of z: p (1 − p) / (n φ(z)²) (Gourevitch & Galanter 1967, Psychometrika 32:25)."""
        density = math.exp(-(self.z**2) / 2) / math.sqrt(2 * math.pi)
        return self.value * (1 - self.value) / (self.trials * density**2)


@dataclass(frozen=True, eq=False)
class Outcomes(Result):
    """How many trials ended in each way: what every result of these tasks begins with.

    "Yes" to a signal is a hit, "no" a miss; "yes" to another trial is a false alarm, "no" a correct rejection.
    `hit_rate`, `false_alarm_rate` and `accuracy` are the observed proportions [0, 1], NaN without a trial.
    `unanswered` trials are left out of them.
    """

    hits: int
    misses: int
    false_alarms: int
    correct_rejections: int
    unanswered: int
    hit_rate: float
    false_alarm_rate: float
    accuracy: float

    def corrected(self, correction: Correction) -> tuple[Rate, Rate]:
        """The rates of hits and of false alarms after the correction.

        `log-linear` is (x + .5) / (n + 1), always (Hautus 1995, Behav. Res. Methods Instrum. Comput. 27:46);
        `replace` turns only rates of 0 and 1 into .5/n and 1 − .5/n; `none` leaves the rate.
        """
        signals, others = self.hits + self.misses, self.false_alarms + self.correct_rejections
        return _corrected(self.hits, signals, correction), _corrected(self.false_alarms, others, correction)


def outcomes(hits: int, misses: int, false_alarms: int, correct_rejections: int, unanswered: int = 0) -> Outcomes:
    """The outcomes of these counts of trials. Raises `LookalikeError` for a negative count."""
    counts = (hits, misses, false_alarms, correct_rejections, unanswered)
    if min(counts) < 0:
        raise LookalikeError("out-of-range", f"counts {counts}: none may be negative")
    signals, others = hits + misses, false_alarms + correct_rejections
    return Outcomes(
        *counts,
        hit_rate=_share(hits, signals),
        false_alarm_rate=_share(false_alarms, others),
        accuracy=_share(hits + correct_rejections, signals + others),
    )


def only_corrected(found: Outcomes, value: float = 0.0) -> bool:
    """Whether z-scores come from a correction alone: all answers are right, or all wrong, or all the same.

    A `value` made of them that is NaN comes from nothing: there was no correction.
    """
    if math.isnan(value):
        return False
    return found.accuracy in (0, 1) or (found.hit_rate in (0, 1) and found.false_alarm_rate in (0, 1))


def tally(truth: npt.ArrayLike, response: npt.ArrayLike, is_signal: Callable[[npt.ArrayLike], Flags]) -> dict[str, int]:
    """Hits, misses, false alarms, correct rejections and unanswered trials of paired words.

    Both have shape (trials,); `is_signal` says which words mean the signal, or "yes" to it, and refuses
    all others. A missing response is unanswered. Raises `LookalikeError` if the lengths differ.
    """
    signal, said = is_signal(truth), np.asarray(response, dtype=object)
    if signal.shape != said.shape:
        raise LookalikeError(
            "unequal-lengths", f"{signal.size} truths and {said.size} responses: there must be one response per trial"
        )
    answered = ~np.asarray(pd.isna(said), dtype=np.bool_)
    yes, signal = is_signal(said[answered]), signal[answered]
    return {
        "hits": int(np.sum(yes & signal)),
        "misses": int(np.sum(~yes & signal)),
        "false_alarms": int(np.sum(yes & ~signal)),
        "correct_rejections": int(np.sum(~yes & ~signal)),
        "unanswered": int(np.sum(~answered)),
    }


def is_first(words: npt.ArrayLike, pair: tuple[str, str]) -> Flags:
    """True for the first word of `pair`, False for the second; `LookalikeError` for any other."""
    given = np.asarray(words, dtype=object)
    unknown = sorted({str(word) for word in given.ravel() if word not in pair})
    if unknown:
        raise LookalikeError("unknown-word", f"{unknown[0]!r}: must be {pair[0]!r} or {pair[1]!r}")
    return np.asarray(given == pair[0], dtype=np.bool_)


def undefined(hit: Rate, false_alarm: Rate, kinds: tuple[str, str], noun: str) -> str | None:
    """Why the z of either rate is undefined, if it is; `kinds` of `noun` are the signal and the other."""
    missing = " and no ".join(kind for kind, rate in zip(kinds, (hit, false_alarm), strict=True) if not rate.trials)
    if missing:
        return f"no {missing} {noun} was answered"
    extreme = [
        f"{name} is {rate.value:.0f}"
        for name, rate in (("hit rate", hit), ("false-alarm rate", false_alarm))
        if rate.value in (0, 1)
    ]
    return f"{' and '.join(extreme)}, so z is infinite; use a correction" if extreme else None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else np.nan


def _corrected(part: int, whole: int, correction: Correction) -> Rate:
    check_choice(correction, get_args(Correction), "correction")
    # Without a trial there is no rate; the log-linear formula alone would make it .5.
    if not whole:
        return Rate(np.nan, 0)
    if correction == "log-linear":
        return Rate((part + 0.5) / (whole + 1), whole)
    if correction == "replace" and part in (0, whole):
        return Rate(0.5 / whole if part == 0 else 1 - 0.5 / whole, whole)
    return Rate(part / whole, whole)
