"""`lookalike edit`: images moved along a direction that was found to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.shipped import DEFAULT_MODEL
from lookalike.console import need, relative, show
from lookalike.options import Bits, Json, ModelFolder, Out, OwnTruncation, number


def edit(
    out: Out,
    direction: Annotated[str, typer.Option(help="Name of a direction of the model.")],
    seeds: Annotated[
        str,
        typer.Option(help="Images, with commas: seeds, codes files (all their images), FILE#NAME for one image."),
    ] = "1,2,3,4",
    steps: Annotated[int, typer.Option(help="Number of images for each, from one end to the other.")] = 7,
    amount: Annotated[
        float, typer.Option(**number("--amount"), help="How far each end is, in SD of the codes that seeds make.")
    ] = 3.0,
    model: ModelFolder = DEFAULT_MODEL,
    directions: Annotated[
        Path | None,
        typer.Option(help="Directions file or its run's folder. [default: beside the model]", show_default=False),
    ] = None,
    truncation: OwnTruncation = None,
    bits: Bits = 16,
    as_json: Json = False,
) -> None:
    """Move images along a direction in W, such as spiculation.

    The folder holds the images, a table with source, direction and amount of each, codes for 'morph', and a picture.

    \b
    Example:
      lookalike edit --direction spiculation --steps 7 --out edited
      lookalike edit --direction subtlety --seeds 4,inverted/codes.json#p17 --amount 2 --out edited
    """
    need("gan")
    from lookalike.flows.directions import amounts_of, edit_images

    table = edit_images(model, directions, direction, seeds, truncation, amounts_of(steps, amount), out, bits)
    images = {"images": len(table), "of": table["source"].nunique(), "amounts (SD)": sorted(set(table["amount"]))}
    files = {"table": relative(out / "edited.csv"), "picture": relative(out / "strip.png")}
    if as_json:
        show({"out": relative(out), "images": len(table), "table": table.to_dict("records")}, True)
        return
    show(images | {"codes": relative(out / "codes.json")} | files, False)
