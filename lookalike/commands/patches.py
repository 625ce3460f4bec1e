"""`lookalike patches`: from mammograms to a patch set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.console import progress, relative, say, shares, show
from lookalike.options import Json, Out, Seed


def patches(
    source: Annotated[Path, typer.Argument(help="Folder of mammograms (PNG, JPEG, TIFF or DICOM) with boxes.csv.")],
    out: Out,
    boxes: Annotated[Path | None, typer.Option(help="Table of lesion boxes. [default: SOURCE/boxes.csv]")] = None,
    size: Annotated[int, typer.Option(help="Side of a patch, px.")] = 64,
    context: Annotated[
        float, typer.Option(help="Side of a patch, in units of the longer side of the lesion's box; 1 or more.")
    ] = 2.0,
    split: Annotated[str, typer.Option(help="Shares of patients in train/select/study, percent.")] = "70/10/20",
    key: Annotated[
        Path, typer.Option(help="Secret key file for the patient codes; written if there is none. Keep it.")
    ] = Path(".lookalike/patient.key"),
    crops_per_box: Annotated[
        int, typer.Option(help="Crops per lesion: 1 centred, or that many displaced at random.")
    ] = 1,
    credit: Annotated[str, typer.Option(help="Attribution that the images' licence requires.")] = "",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Cut square patches around lesions, split by patient.

    \b
    Example:
      lookalike patches mammograms/ --out patches --context 2
    """
    from stimuli.patches import Cut, cut_patches, read_key
    from stimuli.sources import read_source

    cut = Cut(size, context, shares(split), crops_per_box, seed)
    mammograms = read_source(source, boxes)
    new_key = not key.exists()
    with progress("mammograms", len(mammograms)) as advance:
        made = cut_patches(mammograms, out, read_key(key), cut, credit, advance)
    if new_key:
        say(
            f"{relative(key)}: new key; keep it, because with another key these patients get other codes and other "
            "splits"
        )
    about = {name: made.about[name] for name in ("patches", "patients", "rejected")}
    show({"out": relative(out), **about, "key": relative(key)}, as_json)
