"""The dial in a real window: wheel, keys, drags and clicks through XTEST, and what they put on the screen."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.circle import wrap
from data.plan import Match, PlannedTrial
from data.record import read_record
from data.study import StudyFile
from experiments.session.design import draw_plan
from experiments.windows.ring import fit_ring
from experiments.windows.window import WINDOW_PX
from stimuli.loop_set import LoopSet
from tests.experiments.windows.fingers import Fingers, count, ink, read_on, session, until
from tests.waiting import PATIENCE_S, let_it_look

pytestmark = pytest.mark.slow

SIDE, SCALE = 16, 24  # of the images in pixels, and as WINDOW_PX shows them


class RunningSession:
    """A matching session that runs in a process of its own, seen and answered from outside."""

    def __init__(self, process: subprocess.Popen[str], hand: Fingers, loops: LoopSet, record: Path) -> None:
        self.process, self.hand, self.record = process, hand, record
        self.ids, self.positions = loops.ids("a"), loops.positions("a")
        self._frames = np.stack([np.rint(loops.read(name) * 255).astype(int) for name in self.ids])

    def until(self, condition: Callable[[], bool], ends: bool = False) -> None:
        until(condition, self.process, ends)

    def count(self, event: str) -> int:
        return count(self.record, event)

    def look(self) -> None:
        """Let the session take notice of all that was done until now."""
        let_it_look(self.process.pid)

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Do several things before the session takes notice of the first."""
        self.process.send_signal(signal.SIGSTOP)
        yield
        self.process.send_signal(signal.SIGCONT)

    def frame(self, match: Match) -> int | None:
        """The frame on screen, if it has the ring round it, with the mark where the frame stands."""
        seen = self.hand.window()[..., 1].astype(int)
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
        """The frame that the dial has come to rest at: a key that is held would have turned it on in a second."""
        frame: int | None = None

        def at_rest() -> bool:
            nonlocal frame
            frame = self.frame(match)
            time.sleep(1)
            return frame is not None and self.frame(match) == frame

        self.until(at_rest)
        assert frame is not None
        return frame

    def turns(self, match: Match, start: int, frames: int) -> None:
        """Wait until the dial has turned clockwise by so many frames or more."""
        self.until(lambda: (frame := self.frame(match)) is not None and (frame - start) % len(self.ids) >= frames)

    def start(self, trial: PlannedTrial) -> tuple[Match, int]:
        """Wait until the dial of a trial is up: what it asks for, and the frame that it starts at."""
        assert trial.match is not None
        start = self.ids.index(trial.match.start_id)
        self.shows(trial.match, start)
        return trial.match, start

    def sure(self, answers: int, key: str) -> None:
        """Say how sure, until that is on record as so many answers."""
        self.until(self.frame_gone)
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
        return not ink(self.hand)[200:220, 330:350].any()


@contextmanager
def begun(display: dict[str, str], loops: LoopSet, study: StudyFile, data: Path) -> Iterator[RunningSession]:
    """Participant p1's session with seed 3, after the instructions."""
    record = data / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
    with session(display, loops, data, study) as process:
        running = RunningSession(process, Fingers(display["DISPLAY"]), loops, record)
        running.until(lambda: running.count("start") == 1)
        read_on(running.hand, record, process, "instructions", onsets=1)
        yield running


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
            with session.held_up():
                session.hand.click()
                session.hand.scroll(5)  # before the next dial
            session.until(lambda done=trial.trial: session.count("answer") == done)  # type: ignore[misc]
            if trial.trial == 2:
                read_on(session.hand, session.record, session.process, "break", onsets=3)
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
    assert len(held) >= 4
    # One frame at once, then as the rule has it: 15 t + 30 t² = 10° after .3 s, and so on.
    np.testing.assert_allclose(held[1:4] - held[0], 0.3 + np.array([0.379, 0.604, 0.781]), atol=0.002)
    assert set(turned[3]) == {1}
    assert answers[3]["unfocused_time"] > 0
    assert set(turned[4]) == {1}
    assert answers[4]["paused_time"] > 0
    assert turned[5] == [-1, 1, 1]


def by_wheel(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    session.hand.scroll(3)
    session.shows(match, start + 3)
    session.hand.scroll(-1)
    session.shows(match, start + 2)
    session.hand.down("space")  # held until long into the next trial, and repeated by the server
    session.until(session.frame_gone)
    session.hand.touch(-WINDOW_PX[0] / 8, -WINDOW_PX[1] / 6)  # the scale's 1
    session.until(lambda: session.count("answer") == 1)
    return (start + 2) % 36


def by_held_key(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    assert session.rest(match) == start
    session.hand.up("space")
    session.hand.down("Right")  # longer than the X server waits before it repeats a key itself
    session.turns(match, start, 4)
    session.hand.up("Right")
    frame = session.rest(match)
    session.hand.tap("Return")
    session.sure(2, "2")
    return frame


def by_drag_and_click(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    around = ring(match)
    session.hand.move(*around.place(session.positions[start] + 90))
    session.look()
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
    session.hand.click()
    session.sure(3, "3")
    return (start - 5) % 36


def with_another_window(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    session.hand.down("Right")
    session.turns(match, start, 1)
    session.hand.give_keyboard(away=True)
    frame = session.rest(match)
    session.hand.up("Right")
    session.hand.tap("space")  # into the other window
    session.hand.give_keyboard(away=False)
    session.look()
    assert session.frame(match) == frame
    session.hand.tap("space")
    session.sure(4, "4")
    return frame


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
    session.hand.down("Right")
    session.turns(match, start, 2)
    session.hand.tap("Escape")
    session.until(session.frame_gone)
    session.hand.up("Right")  # while the question is up, so the dial does not hear of it
    session.look()
    session.hand.tap("n")
    frame = session.rest(match)
    session.hand.tap("KP_Enter")
    session.sure(5, "1")
    return frame


def by_taps(session: RunningSession, trial: PlannedTrial) -> int:
    match, start = session.start(trial)
    for name in ("Left", "Right", "Right"):
        session.hand.tap(name)
        session.look()  # up and down again at one look would be a held key
    session.shows(match, start + 1)
    session.hand.tap("space")
    session.sure(6, "2")
    return (start + 1) % 36
