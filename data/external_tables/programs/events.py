"""Several rows per trial into one: the row of the answer, and that of the confidence after it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from data.external_tables.programs.export import given
from data.external_tables.values import is_numeric

_SCALES = ("slider", "likert", "rating", "scale", "vas")
CONFIDENCE, CONFIDENCE_TIME = "confidence", "confidence_time"


def merged(
    cells: pd.DataFrame,
    trial: pd.Series,
    answer: str,
    time: str | None,
    kind: str | None,
    mapped: Mapping[str, str],
) -> tuple[pd.DataFrame, dict[str, str]]:
    """One row per trial, and our columns among theirs.

    `trial` numbers the trial of each row; `answer`, `time` and `kind` name the columns of answers, their times and what
    was answered with. The first answer of a trial is the response, a second one that is a number the confidence. Where
    the only answers are given on a scale, they are ratings. What a trial's first row lacks is taken from its others.
    """
    answered = cells[given(cells[answer])]
    place = answered.groupby(trial[answered.index], sort=False).cumcount()
    first = answered[place == 0]
    second = answered[place == 1]
    whole = cells.groupby(trial, sort=False).first().reindex(trial[first.index])
    whole.index = first.index
    for name in filter(None, (answer, time, kind)):
        whole[name] = first[name]
    found = {"response": answer}
    if time is not None:
        found["response_time"] = time
    on_scale = kind is not None and first[kind].str.contains("|".join(_SCALES), case=False).fillna(False).all()
    if len(second) and is_numeric(second[answer]) and len(second[answer].unique()) > 1:
        of_trial = pd.Series(first.index, index=trial[first.index])
        at = of_trial.reindex(trial[second.index]).to_numpy()
        if CONFIDENCE not in whole and CONFIDENCE not in mapped:
            whole[CONFIDENCE] = pd.Series(second[answer].to_numpy(), index=at).reindex(whole.index)
            found[CONFIDENCE] = CONFIDENCE
            if time is not None and CONFIDENCE_TIME not in whole:
                whole[CONFIDENCE_TIME] = pd.Series(second[time].to_numpy(), index=at).reindex(whole.index)
                found[CONFIDENCE_TIME] = CONFIDENCE_TIME
    elif on_scale and is_numeric(first[answer]) and first[answer].nunique() > 2:
        found = {("rating" if ours == "response" else ours): theirs for ours, theirs in found.items()}
    return whole.rename_axis(index="row").where(whole.notna(), None), found
