"""`lookalike stimuli build`: a set of real patches and generated images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from data.errors import LookalikeError
from data.shipped import DEFAULT_MODEL
from lookalike.commands.stimuli.made import show_set
from lookalike.console import need, numbers
from lookalike.options import (
    Bits,
    DisjointPatients,
    FirstSeed,
    Json,
    ModelFolder,
    Out,
    OwnTruncation,
    Seed,
    Weights,
)

_CLASSIC, _CONTRASTS, _OF_EACH = "classic", "0.05,0.1,0.2", 3  # --catch classic, without and with --catch-classic


def build(
    patches: Annotated[
        Path, typer.Option("--patches", help="Patch set; the real images come from its study split only.")
    ],
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    main: Annotated[int, typer.Option(help="Images of the main trials, half of them real.")] = 100,
    practice: Annotated[int, typer.Option(help="Practice images, half of them real, not used again.")] = 0,
    catch: Annotated[
        str,
        typer.Option(
            metavar="<int|classic>",
            help="Catch images: so many known fakes, from --catch-model or --catch-classic; or 'classic', "
            f"{_OF_EACH} classic stimuli of each contrast ({_CONTRASTS} unless --catch-classic says others).",
        ),
    ] = "0",
    catch_model: Annotated[
        Path | None, typer.Option(help="Folder of a worse model, such as an early snapshot.")
    ] = None,
    catch_classic: Annotated[
        str | None,
        typer.Option(
            help="Contrasts of classic catch images, with commas, from faint to plain: see 'stimuli classic'."
        ),
    ] = None,
    composed: Annotated[
        Path | None,
        typer.Option(help="Images from 'compose' instead of seeds'; the set then tells their textures and shapes."),
    ] = None,
    disjoint_patients: DisjointPatients = False,
    match: Annotated[
        Literal["grey-levels", "spectrum"] | None,
        typer.Option(
            "--match",
            help="All images, real and generated, get the set's mean histogram or mean spectrum (SHINE).",
        ),
    ] = None,
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
      lookalike stimuli build --patches patches --main 100 --match grey-levels --out study-2/stimuli
      lookalike stimuli build --patches patches --main 100 --catch classic --out study-3/stimuli
    """
    catches, grades = _catch(catch, catch_classic, catch_model)
    need("gan")
    from lookalike.flows.sets.build import Recipe, build_stimuli
    from stimuli.sets import Layout

    recipe = Recipe(
        patches, model, truncation, first_seed, catch_model, disjoint_patients, safe, vgg16, composed, grades, match
    )
    show_set(build_stimuli(out, recipe, Layout(main, practice, catches, size, bits, seed)), out, as_json)


def _catch(catch: str, contrasts: str | None, model: Path | None) -> tuple[int, tuple[float, ...]]:
    """How many catch images there are, and their contrasts if they are classic stimuli."""
    classic = catch.strip().lower() == _CLASSIC
    grades = numbers(contrasts or _CONTRASTS, "--catch-classic") if classic or contrasts is not None else []
    if grades and model is not None:
        other = "--catch classic" if contrasts is None else "--catch-classic"
        raise LookalikeError("conflicting-options", f"{other} and --catch-model both make catch images; give one")
    if classic:
        return _OF_EACH * len(grades), tuple(grades)
    try:
        count = int(catch)
    except ValueError:
        raise LookalikeError("not-a-number", f"--catch is {catch!r}; write how many images, or classic") from None
    if grades and not count:
        raise LookalikeError(
            "unused-option", "--catch-classic means nothing without --catch; give the number of images, or classic"
        )
    return count, tuple(grades)
