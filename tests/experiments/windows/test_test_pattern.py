from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.display.display_file import Display, write_display
from experiments.windows.test_pattern import draw_pattern, save_pattern
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SIZES = [(480, 640), (768, 1024), (1080, 1920), (2048, 1536)]


def runs(line: np.ndarray) -> list[tuple[float, int]]:
    """Value and length of each stretch of equal values."""
    edges = [0, *(np.flatnonzero(np.diff(line)) + 1), line.size]
    return [(float(line[start]), int(end - start)) for start, end in pairwise(edges)]


@pytest.mark.parametrize("size", SIZES)
def test_the_wedge_has_eighteen_even_steps_of_like_width(size: tuple[int, int]) -> None:
    line = draw_pattern(size)[size[0] // 8]
    steps = runs(line)[1:-1]
    np.testing.assert_allclose([value for value, _ in steps], np.linspace(0, 1, 18), atol=1e-6)
    widths = [width for _, width in steps]
    assert max(widths) - min(widths) <= 1


@pytest.mark.parametrize("size", SIZES)
def test_the_faint_squares_stand_on_black_and_on_white(size: tuple[int, int]) -> None:
    found: list[float] = []
    for line in draw_pattern(size):
        values = [value for value, _ in runs(line)]
        if len(values) == 25:  # grey, black with five squares, grey, white with five squares, grey
            found = values
    dark, light = found[1:12], found[13:24]
    np.testing.assert_allclose(dark, [0, 0.01, 0, 0.02, 0, 0.03, 0, 0.04, 0, 0.05, 0], atol=1e-6)
    np.testing.assert_allclose(light, [1, 0.99, 1, 0.98, 1, 0.97, 1, 0.96, 1, 0.95, 1], atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_bars_of_one_to_four_pixels_run_both_ways_in_both_contrasts(size: tuple[int, int]) -> None:
    pattern = draw_pattern(size)
    margin, line = size[0] // 24, size[0] // 40
    band = (size[0] - 4 * margin) // 3 - 2 * line
    middle = margin + 2 * (band + 2 * line + margin) + band // 2
    quarter = (size[1] - 5 * margin) // 4
    fields = [(low, high, upright) for low, high in ((0.0, 1.0), (0.45, 0.55)) for upright in (True, False)]
    for n, (low, high, upright) in enumerate(fields):
        for group, bar in enumerate((1, 2, 3, 4)):
            left = margin + n * (quarter + margin) + group * (quarter // 4)
            near = (slice(middle - 24, middle), left + 2) if not upright else (middle, slice(left, left + 24))
            stretches = runs(pattern[near])[1:-1]
            assert {width for _, width in stretches} == {bar}
            np.testing.assert_allclose(sorted({value for value, _ in stretches}), [low, high], atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_every_p_value_in_the_pattern_is_meant(size: tuple[int, int]) -> None:
    meant = {*np.linspace(0, 1, 18), *np.arange(6) / 100, *(1 - np.arange(6) / 100), 0.45, 0.5, 0.55}
    seen = np.unique(draw_pattern(size))
    assert all(min(abs(value - one) for one in meant) < 1e-6 for value in seen)


def test_a_window_too_small_is_refused(refuses: Any) -> None:
    with refuses("window-too-small") as caught:
        draw_pattern((479, 640))
    assert re.search("at least 640 x 480 px", str(caught.value))


def test_the_file_holds_what_the_framebuffer_would(make_display: Callable[..., Display], tmp_path: Path) -> None:
    display = make_display()
    save_pattern(tmp_path / "seen.png", display)
    save_pattern(tmp_path / "plain.png", None)
    with Image.open(tmp_path / "seen.png") as seen, Image.open(tmp_path / "plain.png") as plain:
        assert (seen.mode, seen.size, plain.size) == ("L", (1280, 1024), (1024, 768))
        np.testing.assert_array_equal(np.asarray(seen), display.lookup()(draw_pattern((1024, 1280))))
        np.testing.assert_array_equal(np.asarray(plain), np.floor(draw_pattern((768, 1024)) * 255.0 + 0.5))


SHOW = """
import sys
from pathlib import Path
sys.path[0] = sys.argv[1]
import numpy as np
from experiments.display.display_file import read_display
from experiments.windows.test_pattern import show_pattern
from psychopy.visual import Window
flip = Window.flip
def keep(self, *arguments, **named):
    np.save(sys.argv[2] + "/frame.npy", np.asarray(self.getMovieFrame("back")))
    return flip(self, *arguments, **named)
Window.flip = keep
show_pattern(read_display(Path(sys.argv[2]) / "display.json"), False)
"""


@pytest.mark.parametrize("end", ["space", "Escape", "Return", "click"])
def test_the_window_shows_the_pattern_through_the_lookup_until_a_key_or_a_click(
    display: dict[str, str], make_display: Callable[..., Display], tmp_path: Path, end: str
) -> None:
    from Xlib import XK, X
    from Xlib import display as displays
    from Xlib.ext import xtest

    room = make_display()
    write_display(tmp_path / "display.json", room)
    server = displays.Display(display["DISPLAY"])
    if end == "click":
        detail, events = 1, (X.ButtonPress, X.ButtonRelease)
    else:
        detail, events = server.keysym_to_keycode(XK.string_to_keysym(end)), (X.KeyPress, X.KeyRelease)
    command = [sys.executable, "-c", SHOW, str(ROOT), str(tmp_path)]
    with subprocess.Popen(command, env=display, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.2)
                if (tmp_path / "frame.npy").exists():
                    xtest.fake_input(server, X.MotionNotify, x=640, y=512)
                    for event in events:
                        xtest.fake_input(server, event, detail)
                    server.sync()
            ended = process.poll()
            process.kill()  # one that goes on would be waited for without end
            assert ended == 0, process.communicate()
        finally:
            process.kill()
    frame = np.load(tmp_path / "frame.npy")
    np.testing.assert_array_equal(frame[..., 0], room.lookup()(draw_pattern(frame.shape[:2])))
