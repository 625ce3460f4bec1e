"""Calibration: from a display's measured luminances to a lookup from P-values to framebuffer values.

The lookup is applied in software, before anything reaches the graphics card: lookup tables inside the card are
unreliable, and lost when a screen wakes up.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.arrays import Floats
from data.errors import LookalikeError
from data.files import read_table
from data.trials import refuse_rows
from experiments.display import gsdf

LEVELS = 256  # of an 8-bit framebuffer
TOP = LEVELS - 1
MIN_ROWS = 18  # what AAPM TG18 measures
_MAX_GAP = 32  # levels between neighbouring rows; further apart, a curve through them is guesswork
COLUMNS = ("level", "luminance_cd_m2")
MEASURED = "measured_utc"  # an optional column: when each reading was taken
_CURE = "measure these levels again, or correct the table"

Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LuminanceTable:
    """Luminances of a display, as measured.

    Attributes
    ----------
    levels : tuple of int
        Framebuffer values from 0 to 255, increasing.
    luminances_cd_m2 : tuple of float
        Luminance at each level in cd/m², without room light, increasing.
    ambient_cd_m2 : float
        Room light reflected by the screen, cd/m².
    measured_utc : str or None
        When the last reading was taken (ISO 8601, UTC), where known.

    Examples
    --------
    >>> import experiments
    >>> import numpy as np
    >>> levels = tuple(range(0, 256, 15))
    >>> table = experiments.LuminanceTable(levels, tuple(0.5 + 300 * (level / 255) ** 2.2 for level in levels), 0.2)
    >>> table.at([0, 128, 255]).round(1)
    array([  0.7,  66.6, 300.7])
    """

    levels: tuple[int, ...]
    luminances_cd_m2: tuple[float, ...]
    ambient_cd_m2: float = 0.0
    measured_utc: str | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the numbers, independent of how their file was written."""
        rows = [f"{level},{luminance!r}" for level, luminance in zip(self.levels, self.luminances_cd_m2, strict=True)]
        return hashlib.sha256("\n".join([*rows, f"ambient,{self.ambient_cd_m2!r}"]).encode()).hexdigest()

    def at(self, levels: npt.ArrayLike) -> Floats:
        """Luminance at the eye for any framebuffer values, cd/m²: display plus room light.

        Rows are interpolated by a monotone curve (PCHIP) after the luminances are linearised, so that 18 rows are
        enough: by inverting the display's gamma, or as JND indices where the display itself follows the GSDF, whichever
        gives the straighter line.
        """
        from scipy.interpolate import PchipInterpolator

        wanted = np.asarray(levels, dtype=np.float64)
        seen = np.asarray(self.luminances_cd_m2) + self.ambient_cd_m2
        gamma = fit_gamma(self)[0]
        powered = ((seen - seen[0]) / (seen[-1] - seen[0])) ** (1 / gamma)
        low, high = gsdf.limits_cd_m2()
        if low <= seen[0] and seen[-1] <= high:
            jnds = gsdf.luminance_to_jnd(seen)
            if _bend(self.levels, jnds) < _bend(self.levels, powered):
                return gsdf.jnd_to_luminance(PchipInterpolator(self.levels, jnds)(wanted))
        return np.asarray(PchipInterpolator(self.levels, powered)(wanted) ** gamma * (seen[-1] - seen[0]) + seen[0])


@dataclass(frozen=True)
class Lookup:
    """From P-values to framebuffer values. `shown` (256,) is the P-value that each level shows, from 0 to 1, rising."""

    shown: Floats

    def __call__(self, p_values: npt.ArrayLike) -> Levels:
        """The framebuffer values with the nearest P-values; same shape, 8 bits.

        P-values outside [0, 1] are shown as black or white. Raises `ValueError` for NaN.
        """
        wanted = np.asarray(p_values, dtype=np.float64)
        if np.isnan(wanted).any():
            raise ValueError("a P-value is not a number")
        midpoints = (self.shown[1:] + self.shown[:-1]) / 2
        return np.searchsorted(midpoints, wanted, side="right").astype(np.uint8)

    def surviving(self, bits: int) -> int:
        """How many of the 2^bits grey levels of a source image stay distinct."""
        return int(np.unique(self(np.linspace(0, 1, 2**bits))).size)


def read_luminances(path: Path, ambient_cd_m2: float = 0.0) -> LuminanceTable:
    """Read a CSV or TSV table of measured luminances.

    Parameters
    ----------
    path : Path
        Table with columns `level` (framebuffer value, from 0 to 255 in at least 18 steps of at most 32) and
        `luminance_cd_m2` (cd/m², without room light, increasing), and optionally `measured_utc` (ISO 8601).
    ambient_cd_m2 : float, optional
        Room light reflected by the screen, cd/m².

    Returns
    -------
    LuminanceTable
        The checked table.

    Raises
    ------
    LookalikeError
        Naming the rows at fault: `out-of-range`, `not-increasing`, `too-few-levels`, ...

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> rows = [f"{level},{0.5 + 300 * (level / 255) ** 2.2:.4f}" for level in range(0, 256, 15)]
    >>> _ = Path("measured.csv").write_text("level,luminance_cd_m2\\n" + "\\n".join(rows))
    >>> experiments.read_luminances(Path("measured.csv"), ambient_cd_m2=0.2).luminances_cd_m2[-1]
    300.5
    """
    frame = read_table(path, COLUMNS, text=(MEASURED,))
    last = last_taken(frame, str(path))
    table = checked(frame, str(path), ambient_cd_m2)
    return table if last is None else replace(table, measured_utc=last.isoformat(timespec="seconds"))


def last_taken(frame: pd.DataFrame, source: str) -> datetime | None:
    """When the last of these readings was taken, UTC; None if that is not stated.

    Raises `LookalikeError`, naming `source`, if the value is not a time.
    """
    if MEASURED not in frame or frame.empty or pd.isna(frame[MEASURED].iloc[-1]):
        return None
    text = str(frame[MEASURED].iloc[-1])
    try:
        taken = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise LookalikeError(
            "not-a-time", f"{source}: {MEASURED} is {text!r}; write it as 2026-05-03T14:30:00, in UTC"
        ) from None
    return taken.astimezone(timezone.utc) if taken.tzinfo else taken.replace(tzinfo=timezone.utc)


def checked(frame: pd.DataFrame, source: str, ambient_cd_m2: float = 0.0) -> LuminanceTable:
    """The table of a frame with `COLUMNS`.

    There are at least 18 levels, whole numbers increasing from 0 to 255 in steps of at most 32; luminances are at least
    0 and increase with every row. Raises `LookalikeError` naming `source` and rows.
    """
    level, luminance = (pd.to_numeric(frame[column], errors="coerce") for column in COLUMNS)
    refuse_rows(
        ~(level.between(0, TOP) & (level % 1 == 0)),
        source,
        "level is not a whole number 0..255",
        _CURE,
        code="out-of-range",
    )
    refuse_rows(
        ~(luminance.between(0, np.inf, inclusive="left")),
        source,
        "luminance is not a number of at least 0",
        _CURE,
        code="out-of-range",
    )
    refuse_rows(level.diff() <= 0, source, "level is not above the previous one", _CURE, code="not-increasing")
    refuse_rows(luminance.diff() <= 0, source, "luminance is not above the previous one", _CURE, code="not-increasing")
    refuse_rows(
        level.diff() > _MAX_GAP,
        source,
        f"more than {_MAX_GAP} levels above the previous one",
        _CURE,
        code="too-few-levels",
    )
    if len(frame) < MIN_ROWS:
        raise LookalikeError(
            "too-few-levels", f"{source}: has {len(frame)} levels; at least {MIN_ROWS} are needed, from 0 to {TOP}"
        )
    if level.iloc[0] != 0 or level.iloc[-1] != TOP:
        raise LookalikeError(
            "too-few-levels",
            f"{source}: its levels go from {level.iloc[0]:g} to {level.iloc[-1]:g}; measure 0 and {TOP} too",
        )
    if not 0 <= ambient_cd_m2 < np.inf:
        raise LookalikeError(
            "out-of-range", f"{source}: ambient light is {ambient_cd_m2}; it must be a number of cd/m² of at least 0"
        )
    return LuminanceTable(tuple(map(int, level)), tuple(map(float, luminance)), float(ambient_cd_m2))


def no_lookup() -> Lookup:
    """P-values straight to framebuffer values, without calibration."""
    return Lookup(np.linspace(0, 1, LEVELS))


def gamma_lookup(gamma: float) -> Lookup:
    """For luminance in proportion to the P-value, on a display whose luminance goes as level^gamma."""
    if not 0.2 <= gamma <= 5:
        raise LookalikeError("out-of-range", f"gamma is {gamma:g}; it must be from 0.2 to 5 (most displays: about 2.2)")
    return Lookup(np.linspace(0, 1, LEVELS) ** gamma)


def fit_gamma(table: LuminanceTable) -> tuple[float, float]:
    """The gamma of L(level) = L(0) + (L(255) − L(0)) (level / 255)^gamma by least squares, and its largest error.

    The error is a proportion of L(255) − L(0).
    """
    from scipy.optimize import minimize_scalar

    levels, luminances = np.asarray(table.levels) / TOP, np.asarray(table.luminances_cd_m2)
    shares = (luminances - luminances[0]) / (luminances[-1] - luminances[0])
    found = minimize_scalar(
        lambda gamma: float(((levels**gamma - shares) ** 2).sum()), bounds=(0.2, 5), method="bounded"
    )
    return float(found.x), float(np.abs(levels**found.x - shares).max())


def gsdf_lookup(table: LuminanceTable) -> Lookup:
    """A calibration to the grayscale standard display function (GSDF) of DICOM PS3.14.

    Equal steps of P-value become equal numbers of just-noticeable differences.

    Parameters
    ----------
    table : LuminanceTable
        Measured luminances and room light.

    Returns
    -------
    Lookup
        Converts P-values of any shape to framebuffer values.

    Raises
    ------
    LookalikeError
        If black or white with room light is outside the range of the function (`outside-gsdf`).

    References
    ----------
    DICOM PS3.14, Grayscale Standard Display Function.

    Examples
    --------
    >>> import experiments
    >>> levels = tuple(range(0, 256, 15))
    >>> table = experiments.LuminanceTable(levels, tuple(0.5 + 300 * (level / 255) ** 2.2 for level in levels), 0.2)
    >>> experiments.gsdf_lookup(table)([0.0, 0.5, 1.0])
    array([  0,  95, 255], dtype=uint8)
    """
    jnds = jnd_indices(table.at(np.arange(LEVELS)))
    return Lookup((jnds - jnds[0]) / (jnds[-1] - jnds[0]))


def jnd_indices(luminances_cd_m2: Floats) -> Floats:
    """`gsdf.luminance_to_jnd`, but raises `LookalikeError` where the function is not defined."""
    low, high = gsdf.limits_cd_m2()
    darkest, brightest = float(luminances_cd_m2.min()), float(luminances_cd_m2.max())
    if darkest < low or brightest > high:
        raise LookalikeError(
            "outside-gsdf",
            f"with room light the display ranges from {darkest:.3g} to {brightest:.4g} cd/m²; the DICOM function is "
            f"defined from {low:.3g} to {high:.4g}, so measure the ambient light, or use --kind gamma",
        )
    return gsdf.luminance_to_jnd(luminances_cd_m2)


def _bend(levels: tuple[int, ...], values: Floats) -> float:
    """The largest distance from the straight line between the ends, as a proportion of the whole range."""
    line = np.interp(levels, [levels[0], levels[-1]], [values[0], values[-1]])
    return float(np.abs(values - line).max() / (values[-1] - values[0]))
