"""The dialog that scripts without arguments show, on a real X server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from data.errors import LookalikeError
from experiments.session import dialog, script
from experiments.session.run import SessionResult
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


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
        for key in cycle(("Return", "Escape")):  # Return does not run what is not filled in
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


Step = Callable[[dialog._Dialog], None]


@pytest.fixture
def at_the_dialog(
    display: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[tuple[dict[str, str], set[str], str]]]:
    """Play steps at each dialog that opens, one list of steps for each; returns what every dialog opened with."""

    def play(*dialogs: list[Step]) -> list[tuple[dict[str, str], set[str], str]]:
        opened: list[tuple[dict[str, str], set[str], str]] = []
        rest, init = list(dialogs), dialog._Dialog.__init__

        def open_and_play(self: dialog._Dialog, root: Any, *given: Any) -> None:
            init(self, root, *given)
            typed = {name: field.get() for name, field in self._fields.items()}
            ticked = {name for name, tick in self._ticks.items() if tick.get()}
            opened.append((typed, ticked, self._message.get()))
            for number, step in enumerate(rest.pop(0)):
                root.after(20 * (number + 1), lambda step=step: step(self))

        monkeypatch.setattr(dialog._Dialog, "__init__", open_and_play)
        return opened

    monkeypatch.setenv("DISPLAY", display["DISPLAY"])
    return play


def run_with(ticks: tuple[str, ...] = (), **fields: str) -> Step:
    """Fill in fields, tick boxes, and press Run."""

    def do(made: dialog._Dialog) -> None:
        for name, value in fields.items():
            made._fields[name].set(value)
        for name in ticks:
            made._ticks[name].set(True)
        made._run()

    return do


def cancel(made: dialog._Dialog) -> None:
    made._root.quit()


def started(monkeypatch: pytest.MonkeyPatch, later: bool, *faults: LookalikeError) -> list[Any]:
    """Run the script as if started without arguments; the first starts fail with these faults."""
    monkeypatch.setattr(sys, "argv", ["script.py"])
    given: list[Any] = []
    rest = list(faults)

    def start(one: Any) -> SessionResult:
        given.append(one)
        if rest:
            raise rest.pop(0)
        return SessionResult("p1", 1, 7, Path("folder"), Path("table.tsv"), 20, 20, True)

    with pytest.raises(SystemExit) as ended:
        script.run_script(start, "A session.", later)
    given.append(ended.value.code)
    return given


def test_what_a_dialog_gives_is_what_the_command_line_would(
    at_the_dialog: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {"stimuli": "", "data": "d", "participant": "p1"}
    full = {"stimuli": "a set", "data": "-d", "participant": " p1 ", "study": "s.toml", "display": "r.json"}
    told: list[str] = []
    at_the_dialog([run_with(**empty), lambda made: told.append(made._message.get()), run_with(**full)])
    given, code = started(monkeypatch, False)
    assert code == 0
    assert (given.stimuli, given.data, given.participant) == (Path("a set"), Path("-d"), "p1")
    assert (given.study, given.fullscreen, given.observer) == (Path("s.toml"), True, "human")
    assert given.display == Path("r.json")
    assert told == ["Please fill in: Stimulus set or morph loops (folder)."]


def test_after_a_mistake_the_dialog_is_there_again_with_all_that_was_typed(
    at_the_dialog: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = {"stimuli": "a set", "data": "d", "participant": "p1", "display": "room.json"}
    opened = at_the_dialog([run_with(**full)], [run_with(ticks=("early",))], [cancel])
    faults = LookalikeError("too-early", "session 1 was 3.0 days ago; give --early"), LookalikeError("x", "another")
    first, second, code = started(monkeypatch, True, *faults)
    assert (first.early, second.early, code) == (False, True, 1)
    assert opened[1] == (full, {"fullscreen"}, "session 1 was 3.0 days ago; give --early")
    assert opened[2] == (full, {"fullscreen", "early"}, "another")
    assert capsys.readouterr().err.endswith("another\ncancelled; no session was started\n")


def test_the_dialog_of_a_later_session_has_its_options_and_does_not_give_it_away(
    at_the_dialog: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def look(made: dialog._Dialog) -> None:
        shown = [made._root, *made._root.winfo_children()]
        said.extend(one.cget("text") for one in shown[1:] if "text" in one.keys())  # noqa: SIM118 (no mapping)
        said.append(made._root.title())

    full = {"stimuli": "a set", "data": "d", "participant": "p1"}
    at_the_dialog([look, run_with(ticks=("early", "another", "partial"), **full)])
    given, _ = started(monkeypatch, True)
    assert (given.early, given.another, given.partial, given.fullscreen) == (True, True, True, True)
    words = " ".join(said).lower()
    assert "planned day" in words
    assert "study file" not in words
    for revealing in ("retest", "again", "same", "images of", "repeat"):
        assert revealing not in words


def test_without_a_screen_the_arguments_are_asked_for(refuses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    with refuses("no-screen"):
        dialog.ask("A session.")
    assert started(monkeypatch, False) == [2]
