"""A perceptual scale on disk, `scale.json`: how far apart the images of a loop or path look, in JNDs.

The scale was measured at some positions; between them it is a monotone cubic (Fritsch & Carlson 1980, SIAM J. Numer.
Anal. 17:238), which on a loop closes on itself. So every position has a value, and equal steps in value can be turned
into positions.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.arrays import Floats
from data.errors import LookalikeError
from data.files import read_json, write_bytes

FORMAT = "lookalike-scale/1"
FILE = "scale.json"
_FINE = 7200  # intervals on which the curve is inverted, half a tenth of a degree on a loop
_SMALLEST = 1e-9  # a step of the scale, as a share of it, that counts as none


@dataclass(frozen=True)
class LoopIdentity:
    """The loop whose images were compared: what it takes to make its frames again, and to know that they are those."""

    model_sha256: str
    anchors_sha256: str | None
    path: str
    metric: str
    frames: int


@dataclass(frozen=True)
class Scale:
    """A measured scale.

    Attributes
    ----------
    positions_deg : tuple of float
        The positions of the images that were compared, rising; on a loop in [0, 360).
    steps_jnd : tuple of float
        From each position to the next, in JNDs, 0 or more; on a loop the last leads back to the first, so there are as
        many as positions, on an open path one less.
    closed : bool
        Whether this is a loop.
    loop : LoopIdentity or None
        The loop, if it was given.
    """

    positions_deg: tuple[float, ...]
    steps_jnd: tuple[float, ...]
    closed: bool
    loop: LoopIdentity | None = None
    format: str = FORMAT

    @property
    def length_jnd(self) -> float:
        """All around the loop, or from end to end of the path."""
        return float(sum(self.steps_jnd))

    def value(self, position_deg: npt.ArrayLike) -> Floats:
        """JNDs from the first position (on a loop from 0°) to some positions, the way that positions rise.

        Parameters
        ----------
        position_deg : array_like
            Positions: on a loop from 0 to 360, on a path within the positions that were measured.

        Returns
        -------
        ndarray of float64, same shape
            Values in JNDs.
        """
        return np.asarray(np.interp(np.asarray(position_deg, dtype=np.float64), *self._curve()), dtype=np.float64)

    def position(self, value_jnd: npt.ArrayLike) -> Floats:
        """The positions at which `value` has some values, 0 to `length_jnd`; same shape."""
        positions, values = self._curve()
        return np.asarray(np.interp(np.asarray(value_jnd, dtype=np.float64), values, positions), dtype=np.float64)

    def even_positions(self, count: int) -> Floats:
        """`count` positions in equal steps of the scale, shape (count,), the first where the scale begins.

        On a loop the last step leads back to the first position; a path ends at its end.
        """
        return self.position(np.linspace(0, self.length_jnd, count, endpoint=not self.closed))

    def _curve(self) -> tuple[Floats, Floats]:
        """Positions on a fine grid, and their values from the first on."""
        from scipy.interpolate import PchipInterpolator

        where = np.asarray(self.positions_deg)
        steps = np.asarray(self.steps_jnd)
        values = np.concatenate([[0.0], np.cumsum(steps)])
        start, end = (0.0, 360.0) if self.closed else (where[0], where[-1])
        if self.closed:  # a turn before and a turn after, so that the curve closes on itself
            where = np.concatenate([where - 360, where, where + 360, where[:1] + 720])
            values = np.concatenate([values[:-1] - values[-1], values[:-1], values + values[-1]])
        grid = np.linspace(start, end, _FINE + 1)
        curve = np.maximum.accumulate(PchipInterpolator(where, values)(grid))
        return grid, np.asarray(curve - curve[0], dtype=np.float64)


def write_scale(path: Path, scale: Scale) -> None:
    """Write `scale.json`."""
    write_bytes(Path(path), scale_bytes(scale))


def scale_bytes(scale: Scale) -> bytes:
    """The content of `scale.json`."""
    return (json.dumps(asdict(scale), indent=2, allow_nan=False) + "\n").encode()


def read_scale(path: Path) -> Scale:
    """Read a scale: the file, or the folder that `lookalike scale` wrote.

    Parameters
    ----------
    path : path
        `scale.json`, or the folder that holds it.

    Returns
    -------
    Scale
        The scale.

    Raises
    ------
    LookalikeError
        If the file is missing, of another format or damaged, or if a scale has no length.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_scale
    >>> from data.scales import Scale, write_scale
    >>> write_scale(Path("scale.json"), Scale((0.0, 90.0, 180.0, 270.0), (2.0, 1.0, 1.0, 2.0), closed=True))
    >>> scale = read_scale(Path("scale.json"))
    >>> scale.length_jnd, scale.even_positions(2)
    (6.0, array([  0., 180.]))
    """
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    content: dict[str, Any] = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise LookalikeError("wrong-format", f"{path}: is no scale of Lookalike; name a folder that 'scale' wrote")
    try:
        if set(content) != {one.name for one in fields(Scale)}:
            raise KeyError(*set(content) ^ {one.name for one in fields(Scale)})
        loop = None if content["loop"] is None else LoopIdentity(**content["loop"])
        scale = Scale(
            tuple(float(one) for one in content["positions_deg"]),
            tuple(float(one) for one in content["steps_jnd"]),
            bool(content["closed"]),
            loop,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LookalikeError(
            "damaged-file", f"{path}: a field is missing or unknown ({error}); make it again"
        ) from None
    _refuse_broken(path, scale)
    return scale


def _refuse_broken(path: Path, scale: Scale) -> None:
    where, steps = np.asarray(scale.positions_deg), np.asarray(scale.steps_jnd)
    fits = where.size >= 3 and steps.size == where.size - (not scale.closed)
    fits = fits and bool(np.isfinite([*where, *steps]).all() and (np.diff(where) > 0).all() and (steps >= 0).all())
    if not fits or (scale.closed and not (where[0] >= 0 and where[-1] < 360)):
        raise LookalikeError("damaged-file", f"{path}: positions and steps do not fit; make the scale again")
    if not scale.length_jnd > _SMALLEST:
        raise LookalikeError("damaged-file", f"{path}: the scale has no length; nothing was seen to differ")
