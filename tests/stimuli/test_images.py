from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from pydicom.dataset import Dataset

from data.errors import LookalikeError
from stimuli.images import Pixels, as_stored, quantise, read_image, resample, write_png

WriteDicom = Callable[..., Path]
LEVELS_12 = np.arange(4096, dtype=np.uint16).reshape(64, 64)
LEVELS_16 = np.arange(65536).astype(np.uint16).reshape(256, 256)


def refusal(path: Path, code: str) -> str:
    """The sentence, after the path, with which reading is refused."""
    with pytest.raises(LookalikeError) as caught:
        read_image(path)
    message = str(caught.value)
    assert caught.value.code == code
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


# PNG and JPEG


def test_an_image_too_large_to_decode_safely_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_png(tmp_path / "a.png", np.zeros((8, 8), np.float32))
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 31)
    assert "more than 62 pixels" in refusal(tmp_path / "a.png", "image-too-large")


@pytest.mark.parametrize("bits", [8, 16])
def test_every_grey_level_survives_a_png(tmp_path: Path, bits: int) -> None:
    side = 2 ** (bits // 2)
    levels = np.arange(2**bits).reshape(side, side)
    write_png(tmp_path / "a.png", (levels / (2**bits - 1)).astype(np.float32), bits)
    with Pillow.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), levels)
        assert image.mode == {8: "L", 16: "I;16"}[bits]
    back = read_image(tmp_path / "a.png")
    assert (back.bit_depth, back.pixel_aspect, back.pixels.dtype) == (bits, 1.0, np.float32)
    np.testing.assert_array_equal(np.rint(back.pixels.astype(float) * (2**bits - 1)), levels)
    write_png(tmp_path / "b.png", back.pixels, bits)
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "a.png").read_bytes()


def test_black_is_0_and_white_is_1(tmp_path: Path) -> None:
    for bits in (8, 16):
        write_png(tmp_path / "a.png", np.array([[0, 1]], np.float32), bits)
        assert read_image(tmp_path / "a.png").pixels.tolist() == [[0.0, 1.0]]


def test_rows_stay_rows(tmp_path: Path) -> None:
    pixels = np.zeros((2, 5), np.float32)
    pixels[1, 4] = 1
    write_png(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, pixels)


def test_quantising_rounds_to_the_nearest_level_and_clips() -> None:
    assert quantise(np.array([-1, 0, 0.4 / 255, 0.6 / 255, 1, 2]), 8).tolist() == [0, 0, 0, 1, 255, 255]
    assert quantise(np.array([-1, 65534.6 / 65535, 2]), 16).tolist() == [0, 65535, 65535]
    with pytest.raises(ValueError, match="8 or 16"):
        quantise(np.zeros(1), 12)


def test_a_png_holds_pixels_and_nothing_else(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.full((4, 4), 0.5, np.float32), 16)
    with Pillow.open(tmp_path / "a.png") as image:
        assert image.info == {}
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_grey_that_is_stored_as_colour_is_accepted(tmp_path: Path, mode: str) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Pillow.fromarray(grey).convert(mode).save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(quantise(picture.pixels, 8), grey)
    assert picture.bit_depth == 8


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_colour_is_refused_even_in_one_pixel_of_one_channel(tmp_path: Path, channel: int) -> None:
    colour = np.full((8, 8, 3), 100, np.uint8)
    colour[5, 5, channel] += 1
    Pillow.fromarray(colour).save(tmp_path / "a.png")
    assert refusal(tmp_path / "a.png", "colour-image").startswith("is in colour")


def test_other_pixel_formats_are_refused(tmp_path: Path) -> None:
    Pillow.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    assert "pixel format 'F'" in refusal(tmp_path / "float.tif", "unsupported-image")
    Pillow.fromarray(np.full((4, 4), 70000, np.int32)).save(tmp_path / "wide.tif")
    assert "outside 0..65535" in refusal(tmp_path / "wide.tif", "unsupported-image")
    Pillow.new("P", (4, 4)).save(tmp_path / "palette.png")
    assert "pixel format 'P'" in refusal(tmp_path / "palette.png", "unsupported-image")


def test_a_16_bit_tiff_reads_like_a_16_bit_png(tmp_path: Path) -> None:
    Pillow.fromarray(LEVELS_16).save(tmp_path / "a.tif")
    picture = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(quantise(picture.pixels, 16), LEVELS_16)
    assert picture.bit_depth == 16


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.jpg", "JPEG")])
def test_an_image_cut_short_anywhere_is_refused_in_one_clean_line(tmp_path: Path, name: str, kind: str) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (24, 24), dtype=np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(grey).save(buffer, format=kind)
    content = buffer.getvalue()
    end = len(content) - (24 if kind == "PNG" else 0)  # beyond it only checksums and PNG's end mark are lost
    for length in (*range(0, 60), *range(60, end, 41), end - 1):
        (tmp_path / name).write_bytes(content[:length])
        assert refusal(tmp_path / name, "unreadable-image").startswith("not a readable image")


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    for name in ("a.png", "a.dcm"):
        (tmp_path / name).write_text("patient,box\n1,2\n")
        assert refusal(tmp_path / name, "unreadable-image").startswith("not a readable")


def test_a_missing_image_is_refused(tmp_path: Path) -> None:
    for name in ("none.png", "none.dcm"):
        assert refusal(tmp_path / name, "no-such-file") == "no such image"


# DICOM


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


def voi_table(entries: np.ndarray, first: int, bits: int) -> list[Dataset]:
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
        VOILUTSequence=voi_table(entries, 500, 10),
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
        ({"ImagerPixelSpacing": [0.05, 0.1]}, 0.5),
        ({"PixelAspectRatio": [5, 3]}, 5 / 3),
        ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.1, 0.1]}, 2.0),
        ({"PixelSpacing": None}, 1.0),
        ({}, 1.0),
    ],
)
def test_pixel_aspect(tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object], aspect: float) -> None:
    path = write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, **attributes)
    assert read_image(path).pixel_aspect == pytest.approx(aspect)


def test_empty_attributes_are_as_good_as_none(tmp_path: Path, write_dicom: WriteDicom) -> None:
    path = write_dicom(
        tmp_path / "a.dcm", LEVELS_12, BitsStored=12, WindowCenter=None, WindowWidth=None, VOILUTSequence=[]
    )
    np.testing.assert_allclose(read_image(path).pixels, LEVELS_12 / 4095, atol=1e-7)


@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": 100},
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        {"RescaleSlope": None, "RescaleIntercept": None},
        {"PixelSpacing": [0, 0]},
        {"ModalityLUTSequence": voi_table(np.arange(4), 0, 16)},
    ],
)
def test_an_unusable_header_is_refused_in_one_clean_line(
    tmp_path: Path, write_dicom: WriteDicom, attributes: dict[str, object]
) -> None:
    assert "is unusable" in refusal(
        write_dicom(tmp_path / "a.dcm", LEVELS_12, BitsStored=12, **attributes), "bad-dicom-header"
    )


def test_colour_and_several_frames_are_refused(tmp_path: Path, write_dicom: WriteDicom) -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    path = write_dicom(
        tmp_path / "rgb.dcm", rgb, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0
    )
    assert "RGB, not grayscale" in refusal(path, "colour-image")
    path = write_dicom(tmp_path / "palette.dcm", LEVELS_12, PhotometricInterpretation="PALETTE COLOR")
    assert "PALETTE COLOR, not grayscale" in refusal(path, "colour-image")
    path = write_dicom(tmp_path / "frames.dcm", LEVELS_12, NumberOfFrames=4, Rows=16)
    assert "one grayscale frame is expected" in refusal(path, "unsupported-image")


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom warns of half a UID
def test_a_dicom_cut_short_anywhere_is_refused_in_one_clean_line(tmp_path: Path, write_dicom: WriteDicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", np.zeros((4, 4), np.uint16), WindowCenter=5, WindowWidth=9)
    content = path.read_bytes()
    for length in range(0, len(content), 5):
        path.write_bytes(content[:length])
        assert refusal(path, "unreadable-image").startswith("not a readable DICOM image")


# Resampling


@given(
    value=st.floats(0, 1, width=32),
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_a_constant_image_stays_constant(value: float, rows: int, columns: int, size: tuple[int, int]) -> None:
    small = resample(np.full((rows, columns), value, np.float32), size)
    assert small.shape == size
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, value, atol=1e-6)


@given(seed=st.integers(0, 100), size=st.integers(1, 50))
def test_overshoot_at_edges_is_clipped(seed: int, size: int) -> None:
    steps = np.random.default_rng(seed).integers(0, 2, (20, 20)).astype(np.float32)
    small = resample(steps, (size, size))
    assert small.min() >= 0
    assert small.max() <= 1


def test_a_checkerboard_reduced_fourfold_is_mid_grey() -> None:
    board = (np.indices((128, 128)).sum(axis=0) % 2).astype(np.float32)
    np.testing.assert_allclose(resample(board, (32, 32)), 0.5, atol=0.02)


def test_fine_stripes_do_not_alias_along_either_axis() -> None:
    # A grating above the new Nyquist frequency must vanish, not turn into a coarser one.
    x = np.arange(240)
    grating = (0.5 + 0.4 * np.sin(2 * np.pi * x * 0.41)).astype(np.float32)
    stripes = np.tile(grating, (240, 1))
    for image, size in ((stripes, (240, 60)), (stripes.T, (60, 240))):
        assert np.abs(resample(image, size) - 0.5).max() < 0.05


@pytest.mark.parametrize("size", [(32, 32), (16, 48), (48, 24)])
def test_the_mean_is_kept(texture: Callable[..., Pixels], size: tuple[int, int]) -> None:
    image = texture(3, 96, 96)
    assert resample(image, size).mean() == pytest.approx(image.mean(), abs=0.003)


def test_the_same_size_changes_nothing(texture: Callable[..., Pixels]) -> None:
    np.testing.assert_array_equal(resample(texture(1), (48, 48)), texture(1))


def test_rows_come_first_in_the_size() -> None:
    assert resample(np.zeros((10, 10), np.float32), (4, 7)).shape == (4, 7)


@given(left=st.floats(8, 40), top=st.floats(8, 40), side=st.floats(24, 48), size=st.integers(4, 24))
def test_a_fractional_box_is_met_to_a_twentieth_of_a_pixel(left: float, top: float, side: float, size: int) -> None:
    # On a ramp the grey level tells where the sample was taken.
    columns = np.arange(100) + 0.5
    ramp = np.tile(columns / 100, (100, 1)).astype(np.float32)
    centres = (np.arange(size) + 0.5) * side / size
    inner = slice(2, -2)  # at a box's edge the kernel sees nothing beyond it
    box = (left, top, left + side, top + side)
    across, down = resample(ramp, (size, size), box), resample(ramp.T, (size, size), box)
    np.testing.assert_allclose(100 * across[:, inner], np.tile(left + centres, (size, 1))[:, inner], atol=0.05)
    np.testing.assert_allclose(100 * down[inner], np.tile(top + centres, (size, 1)).T[inner], atol=0.05)


def test_a_whole_box_is_the_slice(texture: Callable[..., Pixels]) -> None:
    np.testing.assert_array_equal(resample(texture(2), (20, 30), (5, 7, 35, 27)), texture(2)[7:27, 5:35])


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


def test_sixteen_bit_grey_stored_as_colour_is_refused_not_halved(tmp_path, refuses):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 4, 2, 16, 2, 0, 0, 0)  # 4 x 2, 16 bits, RGB
    rows = b"".join(b"\0" + b"\x12\x34" * 3 * 4 for _ in range(2))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    with refuses("colour-image"):
        read_image(tmp_path / "deep.png")


def test_as_stored_is_what_a_16_bit_png_gives_back(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).uniform(-0.1, 1.1, (9, 7)).astype(np.float32)
    write_png(tmp_path / "image.png", pixels, bits=16)
    np.testing.assert_array_equal(as_stored(pixels), read_image(tmp_path / "image.png").pixels)
    assert as_stored(pixels).dtype == np.float32
    broken = np.array([[0.5, np.nan, np.inf]], np.float32)
    assert np.isnan(as_stored(broken)).tolist() == [[False, True, True]]
