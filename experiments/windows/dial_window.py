"""The window's part of a matching task: the ring around the image being adjusted, and the inputs that turn it.

All inputs come from the window's own event queue, so that wheel, keys and pointer keep their order and no key press is
lost between two polls; each gets the time at which it is taken off the queue, at most one frame late.

The operating system repeats a held key: it seems to go up and down again at the same moment, many times a second. No
finger is that fast, so such pairs are dropped, and a key held down since before the trial has no effect.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from experiments.screen import Confirm, Input, Key, Point, Wheel, is_up
from experiments.windows.events import from_middle
from experiments.windows.ring import Ring
from experiments.windows.window import signed

_EDGES = 128
_REPEAT_S = 0.004  # between going up and down again, if it was not a finger


class DialWindow:
    """Ring and mark on a PsychoPy `window`, in framebuffer value `ink`, and their events, timed by `now`.

    Inputs are ignored while no dial is on screen.
    """

    def __init__(self, window: Any, now: Callable[[], float], ring: Ring, ink: int) -> None:
        from psychopy import visual
        from pyglet.window import key

        self._now, self._handle = now, window.winHandle
        self._size_px = (int(window.size[0]), int(window.size[1]))
        self._ring: Ring = ring
        self._shown = self._dragged = False
        self._heard: list[Input | Confirm] = []
        self._went_up: dict[int, float] = {}  # when each key last went up
        self._turns = {key.LEFT: -1, key.RIGHT: 1}
        self._confirms = {key.SPACE, key.RETURN, key.NUM_ENTER}
        colour = signed(ink)
        circle: dict[str, Any] = {
            "units": "pix",
            "edges": _EDGES,
            "lineColor": colour,
            "colorSpace": "rgb",
            "autoLog": False,
        }
        self._circle = visual.Circle(window, radius=ring.radius_px, fillColor=None, lineWidth=2, **circle)
        self._mark = visual.Circle(window, radius=ring.band_px / 2, fillColor=colour, lineWidth=0, **circle)
        self._handle.push_handlers(
            on_mouse_scroll=self._on_mouse_scroll,
            on_mouse_press=self._on_mouse_press,
            on_mouse_drag=self._on_mouse_drag,
            on_mouse_release=self._on_mouse_release,
            on_key_press=self._on_key_press,
            on_key_release=self._on_key_release,
            on_deactivate=self._on_deactivate,
        )

    def draw(self, position_deg: float, ring_deg: float) -> None:
        """Draw the ring, rotated by `ring_deg`, and the mark at the position of the image on it."""
        self._ring = replace(self._ring, zero_deg=ring_deg)
        self._mark.pos = self._ring.place(position_deg)
        self._circle.draw()
        self._mark.draw()
        if not self._shown:
            self._handle.dispatch_events()  # inputs from before the dial appeared do not turn it
        self._shown = True

    def hide(self) -> None:
        """The dial is no longer on screen."""
        self._shown = self._dragged = False
        self._heard = []

    def heard(self) -> list[Input | Confirm]:
        """Inputs to the dial since the last call, in order."""
        self._handle.dispatch_events()
        # A key that went up a moment ago may be a held one, so it and all later inputs are kept for the next call.
        fresh = self._now() - _REPEAT_S
        ready = next((place for place, one in enumerate(self._heard) if is_up(one) and one.at > fresh), None)
        heard, self._heard = self._heard[:ready], [] if ready is None else self._heard[ready:]
        return heard

    def _hear(self, given: Input | Confirm) -> None:
        if self._shown:
            self._heard.append(given)

    def _on_mouse_scroll(self, _x: int, _y: int, _right: float, up: float) -> None:
        if up:
            self._hear(Wheel(self._now(), up))

    def _on_mouse_press(self, x: int, y: int, _button: int, _modifiers: int) -> None:
        right, up = self._from_middle(x, y)
        if self._ring.holds(right, up):
            self._dragged = True
            self._point(right, up)
        elif self._ring.encloses(right, up):
            self._hear(Confirm(self._now(), "pointer"))

    def _on_mouse_drag(self, x: int, y: int, _dx: int, _dy: int, _buttons: int, _modifiers: int) -> None:
        if self._dragged:  # a drag that began on the ring continues wherever the pointer moves
            self._point(*self._from_middle(x, y))

    def _on_mouse_release(self, _x: int, _y: int, _button: int, _modifiers: int) -> None:
        self._dragged = False

    def _on_key_press(self, symbol: int, _modifiers: int) -> None:
        if self._now() - self._went_up.pop(symbol, -math.inf) < _REPEAT_S:
            self._take_back(symbol)
        elif symbol in self._turns:
            self._hear(Key(self._now(), self._turns[symbol], True))
        elif symbol in self._confirms:
            self._hear(Confirm(self._now(), "key"))

    def _on_key_release(self, symbol: int, _modifiers: int) -> None:
        self._went_up[symbol] = self._now()
        if symbol in self._turns:
            self._hear(Key(self._now(), self._turns[symbol], False))

    def _on_deactivate(self) -> None:
        # Another window will receive the release of the keys.
        self._dragged = False
        for direction in self._turns.values():
            self._hear(Key(self._now(), direction, False))
        # On X11 pyglet takes the next press of a key whose release it did not see for a repeat of the old one.
        getattr(self._handle, "pressed_keys", set()).clear()

    def _take_back(self, symbol: int) -> None:
        """Remove the last release of this key: it did not go up after all."""
        ups = [one for one in self._heard if is_up(one) and one.direction == self._turns.get(symbol)]
        if ups:
            self._heard.remove(ups[-1])

    def _point(self, right: float, up: float) -> None:
        position = self._ring.position(right, up)
        if position is not None:
            self._hear(Point(self._now(), position))

    def _from_middle(self, x: int, y: int) -> tuple[float, float]:
        return from_middle(self._handle, self._size_px, x, y)
