"""Trial flows in a real window: ratings, undo, time limits and buttons, by real keys and a real pointer."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data.study import StudyFile
from experiments.windows.buttons import in_a_row
from experiments.windows.window import WINDOW_PX
from stimuli.sets import StimulusSet
from tests.experiments.windows.fingers import Fingers, count, session, until
from tests.waiting import PATIENCE_S, let_it_look

pytestmark = pytest.mark.slow

FIXATION = {"flow.fixation_s": 0.5}
ROW = -0.355  # where buttons are, relative to the window's height


class Seat:
    """A participant before a session of four trials, with keys that are not counterbalanced."""

    def __init__(self, display: dict[str, str], stimuli: StimulusSet, folder: Path, study: StudyFile) -> None:
        self.fingers = Fingers(display["DISPLAY"])
        self.data = folder / "data"
        self.record = self.data / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
        self._start = lambda: session(display, stimuli, self.data, study)

    def __enter__(self) -> Seat:
        self._running = self._start()
        self.process: subprocess.Popen[str] = self._running.__enter__()
        until(lambda: count(self.record, "start") == 1, self.process)
        return self

    def __exit__(self, *error: object) -> None:
        self._running.__exit__(*error)  # type: ignore[arg-type]

    def begin(self) -> None:
        until(lambda: self.fingers.tap("space") or self.onsets() == 1, self.process)

    def onsets(self) -> int:
        return count(self.record, "onset")

    def wait(self, event: str, number: int) -> None:
        until(lambda: count(self.record, event) == number, self.process)

    def changes(self, do: Callable[[], None]) -> None:
        """Do something, and wait until the screen has changed."""
        before = self.fingers.window()
        do()
        until(lambda: (self.fingers.window() != before).any(), self.process)

    def touch(self, number: int, of: int, letters_px: int = 0) -> None:
        """Touch a button in a row; only the middle one's and square ones' places do not depend on their letters."""
        place = in_a_row([str(one) for one in range(of)], [letters_px] * of, WINDOW_PX, ROW)[number]
        self.fingers.touch(*place.at)

    def finish(self) -> str:
        """Close the thanks screen."""
        until(lambda: count(self.record, "end") == 1, self.process)
        until(lambda: self.fingers.tap("space") or self.process.poll() is not None, self.process, ends=True)
        output, noise = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, (output, noise)
        return noise

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in lines(self.record) if line["event"] == name]

    def table(self) -> pd.DataFrame:
        return pd.read_csv(next(self.data.glob("sub-p1/ses-1/beh/*_beh.tsv")), sep="\t", na_values="n/a")


@pytest.fixture
def seat(
    display: dict[str, str], make_set: Callable[..., StimulusSet], make_study: Callable[..., StudyFile], tmp_path: Path
) -> Callable[..., Seat]:
    def sit(**task: Any) -> Seat:
        study = make_study(task={"counterbalance_keys": False, **task}, trials=4)
        return Seat(display, make_set(main=4, size=(48, 48)), tmp_path, study)

    return sit


def test_ratings_by_key_number_pad_and_pointer_one_of_which_is_taken_back(seat: Callable[..., Seat]) -> None:
    with seat(rating_levels=6, **{"flow.undo": "backspace", **FIXATION}) as person:
        person.begin()
        person.fingers.tap("5", "BackSpace")
        person.wait("undo", 1)
        person.wait("onset", 2)  # the same image again
        person.fingers.tap("2")
        person.wait("onset", 3)
        person.fingers.tap("9")  # not on the scale
        person.fingers.tap("KP_6")
        person.wait("onset", 4)
        person.fingers.touch(0, 0)  # the image is no button
        person.touch(0, of=6)
        person.wait("onset", 5)
        person.touch(3, of=6)
        person.wait("answer", 5)
        person.finish()
    table = person.table()
    assert table["rating_category"].tolist() == [2, 6, 1, 4]
    assert table["response"].tolist() == ["real", "generated", "real", "generated"]
    assert table["confidence"].tolist() == [2, 3, 3, 1]
    assert table["times_undone"].tolist() == [1, 0, 0, 0]
    assert table["first_response"].tolist() == ["generated", "generated", "real", "generated"]
    answers = person.events("answer")
    assert [event["response_by"] for event in answers] == ["key", "key", "key", "pointer", "pointer"]
    [undo] = person.events("undo")
    assert answers[0]["onset"] + answers[0]["response_time"] < undo["time"] < answers[1]["onset"]
    assert (table["fixation_time"] > 0.4).all()


def test_a_slip_is_taken_back_while_confidence_is_asked_for(seat: Callable[..., Seat]) -> None:
    with seat(**{"flow.undo": "backspace"}) as person:
        person.begin()
        image = person.fingers.window()
        person.changes(lambda: person.fingers.tap("Left"))
        person.fingers.tap("BackSpace")
        until(lambda: (person.fingers.window() == image).all(), person.process)
        person.changes(lambda: person.fingers.tap("Right"))
        person.fingers.tap("3")
        for number in (2, 3, 4):
            person.wait("onset", number)
            person.fingers.tap("BackSpace")  # nothing to take back
            person.fingers.tap("Left")
            person.fingers.tap("1")
        person.finish()
    first, *others = person.events("answer")
    assert (first["response"], first["confidence"]) == ("generated", 3)
    [undone] = first["undone"]
    assert undone["response"] == "real"
    assert 0 < undone["response_time"] < undone["time"] < first["response_time"]
    assert all("undone" not in event for event in others)
    assert person.table()["first_response"].tolist() == ["real"] * 4
    assert person.table()["times_undone"].tolist() == [1, 0, 0, 0]


def test_an_image_not_answered_in_time_comes_again_and_a_held_key_counts(seat: Callable[..., Seat]) -> None:
    """Image 1 is never answered, the others at once; where a test machine is too slow for that, they come again too."""
    with seat(**{"flow.timeout_s": 1.0, "flow.missed": "repeat"}) as person:
        person.begin()
        answered = 0
        while count(person.record, "end") == 0:
            *_, shown = person.events("onset")
            if person.onsets() > answered and shown["trial"] != 1:
                answered = person.onsets()
                person.fingers.tap("Right", "2")  # the confidence has no limit
            elif person.onsets() == 4:
                person.fingers.tap("space")  # the page before images come again
            let_it_look(person.process.pid)
        person.finish()
    table, missed = person.table(), person.events("missed")
    assert table["response"].isna()[0]
    assert table["response"].notna().any()
    assert table["times_missed"].tolist() == [sum(one["trial"] == trial for one in missed) for trial in (1, 2, 3, 4)]
    assert [one["trial"] for one in missed].count(1) == 2
    assert {one["timeout_s"] for one in missed} == {1.0}
    onsets = [event["onset"] for event in person.events("onset")]
    assert onsets[1] - onsets[0] > 1.0
    assert [event["state"] for event in person.events("state")][-2:] == ["repeat", "thanks"]


def test_a_whole_session_without_a_key(seat: Callable[..., Seat]) -> None:
    """Consent, instructions, answers, confidence, a question whether to stop, a break and thanks, all by pointer."""
    with seat(blocks=2, **{"flow.touch": True, "text.consent": "We keep your answers."}) as person:

        def pages(number: int) -> None:
            """Continue until so many images have been shown; it is the last of two or, after page 1, three buttons."""
            for of in (2, 3) * 20:
                let_it_look(person.process.pid)
                if person.onsets() == number:
                    return
                person.touch(of - 1, of, 110)  # about as wide as "Continue" is
            raise AssertionError("the pages do not turn")

        person.wait("state", 1)
        pages(1)
        for number in (1, 2, 3, 4):
            person.changes(lambda: person.touch(number % 2, 2, 110))  # noqa: B023
            person.fingers.touch(1.5 * WINDOW_PX[0] / 12, -WINDOW_PX[1] / 6)  # the highest of four numbers
            person.wait("answer", number)
            if number == 2:
                pages(3)
            elif number < 4:
                person.wait("onset", number + 1)
        person.wait("end", 1)
        until(lambda: close(person) or person.process.poll() is not None, person.process, ends=True)
    assert person.table()["response"].tolist() == ["generated", "real", "generated", "real"]
    assert person.table()["confidence"].tolist() == [4] * 4
    assert {event["response_by"] for event in person.events("answer")} == {"pointer"}
    assert len(person.events("consent")) == 1


def close(person: Seat) -> None:
    """Touch the one button of the last screen; the window may go at any moment."""
    from Xlib.error import BadDrawable

    with suppress(StopIteration, BadDrawable):
        person.touch(0, 1, 110)


@pytest.fixture
def port() -> Iterator[tuple[int, str]]:
    """Our end of a serial cable, and the name of the other one."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_response_box_answers_and_markers_are_sent_and_recorded(
    seat: Callable[..., Seat], port: tuple[int, str]
) -> None:
    pytest.importorskip("serial")
    ours, name = port
    box = {"box.device": "serial", "box.address": name}
    buttons = {"a": "left", "b": "right", "c": "3", "d": "space"}
    box |= {f"box.buttons.{button}": key for button, key in buttons.items()}
    with seat(**box, **{"markers.to": "serial", "markers.address": name}) as person:
        until(lambda: bool(os.write(ours, b"d")) and person.onsets() == 1, person.process)
        for number, button in enumerate(b"abab", start=1):
            person.wait("onset", number)
            os.write(ours, bytes([button]))
            os.write(ours, b"c")
            person.wait("answer", number)
        noise = person.finish()
    assert "markers" not in noise
    codes: list[int] = []
    while not codes or codes[-1] != 255:  # a terminal hands on what it has got so far
        codes += os.read(ours, 100)
    assert person.table()["response"].tolist() == ["real", "generated"] * 2
    assert person.table()["confidence"].tolist() == [3] * 4
    sent = [one for event in lines(person.record) for one in event.get("markers", ())]
    assert [code for _, code, _ in sent] == codes
    truths = person.table()["truth"].tolist()
    wanted = ["start"]
    for truth, response in zip(truths, ["real", "generated"] * 2, strict=True):
        wanted += [f"onset_{truth}", f"answer_{response}", "confidence_3"]
    assert [what for what, _, _ in sent] == [*wanted, "end"]
    for event in person.events("onset"):
        [at] = [one for what, _, one in event["markers"] if what.startswith("onset")]
        assert event["onset"] <= at
    for event in person.events("answer"):
        assert event["response_by"] == "box"
        [at] = [one for what, _, one in event["markers"] if what.startswith("answer")]
        assert event["onset"] + event["response_time"] <= at


def lines(record: Path) -> list[dict[str, Any]]:
    """The events so far; a line that is just being written is left for later."""
    return [json.loads(line) for line in record.read_text(encoding="utf-8").split("\n")[:-1]]


def test_devices_unplugged_in_a_session_are_told_and_the_keys_go_on(seat: Callable[..., Seat]) -> None:
    pytest.importorskip("serial")
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    name = os.ttyname(theirs)
    box = {"box.device": "serial", "box.address": name, "box.buttons.a": "left"}
    with seat(**box, **{"markers.to": "serial", "markers.address": name}) as person:
        person.begin()
        os.close(theirs)
        os.close(ours)
        for number in (1, 2, 3, 4):
            person.wait("onset", number)
            person.fingers.tap("Left")
            person.fingers.tap("3")
            person.wait("answer", number)
        noise = person.finish()
    assert noise.count("markers are no longer sent") == 1
    assert person.table()["response"].tolist() == ["real"] * 4
    last = person.events("answer")[-1]
    assert last["box_fault"]
    assert [at for _, _, at in last["markers"]] == [None, None]
    assert last["marker_fault"]


def test_a_device_that_is_not_there_is_told_before_the_first_screen(seat: Callable[..., Seat]) -> None:
    pytest.importorskip("serial")
    person = seat(**{"markers.to": "serial", "markers.address": "/dev/no-such-port"})
    with person._start() as process:
        noise = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 2
    assert "/dev/no-such-port: the serial port for markers cannot be opened" in noise
    assert not person.record.exists()
