"""What was measured of each participant, gathered in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.agreement import retest
from analysis.agreement.retest import Retest, SessionComparison
from analysis.roc import binormal, roc
from analysis.roc.binormal import Binormal
from analysis.roc.ratings import RatingCounts, count_ratings
from analysis.roc.roc import Roc
from analysis.sdt import confidence, metacognition, yesno
from analysis.sdt.categories import categories
from analysis.sdt.confidence import Calibration, Type2Roc
from analysis.sdt.metacognition import Metacognition, Model
from analysis.sdt.outcomes import Correction
from analysis.sdt.yesno import YesNo
from analysis.trials import Trials
from data.trials import rating


@dataclass(frozen=True)
class Estimators:
    """What an analyst may choose: the `correction` of rates for d′ (`analysis.sdt.outcomes`), the `model` of meta-d′
    (`analysis.sdt.metacognition`).
    """

    correction: Correction = "log-linear"
    model: Model = "fleming"


@dataclass(frozen=True, eq=False)
class Participant:
    """One participant's results: all from session 1 only, but `retests`, which are by session number.

    `counts` are of ratings as given; `binned`, `binormal`, `metacognition` and `calibration` take the categories of
    `analysis.sdt.categories`, which on a scale of few levels are the same.
    """

    name: str
    observer: str
    trials: int
    yesno: YesNo
    counts: RatingCounts
    binned: RatingCounts
    roc: Roc
    binormal: Binormal
    metacognition: Metacognition
    type2: Type2Roc
    calibration: Calibration
    retests: Mapping[int, SessionComparison]

    @property
    def comparison(self) -> SessionComparison | None:
        """With the first retest, the one that the figures and the means show."""
        return self.retests[min(self.retests)] if self.retests else None

    @property
    def retest(self) -> Retest | None:
        """Agreement of the answers in the first retest."""
        return self.comparison.answers if self.comparison else None


def measure(trials: Trials, by: Estimators = Estimators()) -> list[Participant]:
    """Measure every participant whose session 1 is analysed, by name."""
    first = trials.sessions[trials.sessions["session"] == 1]
    observers = dict(zip(first["participant"], first["observer"], strict=True))
    later = dict(list(trials.retests.groupby("participant")))
    nothing = trials.retests.iloc[:0]
    level, _ = categories(trials.measure)
    return [
        measure_one(str(name), observers[name], measured, later.get(name, nothing), by, level)
        for name, measured in trials.measure.groupby("participant")
    ]


def measure_one(
    name: str,
    observer: str,
    first: pd.DataFrame,
    later: pd.DataFrame,
    by: Estimators = Estimators(),
    level: pd.Series | None = None,
) -> Participant:
    """Measure one participant from the main trials of session 1 and those of all later sessions (`data.trials`).

    `level` is the category of each confidence, by the index of `first` (`analysis.sdt.categories`); by default those of
    this participant alone.
    """
    truth, response = first["truth"].to_numpy(), first["response"].to_numpy()
    level = categories(first.assign(participant=name))[0] if level is None else level.reindex(first.index)
    ratings = rating(response, first["confidence"])
    counts, binned = count_ratings(truth, ratings), count_ratings(truth, rating(response, level))
    sure = confidence.count_confidence(truth, response, level)
    return Participant(
        name=name,
        observer=observer,
        trials=len(first),
        yesno=yesno.dprime_from_responses(truth, response, by.correction),
        counts=counts,
        binned=binned,
        roc=roc.roc_auc(truth, ratings),
        binormal=binormal.binormal_fit_from_counts(binned),
        metacognition=metacognition.meta_dprime_from_counts(sure, by.model),
        type2=confidence.type2_roc(sure),
        calibration=confidence.calibration(sure),
        retests={
            int(table["session"].iloc[0]): retest.compare_sessions(first, table)
            for _, table in later.groupby("session")
        },
    )
