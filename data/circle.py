"""Angles on a loop, 360° around: differences, and the curve by which serial dependence is described.

Signs, stated once. Error = response − target; difference = previous target − present target; both are wrapped to
[−180, 180) degrees, and positive is towards larger positions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def wrap(degrees: npt.ArrayLike) -> Array:
    """Angles brought into [−180, 180)."""
    turned = (np.asarray(degrees, dtype=np.float64) + 180) % 360 - 180
    # The remainder of a tiny negative number rounds up to 360 itself.
    return np.asarray(np.where(turned >= 180, -180.0, turned), dtype=np.float64)


def derivative_of_gaussian(difference_deg: npt.ArrayLike, amplitude_deg: float, width_deg: float) -> Array:
    """The curve y(x) = amplitude · (x / width) · exp((1 − (x / width)²) / 2).

    `amplitude_deg` high at `width_deg`, as low at −`width_deg` (Fischer & Whitney 2014, Nat. Neurosci. 17:738,
    written with its peak as parameters).
    """
    scaled = np.asarray(difference_deg, dtype=np.float64) / width_deg
    return np.asarray(amplitude_deg * scaled * np.exp((1 - scaled**2) / 2), dtype=np.float64)
