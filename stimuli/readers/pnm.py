"""PGM and PPM, plain and raw, with any highest grey: Pillow would round those that are neither 255 nor 65535.

References
----------
netpbm.sourceforge.net/doc/pgm.html
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from stimuli.readers.record import Image, unreadable, which_frame
from stimuli.readers.samples import Samples, to_image

NAME = "PGM"
_CHANNELS = {b"P2": 1, b"P3": 3, b"P5": 1, b"P6": 3}
_PLAIN = (b"P2", b"P3")
_SPACE = rb"(?:[ \t\r\n]|#[^\n]*\n)+"
_HEADER = re.compile(
    rb"(P[2356])" + _SPACE + rb"(\d+)" + _SPACE + rb"(\d+)" + _SPACE + rb"(\d+)(?:#[^\n]*\n|[ \t\r\n])"
)


def recognises(content: bytes) -> bool:
    return content[:2] in _CHANNELS and content[2:3] in (b" ", b"\t", b"\r", b"\n", b"#")


def read(path: Path, content: bytes, frame: int | None = None) -> Image:
    """Decode a PGM, or a PPM of greys, or image number `frame` of several, from 1.

    Raises `LookalikeError` if it is damaged, in colour, holds several images of which none is asked for, or not the one
    that is.
    """
    pictures: list[tuple[Samples, int]] = []
    while not pictures or recognises(content):
        samples, top, content = _first(path, content)
        pictures.append((samples, top))
    samples, top = pictures[which_frame(path, len(pictures), frame, "images")]
    return to_image(path, samples, top.bit_length(), top=top)


def _first(path: Path, content: bytes) -> tuple[Samples, int, bytes]:
    """The samples of a file's first image, its highest possible grey, and what comes after it."""
    header = _HEADER.match(content)
    if not header:
        raise unreadable(path, "a PGM whose header is incomplete")
    kind, columns, rows, top = header[1], *(int(number) for number in header.groups()[1:])
    if not (columns and rows and 0 < top < 65536):
        raise unreadable(path, f"a PGM of {columns} x {rows} px with highest grey {top}")
    channels = _CHANNELS[kind]
    count, body = rows * columns * channels, content[header.end() :]
    if kind in _PLAIN:
        words = re.sub(rb"#[^\n]*", b"", body).split()
        if not all(word.isdigit() for word in words):
            raise unreadable(path, "a PGM with something other than whole numbers")
        values, rest = np.array(words[:count], dtype=np.int64), b" ".join(words[count:])
    else:
        width = 2 if top > 255 else 1  # bytes per sample, the larger first
        values = np.frombuffer(
            body[: count * width], ">u2" if width == 2 else np.uint8, len(body[: count * width]) // width
        )
        rest = body[count * width :].lstrip()
    if len(values) < count:
        raise unreadable(path, f"a PGM that is cut short: {len(values)} of {count} samples")
    if values.max() > top:
        raise unreadable(path, f"a PGM with grey {values.max()} above its highest, {top}")
    return values.reshape((rows, columns) if channels == 1 else (rows, columns, channels)), int(top), rest
