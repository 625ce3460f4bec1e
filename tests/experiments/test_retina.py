"""A screen with two pixels a point, as a Mac's: what is drawn stands where clicks on it are taken to be.

Played on an ordinary X server: PsychoPy is told that the window is such a one, and pyglet counts points of two pixels.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.windows.window import WINDOW_PX
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

RETINA = """
import json, sys
from pathlib import Path
sys.path[0] = sys.argv[1]
import numpy as np
from psychopy import visual
from psychopy.visual.backends import pygletbackend
from pyglet.window.xlib import XlibWindow

opened = visual.Window.__init__
def open_as_retina(self, *arguments, **named):
    opened(self, *arguments, **named)
    self.useRetina = True
    XlibWindow.width = property(lambda window: window._width // 2)
    XlibWindow.height = property(lambda window: window._height // 2)
visual.Window.__init__ = open_as_retina
from experiments.windows.psychopy_screen import WindowScreen

frames, flip = [], visual.Window.flip
def keep(self, *arguments, **named):
    frames.append(np.asarray(self.getMovieFrame("back"))[..., 0])
    return flip(self, *arguments, **named)

pixels = np.linspace(0, 1, 48 * 48, dtype=np.float32).reshape(48, 48)
screen = WindowScreen(0.37, pixels.shape, ring=True)
visual.Window.flip = keep
screen.prepare(pixels)
screen.flip()
screen.dial(pixels, 90.0, 0.0)
handle = screen._window.handle.winHandle
def click(x, y):  # in points from the lower left corner
    for event in ("on_mouse_press", "on_mouse_release"):
        handle.dispatch_event(event, x, y, 1, 0)
mark = np.argwhere(frames[-1][:, 700:] == 255).mean(axis=0) + [0, 700]  # of the ring's mark, on the right
click(round(mark[1] / 2), round((frames[-1].shape[0] - mark[0]) / 2))
turned = screen.turned()
screen.scale("Sure?", 4)
seen = frames[-1] != frames[-1][0, 0]
rows = np.flatnonzero(seen.any(axis=1))
top = rows[np.flatnonzero(np.diff(rows) > 1)[-1] + 1]  # of the numbers, below the question
inked = np.flatnonzero(seen[top:].any(axis=0))
digits = [part.mean() for part in np.split(inked, np.flatnonzero(np.diff(inked) > 20) + 1)]
click(round(digits[2] / 2), round((frames[-1].shape[0] - (top + rows[-1]) / 2) / 2))
touched = [level for level, _ in screen.touched()]
np.savez(sys.argv[2], *frames)
print(json.dumps({"touched": touched, "digits": len(digits), "turned": [one.position_deg for one in turned]}))
"""


def test_clicks_on_numbers_and_ring_land_where_they_are_drawn(display: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", RETINA, str(ROOT), str(tmp_path / "frames.npz")]
    done = subprocess.run(command, env=display, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["turned"] == [pytest.approx(90, abs=1)]
    assert (said["digits"], said["touched"]) == (4, ["3"])
    with np.load(tmp_path / "frames.npz") as stored:
        image = stored["arr_0"].astype(int)
    # Every pixel of the image is a whole square of the screen's own pixels, and no larger than in any other window.
    scale = WINDOW_PX[1] // (2 * 48)
    pixels = np.linspace(0, 1, 48 * 48, dtype=np.float32).reshape(48, 48)
    drawn = np.rint(pixels * 255).repeat(scale, axis=0).repeat(scale, axis=1).astype(int)
    top, left = (WINDOW_PX[1] - 48 * scale) // 2, (WINDOW_PX[0] - 48 * scale) // 2
    np.testing.assert_array_equal(image[top : top + 48 * scale, left : left + 48 * scale], drawn)
    outside = image.copy()
    outside[top : top + 48 * scale, left : left + 48 * scale] = image[0, 0]
    assert (outside == image[0, 0]).all()
