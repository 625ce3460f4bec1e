"""A PsychoPy window that takes framebuffer values, 0 to 255, unchanged; everything visible is drawn on it.

PsychoPy is imported only when a window is opened. Nothing is interpolated, and no gamma table is loaded
into the graphics card.
"""

from __future__ import annotations

import math
import os
import sys
import time
from typing import Any

import numpy as np

from data.errors import LookalikeError
from experiments.display.calibration import TOP, Levels
from experiments.display.sizing import Shape
from experiments.windows.events import WindowEvents

WINDOW_PX = (1024, 768)  # width, height where the window is not full-screen
_TIMED_FLIPS = 60
_MOST_HZ = 500.0  # faster flips do not wait for the screen
_UNEVEN = 0.2  # relative spread of the intervals above which they are not a refresh


class Window:
    """A window with `background` as the framebuffer value where nothing is drawn; `screen` counts from 0.

    `size_px` is the (width, height) of the window, `screen_px` that of its screen. Raises
    `LookalikeError` without PsychoPy, without a display, or if the computer has no such screen.
    """

    def __init__(self, background: int, fullscreen: bool = False, screen: int = 0) -> None:
        visual = _import_psychopy()
        from psychopy import __version__, logging, monitors

        self.psychopy = __version__
        try:
            self._window = visual.Window(
                WINDOW_PX,
                fullscr=fullscreen,
                screen=screen,
                units="pix",
                color=signed(background),
                colorSpace="rgb",
                monitor=monitors.Monitor("lookalike", autoLog=False),
                allowGUI=False,
                checkTiming=False,  # two seconds saved; `measure_refresh` takes one
            )
        except Exception as error:  # pyglet and OpenGL drivers raise all kinds of errors
            raise LookalikeError(
                "no-screen",
                f"no window could be opened ({_first_line(error)}); on a machine without a screen put "
                "'xvfb-run -a' before the command, or use --no-window with a simulated observer",
            ) from None
        screens = self._window.winHandle.display.get_screens()
        if screen >= len(screens):  # PsychoPy would silently take the first
            self.close()
            raise LookalikeError(
                "wrong-screen", f"there is no screen {screen} on this computer, only {counted(len(screens))}"
            )
        # On a Retina screen PsychoPy draws in points of two pixels each, yet gives the window's size in pixels. Here
        # everything is in pixels: an image's pixel is a whole number of the screen's.
        self._window.useRetina = False
        self._clock = logging.defaultClock  # the clock that times both flips and key presses
        self._window.mouseVisible = False
        self.size_px = (int(self._window.size[0]), int(self._window.size[1]))
        on = self._window.winHandle.screen
        across, up = self.size_px[0] / self._window.winHandle.width, self.size_px[1] / self._window.winHandle.height
        self.screen_px = self.size_px if fullscreen else (round(on.width * across), round(on.height * up))
        self._image, self._words = (
            visual.ImageStim(self._window, units="pix", interpolate=False, colorSpace="rgb", autoLog=False)
            for _ in range(2)
        )
        self._patch = visual.Rect(self._window, units="pix", lineWidth=0, colorSpace="rgb", autoLog=False)

    def upload(self, levels: Levels) -> None:
        """Hand an image (rows, columns) to the graphics card, to be drawn by `draw` in the window's middle."""
        self._place(self._image, levels, (0, 0))

    def draw(self) -> None:
        """Draw the image that was uploaded last."""
        self._image.draw()

    def write(self, words: Levels, at: tuple[float, float] = (0, 0)) -> None:
        """Draw the picture of a text, centred at `at`, pixels right of and above the middle of the window."""
        self._place(self._words, words, at)
        self._words.draw()

    def fill(self, level: int, shape_px: Shape, corner: str | None = None) -> None:
        """Draw a plain rectangle of (rows, columns) in the middle, or in a corner such as `top-left`."""
        rows, columns = shape_px
        width, height = self.size_px
        x, y = 0.0, 0.0
        if corner is not None:
            vertical, horizontal = corner.split("-")
            x = math.copysign((width - columns) / 2, 1 if horizontal == "right" else -1)
            y = math.copysign((height - rows) / 2, 1 if vertical == "top" else -1)
        self._patch.fillColor = signed(level)
        self._patch.size, self._patch.pos = (columns, rows), (x, y)
        self._patch.draw()

    @property
    def handle(self) -> Any:
        """PsychoPy's own window, for stimuli and event handlers."""
        return self._window

    def show_pointer(self, shown: bool) -> None:
        if shown != self._window.mouseVisible:
            self._window.mouseVisible = shown

    def finish(self) -> None:
        """Wait until the graphics card has drawn everything asked for."""
        from pyglet import gl

        gl.glFinish()

    def clear(self) -> None:
        """Discard what was drawn since the last flip."""
        self._window.clearBuffer()

    def flip(self) -> float:
        """Show what was drawn, and return when it became visible, in s on the clock of `now`."""
        return float(self._window.flip())

    def now(self) -> float:
        return float(self._clock.getTime())

    def wait_until(self, time_s: float) -> None:
        time.sleep(max(0.0, time_s - self.now()))

    def wait_for_key_or_click(self) -> None:
        from psychopy import event

        clicked = WindowEvents(self._window.winHandle, self.size_px, self.now)
        event.clearEvents()
        while not (event.getKeys() or clicked.clicks()):
            time.sleep(0.01)

    def measure_refresh(self) -> float | None:
        """Refresh rate in Hz from a second of empty flips; None if flips do not wait for the screen."""
        flips = np.array([self.flip() for _ in range(_TIMED_FLIPS + 1)])
        return refresh_hz(np.diff(flips))

    def close(self) -> None:
        self._window.close()

    def _place(self, image: Any, levels: Levels, at: tuple[float, float]) -> None:
        """Give a picture its pixels, and the place nearest `at` that puts its edges on the pixel grid."""
        rows, columns = levels.shape
        width, height = self.size_px
        image.image = signed(levels[::-1])  # PsychoPy's first row is the bottom one
        image.size = (columns, rows)
        odd = ((width - columns) % 2 / 2, (height - rows) % 2 / 2)
        image.pos = (math.floor(at[0]) + odd[0], math.floor(at[1]) + odd[1])


def counted(screens: int) -> str:
    """The numbers of so many screens, as a person and `--screen` name them."""
    return "screen 0" if screens == 1 else f"screens 0 to {screens - 1}"


def refresh_hz(intervals_s: Any) -> float | None:
    """The refresh rate from intervals between flips; None if they are too short or too uneven for a screen.

    Occasional missed frames do not matter: only the median and the middle 80% are used.
    """
    low, median, high = np.percentile(intervals_s, [10, 50, 90])
    if median < 1 / _MOST_HZ or high - low > _UNEVEN * median:
        return None
    return float(1 / median)


def _import_psychopy() -> Any:
    """PsychoPy's drawing module. Raises `LookalikeError` if it cannot be imported."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        raise LookalikeError(
            "no-screen",
            "no screen to open a window on (DISPLAY is not set); log in to a desktop, put 'xvfb-run -a' before the "
            "command, or use --no-window with a simulated observer",
        )
    try:
        from psychopy import logging

        # Its warnings are for its own developers and would hide ours; errors are still shown.
        logging.console.setLevel(logging.ERROR)
        from psychopy import visual
    except ImportError as error:
        raise LookalikeError(
            "missing-extra",
            f"a window needs PsychoPy ({_first_line(error)}); in the folder of Lookalike, "
            'run: pip install -c constraints.txt ".[lab]"',
        ) from None
    except Exception as error:  # a DISPLAY without a server fails on import
        raise LookalikeError(
            "no-screen",
            f"PsychoPy cannot reach a screen ({_first_line(error)}); check DISPLAY, put 'xvfb-run -a' before the "
            "command, or use --no-window with a simulated observer",
        ) from None
    return visual


def signed(levels: Any) -> Any:
    """Framebuffer values 0..255 as PsychoPy's -1..1; the graphics card converts them back without loss."""
    signed = np.asarray(levels, dtype=np.float32) / np.float32(TOP / 2) - np.float32(1)
    return signed if signed.ndim else [float(signed)] * 3


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
