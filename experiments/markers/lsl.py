"""Markers as a stream of the Lab Streaming Layer (LSL), which a recorder in the same network finds by its name.

Kothe et al. 2025, Imaging Neuroscience 3:IMAG.a.136. Each code is one sample of one channel of whole numbers, stamped
on LSL's own clock when it is sent.
"""

from __future__ import annotations

from data.errors import LookalikeError
from data.flow.devices import MarkerSettings

_NAME = "Lookalike"


def open_line(settings: MarkerSettings) -> Line:
    """Announce the stream, which is called `settings.address` or Lookalike."""
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:  # RuntimeError: pylsl is there, and the library liblsl is not
        raise LookalikeError(
            "no-device",
            f"markers to LSL need the package pylsl ({str(error).splitlines()[0]}); in the folder of Lookalike: "
            'pip install -c constraints.txt ".[lab,markers]"',
        ) from None
    name = settings.address or _NAME
    about = pylsl.StreamInfo(name, "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_int32, f"lookalike-{name}")
    return Line(pylsl.StreamOutlet(about))


class Line:
    """An open stream."""

    def __init__(self, outlet: object) -> None:
        self._outlet = outlet

    def send(self, code: int) -> None:
        self._outlet.push_sample([code])  # type: ignore[attr-defined]

    def close(self) -> None:
        """The stream ends with its outlet."""
        self._outlet = None
