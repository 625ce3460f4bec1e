"""What `run` and `retest` share: who answers, progress, and what is printed at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import typer

from data.errors import LookalikeError
from data.matcher import Matcher
from data.observers import Observer
from experiments.displayfile import read_display
from experiments.sitting import Result, Setup
from lookalike.console import need, relative, show


def setup_for(
    observer: str,
    window: bool,
    fullscreen: bool,
    script: Path | None,
    dprime: float,
    noise_deg: float,
    serial_deg: float,
    participant: str,
    display: Path | None = None,
) -> Setup:
    """Who answers and on what; a simulated observer is the same one whenever the code is the same."""
    if observer not in ("human", "scripted", "simulated"):
        raise LookalikeError(f"observer is {observer!r}; it is human, scripted or simulated")
    if window:
        need("lab")
    seed = crc32(participant.encode())
    simulated = Observer(dprime=dprime, image_sd=0.5, own_sd=0.6, seed=seed)
    matcher = Matcher(noise_deg=noise_deg, serial_deg=serial_deg, seed=seed)
    shown_on = None if display is None else read_display(display)
    return Setup(observer, window, fullscreen, script, simulated, matcher, shown_on)  # type: ignore[arg-type]


def count(advance: Callable[..., None]) -> Callable[[int, int], None]:
    """A session's progress (done, total) as steps of a progress bar."""
    return lambda done, total: advance(1, total=total) if done else None


def show_session(result: Result, as_json: bool) -> None:
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
        raise typer.Exit(1)
