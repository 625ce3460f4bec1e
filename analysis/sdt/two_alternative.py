"""Two-alternative forced choice: two images at a time, of which exactly one is generated.

The observer says where the generated one is. An answer "first" is treated as a "yes": a hit is
"first" said when the generated image came first, a false alarm "first" said when it came second. If
the evidence of the two images is compared, the difference has means ± d′ and SD √2, so

    d′ = (z(H) − z(F)) / √2,    c = −(z(H) + z(F)) / 2

(Macmillan & Creelman 2005, Detection Theory, ch. 7). c is the interval bias in SDs of the
difference: c > 0 leans towards "second". d′ is in the units of the yes/no task.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from analysis import intervals
from analysis.sdt.outcomes import Correction, Outcomes, is_first, outcomes, tally, undefined


@dataclass(frozen=True, eq=False)
class ForcedChoice(Outcomes):
    """One observer's two-alternative forced choice.

    Beside the `Outcomes`, all comes from the corrected rates. `dprime` and `criterion` (the bias between the
    places) have standard errors and bounds at `level` (`se`, `low` and `high` are those of d′).
    `unbiased_accuracy` [0, 1] is Φ(d′/√2), what the observer would reach without bias; it estimates the
    area under the yes/no ROC. What is undefined is NaN and `reason` says why.
    """

    unbiased_accuracy: float
    dprime: float
    se: float
    low: float
    high: float
    criterion: float
    criterion_se: float
    criterion_low: float
    criterion_high: float
    level: float
    correction: Correction
    reason: str | None


def two_alternative_from_responses(
    place: npt.ArrayLike,
    response: npt.ArrayLike,
    places: tuple[str, str] = ("first", "second"),
    correction: Correction = "log-linear",
    level: float = 0.95,
) -> ForcedChoice:
    """d′ in two-alternative forced choice, from where the generated image was and where it was said to be.

    Parameters
    ----------
    place : array_like of str, shape (trials,)
        Where the generated image was: one of the two words of `places`.
    response : array_like of str, shape (trials,)
        Where it was said to be; a missing response (None or NaN) is counted apart.
    places : tuple of two str, optional
        The words for the two places, such as ("left", "right").
    correction : {"log-linear", "replace", "none"}, optional
        As in `dprime`.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    ForcedChoice
        As from `two_alternative`.

    Raises
    ------
    LookalikeError
        For any other word, or unequal lengths.

    Examples
    --------
    >>> from analysis import two_alternative_from_responses
    >>> place, response = ["left", "left", "right", "right"] * 10, ["left", "right", "right", "right"] * 10
    >>> found = two_alternative_from_responses(place, response, ("left", "right"))
    >>> found.accuracy, round(found.dprime, 2), round(found.criterion, 2)
    (0.75, 1.4, 0.99)
    """
    counts = tally(place, response, partial(is_first, pair=places))
    return two_alternative(**counts, correction=correction, level=level)


def two_alternative(
    hits: int,
    misses: int,
    false_alarms: int,
    correct_rejections: int,
    *,
    unanswered: int = 0,
    correction: Correction = "log-linear",
    level: float = 0.95,
) -> ForcedChoice:
    """d′, the interval bias and their uncertainty in two-alternative forced choice, from the four counts.

    Parameters
    ----------
    hits, misses : int
        "first" and "second" said when the generated image came first (or on the left), in trials.
    false_alarms, correct_rejections : int
        "first" and "second" said when it came second.
    unanswered : int, optional
        Trials without an answer; they are only counted.
    correction : {"log-linear", "replace", "none"}, optional
        As in `dprime`.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    ForcedChoice
        The counts and observed rates; `dprime` in the units of the yes/no task and `criterion`, the bias between the
        places (> 0 leans towards "second"), with standard errors and bounds; `unbiased_accuracy` = Φ(d′/√2) in [0, 1].

    Raises
    ------
    LookalikeError
        For a negative count or a level outside (0, 1).

    Notes
    -----
    With v = p (1−p) / (n φ(z)²) of each rate, SE(d′)² = (v_H + v_F) / 2 and SE(c)² = (v_H + v_F) / 4; the intervals are
    ± z·SE. With the log-linear correction the exact coverage at .95 for d′ is .946–.967, for 25 + 25 or 50 + 50 trials,
    d′ from 0 to 2 and c to .5 (test_two_alternative).

    References
    ----------
    Macmillan & Creelman 2005, Detection Theory, ch. 7; Gourevitch & Galanter 1967, Psychometrika 32:25.

    Examples
    --------
    >>> from analysis import two_alternative
    >>> round(two_alternative(38, 12, 12, 38, correction="none").dprime, 3)
    0.999
    """
    counted = outcomes(hits, misses, false_alarms, correct_rejections, unanswered)
    hit, false_alarm = counted.corrected(correction)
    reason = undefined(hit, false_alarm, ("generated-first", "generated-second"), "trial")
    dprime = criterion = se = criterion_se = np.nan
    if reason is None:
        dprime, criterion = (hit.z - false_alarm.z) / math.sqrt(2), -(hit.z + false_alarm.z) / 2
        se = math.sqrt((hit.z_variance + false_alarm.z_variance) / 2)
        criterion_se = se / math.sqrt(2)
    low, high = intervals.normal(dprime, se, level)
    criterion_low, criterion_high = intervals.normal(criterion, criterion_se, level)
    return ForcedChoice(
        **counted.to_dict(),
        unbiased_accuracy=float(ndtr(dprime / math.sqrt(2))),
        dprime=dprime,
        se=se,
        low=low,
        high=high,
        criterion=criterion,
        criterion_se=criterion_se,
        criterion_low=criterion_low,
        criterion_high=criterion_high,
        level=level,
        correction=correction,
        reason=reason,
    )
