"""d′, c and AUC of every session: what each participant did, how the mean changed, and how reliable single values are.

The retest of the same images says whether *answers* agree (`analysis.agreement`); this module asks whether the
*measures* of a participant do. Reliability is the intraclass correlation of participants' values over two sessions,
ICC(A,1). It has a ceiling: values of finite many trials scatter even for a person who never changes, and `ceiling` is
the correlation that sampling error alone would leave.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import ttest_rel

from analysis.agreement.rating_agreement import intraclass_correlation
from analysis.conditions import by_condition, conditions_of
from analysis.group.one_sample import Mean, mean
from analysis.roc import roc
from analysis.sdt.outcomes import Correction, only_corrected
from analysis.sdt.yesno import YesNo, dprime_from_responses
from analysis.side_by_side import in_parts, side_by_side
from analysis.trials import Trials, with_ratings
from data.results.result import Result

SessionMeasure = Literal["dprime", "criterion", "auc"]
MEASURES: tuple[SessionMeasure, ...] = ("dprime", "criterion", "auc")
_PER_PROCESS = 50  # sessions, at least, that are worth a process


@dataclass(frozen=True, eq=False)
class SessionChange(Result):
    """One `measure` of the participants who took part in session 1 and in `session`.

    `change` is the mean of session less session 1, with its t interval and `p` (paired t test). `icc` is ICC(A,1) of
    the two sessions' values, between `icc_low` and `icc_high`; `ceiling` the value that it would have, on average, for
    participants who do not change at all, given the standard errors of their values. All take the images as given.
    What is undefined is NaN and `reason` says why.
    """

    measure: SessionMeasure
    session: int
    participants: int
    first_mean: float
    later_mean: float
    change: Mean
    p: float
    icc: float
    icc_low: float
    icc_high: float
    ceiling: float
    level: float
    reason: str | None


def session_table(trials: Trials, correction: Correction = "log-linear", *, conditions: bool = False) -> pd.DataFrame:
    """d′, c and AUC of every analysed session, one row per participant and session.

    Parameters
    ----------
    trials : analysis.trials.Trials
        From `load_trials`.
    correction : {"log-linear", "replace", "none"}, optional
        Correction of rates of 0 and 1 (`dprime`).
    conditions : bool, optional
        One row for each condition of a session too, with a column `condition` (`compare_conditions`).

    Returns
    -------
    pandas.DataFrame
        Columns participant, session, observer, answered, then dprime, criterion and auc, each with `_se`, `_low` and
        `_high` at 95%; `corrected` says whether d′ and c rest on the correction alone, `reason` why something is NaN.

    References
    ----------
    Macmillan & Creelman 2005, Detection Theory, ch. 1-2; DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis import load_trials, session_table
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"participant": "p1", "session": [1] * 40 + [2] * 40, "stimulus_id": [*range(40)] * 2})
    >>> table["truth"] = ["real", "generated"] * 40
    >>> table["response"] = np.where(rng.normal(table["truth"] == "generated") > 0.5, "generated", "real")
    >>> table.to_csv("trials.csv", index=False)
    >>> session_table(load_trials("trials.csv"))[["session", "dprime", "criterion", "auc"]].round(2).values.tolist()
    [[1.0, 1.58, -0.0, 0.8], [2.0, 0.88, 0.2, 0.68]]
    """
    both = pd.concat([trials.measure, trials.retests], ignore_index=True)
    first = trials.sessions[trials.sessions["session"] == 1]
    observers = dict(zip(first["participant"], first["observer"], strict=True))
    if both.empty:
        return pd.DataFrame(columns=["participant", "session", "observer"])
    names = ["participant", "session"]
    if conditions and conditions_of(trials.measure):
        both = by_condition(both).rename(columns={"modality": "part"})
        names.append("part")
    each = list(with_ratings(both).groupby(names))
    parts = in_parts(each, min(os.cpu_count() or 1, -(-len(each) // _PER_PROCESS)))

    def rows(some: Sequence[tuple[tuple[Any, ...], pd.DataFrame]]) -> list[dict[str, object]]:
        return [
            _row(str(participant), int(session), observers[participant], table, correction)
            | ({"condition": part[0]} if part else {})
            for (participant, session, *part), table in some
        ]

    return pd.DataFrame([row for some in side_by_side(rows, parts) for row in some])


def session_changes(table: pd.DataFrame, level: float = 0.95) -> tuple[SessionChange, ...]:
    """Change from session 1 to every later session, and the reliability of participants' values over the two.

    Parameters
    ----------
    table : pandas.DataFrame
        From `session_table`, of one kind of observer.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    tuple of SessionChange
        For every later session d′, c and AUC, of the participants who have a value in both sessions.

    Notes
    -----
    `ceiling` is 1 − mean(SE²) / s², s² the mean of the two sessions' variances of participants' values and SE² the mean
    of theirs; a negative one is 0. With few participants it is rough.

    References
    ----------
    McGraw & Wong 1996, Psychol. Methods 1:30; Spearman 1904, Am. J. Psychol. 15:72 (attenuation).

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis import session_changes
    >>> first, later = [0.2, 0.9, 1.4, 0.5], [0.4, 1.0, 1.9, 0.4]
    >>> rows = {"participant": [*"abcd"] * 2, "session": [1] * 4 + [2] * 4, "corrected": False}
    >>> table = pd.DataFrame(rows | {"dprime": first + later, "dprime_se": 0.25})
    >>> found = session_changes(table)[0]
    >>> found.measure, round(found.change.mean, 3), round(found.icc, 2), round(found.ceiling, 2)
    ('dprime', 0.175, 0.9, 0.84)
    """
    later = sorted(set(table["session"]) - {1})
    return tuple(
        _change(table, measure, session, level)
        for session in later
        for measure in MEASURES
        if measure in table and table.loc[table["session"] == session, measure].notna().any()
    )


def _row(
    participant: str, session: int, observer: str, table: pd.DataFrame, correction: Correction
) -> dict[str, object]:
    truth, response = table["truth"].to_numpy(), table["response"].to_numpy()
    found: YesNo = dprime_from_responses(truth, response, correction)
    curve = roc.roc_auc(truth, table["rating"].to_numpy())
    reasons = dict.fromkeys(why for why in (found.reason, curve.reason) if why)
    return {
        "participant": participant,
        "session": session,
        "observer": observer,
        "answered": int(table["response"].notna().sum()),
        "dprime": found.dprime,
        "dprime_se": found.se,
        "dprime_low": found.low,
        "dprime_high": found.high,
        "criterion": found.criterion,
        "criterion_se": found.criterion_se,
        "criterion_low": found.criterion_low,
        "criterion_high": found.criterion_high,
        "auc": curve.auc,
        "auc_se": curve.se,
        "auc_low": curve.low,
        "auc_high": curve.high,
        "corrected": only_corrected(found, found.dprime),
        "reason": "; ".join(reasons) or None,
    }


def _change(table: pd.DataFrame, measure: SessionMeasure, session: int, level: float) -> SessionChange:
    kept = table[table["session"].isin((1, session)) & table[measure].notna()]
    values = kept.pivot_table(index="participant", columns="session", values=measure)
    values = values.reindex(columns=[1, session]).dropna()
    errors = kept[kept["participant"].isin(values.index)][f"{measure}_se"].to_numpy(dtype=np.float64)
    by_rates = measure != "auc"
    perfect = kept[kept["participant"].isin(values.index)].groupby("participant")["corrected"].any() if by_rates else ()
    first, later = values[1].to_numpy(dtype=np.float64), values[session].to_numpy(dtype=np.float64)
    changed = mean((later - first).tolist(), level=level, corrected=list(perfect))
    icc = low = high = ceiling = p = np.nan
    reason = changed.reason
    if len(values) > 1 and reason is None:
        p = float(ttest_rel(later, first).pvalue)
        icc, low, high = intraclass_correlation(values.to_numpy(dtype=np.float64), level)
        spread = float(np.mean(np.var([first, later], axis=1, ddof=1)))
        ceiling = max(1 - float(np.mean(errors**2)) / spread, 0.0) if spread > 0 else np.nan
    return SessionChange(
        measure=measure,
        session=session,
        participants=len(values),
        first_mean=_mean(first),
        later_mean=_mean(later),
        change=changed,
        p=p,
        icc=icc,
        icc_low=low,
        icc_high=high,
        ceiling=ceiling,
        level=level,
        reason=reason,
    )


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else np.nan
