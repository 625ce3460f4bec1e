"""`lookalike morph`: a morph loop between generated images."""

from __future__ import annotations

from typing import Annotated

import typer

from data.shipped import DEFAULT_MODEL
from lookalike.console import need, relative, show, whole_numbers
from lookalike.options import MAX_SEED, Bits, Json, ModelFolder, Out, Truncation


def morph(
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    seeds: Annotated[str, typer.Option(help="Seeds of the anchor images in their order, with commas.")] = "1,2,3",
    frames: Annotated[int, typer.Option(help="Number of images on the loop.")] = 147,
    truncation: Truncation = 0.7,
    noise_seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Seed of the noise, which is the same in all frames.")
    ] = 0,
    bits: Bits = 8,
    as_json: Json = False,
) -> None:
    """Make a morph loop A -> B -> C -> A in even steps.

    \b
    Example:
      lookalike morph --seeds 4,8,15 --frames 147 --out loop
    """
    need("gan")
    from gan.checkpoint import load_model
    from gan.morph import make_loop

    loop = make_loop(load_model(model), out, whole_numbers(seeds, "--seeds"), frames, truncation, noise_seed, bits)
    result = {
        "loop": relative(out / "loop.json"),
        "picture": relative(out / "loop.gif"),
        "frames": len(loop.frames),
        "anchors_at_frames": list(loop.anchors),
        "steps": f"vary by {loop.evenness:.1%} ({loop.metric})",
    }
    show(result | ({"evenness": loop.evenness, "metric": loop.metric} if as_json else {}), as_json)
