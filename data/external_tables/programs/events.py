"""Several rows per trial into one: the row of the answer, and that of the confidence after it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from data.external_tables.programs.export import given
from data.external_tables.values import is_numeric

_SCALES = ("slider", "likert", "rating", "scale", "vas")
CONFIDENCE, CONFIDENCE_TIME = "confidence", "confidence_time"


def merged(
    cells: pd.DataFrame, trial: pd.Series, answer: str, time: str | None, kind: str | None, mapped: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """One row per trial, and our columns among theirs.

    `trial` numbers the trial of each row; `answer`, `time` and `kind` name the columns of answers, their times and what
    was answered with. The first answer of a trial is the response, a second one that is a number the confidence. Which
    is which also follows from what was answered with, so that a missed response is not taken from the confidence.
    Where the only answers are given on a scale, they are ratings. What a trial's first row lacks is taken from others.
    """
    whole = cells.groupby(trial, sort=False).first()
    whole.index = pd.Index(cells.index[~trial.duplicated().to_numpy()], name="row")
    row_of = dict(zip(trial.drop_duplicates(), whole.index, strict=True))
    first, second = _answers(cells[given(cells[answer])], trial, answer, kind)
    for name in filter(None, (answer, time, kind)):
        whole[name] = _at(first, name, trial, row_of, whole.index)
    found = {"response": answer} | ({"response_time": time} if time is not None else {})
    if len(second) and CONFIDENCE not in whole and CONFIDENCE not in mapped:
        whole[CONFIDENCE] = _at(second, answer, trial, row_of, whole.index)
        found[CONFIDENCE] = CONFIDENCE
        if time is not None and CONFIDENCE_TIME not in whole:
            whole[CONFIDENCE_TIME] = _at(second, time, trial, row_of, whole.index)
            found[CONFIDENCE_TIME] = CONFIDENCE_TIME
    elif _on_a_scale(first, answer, kind):
        found = {("rating" if ours == "response" else ours): theirs for ours, theirs in found.items()}
    return whole.astype(object).where(whole.notna(), None), found


def _answers(
    answered: pd.DataFrame, trial: pd.Series, answer: str, kind: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of responses, at most one per trial, and those of confidences; none of these if they are no scale."""
    place = answered.groupby(trial[answered.index], sort=False).cumcount()
    first, second = answered[place == 0], answered[place == 1]
    if kind is not None and len(first) and len(second):
        kinds = [rows[kind].mode().iloc[0] for rows in (first, second) if rows[kind].notna().any()]
        if len(kinds) == 2 and kinds[0] != kinds[1]:
            first, second = (_one_each(answered[answered[kind] == one], trial) for one in kinds)
    if not is_numeric(second[answer]) or len(second[answer].unique()) < 2:
        second = second.iloc[:0]
    return first, second


def _on_a_scale(answers: pd.DataFrame, answer: str, kind: str | None) -> bool:
    """Whether all answers were given on a slider or the like, in more than two numbers."""
    if kind is None or not is_numeric(answers[answer]) or len(answers[answer].unique()) < 3:
        return False
    return bool(answers[kind].str.contains("|".join(_SCALES), case=False).fillna(False).all())


def _one_each(rows: pd.DataFrame, trial: pd.Series) -> pd.DataFrame:
    return rows[~trial[rows.index].duplicated()]


def _at(rows: pd.DataFrame, name: str, trial: pd.Series, row_of: Mapping[object, object], index: pd.Index) -> pd.Series:
    """A column of some trials' rows, at the row of each trial."""
    places = [row_of[one] for one in trial[rows.index]]
    return pd.Series(rows[name].to_numpy(), index=places, dtype=object).reindex(index)
