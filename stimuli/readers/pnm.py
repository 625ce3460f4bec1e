"""PGM, PPM and PBM, plain and raw, with any highest grey: Pillow would round those that are neither 255 nor 65535.

References
----------
netpbm.sourceforge.net/doc/pgm.html, ppm.html, pbm.html
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from stimuli.readers.record import Image, unreadable, which_frame
from stimuli.readers.samples import Samples, to_image

NAME = "PGM"
_CHANNELS = {b"P1": 1, b"P2": 1, b"P3": 3, b"P4": 1, b"P5": 1, b"P6": 3}
_PLAIN, _BITMAPS = (b"P1", b"P2", b"P3"), (b"P1", b"P4")
_SPACE = rb"(?:[ \t\r\n]|#[^\n]*\n)+"
_SIZE = rb"(P[1-6])" + _SPACE + rb"(\d+)" + _SPACE + rb"(\d+)"
_END = rb"(?:#[^\n]*\n|[ \t\r\n])"
_BITMAP_HEADER, _HEADER = re.compile(_SIZE + _END), re.compile(_SIZE + _SPACE + rb"(\d+)" + _END)


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
    if len(content) >= samples[0].size and any(content):
        rows, columns = samples.shape[:2]
        raise unreadable(path, f"a PGM with {len(content)} bytes more than its {columns} x {rows} px need")
    samples, top = pictures[which_frame(path, len(pictures), frame, "images")]
    return to_image(path, samples, top.bit_length(), top=top)


def _first(path: Path, content: bytes) -> tuple[Samples, int, bytes]:
    """The samples of a file's first image, its highest possible grey, and what comes after it."""
    header = (_BITMAP_HEADER if content[:2] in _BITMAPS else _HEADER).match(content)
    if not header:
        raise unreadable(path, "a PGM whose header is incomplete")
    kind, columns, rows, top = header[1], int(header[2]), int(header[3]), int(header[4]) if header.re is _HEADER else 1
    if not (columns and rows and 0 < top < 65536):
        raise unreadable(path, f"a PGM of {columns} x {rows} px with highest grey {top}")
    shape = (rows, columns) if _CHANNELS[kind] == 1 else (rows, columns, _CHANNELS[kind])
    body = content[header.end() :]
    if kind in _PLAIN:
        values, rest = _plain(path, body, math.prod(shape), digits=kind in _BITMAPS)
    else:
        values, rest = _raw(body, shape, kind, top, content[header.end() - 1 :][:2] == b"\r\n")
    if len(values) < math.prod(shape):
        raise unreadable(path, f"a PGM that is cut short: {len(values)} of {math.prod(shape)} samples")
    if values.max() > top:
        raise unreadable(path, f"a PGM with grey {values.max()} above its highest, {top}")
    if kind in _BITMAPS:
        values = 1 - values  # 1 is black
    return values.reshape(shape), top, rest


def _plain(path: Path, body: bytes, count: int, digits: bool) -> tuple[Samples, bytes]:
    """Samples that are written as numbers, or as digits without blanks, and what comes after them."""
    body = re.sub(rb"#[^\n]*", b"", body)
    words = body.split()
    if not all(word.isdigit() for word in words):
        raise unreadable(path, "a PGM with something other than whole numbers")
    if digits:
        joined = b"".join(words)
        return np.frombuffer(joined[:count], np.uint8) - ord("0"), joined[count:]
    return np.array(words[:count], dtype=np.int64), b" ".join(words[count:])


def _raw(body: bytes, shape: tuple[int, ...], kind: bytes, top: int, two_marks: bool) -> tuple[Samples, bytes]:
    """Samples that are written as bytes, and what comes after them.

    `two_marks` says that the header ends with the two marks that end lines in Windows, the second of which is no sample
    if there is a byte too many.
    """
    rows, columns = shape[:2]
    across = -(-columns // 8) if kind in _BITMAPS else columns * _CHANNELS[kind] * (2 if top > 255 else 1)
    if two_marks and len(body) == rows * across + 1:
        body = body[1:]
    there, rest = body[: rows * across], body[rows * across :].lstrip()
    if kind in _BITMAPS:
        lines = np.frombuffer(there[: len(there) // across * across], np.uint8).reshape(-1, across)
        return np.unpackbits(lines, axis=1)[:, :columns].ravel(), rest
    wide = top > 255  # the larger byte first
    return np.frombuffer(there[: len(there) // (1 + wide) * (1 + wide)], ">u2" if wide else np.uint8), rest
