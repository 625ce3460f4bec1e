"""Grey-level statistics of an image, in P-values (display-referred grey, 0 to 1), not cd/m²."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stimuli.images import Pixels


@dataclass(frozen=True)
class GreyLevels:
    """Mean, standard deviation (population), 1st and 99th percentile of the P-values."""

    mean: float
    sd: float
    p01: float
    p99: float


def grey_levels(pixels: Pixels) -> GreyLevels:
    """Measure an image of shape (rows, columns)."""
    values = np.asarray(pixels, dtype=np.float64)
    low, high = np.percentile(values, [1, 99])
    return GreyLevels(float(values.mean()), float(values.std()), float(low), float(high))
