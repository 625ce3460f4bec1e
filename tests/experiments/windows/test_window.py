"""Sessions in a real PsychoPy window: real pixels on a real X server, real key events through XTEST.

Each session is a process of its own, started the way a lab starts it: PsychoPy keeps much of its
state for as long as its process lives.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from data.bids import read_bids
from data.plan import read_plan
from data.study import StudyFile, read_study
from experiments.display.display_file import Display, write_display
from experiments.display.sizing import enlarge, size_deg
from experiments.records.record import read_record
from experiments.session.design import draw_plan
from experiments.windows.window import WINDOW_PX
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet
from tests.experiments.windows.fingers import Fingers, count, ink, session, until
from tests.waiting import PATIENCE_S, let_it_look

pytestmark = pytest.mark.slow


def test_a_scripted_session_records_100_of_100(
    display: dict[str, str],
    make_set: Callable[..., StimulusSet],
    make_study: Callable[..., StudyFile],
    make_display: Callable[..., Display],
    tmp_path: Path,
) -> None:
    stimuli, study = make_set(main=100, size=(64, 64)), make_study(trials=100)
    room = make_display(image_height_deg=5.0)
    write_display(tmp_path / "display.json", room)
    plan = draw_plan(stimuli, study, "p1", 1, 3)
    wanted = [("real" if trial.trial % 3 else "generated", 1 + trial.trial % 4) for trial in plan.trials]
    script = tmp_path / "script.csv"
    lines = [f"{n},{response},{confidence}" for n, (response, confidence) in enumerate(wanted, start=1)]
    script.write_text("\n".join(["trial,response,confidence", *lines]) + "\n", encoding="utf-8")
    shown_on = ["--display", str(tmp_path / "display.json")]
    with session(
        display, stimuli, tmp_path / "data", study, "--observer", "scripted", "--script", str(script), *shown_on
    ) as process:
        output, noise = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, noise) == (0, "")
    assert "100 of 100 answered" in output
    table = read_bids(tmp_path / "data")
    assert table["stimulus_id"].tolist() == [trial.stimulus_id for trial in plan.trials]
    assert list(zip(table["response"], table["confidence"], strict=True)) == wanted
    assert table["onset"].is_monotonic_increasing
    assert table["response_time"].isna().all()
    log = read_record(tmp_path / "data" / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl")
    screen = log.start["screen"]
    assert (screen["calibration"], screen["display_table_sha256"]) == ("gsdf", room.table_sha256)
    assert screen["image_size_deg"] == pytest.approx(size_deg((128, 128), room), abs=1e-3)
    assert all(event["onset_error"] > 0 and event["dropped_frames"] >= 0 for event in log.of("onset"))


def press(fingers: Fingers, trial: int, response: str, confidence: str) -> None:
    """Answer as different people do: taps, overlapping keys, numpad, keys held, stray and double keys."""
    style = trial % 6
    if style == 0:  # the next key goes down before the first is let go
        fingers.down(response)
        fingers.down(confidence)
        fingers.up(confidence)
        fingers.up(response)
        return
    if style == 1:
        fingers.tap("x")
        fingers.tap(confidence)  # a confidence before there is an answer to be sure of
    if style == 2:
        fingers.down(response)
        time.sleep(0.8)  # longer than the X server's delay before a held key repeats
        fingers.up(response)
    else:
        fingers.tap(response)
    if style == 3:
        fingers.tap(response)  # twice
    fingers.tap(f"KP_{confidence}" if style == 4 else confidence)


def test_a_person_at_the_keyboard_who_leaves_two_images_before_the_end(
    display: dict[str, str],
    make_set: Callable[..., StimulusSet],
    make_study: Callable[..., StudyFile],
    tmp_path: Path,
) -> None:
    stimuli, study = make_set(main=26, size=(33, 21)), make_study(trials=26)  # odd sizes: off the pixel grid by half
    plan = draw_plan(stimuli, study, "p1", 1, 3)
    record = tmp_path / "data" / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
    fingers = Fingers(display["DISPLAY"])
    wanted = []
    with session(display, stimuli, tmp_path / "data", study) as process:
        until(lambda: count(record, "start") == 1, process)
        until(lambda: fingers.tap("space") or count(record, "onset") == 1, process)
        for trial in plan.trials[:24]:
            check_pixels(fingers.window(), stimuli, trial.stimulus_id)
            response, confidence = ("real", "generated")[trial.trial % 2], 1 + trial.trial % 4
            press(fingers, trial.trial, {"real": "Left", "generated": "Right"}[response], str(confidence))
            wanted.append((response, confidence))
            until(lambda shown=trial.trial: count(record, "onset") == shown + 1, process)  # type: ignore[misc]
        fingers.tap("Right")
        fingers.tap("Escape")
        until(lambda: fingers.tap("y") or process.poll() is not None, process, ends=True)
        output, noise = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    said = noise.splitlines()
    assert said[:2] == [
        f"study file: {study.path}",
        "uncalibrated: no display file, so luminance and size in degrees are unknown",
    ]
    assert "24 of 26 answered" in output
    log = read_record(record)
    assert (log.start["observer"], log.start["screen"]["kind"]) == ("human", "window")
    assert [event["reason"] for event in log.of("interruption")] == ["Escape"]
    table = read_bids(tmp_path / "data")
    answered = table[table["response"].notna()]
    assert list(zip(answered["response"], answered["confidence"], strict=True)) == wanted
    assert (answered["response_time"] > 0).all()
    assert (answered["confidence_time"] > 0).all()
    took = answered["response_time"] + answered["confidence_time"]
    assert (table["onset"].diff().iloc[1:25].to_numpy() > took.to_numpy()).all()


def answer(fingers: Fingers, record: Path, process: subprocess.Popen[str], keys: str = "Left 2") -> None:
    """Answer the trial on screen, and wait for the next one's image."""
    onsets = count(record, "onset") + count(record, "warm-up")
    for key in keys.split():
        fingers.tap(key)
    until(lambda: count(record, "onset") + count(record, "warm-up") == onsets + 1, process)


def test_a_person_stops_goes_on_touches_a_number_and_looks_away(
    display: dict[str, str],
    make_set: Callable[..., StimulusSet],
    make_study: Callable[..., StudyFile],
    tmp_path: Path,
) -> None:
    stimuli, study = make_set(main=8, practice=2), make_study(trials=8, practice_trials=2)
    record = tmp_path / "data" / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
    fingers = Fingers(display["DISPLAY"])

    def begin(process: subprocess.Popen[str], onsets: int) -> None:
        until(lambda: fingers.tap("space") or count(record, "onset") == onsets, process)

    with session(display, stimuli, tmp_path / "data", study) as process:
        begin(process, 1)
        answer(fingers, record, process)
        fingers.tap("Left")
        fingers.tap("2")
        begin(process, 3)  # the practice is over
        answer(fingers, record, process)
        before = fingers.window()
        fingers.tap("Escape")
        until(lambda: (fingers.window() != before).any(), process)
        fingers.tap("Right")  # no answer to this question
        fingers.tap("n")
        until(lambda: (fingers.window() == before).all(), process)
        answer(fingers, record, process, "Left 3")
        fingers.tap("Escape")
        until(lambda: fingers.tap("y") or process.poll() is not None, process, ends=True)
        assert "4 of 10 answered" in process.communicate(timeout=PATIENCE_S)[0]
    with session(display, stimuli, tmp_path / "data", study) as process:
        for keys, done in ((("space", "Left", "4"), 1), (("Left", "4"), 2)):
            until(lambda: slowly(fingers, keys, process) or count(record, "warm-up") >= done, process)  # noqa: B023
        begin(process, 6)
        finish(fingers, record, process)
        assert "10 of 10 answered" in process.communicate(timeout=PATIENCE_S)[0]
    table = read_bids(tmp_path / "data")
    assert table["response"].tolist()[:6] == ["real"] * 4 + ["generated"] * 2
    events = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    answers = {event["trial"]: event for event in events if event["event"] == "answer"}
    assert answers[4]["paused_time"] > 0
    assert answers[4]["response_time"] > answers[4]["paused_time"]
    assert (answers[5]["confidence"], answers[5]["confidence_by"]) == (4, "pointer")
    assert answers[6]["response"] == "generated"
    assert answers[6]["unfocused_time"] > 0
    assert [event["trial"] for event in events if event["event"] == "resume"] == [5]


def slowly(fingers: Fingers, keys: tuple[str, ...], process: subprocess.Popen[str]) -> None:
    for key in keys:
        fingers.tap(key)
        let_it_look(process.pid)


def finish(fingers: Fingers, record: Path, process: subprocess.Popen[str]) -> None:
    """Trial 5 with a touch, trial 6 after having typed into another window, then the rest."""
    before = fingers.window()
    fingers.tap("Right")
    until(lambda: (fingers.window() != before).any(), process)
    apart, below = WINDOW_PX[0] / 12, -WINDOW_PX[1] / 6
    fingers.touch(0, WINDOW_PX[1] / 3)  # beside the numbers
    fingers.touch(1.5 * apart, below)
    until(lambda: count(record, "onset") == 7, process)
    let_it_look(process.pid)
    fingers.give_keyboard(away=False)
    let_it_look(process.pid)
    fingers.give_keyboard(away=True)
    let_it_look(process.pid)
    fingers.tap("Left")
    let_it_look(process.pid)
    fingers.give_keyboard(away=False)
    let_it_look(process.pid)
    answer(fingers, record, process, "Right 1")
    for _ in range(3):
        answer(fingers, record, process)
    fingers.tap("Left")
    fingers.tap("2")
    until(lambda: fingers.tap("space") or process.poll() is not None, process, ends=True)


@pytest.mark.parametrize("kind", ["threshold", "triads"])
def test_a_person_compares_images_side_by_side(
    display: dict[str, str],
    make_graded: Callable[..., StimulusSet],
    make_loops: Callable[..., LoopSet],
    make_study: Callable[..., StudyFile],
    tmp_path: Path,
    kind: str,
) -> None:
    """Two or three images, each where it belongs, answered by real keys and without a confidence."""
    stimuli = make_graded() if kind == "threshold" else make_loops(size=(12, 10), ring=24)
    study = make_study(task={"confidence_levels": 0}, kind=kind, trials=6)
    record = tmp_path / "data" / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
    fingers, said = Fingers(display["DISPLAY"]), [("left", "right")[number in (1, 4)] for number in range(6)]
    with session(display, stimuli, tmp_path / "data", study) as process:
        until(lambda: fingers.tap("space") or count(record, "onset") == 1, process)
        for number, side in enumerate(said):
            shown = json.loads(record.read_text(encoding="utf-8").splitlines()[-1])
            plan = read_plan(record.with_name("plan.json"))
            trial = plan.trials[number]
            if kind == "threshold":
                images = [trial.stimulus_id, shown["fake_id"]][:: 1 if trial.fake_on == "right" else -1]
            else:
                images = list(trial.images)
            check_strip(fingers.window(), [stimuli.read(name) for name in images])
            fingers.tap(side.capitalize())
            until(lambda done=number: count(record, "answer") == done + 1, process)  # type: ignore[misc]
            if number < 5:
                until(lambda done=number: count(record, "onset") == done + 2, process)  # type: ignore[misc]
        until(lambda: fingers.tap("space") or process.poll() is not None, process, ends=True)
        assert "6 of 6 answered" in process.communicate(timeout=PATIENCE_S)[0]
    answers = read_record(record).of("answer")
    assert [event["response"] for event in answers] == said
    assert {event["confidence"] for event in answers} == {None}
    assert len(read_record(record).of("estimate")) == (kind == "threshold")


def check_strip(seen: npt.NDArray[np.uint8], images: list[npt.NDArray[np.float32]]) -> None:
    """Each image in the middle of its part of the window, at the largest whole scale that fits."""
    part = WINDOW_PX[0] // len(images)
    scale = min(WINDOW_PX[1] // 24, WINDOW_PX[0] // 20, (part - WINDOW_PX[0] // 16) // 10)
    grey, background = seen[..., 0].astype(int), int(seen[0, 0, 0])
    first = (WINDOW_PX[0] - (len(images) - 1) * part) // 2
    for number, image in enumerate(images):
        shown = np.rint(enlarge(image, scale) * 255).astype(int)
        top, left = (WINDOW_PX[1] - shown.shape[0]) // 2, first + number * part - shown.shape[1] // 2
        there = (slice(top, top + shown.shape[0]), slice(left, left + shown.shape[1]))
        np.testing.assert_array_equal(grey[there], shown)
        grey[there] = background
    assert (grey == background).all()  # and nothing else


def check_pixels(seen: npt.NDArray[np.uint8], stimuli: StimulusSet, stimulus_id: str) -> None:
    """The image stands in the middle, every pixel a whole square of its exact grey, on the mean grey."""
    rows, columns = stimuli.read(stimulus_id).shape
    scale = min(WINDOW_PX[1] // (2 * rows), WINDOW_PX[0] // (2 * columns))
    assert scale > 1
    shown = np.rint(enlarge(stimuli.read(stimulus_id), scale) * 255).astype(int)
    background = float(stimuli.table["mean"].mean()) * 255
    grey = seen.astype(int)
    assert (grey == grey[..., :1]).all()
    best = np.argwhere(grey[..., 0] != grey[0, 0, 0])
    (top, left), (bottom, right) = best.min(axis=0), best.max(axis=0) + 1
    # What is left over is odd here both ways; the spare pixel goes below and to the left.
    assert (top, left) == ((WINDOW_PX[1] - shown.shape[0]) // 2, (WINDOW_PX[0] - shown.shape[1] + 1) // 2)
    np.testing.assert_array_equal(grey[top:bottom, left:right, 0], shown)
    assert abs(grey[0, 0, 0] - background) <= 1


def test_a_pair_stands_left_and_right_of_the_middle(
    display: dict[str, str],
    make_set: Callable[..., StimulusSet],
    make_study: Callable[..., StudyFile],
    tmp_path: Path,
) -> None:
    stimuli = make_set(main=8, size=(33, 21))
    study = make_study({}, "two_alternative", trials=4)
    record = tmp_path / "data" / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
    fingers = Fingers(display["DISPLAY"])
    with session(display, stimuli, tmp_path / "data", study) as process:
        until(lambda: fingers.tap("space") or count(record, "onset") == 1, process)
        seen = fingers.window()[..., 0].astype(int)
        fingers.tap("Escape")
        until(lambda: fingers.tap("y") or process.poll() is not None, process, ends=True)
        assert "rror" not in process.communicate(timeout=PATIENCE_S)[1]
    trial = read_plan(record.with_name("plan.json")).trials[0]
    scale = min(WINDOW_PX[1] // (2 * 33), WINDOW_PX[0] // (2 * 21))  # as large as a single image
    for half, name in zip((seen[:, : WINDOW_PX[0] // 2], seen[:, WINDOW_PX[0] // 2 :]), trial.images, strict=True):
        shown = np.rint(enlarge(stimuli.read(name), scale) * 255).astype(int)
        best = np.argwhere(half != seen[0, 0])
        (top, left), (bottom, right) = best.min(axis=0), best.max(axis=0) + 1
        np.testing.assert_array_equal(half[top:bottom, left:right], shown)
        assert abs((left + right) - WINDOW_PX[0] // 2) <= 1  # in the middle of its half
        assert abs((top + bottom) - WINDOW_PX[1]) <= 1


def test_a_consent_text_longer_than_the_screen_is_read_in_pages_before_anyone_agrees(
    display: dict[str, str], make_set: Callable[..., StimulusSet], tmp_path: Path
) -> None:
    """776 words of consent and a long debrief: every page is shown, back and forth, and agreeing comes last."""
    words = [f"word{number}" for number in range(776)]
    consent = "\n\n".join(" ".join(words[start : start + 60]) for start in range(0, 776, 60))
    text = {"consent": consent, "thanks": "\n".join(f"Line {number} of the debrief." for number in range(60))}
    folder = tmp_path / "study"
    folder.mkdir()
    lines = ['kind = "realfake"', "[text]", *(f"{name} = {json.dumps(said)}" for name, said in text.items())]
    (folder / "realfake.toml").write_text("\n".join(lines), encoding="utf-8")
    study = 'name = "A study"\nplanned_participants = 6\ntask = "realfake.toml"\n[plan]\ntrials = 2\n'
    (folder / "study.toml").write_text(study, encoding="utf-8")
    record = tmp_path / "data" / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
    fingers = Fingers(display["DISPLAY"])

    def turn(key: str) -> npt.NDArray[np.uint8]:
        before = fingers.window()
        fingers.tap(key)
        until(lambda: (fingers.window() != before).any(), process)
        let_it_look(process.pid)
        return fingers.window()

    stimuli = make_set(main=2)
    with session(display, stimuli, tmp_path / "data", read_study(folder / "study.toml")) as process:
        until(lambda: count(record, "state") == 1, process)
        until(lambda: ink(fingers).any(), process)
        let_it_look(process.pid)
        pages = [fingers.window()]
        while count(record, "consent") == 0 and len(pages) < 20:
            pages.append(turn("space"))
            if len(pages) == 3:
                assert (turn("Left") == pages[1]).all()
                assert (turn("space") == pages[2]).all()
        until(lambda: fingers.tap("space") or count(record, "onset") == 1, process)
        answer(fingers, record, process)
        fingers.tap("Left")
        fingers.tap("2")
        until(lambda: count(record, "end") == 1, process)
        let_it_look(process.pid)
        debrief = [fingers.window(), turn("space")]
        until(lambda: fingers.tap("space") or process.poll() is not None, process, ends=True)
        assert "2 of 2 answered" in process.communicate(timeout=PATIENCE_S)[0]
    assert 5 <= len(pages) - 1 <= 9  # the last picture is the instructions
    assert len({page.tobytes() for page in pages}) == len(pages)
    inked = [(page[..., 0] != page[0, 0, 0]) for page in (*pages[:-1], *debrief)]
    assert all(np.flatnonzero(page.any(axis=1)).min() > 30 for page in inked)  # no line beyond the edges
    assert all(np.flatnonzero(page.any(axis=1)).max() < WINDOW_PX[1] - 20 for page in inked)
    assert all(np.flatnonzero(page.any(axis=0)).max() < WINDOW_PX[0] - 40 for page in inked)


def test_a_display_nobody_serves_is_told(
    display: dict[str, str], small_set: StimulusSet, make_study: Callable[..., StudyFile], tmp_path: Path
) -> None:
    nowhere = {**display, "DISPLAY": ":987"}
    with session(nowhere, small_set, tmp_path / "data", make_study(trials=20)) as process:
        _, noise = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "xvfb-run -a" in noise
    assert noise.count("\n") == 2  # the study file, and this
    assert [path.name for path in (tmp_path / "data").rglob("*") if path.is_file()] == ["p1.json"]
