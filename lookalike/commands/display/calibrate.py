"""`lookalike display calibrate`: from photometer readings to a display file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import LookalikeError
from lookalike.console import relative, say, show
from lookalike.flows.readings import refuse_other_size, take_readings
from lookalike.options import Json, Screen, WholeScreen, number

if TYPE_CHECKING:
    from experiments.display.calibration import LuminanceTable
    from experiments.display.display_file import Display


NewDisplayFile = Annotated[
    Path, typer.Argument(help="New display file, such as display.json; an existing one is never overwritten.")
]
DisplayName = Annotated[str, typer.Option(help="Name of the display in records.")]
SizeCm = Annotated[str, typer.Option(help="Width x height of the lit area, cm, such as 52.7x29.6.")]
Distance = Annotated[float, typer.Option(help="Distance from eye to screen, cm.", **number("--distance"))]
Ambient = Annotated[
    float, typer.Option(help="Room light reflected by the dark screen, cd/m²; 0 for none.", **number("--ambient"))
]
SizePx = Annotated[str | None, typer.Option(help="Width x height of the screen, px. [default: as the screen reports]")]
LookupKind = Annotated[
    str, typer.Option(help="Lookup: gsdf (DICOM), gamma (luminance proportional to grey level) or none.")
]
Gamma = Annotated[
    float | None,
    typer.Option(help="Exponent for --kind gamma. [default: fitted to the readings]", **number("--gamma")),
]
EarlierReadings = Annotated[
    Path | None, typer.Option("--from", help="CSV of earlier readings: level, luminance_cd_m2.")
]
Unmeasured = Annotated[bool, typer.Option("--unmeasured", help="Display file without readings.")]
NewReadings = Annotated[Path | None, typer.Option(help="CSV in which new readings are kept. [default: beside OUT]")]
RefreshRate = Annotated[float | None, typer.Option(help="Refresh rate, Hz. [default: measured]", **number("--refresh"))]
ImageHeight = Annotated[
    float | None,
    typer.Option(help="Height of images, degrees of visual angle. [default: any]", **number("--image-deg")),
]
Resample = Annotated[
    bool, typer.Option("--resample", help="Exactly that height by resampling, not the nearest whole-pixel scale.")
]
Photodiode = Annotated[
    str | None, typer.Option(help="Corner of a photodiode patch, such as bottom-left. [default: no patch]")
]


def calibrate(
    out: NewDisplayFile,
    name: DisplayName,
    size_cm: SizeCm,
    distance: Distance,
    ambient: Ambient,
    size_px: SizePx = None,
    kind: LookupKind = "gsdf",
    gamma: Gamma = None,
    measured: EarlierReadings = None,
    unmeasured: Unmeasured = False,
    readings: NewReadings = None,
    refresh: RefreshRate = None,
    image_deg: ImageHeight = None,
    resample: Resample = False,
    photodiode: Photodiode = None,
    screen: Screen = 0,
    fullscreen: WholeScreen = True,
    as_json: Json = False,
) -> None:
    """Measure a display by photometer and write its display file.

    Each level is shown in a window; type the photometer's reading, 'back' to repeat the previous level, or 'stop'.
    Within a day the same command resumes after the last reading.

    \b
    Example:
      lookalike display calibrate display.json --name "Room 2" --size-cm 52.7x29.6 --distance 60 --ambient 0.2
      lookalike display calibrate display.json --name "Room 2" --size-cm 52.7x29.6 --size-px 1920x1080 \\
        --distance 60 --ambient 0.2 --from measured.csv
    """
    from data.files import refuse_occupied
    from experiments.display.calibration import read_luminances
    from experiments.display.display_file import make_display, read_display, write_display
    from experiments.windows.measuring import archive

    refuse_occupied(out)
    if measured is not None and unmeasured:
        raise LookalikeError("conflicting-options", "--from and --unmeasured exclude each other; leave one out")
    size = None if size_px is None else _whole_pair(size_px, "--size-px")
    settings: dict[str, Any] = {"name": name, "kind": kind, "gamma": gamma, "ambient_cd_m2": ambient}
    settings |= {"screen": screen, "size_px": size, "size_cm": _pair(size_cm, "--size-cm"), "distance_cm": distance}
    settings |= {"refresh_hz": refresh, "image_height_deg": image_deg, "resample": resample, "photodiode": photodiode}
    keep = readings or out.with_name(f"{out.stem}-readings.csv")
    by_hand = measured is None and not unmeasured
    table: LuminanceTable | None = None
    if by_hand:
        table, settings = _measure(keep, settings, fullscreen)
    elif size is None:
        raise LookalikeError("missing-option", "no window tells the screen's size; give --size-px, such as 1920x1080")
    elif measured is not None:
        table = read_luminances(measured, ambient)
    display = make_display(settings, table)
    write_display(out, display)
    if measured is not None and display.measured_utc is None:
        say(f"{measured}: has no column measured_utc, so the display file does not say when this was measured")
    # Not earlier, because the same command resumes from them; not later, because the next calibration starts afresh.
    aside = archive(keep, display.measured_utc) if by_hand else None
    _show_display(out, read_display(out), aside, as_json)


def _measure(keep: Path, settings: dict[str, Any], fullscreen: bool) -> tuple[LuminanceTable, dict[str, Any]]:
    """New readings, and the settings with the size and the refresh rate that the screen reports."""
    accept = partial(_accept, settings)
    table, size, rate = take_readings(keep, settings["ambient_cd_m2"], settings["screen"], fullscreen, accept)
    return table, settings | {"size_px": size, "refresh_hz": settings["refresh_hz"] or rate}


def _accept(settings: dict[str, Any], screen_px: tuple[int, int]) -> None:
    from experiments.display.display_file import refuse_settings

    refuse_other_size(settings["size_px"], screen_px)
    refuse_settings(settings | {"size_px": screen_px})


def _show_display(path: Path, display: Display, readings: Path | None, as_json: bool) -> None:
    shown = {"display": relative(path), **display.about(), "calibration": display.calibration}
    if readings is not None:
        shown["readings"] = relative(readings)
    if display.table is not None:
        report = display.conformance()
        shown |= {"verdict": report.verdict(), "grey_levels_of_256": report.surviving[8]}
    show(shown, as_json)


def _pair(text: str, what: str) -> tuple[float, float]:
    try:
        width, height = (float(part.replace(",", ".")) for part in text.lower().split("x"))
    except ValueError:
        raise LookalikeError("bad-size", f"{what} is {text!r}; write width x height, such as 52.7x29.6") from None
    return width, height


def _whole_pair(text: str, what: str) -> tuple[int, int]:
    width, height = _pair(text, what)
    if width % 1 or height % 1:
        raise LookalikeError("bad-size", f"{what} is {text!r}; pixels are whole numbers, such as 1920x1080")
    return int(width), int(height)
