"""What a response box is, and how one is found.

**Another device is one more module in this folder,** named as task files will name it, with a function
`open_box(settings, now)` that returns a `Box` or raises `LookalikeError`. Nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from data.errors import LookalikeError
from data.flow.devices import Box as Settings
from data.settings import nearest

_SHARED = {"box"}


class Box(Protocol):
    """An open response box."""

    fault: str | None
    """Why it has stopped working; None while it works."""

    def presses(self) -> list[tuple[str, float]]:
        """The buttons that went down since the last call, as the device names them, each with its time in s."""

    def close(self) -> None:
        """Release the device."""


def open_box(settings: Settings, now: Callable[[], float]) -> Box:
    """Open the response box that a task file names; its times are by `now`, the screen's clock.

    Raises `LookalikeError` if there is no such device, or it is not connected.
    """
    refuse_unknown(settings)
    box: Box = import_module(f"experiments.boxes.{settings.device}").open_box(settings, now)
    return box


def refuse_unknown(settings: Settings) -> None:
    """Raise `LookalikeError` if a task file names no module of this folder."""
    there = sorted({module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])} - _SHARED)
    if settings.device not in there:
        raise LookalikeError(
            "bad-setting", f"box.device: no response box is {settings.device!r}; {nearest(settings.device, there)}"
        )
