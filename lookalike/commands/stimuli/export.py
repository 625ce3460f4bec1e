"""`lookalike stimuli export`: a set for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from lookalike.console import relative, say, show
from lookalike.options import Json, Out


def export(
    folder: Annotated[Path, typer.Argument(metavar="SET", help="Folder of a stimulus set.")],
    out: Out,
    form: Annotated[
        Literal["png16", "tiff", "dicom"],
        typer.Option("--format", help="Files to write: 16-bit PNG, 16-bit TIFF, or DICOM that says what it is."),
    ],
    as_json: Json = False,
) -> None:
    """Write a set for other programs: 16-bit PNG, TIFF or DICOM.

    Ids, order and grey levels stay, and the result is a stimulus set too. DICOM files are secondary captures: generated
    ones are marked as synthetic data, real ones have the patient's keyed code and nothing else of the person.

    \b
    Example:
      lookalike stimuli export study-1/stimuli --format dicom --out study-1-dicom
    """
    from stimuli.sets import read_set
    from stimuli.sets.exports import export_set

    made = export_set(read_set(folder), out, form)
    patients = made.table.loc[made.table["truth"] == "real", "patient"].dropna().nunique()
    if patients:
        say(
            f"real images of {patients} patients are among them, under keyed codes only: pass them on only where the "
            "data may go, and look for names burned into the pixels"
        )
    if form == "dicom":
        say("the headers say which images are generated: hide them from readers (patient's name and id included)")
    show(
        {"out": relative(out), "format": form, "images": len(made.table), "patients": patients, "sha256": made.sha256},
        as_json,
    )
