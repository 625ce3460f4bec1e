"""The dialog that scripts without arguments show, on a real X server."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from experiments.session import dialog, script

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60


@pytest.mark.slow
@pytest.mark.parametrize("name", ["realfake.py", "retest.py"])
def test_a_cancelled_dialog_begins_nothing(display: dict[str, str], tmp_path: Path, name: str) -> None:
    from Xlib import XK, X
    from Xlib import display as displays
    from Xlib.ext import xtest

    server = displays.Display(display["DISPLAY"])
    command = [sys.executable, str(ROOT / "experiments" / name)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=display, cwd=tmp_path, text=True, **pipes) as process:
        deadline = time.monotonic() + PATIENCE_S
        for key in ("Return", "Escape") * 600:  # Return does not run what is not filled in
            for event in (X.KeyPress, X.KeyRelease):
                xtest.fake_input(server, event, server.keysym_to_keycode(XK.string_to_keysym(key)))
            server.sync()
            time.sleep(0.1)
            if process.poll() is not None or time.monotonic() > deadline:
                break
        process.kill()
        output, noise = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert noise == "cancelled; no session was started\n"
    assert list(tmp_path.iterdir()) == []


def press(root: object, **fields: str) -> None:
    """Fill in a dialog's fields and press its button, from within its own loop."""
    made = root.made  # type: ignore[attr-defined]
    for name, value in fields.items():
        made._fields[name].set(value)
    made._run()


def test_what_a_dialog_gives_is_what_the_command_line_would(
    display: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display["DISPLAY"])
    init = dialog._Dialog.__init__

    def fill(self: dialog._Dialog, root: object, title: str, with_study: bool) -> None:
        init(self, root, title, with_study)
        root.made = self  # type: ignore[attr-defined]
        empty = {"stimuli": "", "data": "d", "participant": "p1"}
        root.after(1, lambda: press(root, **empty))  # type: ignore[attr-defined]
        full = {"stimuli": "a set", "data": "-d", "participant": " p1 ", "study": "s.toml", "display": "r.json"}
        root.after(50, lambda: press(root, **full))  # type: ignore[attr-defined]

    monkeypatch.setattr(dialog._Dialog, "__init__", fill)
    monkeypatch.setattr(sys, "argv", ["realfake.py"])
    given = script.ask_or_parse("A session.")
    assert (given.stimuli, given.data, given.participant) == (Path("a set"), Path("-d"), "p1")
    assert (given.study, given.fullscreen, given.observer) == (Path("s.toml"), True, "human")
    assert given.display == Path("r.json")


def test_without_a_screen_the_arguments_are_asked_for(refuses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    with refuses("no-screen"):
        dialog.ask("A session.", with_study=True)
