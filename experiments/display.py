"""What the participant sees: a PsychoPy window, or no window at all.

Images are P-values in [0, 1], shown at a whole-pixel scale that is reached by repeating pixels
here, not by the graphics card, whose interpolation could blur away what tells images apart.
PsychoPy is imported only when a window is opened.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from data.errors import LookalikeError
from experiments.dial import Confirm, Input
from experiments.dial_window import DialWindow
from experiments.events import WindowEvents
from experiments.ring import fit_ring
from stimuli.images import Pixels

WINDOW_PX = (1024, 768)  # width, height where the window is not full-screen
FRAME_S = 1 / 60  # what one frame takes where there is no window


class Screen(Protocol):
    """Times are in s on the screen's own clock; each is the moment when the change became visible."""

    @property
    def about(self) -> dict[str, Any]:
        """What the record says of this screen."""

    def message(self, text: str) -> float: ...

    def image(self, pixels: Pixels) -> float: ...

    def blank(self) -> float: ...

    def pair(self, left: Pixels, right: Pixels) -> float:
        """Two images side by side."""

    def dial(self, pixels: Pixels, position_deg: float, ring_deg: float) -> float:
        """An image with a ring round it, turned by `ring_deg`, and a mark where the image stands on it."""

    def turned(self) -> list[Input | Confirm]:
        """What was done to the dial since asked last, in order."""

    def scale(self, question: str, levels: int) -> float:
        """A question, and below it the numbers 1 to `levels` to be touched or clicked."""

    def touched(self) -> list[tuple[int, float]]:
        """The numbers of the scale that were touched since asked last, and when."""

    def focused(self, time_s: float) -> bool:
        """Whether the keyboard was this screen's at that time."""

    def unfocused_s(self, since: float) -> float:
        """For how many seconds from then until now it was not."""

    def now(self) -> float: ...

    def wait_until(self, time_s: float) -> None: ...

    def close(self) -> None: ...


class HeadlessScreen:
    """No window: a clock on which each change takes one frame, and waiting takes no real time."""

    def __init__(self) -> None:
        self.about: dict[str, Any] = {"kind": "headless"}
        self._now_s = 0.0

    def message(self, text: str) -> float:  # noqa: ARG002 (nobody reads it)
        return self._next_frame()

    def image(self, pixels: Pixels) -> float:  # noqa: ARG002
        return self._next_frame()

    def blank(self) -> float:
        return self._next_frame()

    def pair(self, left: Pixels, right: Pixels) -> float:  # noqa: ARG002
        return self._next_frame()

    def dial(self, pixels: Pixels, position_deg: float, ring_deg: float) -> float:  # noqa: ARG002
        return self._next_frame()

    def turned(self) -> list[Input | Confirm]:
        return []

    def scale(self, question: str, levels: int) -> float:  # noqa: ARG002
        return self._next_frame()

    def touched(self) -> list[tuple[int, float]]:
        return []

    def focused(self, time_s: float) -> bool:  # noqa: ARG002
        return True

    def unfocused_s(self, since: float) -> float:  # noqa: ARG002
        return 0.0

    def now(self) -> float:
        return self._now_s

    def wait_until(self, time_s: float) -> None:
        self._now_s = max(self._now_s, time_s)

    def close(self) -> None:
        pass

    def _next_frame(self) -> float:
        self._now_s += FRAME_S
        return self._now_s


class WindowScreen:
    """A PsychoPy window with a background of the images' mean grey.

    `background` is a P-value; `image_px` the largest (rows, columns) that will be shown. All images
    are shown at one scale: the largest whole number at which `image_px` fills at most half the
    window's width and height, but at least 1. With `ring` there is room for a dial round them. Raises
    `LookalikeError` without PsychoPy, without a display, or if `image_px` (and the ring) do not fit the window.
    """

    def __init__(
        self, background: float, image_px: tuple[int, int], fullscreen: bool = False, ring: bool = False
    ) -> None:
        visual = _import_psychopy()
        from psychopy import __version__, logging, monitors

        try:
            self._window = visual.Window(
                WINDOW_PX,
                fullscr=fullscreen,
                units="pix",
                color=_signed(background),
                colorSpace="rgb",
                monitor=monitors.Monitor("lookalike", autoLog=False),
                allowGUI=False,
                checkTiming=False,  # two seconds saved; onset times come from each flip
            )
        except Exception as error:  # pyglet and OpenGL drivers raise whatever they like
            raise LookalikeError(
                f"no window could be opened ({_first_line(error)}); on a machine without a screen put "
                "'xvfb-run -a' before the command, or use --no-window with a simulated observer"
            ) from None
        self._clock = logging.defaultClock  # the clock that both flips and key presses are stamped with
        self._window.mouseVisible = False
        self._events = WindowEvents(self._window.winHandle, self.now)
        self._numbers: dict[int, tuple[float, float]] = {}  # places of the scale's numbers, while it is shown
        width, height = (int(side) for side in self._window.size)
        text_color = 1 if background < 0.5 else -1
        self._dial: DialWindow | None = None
        try:
            self.image_scale = whole_scale(image_px, (height, width))
            if ring:
                shown_px = (image_px[0] * self.image_scale, image_px[1] * self.image_scale)
                self._dial = DialWindow(self._window, self.now, fit_ring(shown_px, (height, width)), text_color)
        except LookalikeError:
            self.close()
            raise
        self._text = visual.TextStim(
            self._window, height=height / 32, wrapWidth=0.8 * width, color=text_color, colorSpace="rgb", autoLog=False
        )
        self._image = visual.ImageStim(self._window, units="pix", interpolate=False, colorSpace="rgb", autoLog=False)
        self.about: dict[str, Any] = {
            "kind": "window",
            "size_px": [width, height],
            "fullscreen": fullscreen,
            "image_scale": self.image_scale,
            "background_p_value": round(background, 6),
            "psychopy": __version__,
        }

    def message(self, text: str) -> float:
        self._write(text)
        return self._flip()

    def image(self, pixels: Pixels) -> float:
        self._draw(pixels)
        return self._flip()

    def blank(self) -> float:
        return self._flip()

    def pair(self, left: Pixels, right: Pixels) -> float:
        # A quarter of the window's width from its middle: an image fills at most half of it.
        quarter = int(self._window.size[0]) // 4
        self._draw(left, -quarter)
        self._draw(right, quarter)
        return self._flip()

    def dial(self, pixels: Pixels, position_deg: float, ring_deg: float) -> float:
        self._draw(pixels)
        self._ring().draw(position_deg, ring_deg)
        return self._flip(pointer=True, dial=True)

    def turned(self) -> list[Input | Confirm]:
        return self._ring().heard()

    def scale(self, question: str, levels: int) -> float:
        width, height = (int(side) for side in self._window.size)
        apart, below = min(width / 12, 0.9 * width / levels), -height / 6
        places = {level: ((level - (levels + 1) / 2) * apart, below) for level in range(1, levels + 1)}
        self._write(question)
        for level, place in places.items():
            self._write(str(level), place)
        shown = self._flip(pointer=True)
        self._numbers = places
        return shown

    def touched(self) -> list[tuple[int, float]]:
        half = int(self._window.size[1]) / 24  # a target of a twelfth of the window's height
        return [
            (level, at)
            for x, y, at in self._events.clicks()
            for level, (left, up) in self._numbers.items()
            if abs(x - left) <= half and abs(y - up) <= half
        ]

    def focused(self, time_s: float) -> bool:
        return self._events.focused(time_s)

    def unfocused_s(self, since: float) -> float:
        return self._events.unfocused_s(since)

    def now(self) -> float:
        return float(self._clock.getTime())

    def wait_until(self, time_s: float) -> None:
        time.sleep(max(0.0, time_s - self.now()))

    def close(self) -> None:
        self._window.close()

    def _write(self, text: str, at: tuple[float, float] = (0, 0)) -> None:
        self._text.text, self._text.pos = text, at
        self._text.draw()

    def _draw(self, pixels: Pixels, right: int = 0) -> None:
        """Draw an image, `right` pixels right of the middle."""
        shown = enlarge(pixels, self.image_scale)
        rows, columns = shown.shape
        width, height = (int(side) for side in self._window.size)
        # PsychoPy's first row is the bottom one. Where an odd number of pixels is left over, half
        # a pixel's shift puts the image's edges back on the pixel grid.
        self._image.image = _signed(shown[::-1])
        self._image.size = (columns, rows)
        self._image.pos = (right + (width - columns) % 2 / 2, (height - rows) % 2 / 2)
        self._image.draw()

    def _ring(self) -> DialWindow:
        if self._dial is None:
            raise ValueError("this window has no dial")
        return self._dial

    def _flip(self, pointer: bool = False, dial: bool = False) -> float:
        self._numbers = {}
        if self._dial is not None and not dial:
            self._dial.hide()
        if pointer != self._window.mouseVisible:
            self._window.mouseVisible = pointer
        return float(self._window.flip())


def enlarge(pixels: Pixels, scale: int) -> Pixels:
    """Repeat every pixel `scale` times along both axes; no grey level is invented or lost."""
    return np.kron(pixels, np.ones((scale, scale), dtype=np.float32))


def whole_scale(image_px: tuple[int, int], window_px: tuple[int, int]) -> int:
    """The whole-number scale for images of `image_px` in a window of `window_px`, both (rows, columns)."""
    if image_px[0] > window_px[0] or image_px[1] > window_px[1]:
        raise LookalikeError(
            f"images of {image_px[0]} x {image_px[1]} px do not fit the window of {window_px[0]} x {window_px[1]}; "
            "use --fullscreen on a larger screen, or build the set with a smaller size"
        )
    return max(1, min(window_px[0] // (2 * image_px[0]), window_px[1] // (2 * image_px[1])))


def _import_psychopy() -> Any:
    """PsychoPy's drawing module, or a clear reason why there is none."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        raise LookalikeError(
            "no screen to open a window on (DISPLAY is not set); log in to a desktop, put 'xvfb-run -a' before the "
            "command, or use --no-window with a simulated observer"
        )
    try:
        from psychopy import logging

        # Its warnings are for its own developers and would bury ours; errors still show.
        logging.console.setLevel(logging.ERROR)
        from psychopy import visual
    except ImportError as error:
        raise LookalikeError(f"a window needs PsychoPy ({_first_line(error)}): pip install 'lookalike[lab]'") from None
    except Exception as error:  # a DISPLAY that nobody serves already fails while importing
        raise LookalikeError(
            f"PsychoPy cannot reach a screen ({_first_line(error)}); check DISPLAY, put 'xvfb-run -a' before the "
            "command, or use --no-window with a simulated observer"
        ) from None
    return visual


def _signed(p_value: Any) -> npt.NDArray[np.float32]:
    """P-values 0..1 as PsychoPy's -1..1."""
    return np.asarray(p_value, dtype=np.float32) * np.float32(2) - np.float32(1)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
