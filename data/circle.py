"""Angles on a loop, 360° around: differences, and the curve by which serial dependence is described.

Signs, stated once. Error = response − target; difference = previous target − present target; both are wrapped to
[−180, 180) degrees, and positive is towards larger positions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.arrays import Floats


def wrap(degrees: npt.ArrayLike) -> Floats:
    """Bring angles into [−180, 180).

    Parameters
    ----------
    degrees : array_like
        Angles in degrees, of any size and shape.

    Returns
    -------
    ndarray of float64, same shape
        The same angles in [−180, 180) degrees.

    Examples
    --------
    >>> from data import wrap
    >>> wrap([190.0, -190.0, 360.0])
    array([-170.,  170.,    0.])
    """
    turned = (np.asarray(degrees, dtype=np.float64) + 180) % 360 - 180
    # The remainder of a tiny negative number rounds up to 360 itself.
    return np.asarray(np.where(turned >= 180, -180.0, turned), dtype=np.float64)


def derivative_of_gaussian(difference_deg: npt.ArrayLike, amplitude_deg: float, width_deg: float) -> Floats:
    """The curve of serial dependence, y(x) = amplitude · (x / width) · exp((1 − (x / width)²) / 2).

    Parameters
    ----------
    difference_deg : array_like
        x in degrees: previous target − present target, in [−180, 180).
    amplitude_deg : float
        Height of the peak in degrees; above 0 is attraction to the previous target.
    width_deg : float
        Where the peak is, in degrees, above 0; the trough is at −`width_deg`.

    Returns
    -------
    ndarray of float64, same shape
        The error in degrees that goes with each difference.

    References
    ----------
    Fischer & Whitney (2014), Nat. Neurosci. 17:738, written with its peak as parameters.

    Examples
    --------
    >>> from data import derivative_of_gaussian
    >>> derivative_of_gaussian([-30.0, 0.0, 30.0], amplitude_deg=6, width_deg=30)
    array([-6.,  0.,  6.])
    """
    scaled = np.asarray(difference_deg, dtype=np.float64) / width_deg
    return np.asarray(amplitude_deg * scaled * np.exp((1 - scaled**2) / 2), dtype=np.float64)
