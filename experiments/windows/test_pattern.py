"""A test pattern to judge a display by eye: a grey wedge, barely visible squares, and fine bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data.arrays import Flags
from data.errors import LookalikeError
from experiments.display.calibration import TOP, no_lookup
from experiments.display.display_file import Display
from experiments.display.sizing import Shape
from experiments.windows.window import WINDOW_PX, Window
from stimuli.images import Pixels, write_png

WEDGE_STEPS = 18
FAINT = (0.01, 0.02, 0.03, 0.04, 0.05)  # differences from black and from white
BAR_WIDTHS_PX = (1, 2, 3, 4)
SMALLEST_PX = (480, 640)
_GREY = 0.5
_INK = 0.0


def draw_pattern(size_px: Shape) -> Pixels:
    """P-values of the pattern for a window of (rows, columns), at least 480 x 640.

    Top: 18 even steps of P-value, from 0 to 1. Middle: five squares 1 to 5% above black, on black, and
    five 1 to 5% below white, on white. Bottom: bars 1 to 4 px wide, vertical and horizontal, in black and white
    and in greys of P .45 and .55. Raises `LookalikeError` for a smaller window.
    """
    rows, columns = size_px
    if rows < SMALLEST_PX[0] or columns < SMALLEST_PX[1]:
        raise LookalikeError(
            "window-too-small", f"the pattern needs a window of at least {SMALLEST_PX[1]} x {SMALLEST_PX[0]} px"
        )
    pattern = np.full(size_px, _GREY, dtype=np.float32)
    margin, line = rows // 24, rows // 40
    band = (rows - 4 * margin) // 3 - 2 * line
    tops = [margin + n * (band + 2 * line + margin) for n in range(3)]
    _wedge(pattern, tops[0], band, margin, line)
    half = (columns - 3 * margin) // 2
    for left, ground, sign in ((margin, 0.0, 1), (2 * margin + half, 1.0, -1)):
        _faint_squares(pattern, (tops[1], left), (band, half), ground, sign, line)
    quarter = (columns - 5 * margin) // 4
    fields = [(low, high, upright) for low, high in ((0.0, 1.0), (0.45, 0.55)) for upright in (True, False)]
    for n, (low, high, upright) in enumerate(fields):
        left = margin + n * (quarter + margin)
        _bars(pattern, (tops[2], left), (band, quarter), (low, high), upright, line)
    return pattern


def show_pattern(display: Display | None, fullscreen: bool) -> None:
    """Show the pattern in a window, through the display's lookup, until a key press or a click."""
    lookup = no_lookup() if display is None else display.lookup()
    window = Window(int(lookup(_GREY)), fullscreen, 0 if display is None else display.screen)
    try:
        width, height = window.size_px
        window.upload(lookup(draw_pattern((height, width))))
        window.draw()
        window.flip()
        window.wait_for_key_or_click()
    finally:
        window.close()


def save_pattern(path: Path, display: Display | None) -> None:
    """Write the pattern for the whole display, as framebuffer values, to an 8-bit PNG."""
    width, height = WINDOW_PX if display is None else display.size_px
    lookup = no_lookup() if display is None else display.lookup()
    write_png(path, (lookup(draw_pattern((height, width))) / np.float32(TOP)).astype(np.float32))


def _wedge(pattern: Pixels, top: int, height: int, margin: int, line: int) -> None:
    edges = np.linspace(margin, pattern.shape[1] - margin, WEDGE_STEPS + 1).round().astype(int)
    for n, p_value in enumerate(np.linspace(0, 1, WEDGE_STEPS)):
        pattern[top : top + height, edges[n] : edges[n + 1]] = p_value
        _label(pattern, (top + height + line // 4, edges[n]), f"{100 * p_value:.0f}", line)


def _faint_squares(pattern: Pixels, corner: Shape, size: Shape, ground: float, sign: int, line: int) -> None:
    (top, left), (height, width) = corner, size
    pattern[top : top + height, left : left + width] = ground
    pitch = width // len(FAINT)
    side = min(pitch, height) // 2
    for n, difference in enumerate(FAINT):
        x, y = left + n * pitch + (pitch - side) // 2, top + (height - side) // 2
        pattern[y : y + side, x : x + side] = ground + sign * difference
        _label(pattern, (top + height + line // 4, x), f"{100 * (ground + sign * difference):.0f}", line)


def _bars(pattern: Pixels, corner: Shape, size: Shape, greys: tuple[float, float], upright: bool, line: int) -> None:
    (top, left), (height, width) = corner, size
    pitch = width // len(BAR_WIDTHS_PX)
    wide = pitch - line // 2
    for n, bar in enumerate(BAR_WIDTHS_PX):
        light = np.arange(wide if upright else height) // bar % 2 == 1
        one = np.where(light, greys[1], greys[0]).astype(np.float32)
        x = left + n * pitch
        pattern[top : top + height, x : x + wide] = one if upright else one[:, None]
        _label(pattern, (top + height + line // 4, x), f"{bar} px", line)


def _label(pattern: Pixels, corner: Shape, text: str, height: int) -> None:
    mask = _written(text, height)
    top, left = corner
    part = pattern[top : top + mask.shape[0], left : left + mask.shape[1]]
    part[mask[: part.shape[0], : part.shape[1]]] = _INK


def _written(text: str, height: int) -> Flags:
    """Text as a mask without intermediate greys, so that the pattern holds no other P-values than its own."""
    font = ImageFont.load_default(size=height)
    left, top, right, bottom = (int(side) for side in font.getbbox(text))
    canvas = Image.new("1", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(canvas).text((-left, -top), text, fill=1, font=font)
    return np.asarray(canvas, dtype=bool)
