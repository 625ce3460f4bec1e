from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import LookalikeError
from experiments.display import HeadlessScreen, WindowScreen, enlarge, whole_scale


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


def test_an_image_larger_than_the_window_is_refused() -> None:
    assert whole_scale((768, 1024), (768, 1024)) == 1
    with pytest.raises(LookalikeError, match=r"769 x 100 px do not fit the window of 768 x 1024; use --fullscreen"):
        whole_scale((769, 100), (768, 1024))


def test_a_headless_clock_only_moves_forward() -> None:
    screen = HeadlessScreen()
    shown = [screen.message("text"), screen.blank(), screen.image(np.zeros((2, 2), np.float32))]
    assert shown == sorted(set(shown))
    screen.wait_until(10.0)
    screen.wait_until(5.0)
    assert screen.now() == 10.0


def test_no_display_is_told_before_psychopy_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "psychopy", None)
    with pytest.raises(LookalikeError, match=r"DISPLAY is not set.*'xvfb-run -a'.*--no-window"):
        WindowScreen(0.5, (10, 10))


def test_a_missing_psychopy_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setitem(sys.modules, "psychopy", None)
    with pytest.raises(LookalikeError, match=r"pip install 'lookalike\[lab\]'"):
        WindowScreen(0.5, (10, 10))
