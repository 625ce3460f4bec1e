"""ICC profiles: greys of displays are read, those of print or linear light refused, in every format that has them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from stimuli.images import read_image

Refusal = Callable[[Path, str], str]
GREY = (np.arange(48 * 32) % 256).astype(np.uint8).reshape(48, 32)
FORMATS = {"PNG": {}, "JPEG": {"quality": 100}, "TIFF": {}, "WEBP": {"lossless": True}}


def grey_profile(gamma: float, name: str = "Film") -> bytes:
    """A grey ICC profile (version 2.1), written by the text of its specification."""
    text = name.encode() + b"\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"kTRC": b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2),
    }
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">2I", start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, b"mntr", b"GRAY", b"XYZ ") + bytes(12) + b"acsp"
    head += bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def srgb_of(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1: the value that stands for a share of white's luminance."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def write(path: Path, kind: str, profile: bytes, mode: str = "L") -> Path:
    Pillow.fromarray(GREY).convert(mode).save(path, format=kind, icc_profile=profile, **FORMATS[kind])
    return path


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("gamma", [2.2, 2.4])
def test_greys_of_a_display_are_taken_as_they_are(tmp_path: Path, kind: str, gamma: float) -> None:
    picture = read_image(write(tmp_path / "a", kind, grey_profile(gamma)))
    without = tmp_path / "b"
    Pillow.fromarray(GREY).save(without, format=kind, **FORMATS[kind])
    np.testing.assert_array_equal(picture.pixels, read_image(without).pixels)
    assert picture.notes == ()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_other_greys_are_refused_with_how_far_they_are_off(
    tmp_path: Path, kind: str, gamma: float, refusal: Refusal
) -> None:
    ramp = np.arange(256) / 255
    off = np.sqrt(np.mean((srgb_of(ramp**gamma) - ramp) ** 2))
    said = refusal(write(tmp_path / "a", kind, grey_profile(gamma)), "unsupported-image")
    assert said.startswith("has an ICC profile (Film) by which a display shows greys ")
    assert float(said.split("shows greys ")[1].split()[0]) == pytest.approx(off, abs=0.006)


@pytest.mark.parametrize("kind", FORMATS)
def test_srgb_is_that_of_displays_in_colour_too(tmp_path: Path, kind: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_image(write(tmp_path / "a", kind, srgb, "RGB"))
    np.testing.assert_allclose(picture.pixels, GREY / 255, atol=0.01)
    assert picture.notes == ()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("profile", [b"x" * 200, grey_profile(1.0)[:150]])
def test_a_damaged_profile_is_told_and_does_not_count(tmp_path: Path, kind: str, profile: bytes) -> None:
    picture = read_image(write(tmp_path / "a", kind, profile))
    np.testing.assert_allclose(picture.pixels, GREY / 255, atol=0.01)
    assert picture.notes == ("its ICC profile is damaged and does not count",)
