"""DICOM: greys, shape and refusals, against the text of the standard."""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    DigitalMammographyXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from data.errors import LookalikeError
from stimuli.images import read_image

WriteDicom = Callable[..., Path]
Refusal = Callable[[Path, str], str]
LIBJPEG = importlib.util.find_spec("libjpeg") is not None
LEVELS_12 = np.arange(4096, dtype=np.uint16).reshape(64, 64)
LEVELS_16 = np.arange(65536).astype(np.uint16).reshape(256, 256)


@pytest.mark.parametrize(("levels", "bits"), [(LEVELS_16, 16), (LEVELS_12, 12)])
def test_the_full_stored_range_becomes_0_to_1(
    tmp_path: Path, write_dicom: WriteDicom, levels: np.ndarray, bits: int
) -> None:
    picture = read_image(write_dicom(tmp_path / "a.dcm", levels, BitsStored=bits))
    np.testing.assert_allclose(picture.pixels, levels / (2**bits - 1), atol=1e-7)
    assert (picture.bit_depth, picture.pixel_aspect, picture.pixels.dtype) == (bits, 1.0, np.float32)


def test_the_suffix_may_be_in_capitals(tmp_path: Path, write_dicom: WriteDicom) -> None:
    assert read_image(write_dicom(tmp_path / "A.DCM", LEVELS_12, BitsStored=12)).bit_depth == 12


def test_monochrome1_is_inverted(tmp_path: Path, write_dicom: WriteDicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(read_image(path).pixels, 1 - LEVELS_12 / 4095, atol=1e-7)


def test_signed_pixels_run_from_the_lowest_to_the_highest(tmp_path: Path, write_dicom: WriteDicom) -> None:
    signed = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    picture = read_image(write_dicom(tmp_path / "a.dcm", signed, BitsStored=12))
    np.testing.assert_allclose(picture.pixels, (signed + 2048) / 4095, atol=1e-7)


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({"PixelSpacing": [0.1, 0.1]}, 1.0),
        ({"PixelSpacing": [0.2, 0.1]}, 2.0),  # row spacing, which is a pixel's height, comes first
        ({"NominalScannedPixelSpacing": [0.3, 0.1]}, 3.0),
        ({"ImagerPixelSpacing": [0.05, 0.1]}, 0.5),
        ({"PixelAspectRatio": [5, 3]}, 5 / 3),
        ({"PixelSpacing": [0.2, 0.1], "NominalScannedPixelSpacing": [0.1, 0.1]}, 2.0),
        ({"NominalScannedPixelSpacing": [0.3, 0.1], "ImagerPixelSpacing": [0.1, 0.1]}, 3.0),
        ({"ImagerPixelSpacing": [0.2, 0.1], "PixelAspectRatio": [1, 1]}, 2.0),
        # Empty, zero or half there counts as absent, and the next one holds.
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.1]}, 2.0),
        ({"PixelSpacing": [0, 0], "NominalScannedPixelSpacing": [0.2, 0.1]}, 2.0),
        ({"PixelSpacing": [0.3, 0], "ImagerPixelSpacing": [0.2, 0.1]}, 2.0),
        ({"PixelSpacing": 0.3, "ImagerPixelSpacing": [0.2, 0.1]}, 2.0),
        ({"PixelSpacing": [-0.1, -0.2]}, 1.0),
        ({"PixelSpacing": None}, 1.0),
        ({}, 1.0),
    ],
)
def test_pixel_aspect(tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object], aspect: float) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, **attributes)
    assert read_image(path).pixel_aspect == pytest.approx(aspect)


@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": None, "WindowWidth": None, "VOILUTSequence": []},
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": 100},
        {"WindowWidth": 100},
        {"RescaleSlope": None, "RescaleIntercept": None},
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        {"RescaleSlope": 1, "RescaleIntercept": None},
        {"ModalityLUTSequence": []},
        {"ModalityLUTSequence": [Dataset()], "VOILUTSequence": [Dataset()]},
        {"NumberOfFrames": None},
        {"NumberOfFrames": 0},
        {"PixelPaddingValue": None},
        {"SamplesPerPixel": None},
        {"PixelRepresentation": None},
    ],
)
def test_what_is_empty_zero_or_half_there_is_as_good_as_absent(
    tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object]
) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, **attributes)
    np.testing.assert_allclose(read_image(path).pixels, LEVELS_12 / 4095, atol=1e-7)


@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": 100, "WindowWidth": 0.5},
        {"WindowCenter": 100, "WindowWidth": -50},
        {"WindowCenter": 100, "WindowWidth": 50, "VOILUTFunction": "CUBIC"},
        {"HighBit": 3},
        {"HighBit": 16},
        {"PhotometricInterpretation": None},
        {"Rows": None},
        {"Columns": 0},
    ],
)
def test_an_unusable_header_is_refused_in_one_clean_line(
    tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object], refusal: Refusal
) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, **{"BitsStored": 12, **attributes})
    assert "correct" in refusal(path, "bad-dicom-header")


def test_colour_and_frames_that_nothing_announces_are_refused(
    tmp_path: Path, write_dicom: WriteDicom, refusal: Refusal
) -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    path = write_dicom(
        tmp_path / "rgb.dcm", rgb, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0
    )
    assert "RGB, not grayscale" in refusal(path, "colour-image")
    path = write_dicom(tmp_path / "palette.dcm", LEVELS_12, PhotometricInterpretation="PALETTE COLOR")
    assert "PALETTE COLOR, not grayscale" in refusal(path, "colour-image")
    path = write_dicom(tmp_path / "untold.dcm", LEVELS_12, Rows=16)
    assert "holds 4 frames, though its header says 1" in refusal(path, "unsupported-image")


# Which bits are the sample


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("container", [8, 16, 32])
@pytest.mark.parametrize("left", [False, True])
def test_every_high_bit_and_number_of_bits_stored(
    tmp_path: Path, write_dicom: WriteDicom, container: int, left: bool, signed: bool
) -> None:
    rng = np.random.default_rng(container)
    for bits in range(1 + signed, container + 1, 1 if container == 8 else 3):
        high = container - 1 if left else min(bits - 1 + bits % 3, container - 1)
        shift = high + 1 - bits
        lowest = -(2 ** (bits - 1)) if signed else 0
        values = rng.integers(lowest, lowest + 2**bits, (8, 8))
        values[0, :2] = lowest, lowest + 2**bits - 1
        noise = rng.integers(0, 2**container, (8, 8), dtype=np.uint64)  # overlays and the like, around the sample
        mask = np.uint64((2**bits - 1) << shift)
        raw = (((values.astype(np.uint64) << np.uint64(shift)) & mask) | (noise & ~mask)).astype(f"uint{container}")
        path = write_dicom(
            tmp_path / "a.dcm", raw.view(f"int{container}") if signed else raw, BitsStored=bits, HighBit=high
        )
        picture = read_image(path)
        expected = (values.astype(float) - lowest) / (2.0**bits - 1)
        np.testing.assert_allclose(picture.pixels, expected, atol=1e-6, err_msg=f"{bits} bits, high bit {high}")
        assert picture.bit_depth == bits


@pytest.mark.parametrize("high", [11, 13, 15])
def test_rle_keeps_the_container_and_so_its_high_bit(tmp_path: Path, write_dicom: WriteDicom, high: int) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12 << (high - 11), BitsStored=12, HighBit=high)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    picture = read_image(path)
    np.testing.assert_allclose(picture.pixels, LEVELS_12 / 4095, atol=1e-7)
    assert not picture.notes


def test_bits_above_the_sample_are_told_unless_they_are_a_declared_overlay_or_a_sign(
    tmp_path: Path, write_dicom: WriteDicom
) -> None:
    raw = LEVELS_12 | np.uint16(0x8000)
    (note,) = read_image(write_dicom(tmp_path / "a.dcm", raw, BitsStored=12)).notes
    assert "above High Bit" in note
    path = write_dicom(tmp_path / "b.dcm", raw, BitsStored=12)
    dataset = pydicom.dcmread(path)
    dataset.add_new(0x60000102, "US", 15)
    dataset.save_as(path)
    assert read_image(path).notes == ()
    signed = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    assert read_image(write_dicom(tmp_path / "c.dcm", signed, BitsStored=12)).notes == ()


# How the file is written


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("levels", [LEVELS_12, (LEVELS_12 % 256).astype(np.uint8)])
def test_every_native_syntax_with_and_without_its_head(
    tmp_path: Path, write_dicom: WriteDicom, syntax: UID, levels: np.ndarray
) -> None:
    bits = 12 if levels.dtype == np.uint16 else 8
    dataset = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", levels, BitsStored=bits))
    meta = dataset.file_meta
    del dataset.file_meta
    dataset.PixelData = levels.astype(levels.dtype.newbyteorder("<" if syntax.is_little_endian else ">")).tobytes()
    dataset["PixelData"].VR = "OW" if bits == 12 else "OB"
    written = {"implicit_vr": syntax.is_implicit_VR, "little_endian": syntax.is_little_endian}
    bare, whole = io.BytesIO(), io.BytesIO()
    pydicom.dcmwrite(bare, dataset, **written)
    meta.TransferSyntaxUID = syntax
    dataset.file_meta = meta
    pydicom.dcmwrite(whole, dataset, enforce_file_format=True)
    for name, content in (("whole", whole), ("no preamble", whole), ("no file meta information", bare)):
        (tmp_path / "b").write_bytes(content.getvalue()[128 if name == "no preamble" else 0 :])
        pixels = read_image(tmp_path / "b").pixels
        np.testing.assert_allclose(pixels, levels / (2**bits - 1), atol=1e-6, err_msg=name)


def test_a_deflated_file(tmp_path: Path, write_dicom: WriteDicom) -> None:
    dataset = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "b.dcm", enforce_file_format=True)
    assert (tmp_path / "b.dcm").stat().st_size < (tmp_path / "a.dcm").stat().st_size
    np.testing.assert_allclose(read_image(tmp_path / "b.dcm").pixels, LEVELS_12 / 4095, atol=1e-6)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_lossless_compression_keeps_every_level_or_names_its_cure(
    tmp_path: Path, write_dicom: WriteDicom, syntax: UID, refusal: Refusal
) -> None:
    dataset = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12))
    if syntax == JPEGLSLossless:  # nothing here encodes it: a frame that says so is enough to be refused
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([b"\xff\xd8\xff\xf7" + bytes(40)])
        dataset["PixelData"].VR = "OB"
        dataset.save_as(tmp_path / "b.dcm")
        assert refusal(tmp_path / "b.dcm", "unsupported-image" if not LIBJPEG else "unreadable-image")
        return
    dataset.compress(syntax)
    dataset.save_as(tmp_path / "b.dcm")
    np.testing.assert_allclose(read_image(tmp_path / "b.dcm").pixels, LEVELS_12 / 4095, atol=1e-6)


def test_the_preamble_of_another_format_does_not_hide_a_dicom(tmp_path: Path, write_dicom: WriteDicom) -> None:
    content = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12).read_bytes()
    for start in (b"II*\0", b"MM\0*", b"\x89PNG\r\n\x1a\n"):
        (tmp_path / "b").write_bytes(start + content[len(start) :])
        np.testing.assert_allclose(read_image(tmp_path / "b").pixels, LEVELS_12 / 4095, atol=1e-6)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"PresentationIntentType": "FOR PROCESSING"}, "FOR PROCESSING"),
        ({"SOPClassUID": DigitalMammographyXRayImageStorageForProcessing}, "FOR PROCESSING"),
        ({"BurnedInAnnotation": "YES"}, "burned-in"),
        ({"PresentationLUTShape": "INVERSE"}, "contradicts"),
        ({"PresentationLUTShape": "IDENTITY", "PhotometricInterpretation": "MONOCHROME1"}, "contradicts"),
        ({"ShutterShape": "RECTANGULAR"}, "display shutter"),
        ({"PresentationIntentType": "FOR PRESENTATION", "BurnedInAnnotation": "NO"}, None),
        ({"PresentationLUTShape": "INVERSE", "PhotometricInterpretation": "MONOCHROME1"}, None),
    ],
)
def test_what_should_be_known_is_told(
    tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object], said: str | None
) -> None:
    notes = read_image(write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, **attributes)).notes
    assert [said in note for note in notes] == [True] * (said is not None)


def test_presentation_tables_are_refused_by_name(tmp_path: Path, write_dicom: WriteDicom, refusal: Refusal) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, PresentationLUTShape="LIN OD")
    assert "Presentation LUT Shape LIN OD" in refusal(path, "unsupported-image")
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [256, 0, 8])
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, PresentationLUTSequence=[table])
    assert "Presentation LUT Sequence" in refusal(path, "unsupported-image")


def test_a_dark_image_without_a_window_is_told(tmp_path: Path, write_dicom: WriteDicom) -> None:
    (note,) = read_image(write_dicom(tmp_path / "a.dcm", LEVELS_12)).notes
    assert "perhaps too dark" in note
    assert read_image(write_dicom(tmp_path / "b.dcm", LEVELS_12, WindowCenter=9, WindowWidth=9)).notes == ()


def test_objects_without_a_grey_image_are_refused_by_what_they_are(
    tmp_path: Path, write_dicom: WriteDicom, refusal: Refusal
) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, Modality="SR")
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    assert "without pixel data (SR)" in refusal(path, "unreadable-image")
    dataset.FloatPixelData = np.zeros(4096, np.float32).tobytes()
    dataset.save_as(path)
    assert "floating-point" in refusal(path, "unsupported-image")
    for name in ("DICOMDIR", "DICOMDIR-bigEnd"):
        index = Path(pydicom.data.get_testdata_file(f"dicomdirtests/{name}"))
        assert "a DICOMDIR" in refusal(index, "unreadable-image")


HEADER = {
    "WindowCenter": st.one_of(st.none(), st.floats(-1e5, 1e5), st.lists(st.integers(-9, 9), max_size=3)),
    "WindowWidth": st.one_of(st.none(), st.floats(-10, 1e5), st.just("")),
    "VOILUTFunction": st.sampled_from(["", "LINEAR", "LINEAR_EXACT", "SIGMOID", "linear", "?"]),
    "RescaleSlope": st.one_of(st.none(), st.floats(-100, 100)),
    "RescaleIntercept": st.one_of(st.none(), st.floats(-1e4, 1e4)),
    "PixelSpacing": st.one_of(st.none(), st.lists(st.floats(-1, 1), max_size=3)),
    "PixelPaddingValue": st.integers(0, 32767),
    "PixelPaddingRangeLimit": st.integers(0, 32767),
    "NumberOfFrames": st.one_of(st.none(), st.integers(-1, 2)),
    "PhotometricInterpretation": st.sampled_from(["MONOCHROME1", "MONOCHROME2", "RGB", ""]),
    "BitsStored": st.integers(1, 20),
    "HighBit": st.integers(0, 20),
    "SamplesPerPixel": st.integers(0, 3),
}


@pytest.mark.slow
@settings(max_examples=150)
@pytest.mark.filterwarnings("ignore")
@given(attributes=st.fixed_dictionaries({}, optional=HEADER), signed=st.booleans())
def test_any_header_gives_p_values_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, write_dicom: WriteDicom, attributes: dict[str, object], signed: bool
) -> None:
    path = tmp_path_factory.mktemp("header") / "a.dcm"
    with pydicom.config.disable_value_validation():
        write_dicom(path, LEVELS_12.astype(np.int16) if signed else LEVELS_12, **attributes)
    try:
        picture = read_image(path)
    except LookalikeError as error:
        if "\n" in str(error):
            pytest.fail(str(error))
        return
    assert picture.pixels.shape == LEVELS_12.shape
    assert np.isfinite(picture.pixels).all()
    assert 0 <= picture.pixels.min() <= picture.pixels.max() <= 1
    assert 0 < picture.pixel_aspect < np.inf


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom warns of half a UID
def test_a_dicom_cut_short_anywhere_is_refused_in_one_clean_line(
    tmp_path: Path, write_dicom: WriteDicom, refusal: Refusal
) -> None:
    path = write_dicom(tmp_path / "a.dcm", np.zeros((4, 4), np.uint16), WindowCenter=5, WindowWidth=9)
    content = path.read_bytes()
    for length in range(0, len(content), 5):
        path.write_bytes(content[:length])
        assert refusal(path, "unreadable-image").startswith("not a readable image")


# The published DICOMs


def test_real_mammograms_decode_to_their_published_size() -> None:
    root = os.environ.get("LOOKALIKE_DATA")
    if not root:
        pytest.skip("LOOKALIKE_DATA is unset; it names the folder that holds cbis-ddsm-dicom/")
    for name, shape in (("1-130.dcm", (4432, 2864)), ("1-282.dcm", (4688, 2592))):
        picture = read_image(Path(root) / "cbis-ddsm-dicom" / name)
        assert picture.pixels.shape == shape
        assert (picture.bit_depth, picture.pixel_aspect) == (16, 1.0)
        assert 0 <= picture.pixels.min() < 0.1 < 0.3 < picture.pixels.max() <= 1
