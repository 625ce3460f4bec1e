"""Where buttons are on the screen, how large, and as what pictures; what their letters look like is not known here.

Places are pixels right of and above the middle of the window, sizes (width, height) in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stimuli.images import Pixels

HEIGHT = 1 / 12  # of a button, relative to the window's height: about 1.5 cm on a usual screen, as wide as a finger
_BETWEEN, _BESIDE = 1 / 40, 1 / 40  # from button to button, and beside its letters, likewise
_BORDER = 1 / 400
_MOST = 0.94  # of the window's width


@dataclass(frozen=True)
class Place:
    """A button's key, its middle, and its size."""

    key: str
    at: tuple[float, float]
    size_px: tuple[int, int]

    def holds(self, x: float, y: float) -> bool:
        return abs(x - self.at[0]) <= self.size_px[0] / 2 and abs(y - self.at[1]) <= self.size_px[1] / 2


def in_a_row(
    keys: Sequence[str], letters_px: Sequence[int], window_px: tuple[int, int], middle: float
) -> tuple[Place, ...]:
    """The places of buttons beside one another, centred, `middle` of the window's height above its middle.

    `letters_px` is how wide the letters on each one are. All are as wide as the widest needs, or as fits.
    """
    width, height = window_px
    between = round(_BETWEEN * height)
    widest = max([round(HEIGHT * height), *(letters + 2 * round(_BESIDE * height) for letters in letters_px)])
    each = min(widest, (round(_MOST * width) + between) // len(keys) - between)
    step = each + between
    return tuple(
        Place(key, ((place - (len(keys) - 1) / 2) * step, middle * height), (each, round(HEIGHT * height)))
        for place, key in enumerate(keys)
    )


def outline(size_px: tuple[int, int], window_height_px: int) -> Pixels:
    """A button without its letters: 1 where there is ink."""
    width, height = size_px
    line = max(1, round(_BORDER * window_height_px))
    ink = np.ones((height, width), dtype=np.float32)
    ink[line:-line, line:-line] = 0
    return ink


def with_letters(button: Pixels, letters: Pixels) -> Pixels:
    """A button with a picture of its letters in the middle, cut where they are larger."""
    rows, columns = (min(a, b - 4) for a, b in zip(letters.shape, button.shape, strict=True))
    top, left = (button.shape[0] - rows) // 2, (button.shape[1] - columns) // 2
    whole = button.copy()
    whole[top : top + rows, left : left + columns] = letters[:rows, :columns]
    return whole


def touched(places: Sequence[Place], clicks: Sequence[tuple[float, float, float]]) -> Iterator[tuple[str, float]]:
    """The keys of the buttons that were clicked or touched, each with its time."""
    return ((place.key, at) for x, y, at in clicks for place in places if place.holds(x, y))


def cross(side_px: int) -> Pixels:
    """The fixation mark, a cross: 1 where there is ink."""
    line = max(1, side_px // 8)
    ink = np.zeros((side_px, side_px), dtype=np.float32)
    start = (side_px - line) // 2
    ink[start : start + line, :] = 1
    ink[:, start : start + line] = 1
    return ink
