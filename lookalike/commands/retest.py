"""`lookalike retest`: a later session with the same images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.console import progress
from lookalike.options import (
    Data,
    DisplayFile,
    DPrime,
    Fullscreen,
    Json,
    NoiseDeg,
    Observer,
    Participant,
    Script,
    SerialDeg,
    SessionSeed,
    Simulated,
    TrueScale,
    TrueThreshold,
    Window,
)


def retest(
    stimuli: Annotated[Path, typer.Argument(help="The stimulus set of the first session.")],
    data: Data,
    participant: Participant,
    observer: Observer = "human",
    script: Script = None,
    window: Window = True,
    fullscreen: Fullscreen = False,
    display: DisplayFile = None,
    dprime: DPrime = None,
    simulated: Simulated = None,
    noise_deg: NoiseDeg = None,
    serial_deg: SerialDeg = None,
    threshold: TrueThreshold = None,
    scale: TrueScale = None,
    seed: SessionSeed = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Retest of an incomplete first session: the images that were answered.")
    ] = False,
    another: Annotated[bool, typer.Option("--another", help="Further retest after a complete one.")] = False,
    early: Annotated[
        bool, typer.Option("--early", help="Retest before the number of days that the study plans.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a retest: a later session with the same images.

    Nothing on screen says that the images are the same. The same command resumes an interrupted retest at its first
    trial without a response.

    \b
    Example:
      lookalike retest study-1/stimuli --data study-1 --participant k7q2m --display display.json --fullscreen
    """
    from experiments.session.retest_session import run_retest
    from lookalike.flows.sessions import Simulation, count, setup_for, show_session

    who = Simulation(dprime, simulated, noise_deg, serial_deg, threshold, scale)
    who.check(observer, stimuli)
    setup = setup_for(observer, window, fullscreen, script, who, participant, display)
    with progress("trials", None) as advance:
        result = run_retest(stimuli, data, participant, seed, setup, count(advance), partial, another, early)
    show_session(result, as_json)
