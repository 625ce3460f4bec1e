"""What a kind of task is. Each one is a module of its own (`kind_realfake`, ...), listed in `kinds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from data.observers import Observer
from data.task import Layout
from experiments.display import Screen
from experiments.plan import Image, Plan, PlannedTrial
from stimuli.images import Pixels


@dataclass(frozen=True)
class Answer:
    """`response` is one of the kind's answers; `confidence` 1..k; times in s, None where nothing was timed.

    `more` is what else the record keeps of the answer, by name.
    """

    response: str
    confidence: int
    response_time: float | None
    confidence_time: float | None
    more: Mapping[str, Any] = field(default_factory=dict)


class Pool(Protocol):
    """The images that a session may show."""

    def take(self, role: str, truth: str, count: int) -> list[Image]:
        """The next `count` images of a role and truth; none is handed out twice. Raises `LookalikeError`."""


class Kind(Protocol):
    """How a kind of task draws its trials, shows one, words its question, and writes its table."""

    @property
    def about(self) -> str:
        """One sentence for the sidecar of a table."""

    @property
    def columns(self) -> Mapping[str, Mapping[str, Any]]:
        """The columns of its table and what they mean, as a BIDS sidecar says it."""

    def draw(self, pool: Pool, wanted: Layout, rng: np.random.Generator) -> tuple[list[PlannedTrial], ...]:
        """The practice trials, and the main and catch trials, in no order yet."""

    def truth(self, trial: PlannedTrial) -> str:
        """The right answer, as `max_run` counts and the table says it."""

    def show(self, screen: Screen, images: Sequence[Pixels]) -> float:
        """Put a trial's images on the screen; return their onset."""

    def lead(self, plan: Plan) -> list[str]:
        """The first paragraphs of the instructions: what will be seen, and how much of what."""

    def meaning(self, answer: str) -> str:
        """The question to which a key for `answer` says yes."""

    def row(self, trial: PlannedTrial) -> dict[str, Any]:
        """The columns of the table that the plan knows."""

    def simulate(self, observer: Observer, trial: PlannedTrial, session: int) -> Answer:
        """What a simulated observer answers."""


def planned(image: Image, role: str, right: Image | None = None) -> PlannedTrial:
    """A trial that has no place in the order yet."""
    return PlannedTrial.model_validate({"trial": 1, "role": role, "right": right, **image.model_dump()})
