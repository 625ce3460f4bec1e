"""Opens a serial port, for markers and for response boxes."""

from __future__ import annotations

from typing import Any

from data.errors import LookalikeError

_PATIENCE_S = 0.05  # a port that takes or gives no byte for so long must not hold up the session


def open_port(address: str, baud: int, use: str) -> Any:
    """A serial port. Raises `LookalikeError`, naming its `use`, without pyserial or if there is no such port."""
    try:
        import serial
    except ImportError:
        raise LookalikeError(
            "no-device",
            f"a serial port for {use} needs the package pyserial; in the folder of Lookalike: "
            'pip install -c constraints.txt ".[lab,markers]"',
        ) from None
    try:
        return serial.serial_for_url(address, baudrate=baud, timeout=_PATIENCE_S, write_timeout=_PATIENCE_S)
    except (serial.SerialException, ValueError, OSError) as error:
        raise LookalikeError(
            "no-device",
            f"{address or 'no address'}: the serial port for {use} cannot be opened ({str(error).splitlines()[0]}); "
            "plug the device in, or correct its address in the task file",
        ) from None
