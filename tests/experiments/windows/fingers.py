"""A person in a test: sessions in processes of their own, and hands that press real keys on the X server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.study import StudyFile
from experiments.records.participants import everyone, register
from experiments.windows.window import WINDOW_PX
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet
from tests.waiting import let_it_look, wait_until

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def session(
    display: dict[str, str], stimuli: StimulusSet | LoopSet, data: Path, study: StudyFile, *more: str
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
        self._send(self._x.KeyPress, self._code(name))

    def up(self, name: str) -> None:
        self._send(self._x.KeyRelease, self._code(name))

    def tap(self, *names: str) -> None:
        """Each key down and up at once: shorter than any frame or poll, and nothing comes in between."""
        for name in names:
            for event in (self._x.KeyPress, self._x.KeyRelease):
                self._test.fake_input(self._server, event, self._code(name))
        self._server.sync()

    def move(self, right: float, up: float) -> None:
        """Point so many pixels right of and above the middle of PsychoPy's window."""
        place = self._ours().get_geometry()
        x, y = place.x + WINDOW_PX[0] // 2 + round(right), place.y + WINDOW_PX[1] // 2 - round(up)
        self._test.fake_input(self._server, self._x.MotionNotify, x=x, y=y)
        self._server.sync()

    def button(self, down: bool) -> None:
        self._send(self._x.ButtonPress if down else self._x.ButtonRelease, 1)

    def click(self) -> None:
        self.button(True)
        self.button(False)

    def touch(self, right: float, up: float) -> None:
        """Click so many pixels right of and above the middle of PsychoPy's window."""
        self.move(right, up)
        self.click()

    def scroll(self, notches: int) -> None:
        for _ in range(abs(notches)):
            for event in (self._x.ButtonPress, self._x.ButtonRelease):
                self._send(event, 4 if notches > 0 else 5)

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

    def _code(self, name: str) -> int:
        return int(self._server.keysym_to_keycode(self._keysyms.string_to_keysym(name)))

    def _send(self, event: int, detail: int) -> None:
        self._test.fake_input(self._server, event, detail)
        self._server.sync()


def _size(window: Any) -> tuple[int, int]:
    geometry = window.get_geometry()
    return geometry.width, geometry.height


def count(record: Path, event: str) -> int:
    return record.read_bytes().count(f'"event": "{event}"'.encode()) if record.exists() else 0


def until(condition: Callable[[], bool], process: subprocess.Popen[str], ends: bool = False) -> None:
    """Wait for something in a session, which must not end before, unless it is its end that is waited for."""

    def met() -> bool:
        if condition():
            return True
        assert ends or process.poll() is None, process.communicate()
        return False

    wait_until(met, "the session does not go on")


def read_on(fingers: Fingers, record: Path, process: subprocess.Popen[str], state: str, onsets: int) -> None:
    """Close the page of a state, the so-manieth image after which is then shown, by one press and no more."""
    until(lambda: f'"state": "{state}"' in record.read_text(encoding="utf-8"), process)
    until(lambda: ink(fingers).any(), process)
    let_it_look(process.pid)
    fingers.tap("space")
    until(lambda: count(record, "onset") == onsets, process)


def ink(fingers: Fingers) -> npt.NDArray[np.bool_]:
    """Where the window is not as in its corner: (rows, columns)."""
    seen = fingers.window()[..., 0]
    return seen != seen[0, 0]
