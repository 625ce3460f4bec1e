"""Sends the codes of what happens in a session, and keeps them for its record.

**Another way out is one more module in this folder,** named as task files will name it, with a function
`open_line(settings)` that returns a `Line` or raises `LookalikeError`. Nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from data.errors import LookalikeError
from data.flow.devices import MarkerSettings
from data.settings import nearest

_SHARED = {"markers"}


class Line(Protocol):
    """Where codes go."""

    def send(self, code: int) -> None:
        """Send a code from 1 to 255, at once. Any exception means that it did not go out."""

    def close(self) -> None:
        """Release the device."""


def open_line(settings: MarkerSettings) -> Line:
    """Open the way out that a task file names. Raises `LookalikeError` if there is none, or its device is missing."""
    refuse_unknown(settings)
    line: Line = import_module(f"experiments.markers.{settings.to}").open_line(settings)
    return line


def refuse_unknown(settings: MarkerSettings) -> None:
    """Raise `LookalikeError` if a task file names no module of this folder."""
    there = sorted({module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])} - _SHARED)
    if settings.to not in there:
        raise LookalikeError(
            "bad-setting", f"markers.to: no markers go to {settings.to!r}; {nearest(settings.to, there)}"
        )


class Markers:
    """The markers of a session.

    `codes` are those of what may happen, `line` is where they go (None: nowhere, and nothing is kept). What cannot be
    sent is kept without a time and told once; the session goes on.
    """

    def __init__(
        self,
        codes: Mapping[str, int] | None = None,
        line: Line | None = None,
        now: Callable[[], float] = lambda: 0.0,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._codes, self._line, self._now, self._say = codes or {}, line, now, say
        self._kept: list[tuple[str, int, float | None]] = []
        self.fault: str | None = None

    def send(self, *names: str) -> None:
        """Send the code of the first of `names` that has one."""
        name = next((name for name in names if name in self._codes), None)
        if self._line is None or name is None or not self._codes[name]:
            return
        at: float | None = self._now()
        try:
            self._line.send(self._codes[name])
        except Exception as error:  # whatever a driver raises must not end the session
            at = None
            if self.fault is None:
                self.fault = f"{type(error).__name__}: {error}".splitlines()[0]
                self._say(f"markers are no longer sent ({self.fault}); the session goes on, and its record says so")
        self._kept.append((name, self._codes[name], at))

    def answer(self, response: object, category: object = None) -> None:
        """Mark an answer, or the category of a rating."""
        self.send(f"rating_{category}", f"answer_{response}", "answer")

    def taken(self, zero: float) -> dict[str, Any]:
        """What was sent since the last call, for the record: name, code and time (s since `zero`; None: not sent)."""
        kept, self._kept = self._kept, []
        if not kept:
            return {}
        sent = [[name, code, None if at is None else round(at - zero, 6)] for name, code, at in kept]
        failed = any(at is None for _, _, at in kept)
        return {"markers": sent, **({"marker_fault": self.fault} if failed else {})}

    def close(self) -> None:
        """Release the device; one that is gone already is no reason to fail."""
        try:
            if self._line is not None:
                self._line.close()
        except Exception as error:
            self._say(f"the device for markers could not be closed ({error})")
