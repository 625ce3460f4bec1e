"""`lookalike compose`: one lesion's texture on another's shape."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.shipped import DEFAULT_MODEL
from lookalike.console import need, relative, show, show_table
from lookalike.options import Json, ModelFolder, Out, Seed, Weights


def compose(
    out: Out,
    texture: Annotated[
        str | None,
        typer.Option(
            help="Lesions that give the texture, with commas: a patch, SPLIT:NUMBER, or an image file; with @ and its "
            "outline if not the set's: a mask file, box, box=LEFT+TOP+WIDTH+HEIGHT, or click=COLUMN+ROW."
        ),
    ] = None,
    template: Annotated[str | None, typer.Option(help="Lesions that give the shape, likewise.")] = None,
    patches: Annotated[
        Path | None, typer.Option(help="Patch set of the lesions, and of the real images for the certificate.")
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="Every texture on every shape, not pair by pair.")] = False,
    count: Annotated[
        int | None, typer.Option(min=1, help="Number of pairs to draw from --patches, two patients each.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split to draw from: train, select or study.")] = "study",
    seed: Seed = 0,
    model: ModelFolder = DEFAULT_MODEL,
    encoder: Annotated[
        Path | None,
        typer.Option(help="Encoder file or its run's folder. [default: beside the model]", show_default=False),
    ] = None,
    objective: Annotated[
        str, typer.Option(help="Objective: default, or paper (loss in the texture region only).")
    ] = "default",
    steps: Annotated[
        int | None,
        typer.Option(help="Steps, at most; 0 for the encoder alone. [default: 200; paper: 100]", show_default=False),
    ] = None,
    inverted: Annotated[
        Path | None,
        typer.Option(help="Patches of the set from 'invert', to train a classifier of real against reconstructed."),
    ] = None,
    vgg16: Weights = None,
    as_json: Json = False,
) -> None:
    """Put one lesion's texture on another's shape.

    The folder holds the images, a table with both parents of each and what it keeps of them, a picture beside direct
    stitch, Poisson blend and the encoder alone, and codes for 'morph'.

    \b
    Example:
      lookalike compose --patches patches --texture study:3 --template study:8 --out composed
      lookalike compose --patches patches --texture study:3,study:5 --template study:8,study:9 --grid --out family
      lookalike compose --texture a.png@a-mask.png --template b.png@click=30+34 --out composed
      lookalike compose --patches patches --count 12 --inverted inverted --out pairs
    """
    need("gan")
    from gan.composition.certificate import AT_MOST, BARS
    from gan.composition.compose import COMPOSE
    from gan.inversion.settings import chosen
    from lookalike.flows.compose import Request, compose_lesions, missed, passed, summary

    settings = chosen(objective, COMPOSE, steps=steps)
    request = Request(texture, template, patches, model, encoder, grid, count, split, seed, inverted, vgg16)
    made, certificate = compose_lesions(request, out, settings)
    medians = summary(certificate)
    files = {"table": relative(out / "composed.csv"), "picture": relative(out / "figure4.png")}
    counts = {"images": len(made.pairs), "reach_all_bars": passed(certificate)}
    below = missed(certificate)
    if as_json:
        plain = medians.astype(object).where(medians.notna(), None)
        show({"out": relative(out), **counts, "missed": below, "medians": plain.to_dict("index")}, True)
        return
    shown = [["median", *(name.replace("_", " ") for name in medians.columns)]]
    for name, row in zip(medians.index, medians.to_numpy(), strict=True):
        shown.append([str(name), *(f"{value:.2f}" for value in row)])
    bars = {name: f"{'at most' if name in AT_MOST else 'from'} {bar:.2f}" for name, bar in BARS.items()}
    shown.append(["bar", *(bars.get(name, "") for name in medians.columns)])
    show_table(shown)
    told = {"missed": {name.replace("_", " "): count for name, count in below.items()}} if below else {}
    show(counts | told | files, False)
