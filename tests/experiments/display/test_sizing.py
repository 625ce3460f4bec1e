from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.display.display_file import Display
from experiments.display.sizing import (
    Sizing,
    apart_px,
    choose_sizing,
    enlarge,
    height_px,
    room_px,
    side_by_side,
    size_deg,
    whole_scale,
)
from stimuli.images import KERNEL, resample

WINDOW_PX = (1024, 1280)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 7), st.integers(0, 2**31))
def test_enlarging_repeats_pixels_and_changes_none(rows: int, columns: int, scale: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).random((rows, columns), dtype=np.float32)
    shown = enlarge(pixels, scale)
    assert shown.shape == (rows * scale, columns * scale)
    assert shown.dtype == np.float32
    for row in range(scale):
        for column in range(scale):
            np.testing.assert_array_equal(shown[row::scale, column::scale], pixels)


@settings(deadline=None)
@given(st.integers(1, 700), st.integers(1, 1000))
def test_the_scale_is_the_largest_whole_one_that_fills_at_most_half(rows: int, columns: int) -> None:
    scale = whole_scale((rows, columns), (768, 1024))
    assert scale == 1 or (2 * rows * scale <= 768 and 2 * columns * scale <= 1024)
    assert 2 * rows * (scale + 1) > 768 or 2 * columns * (scale + 1) > 1024


def test_an_image_larger_than_the_window_is_refused(refuses: Any) -> None:
    assert whole_scale((768, 1024), (768, 1024)) == 1
    with refuses("window-too-small") as caught:
        whole_scale((769, 100), (768, 1024))
    assert re.search("769 x 100 .* 768 x 1024; use --fullscreen", str(caught.value))


def test_degrees_are_the_angle_between_lines_of_sight(make_display: Callable[..., Display]) -> None:
    """By vectors from the eye to the image's edges, which shares no formula with the code."""
    for distance, size_cm in ((57.0, (40.0, 32.0)), (33.3, (52.7, 29.6)), (200.0, (10.0, 10.0))):
        display = make_display(distance_cm=distance, size_cm=size_cm)
        for rows, columns in ((1, 1), (256, 100), (1024, 1280)):
            angles = []
            for side_px, whole_px, whole_cm in ((rows, 1024, size_cm[1]), (columns, 1280, size_cm[0])):
                half = side_px * (whole_cm / whole_px) / 2
                up, down = np.array([distance, half]), np.array([distance, -half])
                cosine = up @ down / (np.linalg.norm(up) * np.linalg.norm(down))
                angles.append(math.degrees(math.acos(min(1.0, cosine))))
            assert size_deg((rows, columns), display) == pytest.approx(angles, abs=1e-5)


def test_at_57_cm_a_centimetre_is_about_a_degree(make_display: Callable[..., Display]) -> None:
    display = make_display(distance_cm=57.3, size_cm=(40.0, 32.0))
    assert size_deg((32, 32), display) == pytest.approx((1.0, 1.0), abs=1e-3)  # 32 px are 1 cm either way


@given(st.floats(0.1, 60))
def test_rows_and_degrees_undo_one_another(degrees: float) -> None:
    display = Display(
        name="d", size_px=(1280, 1024), size_cm=(40.0, 32.0), distance_cm=57.0, kind="none", image_height_deg=1.0
    )
    rows = height_px(degrees, display)
    below, above = size_deg((math.floor(rows), 1), display)[0], size_deg((math.ceil(rows), 1), display)[0]
    assert below <= degrees + 1e-9
    assert above >= degrees - 1e-9


def test_the_whole_scale_nearest_the_wanted_height_is_taken(make_display: Callable[..., Display]) -> None:
    for wanted, scale in ((0.5, 1), (2.0, 1), (4.0, 2), (5.0, 2), (5.2, 3), (12.1, 6)):
        display = make_display(image_height_deg=wanted)
        sizing = choose_sizing((64, 64), WINDOW_PX, display)
        errors = [abs(64 * n - height_px(wanted, display)) for n in range(1, 12)]
        assert sizing == Sizing(scale)
        assert errors[scale - 1] == min(errors)


def test_resampling_reaches_the_wanted_height_to_a_pixel_with_the_recorded_kernel(
    make_display: Callable[..., Display],
) -> None:
    pixels = np.random.default_rng(0).random((64, 48), dtype=np.float32)
    display = make_display(image_height_deg=5.0, resample=True)
    sizing = choose_sizing((64, 48), WINDOW_PX, display)
    shown = sizing(pixels)
    assert size_deg(shown.shape, display)[0] == pytest.approx(5.0, abs=0.02)
    assert shown.shape[0] / shown.shape[1] == pytest.approx(64 / 48, rel=0.01)
    np.testing.assert_array_equal(shown, resample(pixels, sizing.shape((64, 48))))
    about = sizing.about((64, 48), display)
    assert about["image_kernel"] == KERNEL
    assert about["image_size_deg"] == pytest.approx(size_deg(shown.shape, display), abs=1e-3)


def test_degrees_are_said_only_where_the_display_is_known(make_display: Callable[..., Display]) -> None:
    sizing = choose_sizing((64, 64), WINDOW_PX, None)
    assert sizing.about((64, 64), None) == {"image_scale": 8, "image_kernel": None}
    assert choose_sizing((64, 64), WINDOW_PX, make_display()) == sizing
    said = sizing.about((64, 64), make_display())
    assert said["image_size_deg"] == pytest.approx(size_deg((512, 512), make_display()), abs=1e-3)


@pytest.mark.parametrize("resampled", [False, True])
def test_a_height_that_does_not_fit_names_the_largest_that_does(
    refuses: Any, make_display: Callable[..., Display], resampled: bool
) -> None:
    display = make_display(image_height_deg=40.0, resample=resampled)
    with refuses("window-too-small") as caught:
        choose_sizing((64, 64), WINDOW_PX, display)
    assert re.search(r"40 degrees .* at most (31\.3\d) degrees", str(caught.value))
    assert size_deg((1024, 1), display)[0] == pytest.approx(31.36, abs=0.02)
    assert "--fullscreen" in str(caught.value)


@pytest.mark.parametrize("width", [1024, 1025, 1026, 1027])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_pair_stands_whole_in_the_two_halves_whatever_the_windows_width(width: int, share: float) -> None:
    side = int(width * share)
    left, right = np.full((4, side), 10, np.uint8), np.full((6, side), 20, np.uint8)
    strip = side_by_side([left, right], width, 7, width // 2)
    assert strip.shape == (6, width)
    assert ((strip == 10).sum(), (strip == 20).sum()) == (left.size, right.size)
    middles = [float(np.flatnonzero((strip == level).any(axis=0)).mean()) for level in (10, 20)]
    assert middles == pytest.approx([width / 4, 3 * width / 4], abs=1.5)
    assert side_by_side([left], width, 7, width // 2) is left


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 400))
def test_pairs_are_as_large_as_single_images_where_they_fit(rows: int, columns: int) -> None:
    window = (768, 1024)
    room = room_px(window, 2, apart_px(1024, 2, None, None))
    single, pair = choose_sizing((rows, columns), window, None), choose_sizing((rows, columns), window, None, room)
    fits = columns * single.scale <= 1024 / 2 - 1024 / 16
    assert (pair == single) == fits
    assert pair.scale <= single.scale


def test_a_pair_too_wide_for_the_window_is_refused(refuses: Any) -> None:
    room = room_px((768, 1024), 2, apart_px(1024, 2, None, None))
    with refuses("window-too-small") as caught:
        choose_sizing((100, 449), (768, 1024), None, room)
    assert "their part of the window of 768 x 448" in str(caught.value)


def test_a_separation_in_degrees_is_the_angle_between_the_two_middles(make_display: Callable[..., Display]) -> None:
    display = make_display()
    for degrees in (5.0, 12.0, 30.0):
        apart = apart_px(1280, 2, display, degrees)
        assert size_deg((1, apart), display)[1] == pytest.approx(degrees, abs=0.05)
        rows, columns = room_px(WINDOW_PX, 2, apart)
        assert (rows, columns) == (1024, min(apart - 80, 1280 - apart))
        strip = side_by_side([np.full((4, columns), level, np.uint8) for level in (10, 20)], 1280, 7, apart)
        middles = [float(np.flatnonzero((strip == level).any(axis=0)).mean()) for level in (10, 20)]
        assert middles[1] - middles[0] == pytest.approx(apart, abs=1)
        assert sum(middles) / 2 == pytest.approx(1279 / 2, abs=1)


def test_a_separation_needs_a_display_file_and_a_window_wide_enough(
    refuses: Any, make_display: Callable[..., Display]
) -> None:
    with refuses("display-missing") as caught:
        apart_px(1280, 2, None, 8.0)
    assert "separation_deg is 8" in str(caught.value)
    with refuses("window-too-small") as caught:
        apart_px(1280, 2, make_display(), 50.0)
    assert "lower separation_deg" in str(caught.value)
