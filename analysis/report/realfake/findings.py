"""All that the page of a real/generated study is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from analysis.designs.condition_results import Conditions
from analysis.designs.covariates import CovariateModel
from analysis.designs.sessions import SessionChange
from analysis.group.group import Group
from analysis.group.participants import Estimators, Participant
from analysis.report.realfake.individuals import Individuals
from analysis.trials import Trials
from data.study import StudyFile

if TYPE_CHECKING:  # it reads images, which most analyses do not
    from analysis.image_cues.detectability import Detectability


@dataclass(frozen=True, eq=False)
class Findings:
    """All that the page of a real/generated study is made from.

    `detectability` and `relations` (of answers and cues) are None where the images are not at hand.
    """

    trials: Trials
    study: StudyFile | None
    by: Estimators
    participants: Sequence[Participant]
    groups: Sequence[Group]
    items: pd.DataFrame
    areas: pd.DataFrame
    rates: pd.DataFrame
    detectability: Detectability | None
    relations: pd.DataFrame | None
    individuals: Sequence[Individuals]
    images_checked: bool
    figures: Mapping[str, Figure]
    inputs: Mapping[str, str]
    conditions: Sequence[Conditions] = ()  # one for each kind of observer, where there are conditions
    measures: pd.DataFrame | None = None  # of every session
    condition_sessions: pd.DataFrame | None = None  # measures of every session and condition, where there are retests
    changes: Mapping[str, tuple[SessionChange, ...]] = field(default_factory=dict)  # by kind of observer
    covariates: Mapping[str, tuple[CovariateModel, ...]] = field(default_factory=dict)

    @property
    def retested(self) -> list[Participant]:
        """The participants who came back."""
        return [one for one in self.participants if one.retest is not None]

    def raters(self, observer: str) -> int:
        """How many observers of this kind gave a confidence."""
        names = [one.name for one in self.participants if one.observer == observer]
        measure = self.trials.measure
        rated = measure["participant"].isin(names) & measure["confidence"].notna()
        return int(measure.loc[rated, "participant"].nunique())
