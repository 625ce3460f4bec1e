"""The dial in a real window: wheel, keys, drags and clicks through XTEST, and what they put on the screen."""

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
import pandas as pd
import pytest

from data.circle import wrap
from data.plan import Match, PlannedTrial
from data.record import read_record
from data.study import StudyFile
from experiments.display.ring import fit_ring
from experiments.display.window import WINDOW_PX
from experiments.records.participants import register
from experiments.session.design import draw_plan
from stimuli.loop_set import LoopSet

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60
SIDE, SCALE = 16, 24  # of the images in pixels, and as WINDOW_PX shows them


class Hand:
    """A hand at mouse and keyboard of the X server, and an eye on PsychoPy's window."""

    def __init__(self, display: str) -> None:
        from Xlib import XK, X
        from Xlib import display as displays
        from Xlib.ext import xtest

        self._x, self._keysyms, self._test = X, XK, xtest
        self._server = displays.Display(display)

    def key(self, name: str, down: bool) -> None:
        code = self._server.keysym_to_keycode(self._keysyms.string_to_keysym(name))
        self._send(self._x.KeyPress if down else self._x.KeyRelease, code)

    def tap(self, name: str) -> None:
        self.key(name, True)
        self.key(name, False)

    def scroll(self, notches: int) -> None:
        for _ in range(abs(notches)):
            for event in (self._x.ButtonPress, self._x.ButtonRelease):
                self._send(event, 4 if notches > 0 else 5)

    def move(self, right: float, up: float) -> None:
        """To a place by its distance from the window's middle."""
        place = self._ours().get_geometry()
        x, y = place.x + WINDOW_PX[0] // 2 + round(right), place.y + WINDOW_PX[1] // 2 - round(up)
        self._test.fake_input(self._server, self._x.MotionNotify, x=x, y=y)
        self._server.sync()

    def button(self, down: bool) -> None:
        self._send(self._x.ButtonPress if down else self._x.ButtonRelease, 1)

    def look_away(self) -> None:
        """Give the keyboard to another window."""
        root = self._server.screen().root
        other = root.create_window(0, 0, 20, 20, 0, self._server.screen().root_depth)
        other.map()
        self._server.sync()
        other.set_input_focus(self._x.RevertToParent, self._x.CurrentTime)
        self._server.sync()

    def look_back(self) -> None:
        self._ours().set_input_focus(self._x.RevertToParent, self._x.CurrentTime)
        self._server.sync()

    def see(self) -> npt.NDArray[np.int64]:
        """The grey levels of the window: (rows, columns)."""
        image = self._ours().get_image(0, 0, *WINDOW_PX, self._x.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(WINDOW_PX[1], WINDOW_PX[0], 4)[..., 1].astype(int)

    def _ours(self) -> Any:
        def is_ours(window: Any) -> bool:
            geometry = window.get_geometry()
            return (geometry.width, geometry.height) == WINDOW_PX

        return next(child for child in self._server.screen().root.query_tree().children if is_ours(child))

    def _send(self, event: int, detail: int) -> None:
        self._test.fake_input(self._server, event, detail)
        self._server.sync()


class RunningSession:
    """A matching session that runs in a process of its own, seen and answered from outside."""

    def __init__(self, process: subprocess.Popen[str], hand: Hand, loops: LoopSet, record: Path) -> None:
        self.process, self.hand, self.record = process, hand, record
        self.ids, self.positions = loops.ids("a"), loops.positions("a")
        self._frames = np.stack([np.rint(loops.read(name) * 255).astype(int) for name in self.ids])

    def until(self, condition: Callable[[], bool], ends: bool = False) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert ends or self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline, "the session does not go on"
            time.sleep(0.005)

    def count(self, event: str) -> int:
        return self.record.read_bytes().count(f'"event": "{event}"'.encode()) if self.record.exists() else 0

    def frame(self, match: Match) -> int | None:
        """The frame on screen, if it has the ring round it, with the mark where the frame stands."""
        seen = self.hand.see()
        rows, columns = (side // 2 - SIDE * SCALE // 2 + SCALE // 2 for side in (WINDOW_PX[1], WINDOW_PX[0]))
        image = seen[rows:, columns:][: SIDE * SCALE : SCALE, : SIDE * SCALE : SCALE]
        found = np.flatnonzero((self._frames == image).all(axis=(1, 2)))
        if not found.size:
            return None
        x, y = ring(match).place(self.positions[found[0]])
        ink = seen[WINDOW_PX[1] // 2 - round(y), WINDOW_PX[0] // 2 + round(x)]
        return int(found[0]) if ink in (0, 255) else None

    def shows(self, match: Match, frame: int) -> None:
        self.until(lambda: self.frame(match) == frame % len(self.ids))

    def rest(self, match: Match) -> int:
        """The frame that the dial has come to rest at."""
        seen: list[int | None] = [None]
        while seen[-1] is None or seen[-10:] != [seen[-1]] * 10:
            time.sleep(0.03)
            seen.append(self.frame(match))
        return seen[-1]

    def start(self, trial: PlannedTrial) -> tuple[Match, int]:
        """Wait until the dial of a trial is up: what it asks for, and the frame that it starts at."""
        assert trial.match is not None
        start = self.ids.index(trial.match.start_id)
        self.shows(trial.match, start)
        return trial.match, start

    def sure(self, answers: int, key: str) -> None:
        """Say how sure, until that is on record as so many answers."""
        self.until(lambda: self.frame_gone())
        self.hand.tap(key)
        self.until(lambda: self.count("answer") == answers)

    def end(self) -> str:
        """Close the last screen; what the session said."""
        self.until(lambda: self.hand.tap("space") or self.process.poll() is not None, ends=True)
        output, noise = self.process.communicate(timeout=PATIENCE_S)
        assert (self.process.returncode, "Error" in noise) == (0, False)
        return output

    def frame_gone(self) -> bool:
        """Whether something else than an image is in the middle: the question how sure."""
        seen = self.hand.see()
        return bool((seen[200:220, 330:350] == seen[0, 0]).all())


@contextmanager
def begun(display: dict[str, str], loops: LoopSet, study: StudyFile, data: Path) -> Iterator[RunningSession]:
    """Participant p1's session with seed 3, after the instructions."""
    register(data, "p1")
    command = [sys.executable, str(ROOT / "experiments" / "realfake.py"), str(loops.folder), str(data), "p1"]
    command += ["--study", str(study.path), "--seed", "3"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=display, **pipes) as process:
        try:
            record = data / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
            session = RunningSession(process, Hand(display["DISPLAY"]), loops, record)
            session.until(lambda: session.count("start") == 1)
            session.until(lambda: session.hand.tap("space") or session.count("onset") == 1)
            yield session
        finally:
            process.kill()


def ring(match: Match) -> Any:
    return fit_ring((SIDE * SCALE, SIDE * SCALE), (WINDOW_PX[1], WINDOW_PX[0]), match.ring_deg)


def test_a_person_turns_by_wheel_keys_and_ring(
    display: dict[str, str],
    make_loops: Callable[..., LoopSet],
    matching_study: Callable[..., StudyFile],
    tmp_path: Path,
) -> None:
    loops = make_loops(size=(SIDE, SIDE), a=36)
    study = matching_study(trials=6, confidence_levels=4, mask_s=0.05, delay_s=0.05)
    trials = draw_plan(loops, study, "p1", 1, 3).trials
    steps = (by_wheel, by_held_key, by_drag_and_click, with_another_window, with_a_question, by_taps)
    with begun(display, loops, study, tmp_path) as session:
        matched = [step(session, trial) for step, trial in zip(steps, trials, strict=True)]
        assert "6 of 6 answered" in session.end()
    answers = read_record(session.record).of("answer")
    assert [event["response"] for event in answers] == pytest.approx([session.positions[frame] for frame in matched])
    assert [event["confidence"] for event in answers] == [1, 2, 3, 4, 1, 2]
    assert [event["confirmed_by"] for event in answers] == ["key", "key", "pointer", "key", "key", "key"]
    check(trials, answers)
    table = pd.read_csv(next(tmp_path.glob("sub-p1/ses-1/beh/*.tsv")), sep="\t")
    assert table["response_deg"].tolist() == pytest.approx([event["response"] for event in answers])
    assert (table["response_time"] > 0).all()
    # Exposure, mask and delay; each may be half a frame short, since flips are asked for early.
    assert (table["adjust_onset"] - table["onset"] >= 0.2 - 1.5 / 60).all()


def test_clicks_confirm_one_match_each_where_no_confidence_is_asked_for(
    display: dict[str, str],
    make_loops: Callable[..., LoopSet],
    matching_study: Callable[..., StudyFile],
    tmp_path: Path,
) -> None:
    loops = make_loops(size=(SIDE, SIDE), a=36)
    study = matching_study(trials=4, blocks=2)
    trials = draw_plan(loops, study, "p1", 1, 3).trials
    with begun(display, loops, study, tmp_path) as session:
        for trial in trials:
            match, start = session.start(trial)
            session.hand.move(0, 0)
            session.hand.scroll(trial.trial)
            session.shows(match, start + trial.trial)
            session.hand.button(True)
            session.hand.button(False)
            session.until(lambda done=trial.trial: session.count("answer") == done)  # type: ignore[misc]
            if trial.trial == 2:
                session.until(lambda: session.hand.tap("space") or session.count("onset") == 3)
            session.hand.scroll(5)  # while the next image is still to be seen
        assert "4 of 4 answered" in session.end()
    table = pd.read_csv(next(tmp_path.glob("sub-p1/ses-1/beh/*.tsv")), sep="\t", na_values="n/a", keep_default_na=False)
    turned = wrap(table["response_deg"] - table["start_deg"])
    assert turned.tolist() == pytest.approx([10, 20, 30, 40])
    assert table["after_gap"].tolist() == ["no", "no", "break", "no"]
    assert "confidence" not in table


def check(trials: tuple[PlannedTrial, ...], answers: tuple[dict[str, Any], ...]) -> None:
    """What the record says of how each dial was turned."""
    for trial, event in zip(trials, answers, strict=True):
        assert trial.match is not None
        times, degrees = np.array(event["trajectory"]).T
        assert (times[0], degrees[0]) == (0, trial.match.start_deg)
        assert degrees[-1] == event["response"]
        assert (np.diff(times) >= 0).all()
        assert times[-1] <= event["response_time"]
    turned = [np.round(wrap(np.diff([place for _, place in event["trajectory"]])) / 10).tolist() for event in answers]
    assert turned[0] == [1, 1, 1, -1]
    held = np.array([at for at, _ in answers[1]["trajectory"]])[1:]
    assert set(turned[1]) == {1}
    # One frame at once, then as the rule has it: 15 t + 30 t² = 10° after .3 s, and so on.
    np.testing.assert_allclose(held[1:4] - held[0], 0.3 + np.array([0.379, 0.604, 0.781]), atol=0.002)
    assert turned[3] == [1]
    assert answers[3]["unfocused_time"] > 0.5
    assert set(turned[4]) == {1}
    assert answers[4]["paused_time"] > 0
    assert turned[5] == [-1, 1, 1]


def by_wheel(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    session.hand.scroll(3)
    session.shows(match, start + 3)
    session.hand.scroll(-1)
    session.shows(match, start + 2)
    session.hand.key("space", True)  # held until long into the next trial, and repeated by the server
    session.until(session.frame_gone)
    session.hand.move(-WINDOW_PX[0] / 8, -WINDOW_PX[1] / 6)  # the scale's 1
    session.hand.button(True)
    session.hand.button(False)
    session.until(lambda: session.count("answer") == 1)
    return (start + 2) % 36


def by_held_key(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    time.sleep(1)
    assert session.frame(match) == start
    session.hand.key("space", False)
    session.hand.key("Right", True)
    time.sleep(1.3)  # longer than the X server waits before it repeats a key itself
    session.hand.key("Right", False)
    frame = session.rest(match)
    assert (frame - start) % 36 >= 4
    session.hand.tap("Return")
    session.sure(2, "2")
    return frame


def by_drag_and_click(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    around = ring(match)
    session.hand.move(*around.place(session.positions[start] + 90))
    time.sleep(0.1)
    assert session.frame(match) == start  # pointing alone turns nothing
    session.hand.button(True)
    session.shows(match, start + 9)
    x, y = around.place(session.positions[start] + 140)
    session.hand.move(x, y)
    session.shows(match, start + 14)
    off, by = around.place(session.positions[start] + 150)
    session.hand.move(0.7 * off, 0.7 * by)  # off the ring, still dragging
    session.shows(match, start + 15)
    session.hand.move(*around.place(session.positions[start] - 50))
    session.shows(match, start - 5)
    session.hand.button(False)
    session.hand.move(x, y)
    session.hand.move(-WINDOW_PX[0] / 24, -WINDOW_PX[1] / 6)  # where the scale's 2 will be
    assert session.frame(match) == (start - 5) % 36
    session.hand.button(True)
    session.hand.button(False)
    session.sure(3, "3")
    return (start - 5) % 36


def with_another_window(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    session.hand.key("Right", True)
    session.shows(match, start + 1)
    session.hand.look_away()
    time.sleep(0.6)
    session.hand.key("Right", False)
    session.hand.tap("space")  # into the other window
    session.hand.look_back()
    time.sleep(0.1)
    assert session.frame(match) == (start + 1) % 36
    session.hand.tap("space")
    session.sure(4, "4")
    return (start + 1) % 36


def with_a_question(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    session.hand.scroll(1)
    session.shows(match, start + 1)
    session.hand.tap("Escape")
    session.until(session.frame_gone)
    session.hand.scroll(4)
    session.hand.tap("space")
    session.hand.tap("n")
    session.shows(match, start + 1)
    session.hand.key("Right", True)
    session.shows(match, start + 2)
    session.hand.tap("Escape")
    session.until(session.frame_gone)
    session.hand.key("Right", False)  # while the question is up, so the dial does not hear of it
    time.sleep(0.1)
    session.hand.tap("n")
    session.until(lambda: session.frame(match) is not None)
    frame = session.frame(match)
    assert frame is not None
    time.sleep(1)  # longer than a key must be held before it turns the dial on
    assert session.frame(match) == frame
    session.hand.tap("KP_Enter")
    session.sure(5, "1")
    return frame


def by_taps(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    for name in ("Left", "Right", "Right"):
        session.hand.tap(name)
        time.sleep(0.05)
    session.shows(match, start + 1)
    session.hand.tap("space")
    session.sure(6, "2")
    return (start + 1) % 36
