from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from experiments.screen import FRAME_S, HeadlessScreen

IMAGE = np.zeros((2, 2), np.float32)


def test_a_headless_clock_only_moves_forward() -> None:
    screen = HeadlessScreen()
    screen.prepare(IMAGE)
    shown = [screen.message("text"), screen.blank(), screen.flip().time]
    assert shown == sorted(set(shown))
    screen.wait_until(10.0)
    screen.wait_until(5.0)
    assert screen.now() == 10.0


def test_without_a_window_an_image_appears_when_it_was_asked_for() -> None:
    screen = HeadlessScreen()
    next_frame = screen.flip()
    assert next_frame.error == pytest.approx(FRAME_S)
    on_time = screen.flip(5.0)
    assert (on_time.time, on_time.error) == pytest.approx((5.0, 0.0))
    late = screen.flip(1.0)
    assert (late.time, late.error) == pytest.approx((5.0 + FRAME_S, 4.0 + FRAME_S))
    assert {flip.dropped_frames for flip in (next_frame, on_time, late)} == {0}


@pytest.mark.slow
def test_a_screen_is_described_without_psychopy() -> None:
    script = "import sys, experiments.screen; print(*{'psychopy', 'pyglet', 'experiments.display'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
