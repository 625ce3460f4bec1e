"""The tables of a real/generated study: tidy, one row per participant, retest, operating point, image or method."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.agreement import items
from analysis.group.group import Group
from analysis.group.participants import Participant
from analysis.mrmc.other_methods import MOST
from analysis.roc import bootstrap as roc_bootstrap
from analysis.roc import partial as roc_partial
from analysis.roc.binormal import equal_variance_test
from analysis.trials import Trials
from data.results.result import frame_of

# The part of the ROC at low false-alarm rates: few real images are called generated.
PARTIAL = (0.0, 0.2)
_SEED = 0


def participants_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per participant: session 1, and the first retest where there is one."""
    return pd.DataFrame([_participant_row(one) for one in participants])


def retests_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per retest session, all of them; the columns are the fields of `SessionComparison`.

    Those of the answers to all images have no prefix.
    """
    rows = []
    for one in participants:
        for session, result in one.retests.items():
            row = result.to_frame().iloc[0].to_dict()
            rows.append({"participant": one.name, "session": session, **{_short(str(k)): v for k, v in row.items()}})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["participant", "session"])


def calibration_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per participant and confidence level: trials, share of correct answers and its bounds."""
    each = [one.calibration for one in participants]
    return _one_below_another(
        participants,
        confidence=[one.levels for one in each],
        trials=[one.trials for one in each],
        correct=[one.correct for one in each],
        accuracy=[one.accuracy for one in each],
        low=[one.low for one in each],
        high=[one.high for one in each],
    )


def roc_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per operating point; `rated_at_least` is missing at (0, 0), which no rating reaches."""
    each = [one.roc for one in participants]
    return _one_below_another(
        participants,
        rated_at_least=[np.where(np.isposinf(one.threshold), np.nan, one.threshold) for one in each],
        false_alarm_rate=[one.false_alarm_rate for one in each],
        hit_rate=[one.hit_rate for one in each],
    )


def _one_below_another(participants: Sequence[Participant], **columns: Sequence[npt.NDArray[Any]]) -> pd.DataFrame:
    """A table of what every participant has some rows of, given each column in parts."""
    if not participants:
        return pd.DataFrame(columns=["participant", *columns])
    sizes = [len(part) for part in next(iter(columns.values()))]
    whole = {name: np.concatenate([np.asarray(part) for part in parts]) for name, parts in columns.items()}
    return pd.DataFrame({"participant": np.repeat([one.name for one in participants], sizes), **whole})


def items_table(trials: Trials, participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per image and kind of observer (`analysis.agreement.items.COLUMNS`)."""
    kinds = {one.name: one.observer for one in participants}
    measure = trials.measure.assign(observer=trials.measure["participant"].map(kinds))
    parts = [items.item_table(part).assign(observer=kind) for kind, part in measure.groupby("observer")]
    return pd.concat(parts, ignore_index=True)


def methods_table(groups: Sequence[Group]) -> pd.DataFrame:
    """One row per method and kind of observer (`analysis.mrmc.other_methods.MethodResult`)."""
    return pd.concat([frame_of(one.methods).assign(observer=one.observer) for one in groups], ignore_index=True)


def reliability_table(groups: Sequence[Group]) -> pd.DataFrame:
    """One row per kind of observer, of image and of intraclass correlation (`analysis.agreement.intraclass`)."""
    parts = [
        one.found.by_kind().assign(of_images=one.of, observer=group.observer, answers_alone=one.answers_alone)
        for group in groups
        for one in group.reliability
    ]
    return pd.concat(parts, ignore_index=True)


def serial_table(groups: Sequence[Group]) -> pd.DataFrame:
    """One row per participant (`analysis.serial.serial.SerialDependence`)."""
    parts = [group.serial.by_participant().assign(observer=group.observer) for group in groups]
    return pd.concat(parts, ignore_index=True)


def areas_table(participants: Sequence[Participant], level: float = 0.95) -> pd.DataFrame:
    """One row per participant: what each one alone did with these images (secondary).

    `auc` with DeLong's interval (`low`, `high`), the stratified bootstrap's (`bca_low`, `bca_high`) and the `p` of the
    permutation test (`p_exact` says if it is exact); `partial` is the standardised area over false-alarm rates 0 to
    .2 (.5 is chance) with its BCa bounds; `d_a`, `a_z` of the binormal model, its `goodness_p` (Pearson's X² of the
    counts), `equal_variance_p` (σ = 1) and a `remark`. What is undefined is missing and `reason` says why; with
    more than `other_methods.MOST` participants the permutation test, the partial area's bounds and the test of σ = 1,
    which describe single participants, are left out.
    """
    # Drawing the resamples is nearly all of the work, and NumPy does it outside Python's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = pool.map(lambda one: _area_row(one, level, len(participants) <= MOST), participants)
        return pd.DataFrame(list(rows))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries, with None for what is missing."""
    rows = table.to_dict("records")
    return [{str(key): None if pd.isna(value) else value for key, value in row.items()} for row in rows]


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
        "meta_i": one.information.meta_i,
        "meta_i_corrected": one.information.corrected,
        "meta_i_share": one.information.share,
        "preferred_model": one.models.preferred if one.models else None,
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
    """Columns of the answers to all images have no prefix."""
    return name if name.startswith("answers_to_") else name.removeprefix("answers_")


def _area_row(one: Participant, level: float, closely: bool) -> dict[str, object]:
    counts, model = one.counts, one.binormal
    part = roc_partial.partial_auc_from_counts(counts, *PARTIAL)
    whole = roc_bootstrap.auc_bootstrap_from_counts(counts, _SEED, level=level)
    row: dict[str, object] = {
        "participant": one.name,
        "auc": one.roc.auc,
        "low": one.roc.low,
        "high": one.roc.high,
        "bca_low": whole.bca_low,
        "bca_high": whole.bca_high,
        "p": np.nan,
        "p_exact": pd.NA,
        "partial": part.standardised,
        **dict.fromkeys(("partial_low", "partial_high"), np.nan),
        "d_a": model.d_a.value,
        "a_z": model.a_z.value,
        "goodness_x2": model.goodness.pearson,
        "goodness_df": model.goodness.df,
        "goodness_p": model.goodness.pearson_p,
        "equal_variance_p": np.nan,
        "remark": model.remark,
    }
    reasons = [one.roc.reason, model.reason or model.goodness.reason, whole.reason]
    if closely:
        cut = roc_bootstrap.auc_bootstrap_from_counts(
            counts, _SEED, level=level, statistic=roc_partial.statistic(*PARTIAL)
        )
        tested = one.chance
        row |= {"p": tested.p, "p_exact": tested.exact, "partial_low": cut.bca_low, "partial_high": cut.bca_high}
        row["equal_variance_p"] = equal_variance_test(one.binned).p
        reasons += [cut.reason, tested.reason]
    else:
        reasons.append(f"more than {MOST} participants: no permutation test, and no bounds of the partial area")
    return row | {"reason": "; ".join(dict.fromkeys(why for why in reasons if why)) or None}
