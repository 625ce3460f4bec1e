"""The ring round the image that is matched: places on the screen and positions on the loop.

Places are pixels right of and above the middle of the window. Positions grow clockwise; position 0 stands
`zero_deg` clockwise from the top, which is drawn anew for each trial, so that a place on the ring says nothing
about the image and cannot be remembered in its stead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from data.errors import LookalikeError

_BAND = 1 / 24  # half the width of the band that can be dragged, as a share of the window's smaller side


@dataclass(frozen=True)
class Ring:
    """A ring of `radius_px`; what lies within `band_px` of it counts as on it."""

    radius_px: float
    band_px: float
    zero_deg: float = 0.0

    def place(self, position_deg: float) -> tuple[float, float]:
        """Where a position stands."""
        angle = math.radians(self.zero_deg + position_deg)
        return self.radius_px * math.sin(angle), self.radius_px * math.cos(angle)

    def position(self, x: float, y: float) -> float | None:
        """The position, in [0, 360), in whose direction a place lies; the middle has none."""
        if x == y == 0:
            return None
        position = (math.degrees(math.atan2(x, y)) - self.zero_deg) % 360
        return 0.0 if position == 360 else position  # a remainder can round up

    def holds(self, x: float, y: float) -> bool:
        """Whether a place is on the ring."""
        return abs(math.hypot(x, y) - self.radius_px) <= self.band_px

    def encloses(self, x: float, y: float) -> bool:
        """Whether a place is inside it, off the band: where a click confirms."""
        return math.hypot(x, y) < self.radius_px - self.band_px


def fit_ring(image_px: tuple[int, int], window_px: tuple[int, int], zero_deg: float = 0.0) -> Ring:
    """The largest ring for images of `image_px` as shown, in a window of `window_px`, both (rows, columns).

    Raises `LookalikeError` if the images' corners would lie under it.
    """
    smaller = min(window_px)
    band = smaller * _BAND
    radius = smaller / 2 - band
    if math.hypot(*image_px) / 2 > radius - band:
        raise LookalikeError(
            f"images shown at {image_px[0]} x {image_px[1]} px leave no room for a ring round them in the window of "
            f"{window_px[0]} x {window_px[1]}; use --fullscreen on a larger screen, or loops of smaller images"
        )
    return Ring(radius, band, zero_deg)
