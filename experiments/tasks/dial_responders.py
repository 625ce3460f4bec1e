"""Who answers on a dial: a person who turns it, matches written beforehand, or a simulated observer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.files import read_table
from data.kinds.kind import Answer
from data.kinds.registry import find
from data.plan import Plan, PlannedTrial
from data.simulated.adjuster import SimulatedAdjuster
from experiments.screen import Confirm, Screen, is_up
from experiments.tasks.buttons import STOP
from experiments.tasks.human import POLL_S, HumanResponder
from experiments.tasks.responders import Again, ScriptedResponder, refuse_script_rows, refuse_unanswered
from experiments.windows.dial import Dial, nearest
from stimuli.images import Pixels
from stimuli.loop_set import LoopSet
from stimuli.stimulus_source import Stimuli


class HumanAdjuster(HumanResponder):
    """A person at the dial (see `dial`). Space, Enter or a click on the image confirms; then confidence, if asked for.

    What was done before the image to be turned appeared, or while the question whether to stop is up, moves nothing.
    """

    def __init__(self, plan: Plan, screen: Screen, loops: LoopSet) -> None:
        super().__init__(plan, screen)
        self._loops = loops
        self._loop = ""
        self._frames: dict[str, Pixels] = {}  # of one loop, so that turning back and forth costs no reading

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002 (it shows the dial again)
        self._paused_s = 0.0
        match = trial.need_match()
        ids, positions = self._loops.ids(match.loop), self._loops.positions(match.loop)
        dial = Dial(positions, ids.index(match.start_id), onset)
        if match.loop != self._loop:
            self._loop, self._frames = match.loop, {}

        def show() -> None:
            name = ids[dial.frame]
            if name not in self._frames:
                self._frames[name] = self._loops.read(name)
            self._screen.dial(self._frames[name], dial.position_deg, match.ring_deg)

        confirmed = self._turn(dial, onset, show)
        unfocused = self._screen.unfocused_s(onset)
        more: dict[str, Any] = {"trajectory": dial.trajectory, "confirmed_by": confirmed.by}
        confidence = confidence_time = None
        if self._levels:
            self._ask_confidence()
            confidence, sure = self._wait_for(self._confidences, confirmed.at, self._ask_confidence)
            confidence_time, more["confidence_by"] = sure.at - confirmed.at, sure.by
            unfocused = self._screen.unfocused_s(onset)
        more |= {"paused_time": round(self._paused_s, 6), "unfocused_time": round(unfocused, 6)}
        return Answer(round(dial.position_deg, 6), confidence, confirmed.at - onset, confidence_time, more)

    def _turn(self, dial: Dial, onset: float, show: Again) -> Confirm:
        """Follow what is done to the dial until it is confirmed."""
        shown = dial.frame
        while True:
            for given in self._screen.turned():
                if given.at < onset or not (is_up(given) or self._screen.focused(given.at)):
                    continue
                dial.take(given)
                if isinstance(given, Confirm):
                    self._screen.touched()  # a click that confirms must not touch the scale that takes its place
                    return given
            dial.advance(self._screen.now())
            if dial.frame != shown:
                shown = dial.frame
                show()
            self._collect(onset)
            if any(press.name == STOP for press in self._waiting):
                dial.release(self._screen.now())
                self._ask_whether_to_stop(show)
            time.sleep(POLL_S)


class SimulatedAdjusterResponder:
    """A simulated observer, who keeps the last target in mind until something comes between: a text, a new loop."""

    kind = "simulated"

    def __init__(self, adjuster: SimulatedAdjuster, plan: Plan, loops: LoopSet) -> None:
        self._adjuster, self._plan, self._loops = adjuster, plan, loops
        self.parameters: Mapping[str, Any] = asdict(adjuster)
        self._before: list[PlannedTrial] = []

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:  # noqa: ARG002
        self._before = []
        return True

    def takes_back(self, until: float) -> bool:  # noqa: ARG002 (a match is final)
        return False

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002 (it has its own times)
        *_, made = find(self._plan.kind).simulate(self._adjuster, self._plan, [*self._before, trial])
        self._before = [trial]
        positions = self._loops.positions(trial.need_match().loop)
        nearest_to = nearest(positions, float(made.response or 0.0))
        return replace(made, response=round(positions[nearest_to], 6))


def as_loops(stimuli: Stimuli) -> LoopSet:
    """The stimuli of a plan whose kind shows loops."""
    if not isinstance(stimuli, LoopSet):
        raise TypeError(f"{stimuli.folder} is not a set of loops")
    return stimuli


def read_matches(path: Path, plan: Plan) -> ScriptedResponder:
    """Read matches from a table with the columns trial, response_deg (0 to below 360) and, if asked for, confidence.

    Raises `LookalikeError` naming the rows at fault (row 1 is the header) or the trials without an answer.
    """
    levels = plan.confidence_levels
    table = read_table(Path(path), ("trial", "response_deg", *(("confidence",) if levels else ())))
    response = pd.to_numeric(table["response_deg"], errors="coerce")
    refuse_script_rows(path, table["trial"].isna(), "trial is missing", code="missing-value")
    refuse_script_rows(path, table["trial"].duplicated(keep=False), "trial is answered twice", code="repeated-answer")
    outside = ~((response >= 0) & (response < 360))
    refuse_script_rows(path, outside, "response_deg is not from 0 to below 360", code="out-of-range")
    confidence = pd.Series(np.nan, index=table.index)
    if levels:
        confidence = pd.to_numeric(table["confidence"], errors="coerce")
        unknown = ~confidence.isin(range(1, levels + 1))
        refuse_script_rows(path, unknown, f"confidence is not 1 to {levels}", code="out-of-range")
    given = {
        int(trial): Answer(float(degrees), int(sure) if levels else None, None, None)
        for trial, degrees, sure in zip(table["trial"], response, confidence, strict=True)
    }
    refuse_unanswered(path, plan, given, "trial")
    return ScriptedResponder(given)
