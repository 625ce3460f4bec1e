"""What confidence says about being right: counts of confidence, the type-2 ROC, and calibration.

Type 1 is about the class of an image, type 2 about whether one's own answer was right (Galvin et al. 2003,
Psychon. Bull. Rev. 10:843). Both measures here also move with d′ and the criterion; `metacognition` has
the one that does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis import intervals
from analysis.roc import roc
from analysis.trials import is_generated
from data.arrays import Floats, Ints
from data.errors import LookalikeError
from data.results.result import UNDEFINED, Estimate, Result

Said = Literal["real", "generated"]


@dataclass(frozen=True, eq=False)
class ConfidenceCounts(Result):
    """How often each confidence was given, by truth and response.

    `levels` (K,) are the confidences that occur, ascending. `table` (2, 2, K) counts trials: its axes are truth
    and response, each real then generated, and confidence. `unrated` counts the trials left out for lack of a
    response or of a confidence. Raises `LookalikeError` for another shape, a negative count or levels out of order.

    The vectors nR_S1 and nR_S2 of Maniscalco & Lau's toolbox hold the same, "real" surest first, "generated"
    surest last: with S1 real, `table[0]` is [nR_S1[:K] reversed, nR_S1[K:]], and `table[1]` so from nR_S2.
    """

    levels: Floats
    table: Ints
    unrated: int = 0

    def __post_init__(self) -> None:
        if self.levels.ndim != 1 or self.table.shape != (2, 2, self.levels.size):
            raise LookalikeError(
                "unequal-lengths",
                f"{self.levels.size} levels and a table of shape {self.table.shape}: it must be (2, 2, levels)",
            )
        if self.table.min(initial=0) < 0:
            raise LookalikeError("out-of-range", "counts of confidence: none may be negative")
        if not np.all(np.diff(self.levels) > 0):
            raise LookalikeError("not-increasing", "levels of confidence: must ascend, each once")

    def correct(self, said: Said | None = None) -> Ints:
        """Right answers by level (K,): those that said `said`, or all."""
        return self._answers(said, right=True)

    def incorrect(self, said: Said | None = None) -> Ints:
        """Wrong answers by level (K,): those that said `said`, or all."""
        return self._answers(said, right=False)

    def _answers(self, said: Said | None, right: bool) -> Ints:
        words = {"real": [0], "generated": [1], None: [0, 1]}[said]
        truths = [word if right else 1 - word for word in words]
        return np.asarray(self.table[truths, words].sum(axis=0), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Type2Roc(Result):
    """How well confidence discriminates right from wrong answers.

    `hit_rate` and `false_alarm_rate` [0, 1] have shape (points,), from (0, 0) to (1, 1): the shares of right and
    of wrong answers given with at least `threshold` confidence (infinite at the first point). `area` [0, 1] is
    the chance that a right answer has the higher confidence, ties counting half. `correct` and `incorrect` count
    answers, those that said `said` only (or all, where it is None). What is undefined is NaN; `reason` says why.
    """

    said: Said | None
    area: Estimate
    level: float
    correct: int
    incorrect: int
    false_alarm_rate: Floats
    hit_rate: Floats
    threshold: Floats
    reason: str | None


@dataclass(frozen=True, eq=False)
class Calibration(Result):
    """Accuracy at each confidence.

    The arrays have shape (K,): confidence `levels`, `trials` given that confidence, how many were `correct`, their
    share `accuracy` [0, 1] and its Wilson bounds `low` and `high` at `level`. `gamma` [−1, 1] is Goodman and
    Kruskal's: of the pairs of a right and a wrong answer with unequal confidence, the share in which the right
    one has more, minus the rest. What is undefined is NaN; `reason` says why.
    """

    level: float
    levels: Floats
    trials: Ints
    correct: Ints
    accuracy: Floats
    low: Floats
    high: Floats
    gamma: Estimate
    unrated: int
    reason: str | None

    def by_level(self) -> pd.DataFrame:
        """One row per confidence level."""
        return pd.DataFrame(
            {
                "confidence": self.levels,
                "trials": self.trials,
                "correct": self.correct,
                "accuracy": self.accuracy,
                "low": self.low,
                "high": self.high,
            }
        )


def count_confidence(truth: npt.ArrayLike, response: npt.ArrayLike, confidence: npt.ArrayLike) -> ConfidenceCounts:
    """How often each confidence was given, by truth and response.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    response : array_like of str, shape (trials,)
        "real" or "generated", None or NaN where there is none.
    confidence : array_like of float, shape (trials,)
        1, 2, 3, ... from unsure to sure, NaN where there is none.

    Returns
    -------
    ConfidenceCounts
        The counts; a trial without a response or a confidence is left out and counted as `unrated`.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths, or a confidence that is not a positive whole number.

    Examples
    --------
    >>> from analysis import count_confidence
    >>> counts = count_confidence(["real", "real", "generated"], ["real", "generated", "generated"], [2, 1, 2])
    >>> counts.correct().tolist(), counts.incorrect().tolist()
    ([0, 2], [1, 0])
    """
    generated, said = is_generated(truth), np.asarray(response, dtype=object)
    sure = np.asarray(confidence, dtype=np.float64)
    if not generated.shape == said.shape == sure.shape:
        raise LookalikeError(
            "unequal-lengths",
            f"{generated.size} truths, {said.size} responses and {sure.size} confidences: there must be one per trial",
        )
    wrong = np.flatnonzero(~np.isnan(sure) & ~((sure >= 1) & np.isfinite(sure) & (np.floor(sure) == sure)))
    if wrong.size:
        raise LookalikeError(
            "not-a-whole-number", f"confidence {sure[wrong[0]]:g} of trial {wrong[0]} (from 0): must be 1, 2, 3, ..."
        )
    kept = ~np.asarray(pd.isna(said), dtype=np.bool_)
    yes = np.zeros(kept.shape, dtype=np.bool_)
    yes[kept] = is_generated(said[kept])
    kept &= ~np.isnan(sure)
    levels, place = np.unique(sure[kept], return_inverse=True)
    table = np.zeros((2, 2, levels.size), dtype=np.int64)
    np.add.at(table, (generated[kept].astype(int), yes[kept].astype(int), place), 1)
    return ConfidenceCounts(levels, table, int(np.sum(~kept)))


def type2_roc(counts: ConfidenceCounts, said: Said | None = None, level: float = 0.95) -> Type2Roc:
    """The type-2 ROC: how well confidence discriminates right from wrong answers.

    A type-2 hit is a right answer with confidence k or more, a type-2 false alarm a wrong one.

    Parameters
    ----------
    counts : ConfidenceCounts
        From `count_confidence`.
    said : {"real", "generated"}, optional
        Only answers with this response; by default all of them pooled. The pooled area compares answers across
        responses too, so it also rises when an observer is surer of the response that is more often right.
    level : float, optional
        Level of the interval, in (0, 1).

    Returns
    -------
    Type2Roc
        The area [0, 1] with its uncertainty, as that of `roc_auc`, and the operating points.

    Raises
    ------
    LookalikeError
        For a level outside (0, 1).

    References
    ----------
    Galvin et al. 2003, Psychon. Bull. Rev. 10:843.

    Examples
    --------
    >>> from analysis import count_confidence, type2_roc
    >>> truth, response = ["real"] * 6, ["real", "real", "real", "real", "generated", "generated"]
    >>> found = type2_roc(count_confidence(truth, response, [3, 2, 3, 1, 1, 2]))
    >>> found.correct, found.incorrect, round(found.area.value, 3)
    (4, 2, 0.75)
    """
    right, wrong = counts.correct(said), counts.incorrect(said)
    reason = _one_kind(int(right.sum()), int(wrong.sum()))
    empty = np.empty(0)
    area, false_alarm_rate, hit_rate, threshold = UNDEFINED, empty, empty, empty
    if reason is None:
        ratings = np.concatenate([np.repeat(counts.levels, right), np.repeat(counts.levels, wrong)])
        curve = roc.roc_auc(np.repeat(["generated", "real"], [right.sum(), wrong.sum()]), ratings, level)
        area, reason = Estimate(curve.auc, curve.se, curve.low, curve.high), curve.reason
        false_alarm_rate, hit_rate, threshold = curve.false_alarm_rate, curve.hit_rate, curve.threshold
    return Type2Roc(
        said=said,
        area=area,
        level=level,
        correct=int(right.sum()),
        incorrect=int(wrong.sum()),
        false_alarm_rate=false_alarm_rate,
        hit_rate=hit_rate,
        threshold=threshold,
        reason=reason,
    )


def calibration(counts: ConfidenceCounts, level: float = 0.95) -> Calibration:
    """Accuracy by confidence, and Goodman and Kruskal's γ.

    Parameters
    ----------
    counts : ConfidenceCounts
        From `count_confidence`.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    Calibration
        Per confidence, the number of trials, the accuracy [0, 1] and its Wilson bounds; `gamma` [−1, 1] with its
        asymptotic standard error and an interval that is symmetric in atanh γ.

    Raises
    ------
    LookalikeError
        For a level outside (0, 1).

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22:209; Goodman & Kruskal 1963, J. Am. Stat. Assoc. 58:310, eq. 3.4.

    Examples
    --------
    >>> from analysis import calibration, count_confidence
    >>> truth, response = ["real"] * 6, ["real", "real", "real", "real", "generated", "generated"]
    >>> found = calibration(count_confidence(truth, response, [3, 2, 3, 1, 1, 2]))
    >>> found.accuracy.tolist(), round(found.gamma.value, 3)
    ([0.5, 0.5, 1.0], 0.667)
    """
    right, wrong = counts.correct(), counts.incorrect()
    used = right + wrong > 0
    right, wrong = right[used], wrong[used]
    low, high = intervals.wilson(right, right + wrong, level)
    gamma, reason = _gamma(right, wrong, level)
    return Calibration(
        level=level,
        levels=counts.levels[used],
        trials=right + wrong,
        correct=right,
        accuracy=right / (right + wrong),
        low=low,
        high=high,
        gamma=gamma,
        unrated=counts.unrated,
        reason=reason,
    )


def _one_kind(right: int, wrong: int) -> str | None:
    missing = " and no ".join(name for name, n in (("right", right), ("wrong", wrong)) if not n)
    return f"no {missing} answer has a confidence" if missing else None


def _gamma(right: Ints, wrong: Ints, level: float) -> tuple[Estimate, str | None]:
    reason = _one_kind(int(right.sum()), int(wrong.sum()))
    if reason:
        return UNDEFINED, reason
    # For each cell, the answers of the other kind that agree with it in order, and those that do not.
    right_below, wrong_below = np.cumsum(right) - right, np.cumsum(wrong) - wrong
    right_above, wrong_above = right.sum() - np.cumsum(right), wrong.sum() - np.cumsum(wrong)
    agree, differ = float(right @ wrong_below), float(right @ wrong_above)
    pairs = agree + differ
    if not pairs:
        return UNDEFINED, "all confidences tie: γ is undefined"
    gamma = (agree - differ) / pairs
    spread = right @ (differ * wrong_below - agree * wrong_above) ** 2
    spread += wrong @ (differ * right_above - agree * right_below) ** 2
    se = 2 * math.sqrt(spread) / pairs**2
    if not se:
        return Estimate(gamma, se, np.nan, np.nan), "confidence orders right and wrong answers completely: no interval"
    margin = intervals.critical(level) * se / (1 - gamma**2)
    low, high = (math.tanh(math.atanh(gamma) + side * margin) for side in (-1, 1))
    return Estimate(gamma, se, low, high), None
