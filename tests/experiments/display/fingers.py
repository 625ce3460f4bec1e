"""A person in a test: sessions in processes of their own, and hands that press real keys on the X server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.study import StudyFile
from experiments.display.window import WINDOW_PX
from experiments.records.participants import everyone, register
from stimuli.sets import StimulusSet

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60


@contextmanager
def session(
    display: dict[str, str], stimuli: StimulusSet, data: Path, study: StudyFile, *more: str
) -> Iterator[subprocess.Popen[str]]:
    """`python experiments/realfake.py` for participant p1 with seed 3, a person unless `more` says otherwise."""
    if "--observer" not in more and "p1" not in everyone(data):
        register(data, "p1")
    command = [sys.executable, str(ROOT / "experiments" / "realfake.py"), str(stimuli.folder), str(data), "p1"]
    command += ["--study", str(study.path), "--seed", "3", *more]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=display, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


class Fingers:
    """Presses keys on the X server and looks at what it shows."""

    def __init__(self, display: str) -> None:
        from Xlib import XK, X  # on Linux PsychoPy brings it
        from Xlib import display as displays
        from Xlib.ext import xtest

        self._x, self._keysyms, self._test = X, XK, xtest
        self._server = displays.Display(display)

    def down(self, name: str) -> None:
        self._send(self._x.KeyPress, name)

    def up(self, name: str) -> None:
        self._send(self._x.KeyRelease, name)

    def tap(self, name: str) -> None:
        """Down and up at once: shorter than any frame or poll."""
        self.down(name)
        self.up(name)

    def touch(self, right: float, up: float) -> None:
        """Click so many pixels right of and above the middle of PsychoPy's window."""
        place = self._ours().get_geometry()
        x, y = place.x + WINDOW_PX[0] // 2 + round(right), place.y + WINDOW_PX[1] // 2 - round(up)
        self._test.fake_input(self._server, self._x.MotionNotify, x=x, y=y)
        self._test.fake_input(self._server, self._x.ButtonPress, 1)
        self._test.fake_input(self._server, self._x.ButtonRelease, 1)
        self._server.sync()

    def give_keyboard(self, away: bool) -> None:
        """Give the keyboard to another window, or to PsychoPy's."""
        if away:
            root = self._server.screen().root
            self._other = root.create_window(0, 0, 20, 20, 0, self._server.screen().root_depth)
            self._other.map()
            self._server.sync()
        target = self._other if away else self._ours()
        target.set_input_focus(self._x.RevertToParent, self._x.CurrentTime)
        self._server.sync()

    def window(self) -> npt.NDArray[np.uint8]:
        """The red, green and blue of PsychoPy's window as the X server shows it: (rows, columns, 3)."""
        image = self._ours().get_image(0, 0, *WINDOW_PX, self._x.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(WINDOW_PX[1], WINDOW_PX[0], 4)[..., 2::-1]

    def _ours(self) -> Any:
        children = self._server.screen().root.query_tree().children
        return next(child for child in children if _size(child) == WINDOW_PX)

    def _send(self, event: int, name: str) -> None:
        keysym = self._keysyms.string_to_keysym(name)
        self._test.fake_input(self._server, event, self._server.keysym_to_keycode(keysym))
        self._server.sync()


def _size(window: Any) -> tuple[int, int]:
    geometry = window.get_geometry()
    return geometry.width, geometry.height


def count(record: Path, event: str) -> int:
    return record.read_bytes().count(f'"event": "{event}"'.encode()) if record.exists() else 0


def until(condition: Callable[[], bool], process: subprocess.Popen[str], ends: bool = False) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert ends or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the session does not go on"
        time.sleep(0.005)
