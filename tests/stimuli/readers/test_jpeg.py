"""JPEG: orientation, shape of pixels, and other kinds of JPEG."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from stimuli.images import read_image

Refusal = Callable[[Path, str], str]
# What a viewer shows, by the definition of each orientation (EXIF 2.32, tag 274): where the 0th row and column are.
SHOWN = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],  # row 0 top, column 0 right
    3: lambda a: a[::-1, ::-1],  # bottom, right
    4: lambda a: a[::-1],  # bottom, left
    5: lambda a: a.T,  # row 0 is the left side, column 0 the top
    6: lambda a: np.rot90(a, -1),  # right side, top: turned clockwise
    7: lambda a: np.rot90(a, -1)[::-1],  # right side, bottom
    8: lambda a: np.rot90(a),  # left side, bottom: turned counterclockwise
}


def flat_blocks(rows: int = 16, columns: int = 32) -> np.ndarray:
    """Grey blocks of 8 px, which JPEG keeps nearly exactly."""
    blocks = np.random.default_rng(0).integers(0, 256, (rows // 8, columns // 8), dtype=np.uint8)
    return np.kron(blocks, np.ones((8, 8), np.uint8))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", SHOWN)
def test_every_orientation_is_shown_as_a_viewer_shows_it(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Pillow.Exif()
    exif[274] = orientation
    options = {".jpg": {"quality": 100}, ".webp": {"lossless": True}}.get(suffix, {})
    Pillow.fromarray(flat_blocks()).save(tmp_path / f"a{suffix}", exif=exif, **options)
    shown = SHOWN[orientation](flat_blocks()) / 255
    np.testing.assert_allclose(read_image(tmp_path / f"a{suffix}").pixels, shown, atol=1.5 / 255)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_counts_as_not_given(tmp_path: Path, orientation: int) -> None:
    exif = Pillow.Exif()
    exif[274] = orientation
    Pillow.fromarray(flat_blocks()).save(tmp_path / "a.jpg", exif=exif, quality=100)
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg").pixels, flat_blocks() / 255, atol=1.5 / 255)


def with_density(path: Path, unit: int, across: int, down: int, orientation: int = 1) -> Path:
    exif = Pillow.Exif()
    exif[274] = orientation
    buffer = io.BytesIO()
    Pillow.fromarray(flat_blocks()).save(buffer, format="JPEG", dpi=(72, 72), exif=exif)
    content = bytearray(buffer.getvalue())
    place = content.index(b"JFIF\0") + 7
    content[place : place + 5] = bytes([unit]) + across.to_bytes(2, "big") + down.to_bytes(2, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("unit", [0, 1, 2])  # none (an aspect ratio), per inch, per centimetre
@pytest.mark.parametrize(("across", "down", "aspect"), [(200, 100, 2.0), (1, 1, 1.0), (0, 1, 1.0), (72, 96, 0.75)])
def test_the_density_gives_the_shape_of_a_pixel(
    tmp_path: Path, unit: int, across: int, down: int, aspect: float
) -> None:
    assert read_image(with_density(tmp_path / "a.jpg", unit, across, down)).pixel_aspect == pytest.approx(aspect)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_pixels_lie_down_with_the_image(tmp_path: Path, orientation: int) -> None:
    picture = read_image(with_density(tmp_path / "a.jpg", 1, 200, 100, orientation))
    assert (picture.pixels.shape, picture.pixel_aspect) == ((32, 16), 0.5)


def test_grey_in_three_channels_is_grey_and_cmyk_is_colour(tmp_path: Path, refusal: Refusal) -> None:
    Pillow.fromarray(flat_blocks()).convert("RGB").save(tmp_path / "a.jpg", quality=100)
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg").pixels, flat_blocks() / 255, atol=1.5 / 255)
    Pillow.fromarray(flat_blocks()).convert("CMYK").save(tmp_path / "a.jpg")
    assert "CMYK" in refusal(tmp_path / "a.jpg", "colour-image")


@pytest.mark.parametrize(
    ("marker", "bits", "said"),
    [(0xC1, 12, "JPEG of 12 bits;"), (0xC3, 16, "JPEG of 16 bits (lossless)"), (0xF7, 8, "JPEG-LS")],
)
def test_other_kinds_of_jpeg_are_refused_by_name(
    tmp_path: Path, marker: int, bits: int, said: str, refusal: Refusal
) -> None:
    frame = bytes([0xFF, marker, 0, 11, bits, 0, 8, 0, 8, 1, 1, 0x11, 0])
    comment = b"\xff\xfe\x00\x06made"
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + comment + frame + b"\xff\xd9")
    assert said in refusal(tmp_path / "a.jpg", "unsupported-image")
