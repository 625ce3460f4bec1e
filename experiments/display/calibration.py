"""From a measured luminance table to a lookup: which framebuffer value shows which P-value.

The lookup is applied in software, before anything reaches the graphics card: tables inside the card
are unreliable, and forgotten when a screen wakes up.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize_scalar

from data.errors import LookalikeError
from data.files import read_table
from data.trials import refuse_rows
from experiments.display import gsdf

LEVELS = 256  # of an 8-bit framebuffer
TOP = LEVELS - 1
MIN_ROWS = 18  # what AAPM TG18 measures
_MAX_GAP = 32  # levels between neighbouring rows; further apart, a curve through them is a guess
COLUMNS = ("level", "luminance_cd_m2")
MEASURED = "measured_utc"  # a column that may be there: when each reading was taken
_CURE = "measure these levels again, or correct the table"

Levels = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LuminanceTable:
    """Measured luminances: framebuffer `levels` from 0 to 255, rising; `luminances_cd_m2` without the
    room's light; `ambient_cd_m2`, the room's light that the screen reflects; `measured_utc`, when the last
    reading was taken, where that is known."""

    levels: tuple[int, ...]
    luminances_cd_m2: tuple[float, ...]
    ambient_cd_m2: float = 0.0
    measured_utc: str | None = None

    @property
    def sha256(self) -> str:
        """Of the numbers, however the file that held them was written."""
        rows = [f"{level},{luminance!r}" for level, luminance in zip(self.levels, self.luminances_cd_m2, strict=True)]
        return hashlib.sha256("\n".join([*rows, f"ambient,{self.ambient_cd_m2!r}"]).encode()).hexdigest()

    def at(self, levels: npt.ArrayLike) -> Values:
        """What reaches the eye at any framebuffer values, cd/m²: display and room.

        Between rows a monotone curve (PCHIP) runs through luminances that were straightened first, so that
        18 rows tell nearly all: by undoing the display's gamma, or as JND indices where the display itself
        follows the GSDF, whichever leaves the straighter line.
        """
        wanted = np.asarray(levels, dtype=np.float64)
        seen = np.asarray(self.luminances_cd_m2) + self.ambient_cd_m2
        gamma = fit_gamma(self)[0]
        powered = ((seen - seen[0]) / (seen[-1] - seen[0])) ** (1 / gamma)
        low, high = gsdf.limits_cd_m2()
        if low <= seen[0] and seen[-1] <= high:
            jnds = gsdf.jnd_index(seen)
            if _bend(self.levels, jnds) < _bend(self.levels, powered):
                return gsdf.luminance(PchipInterpolator(self.levels, jnds)(wanted))
        return np.asarray(PchipInterpolator(self.levels, powered)(wanted) ** gamma * (seen[-1] - seen[0]) + seen[0])


@dataclass(frozen=True)
class Lookup:
    """`shown` is the P-value that each of the 256 framebuffer values shows: 0 first, 1 last, rising."""

    shown: Values

    def __call__(self, p_values: npt.ArrayLike) -> Levels:
        """The framebuffer value whose P-value is nearest; the same shape, 8 bits.

        P-values outside [0, 1] are shown as black or white. Raises `ValueError` for NaN.
        """
        wanted = np.asarray(p_values, dtype=np.float64)
        if np.isnan(wanted).any():
            raise ValueError("a P-value is not a number")
        between = (self.shown[1:] + self.shown[:-1]) / 2
        return np.searchsorted(between, wanted, side="right").astype(np.uint8)

    def surviving(self, bits: int) -> int:
        """How many of the 2^bits grey levels of a source look different from one another."""
        return int(np.unique(self(np.linspace(0, 1, 2**bits))).size)


def read_luminances(path: Path, ambient_cd_m2: float = 0.0) -> LuminanceTable:
    """Read a CSV (or TSV) of measured luminances with columns level and luminance_cd_m2, and perhaps measured_utc.

    Raises `LookalikeError` naming the rows at fault; see `checked`.
    """
    frame = read_table(path, COLUMNS, text=(MEASURED,))
    last = last_taken(frame, str(path))
    table = checked(frame, str(path), ambient_cd_m2)
    return table if last is None else replace(table, measured_utc=last.isoformat(timespec="seconds"))


def last_taken(frame: pd.DataFrame, source: str) -> datetime | None:
    """When the last of these readings was taken, UTC; None where nothing says so.

    Raises `LookalikeError`, naming `source`, if what should say so is no time.
    """
    if MEASURED not in frame or frame.empty or pd.isna(frame[MEASURED].iloc[-1]):
        return None
    text = str(frame[MEASURED].iloc[-1])
    try:
        taken = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise LookalikeError(f"{source}: {MEASURED} is {text!r}; write it as 2026-05-03T14:30:00, in UTC") from None
    return taken.astimezone(timezone.utc) if taken.tzinfo else taken.replace(tzinfo=timezone.utc)


def checked(frame: pd.DataFrame, source: str, ambient_cd_m2: float = 0.0) -> LuminanceTable:
    """The table of a frame with `COLUMNS`.

    Levels are whole numbers that rise from 0 to 255 in steps of at most 32, at least 18 of them;
    luminances are at least 0 and rise with every row. Raises `LookalikeError` naming `source` and rows.
    """
    level, luminance = (pd.to_numeric(frame[column], errors="coerce") for column in COLUMNS)
    refuse_rows(~(level.between(0, TOP) & (level % 1 == 0)), source, "level is not a whole number 0..255", _CURE)
    refuse_rows(~(luminance.between(0, np.inf, inclusive="left")), source, "luminance is no number from 0 up", _CURE)
    refuse_rows(level.diff() <= 0, source, "level is not above the one before", _CURE)
    refuse_rows(luminance.diff() <= 0, source, "luminance is not above the one before", _CURE)
    refuse_rows(level.diff() > _MAX_GAP, source, f"more than {_MAX_GAP} levels above the one before", _CURE)
    if len(frame) < MIN_ROWS:
        raise LookalikeError(f"{source}: has {len(frame)} levels; at least {MIN_ROWS} are needed, from 0 to {TOP}")
    if level.iloc[0] != 0 or level.iloc[-1] != TOP:
        raise LookalikeError(
            f"{source}: its levels go from {level.iloc[0]:g} to {level.iloc[-1]:g}; measure 0 and {TOP} too"
        )
    if not 0 <= ambient_cd_m2 < np.inf:
        raise LookalikeError(f"{source}: ambient light is {ambient_cd_m2}; it is a number of cd/m² from 0 up")
    return LuminanceTable(tuple(map(int, level)), tuple(map(float, luminance)), float(ambient_cd_m2))


def no_lookup() -> Lookup:
    """P-values straight into the framebuffer."""
    return Lookup(np.linspace(0, 1, LEVELS))


def gamma_lookup(gamma: float) -> Lookup:
    """For luminance that rises in proportion to the P-value, on a display whose own goes as level^gamma."""
    if not 0.2 <= gamma <= 5:
        raise LookalikeError(f"gamma is {gamma:g}; displays have 0.2 to 5, most of them about 2.2")
    return Lookup(np.linspace(0, 1, LEVELS) ** gamma)


def fit_gamma(table: LuminanceTable) -> tuple[float, float]:
    """The gamma of L(level) = L(0) + (L(255) − L(0)) (level / 255)^gamma with the least squared error, and the
    largest error of that curve as a share of L(255) − L(0)."""
    levels, luminances = np.asarray(table.levels) / TOP, np.asarray(table.luminances_cd_m2)
    shares = (luminances - luminances[0]) / (luminances[-1] - luminances[0])
    found = minimize_scalar(
        lambda gamma: float(((levels**gamma - shares) ** 2).sum()), bounds=(0.2, 5), method="bounded"
    )
    return float(found.x), float(np.abs(levels**found.x - shares).max())


def gsdf_lookup(table: LuminanceTable) -> Lookup:
    """For equal steps of P-value that are equal numbers of just-noticeable differences (DICOM PS3.14).

    Raises `LookalikeError` if black or white with the room's light lie outside the function's range.
    """
    jnds = jnd_indices(table.at(np.arange(LEVELS)))
    return Lookup((jnds - jnds[0]) / (jnds[-1] - jnds[0]))


def jnd_indices(luminances_cd_m2: Values) -> Values:
    """`gsdf.jnd_index`, for a user: raises `LookalikeError` where the function is not defined."""
    low, high = gsdf.limits_cd_m2()
    darkest, brightest = float(luminances_cd_m2.min()), float(luminances_cd_m2.max())
    if darkest < low or brightest > high:
        raise LookalikeError(
            f"with the room's light the display goes from {darkest:.3g} to {brightest:.4g} cd/m²; the DICOM "
            f"function is defined from {low:.3g} to {high:.4g}, so measure the ambient light, or use --kind gamma"
        )
    return gsdf.jnd_index(luminances_cd_m2)


def _bend(levels: tuple[int, ...], values: Values) -> float:
    """The largest distance from the straight line between the ends, as a share of the whole rise."""
    line = np.interp(levels, [levels[0], levels[-1]], [values[0], values[-1]])
    return float(np.abs(values - line).max() / (values[-1] - values[0]))
