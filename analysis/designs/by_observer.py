"""Conditions, sessions and covariates of every kind of observer in a study: people are never averaged with others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.conditions import conditions_of
from analysis.designs.condition_results import Conditions
from analysis.designs.conditions import compare_conditions
from analysis.designs.covariates import CovariateModel, covariate_models
from analysis.designs.sessions import SessionChange, session_changes, session_table
from analysis.sdt.outcomes import Correction
from analysis.trials import Trials
from data.study import StudyFile


def conditions_by_observer(trials: Trials, observers: Sequence[str], study: StudyFile | None) -> tuple[Conditions, ...]:
    """The comparison of conditions, for every kind of observer who judged two or more."""
    kinds = _kinds(trials)
    return tuple(
        compare_conditions(trials, study, observer)
        for observer in observers
        if len(conditions_of(trials.measure[trials.measure["participant"].map(kinds) == observer])) > 1
    )


def sessions_by_observer(
    trials: Trials, correction: Correction
) -> tuple[pd.DataFrame, dict[str, tuple[SessionChange, ...]]]:
    """The measures of every session, and by kind of observer their changes, where anyone came back."""
    table = session_table(trials, correction)
    found = {str(kind): session_changes(part) for kind, part in table.groupby("observer")}
    return table, {kind: changes for kind, changes in found.items() if changes}


def conditions_of_sessions(trials: Trials, correction: Correction) -> pd.DataFrame | None:
    """d′, c and AUC of every participant, session and condition; None without conditions or without retests."""
    if trials.retests.empty or len(conditions_of(trials.measure)) < 2:
        return None
    return session_table(trials, correction, conditions=True)


def covariates_by_observer(trials: Trials, correction: Correction) -> Mapping[str, tuple[CovariateModel, ...]]:
    """The models of the covariates that were asked for, by kind of observer; none without covariates."""
    if trials.people is None:
        return {}
    names = [name for name in trials.people if name != "participant"]
    table = session_table(trials, correction, conditions=True)
    # d′ and c of answers that are all right, all wrong or all the same are the correction's, not the participant's.
    table.loc[table["corrected"], ["dprime", "criterion"]] = float("nan")
    table = table.merge(trials.people, on="participant", how="left", suffixes=("", " "))
    return {str(kind): covariate_models(part, names) for kind, part in table.groupby("observer")}


def _kinds(trials: Trials) -> dict[str, str]:
    first = trials.sessions[trials.sessions["session"] == 1]
    return dict(zip(first["participant"], first["observer"], strict=True))
