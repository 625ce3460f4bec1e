from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.display.display_file import Display
from experiments.windows.psychopy_screen import WindowScreen, kept_size_of, missed_frames, warnings_of
from experiments.windows.window import counted, refresh_hz


@pytest.mark.parametrize(
    ("frames", "missed"), [(0.01, 0), (0.5, 0), (1.0, 0), (1.19, 0), (1.21, 1), (2.0, 1), (2.3, 2), (10.0, 9)]
)
def test_a_flip_later_than_its_frame_missed_it(frames: float, missed: int) -> None:
    for frame_s in (1 / 60, 1 / 144):
        assert missed_frames(frames * frame_s, frame_s) == missed


@given(st.floats(24, 360), st.integers(0, 2**31))
def test_a_refresh_rate_survives_jitter_and_missed_frames(hertz: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    intervals = rng.normal(1, 0.02, 60) / hertz
    intervals[rng.choice(60, 4, replace=False)] *= 2
    found = refresh_hz(intervals)
    assert found == pytest.approx(hertz, rel=0.03)


def test_flips_that_wait_for_no_screen_have_no_refresh_rate() -> None:
    assert refresh_hz(np.full(60, 0.0004)) is None
    assert refresh_hz(np.random.default_rng(0).uniform(0.002, 0.03, 60)) is None


def test_a_record_is_warned_of_what_cannot_be_trusted(make_display: Callable[..., Display]) -> None:
    known = make_display(refresh_hz=60.0)
    assert warnings_of(known, 59.94) == []
    assert warnings_of(make_display(), 144.0) == []
    assert warnings_of(known, 75.0) == ["the refresh rate differs from that of the display file"]
    assert [one.split(":")[0] for one in warnings_of(None, 60.0)] == ["uncalibrated"]
    assert [one.split(":")[0] for one in warnings_of(make_display(kind="none"), 60.0)] == ["uncalibrated"]
    assert "do not wait for the screen's refresh" in warnings_of(known, None)[0]
    for off in (make_display(kind="gamma", gamma=1.5), make_display(own=0.3)):  # eight bits are too coarse at its black
        worst = f"{off.conformance().worst:.0%}"
        [said] = warnings_of(off, 60.0)
        assert said == f"contrast deviates from its target by up to {worst}; a conforming display stays within 10%"
    unmeasured = known.model_copy(update={"kind": "gamma", "gamma": 2.2, "table": None})
    assert warnings_of(unmeasured, 60.0) == ["gamma was given, not measured"]


def test_images_keep_the_scale_of_the_session_before_in_a_window_of_the_same_size(
    make_display: Callable[..., Display],
) -> None:
    before = {"size_px": [1280, 1024], "image_scale": 3.0}
    assert kept_size_of(before, (1280, 1024), None)
    assert kept_size_of(before, (1280, 1024), make_display())
    assert not kept_size_of(before, (1024, 768), None)
    assert not kept_size_of(before, (1280, 1024), make_display(image_height_deg=5.0))
    assert not kept_size_of({"size_px": [1280, 1024], "image_scale": 2.5}, (1280, 1024), None)
    assert not kept_size_of({"size_px": [1280, 1024]}, (1280, 1024), None)
    assert not kept_size_of({}, (1280, 1024), None)


def test_screens_are_named_by_the_numbers_that_may_be_given() -> None:
    assert [counted(screens) for screens in (1, 2, 3)] == ["screen 0", "screens 0 to 1", "screens 0 to 2"]


def test_no_display_is_told_before_psychopy_is_touched(refuses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "psychopy", None)
    with refuses("no-screen"):
        WindowScreen(0.5, (10, 10))


def test_a_missing_psychopy_names_the_extra(refuses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setitem(sys.modules, "psychopy", None)
    with refuses("missing-extra"):
        WindowScreen(0.5, (10, 10))
