"""Commands for whoever runs sessions."""

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
    NewParticipant,
    NoiseDeg,
    Observer,
    Participant,
    Script,
    SerialDeg,
    SessionSeed,
    Simulated,
    Window,
)

app = typer.Typer()


@app.command()
def run(
    stimuli: Annotated[
        Path, typer.Argument(help="Stimulus set; for a matching task a morph loop, or a folder of them.")
    ],
    data: Data,
    participant: NewParticipant = None,
    new: Annotated[bool, typer.Option("--new", help="Make a new participant, and say the code.")] = False,
    study: Annotated[Path | None, typer.Option(help="Study file.", show_default="the shipped example")] = None,
    observer: Observer = "human",
    script: Script = None,
    window: Window = True,
    fullscreen: Fullscreen = False,
    display: DisplayFile = None,
    dprime: DPrime = None,
    simulated: Simulated = None,
    noise_deg: NoiseDeg = None,
    serial_deg: SerialDeg = None,
    seed: SessionSeed = None,
    as_json: Json = False,
) -> None:
    """Run a participant's first session: real or generated, and how sure? Or another task, as the study file says.

    A session that stopped goes on at its first trial without an answer.

    A person's code is made before (participant new) or at once (--new); a code with a slip in it is refused.
    A simulated or scripted observer is nobody and takes any code that is no person's.

    \b
    Example:
      lookalike run study-1/stimuli --data study-1 --participant k7q2m --display display.json --fullscreen
      lookalike run study-1/stimuli --data study-1 --new --fullscreen
      lookalike run study-1/stimuli --data dry-run --participant sim1 --observer simulated --no-window
      lookalike run loops --study matching.toml --data study-2 --participant k7q2m --fullscreen
    """
    from experiments.session.first_session import run_first_session
    from lookalike.flows.sessions import Simulation, count, participant_for, setup_for, show_session
    from stimuli.loop_set import is_loops

    code = participant_for(data, participant, new)
    who = Simulation(dprime, simulated, noise_deg, serial_deg)
    who.check(observer, is_loops(stimuli))
    setup = setup_for(observer, window, fullscreen, script, who, code, display)
    with progress("trials", None) as advance:
        result = run_first_session(stimuli, data, code, study, seed, setup, count(advance), new=new)
    show_session(result, as_json, new)


@app.command()
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
    seed: SessionSeed = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Allow a first session that stopped early: retest what was answered.")
    ] = False,
    another: Annotated[
        bool, typer.Option("--another", help="Allow a third session, and more, though a later one is complete.")
    ] = False,
    early: Annotated[
        bool, typer.Option("--early", help="Allow less than the days since the first session that the study plans.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a later session with the same images; nothing on screen says so.

    A later session that stopped goes on at its first trial without an answer.

    \b
    Example:
      lookalike retest study-1/stimuli --data study-1 --participant k7q2m --display display.json --fullscreen
    """
    from experiments.session.retest_session import run_retest
    from lookalike.flows.sessions import Simulation, count, setup_for, show_session
    from stimuli.loop_set import is_loops

    who = Simulation(dprime, simulated, noise_deg, serial_deg)
    who.check(observer, is_loops(stimuli))
    setup = setup_for(observer, window, fullscreen, script, who, participant, display)
    with progress("trials", None) as advance:
        result = run_retest(stimuli, data, participant, seed, setup, count(advance), partial, another, early)
    show_session(result, as_json)
