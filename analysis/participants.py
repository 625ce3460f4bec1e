"""What was measured of each participant, gathered in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis import retest, roc, yesno
from analysis.retest import Retest
from analysis.roc import Roc
from analysis.trials import Trials
from analysis.yesno import YesNo
from data.trials import rating


@dataclass(frozen=True, eq=False)
class Participant:
    """One participant's results: `yesno` and `roc` from session 1 only, `retests` by session number."""

    name: str
    observer: str
    trials: int
    yesno: YesNo
    roc: Roc
    retests: Mapping[int, Retest]

    @property
    def retest(self) -> Retest | None:
        """The first retest, the one that the figure and the means show."""
        return self.retests[min(self.retests)] if self.retests else None


def measure(trials: Trials) -> list[Participant]:
    """Measure every participant whose session 1 is analysed, by name."""
    first = trials.sessions[trials.sessions["session"] == 1]
    observers = dict(zip(first["participant"], first["observer"], strict=True))
    later = dict(list(trials.retests.groupby("participant")))
    nothing = trials.retests.iloc[:0]
    return [
        _measure(str(name), observers[name], measured, later.get(name, nothing))
        for name, measured in trials.measure.groupby("participant")
    ]


def _measure(name: str, observer: str, first: pd.DataFrame, later: pd.DataFrame) -> Participant:
    return Participant(
        name=name,
        observer=observer,
        trials=len(first),
        yesno=yesno.from_responses(first["truth"], first["response"]),
        roc=roc.from_ratings(first["truth"], rating(first["response"], first["confidence"])),
        retests={
            int(table["session"].iloc[0]): retest.from_sessions(first, table) for _, table in later.groupby("session")
        },
    )
