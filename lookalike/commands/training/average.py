"""`lookalike average`: one model of several that were trained on from the same one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.console import need, relative, show
from lookalike.options import Json, Out


def average(
    out: Out,
    models: Annotated[
        list[Path] | None, typer.Argument(help="Model folders, two or more, trained on from the same model.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="What each model counts, numbers above 0 with commas. [default: all alike]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Average the weights of models.

    For variants of one model: longer trainings, other settings. Their average lies between them in what they differ
    by, such as how smooth paths are, and is often no easier to tell from real images than the best of them.

    \b
    Example:
      lookalike average runs/first/models/000200000-images runs/smooth/models/000040000-images --out runs/average
      lookalike average runs/one/models/000040000-images data/models/mammogram-64 --weights 1,3 --out runs/average
    """
    need("gan")
    from lookalike.flows.average import save_average

    averaged = save_average(models or [], weights, out)
    show({"model": relative(out), "averaged": averaged}, as_json)
