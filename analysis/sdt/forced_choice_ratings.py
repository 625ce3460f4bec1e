"""Two-alternative forced choice with confidence: the ROC of one place against the other.

Answer and confidence make one signed rating, larger the surer that the generated image was in the first place. Trials
with the generated image there are set against the others, and the ratings' operating points are the type-1 ROC. If
observers compare the evidence of the two images, its difference has means ± d′ and SD √2, so the area under that ROC
is Φ(d′), and d′ = z(area): in the units of the yes/no task, as (z(H) − z(F)) / √2 is at the answer alone (Macmillan &
Creelman 2005, Detection Theory, ch. 7). The area does not depend on where the observer puts the criterion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from analysis.roc.roc import roc_auc
from analysis.sdt.outcomes import is_first
from data.arrays import Floats
from data.results.result import Result
from data.trials import rating


@dataclass(frozen=True, eq=False)
class ForcedChoiceRatings(Result):
    """The type-1 ROC by confidence of one observer's forced choices.

    `area` [0, 1] is that under the empirical ROC of first against second place, with DeLong's `area_se` and bounds
    symmetric on the logit scale; `dprime` is its z, with the bounds' z. `unbiased_accuracy` is Φ(d′/√2), which
    estimates the area of the yes/no task. The operating points `hit_rate` and `false_alarm_rate` begin at (0, 0) and
    end at (1, 1). `rated` trials count; `unrated` ones, without answer or confidence, do not. What is undefined is NaN
    and `reason` says why.
    """

    rated: int
    unrated: int
    area: float
    area_se: float
    area_low: float
    area_high: float
    dprime: float
    low: float
    high: float
    unbiased_accuracy: float
    hit_rate: Floats
    false_alarm_rate: Floats
    level: float
    reason: str | None


def forced_choice_ratings(
    place: npt.ArrayLike,
    response: npt.ArrayLike,
    confidence: npt.ArrayLike,
    places: tuple[str, str] = ("first", "second"),
    level: float = 0.95,
) -> ForcedChoiceRatings:
    """d′ and the ROC of two-alternative forced choice with confidence.

    Parameters
    ----------
    place : array_like of str, shape (trials,)
        Where the generated image was: one of the two words of `places`.
    response : array_like of str, shape (trials,)
        Where it was said to be; missing where there was no answer.
    confidence : array_like of float, shape (trials,)
        1 (least sure) and up; NaN where it is missing.
    places : tuple of two str, optional
        The words for the two places, such as ("left", "right").
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    ForcedChoiceRatings
        The area, d′ = z(area) with its interval, and the operating points.

    Raises
    ------
    LookalikeError
        For any other word, or unequal lengths.

    Notes
    -----
    With few levels of confidence the chords between operating points lie below the curve: with four levels, a d′ of
    1.5 comes out at 1.43 to 1.48 (test_forced_choice_ratings).

    References
    ----------
    Macmillan & Creelman 2005, Detection Theory, ch. 7; DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import forced_choice_ratings
    >>> place = np.tile(["left", "right"], 60)
    >>> difference = np.random.default_rng(1).normal(np.where(place == "left", 1.0, -1.0), np.sqrt(2))
    >>> response, sure = np.where(difference > 0, "left", "right"), 1 + (np.abs(difference) > 1)
    >>> found = forced_choice_ratings(place, response, sure, ("left", "right"))
    >>> round(found.area, 3), round(found.dprime, 2), round(found.low, 2), round(found.high, 2)
    (0.871, 1.13, 0.83, 1.42)
    """
    first = partial(is_first, pair=places)
    words = np.where(first(place), "generated", "real")
    given = np.asarray(response, dtype=object)
    answered = np.array([one is not None and one == one for one in given], dtype=np.bool_)
    said = np.full(given.shape, None, dtype=object)
    said[answered] = np.where(first(given[answered]), "generated", "real")
    curve = roc_auc(words, rating(said, confidence), level)
    whole = curve.auc in (0, 1)
    reason = curve.reason
    if whole:
        reason = "the ratings tell the two places apart without error, so d′ is not finite"
    dprime, low, high = (np.nan if whole else float(ndtri(area)) for area in (curve.auc, curve.low, curve.high))
    rated = curve.generated + curve.real
    return ForcedChoiceRatings(
        rated=rated,
        unrated=len(given) - rated,
        area=curve.auc,
        area_se=curve.se,
        area_low=curve.low,
        area_high=curve.high,
        dprime=dprime,
        low=low,
        high=high,
        unbiased_accuracy=float(ndtr(dprime / np.sqrt(2))),
        hit_rate=curve.hit_rate,
        false_alarm_rate=curve.false_alarm_rate,
        level=level,
        reason=reason,
    )
