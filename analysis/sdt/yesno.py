"""Yes/no signal detection: sensitivity and bias from hits and false alarms.

The signal is `generated`: a hit is "generated" said of a generated image, a false alarm is
"generated" said of a real one. With z the inverse of the standard normal distribution,

    d′ = z(H) − z(F),    c = −(z(H) + z(F)) / 2

(Macmillan & Creelman 2005, Detection Theory, ch. 1–2). c > 0 leans towards saying "real".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis import intervals
from analysis.sdt.outcomes import Correction, Outcomes, Rate, outcomes, tally, undefined
from analysis.trials import is_generated

_NEED_Z = (
    *("dprime", "se", "low", "high"),
    *("criterion", "criterion_se", "criterion_low", "criterion_high"),
    *("relative_criterion", "ln_beta"),
)


@dataclass(frozen=True, eq=False)
class YesNo(Outcomes):
    """One observer's yes/no performance.

    Beside the `Outcomes`, all comes from the corrected rates. `dprime` and `criterion` (c) are in SDs of the
    evidence, with standard errors and bounds at `level` (`se`, `low` and `high` are those of d′).
    `relative_criterion` is c′, `ln_beta` the log likelihood ratio at the criterion; `a_prime` [0, 1] and
    `b_double_prime_d` [−1, 1] (> 0 leans towards "real") assume no distribution. What is undefined is
    NaN: `reason` says why of d′ and all that needs z, `relative_criterion_reason` of c′.
    """

    dprime: float
    se: float
    low: float
    high: float
    criterion: float
    criterion_se: float
    criterion_low: float
    criterion_high: float
    relative_criterion: float
    ln_beta: float
    a_prime: float
    b_double_prime_d: float
    level: float
    correction: Correction
    reason: str | None
    relative_criterion_reason: str | None


def dprime_from_responses(
    truth: npt.ArrayLike, response: npt.ArrayLike, correction: Correction = "log-linear", level: float = 0.95
) -> YesNo:
    """d′ and the criterion of yes/no trials, from what was shown and what was said.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    response : array_like of str, shape (trials,)
        "real" or "generated"; a missing response (None or NaN) is counted apart.
    correction : {"log-linear", "replace", "none"}, optional
        As in `dprime`.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    YesNo
        As from `dprime`.

    Raises
    ------
    LookalikeError
        For any other word, or unequal lengths.

    Examples
    --------
    >>> from analysis import dprime_from_responses
    >>> truth = ["generated"] * 4 + ["real"] * 4
    >>> response = ["generated"] * 3 + ["real"] * 3 + [None, "generated"]
    >>> found = dprime_from_responses(truth, response)
    >>> found.hits, found.false_alarms, found.unanswered, round(found.dprime, 2)
    (3, 1, 1, 0.84)
    """
    return dprime(**tally(truth, response, is_generated), correction=correction, level=level)


def dprime(
    hits: int,
    misses: int,
    false_alarms: int,
    correct_rejections: int,
    *,
    unanswered: int = 0,
    correction: Correction = "log-linear",
    level: float = 0.95,
) -> YesNo:
    """d′, the criterion, their uncertainty and the other indices of the yes/no task, from the four counts.

    Parameters
    ----------
    hits, misses : int
        "generated" and "real" said of generated images, in trials.
    false_alarms, correct_rejections : int
        "generated" and "real" said of real images, in trials.
    unanswered : int, optional
        Trials without an answer; they are only counted.
    correction : {"log-linear", "replace", "none"}, optional
        What is done about rates of 0 and 1, whose z is infinite: see `analysis.sdt.outcomes.Outcomes.corrected`.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    YesNo
        The counts and observed rates; `dprime` and `criterion` (c > 0 leans towards "real"), in SDs of the evidence,
        with standard errors and bounds; c′, ln β, A′ and B″D. What is undefined is NaN and `reason` says why.

    Raises
    ------
    LookalikeError
        For a negative count or a level outside (0, 1).

    Notes
    -----
    SE(d′)² = H(1−H) / (n_s φ(zH)²) + F(1−F) / (n_n φ(zF)²) at the corrected rates and SE(c) = SE(d′) / 2; the intervals
    are ± z·SE. With the log-linear correction their exact coverage at .95 is .944–.968 for d′ and at least .946 for c,
    for 25 + 25 or 50 + 50 trials, d′ from 0 to 3 and c to .5 (test_yesno); at d′ 3 and c 1 they fall to .92.

    c′ = c / d′ is undefined at d′ = 0; ln β = (z(F)² − z(H)²) / 2 = c d′. A′ is Pollack & Norman's in Grier's form with
    the branch for H < F. B″D = ((1−H)(1−F) − HF) / ((1−H)(1−F) + HF).

    References
    ----------
    Macmillan & Creelman 2005, Detection Theory, ch. 1–2; Gourevitch & Galanter 1967, Psychometrika 32:25; Hautus 1995,
    Behav. Res. Methods Instrum. Comput. 27:46; Aaronson & Watts 1987, Psychol. Bull. 102:439; Snodgrass & Corwin 1988,
    J. Exp. Psychol. Gen. 117:34; Donaldson 1992, J. Exp. Psychol. Gen. 121:275.

    Examples
    --------
    >>> from analysis import dprime
    >>> found = dprime(20, 5, 10, 15, correction="none")
    >>> round(found.dprime, 3), round(found.criterion, 3)
    (1.095, -0.294)
    >>> round(found.low, 2), round(found.high, 2)
    (0.35, 1.84)
    """
    counted = outcomes(hits, misses, false_alarms, correct_rejections, unanswered)
    hit, false_alarm = counted.corrected(correction)
    reason = undefined(hit, false_alarm, ("generated", "real"), "image")
    z: dict[str, Any] = _from_z(hit, false_alarm, level) if reason is None else dict.fromkeys(_NEED_Z, np.nan)
    return YesNo(
        **counted.to_dict(),
        **z,
        a_prime=_a_prime(hit, false_alarm),
        b_double_prime_d=_b_double_prime_d(hit, false_alarm),
        level=level,
        correction=correction,
        reason=reason,
        # Rates that are equal give the same z, so d′ is exactly 0.
        relative_criterion_reason="d′ is 0, so c′ = c / d′ is undefined" if z["dprime"] == 0 else reason,
    )


def _from_z(hit: Rate, false_alarm: Rate, level: float) -> dict[str, float]:
    dprime, criterion = hit.z - false_alarm.z, -(hit.z + false_alarm.z) / 2
    se = math.sqrt(hit.z_variance + false_alarm.z_variance)
    bounds = intervals.normal(dprime, se, level)
    criterion_bounds = intervals.normal(criterion, se / 2, level)
    relative = criterion / dprime if dprime else np.nan
    ln_beta = (false_alarm.z**2 - hit.z**2) / 2
    values = (dprime, se, *bounds, criterion, se / 2, *criterion_bounds, relative, ln_beta)
    return dict(zip(_NEED_Z, values, strict=True))


def _a_prime(hit: Rate, false_alarm: Rate) -> float:
    h, f = hit.value, false_alarm.value
    if np.isnan(h) or np.isnan(f):
        return np.nan
    if h == f:
        return 0.5
    # The area above a point below the diagonal is that under its mirror image.
    high, low = max(h, f), min(h, f)
    area = 0.5 + (high - low) * (1 + high - low) / (4 * high * (1 - low))
    return area if h > f else 1 - area


def _b_double_prime_d(hit: Rate, false_alarm: Rate) -> float:
    no, yes = (1 - hit.value) * (1 - false_alarm.value), hit.value * false_alarm.value
    # Perfect answers, right or wrong throughout, show no bias either way; NaN passes through.
    return (no - yes) / (no + yes) if no + yes != 0 else np.nan
