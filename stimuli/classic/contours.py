"""Smooth closed random contours, and loops of contours in even steps.

The radius of a contour at polar angle t is, relative to its mean, 1 + sum over k of (a_k cos kt + b_k sin kt) with k
from 2 (k = 1 would be a shift) to the spectrum's highest frequency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.arrays import Floats
from data.errors import LookalikeError

LOWEST = 2  # cycles per turn


@dataclass(frozen=True)
class Spectrum:
    """Of random contours: amplitudes are normal, with a standard deviation that falls as a power of frequency.

    Attributes
    ----------
    irregularity : float, above 0
        Standard deviation of the radius around the contour over its mean; every contour has exactly this one.
    slope : float
        The standard deviation of the amplitudes at k cycles per turn is proportional to k^-slope.
    highest : int, 4 to 64
        The highest frequency, in cycles per turn.

    References
    ----------
    Wilkinson, Wilson & Habak (1998), Vision Research 38, 3555-3568 (radial-frequency contours).
    """

    irregularity: float = 0.15
    slope: float = 1.5
    highest: int = 8

    def __post_init__(self) -> None:
        if not LOWEST + 2 <= self.highest <= 64:
            raise LookalikeError("out-of-range", f"the highest frequency is {self.highest}; it must be from 4 to 64")
        if not np.isfinite(self.slope):
            raise LookalikeError("out-of-range", f"slope is {self.slope}; it must be a finite number")
        if not self.irregularity > 0 or self.reach >= 2:
            most = 1 / np.sqrt(2 * len(self.frequencies))
            raise LookalikeError(
                "out-of-range",
                f"irregularity is {self.irregularity:g}; above 0 and below {most:.3f}, no contour of frequencies up to "
                f"{self.highest} can cross itself",
            )

    @property
    def frequencies(self) -> Floats:
        """Cycles per turn, shape (K,)."""
        cycles: Floats = np.arange(LOWEST, self.highest + 1, dtype=np.float64)
        return cycles

    @property
    def reach(self) -> float:
        """The largest radius, over its mean, that any contour can have (Cauchy-Schwarz)."""
        return 1 + self.irregularity * float(np.sqrt(2 * len(self.frequencies)))


def draw_contour(spectrum: Spectrum, rng: np.random.Generator) -> Floats:
    """One random contour: amplitudes of cosines and sines, shape (2, K)."""
    scaled: Floats = _scaled(_draw(1, spectrum, rng), spectrum)[0]
    return scaled


def draw_anchors(spectrum: Spectrum, rng: np.random.Generator) -> Floats:
    """Three random contours that all differ by the same amount, shape (3, 2, K).

    Three independent draws are made orthogonal with the least change (Löwdin), so that the circle through them keeps
    the irregularity, and hence the area, of the anchors.
    """
    drawn = _draw(3, spectrum, rng).reshape(3, -1)
    left, _, right = np.linalg.svd(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), full_matrices=False)
    return _scaled((left @ right).reshape(3, 2, -1), spectrum)


def contour_loop(anchors: Floats, frames: int) -> Floats:
    """Contours on the circle through three equidistant anchors, at even steps from the first; shape (frames, 2, K).

    The anchors are at 0, 120 and 240 degrees.
    """
    first, second, third = anchors
    centre = anchors.mean(axis=0)
    angle = 2 * np.pi * np.arange(frames)[:, None, None] / frames
    circle: Floats = centre + np.cos(angle) * (first - centre) + np.sin(angle) * (second - third) / np.sqrt(3)
    return circle


def relative_radius(contour: Floats, angle: Floats) -> tuple[Floats, Floats]:
    """The radius over its mean at polar angles (radians, any shape), and its derivative by the angle."""
    radius, slope = np.ones_like(angle), np.zeros_like(angle)
    for k, (cosine, sine) in enumerate(contour.T, start=LOWEST):
        radius += cosine * np.cos(k * angle) + sine * np.sin(k * angle)
        slope += k * (sine * np.cos(k * angle) - cosine * np.sin(k * angle))
    return radius, slope


def difference(one: Floats, other: Floats) -> Floats:
    """RMS difference of the radii of two contours around the turn, over the mean radius (by Parseval's theorem)."""
    found: Floats = np.sqrt(((one - other) ** 2).sum(axis=(-2, -1)) / 2)
    return found


def _draw(count: int, spectrum: Spectrum, rng: np.random.Generator) -> Floats:
    drawn: Floats = rng.normal(size=(count, 2, len(spectrum.frequencies))) * spectrum.frequencies**-spectrum.slope
    return drawn


def _scaled(contours: Floats, spectrum: Spectrum) -> Floats:
    """Contours of exactly the spectrum's irregularity."""
    scaled: Floats = contours * (spectrum.irregularity / difference(contours, np.zeros(1)))[:, None, None]
    return scaled
