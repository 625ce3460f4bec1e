"""`lookalike run`: a participant's first session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import LookalikeError
from lookalike.console import progress
from lookalike.options import (
    Data,
    DisplayFile,
    DPrime,
    Fullscreen,
    Json,
    NewParticipant,
    NoiseDeg,
    Observer,
    Script,
    SerialDeg,
    SessionSeed,
    Simulated,
    TrueScale,
    TrueThreshold,
    Window,
)


def run(
    stimuli: Annotated[
        Path, typer.Argument(help="Stimulus set; for matching and triads a morph loop, or a folder of loops.")
    ],
    data: Data,
    participant: NewParticipant = None,
    new: Annotated[bool, typer.Option("--new", help="A new participant, whose random code is printed.")] = False,
    study: Annotated[Path | None, typer.Option(help="Study file (TOML). [default: the shipped example]")] = None,
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
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse", help="A simulated session in the window, at speed, and a checklist; no data."),
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --rehearse: keep the folder of its data.")] = False,
    as_json: Json = False,
) -> None:
    """Run a participant's first session.

    The study file names the task; without one it is real or generated, with confidence. The same command resumes an
    interrupted session at its first trial without a response.

    A person is registered first, with 'participant new' or --new, so that a mistyped code is refused. A simulated or
    scripted observer is not a person and takes any code that no person has.

    Before the first participant, --rehearse runs a whole session in its window at speed, without touching --data, and
    checks images, texts, keys, frame rate, image size, display file, disk and export. Its exit code is 1 if a check
    fails.

    \b
    Example:
      lookalike run study-1/stimuli --data study-1 --display display.json --fullscreen --rehearse
      lookalike run study-1/stimuli --data study-1 --participant k7q2m --display display.json --fullscreen
      lookalike run study-1/stimuli --data study-1 --new --fullscreen
      lookalike run study-1/stimuli --data dry-run --participant sim1 --observer simulated --no-window
      lookalike run loops --study matching.toml --data study-2 --participant k7q2m --fullscreen
      lookalike run graded --study threshold.toml --data study-1/threshold --participant k7q2m --fullscreen
    """
    from experiments.session.first_session import run_first_session
    from lookalike.flows.rehearsal import show_rehearsal
    from lookalike.flows.sessions import Simulation, count, participant_for, setup_for, show_session

    if rehearse:
        others = {"--participant": participant, "--new": new, "--script": script, "--no-window": not window}
        show_rehearsal(stimuli, data, study, fullscreen, display, seed, keep, others, as_json)
        return
    if keep:
        raise LookalikeError("unused-option", "--keep is for --rehearse; every other session is kept anyway")
    code = participant_for(data, participant, new)
    who = Simulation(dprime, simulated, noise_deg, serial_deg, threshold, scale)
    who.check(observer, stimuli)
    setup = setup_for(observer, window, fullscreen, script, who, code, display)
    with progress("trials", None) as advance:
        result = run_first_session(stimuli, data, code, study, seed, setup, count(advance), new=new)
    show_session(result, as_json, new)
