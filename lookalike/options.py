"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from data.errors import LookalikeError
from data.kinds.registry import names
from data.shipped import DEFAULT_TASK


def number(option: str) -> dict[str, Any]:
    """What makes an option a number with a decimal point or a decimal comma, as photometers and keyboards have it."""

    def parse(text: str) -> float:
        try:
            return float(str(text).replace(",", "."))
        except ValueError:
            raise LookalikeError("not-a-number", f"{option} is {text!r}; write a number, such as 0.2") from None

    return {"parser": parse, "metavar": "<float>"}


MAX_SEED = 2**31 - 1  # the largest that every random generator takes

Out = Annotated[Path, typer.Option("--out", help="New folder for the results; an existing one is never overwritten.")]
Json = Annotated[bool, typer.Option("--json", help="JSON output, errors included.")]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed.")]
FirstSeed = Annotated[
    int, typer.Option(min=0, max=MAX_SEED, help="Seed of the first image; the next images have the next seeds.")
]
ModelFolder = Annotated[
    Path, typer.Option("--model", help="Model folder. [default: the shipped model]", show_default=False)
]
Truncation = Annotated[
    float, typer.Option(min=0, max=1, help="Truncation psi: 1 for full variety, 0 for the mean image.")
]
OwnTruncation = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Truncation psi: 1 for full variety, 0 for the mean image. [default: the model's own]",
        show_default=False,
    ),
]
Bits = Annotated[int, typer.Option(help="Bits per pixel: 8 or 16.")]
Weights = Annotated[
    str | None,
    typer.Option("--vgg16", help="VGG16 weights: a safetensors file, or 'download'. [default: $LOOKALIKE_VGG16]"),
]
DisjointPatients = Annotated[
    bool,
    typer.Option("--disjoint-patients", help="Your confirmation that the model was trained on none of these patients."),
]

# Of analyses.
if TYPE_CHECKING:
    KindName = str
else:
    KindName = Literal[names()]  # the choices that --kind takes and its help lists
Kind = Annotated[
    KindName | None,
    typer.Option("--kind", help=f"Kind of task. [default: the study file's, or {DEFAULT_TASK}]", show_default=False),
]
Columns = Annotated[
    str,
    typer.Option("--columns", help="Column names of a table from another program, as ours=theirs, with commas."),
]
Words = Annotated[
    str,
    typer.Option(
        "--words",
        help="Words in the cells of such a table, as theirs=ours or column:theirs=ours, with commas; words with commas "
        "in double quotation marks.",
    ),
]
Missing = Annotated[
    str, typer.Option("--missing", help="Words or numbers that mean no answer, such as -1,confidence:999.")
]
Rows = Annotated[str, typer.Option("--rows", help="Rows to keep, as column=word or column=word|word, with commas.")]
Middle = Annotated[
    float | None,
    typer.Option(
        "--middle",
        help="Middle of a rating column; ratings above it say generated. [default: half-way along the scale]",
        show_default=False,
        **number("--middle"),
    ),
]
TimeUnit = Annotated[
    Literal["s", "ms"] | None,
    typer.Option("--time-unit", help="Unit of a table's times. [default: s]", show_default=False),
]
Import = Annotated[
    Path | None,
    typer.Option("--import", help="Import file (TOML) that says how to read such a table; see --write-import."),
]

# Of sessions.
Data = Annotated[Path, typer.Option("--data", help="Folder of all participants' data.")]
DataFolder = Annotated[Path, typer.Argument(help="Folder of all participants' data.")]
Participant = Annotated[str, typer.Option("--participant", help="Participant code, letters and digits; never a name.")]
NewParticipant = Annotated[
    str | None, typer.Option("--participant", help="Code of a registered participant; for a new one give --new.")
]
Observer = Annotated[str, typer.Option("--observer", help="Who responds: human, scripted or simulated.")]
Script = Annotated[
    Path | None,
    typer.Option(
        "--script",
        help="Responses of a scripted observer, CSV: stimulus_id (or trial), response, confidence; for a matching "
        "task trial, response_deg; confidence only where it is asked for.",
    ),
]
Window = Annotated[bool, typer.Option("--window/--no-window", help="PsychoPy window for the images, or none.")]
Fullscreen = Annotated[bool, typer.Option("--fullscreen", help="Window over the whole screen.")]
WholeScreen = Annotated[
    bool,
    typer.Option("--fullscreen/--no-fullscreen", help="Window over the whole screen; off where the terminal is on it."),
]
Screen = Annotated[int, typer.Option("--screen", min=0, help="Number of the computer's screen; 0 is the first.")]
DisplayFile = Annotated[
    Path | None, typer.Option("--display", help="Display file of this screen, from 'display calibrate'.")
]
SessionSeed = Annotated[
    int | None,
    typer.Option(
        "--seed", min=0, max=MAX_SEED, help="Random seed of the trial order. [default: drawn at random, and recorded]"
    ),
]
NoiseDeg = Annotated[
    float | None,
    typer.Option(
        "--noise-deg",
        min=0,
        help="SD of a simulated observer's matching errors, degrees on the loop. [default: 12]",
        show_default=False,
    ),
]
SerialDeg = Annotated[
    float | None,
    typer.Option(
        "--serial-deg",
        help="Peak attraction of a simulated observer's matches to the previous target, degrees. [default: 0]",
        show_default=False,
    ),
]
TrueThreshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        help="True threshold of a simulated observer in a threshold task, in levels of the stimulus set. [default: the "
        "middle of the levels]",
        show_default=False,
        **number("--threshold"),
    ),
]
TrueScale = Annotated[
    Path | None,
    typer.Option(
        "--scale",
        help="Perceptual scale of a simulated observer of triads: scale.json, or the folder of 'scale'. [default: 24 "
        "JNDs in even steps]",
        show_default=False,
    ),
]
DPrime = Annotated[
    float | None,
    typer.Option(
        "--dprime",
        help="True d' of a simulated observer; 0 is guessing, 1 is right in about 69% of trials. [default: 1]",
    ),
]
Simulated = Annotated[
    Path | None, typer.Option("--simulated", help="TOML file with all parameters of a simulated observer.")
]
