"""The display file, `display.json`: what a session must know of the screen it runs on.

Settings may be edited by hand, such as the viewing distance; the measured table may not: its hash is
written beside it, and stands in the record of every session.
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
_PITCH_CM = (0.005, 0.25)  # a pixel of the finest telephone is smaller, one of a projector in a hall larger


class Display(BaseModel):
    """One display as it was set up and measured.

    `kind` says what the lookup makes of P-values: `gsdf` equal numbers of just-noticeable differences
    (DICOM PS3.14), `gamma` proportional luminance, `none` framebuffer values as they are. With `gamma`
    the exponent is fitted to the table unless given.
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
    image_height_deg: float | None = Field(None, gt=0, lt=90, description="None: about half the window")
    resample: bool = Field(False, description="reach image_height_deg exactly instead of by whole pixels")
    photodiode: Literal["bottom-left", "bottom-right", "top-left", "top-right"] | None = None
    measured_utc: str | None = Field(None, description="when the last reading was taken; None: nothing says so")

    @model_validator(mode="after")
    def _fits_together(self) -> Display:
        if min(*self.size_px, *self.size_cm) <= 0:
            raise ValueError("size_px and size_cm must be above 0")
        for cm, px in zip(self.size_cm, self.size_px, strict=True):
            if not _PITCH_CM[0] <= cm / px <= _PITCH_CM[1]:
                raise ValueError(
                    f"size_cm: {cm:g} cm for {px} px would be pixels of {10 * cm / px:.2g} mm, and displays have "
                    f"{10 * _PITCH_CM[0]:g} to {10 * _PITCH_CM[1]:g}; give the size of the lit area in cm, such as "
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
        """The measured table, if there is one."""
        if self.table is None:
            return None
        levels, luminances = zip(*self.table, strict=True)
        return LuminanceTable(levels, luminances, self.ambient_cd_m2)

    def lookup(self) -> Lookup:
        """From P-value to framebuffer value on this display."""
        table = self.luminances
        if self.kind == "gsdf" and table is not None:
            return gsdf_lookup(table)
        if self.kind == "gamma":
            return gamma_lookup(self.gamma if self.gamma is not None else _fitted(table))
        return no_lookup()

    def conformance(self, again: LuminanceTable | None = None) -> Conformance:
        """How the display shows P-values, by its own table or by one measured `again`, through its own lookup.

        The target is the GSDF, and for kind gamma luminance in proportion to the P-value. Raises
        `LookalikeError` if nothing was measured.
        """
        table = again or self.luminances
        if table is None:
            raise LookalikeError(
                f"display {self.name!r} was never measured; give a measurement (--from measured.csv), or calibrate it"
            )
        return measure_conformance(self.lookup(), table, "linear" if self.kind == "gamma" else "gsdf")

    @property
    def calibration(self) -> str:
        """In a word: gsdf, gamma or uncalibrated. A gamma that nobody measured says so, and so does a display that
        was found to follow the GSDF without a lookup."""
        if self.kind == "none":
            itself = self.table is not None and self.conformance().conforms
            return "gsdf, by the display itself" if itself else UNCALIBRATED
        return self.kind if self.table is not None else "gamma, not measured"

    def about(self) -> dict[str, Any]:
        """What stands in the record of each session, as JSON has it: all settings, and the table's hash."""
        said = self.model_dump(mode="json", exclude={"format", "table"})
        if self.kind == "gamma" and self.gamma is None:
            said["gamma"] = round(_fitted(self.luminances), 4)
        return said


def make_display(settings: Mapping[str, Any], table: LuminanceTable | None) -> Display:
    """A display from its settings (the fields of `Display`) and what was measured.

    Raises `LookalikeError` naming the setting at fault.
    """
    measured: dict[str, Any] = {}
    if table is not None:
        measured["table"] = tuple(zip(table.levels, table.luminances_cd_m2, strict=True))
        measured["table_sha256"] = table.sha256
        measured["measured_utc"] = table.measured_utc
    try:
        display = Display.model_validate({**settings, **measured})
    except ValidationError as error:
        raise LookalikeError(f"display: {_first_fault(error)}") from None
    display.lookup()
    return display


def refuse_settings(settings: Mapping[str, Any]) -> None:
    """Raise `LookalikeError` for settings with which no measurement would make a display: before one is taken."""
    levels = tuple(range(0, LEVELS, 15))
    usual = tuple(0.5 + 300 * (level / TOP) ** 2.2 for level in levels)
    make_display(settings, LuminanceTable(levels, usual, settings["ambient_cd_m2"]))


def read_display(path: Path) -> Display:
    """Read a display file and check its table's hash.

    Raises `LookalikeError` naming the field or the rows at fault.
    """
    path = Path(path)
    try:
        display = Display.model_validate_json(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError):
        raise LookalikeError(
            f"{path}: no such display file; is this the study's folder? If there is none yet, "
            f"'lookalike display calibrate {path.name}' makes one"
        ) from None
    except ValidationError as error:
        raise LookalikeError(f"{path}: {_first_fault(error)}") from None
    if display.table is None:
        return display
    table = checked(pd.DataFrame(display.table, columns=list(COLUMNS)), f"{path}, table", display.ambient_cd_m2)
    if table.sha256 != display.table_sha256:
        raise LookalikeError(
            f"{path}: its table or ambient light was altered since it was measured; make the file again with "
            "'lookalike display calibrate'"
        )
    display.lookup()  # a display outside the range of the GSDF is found here, not in a session
    return display


def write_display(path: Path, display: Display) -> None:
    """Write a display file atomically; an older one is replaced."""
    write_text(path, display.model_dump_json(indent=2) + "\n")


def _first_fault(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _fitted(table: LuminanceTable | None) -> float:
    if table is None:
        raise ValueError("no table to fit a gamma to")
    return fit_gamma(table)[0]
