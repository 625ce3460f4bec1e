"""DICOM: compressed frames that are damaged, or that the header contradicts; sizes that do not fit the data."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import UID, JPEG2000Lossless, RLELossless

from data.errors import LookalikeError
from stimuli.images import read_image

WriteDicom = Callable[..., Path]
Refusal = Callable[[Path, str], str]
LEVELS = np.random.default_rng(0).integers(0, 4096, (30, 20), dtype=np.uint16)


def with_frame(path: Path, syntax: UID, frame: bytes) -> Path:
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    return path


def rle_frame(path: Path) -> bytes:
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    return get_frame(dataset.PixelData, 0, number_of_frames=1)


def j2k_frame(levels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(levels).save(buffer, "JPEG2000", no_jp2=True)
    return buffer.getvalue()


@settings(max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=6), cut=st.booleans())
def test_damaged_run_lengths_give_greys_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, write_dicom: WriteDicom, place: float, junk: bytes, cut: bool
) -> None:
    path = write_dicom(tmp_path_factory.mktemp("rle") / "a.dcm", LEVELS, BitsStored=12)
    frame = rle_frame(path)
    start = int(place * len(frame))
    path = with_frame(path, RLELossless, frame[:start] + junk + (b"" if cut else frame[start + len(junk) :]))
    try:
        assert read_image(path).pixels.shape == LEVELS.shape
    except LookalikeError as error:
        if "\n" in str(error):
            pytest.fail(str(error))


@pytest.mark.parametrize("run", [b"\x00\x07" * 30, b"\x81\x07" * 30])  # too little for the segment, and too much
def test_run_lengths_that_unpack_to_another_size_are_refused(
    tmp_path: Path, write_dicom: WriteDicom, run: bytes, refusal: Refusal
) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS, BitsStored=12)
    frame = bytearray(rle_frame(path))
    frame[100 : 100 + len(run)] = run
    assert "RLE segment" in refusal(with_frame(path, RLELossless, bytes(frame)), "unreadable-image")


def test_jpeg_2000_values_beyond_the_bits_stored_are_refused(
    tmp_path: Path, write_dicom: WriteDicom, refusal: Refusal
) -> None:
    wide = LEVELS * np.uint16(16)
    path = with_frame(write_dicom(tmp_path / "a.dcm", wide), JPEG2000Lossless, j2k_frame(wide))
    np.testing.assert_allclose(read_image(path).pixels, wide / 65535, atol=1e-6)
    path = with_frame(write_dicom(tmp_path / "b.dcm", wide, BitsStored=12), JPEG2000Lossless, j2k_frame(wide))
    assert "16 bits, and Bits Stored is 12" in refusal(path, "bad-dicom-header")
    path = with_frame(write_dicom(tmp_path / "c.dcm", LEVELS, BitsStored=12), JPEG2000Lossless, j2k_frame(LEVELS))
    np.testing.assert_allclose(read_image(path).pixels, LEVELS / 4095, atol=1e-6)  # as some write who use 12 of 16


def test_jpeg_2000_of_another_sign_is_told(tmp_path: Path, write_dicom: WriteDicom) -> None:
    path = with_frame(
        write_dicom(tmp_path / "a.dcm", LEVELS, PixelRepresentation=1), JPEG2000Lossless, j2k_frame(LEVELS)
    )
    assert any("are unsigned; signed, as the header says" in note for note in read_image(path).notes)


@pytest.mark.parametrize(("rows", "columns"), [(30, 19), (29, 20), (15, 38)])
def test_a_size_that_leaves_a_row_or_column_over_is_refused(
    tmp_path: Path, write_dicom: WriteDicom, rows: int, columns: int, refusal: Refusal
) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS, BitsStored=12)
    dataset = pydicom.dcmread(path)
    dataset.Rows, dataset.Columns = rows, columns
    dataset.save_as(path)
    assert "correct Rows and Columns" in refusal(path, "bad-dicom-header")


@pytest.mark.parametrize(("padding", "told"), [(b"\1" * 38, False), (bytes(200), True)])
def test_padding_after_the_pixels_is_none_of_the_image(
    tmp_path: Path, write_dicom: WriteDicom, padding: bytes, told: bool
) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS, BitsStored=12)
    dataset = pydicom.dcmread(path)
    dataset.PixelData += padding
    dataset.save_as(path)
    picture = read_image(path)
    np.testing.assert_allclose(picture.pixels, LEVELS / 4095, atol=1e-6)
    assert ["padding" in note for note in picture.notes] == [True] * told
