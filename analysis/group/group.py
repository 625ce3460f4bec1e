"""From participants to the group: the primary result, and all else about the observers of one kind.

`primary` follows the study file and counts participants and images as samples. All the rest is secondary:
means of participants' values, their equivalence test and Bayes factors take these images as the only ones,
and a model of every single answer (`probit`) is given for comparison.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from scipy.special import ndtri

from analysis.agreement import observer_agreement
from analysis.agreement.observer_agreement import ObserverAgreement
from analysis.agreement.rater_reliability import RaterReliability, rater_reliability
from analysis.effect_size import EffectSize, hedges_g
from analysis.group import mixed_probit
from analysis.group.bayes_factors import (
    BayesFactor,
    IntervalBayesFactor,
    bayes_factor,
    informed_bayes_factor,
    interval_bayes_factor,
)
from analysis.group.equivalence import Tost, equivalence_test
from analysis.group.heterogeneity import Heterogeneity, heterogeneity
from analysis.group.metacognition.m_ratio import GroupMRatio, group_m_ratio
from analysis.group.mixed_probit import Probit
from analysis.group.one_sample import Mean, by_correction, mean, own_mean
from analysis.group.participants import Participant
from analysis.group.prevalence import p_alone, prevalence
from analysis.group.primary import Primary, primary
from analysis.mrmc.other_methods import MOST, MethodResult, auc_by_method
from analysis.sdt.outcomes import only_corrected
from analysis.serial import serial
from analysis.serial.effects import MANY
from analysis.serial.serial import Serial
from analysis.side_by_side import side_by_side
from analysis.trials import Trials, with_ratings
from data.results.result import Result
from data.study import StudyFile

_REDRAWS = 1000  # orders per participant, of fewer than `MANY` participants
_ALL_REDRAWS, _FEWEST_REDRAWS = 10_000, 40  # of all of more participants, but so many of each; 40 let p reach .05
_USUAL_DPRIME = 0.5  # SD of the prior of the mean d' in the Bayes factor of "inside the bounds"


@dataclass(frozen=True, eq=False)
class Group(Result):
    """The participants of one kind of observer (people are never averaged with simulated observers).

    `bound` is the study's ±δ as d', √2 z(.5 + δ), NaN without one; `tost` and `interval` test the mean d' against
    it and are None without one. `jzs` is the two-sided Bayes factor of the mean d', `jzs_greater` and `jzs_less`
    those of an effect of one sign, `informed` that of an effect about as large as the bound (.5 without one).
    `methods` is the group's AUC by other methods. `between` is the SD of the true d' between observers, beyond what
    finite trials make them differ. `effect` is Hedges' g of the mean d'; `m_ratio`, of up to
    `analysis.mrmc.other_methods.MOST` participants, is that of the group; `reliability` has the intraclass correlations
    of their ratings. `own_dprime` is the mean d' of those whose d' is their own, where others gave only right answers,
    only wrong ones or one answer to everything, so that the mean of all has no interval; else None. Results of earlier
    versions lack the last four.
    """

    observer: str
    participants: int
    primary: Primary
    methods: tuple[MethodResult, ...]
    auc: Mean
    dprime: Mean
    bound: float
    tost: Tost | None
    jzs: BayesFactor
    jzs_greater: BayesFactor
    jzs_less: BayesFactor
    informed: BayesFactor
    interval: IntervalBayesFactor | None
    between: Heterogeneity
    probit: Probit
    meta_dprime: Mean
    m_diff: Mean
    similarity: Mean
    agreement: tuple[ObserverAgreement, ...]
    serial: Serial
    effect: EffectSize | None = None
    m_ratio: GroupMRatio | None = None
    reliability: tuple[RaterReliability, ...] = ()
    own_dprime: Mean | None = None


def group_by_observer(trials: Trials, participants: Sequence[Participant], study: StudyFile | None) -> list[Group]:
    """One group per kind of observer, by name of the kind."""
    kinds = sorted({one.observer for one in participants})
    return [_group(kind, trials, [one for one in participants if one.observer == kind], study) for kind in kinds]


def _group(kind: str, trials: Trials, members: Sequence[Participant], study: StudyFile | None) -> Group:
    names = [one.name for one in members]
    measure, catch = (table[table["participant"].isin(names)] for table in (trials.measure, trials.catch))
    sessions = trials.sessions[(trials.sessions["session"] == 1) & (trials.sessions["observer"] == kind)]
    dprimes = [one.yesno.dprime for one in members]
    corrected = [only_corrected(one.yesno, one.yesno.dprime) for one in members]
    delta = study.study.endpoint.delta if study else None
    bound = math.nan if delta is None else math.sqrt(2) * float(ndtri(0.5 + delta))
    alone = [p_alone(one.chance.p_above, one.chance.p_below, one.roc.generated, one.roc.real) for one in members]
    able = prevalence(*zip(*alone, strict=True))
    decided = primary(kind, measure, catch, sessions, study, prevalence=able)
    rated, level = with_ratings(measure), decided.auc.level
    fits: list[Callable[[], Any]] = [
        lambda: auc_by_method(rated, level),
        lambda: mixed_probit.mixed_probit(measure),
        lambda: observer_agreement.observer_agreement(measure),
        lambda: rater_reliability(measure),
    ]
    methods, crossed, agreement, reliability = side_by_side(_fitted, fits)
    return Group(
        observer=kind,
        participants=len(members),
        primary=decided,
        methods=methods,
        auc=mean([one.roc.auc for one in members], bounds=(0, 1)),
        dprime=mean(dprimes, corrected=corrected),
        own_dprime=own_mean(dprimes, corrected),
        bound=bound,
        tost=None if delta is None else _equivalence(dprimes, corrected, bound),
        jzs=bayes_factor(dprimes, corrected=corrected),
        jzs_greater=bayes_factor(dprimes, direction="greater", corrected=corrected),
        jzs_less=bayes_factor(dprimes, direction="less", corrected=corrected),
        informed=informed_bayes_factor(dprimes, _USUAL_DPRIME if delta is None else bound, corrected=corrected),
        interval=None if delta is None else interval_bayes_factor(dprimes, bound, _USUAL_DPRIME, corrected=corrected),
        between=heterogeneity(dprimes, [one.yesno.se for one in members], corrected=corrected),
        probit=crossed,
        meta_dprime=mean([one.metacognition.meta_dprime.value for one in members]),
        m_diff=mean([one.metacognition.m_diff.value for one in members]),
        similarity=mean([one.retest.similarity for one in members if one.retest is not None], bounds=(0, 1)),
        agreement=agreement,
        serial=_serial(measure, catch, len(members)),
        effect=None if any(corrected) else hedges_g(dprimes),
        m_ratio=group_m_ratio([one.confidences for one in members]) if len(members) <= MOST else None,
        reliability=reliability,
    )


def _equivalence(dprimes: Sequence[float], corrected: Sequence[bool], bound: float) -> Tost:
    found = equivalence_test(dprimes, bound)
    if not any(corrected):
        return found
    nan, why = math.nan, by_correction(corrected)
    return replace(found, low=nan, high=nan, p_lower=nan, p_upper=nan, p=nan, equivalent=False, reason=why)


def _fitted(fit: Callable[[], Any]) -> Any:
    return fit()


def _serial(measure: pd.DataFrame, catch: pd.DataFrame, participants: int) -> Serial:
    redraws = _REDRAWS if participants < MANY else max(_FEWEST_REDRAWS, _ALL_REDRAWS // participants)
    # With the catch trials, as the orders were drawn: a main trial may follow one of them.
    return serial.serial_dependence(pd.concat([measure, catch]), redraws=redraws)
