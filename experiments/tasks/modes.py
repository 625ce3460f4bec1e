"""How a trial is answered on a screen, by the name that its kind of task gives (`data.kinds.kind.Kind.response`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from data.kinds.registry import find
from data.plan import Plan, PlannedTrial
from data.simulated.adjuster import SimulatedAdjuster
from data.simulated.comparer import SimulatedComparer
from data.simulated.detector import SimulatedDetector
from data.simulated.observers import Observer
from experiments.screen import Screen
from experiments.tasks.dial_responders import HumanAdjuster, SimulatedAdjusterResponder, as_loops, read_matches
from experiments.tasks.human import HumanResponder
from experiments.tasks.responders import Responder, read_script, simulate
from stimuli.stimulus_source import Stimuli


@dataclass(frozen=True)
class Simulated:
    """The simulated observers of a session: the kind of task says which one answers (`Kind.simulated_by`)."""

    observer: Observer = field(default_factory=Observer)
    adjuster: SimulatedAdjuster = field(default_factory=SimulatedAdjuster)
    detector: SimulatedDetector = field(default_factory=SimulatedDetector)
    comparer: SimulatedComparer = field(default_factory=SimulatedComparer)


@dataclass(frozen=True)
class Mode:
    """One way of answering.

    `ring` is whether the screen must leave room for a ring around the image. `probe` shows what is answered, if that
    is something else than the images, and returns the moment from which answers count; it is given the images' onset.
    `script` reads answers written beforehand.
    """

    ring: bool
    probe: Callable[[Screen, Stimuli, Plan, PlannedTrial, float], float]
    human: Callable[[Plan, Screen, Stimuli], HumanResponder]
    script: Callable[[Path, Plan], Responder]
    simulated: Callable[[Simulated, Plan, Stimuli], Responder]


def mode_of(plan: Plan) -> Mode:
    """How the trials of a plan are answered."""
    return _MODES[find(plan.kind).response]


def _show_dial(screen: Screen, stimuli: Stimuli, plan: Plan, trial: PlannedTrial, onset: float) -> float:  # noqa: ARG001
    match = trial.need_match()
    return screen.dial(stimuli.read(match.start_id), match.start_deg, match.ring_deg, asked=screen.now() + plan.delay_s)


_MODES = {
    "keys": Mode(
        ring=False,
        probe=lambda _screen, _stimuli, _plan, _trial, onset: onset,
        human=lambda plan, screen, _stimuli: HumanResponder(plan, screen),
        script=read_script,
        simulated=lambda who, plan, _stimuli: simulate(getattr(who, find(plan.kind).simulated_by), plan),
    ),
    "dial": Mode(
        ring=True,
        probe=_show_dial,
        human=lambda plan, screen, stimuli: HumanAdjuster(plan, screen, as_loops(stimuli)),
        script=read_matches,
        simulated=lambda who, plan, stimuli: SimulatedAdjusterResponder(who.adjuster, plan, as_loops(stimuli)),
    ),
}
