"""`lookalike report`: the results of an analysis as sentences to paste."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from data.errors import LookalikeError
from lookalike.console import show
from lookalike.options import Json


def report(
    results: Annotated[Path, typer.Argument(help="Folder that analyze, compare or scale wrote, or its JSON file.")],
    style: Annotated[Literal["apa"], typer.Option(help="Style of the sentences: APA, 7th edition.")] = "apa",
    as_json: Json = False,
) -> None:
    """Print the results as sentences to paste into a paper.

    Plain text, with exact p, intervals in brackets, and no zero before the point of what cannot exceed 1. Methods text
    with its references is on the report page.

    \b
    Example:
      lookalike report results
      lookalike report comparison --style apa
      lookalike report scaled --json
    """
    from analysis.report.apa.sentences import apa_sentences
    from data.files import read_json

    path = results
    if results.is_dir():
        compared = results / "comparison.json"
        path = compared if compared.is_file() else results / "summary.json"
    if not path.is_file():
        raise LookalikeError(
            "no-such-file", f"{path}: no such file; give a folder that lookalike analyze, compare or scale wrote"
        )
    paragraphs = apa_sentences(read_json(path))
    if as_json:
        show({"style": style, "paragraphs": paragraphs}, True)
    else:
        print("\n\n".join(paragraphs))
