"""The tasks with two images side by side, session by session and for the group.

Session 1 is the main measure; later sessions are measured separately and never pooled into it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from analysis.group.bayes_factors import BayesFactor, bayes_factor
from analysis.group.equivalence import Tost, equivalence_test
from analysis.group.heterogeneity import Heterogeneity, heterogeneity
from analysis.group.one_sample import Mean, mean
from analysis.group.pair_statistics import find_statistic
from analysis.sdt.forced_choice_ratings import ForcedChoiceRatings, forced_choice_ratings
from analysis.sdt.outcomes import Correction, Outcomes, only_corrected
from analysis.sdt.same_different import SameDifferent
from analysis.sdt.two_alternative import ForcedChoice
from data.errors import LookalikeError
from data.external_tables.read import TrialTable
from data.results.result import Result

Verdict = Literal["shown to differ", "not decided"]


@dataclass(frozen=True, eq=False)
class PairSession(Result):
    """One participant's session: what its main trials give. `statistic` is the one averaged over the group."""

    participant: str
    session: int
    statistic: str
    found: ForcedChoice | SameDifferent
    ratings: ForcedChoiceRatings | None = None  # of forced choice with confidence

    @property
    def measure(self) -> tuple[float, float, float, float]:
        """Value, standard error and bounds of the statistic."""
        return find_statistic(self.statistic).estimate(self.found)


@dataclass(frozen=True, eq=False)
class PairGroup(Result):
    """All participants' session 1.

    `value` is the mean of `measure`: d′ in two-alternative forced choice, z(H) − z(F) in same/different, where d′
    has a floor at 0 and its mean would lie above it at chance. `independent` and `differencing` are same/different's
    mean d′ under each model (None in the other task). `tost` is None without a bound. `p_exact` is that of the exact
    test within participants (`exact_test`), which decides where someone's answers are all right, all wrong or all the
    same. `by_confidence` is the mean d′ of the rating ROCs in forced choice with confidence. All take the images as
    given.
    """

    kind: str
    participants: int
    measure: str
    value: Mean
    accuracy: Mean
    between: Heterogeneity
    jzs: BayesFactor
    tost: Tost | None
    independent: Mean | None
    differencing: Mean | None
    verdict: Verdict
    words: str
    p_exact: float = math.nan  # results of earlier versions have neither
    by_confidence: Mean | None = None


def measure(answers: TrialTable, correction: Correction = "log-linear") -> list[PairSession]:
    """Every session's main trials, by participant and session.

    Raises `LookalikeError` if the kind's statistic is not one of pairs.
    """
    main, found = answers.trials[answers.trials["role"] == "main"], find_statistic(answers.measure).from_responses
    return [
        PairSession(
            str(participant),
            int(session),
            answers.measure,
            found(table["truth"], table["response"], answers.words, correction),
            _rated(table, answers),
        )
        for (participant, session), table in main.groupby(["participant", "session"])
    ]


def group(answers: TrialTable, sessions: list[PairSession], bound: float | None = None) -> PairGroup:
    """The group of session 1; `bound` (in units of the measure) is the bound that the mean is tested to lie within.

    Raises `LookalikeError` if no participant has a session 1 with main trials.
    """
    first = [one for one in sessions if one.session == 1]
    if not first:
        raise LookalikeError("nothing-to-analyse", "no participant has main trials in session 1")
    values, errors = (np.array([one.measure[place] for one in first]) for place in (0, 1))
    corrected = [only_corrected(one.found, one.measure[0]) for one in first]
    found = mean(values.tolist(), corrected=corrected)
    p_exact = exact_test([one.found for one in first])
    verdict, words = _verdict(found, find_statistic(answers.measure).symbol)
    if any(corrected):
        verdict, words = _without_spread(found, [one.found for one in first], p_exact)
    return PairGroup(
        kind=answers.kind,
        participants=len(first),
        measure=answers.measure,
        value=found,
        accuracy=mean([one.found.accuracy for one in first], bounds=(0, 1)),
        between=heterogeneity(values, errors, corrected=corrected),
        jzs=bayes_factor(values, corrected=corrected),
        tost=None if bound is None or any(corrected) else equivalence_test(values, bound),
        independent=_model_mean(first, "independent"),
        differencing=_model_mean(first, "differencing"),
        verdict=verdict,
        words=words,
        p_exact=p_exact,
        by_confidence=mean([one.ratings.dprime for one in first if one.ratings is not None])
        if any(one.ratings is not None for one in first)
        else None,
    )


def exact_test(outcomes: Sequence[Outcomes]) -> float:
    """Two-sided exact p of answers that have nothing to do with truth, within each participant.

    Given how often each participant gave each answer, their hits are hypergeometric; p is the probability of sums of
    all participants' hits that are no likelier than the one found: the exact conditional test of Cochran, Mantel and
    Haenszel (Mehta, Patel & Gray 1985, J. Am. Stat. Assoc. 80:969), of one participant Fisher's. NaN without answers.
    """
    sums, found = np.ones(1), 0
    for one in outcomes:
        signals, others = one.hits + one.misses, one.false_alarms + one.correct_rejections
        said = one.hits + one.false_alarms
        least = max(0, said - others)
        sums = np.convolve(
            sums, hypergeom.pmf(np.arange(least, min(said, signals) + 1), signals + others, signals, said)
        )
        found += one.hits - least
    answered = any(one.hits + one.misses + one.false_alarms + one.correct_rejections for one in outcomes)
    return min(1.0, float(sums[sums <= sums[found] * (1 + 1e-7)].sum())) if answered else math.nan


def sessions_table(sessions: list[PairSession]) -> pd.DataFrame:
    """One row per participant and session, with the fields of what was found."""
    rows = [one.found.to_frame().assign(participant=one.participant, session=one.session) for one in sessions]
    table = pd.concat(rows, ignore_index=True)
    return table[["participant", "session", *(name for name in table if name not in ("participant", "session"))]]


def ratings_table(sessions: list[PairSession]) -> pd.DataFrame:
    """One row per participant and session with confidence: the area by confidence and its d′."""
    rows = [
        one.ratings.to_frame().assign(participant=one.participant, session=one.session)
        for one in sessions
        if one.ratings is not None
    ]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["participant", "session"])
    return table[["participant", "session", *(name for name in table if name not in ("participant", "session"))]]


def _rated(table: pd.DataFrame, answers: TrialTable) -> ForcedChoiceRatings | None:
    """The ROC by confidence, where the task is forced choice and there is any confidence."""
    if answers.measure != "dprime" or "confidence" not in table or not table["confidence"].notna().any():
        return None
    places = answers.words or ("left", "right")
    return forced_choice_ratings(table["truth"], table["response"], table["confidence"], places)


def _model_mean(sessions: list[PairSession], model: str) -> Mean | None:
    """The mean d′ under a model, for a statistic that has it."""
    dprime = find_statistic(sessions[0].statistic).models.get(model)
    return None if dprime is None else mean([dprime(one.found).dprime for one in sessions], bounds=(0, math.inf))


def _without_spread(found: Mean, outcomes: Sequence[Outcomes], p: float) -> tuple[Verdict, str]:
    """The verdict of the exact test: what the values are spread by is the correction."""
    right = sum(one.hits + one.correct_rejections for one in outcomes)
    all_answers = right + sum(one.misses + one.false_alarms for one in outcomes)
    sizes = f"{right} of {all_answers} answers were right, p = {p:.2g} by an exact test within participants"
    why = f"The mean has no interval: {found.reason}."
    if not p < 0.05:
        return "not decided", f"{why} {sizes[0].upper()}{sizes[1:]}."
    if 2 * right > all_answers:
        return "shown to differ", f"Real and generated images were discriminated by these participants: {sizes}. {why}"
    return "shown to differ", f"The wrong answer was given more often than by guessing: {sizes}. {why}"


def _verdict(found: Mean, name: str) -> tuple[Verdict, str]:
    if math.isnan(found.low):
        value = "n/a" if math.isnan(found.mean) else f"{found.mean:.2f}"
        return "not decided", f"The mean {name} is {value}, without an interval ({found.reason})."
    sizes = f"the mean {name} is {found.mean:.2f}, {found.level:.0%} interval {found.low:.2f} to {found.high:.2f}"
    sizes += " for other observers judging these images"
    sizes = sizes.replace("-", "−")
    if found.low > 0:
        return "shown to differ", f"Real and generated images were discriminated better than by guessing: {sizes}."
    if found.high < 0:
        return "shown to differ", (
            f"The wrong answer was given more often than by guessing: {sizes}. Check that truth and answers are coded "
            "as intended."
        )
    farthest = f"{max(found.low, found.high, key=abs):.2f}".replace("-", "−")
    return "not decided", (
        f"These answers do not show that the images can be discriminated: {sizes}. Nor do they show that they cannot: "
        f"{farthest} is compatible with them too."
    )
