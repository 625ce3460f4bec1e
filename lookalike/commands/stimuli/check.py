"""`lookalike stimuli check`: a set before anybody is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.console import relative, show, show_table
from lookalike.options import Json, Seed

if TYPE_CHECKING:
    from analysis.report.set_report import SetCheck


def check(
    folder: Annotated[Path, typer.Argument(metavar="SET", help="Folder of a stimulus set.")],
    out: Annotated[Path | None, typer.Option("--out", help="New folder for the report: page, tables, figures.")] = None,
    patches: Annotated[
        Path | None,
        typer.Option("--patches", help="Patch set the images were built from; with its train split, leaks are sought."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Folder of the set's model. [default: the shipped one it names]"),
    ] = None,
    vgg16: Annotated[
        str | None,
        typer.Option("--vgg16", help="VGG16 weights, to look for leaks in its features too: a file, or 'download'."),
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Check a set before anybody is asked; exit code 1 if wrong.

    Hashes, provenance, patients, leaks; whether names, order, dates or encoding give the truth away; and what in the
    images does: simple cues and model observers. Those are told and are not an error: a study may be about them.

    \b
    Example:
      lookalike stimuli check study-1/stimuli --patches patches --out study-1-check
    """
    from lookalike.flows.sets.check_set import CheckRequest, check_set

    found = check_set(CheckRequest(folder, patches, model, vgg16, seed), out)
    if as_json:
        from analysis.report.set_report import summary_of

        show(summary_of(found) | ({} if out is None else {"report": relative(out / "report.html")}), True)
    else:
        _print(found, out)
    if found.wrong:
        raise typer.Exit(1)


def _print(found: SetCheck, out: Path | None) -> None:
    show_table([["check", "outcome", "found"], *([one.check, one.outcome, one.words] for one in found.findings)])
    print()
    if found.detectability is not None:
        table = found.detectability.to_frame()
        rows = [
            [row.what.replace("_", " "), _number(row.auc, 2), _bounds(row.low, row.high),
             _number(row.p, 3)]
            for row in table.itertuples()
        ]  # fmt: skip
        show_table([["cue or observer", "AUC", "95% CI", "p"], *rows])
        print()
    said = {"verdict": found.verdict, "given away by": found.cue_verdict}
    show(said | ({} if out is None else {"report": relative(out / "report.html")}), False)


def _bounds(low: float, high: float) -> str:
    return "-" if low != low else f"{low:.2f} to {high:.2f}"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if value == value else "-"
