"""Build stimulus sets of real and generated images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.shipped import DEFAULT_MODEL
from lookalike.console import need, relative, show
from lookalike.options import Bits, DisjointPatients, FirstSeed, Json, ModelFolder, Out, OwnTruncation, Seed, Weights
from lookalike.quick_group import sub_commands

app = sub_commands(__doc__)


@app.command()
def build(
    patches: Annotated[
        Path, typer.Option("--patches", help="Patch set; the real images come from its study split only.")
    ],
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    main: Annotated[int, typer.Option(help="Images of the main trials, half of them real.")] = 100,
    practice: Annotated[int, typer.Option(help="Practice images, half of them real, not used again.")] = 0,
    catch: Annotated[int, typer.Option(help="Catch images: known fakes, from --catch-model.")] = 0,
    catch_model: Annotated[
        Path | None, typer.Option(help="Folder of a worse model, such as an early snapshot.")
    ] = None,
    composed: Annotated[
        Path | None,
        typer.Option(help="Images from 'compose' instead of seeds'; the set then tells their textures and shapes."),
    ] = None,
    disjoint_patients: DisjointPatients = False,
    safe: Annotated[
        bool,
        typer.Option("--safe", help="Exclusion of images too close to a training patch; their number is recorded."),
    ] = False,
    vgg16: Weights = None,
    truncation: OwnTruncation = None,
    first_seed: FirstSeed = 0,
    size: Annotated[
        int | None, typer.Option(help="Side of the stored images, px: real and generated resampled alike, once.")
    ] = None,
    bits: Bits = 8,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Build a set of real patches and generated images.

    The real patches are of study patients, on whom the model was not trained.

    \b
    Example:
      lookalike stimuli build --patches patches --main 100 --size 256 --out study-1/stimuli
    """
    need("gan")
    from lookalike.flows.build import Recipe, build_stimuli
    from stimuli.sets import Layout

    recipe = Recipe(patches, model, truncation, first_seed, catch_model, disjoint_patients, safe, vgg16, composed)
    made = build_stimuli(out, recipe, Layout(main, practice, catch, size, bits, seed))
    roles = made.table.groupby(["role", "truth"]).size()
    counts = {f"{role} {truth}": int(count) for (role, truth), count in roles.items()}
    show({"out": relative(out), "images": counts, "rejected": made.about["rejected"], "sha256": made.sha256}, as_json)
