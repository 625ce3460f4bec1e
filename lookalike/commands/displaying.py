"""Commands for the display that sessions run on: set it up, check it, look at it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import LookalikeError
from lookalike.console import need, relative, say, show
from lookalike.options import Fullscreen, Json, number

if TYPE_CHECKING:
    from experiments.display.calibration import LuminanceTable
    from experiments.display.conformance import Conformance
    from experiments.display.display_file import Display

app = typer.Typer()
display_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Calibrate and check a display.")
app.add_typer(display_app, name="display")

_File = Annotated[Path, typer.Argument(help="Display file, as 'display calibrate' makes it.")]
_Screen = Annotated[int, typer.Option("--screen", min=0, help="Which of the computer's screens; 0 is the first.")]


@display_app.command()
def calibrate(
    out: Annotated[Path, typer.Argument(help="Display file to write, such as display.json; never overwrites.")],
    name: Annotated[str, typer.Option(help="What the display is called in records.")],
    size_cm: Annotated[str, typer.Option(help="Width x height of the lit area, cm, such as 52.7x29.6.")],
    distance: Annotated[float, typer.Option(help="From the eye to the screen, cm.", **number("--distance"))],
    ambient: Annotated[
        float, typer.Option(help="Room light that the dark screen reflects, cd/m²; 0 if none.", **number("--ambient"))
    ],
    size_px: Annotated[
        str | None, typer.Option(help="Width x height of the screen, px. [default: asked of it]")
    ] = None,
    kind: Annotated[str, typer.Option(help="gsdf (DICOM), gamma (luminance in proportion) or none.")] = "gsdf",
    gamma: Annotated[
        float | None, typer.Option(help="Of kind gamma. [default: fitted to the readings]", **number("--gamma"))
    ] = None,
    measured: Annotated[Path | None, typer.Option("--from", help="CSV of level, luminance_cd_m2, made before.")] = None,
    unmeasured: Annotated[bool, typer.Option("--unmeasured", help="Write the file without any reading.")] = False,
    readings: Annotated[Path | None, typer.Option(help="Where readings are kept. [default: beside OUT]")] = None,
    refresh: Annotated[
        float | None, typer.Option(help="Refresh rate, Hz. [default: measured]", **number("--refresh"))
    ] = None,
    image_deg: Annotated[
        float | None, typer.Option(help="Wanted height of images, degrees. [default: any]", **number("--image-deg"))
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Reach that height exactly, not by whole pixels.")
    ] = False,
    photodiode: Annotated[str | None, typer.Option(help="A patch in a corner, such as bottom-left.")] = None,
    screen: _Screen = 0,
    fullscreen: Fullscreen = False,
    as_json: Json = False,
) -> None:
    """Measure a display with a photometer, level by level, and write its display file.

    Each level is shown in a window; type what the photometer says, 'back' to measure the one before again, or
    'stop'. Within a day the same command goes on where it stopped.

    \b
    Example:
      lookalike display calibrate display.json --name "Room 2" --size-cm 52.7x29.6 --distance 60 --ambient 0.2
      lookalike display calibrate display.json --name "Room 2" --size-cm 52.7x29.6 --size-px 1920x1080 \\
        --distance 60 --ambient 0.2 --from measured.csv
    """
    from data.files import refuse_occupied
    from experiments.display.calibration import read_luminances
    from experiments.display.display_file import make_display, read_display, write_display
    from experiments.display.measuring import archive

    refuse_occupied(out)
    if measured is not None and unmeasured:
        raise LookalikeError("--from and --unmeasured exclude each other; leave one out")
    settings: dict[str, Any] = {
        "name": name,
        "screen": screen,
        "size_px": None if size_px is None else _whole_pair(size_px, "--size-px"),
        "size_cm": _pair(size_cm, "--size-cm"),
        "distance_cm": distance,
        "refresh_hz": refresh,
        "kind": kind,
        "gamma": gamma,
        "ambient_cd_m2": ambient,
        "image_height_deg": image_deg,
        "resample": resample,
        "photodiode": photodiode,
    }
    table: LuminanceTable | None = None
    keep = readings or out.with_name(f"{out.stem}-readings.csv")
    by_hand = measured is None and not unmeasured
    if by_hand:
        table, screen_px, screen_hz = _measure(keep, ambient, screen, fullscreen, partial(_accept, settings))
        settings |= {"size_px": screen_px, "refresh_hz": refresh or screen_hz}
    elif settings["size_px"] is None:
        raise LookalikeError("without a window the screen's size is unknown; give --size-px, such as 1920x1080")
    elif measured is not None:
        table = read_luminances(measured, ambient)
    display = make_display(settings, table)
    write_display(out, display)
    if measured is not None and display.measured_utc is None:
        say(f"{measured}: has no column measured_utc, so the display file does not say when this was measured")
    # Not before: until then the same command goes on with them. Not later: they are no part of the next calibration.
    aside = archive(keep, display.measured_utc) if by_hand else None
    _show_display(out, read_display(out), aside, as_json)


@display_app.command()
def check(
    display: _File,
    measured: Annotated[
        Path | None, typer.Option("--from", help="A later CSV of level, luminance_cd_m2. [default: the file's own]")
    ] = None,
    measure: Annotated[
        Path | None, typer.Option(help="Measure now at the 18 P-values, and keep the readings in this CSV.")
    ] = None,
    ambient: Annotated[
        float | None, typer.Option(help="Room light now, cd/m². [default: the file's]", **number("--ambient"))
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the contrast response: .svg, .pdf or .png.")] = None,
    fullscreen: Fullscreen = False,
    as_json: Json = False,
) -> None:
    """Report whether contrast is within 10 % of the target at each step; exit code 1 if not.

    \b
    Example:
      lookalike display check display.json --figure conformance.svg
      lookalike display check display.json --measure checked-in-may.csv
    """
    from experiments.display.calibration import read_luminances
    from experiments.display.display_file import read_display

    if measured is not None and measure is not None:
        raise LookalikeError("--from and --measure exclude each other; leave one out")
    here = read_display(display)
    light = here.ambient_cd_m2 if ambient is None else ambient
    table = None if measured is None else read_luminances(measured, light)
    if measure is not None:
        from experiments.display.conformance import levels_to_check
        from experiments.display.measuring import refuse_whole

        levels = levels_to_check(here.lookup())
        refuse_whole(measure, levels)
        accept = partial(_refuse_other_size, here.size_px)
        table, _, _ = _measure(measure, light, here.screen, fullscreen, accept, levels)
    elif ambient is not None and table is None:
        raise LookalikeError("--ambient belongs to a new measurement; give --from or --measure with it")
    report = here.conformance(table)
    said = {"display": here.name, "kind": here.kind, **report.summary()}
    said["table_sha256"] = here.table_sha256 if table is None else table.sha256
    if figure is not None:
        _draw(report, figure)
        said["figure"] = relative(figure)
    show(said | ({"steps": report.steps()} if as_json else {}), as_json)
    if not report.conforms:
        raise typer.Exit(1)


@display_app.command("test-pattern")
def pattern(
    display: Annotated[Path | None, typer.Argument(help="Display file whose lookup to look through.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the framebuffer values to this file; open no window.")] = None,
    fullscreen: Fullscreen = False,
) -> None:
    """Show a pattern to judge a display by; Space, Escape, Return or a click closes it.

    All 18 steps of the wedge should look evenly spaced, all squares be visible down to 1 %, and the bars of 1 px be
    separate and without colour.

    \b
    Example:
      lookalike display test-pattern display.json --fullscreen
      lookalike display test-pattern --png pattern.png
    """
    from experiments.display.display_file import read_display
    from experiments.display.test_pattern import save_pattern, show_pattern

    here = None if display is None else read_display(display)
    if png is None:
        need("lab")
        say("The pattern stays until Space, Escape, Return or a click.")
        show_pattern(here, fullscreen)
    else:
        save_pattern(png, here)
        show({"png": relative(png), "lookup": "none" if here is None else here.calibration}, False)


def _measure(
    keep: Path,
    ambient: float,
    screen: int,
    fullscreen: bool,
    accept: Callable[[tuple[int, int]], None],
    levels: tuple[int, ...] | None = None,
) -> tuple[LuminanceTable, tuple[int, int], float | None]:
    """Readings from a person in front of a window; also the screen's size, and its refresh rate where it has one.

    `accept` is given the screen's size first, and raises `LookalikeError` if nothing should be measured on it.
    """
    need("lab")
    from experiments.display.measuring import LEVELS, LevelWindow, measure

    window = LevelWindow(fullscreen, screen)
    try:
        accept(window.screen_px)
        table = measure(window.show, _typed, say, levels or LEVELS, keep, ambient)
        return table, window.screen_px, window.refresh_hz
    finally:
        window.close()


def _accept(settings: dict[str, Any], screen_px: tuple[int, int]) -> None:
    from experiments.display.display_file import refuse_settings

    _refuse_other_size(settings["size_px"], screen_px)
    refuse_settings(settings | {"size_px": screen_px})


def _refuse_other_size(wanted_px: tuple[int, int] | None, screen_px: tuple[int, int]) -> None:
    if wanted_px not in (None, screen_px):
        width, height = screen_px
        raise LookalikeError(f"the screen has {width} x {height} px, not what was given; set its resolution")


def _typed(question: str) -> str:
    try:
        return str(typer.prompt(question, err=True))
    except typer.Abort:  # Ctrl+C, or the input came to its end
        return "stop"


def _show_display(path: Path, display: Display, readings: Path | None, as_json: bool) -> None:
    shown = {"display": relative(path), **display.about(), "calibration": display.calibration}
    if readings is not None:
        shown["readings"] = relative(readings)
    if display.table is not None:
        report = display.conformance()
        shown |= {"verdict": report.verdict(), "grey_levels_of_256": report.surviving[8]}
    show(shown, as_json)


def _draw(report: Conformance, path: Path) -> None:
    from analysis.report.figures.render import render
    from data.files import write_bytes
    from experiments.display.conformance import draw

    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "pdf", "png"):
        raise LookalikeError(f"{path}: a figure ends in .svg, .pdf or .png")
    write_bytes(path, render(draw(report), kind))  # type: ignore[arg-type]


def _pair(text: str, what: str) -> tuple[float, float]:
    try:
        width, height = (float(part.replace(",", ".")) for part in text.lower().split("x"))
    except ValueError:
        raise LookalikeError(f"{what} is {text!r}; write width x height, such as 52.7x29.6") from None
    return width, height


def _whole_pair(text: str, what: str) -> tuple[int, int]:
    width, height = _pair(text, what)
    if width % 1 or height % 1:
        raise LookalikeError(f"{what} is {text!r}; pixels are whole numbers, such as 1920x1080")
    return int(width), int(height)
