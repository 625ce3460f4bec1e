"""Yes/no signal detection: d′ and criterion from hits and false alarms.

The signal is `generated`: a hit is "generated" said of a generated image, a false alarm is
"generated" said of a real one. With z the inverse of the standard normal distribution,

    d′ = z(H) − z(F),    c = −(z(H) + z(F)) / 2

(Macmillan & Creelman 2005, Detection Theory, ch. 1–2). c > 0 leans towards saying "real".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from analysis.result import Result
from analysis.trials import is_generated
from data.errors import LookalikeError

Correction = Literal["log-linear", "replace", "none"]


@dataclass(frozen=True)
class YesNo(Result):
    """One observer's yes/no performance.

    The counts are trials; `hit_rate`, `false_alarm_rate` and `accuracy` are the uncorrected shares
    [0, 1]. `dprime` and `criterion` (in SDs of the evidence) come from the corrected rates; `low` and
    `high` bound d′ at `level`. What is undefined is NaN and `reason` says why.
    """

    hits: int
    misses: int
    false_alarms: int
    correct_rejections: int
    unanswered: int
    hit_rate: float
    false_alarm_rate: float
    accuracy: float
    dprime: float
    criterion: float
    se: float
    low: float
    high: float
    level: float
    correction: Correction
    reason: str | None


def from_responses(
    truth: npt.ArrayLike, response: npt.ArrayLike, correction: Correction = "log-linear", level: float = 0.95
) -> YesNo:
    """d′ of paired words `truth` and `response` (real | generated; a missing response is counted apart).

    Both have shape (trials,). Raises `LookalikeError` for any other word or unequal lengths.
    """
    generated, said = is_generated(truth), np.asarray(response, dtype=object)
    if generated.shape != said.shape:
        raise LookalikeError(f"{generated.size} truths and {said.size} responses: there must be one response per trial")
    answered = ~np.asarray(pd.isna(said), dtype=np.bool_)
    yes = is_generated(said[answered])
    signal = generated[answered]
    return from_counts(
        hits=int(np.sum(yes & signal)),
        misses=int(np.sum(~yes & signal)),
        false_alarms=int(np.sum(yes & ~signal)),
        correct_rejections=int(np.sum(~yes & ~signal)),
        unanswered=int(np.sum(~answered)),
        correction=correction,
        level=level,
    )


def from_counts(
    hits: int,
    misses: int,
    false_alarms: int,
    correct_rejections: int,
    *,
    unanswered: int = 0,
    correction: Correction = "log-linear",
    level: float = 0.95,
) -> YesNo:
    """d′, c and their uncertainty from the four counts.

    Corrections, for x of n: `log-linear` (x + .5) / (n + 1) for both rates, always (Hautus 1995,
    Behav. Res. Methods Instrum. Comput. 27:46); `replace` turns only rates of 0 and 1 into .5/n and
    1 − .5/n; `none` leaves d′ undefined there.

    SE(d′)² = H(1−H) / (n_s φ(zH)²) + F(1−F) / (n_n φ(zF)²) at the corrected rates (Gourevitch &
    Galanter 1967, Psychometrika 32:25); the interval is d′ ± z·SE. With the log-linear correction its
    exact coverage at .95 is .944–.968, for 25 + 25 or 50 + 50 trials and d′ from 0 to 3 (test_yesno).
    Raises `LookalikeError` for a negative
    count.

    >>> round(from_counts(20, 5, 10, 15, correction="none").dprime, 3)
    1.095
    """
    counts = (hits, misses, false_alarms, correct_rejections, unanswered)
    if min(counts) < 0:
        raise LookalikeError(f"counts {counts}: none may be negative")
    signals, noises = hits + misses, false_alarms + correct_rejections
    hit, false_alarm = _corrected(hits, signals, correction), _corrected(false_alarms, noises, correction)
    reason = _undefined(signals, noises, hit, false_alarm)
    dprime = criterion = se = np.nan
    if reason is None:
        z_hit, z_false_alarm = float(ndtri(hit)), float(ndtri(false_alarm))
        dprime, criterion = z_hit - z_false_alarm, -(z_hit + z_false_alarm) / 2
        se = float(np.sqrt(_variance_of_z(hit, signals) + _variance_of_z(false_alarm, noises)))
    margin = float(ndtri((1 + level) / 2)) * se
    return YesNo(
        hits=hits,
        misses=misses,
        false_alarms=false_alarms,
        correct_rejections=correct_rejections,
        unanswered=unanswered,
        hit_rate=_share(hits, signals),
        false_alarm_rate=_share(false_alarms, noises),
        accuracy=_share(hits + correct_rejections, signals + noises),
        dprime=dprime,
        criterion=criterion,
        se=se,
        low=dprime - margin,
        high=dprime + margin,
        level=level,
        correction=correction,
        reason=reason,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else np.nan


def _corrected(part: int, whole: int, correction: Correction) -> float:
    # Without a trial there is no rate; the log-linear formula alone would make it .5.
    if not whole:
        return np.nan
    if correction == "log-linear":
        return (part + 0.5) / (whole + 1)
    if correction == "replace" and part in (0, whole):
        return 0.5 / whole if part == 0 else 1 - 0.5 / whole
    return part / whole


def _undefined(signals: int, noises: int, hit: float, false_alarm: float) -> str | None:
    if not signals or not noises:
        missing = " and no ".join(name for name, n in (("generated", signals), ("real", noises)) if not n)
        return f"no {missing} image was answered"
    extreme = [
        f"{name} is {rate:.0f}"
        for name, rate in (("hit rate", hit), ("false-alarm rate", false_alarm))
        if rate in (0, 1)
    ]
    return f"{' and '.join(extreme)}, so z is infinite; use a correction" if extreme else None


def _variance_of_z(rate: float, trials: int) -> float:
    density = math.exp(-(float(ndtri(rate)) ** 2) / 2) / math.sqrt(2 * math.pi)
    return rate * (1 - rate) / (trials * density**2)
