"""Grey-level statistics of an image, in P-values (display-referred grey, 0 to 1), not cd/m²."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stimuli.images import Pixels, quantise

_WHITE, _BLACK = 250, 2  # 8-bit grey levels from which a digitised film is clear of tissue


@dataclass(frozen=True)
class GreyLevels:
    """Grey-level statistics of an image.

    Attributes
    ----------
    mean : float
        Mean P-value, in [0, 1].
    sd : float
        Standard deviation (of the population).
    p01, p99 : float
        1st and 99th percentile.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.GreyLevels(mean=0.5, sd=0.1, p01=0.2, p99=0.8).p99
    0.8
    """

    mean: float
    sd: float
    p01: float
    p99: float


def measure_grey_levels(pixels: Pixels) -> GreyLevels:
    """Mean, spread and percentiles of an image's grey levels.

    Parameters
    ----------
    pixels : array, shape (rows, columns)
        P-values in [0, 1]; not luminance in cd/m².

    Returns
    -------
    GreyLevels
        `mean`, `sd`, `p01` and `p99`, computed in float64.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> levels = stimuli.measure_grey_levels(np.linspace(0, 1, 101, dtype=np.float32).reshape(1, 101))
    >>> round(levels.mean, 3), round(levels.sd, 3), round(levels.p01, 3)
    (0.5, 0.292, 0.01)
    """
    values = np.asarray(pixels, dtype=np.float64)
    low, high = np.percentile(values, [1, 99])
    return GreyLevels(float(values.mean()), float(values.std()), float(low), float(high))


def white_share(pixels: Pixels) -> float:
    """The share of pixels, from 0 to 1, at grey level 250 of 255 or more: film borders, labels and markers."""
    return float((quantise(pixels, 8) >= _WHITE).mean())


def black_share(pixels: Pixels) -> float:
    """The share of pixels, from 0 to 1, at grey level 2 of 255 or less: air and the scanner's background."""
    return float((quantise(pixels, 8) <= _BLACK).mean())
