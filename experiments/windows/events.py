"""What a window reports besides keys: clicks or touches, and gaining or losing the keyboard focus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class WindowEvents:
    """Clicks and changes of focus of a pyglet window of `size_px` (width, height), each with its time in s by `now`.

    Taps on a touch screen arrive as clicks. Until a loss of focus is reported the window counts as focused, as nothing
    is reported without a window manager.
    """

    def __init__(self, window: Any, size_px: tuple[int, int], now: Callable[[], float]) -> None:
        self._window, self._size_px, self._now = window, size_px, now
        self._clicks: list[tuple[float, float, float]] = []
        self._lost: list[tuple[float, float | None]] = []  # from, until (None: not yet regained)
        window.push_handlers(
            on_mouse_press=self._on_mouse_press, on_activate=self._on_activate, on_deactivate=self._on_deactivate
        )

    def clicks(self) -> list[tuple[float, float, float]]:
        """Clicks since the last call: pixels right of and above the middle of the window, and the time."""
        self._window.dispatch_events()
        clicks, self._clicks = self._clicks, []
        return clicks

    def focused(self, time_s: float) -> bool:
        """Whether the window had the keyboard focus at that time."""
        return not any(lost <= time_s and (back is None or time_s < back) for lost, back in self._lost)

    def unfocused_s(self, since: float) -> float:
        """Seconds without the keyboard focus, from `since` until now."""
        now = self._now()
        spans = ((max(lost, since), now if back is None else back) for lost, back in self._lost)
        return sum((max(0.0, back - lost) for lost, back in spans), 0.0)

    def _on_mouse_press(self, x: float, y: float, _button: int, _modifiers: int) -> None:
        self._clicks.append((*from_middle(self._window, self._size_px, x, y), self._now()))

    def _on_deactivate(self) -> None:
        if not self._lost or self._lost[-1][1] is not None:
            self._lost.append((self._now(), None))

    def _on_activate(self) -> None:
        if self._lost and self._lost[-1][1] is None:
            self._lost[-1] = (self._lost[-1][0], self._now())


def from_middle(window: Any, size_px: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """Pixels right of and above the middle of a pyglet window of `size_px`, for a place as its events give it.

    Events are in points; where the screen has two pixels a point (Retina), the window has twice as many pixels.
    """
    across, up = size_px[0] / window.width, size_px[1] / window.height
    return x * across - size_px[0] / 2, y * up - size_px[1] / 2
