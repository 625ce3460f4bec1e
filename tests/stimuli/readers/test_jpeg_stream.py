"""Damaged JPEGs: in files of their own, in TIFF and in DICOM, and those that are sound."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image as Pillow
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from stimuli.images import read_image

Refusal = Callable[[Path, str], str]
Writer = Callable[[Path, bytes], Path]
END, SCAN = b"\xff\xd9", b"\xff\xda"
NOISE = np.random.default_rng(0).normal(128, 30, (64, 48)).clip(0, 255).astype(np.uint8)
KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restart intervals": {"restart_marker_rows": 1},
    "three channels": {"mode": "RGB", "subsampling": 2},
}


def jpeg(mode: str = "L", **options: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(NOISE).convert(mode).save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def damages(content: bytes) -> dict[str, bytes]:
    """What copying by halves makes of a file, in its scan's data."""
    middle = (content.index(SCAN) + len(content)) // 2
    return {
        "cut": content[:middle],
        "cut and closed": content[:middle] + END,
        "a block of zeros": content[:middle] + bytes(60) + content[middle + 60 :],
        "a hole": content[:middle] + content[middle + 200 :],
    }


def in_tiff(path: Path, content: bytes) -> Path:
    """A TIFF of one strip that is this JPEG of one channel."""
    tifffile.imwrite(path, NOISE, photometric="minisblack")
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        places = {name: (tags[name].valueoffset, tags[name].valuebytecount) for name in
                  ("Compression", "StripOffsets", "StripByteCounts")}  # fmt: skip
    whole = bytearray(path.read_bytes())
    values = {"Compression": 7, "StripOffsets": len(whole), "StripByteCounts": len(content)}
    for name, (offset, count) in places.items():
        whole[offset : offset + count] = values[name].to_bytes(count, "little")
    path.write_bytes(bytes(whole) + content)
    return path


@pytest.fixture
def in_dicom(write_dicom: Callable[..., Path]) -> Writer:
    def write(path: Path, content: bytes) -> Path:
        dataset = pydicom.dcmread(write_dicom(path, NOISE))
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        dataset.PixelData = encapsulate([content])
        dataset["PixelData"].VR = "OB"
        dataset.save_as(path)
        return path

    return write


def by_itself(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_sound_data_decode_as_pillow_decodes_them(tmp_path: Path, kind: str) -> None:
    content = jpeg(**KINDS[kind])
    decoded = np.asarray(Pillow.open(io.BytesIO(content)).convert("L")) / 255
    np.testing.assert_allclose(read_image(by_itself(tmp_path / "a.jpg", content)).pixels, decoded, atol=1e-6)
    read_image(by_itself(tmp_path / "a.jpg", content + b"what a phone adds"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_decoder_would_fill_with_grey_is_refused(tmp_path: Path, kind: str, refusal: Refusal) -> None:
    for name, content in damages(jpeg(**KINDS[kind])).items():
        said = refusal(by_itself(tmp_path / f"{name}.jpg", content), "unreadable-image")
        assert said.startswith("not a readable image")


@pytest.mark.parametrize("scans", range(1, 5))
def test_a_progressive_jpeg_without_its_last_scans_is_refused(tmp_path: Path, scans: int, refusal: Refusal) -> None:
    content = jpeg(progressive=True)
    places = [place for place in range(len(content)) if content[place : place + 2] == SCAN]
    assert len(places) > scans
    path = by_itself(tmp_path / "a.jpg", content[: places[scans]] + END)
    assert "scans are missing" in refusal(path, "unreadable-image")


def test_inside_tiff_and_dicom_too(tmp_path: Path, in_dicom: Writer, refusal: Refusal) -> None:
    whole = jpeg()
    decoded = np.asarray(Pillow.open(io.BytesIO(whole))) / 255
    for write in (in_tiff, in_dicom):
        np.testing.assert_allclose(read_image(write(tmp_path / "a", whole)).pixels, decoded, atol=1e-6)
        for name, content in damages(whole).items():
            assert refusal(write(tmp_path / name, content), "unreadable-image")


def test_a_tiff_whose_strips_share_their_tables(tmp_path: Path, refusal: Refusal) -> None:
    Pillow.fromarray(NOISE).save(tmp_path / "a.tif", compression="jpeg")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        assert page.jpegtables
        start, count = page.dataoffsets[0], page.databytecounts[0]
    assert read_image(tmp_path / "a.tif").pixels.std() > 0.05
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[start + count // 2 : start + count // 2 + 60] = bytes(60)
    (tmp_path / "a.tif").write_bytes(content)
    assert refusal(tmp_path / "a.tif", "unreadable-image")
