"""Photometer readings, typed by a person in front of a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from data.errors import LookalikeError
from lookalike.console import need, say

if TYPE_CHECKING:
    from experiments.display.calibration import LuminanceTable


def take_readings(
    keep: Path,
    ambient: float,
    screen: int,
    fullscreen: bool,
    accept: Callable[[tuple[int, int]], None],
    levels: tuple[int, ...] | None = None,
) -> tuple[LuminanceTable, tuple[int, int], float | None]:
    """Readings typed by a person in front of a window; also the screen's size in px and its refresh rate in Hz, if any.

    `accept` is given the screen's size first, and raises `LookalikeError` if nothing should be measured on it.
    """
    need("lab")
    from experiments.windows.measuring import LEVELS, LevelWindow, measure

    window = LevelWindow(fullscreen, screen)
    try:
        accept(window.screen_px)
        table = measure(window.show, _typed, say, levels or LEVELS, keep, ambient)
        return table, window.screen_px, window.refresh_hz
    finally:
        window.close()


def refuse_other_size(wanted_px: tuple[int, int] | None, screen_px: tuple[int, int]) -> None:
    if wanted_px is not None and wanted_px != screen_px:
        width, height = screen_px
        raise LookalikeError(
            "wrong-screen",
            f"the screen has {width} x {height} px, not {wanted_px[0]} x {wanted_px[1]}; set its resolution",
        )


def _typed(question: str) -> str:
    try:
        return str(typer.prompt(question, err=True))
    except typer.Abort:  # Ctrl+C, or the end of the input
        return "stop"
