"""From a contour and tissue to an image: a soft-edged shape, added to the tissue."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from data.arrays import Floats
from data.errors import LookalikeError
from stimuli.classic.contours import Spectrum, relative_radius
from stimuli.images import Pixels

MOST_CLIPPED = 0.001  # share of an image's pixels that may be clipped before the shape's contrast is not what it says


@dataclass(frozen=True)
class Look:
    """What a shape looks like.

    Attributes
    ----------
    spectrum : Spectrum
        Of its contour.
    radius : float
        Mean radius, as a share of the image's side.
    edge : float, above 0
        Softness of the edge: standard deviation of its Gaussian profile, as a share of the image's side.
    contrast : float, -1 to 1, not 0
        P-value that the shape adds to the tissue; negative for dark shapes.
    """

    spectrum: Spectrum = field(default_factory=Spectrum)
    radius: float = 0.22
    edge: float = 0.02
    contrast: float = 0.2

    def __post_init__(self) -> None:
        most = 0.5 / self.spectrum.reach
        if not 0 < self.radius <= most:
            raise LookalikeError(
                "out-of-range",
                f"radius is {self.radius:g} of the image's side; above 0 and up to {most:.3f}, every shape of this "
                "irregularity fits into the image",
            )
        if not 0 < self.edge <= 0.25:
            raise LookalikeError("out-of-range", f"edge is {self.edge:g} of the image's side; above 0 and up to 0.25")
        if not 0 < abs(self.contrast) <= 1:
            raise LookalikeError("out-of-range", f"contrast is {self.contrast:g}; from -1 to 1, and not 0")


def coverage(contour: Floats, look: Look, size_px: int) -> Floats:
    """How much of the shape each pixel shows, from 0 to 1, shape (size_px, size_px); the shape is in the middle.

    The profile across the edge is a cumulative Gaussian of the distance to the contour (to first order).
    """
    y, x = (np.indices((size_px, size_px)) + 0.5) / size_px - 0.5
    radius, slope = relative_radius(contour, np.arctan2(y, x))
    inwards = (look.radius * radius - np.hypot(x, y)) / np.hypot(1, slope / radius)
    shares: Floats = ndtr(inwards / look.edge)
    return shares


def paste(tissue: Pixels, contour: Floats, look: Look) -> tuple[Pixels, float]:
    """The tissue with the shape added, clipped to [0, 1], and the share of pixels that were clipped."""
    raw = tissue + look.contrast * coverage(contour, look, len(tissue))
    clipped = float(((raw < 0) | (raw > 1)).mean())
    return np.clip(raw, 0, 1).astype(np.float32), clipped
