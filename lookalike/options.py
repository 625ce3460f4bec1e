"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import LookalikeError


def number(option: str) -> dict[str, Any]:
    """What makes an option a number with a decimal point or a decimal comma, as photometers and keyboards have it."""

    def parse(text: str) -> float:
        try:
            return float(str(text).replace(",", "."))
        except ValueError:
            raise LookalikeError(f"{option} is {text!r}; write a number, such as 0.2") from None

    return {"parser": parse, "metavar": "<float>"}


MAX_SEED = 2**31 - 1  # every generator takes these

Out = Annotated[Path, typer.Option("--out", help="New folder to write; never overwrites.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of everything random.")]
ModelFolder = Annotated[Path, typer.Option("--model", help="Model folder.", show_default="the shipped one")]
Truncation = Annotated[float, typer.Option(min=0, max=1, help="Psi: 1 is full variety, 0 the mean image.")]
Weights = Annotated[
    str | None,
    typer.Option("--vgg16", help="VGG16's weights: a safetensors file, or 'download'. [default: $LOOKALIKE_VGG16]"),
]
DisjointPatients = Annotated[
    bool, typer.Option("--disjoint-patients", help="Vouch that the model was trained on none of these patients.")
]
Data = Annotated[Path, typer.Option("--data", help="Folder of all participants' data.")]
Participant = Annotated[str, typer.Option("--participant", help="Random code, letters and digits; never a name.")]
NewParticipant = Annotated[
    str | None, typer.Option("--participant", help="The participant's code; 'participant new' makes one, or --new.")
]
Observer = Annotated[str, typer.Option(help="human, scripted or simulated.")]
Script = Annotated[
    Path | None,
    typer.Option(
        help="Answers of a scripted observer: CSV with stimulus_id (or trial), response, confidence; of matches: "
        "trial, response_deg."
    ),
]
Window = Annotated[bool, typer.Option("--window/--no-window", help="Show the images in a PsychoPy window.")]
Fullscreen = Annotated[bool, typer.Option("--fullscreen", help="Use the whole screen.")]
DisplayFile = Annotated[
    Path | None, typer.Option("--display", help="Display file of the screen, as 'display calibrate' makes it.")
]
SessionSeed = Annotated[
    int | None, typer.Option("--seed", min=0, max=MAX_SEED, help="Seed of the order (default: drawn, recorded).")
]
NoiseDeg = Annotated[
    float | None,
    typer.Option(
        "--noise-deg",
        min=0,
        help="Of a simulated observer who matches: SD of errors, in degrees. [default: 12]",
        show_default=False,
    ),
]
SerialDeg = Annotated[
    float | None,
    typer.Option(
        "--serial-deg",
        help="Of a simulated observer who matches: attraction to the last target at its peak, degrees. [default: 0]",
        show_default=False,
    ),
]
DPrime = Annotated[
    float | None,
    typer.Option(
        "--dprime",
        help="True d' of a simulated observer: at 0 it guesses, at 1 it is right in about 69 % of trials.",
        show_default="1",
    ),
]
Simulated = Annotated[
    Path | None, typer.Option("--simulated", help="All parameters of a simulated observer: a TOML file.")
]
