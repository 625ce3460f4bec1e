"""`lookalike stimuli gallery`: all images of a set on one web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.console import relative, show
from lookalike.options import Json


def gallery(
    folder: Annotated[Path, typer.Argument(metavar="SET", help="Folder of a stimulus set.")],
    out: Annotated[Path, typer.Option("--out", help="New web page, ending in .html.")],
    as_json: Json = False,
) -> None:
    """Write a web page of all images; a switch shows the truth.

    The page is one file that needs no network. It holds the truth and patients' images, so it is not for participants.

    \b
    Example:
      lookalike stimuli gallery study-1/stimuli --out study-1-stimuli.html
    """
    from stimuli.sets import read_set
    from stimuli.sets.gallery import write_gallery

    stimuli = read_set(folder)
    write_gallery(stimuli, out)
    show({"gallery": relative(out), "images": len(stimuli.table)}, as_json)
