"""`lookalike display check`: whether a display still meets its target."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import LookalikeError
from lookalike.console import relative, show
from lookalike.flows.readings import refuse_other_size, take_readings
from lookalike.options import Json, WholeScreen, number

if TYPE_CHECKING:
    from experiments.display.conformance import Conformance


def check(
    display: Annotated[Path, typer.Argument(help="Display file, from 'display calibrate'.")],
    measured: Annotated[
        Path | None,
        typer.Option("--from", help="CSV of later readings: level, luminance_cd_m2. [default: the display file's]"),
    ] = None,
    measure: Annotated[Path | None, typer.Option(help="New CSV of readings taken now, at 18 P-values.")] = None,
    ambient: Annotated[
        float | None, typer.Option(help="Room light now, cd/m². [default: the display file's]", **number("--ambient"))
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="New figure of the contrast response: .svg, .pdf or .png.")
    ] = None,
    fullscreen: WholeScreen = True,
    as_json: Json = False,
) -> None:
    """Check contrast against the target; exit code 1 if it fails.

    The contrast of each step between grey levels must be within 10% of the target's.

    \b
    Example:
      lookalike display check display.json --figure conformance.svg
      lookalike display check display.json --measure checked-in-may.csv
    """
    from experiments.display.calibration import read_luminances
    from experiments.display.display_file import read_display

    if measured is not None and measure is not None:
        raise LookalikeError("conflicting-options", "--from and --measure exclude each other; leave one out")
    here = read_display(display)
    light = here.ambient_cd_m2 if ambient is None else ambient
    table = None if measured is None else read_luminances(measured, light)
    if measure is not None:
        from experiments.display.conformance import levels_to_check
        from experiments.windows.measuring import refuse_whole

        levels = levels_to_check(here.lookup())
        refuse_whole(measure, levels)
        accept = partial(refuse_other_size, here.size_px)
        table, _, _ = take_readings(measure, light, here.screen, fullscreen, accept, levels)
    elif ambient is not None and table is None:
        raise LookalikeError("missing-option", "--ambient belongs to new readings; give --from or --measure with it")
    report = here.conformance(table)
    said = {"display": here.name, "kind": here.kind, **report.summary()}
    said["table_sha256"] = here.table_sha256 if table is None else table.sha256
    if figure is not None:
        _draw(report, figure)
        said["figure"] = relative(figure)
    show(said | ({"steps": report.steps()} if as_json else {}), as_json)
    if not report.conforms:
        raise typer.Exit(1)


def _draw(report: Conformance, path: Path) -> None:
    from analysis.report.figures.render import render
    from data.files import write_bytes
    from experiments.display.conformance import draw

    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "pdf", "png"):
        raise LookalikeError("unknown-format", f"{path}: a figure is .svg, .pdf or .png; choose one of these endings")
    write_bytes(path, render(draw(report), kind))  # type: ignore[arg-type]
