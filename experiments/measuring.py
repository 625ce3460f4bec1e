"""Taking a display's luminances one by one: a level is shown, a person reads the photometer and types.

Every reading is on disk before the next level is shown, so the work can stop and go on at any level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from data.errors import LookalikeError
from data.files import read_table
from experiments.calibration import COLUMNS, TOP, LuminanceTable, read_luminances, write_luminances
from experiments.window import Window

LEVELS = (0, 5, 10, *range(15, TOP + 1, 15))  # TG18's 18, and two more where a display's curve bends most
_BACKGROUND = 123  # about a fifth of white's luminance at gamma 2.2, as round the patch of TG18's LN patterns
_PATCH = math.sqrt(0.1)  # side of the patch that fills a tenth of the window

Readings = list[tuple[int, float]]


def measure(
    show: Callable[[int], None],
    ask: Callable[[str], str],
    tell: Callable[[str], None],
    levels: Sequence[int],
    path: Path,
    ambient_cd_m2: float,
) -> LuminanceTable:
    """Show each level, ask for its reading in cd/m², and return the table; `path` keeps the readings.

    If `path` holds readings of the first of these levels already, it goes on after them. `ask` returns what
    was typed: a number above the reading before, `back` to measure the level before again, or `stop`.
    Raises `LookalikeError` if it stops before the end, or if `path` holds readings of other levels.
    """
    readings = _readings_so_far(path, levels)
    if readings:
        tell(f"{path}: goes on after {len(readings)} of {len(levels)} readings")
    while len(readings) < len(levels):
        level = levels[len(readings)]
        show(level)
        typed = ask(f"level {level} ({len(readings) + 1} of {len(levels)}), cd/m², or back, or stop").strip().lower()
        if typed == "stop":
            raise LookalikeError(
                f"stopped after {len(readings)} of {len(levels)} levels; the readings are in {path}: give the same "
                "command again to go on"
            )
        if typed == "back":
            readings = readings[:-1]
        else:
            luminance = _number(typed)
            if luminance is None:
                tell(f"{typed!r} is no luminance; type a number such as 0.35")
                continue
            if readings and luminance <= readings[-1][1]:
                tell(f"not above the reading before, {readings[-1][1]:g} at level {readings[-1][0]}; measure again")
                continue
            readings = [*readings, (level, luminance)]
        write_luminances(path, readings)
    return read_luminances(path, ambient_cd_m2)


class LevelWindow:
    """A patch of one framebuffer value in the middle of a grey window, for a photometer."""

    def __init__(self, fullscreen: bool, screen: int) -> None:
        self._window = Window(_BACKGROUND, fullscreen, screen)
        self.screen_px = self._window.screen_px
        self.refresh_hz = self._window.measure_refresh()
        self._shape = (round(self._window.size_px[1] * _PATCH), round(self._window.size_px[0] * _PATCH))

    def show(self, level: int) -> None:
        self._window.upload(np.full(self._shape, level, dtype=np.uint8))
        self._window.draw()
        self._window.flip()

    def close(self) -> None:
        self._window.close()


def _readings_so_far(path: Path, levels: Sequence[int]) -> Readings:
    if not path.exists():
        return []
    table = read_table(path, COLUMNS)
    readings = [(int(level), float(luminance)) for level, luminance in table[list(COLUMNS)].to_numpy()]
    if [level for level, _ in readings] != list(levels[: len(readings)]):
        raise LookalikeError(f"{path}: holds readings of other levels than are asked for; remove it, or name another")
    return readings


def _number(typed: str) -> float | None:
    try:
        value = float(typed.replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None
