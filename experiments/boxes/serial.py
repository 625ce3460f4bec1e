"""A response box that sends one byte through a serial port when a button goes down.

A button's name is the character that it sends, such as `1` or `a`; of bytes that are no printable character it is the
number, such as `0x01`. A byte is timed when it arrives, in a thread of its own, whatever the session is doing.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from data.flow.devices import Box as Settings
from experiments.serial_port import open_port


def open_box(settings: Settings, now: Callable[[], float]) -> SerialBox:
    """Open the port at `settings.address` and listen to it."""
    return SerialBox(open_port(settings.address, settings.baud, "the response box"), now)


class SerialBox:
    """An open port, and the bytes that came since they were last asked for."""

    def __init__(self, port: Any, now: Callable[[], float]) -> None:
        self.fault: str | None = None
        self._port, self._now = port, now
        self._came: SimpleQueue[tuple[str, float]] = SimpleQueue()
        self._open = True
        port.reset_input_buffer()  # what was pressed before the session answers nothing
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def presses(self) -> list[tuple[str, float]]:
        return [self._came.get() for _ in range(self._came.qsize())]

    def close(self) -> None:
        self._open = False
        self._listener.join(timeout=1)
        self._port.close()

    def _listen(self) -> None:
        while self._open:
            try:
                sent = self._port.read(1)
            except Exception as error:  # unplugged: drivers raise all kinds of errors
                self.fault = f"{type(error).__name__}: {error}".splitlines()[0]
                return
            if sent:
                self._came.put((name_of(sent[0]), self._now()))


def name_of(byte: int) -> str:
    """A button's name in task files."""
    return chr(byte) if 0x20 < byte < 0x7F else f"0x{byte:02x}"
