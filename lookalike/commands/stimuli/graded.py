"""`lookalike stimuli graded`: known fakes of graded visibility beside real patches, for a threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from data.errors import LookalikeError
from lookalike.commands.stimuli.made import show_set
from lookalike.commands.stimuli.options import Edge, StoredSize
from lookalike.console import need, numbers
from lookalike.options import Bits, DisjointPatients, FirstSeed, Json, Out, OwnTruncation, Seed

_CONTRASTS = "0.01,0.014,0.02,0.028,0.04,0.056,0.08,0.11"
_EDGE = 0.02


def graded(
    patches: Annotated[
        Path, typer.Option("--patches", help="Patch set; real images and backgrounds are of its study patients.")
    ],
    out: Out,
    trials: Annotated[int, typer.Option(min=2, help="Trials of a session, each with a real patch of its own.")] = 60,
    snapshots: Annotated[
        list[Path] | None,
        typer.Option(
            "--snapshots",
            help="Training run whose snapshots make the fakes in place of shapes; or a model, and again for each.",
        ),
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option(
            help="Contrasts of the shapes, P-values above 0 and up to 1, rising, with commas "
            f"[default: {_CONTRASTS}]; or the level of each model, in their order [default: how many times more images "
            "the last one was trained on].",
            show_default=False,
        ),
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="Images of each level; none is shown twice in a session.")] = 12,
    practice: Annotated[int, typer.Option(min=0, help="Practice pairs, with fakes of the highest level.")] = 0,
    dark: Annotated[bool, typer.Option("--dark", help="Shapes darker than the tissue, not lighter.")] = False,
    edge: Edge = _EDGE,
    backgrounds: Annotated[
        Path | None,
        typer.Option(
            help="Patch set whose tissue is behind the shapes, such as one of 'patches --normal'. [default: the set of "
            "--patches]",
            show_default=False,
        ),
    ] = None,
    truncation: OwnTruncation = None,
    first_seed: FirstSeed = 0,
    disjoint_patients: DisjointPatients = False,
    size: StoredSize = None,
    bits: Bits = 8,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Make known fakes of graded visibility, for a threshold.

    Classic stimuli of rising contrast, or images of ever earlier snapshots of a training run, and real patches. The
    column level of the table says how visible each is; a study with task = "threshold" shows them.

    \b
    Example:
      lookalike stimuli graded --patches patches --out graded
      lookalike stimuli graded --patches patches --trials 40 --levels 0.02,0.04,0.08,0.16 --each 20 --out graded
      lookalike stimuli graded --patches patches --snapshots run --out graded
    """
    from stimuli.sets import Layout

    layout = Layout(2 * trials, 2 * practice, 0, size, bits, seed)
    if snapshots:
        _refuse({"--dark": dark, "--edge": edge != _EDGE, "--backgrounds": backgrounds is not None}, "with --snapshots")
        need("gan")
        from lookalike.flows.sets.graded import Graded, snapshot_set

        given = _levels(levels, math.inf) if levels is not None else ()
        request = Graded(tuple(snapshots), each, given, truncation, first_seed, disjoint_patients)
        made = snapshot_set(out, patches, request, layout)
    else:
        of_models = {"--truncation": truncation is not None, "--first-seed": first_seed > 0}
        _refuse(of_models | {"--disjoint-patients": disjoint_patients}, "without --snapshots")
        from lookalike.flows.sets.classic import classic_set
        from stimuli.classic.rendering import Look

        contrasts = [-one if dark else one for one in _contrasts(levels or _CONTRASTS)]
        layout = replace(layout, graded=each * len(contrasts))
        made = classic_set(out, patches, Look(edge=edge, contrast=contrasts[-1]), layout, backgrounds, contrasts)
    show_set(made, out, as_json)


def _refuse(options: Mapping[str, bool], when: str) -> None:
    """Raise `LookalikeError` if an option was given that says nothing here."""
    for option, given in options.items():
        if given:
            raise LookalikeError("unused-option", f"{option} means nothing {when}; leave it out")


def _contrasts(text: str) -> tuple[float, ...]:
    """Rising contrasts. Raises `LookalikeError` for anything else, and for fewer than three."""
    found = _levels(text, 1)
    if len(found) < 3 or sorted(set(found)) != list(found):
        raise LookalikeError("out-of-range", f"--levels is {text!r}; write three or more, rising, above 0 and up to 1")
    return found


def _levels(text: str, most: float) -> tuple[float, ...]:
    found = tuple(numbers(text, "--levels"))
    if not all(0 < one <= most for one in found):
        to = "" if math.isinf(most) else f" and up to {most:g}"
        raise LookalikeError("out-of-range", f"--levels is {text!r}; write numbers above 0{to}")
    return found
