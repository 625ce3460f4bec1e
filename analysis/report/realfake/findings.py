"""All that the page of a real/generated study is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from analysis.group.group import Group
from analysis.group.participants import Estimators, Participant
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
    images_checked: bool
    figures: Mapping[str, Figure]
    inputs: Mapping[str, str]

    @property
    def retested(self) -> list[Participant]:
        """The participants who came back."""
        return [one for one in self.participants if one.retest is not None]
