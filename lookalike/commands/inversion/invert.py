"""`lookalike invert`: patches put into the generator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.shipped import DEFAULT_MODEL
from lookalike.console import need, relative, show
from lookalike.options import Json, ModelFolder, Out, Weights


def invert(
    patches: Annotated[Path, typer.Argument(help="Patch set whose images are inverted.")],
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    encoder: Annotated[
        Path | None,
        typer.Option(help="Encoder file or its run's folder. [default: beside the model]", show_default=False),
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the patches: train, select or study.")] = "study",
    count: Annotated[int | None, typer.Option(min=1, help="Number of patches, the first ones. [default: all]")] = None,
    masks: Annotated[
        Path | None, typer.Option(help="Folder of soft masks, <patch_id>.png: white where the patch is to be matched.")
    ] = None,
    objective: Annotated[str, typer.Option(help="Objective: default, or paper (equation 4 as printed).")] = "default",
    space: Annotated[str | None, typer.Option(help="Codes: w (one for all layers) or w+ (one for each).")] = None,
    noise: Annotated[
        str | None, typer.Option(help="Noise: fixed or fitted. [default: fitted; paper: fixed]", show_default=False)
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="Steps, at most; 0 for the encoder alone. [default: 24; paper: 100]", show_default=False),
    ] = None,
    perceptual_weight: Annotated[
        float | None,
        typer.Option(help="Weight of the perceptual term. [default: the encoder's; paper: 5e-5]", show_default=False),
    ] = None,
    code_weight: Annotated[
        float | None,
        typer.Option(
            help="Weight of the code's distance from the encoder's. [default: 0.02; paper: 2]", show_default=False
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Adam's learning rate of codes. [default: 0.15; paper: 0.01]", show_default=False),
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Images at a time. [default: 8]", show_default=False)] = None,
    vgg16: Weights = None,
    as_json: Json = False,
) -> None:
    """Put real patches into the generator.

    The folder holds reconstructions, maps of what was lost, codes for 'morph', and a table with each image's patient.

    \b
    Example:
      lookalike invert patches --split study --count 16 --out inverted
      lookalike invert patches --encoder runs/encoder --steps 50 --out inverted
      lookalike invert patches --objective paper --out as-in-the-paper
    """
    need("gan")
    from gan.inversion.settings import chosen
    from lookalike.console import say
    from lookalike.flows.invert import Inputs, interval_numbers, interval_words, invert_patches, means_of

    options = {"space": space, "noise": noise, "steps": steps, "learning_rate": learning_rate, "batch": batch}
    weights = {"perceptual_weight": perceptual_weight, "code_weight": code_weight}
    settings = chosen(objective, **options, **weights)
    table = invert_patches(Inputs(patches, model, encoder, split, count, masks, vgg16), out, settings, say)
    means = means_of(table)
    if as_json:
        numbers = {name: interval_numbers(one) for name, one in means.items()}
        show({"out": relative(out), "images": len(table), "means": numbers}, True)
        return
    shown = {name.replace("_db", " (dB)"): interval_words(one) for name, one in means.items()}
    files = {"table": relative(out / "inverted.csv"), "codes": relative(out / "codes.json")}
    show({"images": len(table), **shown, **files, "sheet": relative(out / "sheet.png")}, False)
