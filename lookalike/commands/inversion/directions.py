"""`lookalike directions`: from labels of real patches to directions in a model's W."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.shipped import DEFAULT_MODEL
from lookalike.console import need, relative, show, show_table
from lookalike.options import DisjointPatients, Json, ModelFolder, Out


def directions(
    patches: Annotated[Path, typer.Argument(help="Patch set whose train patients are fitted and whose others judge.")],
    out: Out,
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="A direction: NAME=COLUMN:WORD|WORD, against all other words, or NAME=COLUMN:WORD:OTHER WORD. Words "
            "may have * in them. Give one for each direction."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            help="Table with the columns, one row per lesion, such as CBIS-DDSM's. [default: the set's patches.csv]",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Key file of the patches' codes, for a table with patients' or files' names.")
    ] = None,
    inverted: Annotated[
        Path | None,
        typer.Option(
            help="Train patches from 'invert': fit to their codes, not to what a classifier says of generated images."
        ),
    ] = None,
    model: ModelFolder = DEFAULT_MODEL,
    disjoint_patients: DisjointPatients = False,
    as_json: Json = False,
) -> None:
    """Find directions in W for labels, and measure what they do.

    A direction holds if a classifier of real patches of other patients, which knows no codes, moves along it, farther
    than along random directions, and if nothing else that is measured moves farther. Only those that hold are stored.

    \b
    Example:
      lookalike directions patches --label malignancy=pathology:MALIGNANT:BENIGN --out runs/directions
      lookalike directions patches --table cases.csv --key my.key --label "density=breast_density:3|4" --out dense
    """
    need("gan")
    from gan.directions.directions_file import FILE
    from lookalike.flows.directions import Request, fit_and_measure

    request = Request(patches, model, label or [], table, key, inverted, disjoint_patients)
    found = fit_and_measure(request, out)
    holding = found.loc[found["holds"], "direction"].tolist()
    stored = relative(out / FILE) if holding else None
    if as_json:
        plain = found.astype(object).where(found.notna(), None)
        show({"out": relative(out), "directions": stored, "measures": plain.to_dict("records")}, True)
        return
    shown = [["direction", "fit AUC", "judge AUC", "moves (SD)", "random (SD)", "holds"]]
    for row in found.itertuples():
        numbers = (row.fit_auc_value, row.judge_auc_value, row.effect_value, row.random_sd)
        texts = ("" if one != one else f"{one:.2f}" for one in numbers)
        shown.append([str(row.direction), *texts, "yes" if row.holds else f"no: {row.fault}"])
    show_table(shown)
    show({"directions": stored or "none holds, so none is stored", "strips": relative(out / "strips")}, False)
