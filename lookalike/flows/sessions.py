"""What `run` and `retest` share: who responds, progress, and what is printed at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import typer

from data.errors import LookalikeError
from data.kinds.registry import find, names
from data.scales import read_scale
from data.simulated.adjuster import SimulatedAdjuster
from data.simulated.comparer import EVEN, SimulatedComparer
from data.simulated.detector import SimulatedDetector
from data.simulated.populations import USUAL, read_population
from experiments.display.display_file import read_display
from experiments.records.participants import new_code
from experiments.session.run import SessionResult, Setup
from lookalike.console import need, relative, say, show
from stimuli.loop_set import is_loops


def participant_for(data: Path, participant: str | None, new: bool) -> str:
    """The code that was given, or a new one that is not in `data`."""
    if new == (participant is not None):
        raise LookalikeError(
            "conflicting-options" if new else "missing-option",
            "give either --participant with a registered code, or --new for a new participant",
        )
    return new_code(data) if participant is None else participant


@dataclass(frozen=True)
class Simulation:
    """What a simulated observer is like: see `populations`, `adjuster`, `detector`, `comparer` in `data.simulated`."""

    dprime: float | None = None
    parameters: Path | None = None
    noise_deg: float | None = None
    serial_deg: float | None = None
    threshold: float | None = None
    scale: Path | None = None

    def check(self, observer: str, stimuli: Path) -> None:
        """Raise `LookalikeError` for an option that does not apply to this observer, or to tasks with these stimuli."""
        there = _simulated_by(stimuli)
        options: dict[str, tuple[str, dict[str, float | Path | None]]] = {
            "observer": ("judges images", {"--dprime": self.dprime, "--simulated": self.parameters}),
            "adjuster": ("matches on loops", {"--noise-deg": self.noise_deg, "--serial-deg": self.serial_deg}),
            "detector": ("tells known fakes", {"--threshold": self.threshold}),
            "comparer": ("compares triads on loops", {"--scale": self.scale}),
        }
        for who_answers, (what, values) in options.items():
            given = [name for name, value in values.items() if value is not None]
            if given and (who_answers not in there or observer != "simulated"):
                who = f"this one is {observer}" if observer != "simulated" else "these stimuli are for the other task"
                raise LookalikeError(
                    "unused-option", f"{given[0]} is for a simulated observer who {what}, and {who}; leave it out"
                )
        if self.dprime is not None and self.parameters is not None:
            raise LookalikeError(
                "conflicting-options",
                f"--dprime and --simulated exclude each other; put dprime = {self.dprime:g} into {self.parameters}",
            )


def _simulated_by(stimuli: Path) -> set[str]:
    """The simulated observers of tasks that show these stimuli (`data.kinds.kind.Kind.simulated_by`)."""
    shown = "loops" if is_loops(stimuli) else "set"
    return {kind.simulated_by for kind in map(find, names()) if kind.shows == shown}


def setup_for(
    observer: str,
    window: bool,
    fullscreen: bool,
    script: Path | None,
    simulation: Simulation,
    participant: str,
    display: Path | None = None,
) -> Setup:
    """Who responds, and on which display; the same code always gives the same simulated observer."""
    if observer not in ("human", "scripted", "simulated"):
        raise LookalikeError("unknown-choice", f"--observer is {observer!r}; choose human, scripted or simulated")
    if window:
        need("lab")
    population = USUAL if simulation.parameters is None else read_population(simulation.parameters)
    if simulation.dprime is not None:
        population = replace(population, dprime=simulation.dprime)
    said = {"noise_deg": simulation.noise_deg, "serial_deg": simulation.serial_deg}
    given = {name: value for name, value in said.items() if value is not None}
    seed = crc32(participant.encode())
    adjuster = SimulatedAdjuster(**given, seed=seed)
    detector = SimulatedDetector(threshold=simulation.threshold, seed=seed)
    comparer = SimulatedComparer(EVEN if simulation.scale is None else read_scale(simulation.scale), seed=seed)
    shown_on = None if display is None else read_display(display)
    simulated = population.member(participant)
    who = {"simulated": simulated, "adjuster": adjuster, "detector": detector, "comparer": comparer}
    return Setup(observer, window, fullscreen, script, display=shown_on, **who)  # type: ignore[arg-type]


def count(advance: Callable[..., None]) -> Callable[[int, int], None]:
    """A session's progress (done, total) as steps of a progress bar."""
    return lambda done, total: advance(1, total=total) if done else None


def show_session(result: SessionResult, as_json: bool, new: bool = False) -> None:
    """Print where a session is stored and, if it was interrupted, how to resume it; `new`: whether --new was given."""
    shown = {
        "participant": result.participant,
        "session": result.session,
        "answered": f"{result.answered} of {result.trials}",
        "complete": result.complete,
        "seed": result.seed,
        "table": relative(result.table),
        "record": relative(result.folder),
    }
    show(shown | ({"answered": result.answered, "trials": result.trials} if as_json else {}), as_json)
    if not result.complete:
        instead = f", with --participant {result.participant} in place of --new" if new else ""
        say(f"interrupted; to resume, give the same command{instead}")
        raise typer.Exit(1)
