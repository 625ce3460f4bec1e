"""Markers on the eight data lines of a parallel port: the code for a moment, then 0."""

from __future__ import annotations

import time
from typing import Any

from data.errors import LookalikeError
from data.flow.devices import MarkerSettings

_PULSE_S = 0.005  # seen by a recording at 500 Hz or more; far shorter than a frame
_USUAL = "0x378"  # the first port's address on a PC


def open_line(settings: MarkerSettings) -> Line:
    """Open the port at `settings.address`: 0x378 and the like on Windows, /dev/parport0 on Linux."""
    address = settings.address or _USUAL
    try:
        from psychopy import parallel

        port = parallel.ParallelPort(address if address.startswith("/") else int(address, 0))
        line = Line(port)
        line.clear()
    except Exception as error:  # drivers raise all kinds of errors, and without one the class is missing
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise LookalikeError(
            "no-device",
            f"{address}: the parallel port for markers cannot be opened ({said}); correct its address in the task "
            "file, or install its driver (inpoutx64 on Windows; on Linux your account must be in the group lp)",
        ) from None
    return line


class Line:
    """An open port."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def send(self, code: int) -> None:
        self._port.setData(code)
        time.sleep(_PULSE_S)
        self.clear()

    def clear(self) -> None:
        self._port.setData(0)

    def close(self) -> None:
        self.clear()
