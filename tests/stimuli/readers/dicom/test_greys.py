"""DICOM: windows, lookup tables, rescaling and padding, against the text of the standard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from stimuli.images import read_image

WriteDicom = Callable[..., Path]
Refusal = Callable[[Path, str], str]
LEVELS_16 = np.arange(65536).astype(np.uint16).reshape(256, 256)
LEVELS_12 = np.arange(4096, dtype=np.uint16).reshape(64, 64)


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


@pytest.mark.parametrize("attributes", [{"RescaleIntercept": -1024}, {"RescaleSlope": 0, "RescaleIntercept": -1024}])
def test_an_intercept_alone_has_a_slope_of_1(
    tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object]
) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, WindowCenter=40, WindowWidth=400, **attributes)
    np.testing.assert_allclose(read_image(path).pixels, linear_window(LEVELS_12 - 1024.0, 40, 400), atol=1e-6)


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
