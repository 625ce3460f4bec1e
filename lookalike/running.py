"""Commands for whoever runs sessions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lookalike.console import progress, relative, show
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
    Window,
)

app = typer.Typer()


@app.command()
def run(
    stimuli: Annotated[
        Path, typer.Argument(help="Stimulus set; for a matching task a morph loop, or a folder of them.")
    ],
    data: Data,
    participant: Participant,
    study: Annotated[Path | None, typer.Option(help="Study file.", show_default="the shipped example")] = None,
    observer: Observer = "human",
    script: Script = None,
    window: Window = True,
    fullscreen: Fullscreen = False,
    display: DisplayFile = None,
    dprime: DPrime = 1.0,
    noise_deg: NoiseDeg = 12.0,
    serial_deg: SerialDeg = 0.0,
    seed: SessionSeed = None,
    as_json: Json = False,
) -> None:
    """Run a participant's first session: real or generated, and how sure? Or another task, as the study file says.

    A session that stopped goes on at its first trial without an answer.

    \b
    Example:
      lookalike run study-1/stimuli --data study-1 --participant k7q2m --display display.json --fullscreen
      lookalike run study-1/stimuli --data dry-run --participant sim1 --observer simulated --no-window
      lookalike run loops --study matching.toml --data study-2 --participant k7q2m --fullscreen
    """
    from experiments import realfake
    from lookalike.sessions import count, setup_for, show_session

    setup = setup_for(observer, window, fullscreen, script, dprime, noise_deg, serial_deg, participant, display)
    with progress("trials", None) as advance:
        result = realfake.run(stimuli, data, participant, study, seed, setup, count(advance))
    show_session(result, as_json)


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
    dprime: DPrime = 1.0,
    noise_deg: NoiseDeg = 12.0,
    serial_deg: SerialDeg = 0.0,
    seed: SessionSeed = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Allow a first session that stopped early: retest what was answered.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a later session with the same images; nothing on screen says so.

    A later session that stopped goes on at its first trial without an answer.

    \b
    Example:
      lookalike retest study-1/stimuli --data study-1 --participant k7q2m --display display.json --fullscreen
    """
    from experiments import retest as flow
    from lookalike.sessions import count, setup_for, show_session

    setup = setup_for(observer, window, fullscreen, script, dprime, noise_deg, serial_deg, participant, display)
    with progress("trials", None) as advance:
        result = flow.run(stimuli, data, participant, seed, setup, count(advance), partial)
    show_session(result, as_json)


@app.command()
def export(
    data: Annotated[Path, typer.Argument(help="Folder of all participants' data.")],
    as_json: Json = False,
) -> None:
    """Make the tables of recorded sessions that have none yet, as after a crash.

    \b
    Example:
      lookalike export study-1
    """
    from experiments.export import export_all

    sessions = export_all(data)
    if as_json:
        show({"sessions": [asdict(one) for one in sessions]}, True)
    for one in () if as_json else sessions:
        answered = f"{one.answered} of {'?' if one.trials is None else one.trials} answered"
        where = one.problem or ("" if one.table is None else relative(one.table))
        print(f"{one.participant}  session {one.session}  {answered}  {one.outcome}  {where}")
    if any(one.outcome == "failed" for one in sessions):
        raise typer.Exit(1)
