"""`lookalike scale`: how far apart images of a loop or path look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from data.errors import LookalikeError
from lookalike.console import relative, say, show
from lookalike.options import Columns, Json, Seed, number

if TYPE_CHECKING:
    import pandas as pd

    from analysis.report.figures.render import Format


def scale(
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Tables of comparisons (CSV or TSV), or a folder with the sub-* folders.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="New folder for the results; an existing one is never overwritten."),
    ] = None,
    loop: Annotated[
        Path | None, typer.Option("--loop", help="Folder of the loop or path whose images were compared.")
    ] = None,
    open_path: Annotated[bool, typer.Option("--open", help="Path with two ends, not a loop.")] = False,
    distance: Annotated[
        Literal["arc", "chord"] | None,
        typer.Option(
            help="How far apart images of a loop look: the shorter way round, or straight across. "
            "[default: the likelier]",
            show_default=False,
        ),
    ] = None,
    lapse: Annotated[
        float | None,
        typer.Option(
            **number("--lapse"),
            help="Share of guesses, 0 to .1; 0 for the published method. [default: estimated]",
            show_default=False,
        ),
    ] = None,
    psychometric: Annotated[
        bool, typer.Option("--psychometric", help="Psychometric functions of yes/no answers along a path instead.")
    ] = False,
    guess: Annotated[
        float | None,
        typer.Option(
            **number("--guess"),
            help="With --psychometric: share of yes where nothing is seen, .5 in forced choice. [default: the lapses]",
            show_default=False,
        ),
    ] = None,
    columns: Columns = "",
    of_loop: Annotated[
        str | None, typer.Option("--of-loop", help="Name in the column loop; needed where a table has several.")
    ] = None,
    task: Annotated[str, typer.Option("--task", help="Task whose sessions a folder's are.")] = "triads",
    resamples: Annotated[int, typer.Option(help="Bootstrap samples of each participant.")] = 1000,
    seed: Seed = 0,
    formats: Annotated[str, typer.Option(help="Formats of the figures: svg, png, pdf.")] = "svg,png",
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Figures, in files and on the page.")] = True,
    simulate: Annotated[
        Path | None,
        typer.Option("--simulate", help="New table (CSV) of three simulated observers' answers; nothing is analysed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Scale how far apart images of a loop or path look.

    A row is a triad (left_deg, middle_deg, right_deg) or two pairs (left_1_deg, left_2_deg, right_1_deg, right_2_deg)
    and response: the side, left or right, that looks more different. The result makes a loop in even steps to the eye
    (morph --scale).

    \b
    Example:
      lookalike scale --simulate triads.csv
      lookalike scale triads.csv --out scaled
      lookalike scale study-3 --loop loops/loop-01 --of-loop loop-01 --out scaled
      lookalike scale detected.csv --psychometric --guess 0.5 --out thresholds
    """
    from analysis.report.figures.render import formats_of

    drawn = formats_of(formats) if figures else ()
    _refuse_unused(psychometric, {"--guess": guess}, {"--distance": distance, "--loop": loop})
    if simulate is not None:
        from lookalike.flows.scale import write_simulated

        write_simulated(simulate, not open_path, seed)
        kind = " --open" if open_path else ""
        say(
            f"lookalike: {relative(simulate)} holds simulated answers; scale them: "
            f"lookalike scale {relative(simulate)}{kind} --out scaled"
        )
        return
    if out is None or not data:
        raise LookalikeError(
            "missing-option", "name a table of comparisons, and with --out a new folder for the results"
        )
    from data.files import refuse_occupied
    from lookalike.flows.scale import read_answers

    refuse_occupied(out)
    table, files = read_answers(data, columns, of_loop, task)
    source = ", ".join(path.name for path in data)
    settings = {"lapse": lapse, "resamples": resamples, "seed": seed, "source": source}
    if psychometric:
        _psychometric(table, out, files, settings | {"guess": guess}, drawn, as_json)
    else:
        _scale(table, out, files, settings | {"distance": distance}, (loop, open_path), drawn, as_json)


def _scale(
    table: pd.DataFrame,
    out: Path,
    files: dict[str, str],
    settings: dict[str, Any],
    shape: tuple[Path | None, bool],
    drawn: tuple[Format, ...],
    as_json: bool,
) -> None:
    from analysis.report.scaling.scale_report import save_scale
    from analysis.scaling.difference_scale import difference_scale
    from lookalike.flows.scale import loop_compared

    folder, open_path = shape
    loop, identity, more = (None, None, None) if folder is None else loop_compared(folder)
    if loop is not None and open_path and loop.closed:
        raise LookalikeError("conflicting-options", f"{folder}: is a closed loop; leave out --open")
    closed = not open_path if loop is None else loop.closed
    found = difference_scale(table, closed=closed, **settings)
    simulated = "observer" in table.columns and bool((table["observer"] == "simulated").any())
    summary = save_scale(found, out, files, identity, more=more, simulated=simulated, formats=drawn)
    if found.reason:
        say(f"lookalike: without a scale: {found.reason}")
    if as_json:
        show(summary, True)
        return
    length = found.length_jnd
    bounds = "" if length.low != length.low else f" ({length.low:.1f} to {length.high:.1f})"
    show(
        {
            "verdict": f"{summary['verdict']}. {summary['words']}",
            "length": f"{length.value:.1f} JNDs{bounds}{', ' + found.distance if closed else ''}",
            "report": relative(out / "report.html"),
        }
        | ({} if loop is None else {"for morph --scale": relative(out)}),
        False,
    )


def _psychometric(
    table: pd.DataFrame,
    out: Path,
    files: dict[str, str],
    settings: dict[str, Any],
    drawn: tuple[Format, ...],
    as_json: bool,
) -> None:
    from analysis.report.scaling.psychometric_report import save_psychometric
    from analysis.scaling.psychometric import psychometric_functions

    summary = save_psychometric(psychometric_functions(table, **settings), out, files, drawn)
    show(summary if as_json else {"words": summary["words"], "report": relative(out / "report.html")}, as_json)


def _refuse_unused(psychometric: bool, functions: dict[str, Any], scales: dict[str, Any]) -> None:
    """Raise `LookalikeError` for an option of the other analysis."""
    for option, value in (scales if psychometric else functions).items():
        if value is not None:
            what = "of no use with" if psychometric else "for"
            raise LookalikeError("unused-option", f"{option} is {what} --psychometric; leave it out")
