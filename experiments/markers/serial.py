"""Markers as bytes on a serial port, as most USB trigger boxes take them."""

from __future__ import annotations

from typing import Any

from data.flow.devices import MarkerSettings
from experiments.serial_port import open_port


def open_line(settings: MarkerSettings) -> Line:
    """Open the port at `settings.address`: COM3, /dev/ttyUSB0, or hwgrep://0403:6001 for a USB device by its ids."""
    return Line(open_port(settings.address, settings.baud, "markers"))


class Line:
    """An open port."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def send(self, code: int) -> None:
        self._port.write(bytes([code]))
        self._port.flush()

    def close(self) -> None:
        self._port.close()
