"""Who answers in a rehearsal: a simulated observer at a stand-in for the keyboard.

The answers go through the same code as a person's: the plan's keys, the pages of texts, the scale of confidence. Only
the keys themselves are not pressed, and answers come at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from data.kinds.kind import Answer
from data.plan import Plan, PlannedTrial
from experiments.screen import Confirm, Screen, Wheel
from experiments.tasks.buttons import CONTINUE
from experiments.tasks.dial_responders import HumanAdjuster, as_loops
from experiments.tasks.human import HumanResponder, Press
from experiments.tasks.modes import Simulated, mode_of
from experiments.tasks.responders import Again, Responder
from experiments.windows.dial import Dial
from stimuli.stimulus_source import Stimuli

AFTER_S = 0.005  # from a question to the key that answers it
_TURNS = 4  # notches that a dial is turned


class _AtOnce(HumanResponder):
    """A responder whose keys are those that are due, whatever window has the keyboard."""

    kind = "simulated"
    parameters: Mapping[str, Any] | None = None  # type: ignore[assignment]
    _due: tuple[str, ...] = ()

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:
        self._due = (CONTINUE,)
        return super().proceed(again, back)

    def _collect(self, after: float) -> None:
        if self._due and self._screen.now() > after + AFTER_S:
            name, *rest = self._due
            self._waiting, self._due = [Press(name, self._screen.now(), "key")], tuple(rest)


class RehearsedPerson(_AtOnce):
    """Two keys and confidence, as `observer` answers."""

    def __init__(self, plan: Plan, screen: Screen, observer: Responder) -> None:
        super().__init__(plan, screen)
        self.parameters, self._observer = observer.parameters, observer

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:
        given = self._observer.answer(trial, onset, again)
        undone = [(self._key(one["response"]), str(self._plan.flow.undo)) for one in given.more.get("undone", ())]
        asked = self._levels and given.confidence is not None
        answer = self._key(given.more.get("rating_category", given.response))
        self._due = (*chain(*undone), answer, *([str(given.confidence)] if asked else []))
        return super().answer(trial, onset, again)

    def takes_back(self, until: float) -> bool:
        if self._observer.takes_back(until):
            self._due = (str(self._plan.flow.undo),)
        return super().takes_back(until)

    def _key(self, meaning: object) -> str:
        """The key that means an answer, or a category of a rating."""
        return next(key for key, means in self._responses.items() if means == meaning)


class RehearsedAdjuster(_AtOnce, HumanAdjuster):
    """A dial that is turned by a few notches, each drawn, and confirmed."""

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:
        self._due = ("1",) if self._levels else ()
        return HumanAdjuster.answer(self, trial, onset, again)

    def _turn(self, dial: Dial, onset: float, show: Again) -> Confirm:  # noqa: ARG002
        for _ in range(_TURNS):
            dial.take(Wheel(self._screen.now(), 1))
            show()
        confirmed = Confirm(self._screen.now(), "key")
        dial.take(confirmed)
        return confirmed


def stand_in(plan: Plan, screen: Screen, stimuli: Stimuli) -> Responder:
    """Who answers a plan in its rehearsal. Raises `LookalikeError` as a person's responder does, if keys fail."""
    if mode_of(plan).ring:
        return RehearsedAdjuster(plan, screen, as_loops(stimuli))
    return RehearsedPerson(plan, screen, mode_of(plan).simulated(Simulated(), plan, stimuli))
