from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from stimuli.images import Pixels, as_stored, quantise, read_image, resample, write_png

WriteDicom = Callable[..., Path]
Refusal = Callable[[Path, str], str]
LEVELS_12 = np.arange(4096, dtype=np.uint16).reshape(64, 64)
LEVELS_16 = np.arange(65536).astype(np.uint16).reshape(256, 256)


def test_an_image_too_large_to_decode_safely_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Refusal
) -> None:
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


def test_as_stored_is_what_a_16_bit_png_gives_back(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).uniform(-0.1, 1.1, (9, 7)).astype(np.float32)
    write_png(tmp_path / "image.png", pixels, bits=16)
    np.testing.assert_array_equal(as_stored(pixels), read_image(tmp_path / "image.png").pixels)
    assert as_stored(pixels).dtype == np.float32
    broken = np.array([[0.5, np.nan, np.inf]], np.float32)
    assert np.isnan(as_stored(broken)).tolist() == [[False, True, True]]
