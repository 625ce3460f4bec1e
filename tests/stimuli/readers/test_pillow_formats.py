"""BMP, GIF, WebP and JPEG 2000: the shape of pixels, and profiles in the boxes of a JP2 file."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from stimuli.images import read_image
from stimuli.readers import jp2_boxes
from tests.stimuli.readers.test_profiles import grey_profile

Refusal = Callable[[Path, str], str]
GREY = (np.arange(24 * 16) % 256).astype(np.uint8).reshape(24, 16)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def jp2(*more: bytes) -> bytes:
    """A JP2 file with more boxes in its header."""
    buffer = io.BytesIO()
    Pillow.fromarray(GREY).save(buffer, "JPEG2000")
    content = buffer.getvalue()
    place = content.index(b"jp2h") - 4
    length = int.from_bytes(content[place : place + 4], "big")
    header = box(b"jp2h", content[place + 8 : place + length] + b"".join(more))
    return content[:place] + header + content[place + length :]


def bmp(across: int, down: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(GREY).save(buffer, "BMP")
    content = bytearray(buffer.getvalue())
    content[38:46] = struct.pack("<2i", across, down)
    return bytes(content)


def gif(aspect: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(GREY).save(buffer, "GIF")
    content = bytearray(buffer.getvalue())
    content[12] = aspect
    return bytes(content)


def webp(across: float, down: float) -> bytes:
    exif, buffer = Pillow.Exif(), io.BytesIO()
    exif[282], exif[283] = across, down
    Pillow.fromarray(GREY).save(buffer, "WEBP", lossless=True, exif=exif)
    return buffer.getvalue()


def resolution(kind: bytes, across: int, down: int, powers: tuple[int, int] = (0, 0)) -> bytes:
    return box(b"res ", box(kind, struct.pack(">HHHHbb", down, 1, across, 1, powers[1], powers[0])))


@pytest.mark.parametrize(
    ("content", "aspect"),
    [
        (bmp(4000, 2000), 2.0),
        (bmp(0, 2000), 1.0),
        (gif(17), 2.0),  # twice as high as wide: (17 + 15) / 64
        (gif(49), 1.0),
        (gif(0), 1.0),
        (webp(100.0, 200.0), 0.5),
        (jp2(resolution(b"resc", 300, 100)), 3.0),
        (jp2(resolution(b"resd", 3, 100, (2, 0))), 3.0),
        (jp2(), 1.0),
    ],
)
def test_unequal_resolution_is_the_shape_of_pixels(tmp_path: Path, content: bytes, aspect: float) -> None:
    (tmp_path / "a").write_bytes(content)
    picture = read_image(tmp_path / "a")
    assert picture.pixel_aspect == pytest.approx(aspect, rel=1e-3)
    np.testing.assert_allclose(picture.pixels, GREY / 255, atol=2 / 255)


def test_a_profile_in_a_jp2_file_counts(tmp_path: Path, refusal: Refusal) -> None:
    for gamma in (2.2, 1.0):
        (tmp_path / f"{gamma}").write_bytes(jp2(box(b"colr", b"\x02\0\0" + grey_profile(gamma))))
    read_image(tmp_path / "2.2")
    assert "ICC profile" in refusal(tmp_path / "1.0", "unsupported-image")


@pytest.mark.parametrize("length", [0, 1, 7, 2**31])
def test_a_box_of_an_impossible_length_ends_the_search(length: int) -> None:
    content = jp2()[:12] + struct.pack(">I4s", length, b"colr") + bytes(20)
    assert jp2_boxes.profile(content) is None
    assert jp2_boxes.resolution(content) == (None, None)
