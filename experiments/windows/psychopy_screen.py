"""The screen that a participant sees: a PsychoPy window on a display.

Images, background and text are P-values in [0, 1]. The display's lookup converts them to framebuffer values here, in
software, and images are scaled here too: a graphics card's interpolation could blur away what distinguishes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from data.errors import LookalikeError
from experiments.display.calibration import Levels, no_lookup
from experiments.display.display_file import UNCALIBRATED, Display
from experiments.display.sizing import Shape, Sizing, apart_px, choose_sizing, room_px, side_by_side
from experiments.screen import FRAME_S, NO_BUTTONS, Confirm, Flip, Input, Row
from experiments.typesetting.fonts import Font, find_font
from experiments.typesetting.pages import Line, Typesetter
from experiments.windows.buttons import Place, cross, in_a_row, outline, touched, with_letters
from experiments.windows.dial_window import DialWindow
from experiments.windows.events import WindowEvents
from experiments.windows.ring import fit_ring
from experiments.windows.window import Window
from stimuli.images import Pixels

_LATE = 0.2  # of a frame: a flip later than this after the frame it was called for has missed that frame
_PHOTODIODE = 1 / 16  # side of the patch, relative to the window's height
# Texts: height of the letters and places above the middle, relative to the window's height; longest line relative to
# its width, and in heights of letters, of which a line of 80 letters has about 40.
_LETTERS, _LINE, _MOST_IN_A_LINE = 1 / 32, 0.8, 40
_TOP, _BOTTOM, _FOOTER = 0.42, -0.36, -0.44
# Where there are buttons, texts end higher, and images leave room for them above and below, to stay in the middle.
_BOTTOM_ABOVE, _BUTTONS, _ENDS, _ROOM_ABOVE = -0.28, -0.355, -0.44, 0.6
_FIXATION = 1 / 40


class WindowScreen:
    """A PsychoPy window whose background is the mean grey of the images.

    `background` is a P-value; `image_px` the largest (rows, columns) that will be shown, all at one scale (see
    `sizing`), `beside` how many of them side by side, their middles `separation_deg` apart; `ring` leaves room for a
    dial around an image, `buttons` for a row of buttons below it. `display` is the calibrated display, if any, and
    `font` that of all texts (DejaVu Sans unless given). `before` is what the screen of the participant's earlier
    session said of itself. Raises `LookalikeError` without PsychoPy or a screen, if images (and the ring) do not fit,
    or if the screen is not the one of the display file.
    """

    def __init__(
        self,
        background: float,
        image_px: Shape,
        fullscreen: bool = False,
        display: Display | None = None,
        *,
        beside: int = 1,
        separation_deg: float | None = None,
        ring: bool = False,
        buttons: bool = False,
        font: Font | None = None,
        before: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._lookup = no_lookup() if display is None else display.lookup()
        self._window = Window(self._level(background), fullscreen, 0 if display is None else display.screen)
        width, height = self._window.size_px
        self._grey, self._light = background, 1.0 if background < 0.5 else 0.0  # P-values of background and ink
        self._background, self._ink = self._level(background), self._level(self._light)
        self._setter = Typesetter(
            font or find_font(""),
            size_px=round(height * _LETTERS),
            width_px=round(min(_LINE * width, _MOST_IN_A_LINE * height * _LETTERS)),
            height_px=round(height * (_TOP - (_BOTTOM_ABOVE if buttons else _BOTTOM))),
        )
        self._dial: DialWindow | None = None
        self._places: tuple[Place, ...] = ()  # of the numbers and buttons on screen
        self._row = NO_BUTTONS  # of the image that was prepared
        try:
            if display is not None and display.size_px != self._window.screen_px:
                raise LookalikeError(
                    "wrong-screen",
                    f"the screen has {_by(self._window.screen_px)} px and {display.name!r} {_by(display.size_px)}, so "
                    "sizes in degrees would be wrong; set the screen's resolution, or calibrate this display",
                )
            self._apart_px = apart_px(width, max(2, beside), display, separation_deg)
            room = room_px((height, width), beside, self._apart_px) if beside > 1 else (height, width)
            room = (round(height * _ROOM_ABOVE), room[1]) if buttons else room
            self._sizing = choose_sizing(image_px, (height, width), display, room)
            if kept_size_of(before, (width, height), display):
                self._sizing = Sizing(int(before["image_scale"]))
            if ring:
                around = fit_ring(self._sizing.shape(image_px), (height, width))
                self._dial = DialWindow(self._window.handle, self.now, around, self._ink)
            measured_hz = self._window.measure_refresh()
        except BaseException:
            self.close()
            raise
        self._frame_s = 1 / (measured_hz or (display and display.refresh_hz) or 1 / FRAME_S)
        # Flips that do not wait for the screen come at once; those that do are called half a frame early, so that the
        # frame nearest to the time asked for shows them.
        self._early_s = 0.0 if measured_hz is None else self._frame_s / 2
        self._events = WindowEvents(self._window.handle.winHandle, self._window.size_px, self.now)
        self._photodiode = None if display is None else display.photodiode
        self._row_places: tuple[Place, ...] = ()
        self._drawn = False  # whether the next image is ready in the back buffer
        self._dropped = 0
        self.about: dict[str, Any] = {
            "kind": "window",
            "size_px": [width, height],
            "fullscreen": fullscreen,
            "background_p_value": round(background, 6),
            "background_level": self._level(background),
            "psychopy": self._window.psychopy,
            "font": self._setter.font.name,
            **self._sizing.about(image_px, display),
            **({"pair_apart_px": self._apart_px} if beside > 1 else {}),
            "refresh_hz": None if measured_hz is None else round(measured_hz, 3),
            "calibration": UNCALIBRATED if display is None else display.calibration,
            **({} if display is None else {f"display_{name}": value for name, value in display.about().items()}),
            "warnings": warnings_of(display, measured_hz),
        }

    def pages(self, text: str) -> int:
        return len(self._setter.pages(text))

    def message(self, text: str, page: int = 1, footer: str = "", row: Row = NO_BUTTONS) -> float:
        self._forget_image()
        pages, height = self._setter.pages(text), self._window.size_px[1]
        if len(pages) == 1:
            self._window.write(self._words(pages[0]))
        else:  # pages begin at one height, and lines at one side, so that a reader need not search
            words = self._words(pages[page - 1], centred=False)
            self._window.write(words, (0, height * _TOP - words.shape[0] / 2))
        self._write_footer(footer)
        places = self._draw_row(row)
        return self._flip(self.now(), places=places)

    def prepare(self, *images: Pixels, row: Row = NO_BUTTONS) -> None:
        self._row = row
        # Only one image at a time is kept at its size on screen.
        levels = [self._lookup(self._sizing(pixels)) for pixels in images]
        self._window.upload(side_by_side(levels, self._window.size_px[0], self._background, self._apart_px))
        self._draw_image()

    def flip(self, asked: float | None = None) -> Flip:
        wanted = self.now() if asked is None else asked
        if not self._drawn:  # the same image again, or something else was shown in between
            self._draw_image()
        shown = self._flip(self._wait_for(asked), places=self._row_places)
        dropped, self._dropped = self._dropped, 0
        return Flip(shown, shown - wanted, dropped)

    def blank(self, asked: float | None = None) -> float:
        self._forget_image()
        return self._flip(self._wait_for(asked))

    def fixate(self, row: Row = NO_BUTTONS) -> float:
        self._forget_image()
        self._window.write(self._inked(cross(round(self._window.size_px[1] * _FIXATION))))
        places = self._draw_row(row)
        return self._flip(self.now(), places=places)

    def dial(self, pixels: Pixels, position_deg: float, ring_deg: float, asked: float | None = None) -> float:
        if self._dial is None:
            raise ValueError("this window has no dial")
        self._forget_image()
        self._window.upload(self._lookup(self._sizing(pixels)))
        self._window.draw()
        self._dial.draw(position_deg, ring_deg)
        return self._flip(self._wait_for(asked), pointer=True, dial=True)

    def turned(self) -> list[Input | Confirm]:
        return [] if self._dial is None else self._dial.heard()

    def scale(self, question: str, levels: int, footer: str = "", row: Row = NO_BUTTONS) -> float:
        width, height = self._window.size_px
        apart, below = min(width / 12, 0.9 * width / levels), -height / 6
        side = height // 12
        numbers = tuple(
            Place(str(level), ((level - (levels + 1) / 2) * apart, below), (side, side))
            for level in range(1, levels + 1)
        )
        self._forget_image()
        self._window.write(self._words(self._setter.pages(question)[0]))
        for number in numbers:
            self._window.write(self._words((Line(number.key),)), number.at)
        self._write_footer(footer)
        return self._flip(self.now(), places=(*numbers, *self._draw_row(row)))

    def touched(self) -> list[tuple[str, float]]:
        return list(touched(self._places, self._events.clicks()))

    def focused(self, time_s: float) -> bool:
        return self._events.focused(time_s)

    def unfocused_s(self, since: float) -> float:
        return self._events.unfocused_s(since)

    def now(self) -> float:
        return self._window.now()

    def wait_until(self, time_s: float) -> None:
        self._window.wait_until(time_s)

    def close(self) -> None:
        self._window.close()

    def _wait_for(self, asked: float | None) -> float:
        """Wait until it is time to call for the frame nearest `asked`, and return that time."""
        # Without a time asked for, the next frame will do.
        called = self.now() if asked is None else asked - self._early_s
        self.wait_until(called)
        return called

    def _draw_image(self) -> None:
        """Draw the image to the back buffer, and wait until that is done: all that remains is the flip."""
        self._forget_image()
        self._window.draw()
        self._row_places = self._draw_row(self._row)
        self._light_photodiode(1.0)
        self._window.finish()
        self._drawn = True

    def _forget_image(self) -> None:
        if self._drawn:
            self._window.clear()
            self._drawn = False
        self._light_photodiode(0.0)

    def _light_photodiode(self, p_value: float) -> None:
        if self._photodiode is not None:
            side = round(self._window.size_px[1] * _PHOTODIODE)
            self._window.fill(self._level(p_value), (side, side), self._photodiode)

    def _flip(self, called: float, pointer: bool = False, dial: bool = False, places: tuple[Place, ...] = ()) -> float:
        self._places = ()
        if self._dial is not None and not dial:
            self._dial.hide()
        self._window.show_pointer(pointer or bool(places))
        shown = self._window.flip()
        self._places = places
        self._drawn = False
        self._dropped += missed_frames(shown - called, self._frame_s)
        return shown

    def _words(self, lines: tuple[Line, ...], centred: bool = True) -> Levels:
        """A picture of lines of text, its ink on the background, in framebuffer values."""
        return self._inked(self._setter.picture(lines, centred))

    def _inked(self, ink: Pixels) -> Levels:
        """A picture whose ink is 0 to 1, in framebuffer values; no ink is exactly the background."""
        return self._lookup(self._grey + ink.astype(float) * (self._light - self._grey))

    def _draw_row(self, row: Row) -> tuple[Place, ...]:
        """Draw buttons at the bottom, and return where they are."""
        if not row.buttons:
            return ()
        letters = [self._setter.picture(self._setter.pages(button.label)[0]) for button in row.buttons]
        window = self._window
        keys = [button.key for button in row.buttons]
        places = in_a_row(keys, [one.shape[1] for one in letters], window.size_px, _BUTTONS)
        for place, one in zip(places, letters, strict=True):
            window.write(self._inked(with_letters(outline(place.size_px, window.size_px[1]), one)), place.at)
        for end, place in ((row.low, places[0]), (row.high, places[-1])):
            if end:
                words = self._words(self._setter.pages(end)[0])
                most = (window.size_px[0] - words.shape[1]) / 2
                window.write(words, (max(-most, min(most, place.at[0])), window.size_px[1] * _ENDS))
        return places

    def _write_footer(self, text: str) -> None:
        if text:
            self._window.write(self._words(self._setter.pages(text)[0]), (0, self._window.size_px[1] * _FOOTER))

    def _level(self, p_value: float) -> int:
        return int(self._lookup(p_value))


def kept_size_of(before: Mapping[str, Any], size_px: tuple[int, int], display: Display | None) -> bool:
    """Whether images keep the scale of a session `before`, whose window said this of itself.

    They do in a window of the same size, unless the display file gives their height: an earlier version may have shown
    pairs smaller, and a participant's images must not change their size.
    """
    in_degrees = display is not None and display.image_height_deg is not None
    same_window = before.get("size_px") == list(size_px)
    return same_window and not in_degrees and float(before.get("image_scale", 0.5)).is_integer()


def missed_frames(waited_s: float, frame_s: float) -> int:
    """Frames missed by a flip that became visible `waited_s` after it was called for."""
    return max(0, math.ceil(waited_s / frame_s - _LATE) - 1)


def warnings_of(display: Display | None, measured_hz: float | None) -> list[str]:
    """Warnings about luminances, sizes or times that cannot be trusted."""
    warnings = []
    if display is None:
        warnings.append(f"{UNCALIBRATED}: no display file, so luminance and size in degrees are unknown")
    elif display.calibration == UNCALIBRATED:
        warnings.append(f"{UNCALIBRATED}: the display's luminances are not corrected")
    elif display.table is None:
        warnings.append("gamma was given, not measured")
    elif not (found := display.conformance()).conforms:
        warnings.append(
            f"contrast deviates from its target by up to {found.worst:.0%}; a conforming display stays within 10%"
        )
    if measured_hz is None:
        warnings.append(
            "flips do not wait for the screen's refresh, so onsets and dropped frames are not known to within a frame"
        )
    elif display is not None and display.refresh_hz and not np.isclose(measured_hz, display.refresh_hz, rtol=0.02):
        warnings.append("the refresh rate differs from that of the display file")
    return warnings


def _by(size: Shape) -> str:
    return f"{size[0]} x {size[1]}"
