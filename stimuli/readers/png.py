"""PNG: Pillow decodes it; checksums, transparency, gamma and 16-bit colour are checked here, where Pillow is lenient.

References
----------
Portable Network Graphics (PNG) Specification, third edition, W3C 2025.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from data.errors import LookalikeError
from stimuli.readers.record import Image, unreadable, unsupported, which_frame
from stimuli.readers.samples import ORIENTATION, UPRIGHT, Samples, aspect_of, from_palette, to_image, transparent

NAME = "PNG"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR, _PALETTE = (2, 6), 3  # colour types; those of 4 and above have an alpha channel
_ALPHA = (4, 6)
_TRANSFERS = (b"\x01", b"\x04", b"\x06", b"\x0d", b"\x0e", b"\x0f")  # BT.709 and alike, gamma 2.2, sRGB (ITU-T H.273)
_DISPLAY_GAMMA, _GAMMA_TOLERANCE = 1 / 2.2, 0.02


def recognises(content: bytes) -> bool:
    return content.startswith(_SIGNATURE)


def read(path: Path, content: bytes, frame: int | None = None) -> Image:
    """Decode a PNG. Raises `LookalikeError` if it is damaged, in colour, transparent, animated or linear in light.

    Frames of an animation build on one another, so none is read by itself; `frame` can only be 1.
    """
    found = list(_chunks(path, content))
    chunks = dict(found)
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise unreadable(path, "a PNG without its header")
    bits, colour = chunks[b"IHDR"][8:10]
    _refuse_what_changes_greys(path, chunks, bits, colour)
    which_frame(path, 1, frame, "frames")
    with Pillow.open(io.BytesIO(content)) as image:
        image.load()
        samples = np.asarray(image)
        orientation, profile = image.getexif().get(ORIENTATION, UPRIGHT), image.info.get("icc_profile")
    _refuse_short_stream(path, chunks[b"IHDR"], [body for kind, body in found if kind == b"IDAT"])
    top = 65535 if bits == 16 else 1 if samples.dtype == bool else 255  # Pillow spreads 2 and 4 bits over 0..255
    alpha = colour in _ALPHA
    if colour == _PALETTE:
        samples, top, alpha = _colours(path, samples, chunks), 255, True
    elif b"tRNS" in chunks:
        _refuse_transparent_grey(path, samples, chunks[b"tRNS"], top / (2**bits - 1))
    across, down = struct.unpack(">II", chunks[b"pHYs"][:8]) if len(chunks.get(b"pHYs", b"")) == 9 else (None, None)
    aspect = aspect_of(across, down)
    return to_image(path, samples, bits, top=top, alpha=alpha, orientation=orientation, aspect=aspect, profile=profile)


def _chunks(path: Path, content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a file, each held against its checksum."""
    place = len(_SIGNATURE)
    while True:
        head = content[place : place + 8]
        if len(head) < 8:
            raise unreadable(path, "a PNG that is cut short")
        length, kind = struct.unpack(">I4s", head)
        body, check = content[place + 8 : place + 8 + length], content[place + 8 + length : place + 12 + length]
        if len(check) < 4:
            raise unreadable(path, "a PNG that is cut short")
        if zlib.crc32(kind + body) != int.from_bytes(check, "big"):
            raise unreadable(path, "a damaged PNG: a checksum is wrong")
        yield kind, body
        if kind == b"IEND":
            return
        place += 12 + length


def _refuse_what_changes_greys(path: Path, chunks: dict[bytes, bytes], bits: int, colour: int) -> None:
    if bits == 16 and colour != 0:  # Pillow would keep 8 of the 16 bits without a word
        if colour in _COLOUR:
            raise LookalikeError("colour-image", f"{path}: stores 16-bit grey as colour; export it as 16-bit grayscale")
        raise unsupported(path, "stores 16-bit grey with an alpha channel", "export it without one")
    if len(chunks.get(b"acTL", b"")) == 8 and (frames := struct.unpack(">I", chunks[b"acTL"][:4])[0]) > 1:
        raise unsupported(path, f"is an animation of {frames} frames", "export the frame that you mean")
    if (coded := chunks.get(b"cICP", b"")) and coded[1:2] not in _TRANSFERS:
        raise unsupported(
            path,
            f"says that its greys are of transfer function {coded[1:2].hex()} (chunk cICP), not display-referred",
            "convert it to sRGB greys, or remove the chunk if it is wrong",
        )
    if coded[3:4] == b"\0":
        raise unsupported(
            path,
            "says that its greys are those of video, black at 16 and white at 235 (chunk cICP)",
            "convert it to full range, or remove the chunk if it is wrong",
        )
    if b"gAMA" in chunks and b"sRGB" not in chunks and b"iCCP" not in chunks:
        gamma = int.from_bytes(chunks[b"gAMA"], "big") / 100_000
        if abs(gamma - _DISPLAY_GAMMA) > _GAMMA_TOLERANCE:
            raise unsupported(
                path,
                f"says that its greys are of gamma {gamma:g} (chunk gAMA), not display-referred ({_DISPLAY_GAMMA:.4f})",
                "convert it to sRGB greys, or remove the chunk if it is wrong",
            )


def _refuse_short_stream(path: Path, header: bytes, streams: list[bytes]) -> None:
    """Pillow leaves the rest black where a sound stream ends early."""
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    per_pixel = bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    # Adam7: seven images of every nth pixel, each with rows of its own.
    passes = (
        [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        if interlaced
        else [(0, 0, 1, 1)]
    )
    wanted = 0
    for top, left, down, across in passes:
        rows, columns = -(-(height - top) // down), -(-(width - left) // across)
        if rows > 0 and columns > 0:
            wanted += rows * (1 + -(-columns * per_pixel // 8))
    unpack = zlib.decompressobj().decompress
    if sum(len(unpack(stream)) for stream in streams) < wanted:
        raise unreadable(path, "a PNG whose picture ends early")


def _colours(path: Path, indices: Samples, chunks: dict[bytes, bytes]) -> Samples:
    """Red, green, blue and opacity of each pixel of a palette image."""
    palette = np.frombuffer(chunks.get(b"PLTE", b""), np.uint8)
    entries = palette[: len(palette) // 3 * 3].reshape(-1, 3)
    opacity = np.full((len(entries), 1), 255, np.uint8)
    given = np.frombuffer(chunks.get(b"tRNS", b""), np.uint8)[: len(entries)]
    opacity[: len(given), 0] = given
    return from_palette(path, indices, np.hstack([entries, opacity]))


def _refuse_transparent_grey(path: Path, samples: Samples, body: bytes, scale: float) -> None:
    """A PNG without alpha channel may name one grey, or one colour, that is transparent."""
    named = np.frombuffer(body[: len(body) // 2 * 2], ">u2") * scale
    same = samples == named[0] if samples.ndim == 2 else (samples == named).all(axis=-1)
    if same.any():
        raise transparent(path)
