"""What the boxes of a JP2 file say of its greys and pixels, beside the JPEG 2000 data that Pillow decodes.

References
----------
ITU-T T.800, annex I.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_SUPERBOXES = (b"jp2h", b"res ")
_RESTRICTED_ICC = 2  # method of a colour specification
_RESOLUTIONS = (b"resc", b"resd")  # of the capture, then for display


def profile(content: bytes) -> bytes | None:
    """The ICC profile of a JP2 file, if it has one."""
    for kind, body in _boxes(content):
        if kind == b"colr" and body[:1] == bytes([_RESTRICTED_ICC]):
            return body[3:]
    return None


def resolution(content: bytes) -> tuple[float | None, float | None]:
    """Pixels per metre across and down; None where a JP2 file does not say it."""
    found = dict(_boxes(content))
    for kind in _RESOLUTIONS:
        if len(body := found.get(kind, b"")) == 10:
            down, down_by, across, across_by, down_power, across_power = struct.unpack(">HHHHbb", body)
            if down_by and across_by:
                return across / across_by * 10.0**across_power, down / down_by * 10.0**down_power
    return None, None


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of a file, those inside others too; none of a bare codestream."""
    if content.startswith(_SIGNATURE):
        yield from _inside(content)


def _inside(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while len(head := content[place : place + 8]) == 8:
        length, kind = struct.unpack(">I4s", head)
        if not 8 <= length <= len(content) - place:  # to the end of the file, or too long for 32 bits: the codestream
            return
        body = content[place + 8 : place + length]
        yield kind, body
        if kind in _SUPERBOXES:
            yield from _inside(body)
        place += length
