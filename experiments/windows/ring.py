"""The ring around the image being adjusted: places on the screen and positions on the loop.

Places are in pixels right of and above the middle of the window. Positions increase clockwise; position 0 is
`zero_deg` clockwise from the top, drawn at random for each trial, so that a place on the ring says nothing about the
image and cannot be remembered instead of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from data.errors import LookalikeError

_BAND = 1 / 24  # half the width of the band that can be dragged, as a share of the window's smaller side


@dataclass(frozen=True)
class Ring:
    """A ring of `radius_px`; places within `band_px` of it count as on it."""

    radius_px: float
    band_px: float
    zero_deg: float = 0.0

    def place(self, position_deg: float) -> tuple[float, float]:
        """The place (x, y) of a position."""
        angle = math.radians(self.zero_deg + position_deg)
        return self.radius_px * math.sin(angle), self.radius_px * math.cos(angle)

    def position(self, x: float, y: float) -> float | None:
        """The position, in [0, 360), in the direction of a place; None in the middle."""
        if x == y == 0:
            return None
        position = (math.degrees(math.atan2(x, y)) - self.zero_deg) % 360
        return 0.0 if position == 360 else position  # the remainder can round up to 360

    def holds(self, x: float, y: float) -> bool:
        """Whether a place is on the ring."""
        return abs(math.hypot(x, y) - self.radius_px) <= self.band_px

    def encloses(self, x: float, y: float) -> bool:
        """Whether a place is inside the ring, off its band: a click there confirms."""
        return math.hypot(x, y) < self.radius_px - self.band_px


def fit_ring(image_px: tuple[int, int], window_px: tuple[int, int], zero_deg: float = 0.0) -> Ring:
    """The largest ring for images of `image_px` as shown, in a window of `window_px`, both (rows, columns).

    Raises `LookalikeError` if it would cover the images' corners.
    """
    smaller = min(window_px)
    band = smaller * _BAND
    radius = smaller / 2 - band
    if math.hypot(*image_px) / 2 > radius - band:
        raise LookalikeError(
            "window-too-small",
            f"images shown at {image_px[0]} x {image_px[1]} px leave no room for a ring around them in the window of "
            f"{window_px[0]} x {window_px[1]}; use --fullscreen on a larger screen, or loops of smaller images",
        )
    return Ring(radius, band, zero_deg)
