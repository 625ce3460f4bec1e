"""`lookalike generate`: images of one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import LookalikeError
from data.shipped import DEFAULT_MODEL
from lookalike.console import need, relative, say, show
from lookalike.options import Bits, FirstSeed, Json, ModelFolder, Out, OwnTruncation, Weights


def generate(
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    count: Annotated[int, typer.Option(min=1, help="Number of images.")] = 100,
    first_seed: FirstSeed = 0,
    truncation: OwnTruncation = None,
    bits: Bits = 16,
    safe: Annotated[
        bool, typer.Option("--safe", help="Exclusion of images too close to a training patch; needs --patches.")
    ] = False,
    patches: Annotated[Path | None, typer.Option("--patches", help="Patch set that the model was trained on.")] = None,
    vgg16: Weights = None,
    as_json: Json = False,
) -> None:
    """Generate images from consecutive seeds, with a contact sheet.

    \b
    Example:
      lookalike generate --count 100 --out generated
      lookalike generate --model runs/first/models/000200000-images --safe --patches patches --out generated
    """
    if safe != (patches is not None):
        raise LookalikeError(
            "missing-option",
            "--safe needs --patches, the patch set that the model was trained on; give both or neither",
        )
    need("gan")
    from gan.generate import ImageRequest
    from lookalike.flows.evaluate import generate_from_model

    about = generate_from_model(model, out, ImageRequest(count, first_seed, truncation, bits), patches, vgg16, say)
    if as_json:
        show({"out": relative(out), **about}, True)
        return
    dropped = {reason: len(seeds) for reason, seeds in about["dropped"].items()}
    files = {"manifest": relative(out / "generated.csv"), "sheet": relative(out / "sheet.png")}
    show({"out": relative(out), "images": count, **files, "dropped": dropped or ("none" if safe else "-")}, False)
