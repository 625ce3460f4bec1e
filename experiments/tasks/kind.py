"""What a kind of task is. Each one is a module of its own (`kind_realfake`, ...), listed in `kinds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from data.plan import Image, Plan, PlannedTrial
from data.record import Event
from data.simulated.observers import Observer
from data.task import Layout
from experiments.screen import Screen
from stimuli.stimulus_source import Stimuli

_ANSWERED = ("response", "confidence", "response_time", "confidence_time", "paused_time", "unfocused_time")


@dataclass(frozen=True)
class Answer:
    """`response` is one of the kind's answers, or the position matched in degrees; `confidence` 1..k.

    Times are in s, None where nothing was timed; a confidence that was not asked for is None too.
    `more` is what else the record keeps of the answer, by name.
    """

    response: str | float
    confidence: int | None
    response_time: float | None
    confidence_time: float | None
    more: Mapping[str, Any] = field(default_factory=dict)


class Pool(Protocol):
    """The images that a session may show."""

    def take(self, role: str, truth: str, count: int) -> list[Image]:
        """The next `count` images of a role and truth; none is handed out twice. Raises `LookalikeError`."""


class Kind(Protocol):
    """How a kind of task shows a trial, tells what it is about, and writes its table."""

    @property
    def about(self) -> str:
        """One sentence for the sidecar of a table."""

    @property
    def columns(self) -> Mapping[str, Mapping[str, Any]]:
        """The columns of its table and what they mean, as a BIDS sidecar says it."""

    def truth(self, trial: PlannedTrial) -> str:
        """The right answer, as `max_run` counts and the table says it."""

    def stretch(self, trial: PlannedTrial) -> str:
        """Trials of one stretch stand together in a session, and a break lies before the next stretch."""

    def probe(self, screen: Screen, stimuli: Stimuli, plan: Plan, trial: PlannedTrial, shown: float) -> float:
        """Show what is answered, if that is something else than the images; return from when answers count.

        `shown` is the images' onset.
        """

    def lead(self, plan: Plan) -> list[str]:
        """The first paragraphs of the instructions: what will be seen, and how much of what."""

    def row(self, trial: PlannedTrial) -> dict[str, Any]:
        """The columns of the table that the plan knows."""

    def answered(self, trial: PlannedTrial, answer: Event) -> dict[str, Any]:
        """The columns that the record's answer to the trial knows."""

    def finish(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with the columns that follow from others."""


class ChoiceKind(Kind, Protocol):
    """A kind that shows images of a stimulus set and is answered with one of two keys."""

    def draw(self, pool: Pool, wanted: Layout, rng: np.random.Generator) -> tuple[list[PlannedTrial], ...]:
        """The practice trials, and the main and catch trials, in no order yet."""

    def meaning(self, answer: str) -> str:
        """The question to which a key for `answer` says yes."""

    def simulate(self, observer: Observer, trials: Sequence[PlannedTrial], session: int) -> list[Answer]:
        """What a simulated observer answers to a session's trials, in their order."""


class Choice:
    """What all kinds with two keys do alike."""

    def stretch(self, trial: PlannedTrial) -> str:  # noqa: ARG002
        return ""

    def probe(self, screen: Screen, stimuli: Stimuli, plan: Plan, trial: PlannedTrial, shown: float) -> float:  # noqa: ARG002
        return shown

    def answered(self, trial: PlannedTrial, answer: Event) -> dict[str, Any]:  # noqa: ARG002
        return {name: answer.get(name) for name in _ANSWERED}

    def finish(self, table: pd.DataFrame) -> pd.DataFrame:
        return table


def planned(image: Image, role: str, right: Image | None = None) -> PlannedTrial:
    """A trial that has no place in the order yet."""
    return PlannedTrial.model_validate({"trial": 1, "role": role, "right": right, **image.model_dump()})
