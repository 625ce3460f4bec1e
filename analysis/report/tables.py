"""The tables of a report: tidy, one row per participant, retest, operating point or confidence level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.agreement import items
from analysis.group.group import Group
from analysis.group.participants import Participant
from analysis.result import frame_of
from analysis.trials import Trials


def participants_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per participant: session 1, and the first retest where there is one."""
    return pd.DataFrame([_participant_row(one) for one in participants])


def retests_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per retest session, all of them; the columns are the fields of `SessionComparison`.

    Those of the answers to all images come without a prefix.
    """
    rows = []
    for one in participants:
        for session, result in one.retests.items():
            row = result.to_frame().iloc[0].to_dict()
            rows.append({"participant": one.name, "session": session, **{_short(str(k)): v for k, v in row.items()}})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["participant", "session"])


def calibration_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per participant and confidence level: trials, share of correct answers and its bounds."""
    parts = [one.calibration.by_level().assign(participant=one.name) for one in participants]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["participant"])
    return table[["participant", *(name for name in table.columns if name != "participant")]]


def roc_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per operating point; `rated_at_least` is missing at (0, 0), which no rating reaches."""
    points = [
        pd.DataFrame(
            {
                "participant": one.name,
                "rated_at_least": pd.Series(one.roc.threshold).replace(math.inf, math.nan),
                "false_alarm_rate": one.roc.false_alarm_rate,
                "hit_rate": one.roc.hit_rate,
            }
        )
        for one in participants
    ]
    return pd.concat(points, ignore_index=True)


def items_table(trials: Trials, participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per image and kind of observer (`analysis.agreement.items.COLUMNS`)."""
    kinds = {one.name: one.observer for one in participants}
    measure = trials.measure.assign(observer=trials.measure["participant"].map(kinds))
    parts = [items.item_table(part).assign(observer=kind) for kind, part in measure.groupby("observer")]
    return pd.concat(parts, ignore_index=True)


def methods_table(groups: Sequence[Group]) -> pd.DataFrame:
    """One row per method and kind of observer (`analysis.mrmc.other_methods.MethodResult`)."""
    return pd.concat([frame_of(one.methods).assign(observer=one.observer) for one in groups], ignore_index=True)


def serial_table(groups: Sequence[Group]) -> pd.DataFrame:
    """One row per participant (`analysis.serial.serial.SerialDependence`)."""
    parts = [group.serial.by_participant().assign(observer=group.observer) for group in groups]
    return pd.concat(parts, ignore_index=True)


def _participant_row(one: Participant) -> dict[str, Any]:
    yesno, roc, retest, binormal, meta = one.yesno, one.roc, one.retest, one.binormal, one.metacognition
    return {
        "participant": one.name,
        "observer": one.observer,
        "trials": one.trials,
        "answered": one.trials - yesno.unanswered,
        "rated": roc.generated + roc.real,
        "hits": yesno.hits,
        "misses": yesno.misses,
        "false_alarms": yesno.false_alarms,
        "correct_rejections": yesno.correct_rejections,
        "hit_rate": yesno.hit_rate,
        "false_alarm_rate": yesno.false_alarm_rate,
        "accuracy": yesno.accuracy,
        "dprime": yesno.dprime,
        "dprime_se": yesno.se,
        "dprime_low": yesno.low,
        "dprime_high": yesno.high,
        "criterion": yesno.criterion,
        "criterion_se": yesno.criterion_se,
        "criterion_low": yesno.criterion_low,
        "criterion_high": yesno.criterion_high,
        "relative_criterion": yesno.relative_criterion,
        "ln_beta": yesno.ln_beta,
        "a_prime": yesno.a_prime,
        "b_double_prime_d": yesno.b_double_prime_d,
        "correction": yesno.correction,
        "dprime_reason": yesno.reason,
        "auc": roc.auc,
        "auc_se": roc.se,
        "auc_low": roc.low,
        "auc_high": roc.high,
        "auc_reason": roc.reason,
        "binormal_a": binormal.a.value,
        "binormal_a_se": binormal.a.se,
        "binormal_b": binormal.b.value,
        "binormal_b_se": binormal.b.se,
        "binormal_mu": binormal.mu.value,
        "binormal_sigma": binormal.sigma.value,
        "binormal_pearson": binormal.goodness.pearson,
        "binormal_pearson_p": binormal.goodness.pearson_p,
        "binormal_df": binormal.goodness.df,
        "d_a": binormal.d_a.value,
        "d_a_se": binormal.d_a.se,
        "a_z": binormal.a_z.value,
        "a_z_se": binormal.a_z.se,
        "binormal_reason": binormal.reason,
        "meta_dprime": meta.meta_dprime.value,
        "meta_dprime_low": meta.meta_dprime.low,
        "meta_dprime_high": meta.meta_dprime.high,
        "m_diff": meta.m_diff.value,
        "m_ratio": meta.m_ratio.value,
        "m_ratio_reason": meta.m_ratio_reason,
        "meta_reason": meta.reason,
        "type2_area": one.type2.area.value,
        "gamma": one.calibration.gamma.value,
        "retests": len(one.retests),
        "smc": retest.similarity if retest else math.nan,
        "smc_low": retest.low if retest else math.nan,
        "smc_high": retest.high if retest else math.nan,
        "smc_expected": retest.expected if retest else math.nan,
        "kappa": retest.kappa if retest else math.nan,
        "shared_images": retest.pairs if retest else pd.NA,
        "smc_reason": retest.reason if retest else "no retest",
    }


def _short(name: str) -> str:
    """Columns of the answers to all images go without a prefix."""
    return name if name.startswith("answers_to_") else name.removeprefix("answers_")
