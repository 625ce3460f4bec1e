"""The grayscale standard display function (GSDF) of DICOM PS3.14: luminance of each just-noticeable difference.

Luminance here is what reaches the eye: the display's own plus the room light that it reflects.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from data.arrays import Floats

MIN_JND, MAX_JND = 1.0, 1023.0
# PS3.14 section 7.1: powers of ln j, from 0 upwards.
_NUMERATOR = (-1.3011877, 8.0242636e-2, 1.3646699e-1, -2.5468404e-2, 1.3635334e-3)
_DENOMINATOR = (1.0, -2.5840191e-2, -1.0320229e-1, 2.8745620e-2, -3.1978977e-3, 1.2992634e-4)
_GRID = 1 << 17  # intervals of the inverse; its error stays below 1e-5 JND


def jnd_to_luminance(jnd: npt.ArrayLike) -> Floats:
    """Luminance of a JND index by the grayscale standard display function.

    The standard's printed table (annex B) comes from the model that this formula was fitted to; they differ by less
    than 0.3% of log luminance.

    Parameters
    ----------
    jnd : array_like of float
        JND indices from 1 to 1023, which need not be whole; any shape.

    Returns
    -------
    ndarray of float
        Luminance at the eye in cd/m², same shape.

    Raises
    ------
    ValueError
        For an index outside that range.

    References
    ----------
    DICOM PS3.14, Grayscale Standard Display Function, section 7.1.

    Examples
    --------
    >>> import experiments
    >>> experiments.jnd_to_luminance([1, 512, 1023]).round(3)
    array([5.00000e-02, 1.30065e+02, 3.99333e+03])
    """
    index = np.asarray(jnd, dtype=np.float64)
    if not ((index >= MIN_JND) & (index <= MAX_JND)).all():
        raise ValueError(f"JND index outside {MIN_JND:g}..{MAX_JND:g}")
    return np.asarray(10.0 ** _log10_luminance(index))


def luminance_to_jnd(luminance_cd_m2: npt.ArrayLike) -> Floats:
    """JND index of a luminance by the grayscale standard display function.

    The numerical inverse of `jnd_to_luminance`, to 1e-5 JND: the standard's closed formula for the inverse is a
    separate fit and does not quite undo the other.

    Parameters
    ----------
    luminance_cd_m2 : array_like of float
        Luminance at the eye, from 0.05 to 3993 cd/m²; any shape.

    Returns
    -------
    ndarray of float
        JND indices from 1 to 1023, same shape.

    Raises
    ------
    ValueError
        For a luminance outside that range.

    References
    ----------
    DICOM PS3.14, Grayscale Standard Display Function.

    Examples
    --------
    Just-noticeable differences between a black of 0.5 and a white of 300 cd/m²:

    >>> import experiments
    >>> black, white = experiments.luminance_to_jnd([0.5, 300.0])
    >>> round(float(white - black), 1)
    584.0
    """
    wanted = np.asarray(luminance_cd_m2, dtype=np.float64)
    logs, indices = _inverse()
    if not ((wanted >= 10 ** logs[0] * (1 - 1e-12)) & (wanted <= 10 ** logs[-1] * (1 + 1e-12))).all():
        raise ValueError(f"luminance outside {10 ** logs[0]:.4f}..{10 ** logs[-1]:.1f} cd/m²")
    return np.asarray(np.interp(np.log10(wanted), logs, indices))


def limits_cd_m2() -> tuple[float, float]:
    """The lowest and the highest luminance of the function, cd/m²."""
    low, high = jnd_to_luminance([MIN_JND, MAX_JND])
    return float(low), float(high)


def _log10_luminance(index: Floats) -> Floats:
    x = np.log(index)
    powers = np.polynomial.polynomial.polyval
    return np.asarray(powers(x, _NUMERATOR) / powers(x, _DENOMINATOR))


@lru_cache(maxsize=1)
def _inverse() -> tuple[Floats, Floats]:
    # Evenly spaced in ln j: the function bends most where j is small.
    indices = np.exp(np.linspace(np.log(MIN_JND), np.log(MAX_JND), _GRID + 1))
    indices[0], indices[-1] = MIN_JND, MAX_JND
    return _log10_luminance(indices), indices
