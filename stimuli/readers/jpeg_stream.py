"""JPEG as it stands in files of its own and inside TIFF and DICOM: decoded without leniency.

Where the coded data are damaged or end early, decoders usually fill the rest with grey and only warn; here that is an
error.

References
----------
ITU-T T.81 (JPEG): B.1.1 (markers), G.1.1 (scans of a progressive JPEG).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

# Start-of-frame markers (table B.1), and JPEG-LS (T.87).
FRAMES = {0xC0: "", 0xC1: "", 0xC2: "", 0xC3: "lossless", 0xC9: "arithmetic", 0xCA: "arithmetic", 0xF7: "JPEG-LS"}
_PROGRESSIVE, _SCAN, _END = (0xC2, 0xCA), 0xDA, 0xD9
_COEFFICIENTS = 64
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # none of those inside a scan's data


def decode(content: bytes, colour: bool) -> npt.NDArray[np.uint8]:
    """The samples of an 8-bit JPEG, shape (rows, columns), or (rows, columns, 3) as red, green and blue.

    Raises `ValueError` if its data are damaged or end early, or scans are missing.
    """
    import simplejpeg

    samples: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(content, "RGB" if colour else "GRAY", strict=True)
    _refuse_missing_scans(content)
    return samples if colour else samples[..., 0]


def refuse_damage(content: bytes) -> None:
    """Raise `ValueError` if the data of a JPEG are damaged or end early; one that is not of 8 bits is not examined."""
    if frame_of(content) in (("", 8), ("arithmetic", 8)):
        import simplejpeg

        decode(content, colour=simplejpeg.decode_jpeg_header(content)[2] != "Gray")


def frame_of(content: bytes) -> tuple[str, int | None]:
    """The kind of JPEG, empty if usual, and its bits per sample; None if it does not say."""
    for marker, body in _segments(content):
        if marker in FRAMES and body:
            return FRAMES[marker], body[0]
    return "", None


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The markers of a JPEG that have a length, with what they hold, up to the end of the image."""
    place = 2
    while found := _MARKER.search(content, place):
        marker, start = found[1][0], found.end()
        if marker == _END:
            return
        length = int.from_bytes(content[start : start + 2], "big")
        yield marker, content[start + 2 : start + length]
        place = start + max(length, 2)


def _refuse_missing_scans(content: bytes) -> None:
    """A JPEG that was cut between two scans decodes without a warning, with the detail of those that are there."""
    progressive, lowest_bit = False, dict[int, list[int]]()
    for marker, body in _segments(content):
        if marker in FRAMES:
            progressive = marker in _PROGRESSIVE
            lowest_bit = {identifier: [_COEFFICIENTS] * _COEFFICIENTS for identifier in body[6 : 6 + 3 * body[5] : 3]}
        elif marker == _SCAN:
            count = body[0]
            first, last, approximation = body[1 + 2 * count : 4 + 2 * count]
            for identifier in body[1 : 1 + 2 * count : 2]:
                for coefficient in range(first, last + 1) if progressive else range(_COEFFICIENTS):
                    lowest_bit[identifier][coefficient] = approximation & 15 if progressive else 0
    if any(bit for bits in lowest_bit.values() for bit in bits):
        raise ValueError("a JPEG that is cut short: scans are missing")
