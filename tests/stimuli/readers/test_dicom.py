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


def linear_window(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """DICOM PS3.3 C.11.2.1.2.1, output range 0 to 1, written from the text of the standard."""
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    middle = (x - (center - 0.5)) / max(width - 1, 1e-300) + 0.5
    return np.where(x <= low, 0.0, np.where(x > high, 1.0, middle))


@settings(max_examples=25)
@given(center=st.integers(-500, 4500), width=st.integers(1, 6000), inverted=st.booleans())
def test_the_window_is_the_standards(
    tmp_path_factory: pytest.TempPathFactory, write_dicom: WriteDicom, center: int, width: int, inverted: bool
) -> None:
    path = write_dicom(
        tmp_path_factory.mktemp("window") / "a.dcm",
        LEVELS_12,
        BitsStored=12,
        WindowCenter=center,
        WindowWidth=width,
        PhotometricInterpretation="MONOCHROME1" if inverted else "MONOCHROME2",
    )
    expected = linear_window(LEVELS_12.astype(float), center, width)
    np.testing.assert_allclose(read_image(path).pixels, 1 - expected if inverted else expected, atol=1e-6)


def test_of_several_windows_the_first_is_used(tmp_path: Path, write_dicom: WriteDicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, WindowCenter=[1000, 3000], WindowWidth=[500, 2000])
    np.testing.assert_allclose(read_image(path).pixels, linear_window(LEVELS_12, 1000, 500), atol=1e-6)


def test_of_several_windows_the_first_that_is_whole_is_used(tmp_path: Path, write_dicom: WriteDicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, WindowCenter=[900, 1000], WindowWidth=["", 500])
    np.testing.assert_allclose(read_image(path).pixels, linear_window(LEVELS_12, 1000, 500), atol=1e-6)


def test_exact_linear_and_sigmoid_windows(tmp_path: Path, write_dicom: WriteDicom) -> None:
    window = {"BitsStored": 12, "WindowCenter": 2000, "WindowWidth": 1000}
    x = LEVELS_12.astype(float)
    # PS3.3 C.11.2.1.3.2 and C.11.2.1.3.1.
    exact = np.clip((x - 2000) / 1000 + 0.5, 0, 1)
    sigmoid = 1 / (1 + np.exp(-4 * (x - 2000) / 1000))
    for name, expected in (("LINEAR_EXACT", exact), ("SIGMOID", sigmoid)):
        path = write_dicom(tmp_path / "a.dcm", LEVELS_12, VOILUTFunction=name, **window)
        np.testing.assert_allclose(read_image(path).pixels, expected, atol=1e-6)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2, -1024), (0.25, 100), (1, -4096)])
def test_rescaling_moves_the_window_but_not_the_full_range(
    tmp_path: Path, write_dicom: WriteDicom, slope: float, intercept: float
) -> None:
    rescale = {"BitsStored": 12, "RescaleSlope": slope, "RescaleIntercept": intercept}
    plain = read_image(write_dicom(tmp_path / "a.dcm", LEVELS_12, **rescale)).pixels
    np.testing.assert_allclose(plain, LEVELS_12 / 4095, atol=1e-6)
    center, width = slope * 2000 + intercept, slope * 1000
    path = write_dicom(tmp_path / "b.dcm", LEVELS_12, WindowCenter=center, WindowWidth=width, **rescale)
    expected = linear_window(slope * LEVELS_12.astype(float) + intercept, center, width)
    np.testing.assert_allclose(read_image(path).pixels, expected, atol=1e-6)


def test_signed_pixels_with_a_window(tmp_path: Path, write_dicom: WriteDicom) -> None:
    signed = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    path = write_dicom(tmp_path / "a.dcm", signed, BitsStored=12, WindowCenter=-200, WindowWidth=900)
    np.testing.assert_allclose(read_image(path).pixels, linear_window(signed, -200, 900), atol=1e-6)


def test_a_falling_rescale_makes_high_stored_values_dark(tmp_path: Path, write_dicom: WriteDicom) -> None:
    rescale = {"BitsStored": 12, "RescaleSlope": -1, "RescaleIntercept": 4095}
    plain = read_image(write_dicom(tmp_path / "a.dcm", LEVELS_12, **rescale)).pixels
    np.testing.assert_allclose(plain, 1 - LEVELS_12 / 4095, atol=1e-6)
    path = write_dicom(tmp_path / "b.dcm", LEVELS_12, WindowCenter=2000, WindowWidth=1000, **rescale)
    np.testing.assert_allclose(read_image(path).pixels, linear_window(4095.0 - LEVELS_12, 2000, 1000), atol=1e-6)


def table_of(entries: np.ndarray, first: int, bits: int) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries.tolist())
    return [item]


def test_a_lookup_table_comes_before_a_window(tmp_path: Path, write_dicom: WriteDicom) -> None:
    entries = (np.linspace(0, 1, 1000) ** 2 * 1023).astype(int)  # 10-bit output
    path = write_dicom(
        tmp_path / "a.dcm",
        LEVELS_12,
        BitsStored=12,
        VOILUTSequence=table_of(entries, 500, 10),
        WindowCenter=100,
        WindowWidth=50,
    )
    # PS3.3 C.11.2.1.1: below the first mapped value the first entry, above the last one the last.
    expected = entries[np.clip(LEVELS_12.astype(int) - 500, 0, 999)] / 1023
    np.testing.assert_allclose(read_image(path).pixels, expected, atol=1e-6)


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


@pytest.mark.parametrize("attributes", [{"RescaleIntercept": -1024}, {"RescaleSlope": 0, "RescaleIntercept": -1024}])
def test_an_intercept_alone_has_a_slope_of_1(
    tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object]
) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, WindowCenter=40, WindowWidth=400, **attributes)
    np.testing.assert_allclose(read_image(path).pixels, linear_window(LEVELS_12 - 1024.0, 40, 400), atol=1e-6)


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


# Lookup tables


def test_a_modality_table_comes_before_the_window(tmp_path: Path, write_dicom: WriteDicom) -> None:
    entries = np.linspace(1023, 0, 4096).astype(int)
    table = {"BitsStored": 12, "ModalityLUTSequence": table_of(entries, 0, 10)}
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, **table)
    np.testing.assert_allclose(read_image(path).pixels, entries[LEVELS_12] / 1023, atol=1e-6)
    path = write_dicom(tmp_path / "b.dcm", LEVELS_12, WindowCenter=500, WindowWidth=300, **table)
    np.testing.assert_allclose(read_image(path).pixels, linear_window(entries[LEVELS_12], 500, 300), atol=1e-6)


@pytest.mark.parametrize("entries", [256, 4096])
@pytest.mark.parametrize("stored_as", ["words", "bytes", "words of two"])
def test_eight_bit_tables_in_every_packing(
    tmp_path: Path, write_dicom: WriteDicom, entries: int, stored_as: str
) -> None:
    table = np.random.default_rng(0).permutation(entries) % 256
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [entries, 0, 8])
    if stored_as == "words":
        item.add_new("LUTData", "US", table.tolist())
    elif stored_as == "bytes":  # 8 bits allocated: two entries in a word
        item.add_new("LUTData", "OW", table.astype(np.uint8).tobytes())
    else:
        item.add_new("LUTData", "US", table.astype(np.uint8).view("<u2").tolist())
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, VOILUTSequence=[item])
    np.testing.assert_allclose(read_image(path).pixels, table[LEVELS_12.clip(0, entries - 1)] / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("highest", "stated", "taken", "told"),
    [
        (1023, 10, 10, False),
        (900, 10, 10, False),
        (500, 10, 10, False),  # a table need not reach white
        (65535, 16, 16, False),
        (40000, 16, 16, False),
        (4095, 16, 12, True),  # '16' is written for any word
        (4095, 8, 12, True),  # entries larger than stated
        (4095, 0, 12, True),
    ],
)
def test_a_tables_true_width(
    tmp_path: Path, write_dicom: WriteDicom, highest: int, stated: int, taken: int, told: bool
) -> None:
    entries = np.linspace(0, highest, 4096).astype(int)
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, VOILUTSequence=table_of(entries, 0, stated))
    picture = read_image(path)
    np.testing.assert_allclose(picture.pixels, entries[LEVELS_12] / (2**taken - 1), atol=1e-6)
    assert [f"has {taken}" in note for note in picture.notes] == [True] * told


def test_a_table_of_signed_values_starts_below_zero(tmp_path: Path, write_dicom: WriteDicom) -> None:
    signed = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    entries = np.linspace(0, 4095, 4096).astype(int)
    for vr, first in (("SS", -2048), ("US", 65536 - 2048)):
        item = Dataset()
        item.add_new("LUTDescriptor", vr, [4096, first, 12])
        item.add_new("LUTData", "US", entries.tolist())
        path = write_dicom(tmp_path / "a.dcm", signed, BitsStored=12, VOILUTSequence=[item])
        np.testing.assert_allclose(read_image(path).pixels, (signed + 2048) / 4095, atol=1e-6)


def test_a_table_of_65536_entries_says_0(tmp_path: Path, write_dicom: WriteDicom) -> None:
    entries = np.arange(65535, -1, -1)
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [0, 0, 16])
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    path = write_dicom(tmp_path / "a.dcm", LEVELS_16, VOILUTSequence=[item])
    np.testing.assert_allclose(read_image(path).pixels, 1 - LEVELS_16 / 65535, atol=1e-6)


def test_a_table_that_lacks_entries_is_refused(tmp_path: Path, write_dicom: WriteDicom, refusal: Refusal) -> None:
    (item,) = table_of(np.arange(100), 0, 8)
    item.LUTDescriptor = [4096, 0, 8]
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, VOILUTSequence=[item])
    assert "has 100 of the 4096 entries" in refusal(path, "bad-dicom-header")


# Padding


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("value", "limit"), [(0, None), (4095, None), (0, 100), (100, 0)])
def test_padding_is_black_whichever_end_of_the_scale_is(
    tmp_path: Path, write_dicom: WriteDicom, photometric: str, value: int, limit: int | None
) -> None:
    attributes = {"PixelPaddingValue": value} | ({} if limit is None else {"PixelPaddingRangeLimit": limit})
    path = write_dicom(
        tmp_path / "a.dcm", LEVELS_12, BitsStored=12, PhotometricInterpretation=photometric, **attributes
    )
    shown = LEVELS_12 / 4095 if photometric == "MONOCHROME2" else 1 - LEVELS_12 / 4095
    low, high = sorted((value, value if limit is None else limit))
    shown[(low <= LEVELS_12) & (high >= LEVELS_12)] = 0
    np.testing.assert_allclose(read_image(path).pixels, shown, atol=1e-6)


def test_padding_of_signed_values(tmp_path: Path, write_dicom: WriteDicom) -> None:
    signed = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    path = write_dicom(
        tmp_path / "a.dcm", signed, BitsStored=12, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=-2000
    )
    shown = 1 - (signed + 2048) / 4095
    shown[signed == -2000] = 0
    np.testing.assert_allclose(read_image(path).pixels, shown, atol=1e-6)


# Enhanced objects of one frame


def group(sequence: str, **values: object) -> Dataset:
    inner, outer = Dataset(), Dataset()
    for name, value in values.items():
        setattr(inner, name, value)
    setattr(outer, sequence, [inner])
    return outer


@pytest.mark.parametrize("where", ["PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"])
def test_functional_groups_hold_what_the_top_level_holds_elsewhere(
    tmp_path: Path, write_dicom: WriteDicom, where: str
) -> None:
    groups = group("FrameVOILUTSequence", WindowCenter=40, WindowWidth=400)
    groups.update(group("PixelValueTransformationSequence", RescaleSlope=2, RescaleIntercept=-1024))
    groups.update(group("PixelMeasuresSequence", PixelSpacing=[0.3, 0.1]))
    picture = read_image(
        write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, NumberOfFrames=1, **{where: [groups]})
    )
    np.testing.assert_allclose(picture.pixels, linear_window(2.0 * LEVELS_12 - 1024, 40, 400), atol=1e-6)
    assert picture.pixel_aspect == pytest.approx(3)


def test_a_lookup_table_in_a_functional_group(tmp_path: Path, write_dicom: WriteDicom) -> None:
    entries = np.linspace(1023, 0, 4096).astype(int)
    groups = group("FrameVOILUTSequence", VOILUTSequence=table_of(entries, 0, 10))
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, SharedFunctionalGroupsSequence=[groups])
    np.testing.assert_allclose(read_image(path).pixels, entries[LEVELS_12] / 1023, atol=1e-6)


def test_the_frames_own_group_comes_first_and_an_empty_one_does_not_count(
    tmp_path: Path, write_dicom: WriteDicom
) -> None:
    shared = group("FrameVOILUTSequence", WindowCenter=1000, WindowWidth=500)
    own = group("FrameVOILUTSequence", WindowCenter=2000, WindowWidth=800)
    empty = group("FrameVOILUTSequence", WindowCenter=None, WindowWidth=None)
    for first, window in ((own, (2000, 800)), (empty, (1000, 500))):
        path = write_dicom(
            tmp_path / "a.dcm", LEVELS_12, BitsStored=12, WindowCenter=1, WindowWidth=2,
            SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=[first],
        )  # fmt: skip
        np.testing.assert_allclose(read_image(path).pixels, linear_window(LEVELS_12, *window), atol=1e-6)


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
        ({"PresentationIntentType": "FOR PRESENTATION", "BurnedInAnnotation": "NO"}, None),
        ({"PresentationLUTShape": "INVERSE", "PhotometricInterpretation": "MONOCHROME1"}, None),
    ],
)
def test_what_should_be_known_is_told(
    tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object], said: str | None
) -> None:
    notes = read_image(write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, **attributes)).notes
    assert [said in note for note in notes] == [True] * (said is not None)


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
