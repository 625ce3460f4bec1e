"""What was measured of each participant, gathered in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.agreement import retest
from analysis.agreement.retest import Retest, SessionComparison
from analysis.mrmc.other_methods import MOST
from analysis.readings import Reading, Readings
from analysis.roc import binormal, roc
from analysis.roc.binormal import Binormal
from analysis.roc.models.comparison import RatingModels, compare_rating_models_from_counts
from analysis.roc.permutation import PermutationTest, permutation_test_of
from analysis.roc.ratings import RatingCounts, count_ratings
from analysis.roc.roc import Roc
from analysis.sdt import confidence, metacognition, yesno
from analysis.sdt.categories import categories
from analysis.sdt.confidence import Calibration, ConfidenceCounts, Type2Roc
from analysis.sdt.information import MetaInformation, meta_information_from_counts
from analysis.sdt.metacognition import Metacognition, Model
from analysis.sdt.outcomes import Correction
from analysis.sdt.yesno import YesNo
from analysis.side_by_side import cores, in_parts, side_by_side
from analysis.trials import Trials, with_ratings
from data.trials import rating

_SEED = 0
_PER_PROCESS = 20  # participants, at least, that are worth a process
_FEWER_PERMUTATIONS, _QUICK_COST = 999, 1e5  # of each of more than `MOST` participants: drawn, or additions if exact


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
    `analysis.sdt.categories`, which on a scale of few levels are the same. `chance` is the permutation test of this
    participant's AUC. `models` compares models of the ROC; it is None where there are too many participants to look at
    singly.
    """

    name: str
    observer: str
    trials: int
    yesno: YesNo
    counts: RatingCounts
    binned: RatingCounts
    roc: Roc
    chance: PermutationTest
    binormal: Binormal
    models: RatingModels | None
    confidences: ConfidenceCounts
    metacognition: Metacognition
    information: MetaInformation
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
    kinds = trials.measure["participant"].map(observers)
    # As the primary result takes them: whether there are any confidences is asked of everyone of a kind.
    rated = [with_ratings(table) for _, table in trials.measure.groupby(kinds)]
    level, _ = categories(trials.measure)
    each = sorted((str(name), table) for part in rated for name, table in part.groupby("participant"))
    closely, parts = len(each) <= MOST, min(cores(), -(-len(each) // _PER_PROCESS))
    given = [_Given(name, observers[name], table, later.get(name, nothing)) for name, table in each]
    found = side_by_side(lambda some: _measured(some, by, level, closely=closely), in_parts(given, parts))
    return [one for part in found for one in part]


class _Given(NamedTuple):
    name: str
    observer: str
    first: pd.DataFrame
    later: pd.DataFrame


def measure_one(
    name: str,
    observer: str,
    first: pd.DataFrame,
    later: pd.DataFrame,
    by: Estimators = Estimators(),
    level: pd.Series | None = None,
    *,
    closely: bool = True,
) -> Participant:
    """Measure one participant from the main trials of session 1 and those of all later sessions (`data.trials`).

    `first` may have a column `rating` (`analysis.trials.with_ratings`). `level` is the category of each confidence, by
    the index of `first` (`analysis.sdt.categories`); by default those of this participant alone. The permutation test
    counts every permutation where that takes about a second; if not `closely`, only where it takes no time.
    """
    return _measured([_Given(name, observer, first, later)], by, level, closely=closely)[0]


def _measured(some: Sequence[_Given], by: Estimators, level: pd.Series | None, *, closely: bool) -> list[Participant]:
    """As `measure_one`, with the fits of all participants together."""
    answers = [_Answers.of(one, level) for one in some]
    binormals = binormal.binormal_fits([one.binned for one in answers])
    metacognitions = metacognition.meta_dprimes([one.confidences for one in answers], by.model)
    return [
        Participant(
            name=one.name,
            observer=one.observer,
            trials=len(one.first),
            yesno=yesno.dprime_from_responses(found.truth, found.response, by.correction),
            counts=found.counts,
            binned=found.binned,
            roc=roc.roc_auc_from_counts(found.counts),
            chance=_permuted(found.counts, closely),
            binormal=curve,
            models=compare_rating_models_from_counts(found.binned) if closely else None,
            confidences=found.confidences,
            metacognition=meta,
            information=meta_information_from_counts(found.confidences),
            type2=confidence.type2_roc(found.confidences),
            calibration=confidence.calibration(found.confidences),
            retests={
                int(table["session"].iloc[0]): retest.compare_sessions(one.first, table)
                for _, table in one.later.groupby("session")
            },
        )
        for one, found, curve, meta in zip(some, answers, binormals, metacognitions, strict=True)
    ]


class _Answers(NamedTuple):
    """One participant's answers, and what they count up to."""

    truth: npt.NDArray[np.object_]
    response: npt.NDArray[np.object_]
    counts: RatingCounts
    binned: RatingCounts
    confidences: ConfidenceCounts

    @classmethod
    def of(cls, given: _Given, level: pd.Series | None) -> _Answers:
        first = given.first
        truth, response = first["truth"].to_numpy(), first["response"].to_numpy()
        level = categories(first.assign(participant=given.name))[0] if level is None else level.reindex(first.index)
        ratings = first["rating"].to_numpy() if "rating" in first else rating(response, first["confidence"])
        counts = count_ratings(truth, ratings)
        binned = count_ratings(truth, rating(response, level)) if level.notna().any() else counts
        return cls(truth, response, counts, binned, confidence.count_confidence(truth, response, level))


def _permuted(counts: RatingCounts, closely: bool) -> PermutationTest:
    """The test needs trials; the table of counts holds the same."""
    generated, real = (np.repeat(counts.ratings, number) for number in (counts.generated, counts.real))
    images = [np.arange(part.size) for part in (generated, real)]
    one = Reading("", "", images[0], images[1], generated, real, counts.unrated)
    readings, left_out = ((), (one,)) if one.no_auc else ((one,), ())
    study = Readings(readings, left_out, generated.size, real.size)
    if closely:
        return permutation_test_of(study, _SEED)
    return permutation_test_of(study, _SEED, resamples=_FEWER_PERMUTATIONS, exact_cost=_QUICK_COST)
