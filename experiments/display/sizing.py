"""The size of an image on screen: whole-pixel scales, sizes in degrees, and resampling with the one recorded kernel.

Either every pixel is repeated and nothing is blurred, or all images of a session, real and generated, go through the
same resampling before they reach the graphics card.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.errors import LookalikeError
from experiments.display.calibration import Levels
from experiments.display.display_file import Display
from stimuli.images import KERNEL, Pixels, resample

Shape = tuple[int, int]  # rows, columns
_GAP = 1 / 16  # least distance between images side by side, as a share of the window's width


@dataclass(frozen=True)
class Sizing:
    """Scaling of images; `scale` is in screen pixels per image pixel, whole unless `resampled`."""

    scale: float
    resampled: bool = False

    def __call__(self, pixels: Pixels) -> Pixels:
        """The image at its size on screen."""
        if self.resampled:
            return resample(pixels, self.shape(pixels.shape))
        return enlarge(pixels, int(self.scale))

    def shape(self, image_px: tuple[int, ...]) -> Shape:
        """(rows, columns) on screen of an image of `image_px`."""
        rows, columns = (max(1, round(side * self.scale)) for side in image_px)
        return rows, columns

    def about(self, image_px: Shape, display: Display | None) -> dict[str, Any]:
        """The size for the record; in degrees (height, width) only if display and distance are known."""
        size: dict[str, Any] = {"image_scale": round(self.scale, 6), "image_kernel": KERNEL if self.resampled else None}
        if display is not None:
            size["image_size_deg"] = [round(side, 3) for side in size_deg(self.shape(image_px), display)]
        return size


def choose_sizing(image_px: Shape, window_px: Shape, display: Display | None, room_px: Shape | None = None) -> Sizing:
    """How to show images of at most `image_px` in a window of `window_px`, both (rows, columns).

    `room_px` is the room that each image has, if that is not the whole window. Without a height in degrees in the
    display file: the largest whole scale at which the image fills at most half the window, and no more than its room.
    With one: the nearest whole scale or, where the display file says resample, exactly that height. Raises
    `LookalikeError` if the image does not fit.
    """
    room_px = room_px or window_px
    if display is None or display.image_height_deg is None:
        return Sizing(whole_scale(image_px, window_px, room_px))
    rows = height_px(display.image_height_deg, display)
    scale = rows / image_px[0]
    sizing = Sizing(scale, True) if display.resample else Sizing(max(1, round(scale)))
    shown = sizing.shape(image_px)
    if shown[0] > room_px[0] or shown[1] > room_px[1]:
        fitting = min(room_px[0] / image_px[0], room_px[1] / image_px[1])
        largest = size_deg((math.floor(fitting * image_px[0]), 1), display)[0]
        where = "the window" if room_px == window_px else "their part of the window"
        raise LookalikeError(
            "window-too-small",
            f"images {display.image_height_deg:g} degrees high are {shown[0]} x {shown[1]} px on this display and do "
            f"not fit {where} of {room_px[0]} x {room_px[1]}; at most {largest:.2f} degrees fit: change "
            "image_height_deg, or use --fullscreen",
        )
    return sizing


def whole_scale(image_px: Shape, window_px: Shape, room_px: Shape | None = None) -> int:
    """The whole-number scale for images of `image_px` in a window of `window_px`, each with `room_px` at most.

    All are (rows, columns).
    """
    room_px = room_px or window_px
    if image_px[0] > room_px[0] or image_px[1] > room_px[1]:
        where = "the window" if room_px == window_px else "their part of the window"
        raise LookalikeError(
            "window-too-small",
            f"images of {image_px[0]} x {image_px[1]} px do not fit {where} of {room_px[0]} x {room_px[1]}; "
            "use --fullscreen on a larger screen, or build the set with a smaller size",
        )
    half = min(window_px[0] // (2 * image_px[0]), window_px[1] // (2 * image_px[1]))
    return max(1, min(half, room_px[0] // image_px[0], room_px[1] // image_px[1]))


def apart_px(width_px: int, beside: int, display: Display | None, separation_deg: float | None) -> int:
    """The distance between the middles of neighbours among `beside` images, in a window of this width.

    Without `separation_deg` each image is in the middle of its share of the window. Raises `LookalikeError` if a
    separation in degrees is not known in pixels, or not all middles are in the window.
    """
    if separation_deg is None:
        return width_px // beside
    if display is None:
        raise LookalikeError(
            "display-missing",
            f"separation_deg is {separation_deg:g} in the task file, and how many pixels that is only a display file "
            "says; give it with --display, or leave separation_deg out",
        )
    apart_cm = 2 * display.distance_cm * math.tan(math.radians(separation_deg) / 2)
    apart = round(apart_cm * display.size_px[0] / display.size_cm[0])
    if (beside - 1) * apart >= width_px:
        raise LookalikeError(
            "window-too-small",
            f"images {separation_deg:g} degrees apart are {apart} px apart on this display, and the window is "
            f"{width_px} px wide; lower separation_deg in the task file, or use --fullscreen",
        )
    return apart


def room_px(window_px: Shape, beside: int, apart: int) -> Shape:
    """The room (rows, columns) of each of `beside` images: none touches another or leaves the window."""
    gap = round(window_px[1] * _GAP)
    return window_px[0], min(apart - gap, window_px[1] - (beside - 1) * apart)


def enlarge(pixels: Pixels, scale: int) -> Pixels:
    """Repeat every pixel `scale` times along both axes; no grey level is invented or lost."""
    return np.kron(pixels, np.ones((scale, scale), dtype=np.float32))


def side_by_side(images: Sequence[Levels], width_px: int, background: int, apart: int) -> Levels:
    """One image unchanged; more as a strip of the window's width on the background, their middles `apart` px apart."""
    if len(images) == 1:
        return images[0]
    rows = max(image.shape[0] for image in images)
    strip = np.full((rows, width_px), background, dtype=images[0].dtype)
    first = (width_px - (len(images) - 1) * apart) // 2
    for image, middle in zip(images, (first + number * apart for number in range(len(images))), strict=True):
        top = (rows - image.shape[0]) // 2
        left = min(max(0, middle - image.shape[1] // 2), width_px - image.shape[1])
        strip[top : top + image.shape[0], left : left + image.shape[1]] = image
    return strip


def size_deg(shape_px: Shape, display: Display) -> tuple[float, float]:
    """Visual angle (height, width) in degrees of (rows, columns) in the middle of the screen, viewed straight on."""
    height_cm = shape_px[0] * display.size_cm[1] / display.size_px[1]
    width_cm = shape_px[1] * display.size_cm[0] / display.size_px[0]
    height, width = (2 * math.degrees(math.atan(side / 2 / display.distance_cm)) for side in (height_cm, width_cm))
    return height, width


def height_px(height_deg: float, display: Display) -> float:
    """Number of rows, not rounded, that subtend a visual angle in the middle of the screen."""
    height_cm = 2 * display.distance_cm * math.tan(math.radians(height_deg) / 2)
    return height_cm * display.size_px[1] / display.size_cm[1]
