"""The display file, `display.json`: what a session must know of the screen it runs on.

Settings such as the viewing distance may be edited by hand; the measured table may not: its hash is written beside it,
and in the record of every session.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import LookalikeError
from data.files import write_text
from experiments.display.calibration import (
    COLUMNS,
    LEVELS,
    TOP,
    Lookup,
    LuminanceTable,
    checked,
    fit_gamma,
    gamma_lookup,
    gsdf_lookup,
    no_lookup,
)
from experiments.display.conformance import Conformance, measure_conformance

UNCALIBRATED = "uncalibrated"
DISTANCES_CM = (10, 2000)  # from an eye to a screen: from a telephone to a projection in a hall
_PITCH_CM = (0.005, 0.25)  # from the finest telephone to a projector in a hall


class Display(BaseModel):
    """One display as it was set up and measured.

    Attributes
    ----------
    name : str
        Name of the display, for the lab.
    screen : int
        Which of the computer's screens; 0 is the first.
    size_px : tuple of int
        Width and height of the whole screen, px.
    size_cm : tuple of float
        Width and height of the lit area, cm.
    distance_cm : float
        From the eye to the screen, cm.
    refresh_hz : float or None
        Refresh rate, Hz.
    kind : {"gsdf", "gamma", "none"}
        What the lookup makes of equal steps of P-value: equal numbers of just-noticeable differences (DICOM PS3.14),
        equal steps of luminance, or framebuffer values as they are.
    gamma : float or None
        Exponent of the display, 0.2 to 5, for kind `gamma`; None: fitted to the table.
    ambient_cd_m2 : float
        Room light reflected by the screen, cd/m².
    table : tuple of (int, float) or None
        Measured framebuffer levels and luminances, cd/m².
    table_sha256 : str or None
        Hash of table and room light.
    image_height_deg : float or None
        Height of images, degrees of visual angle; None: about half the window.
    resample : bool
        Whether images are resampled to that height exactly, instead of scaled by a whole number of pixels.
    photodiode : {"bottom-left", "bottom-right", "top-left", "top-right"} or None
        Corner of the patch for a photodiode.
    measured_utc : str or None
        When the last reading was taken.

    Examples
    --------
    >>> import experiments
    >>> room = {"name": "Room 2", "size_px": (1920, 1080), "size_cm": (52.7, 29.6), "distance_cm": 57.0}
    >>> display = experiments.make_display({**room, "kind": "gamma", "gamma": 2.2}, table=None)
    >>> display.calibration, display.lookup()([0.0, 0.5, 1.0]).tolist()
    ('gamma, not measured', [0, 186, 255])
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["lookalike-display/1"] = "lookalike-display/1"
    name: str = Field(min_length=1)
    screen: int = Field(0, ge=0, description="which of the computer's screens; 0 is the first")
    size_px: tuple[int, int] = Field(description="width, height of the whole screen")
    size_cm: tuple[float, float] = Field(description="width, height of the lit area")
    distance_cm: float = Field(gt=0, allow_inf_nan=False, description="from the eye to the screen")
    refresh_hz: float | None = Field(None, gt=0, allow_inf_nan=False)
    kind: Literal["gsdf", "gamma", "none"]
    gamma: float | None = Field(None, ge=0.2, le=5)
    ambient_cd_m2: float = Field(0.0, ge=0, allow_inf_nan=False, description="room light that the screen reflects")
    table: tuple[tuple[int, float], ...] | None = Field(None, description="framebuffer level, luminance in cd/m²")
    table_sha256: str | None = Field(None, description="of table and ambient light")
    image_height_deg: float | None = Field(
        None, gt=0, lt=90, description="height of images; None: about half the window"
    )
    resample: bool = Field(False, description="image_height_deg exactly, not by whole pixels")
    photodiode: Literal["bottom-left", "bottom-right", "top-left", "top-right"] | None = None
    measured_utc: str | None = Field(None, description="when the last reading was taken; None: not stated")

    @model_validator(mode="after")
    def _fits_together(self) -> Display:
        if min(*self.size_px, *self.size_cm) <= 0:
            raise ValueError("size_px and size_cm must be above 0")
        low, high = DISTANCES_CM
        if not low <= self.distance_cm <= high:
            raise ValueError(
                f"distance_cm: {self.distance_cm:g} cm is no distance from an eye to a screen ({low} to {high} cm); "
                "give it in cm, such as 60"
            )
        if self.refresh_hz is not None and not 20 <= self.refresh_hz <= 1000:
            raise ValueError(f"refresh_hz: {self.refresh_hz:g} Hz is no display's refresh rate (20 to 1000 Hz)")
        for cm, px in zip(self.size_cm, self.size_px, strict=True):
            if not _PITCH_CM[0] <= cm / px <= _PITCH_CM[1]:
                raise ValueError(
                    f"size_cm: {cm:g} cm for {px} px gives pixels of {10 * cm / px:.2g} mm, and those of displays are "
                    f"{10 * _PITCH_CM[0]:g} to {10 * _PITCH_CM[1]:g} mm; give the size of the lit area in cm, such as "
                    "52.7x29.6"
                )
        if self.kind == "gsdf" and self.table is None:
            raise ValueError("kind gsdf needs a table of measured luminances")
        if self.kind == "gamma" and self.table is None and self.gamma is None:
            raise ValueError("kind gamma needs a gamma, or a table of measured luminances to fit one to")
        if self.kind != "gamma" and self.gamma is not None:
            raise ValueError(f"gamma is given, but kind is {self.kind}")
        if self.resample and self.image_height_deg is None:
            raise ValueError("resample needs image_height_deg")
        return self

    @property
    def luminances(self) -> LuminanceTable | None:
        """The measured table, if any."""
        if self.table is None:
            return None
        levels, luminances = zip(*self.table, strict=True)
        return LuminanceTable(levels, luminances, self.ambient_cd_m2)

    def lookup(self) -> Lookup:
        """From P-values to framebuffer values on this display."""
        table = self.luminances
        if self.kind == "gsdf" and table is not None:
            return gsdf_lookup(table)
        if self.kind == "gamma":
            return gamma_lookup(self.gamma if self.gamma is not None else _fitted(table))
        return no_lookup()

    def conformance(self, again: LuminanceTable | None = None) -> Conformance:
        """How closely the display follows its target, by its own table or one measured `again`, with its own lookup.

        The target is the GSDF, or for kind gamma luminance in proportion to the P-value. Raises `LookalikeError` if
        nothing was measured.
        """
        table = again or self.luminances
        if table is None:
            raise LookalikeError(
                "not-measured",
                f"display {self.name!r} was never measured; give a measurement (--from measured.csv), or calibrate it",
            )
        return measure_conformance(self.lookup(), table, "linear" if self.kind == "gamma" else "gsdf")

    @property
    def calibration(self) -> str:
        """The calibration in a word: gsdf, gamma or uncalibrated.

        It also says if a gamma was not measured, or if the display follows the GSDF without a lookup.
        """
        if self.kind == "none":
            itself = self.table is not None and self.conformance().conforms
            return "gsdf, by the display itself" if itself else UNCALIBRATED
        return self.kind if self.table is not None else "gamma, not measured"

    def about(self) -> dict[str, Any]:
        """What the record of each session says of the display, as for JSON: all settings, and the table's hash."""
        settings = self.model_dump(mode="json", exclude={"format", "table"})
        if self.kind == "gamma" and self.gamma is None:
            settings["gamma"] = round(_fitted(self.luminances), 4)
        return settings


def make_display(settings: Mapping[str, Any], table: LuminanceTable | None) -> Display:
    """Make a display from its settings and a measurement.

    Parameters
    ----------
    settings : mapping
        The attributes of `Display`, except the table and what follows from it.
    table : LuminanceTable or None
        Measured luminances; None for kind `none`, or `gamma` with a given exponent.

    Returns
    -------
    Display
        The checked display.

    Raises
    ------
    LookalikeError
        Naming the setting at fault (`invalid-display`), or if black or white is outside the range of the GSDF.

    Examples
    --------
    >>> import experiments
    >>> levels = tuple(range(0, 256, 15))
    >>> table = experiments.LuminanceTable(levels, tuple(0.5 + 300 * (level / 255) ** 2.2 for level in levels), 0.2)
    >>> room = {"name": "Room 2", "size_px": (1920, 1080), "size_cm": (52.7, 29.6), "distance_cm": 57.0}
    >>> display = experiments.make_display({**room, "kind": "gsdf", "ambient_cd_m2": 0.2}, table)
    >>> display.conformance().conforms
    True
    """
    measured: dict[str, Any] = {}
    if table is not None:
        measured["table"] = tuple(zip(table.levels, table.luminances_cd_m2, strict=True))
        measured["table_sha256"] = table.sha256
        measured["measured_utc"] = table.measured_utc
    try:
        display = Display.model_validate({**settings, **measured})
    except ValidationError as error:
        raise LookalikeError("invalid-display", f"display: {_first_fault(error)}") from None
    display.lookup()
    return display


def refuse_settings(settings: Mapping[str, Any]) -> None:
    """Raise `LookalikeError`, before a measurement is taken, for settings with which none would make a display."""
    levels = tuple(range(0, LEVELS, 15))
    usual = tuple(0.5 + 300 * (level / TOP) ** 2.2 for level in levels)
    make_display(settings, LuminanceTable(levels, usual, settings["ambient_cd_m2"]))


def read_display(path: Path) -> Display:
    """Read a display file and check the hash of its table.

    Parameters
    ----------
    path : Path
        Display file, as `write_display` or `lookalike display calibrate` wrote it.

    Returns
    -------
    Display
        The checked display.

    Raises
    ------
    LookalikeError
        If the file is missing (`no-such-file`), a field is invalid (`invalid-display`), or the measured table was
        altered (`altered-file`).

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> room = {"name": "Room 2", "size_px": (1920, 1080), "size_cm": (52.7, 29.6), "distance_cm": 57.0}
    >>> experiments.write_display(Path("display.json"), experiments.make_display({**room, "kind": "none"}, table=None))
    >>> experiments.read_display(Path("display.json")).calibration
    'uncalibrated'
    """
    path = Path(path)
    try:
        display = Display.model_validate_json(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError):
        raise LookalikeError(
            "no-such-file",
            f"{path}: no such display file; is this the study's folder? If there is none yet, "
            f"'lookalike display calibrate {path.name}' makes one",
        ) from None
    except ValidationError as error:
        raise LookalikeError("invalid-display", f"{path}: {_first_fault(error)}") from None
    if display.table is None:
        return display
    table = checked(pd.DataFrame(display.table, columns=list(COLUMNS)), f"{path}, table", display.ambient_cd_m2)
    if table.sha256 != display.table_sha256:
        raise LookalikeError(
            "altered-file",
            f"{path}: its table or ambient light was altered since it was measured; make the file again with "
            "'lookalike display calibrate'",
        )
    display.lookup()  # so that a display outside the range of the GSDF is found here, not in a session
    return display


def write_display(path: Path, display: Display) -> None:
    """Write a display file; an older one is replaced, atomically.

    Parameters
    ----------
    path : Path
        The display file, such as `display.json`.
    display : Display
        The display.

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> room = {"name": "Room 2", "size_px": (1920, 1080), "size_cm": (52.7, 29.6), "distance_cm": 57.0}
    >>> experiments.write_display(Path("display.json"), experiments.make_display({**room, "kind": "none"}, table=None))
    >>> Path("display.json").read_text(encoding="utf-8").splitlines()[1]
    '  "format": "lookalike-display/1",'
    """
    write_text(path, display.model_dump_json(indent=2) + "\n")


def _first_fault(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _fitted(table: LuminanceTable | None) -> float:
    if table is None:
        raise ValueError("no table to fit a gamma to")
    return fit_gamma(table)[0]
