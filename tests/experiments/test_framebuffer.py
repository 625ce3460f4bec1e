"""What reaches the framebuffer of a real window, pixel by pixel, read back before each flip."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from experiments.display.display_file import Display, write_display
from experiments.display.sizing import size_deg
from experiments.windows.window import WINDOW_PX
from stimuli.images import resample
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BACKGROUND = 0.37

# Shows an image on the display of a file; keeps every frame, what the screen says of itself, and its flips.
SHOW = """
import json, sys
from dataclasses import asdict
from pathlib import Path
sys.path[0] = sys.argv[1]
import numpy as np
from data.errors import LookalikeError
from experiments.windows.psychopy_screen import WindowScreen
from experiments.display.display_file import read_display
from experiments.windows import window

# Flips here wait for no screen; on a machine so slow that they seem to, it is the same.
window.Window.measure_refresh = lambda self: None

folder, background = Path(sys.argv[2]), float(sys.argv[3])
pixels = np.load(folder / "image.npy")
display = read_display(folder / "display.json") if (folder / "display.json").exists() else None
try:
    screen = WindowScreen(background, pixels.shape, display=display)
except LookalikeError as error:
    print(error)
    sys.exit(2)

from psychopy.visual import Window
frames, flip = [], Window.flip
def keep(self, *arguments, **named):
    frames.append(np.asarray(self.getMovieFrame("back")))
    return flip(self, *arguments, **named)
Window.flip = keep

screen.prepare(pixels)
screen.blank()
asked = screen.now() + 0.05
flips = [screen.flip(asked), screen.flip()]
screen.message("X")
screen.close()
np.savez(folder / "frames.npz", *frames)
print(json.dumps({"about": screen.about, "flips": [asdict(one) for one in flips], "asked": asked}))
"""


def show(
    environment: dict[str, str], folder: Path, pixels: npt.NDArray[np.float32], display: Display | None
) -> tuple[dict[str, Any], list[npt.NDArray[np.int64]]]:
    """What the screen said, and the frames: blank, image, image, message, each (rows, columns)."""
    done = run(environment, folder, pixels, display)
    assert (done.returncode, done.stderr) == (0, "")
    with np.load(folder / "frames.npz") as stored:
        frames = [stored[name].astype(np.int64) for name in stored.files]
    for frame in frames:
        assert frame.shape == (WINDOW_PX[1], WINDOW_PX[0], 3)
        assert (frame == frame[..., :1]).all()
    return json.loads(done.stdout), [frame[..., 0] for frame in frames]


def run(
    environment: dict[str, str], folder: Path, pixels: npt.NDArray[np.float32], display: Display | None
) -> subprocess.CompletedProcess[str]:
    np.save(folder / "image.npy", pixels)
    if display is not None:
        write_display(folder / "display.json", display)
    command = [sys.executable, "-c", SHOW, str(ROOT), str(folder), str(BACKGROUND)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def nearest(display: Display, p_values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The lookup by trying all 256 framebuffer values for each pixel."""
    shown = display.lookup().shown
    return np.abs(p_values.astype(float)[..., None] - shown).argmin(axis=-1)


def image_in(frame: npt.NDArray[np.int64], shape: tuple[int, ...], background: int) -> npt.NDArray[np.int64]:
    """The part of a frame that the image fills, which is its middle; all round it is background."""
    top, left = (WINDOW_PX[1] - shape[0]) // 2, (WINDOW_PX[0] - shape[1] + 1) // 2
    outside = frame.copy()
    outside[top : top + shape[0], left : left + shape[1]] = background
    assert (outside == background).all()
    return frame[top : top + shape[0], left : left + shape[1]]


@pytest.fixture
def ramp() -> npt.NDArray[np.float32]:
    """4095 P-values from 0 to 1, so that a lookup's every threshold is crossed; odd sides when enlarged."""
    return np.linspace(0, 1, 63 * 65, dtype=np.float32).reshape(63, 65)


def test_the_framebuffer_holds_exactly_the_lookup_of_the_p_values(
    display: dict[str, str], make_display: Callable[..., Display], ramp: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    room = make_display(image_height_deg=5.2)
    said, (blank, first, again, message) = show(display, tmp_path, ramp, room)
    grey = int(nearest(room, np.array([BACKGROUND], np.float32))[0])
    assert abs(grey - BACKGROUND * 255) > 10  # so the background too went through the lookup
    assert (blank == grey).all()  # what is prepared is not shown
    enlarged = ramp.repeat(3, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(image_in(first, enlarged.shape, grey), nearest(room, enlarged))
    np.testing.assert_array_equal(again, first)
    assert message.max() == 255  # white ink on a dark background
    assert message.min() == grey
    about = said["about"]
    assert (about["calibration"], about["display_table_sha256"]) == ("gsdf", room.table_sha256)
    assert about["image_scale"] == 3
    assert about["image_size_deg"] == pytest.approx(size_deg(enlarged.shape, room), abs=1e-3)
    assert about["background_level"] == grey
    assert not [one for one in about["warnings"] if "uncalibrated" in one]


def test_an_onset_is_reported_against_the_time_that_was_asked_for(
    display: dict[str, str], make_display: Callable[..., Display], ramp: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    said, _ = show(display, tmp_path, ramp, make_display(refresh_hz=60.0))
    first, again = said["flips"]
    assert first["time"] >= said["asked"]  # this window waits for no screen, so nothing is shown early
    assert first["error"] == pytest.approx(first["time"] - said["asked"])
    assert again["time"] > first["time"]
    assert 0 < again["error"] <= again["time"] - first["time"]
    assert said["about"]["refresh_hz"] is None
    assert any("do not wait for the screen" in one for one in said["about"]["warnings"])


def test_a_photodiode_sees_white_with_the_image_and_black_without(
    display: dict[str, str], make_display: Callable[..., Display], tmp_path: Path
) -> None:
    room = make_display(photodiode="bottom-right")
    _, (blank, first, _, message) = show(display, tmp_path, np.full((8, 8), 0.5, np.float32), room)
    side = WINDOW_PX[1] // 16
    for frame, level in ((blank, 0), (first, 255), (message, 0)):
        assert (frame[-side:, -side:] == level).all()
        around = np.concatenate([frame[-side - 1, -side - 1 :], frame[-side - 1 :, -side - 1]])
        assert (around == frame[0, 0]).all()


def test_a_resampled_image_is_resampled_before_the_lookup(
    display: dict[str, str], make_display: Callable[..., Display], ramp: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    room = make_display(image_height_deg=7.0, resample=True)
    said, (blank, first, _, _) = show(display, tmp_path, ramp, room)
    rows = 2 * 57.0 * np.tan(np.radians(7.0) / 2) * 1024 / 32.0
    shown = resample(ramp, (round(rows), round(rows * 65 / 63)))
    np.testing.assert_array_equal(image_in(first, shown.shape, int(blank[0, 0])), nearest(room, shown))
    assert said["about"]["image_kernel"] == "pillow-bicubic-antialiased"


def test_without_a_display_file_the_record_says_uncalibrated(
    display: dict[str, str], ramp: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    said, (blank, first, _, _) = show(display, tmp_path, ramp, None)
    assert (blank == round(BACKGROUND * 255)).all()
    enlarged = ramp.repeat(6, axis=0).repeat(6, axis=1)
    wanted = np.rint(enlarged.astype(float) * 255)
    np.testing.assert_array_equal(image_in(first, enlarged.shape, round(BACKGROUND * 255)), wanted)
    assert said["about"]["calibration"] == "uncalibrated"
    assert said["about"]["warnings"][0].startswith("uncalibrated: no display file")
    assert "image_size_deg" not in said["about"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"size_px": (1920, 1080)}, "the screen has 1280 x 1024 px and 'Room 2' 1920 x 1080"),
        ({"screen": 3}, "there is no screen 3 on this computer, only screen 0"),
        ({"image_height_deg": 30.0}, "at most "),
    ],
)
def test_a_display_file_of_another_screen_is_refused(
    display: dict[str, str], make_display: Callable[..., Display], tmp_path: Path, settings: dict[str, Any], reason: str
) -> None:
    done = run(display, tmp_path, np.zeros((8, 8), np.float32), make_display(**settings))
    assert done.returncode == 2, done.stderr
    assert reason in done.stdout
