"""Measuring a display's luminances one by one: a level is shown, a person reads the photometer and types the value.

Every reading is on disk before the next level is shown, so the measurement can stop and resume at any level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import read_table, write_table
from experiments.display.calibration import COLUMNS, MEASURED, TOP, LuminanceTable, last_taken, read_luminances
from experiments.windows.window import Window

LEVELS = (0, 5, 10, *range(15, TOP + 1, 15))  # TG18's 18, and two more where a display's curve bends most
_BACKGROUND = 123  # about a fifth of white's luminance at gamma 2.2, as around the patch of TG18's LN patterns
_PATCH = math.sqrt(0.1)  # relative side of a patch that fills a tenth of the window

_FRESH = timedelta(days=1)  # a display that has since been switched off, or has aged, is measured from the start

Readings = list[tuple[int, float, str]]  # level, luminance in cd/m², when it was taken


def measure(
    show: Callable[[int], None],
    ask: Callable[[str], str],
    tell: Callable[[str], None],
    levels: Sequence[int],
    path: Path,
    ambient_cd_m2: float,
) -> LuminanceTable:
    """Show each level, ask for its reading in cd/m², and return the table; `path` keeps the readings.

    If `path` holds readings of the first of these levels, it resumes after them; if the last of them is more than 24
    hours old, the file is renamed (`archive`) and all levels are measured again. `ask` returns what was typed: a number
    above the previous reading, `back` to repeat the previous level, or `stop`. Raises `LookalikeError` if it stops
    before the end, or if `path` holds readings of other levels.
    """
    readings = _readings_so_far(path, levels, tell)
    if len(readings) == len(levels):
        tell(f"{path}: holds all {len(levels)} readings, the last from {readings[-1][2]}; they are used as they are")
    elif readings:
        tell(f"{path}: resumes after {len(readings)} of {len(levels)} readings")
    while len(readings) < len(levels):
        level = levels[len(readings)]
        show(level)
        typed = ask(f"level {level} ({len(readings) + 1} of {len(levels)}): cd/m², back or stop").strip().lower()
        if typed == "stop":
            raise LookalikeError(
                "stopped",
                f"stopped after {len(readings)} of {len(levels)} levels; the readings are in {path}: give the same "
                "command again to resume",
            )
        if typed == "back":
            readings = readings[:-1]
        else:
            luminance = _number(typed)
            if luminance is None:
                tell(f"{typed!r} is not a luminance; type a number such as 0.35")
                continue
            if readings and luminance <= readings[-1][1]:
                tell(f"not above the previous reading, {readings[-1][1]:g} at level {readings[-1][0]}; measure again")
                continue
            readings = [*readings, (level, luminance, _now().isoformat(timespec="seconds"))]
        write_table(path, pd.DataFrame(readings, columns=[*COLUMNS, MEASURED]))
    return read_luminances(path, ambient_cd_m2)


def archive(path: Path, measured_utc: str | None) -> Path:
    """Rename a file of readings to the date of its last one, so that no later measurement resumes it.

    Returns the new path, beside the old one; no file is overwritten.
    """
    date = "undated" if measured_utc is None else measured_utc[:10]
    stem, number = f"{path.stem}-{date}", 1
    archived = path.with_name(f"{stem}{path.suffix}")
    while archived.exists():
        number += 1
        archived = path.with_name(f"{stem}-{number}{path.suffix}")
    return path.rename(archived)


def refuse_whole(path: Path, levels: Sequence[int]) -> None:
    """Raise `LookalikeError` if `path` holds a complete measurement, which would be taken for the new one."""
    if path.exists() and len(read_table(path, COLUMNS)) >= len(levels):
        raise LookalikeError(
            "already-measured",
            f"{path}: already holds a complete measurement; use it with --from, or name a new file",
        )


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


def _readings_so_far(path: Path, levels: Sequence[int], tell: Callable[[str], None]) -> Readings:
    if not path.exists():
        return []
    table = read_table(path, COLUMNS, text=(MEASURED,))
    if table.empty:
        return []
    last = last_taken(table, str(path))
    if last is None or abs(_now() - last) > _FRESH:
        archived = archive(path, None if last is None else last.isoformat())
        when = "undated" if last is None else f"the last from {last.date()}, more than 24 hours ago"
        tell(f"{path}: held older readings ({when}); they were moved to {archived}, and all levels are measured again")
        return []
    if [*table["level"]] != [*levels[: len(table)]]:
        raise LookalikeError(
            "other-levels", f"{path}: holds readings of other levels than needed; remove it, or name another file"
        )
    rows = table[[*COLUMNS, MEASURED]].itertuples(index=False, name=None)
    return [(int(level), float(luminance), str(taken)) for level, luminance, taken in rows]


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _number(typed: str) -> float | None:
    try:
        value = float(typed.replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None
