"""`lookalike stimuli graded`: known fakes of graded visibility beside real patches, for a threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import LookalikeError
from lookalike.commands.stimuli.made import show_set
from lookalike.commands.stimuli.options import Edge, StoredSize
from lookalike.options import Bits, Json, Out, Seed

_LEVELS = "0.01,0.014,0.02,0.028,0.04,0.056,0.08,0.11"


def graded(
    patches: Annotated[
        Path, typer.Option("--patches", help="Patch set; real images and backgrounds are of its study patients.")
    ],
    out: Out,
    trials: Annotated[int, typer.Option(min=2, help="Trials of a session, each with a real patch of its own.")] = 60,
    levels: Annotated[
        str, typer.Option(help="Contrasts of the shapes, P-values above 0 and up to 1, rising, with commas.")
    ] = _LEVELS,
    each: Annotated[int, typer.Option(min=1, help="Images of each level; none is shown twice in a session.")] = 12,
    practice: Annotated[int, typer.Option(min=0, help="Practice pairs, with shapes of the strongest contrast.")] = 0,
    dark: Annotated[bool, typer.Option("--dark", help="Shapes darker than the tissue, not lighter.")] = False,
    edge: Edge = 0.02,
    backgrounds: Annotated[
        Path | None,
        typer.Option(
            help="Patch set whose tissue is behind the shapes, such as one of 'patches --normal'. [default: the set of "
            "--patches]",
            show_default=False,
        ),
    ] = None,
    size: StoredSize = None,
    bits: Bits = 8,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Make known fakes of graded visibility, for a threshold.

    Classic stimuli of rising contrast and real patches. The column level of the table says how visible each is; a study
    with task = "threshold" shows them.

    \b
    Example:
      lookalike stimuli graded --patches patches --out graded
      lookalike stimuli graded --patches patches --trials 40 --levels 0.02,0.04,0.08,0.16 --each 20 --out graded
    """
    from lookalike.flows.sets.classic import classic_set
    from stimuli.classic.rendering import Look
    from stimuli.sets import Layout

    contrasts = _levels(levels)
    layout = Layout(2 * trials, 2 * practice, 0, size, bits, seed, graded=each * len(contrasts))
    signed = [-one if dark else one for one in contrasts]
    look = Look(edge=edge, contrast=signed[-1])
    show_set(classic_set(out, patches, look, layout, backgrounds, signed), out, as_json)


def _levels(text: str) -> list[float]:
    """Rising levels. Raises `LookalikeError` for anything else, and for fewer than three."""
    try:
        found = [float(one) for one in text.split(",")]
    except ValueError:
        raise LookalikeError("not-a-number", f"--levels is {text!r}; write numbers with commas between them") from None
    if not (len(found) >= 3 and found[0] > 0 and found[-1] <= 1 and sorted(set(found)) == found):
        raise LookalikeError("out-of-range", f"--levels is {text!r}; write three or more, rising, above 0 and up to 1")
    return found
