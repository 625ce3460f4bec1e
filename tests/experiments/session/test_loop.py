from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from data.errors import LookalikeError
from data.kinds.kind import Answer
from data.plan import Plan, PlannedTrial, Text
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records.record import Log, Record, read_record
from experiments.screen import NO_BUTTONS, Flip, HeadlessScreen, Row
from experiments.session.design import draw_plan
from experiments.session.loop import run_session
from experiments.tasks import instructions as wording
from experiments.tasks.instructions import instructions, pause
from experiments.tasks.responders import SessionAborted, simulate
from stimuli.images import Pixels
from stimuli.sets import StimulusSet


@pytest.fixture
def plan(small_set: StimulusSet, make_study: Callable[..., StudyFile]) -> Plan:
    study = make_study(trials=20, practice_trials=4, catch_trials=3)
    return draw_plan(small_set, study, "p1", 1, 0)


BLANK = "(blank)"


class Watcher(HeadlessScreen):
    """A screen that notes what it shows, and what the record held on disk at that moment."""

    def __init__(self, record: Path) -> None:
        super().__init__()
        self.record = record
        self.shown: list[object] = []
        self.answered_before: list[int] = []

    def message(self, text: str, page: int = 1, footer: str = "", row: Row = NO_BUTTONS) -> float:  # noqa: ARG002
        self.shown.append(text)
        return super().message(text, page, footer)

    def blank(self) -> float:
        self.shown.append(BLANK)
        return super().blank()

    def prepare(self, pixels: Pixels, row: Row = NO_BUTTONS) -> None:  # noqa: ARG002
        self.ready = pixels

    def flip(self, asked: float | None = None) -> Flip:
        self.shown.append(self.ready)
        self.answered_before.append(self.record.read_bytes().count(b'"event": "answer"'))
        return super().flip(asked)


def simulated(plan: Plan, stimuli: StimulusSet, folder: Path) -> tuple[Watcher, Log]:
    screen = Watcher(folder / "record.jsonl")
    with Record(folder) as record:
        run_session(plan, stimuli, screen, simulate(Observer(dprime=1), plan), record)
    return screen, read_record(folder / "record.jsonl")


def test_the_screen_goes_from_instructions_to_thanks(small_set: StimulusSet, plan: Plan, tmp_path: Path) -> None:
    screen, _ = simulated(plan, small_set, tmp_path)
    images = [small_set.read(trial.stimulus_id) for trial in plan.trials]
    expected = [
        instructions(plan),
        wording.practice(plan),
        *images[:4],
        wording.practice_over(plan),
        *images[4:],
        wording.thanks(plan),
    ]
    seen = [shown for shown in screen.shown if shown is not BLANK]
    assert len(seen) == len(expected)
    for shown, wanted in zip(seen, expected, strict=True):
        assert (shown == wanted) if isinstance(wanted, str) else (shown == wanted).all()  # type: ignore[attr-defined]


def test_before_each_image_the_screen_is_blank(small_set: StimulusSet, plan: Plan, tmp_path: Path) -> None:
    """No image directly follows another: what changes from one to the next must not be seen as a flicker."""
    screen, _ = simulated(plan, small_set, tmp_path)
    before = [earlier for earlier, later in pairwise(screen.shown) if not isinstance(later, str)]
    assert len(before) == len(plan.trials)
    assert all(shown is BLANK for shown in before)


def test_each_answer_is_on_disk_before_the_next_image(small_set: StimulusSet, plan: Plan, tmp_path: Path) -> None:
    screen, _ = simulated(plan, small_set, tmp_path)
    assert screen.answered_before == list(range(len(plan.trials)))


def test_the_record_holds_what_the_observer_said_and_when(small_set: StimulusSet, plan: Plan, tmp_path: Path) -> None:
    _, log = simulated(plan, small_set, tmp_path)
    states = ["state", "state", *["onset", "answer"] * 4, "state", *["onset", "answer"] * 23, "state"]
    assert [event["event"] for event in log.events] == ["start", *states, "end"]
    assert [event["state"] for event in log.of("state")] == ["instructions", "practice", "block", "thanks"]
    assert log.start["plan_sha256"] == plan.sha256
    assert (log.start["observer"], log.start["screen"]) == ("simulated", {"kind": "headless"})
    assert log.start["parameters"]["confidence_cuts"] == [0.3, 0.7, 1.2]
    answers = log.of("answer")
    for trial, event in zip(plan.trials, answers, strict=True):
        said = Observer(dprime=1).judge(trial.stimulus_id, trial.truth, 1)
        assert (event["response"], event["confidence"]) == (said.response, said.confidence)
        assert event["response_time"] == pytest.approx(said.response_time, abs=1e-6)
        assert event["confidence_time"] == pytest.approx(said.confidence_time, abs=1e-6)
    for onset, event in zip(log.of("onset"), answers, strict=True):
        assert onset["onset"] == event["onset"]
        assert (onset["onset_error"], onset["dropped_frames"]) == (pytest.approx(1 / 60, abs=1e-6), 0)
    for earlier, later in pairwise(answers):
        assert later["onset"] > earlier["onset"] + earlier["response_time"] + earlier["confidence_time"]


def test_progress_is_told_after_each_answer(small_set: StimulusSet, plan: Plan, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with Record(tmp_path) as record:
        responder = simulate(Observer(), plan)
        run_session(
            plan, small_set, HeadlessScreen(), responder, record, lambda done, total: told.append((done, total))
        )
    assert told == [(trial, 27) for trial in range(1, 28)]


class Stops:
    """Answers until the given trial, then raises."""

    kind = "scripted"
    parameters = None

    def __init__(self, at: int, fault: BaseException) -> None:
        self.at, self.fault = at, fault

    def proceed(self, again: object = None, back: bool = False) -> bool:  # noqa: ARG002
        return True

    def answer(self, trial: PlannedTrial, onset: float, again: object) -> Answer:  # noqa: ARG002
        if trial.trial == self.at:
            raise self.fault
        return Answer("real", 1, None, None)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (SessionAborted(), "Escape"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (ValueError("a wire came loose"), "ValueError: a wire came loose"),
        (LookalikeError("altered-file", "image altered"), "LookalikeError: image altered"),
    ],
)
def test_an_interruption_is_recorded_and_raised_again(
    small_set: StimulusSet, plan: Plan, tmp_path: Path, fault: BaseException, reason: str
) -> None:
    with Record(tmp_path) as record, pytest.raises(type(fault)) as caught:
        run_session(plan, small_set, HeadlessScreen(), Stops(6, fault), record)
    assert caught.value is fault
    log = read_record(tmp_path / "record.jsonl")
    assert [event["trial"] for event in log.of("answer")] == [1, 2, 3, 4, 5]
    assert [event["reason"] for event in log.of("interruption")] == [reason]
    assert log.of("end") == ()


def test_escape_on_the_last_screen_does_not_undo_the_session(
    small_set: StimulusSet, plan: Plan, tmp_path: Path
) -> None:
    class LeavesByEscape(Stops):
        asked = 0

        def proceed(self, again: object = None, back: bool = False) -> bool:  # noqa: ARG002
            self.asked += 1
            if self.asked == 4:  # after the instructions, before and after the practice
                raise SessionAborted
            return True

    with Record(tmp_path) as record:
        run_session(plan, small_set, HeadlessScreen(), LeavesByEscape(0, SessionAborted()), record)
    assert json.loads((tmp_path / "record.jsonl").read_text(encoding="utf-8").splitlines()[-1])["event"] == "end"


def test_a_long_text_is_read_page_by_page_and_agreed_to_on_the_last(
    small_set: StimulusSet, plan: Plan, tmp_path: Path
) -> None:
    """Three pages each; the reader of the consent turns back once."""
    seen: list[tuple[str, int, str]] = []

    class InPages(HeadlessScreen):
        def pages(self, text: str) -> int:  # noqa: ARG002
            return 3

        def message(self, text: str, page: int = 1, footer: str = "", row: Row = NO_BUTTONS) -> float:  # noqa: ARG002
            seen.append((text, page, footer))
            return super().message(text, page, footer)

    class TurnsBack(Stops):
        def proceed(self, again: object = None, back: bool = False) -> bool:  # noqa: ARG002
            assert b'"event": "consent"' not in (tmp_path / "record.jsonl").read_bytes() or len(seen) > 5
            assert back == (seen[-1][1] > 1)
            return len(seen) != 2

    asked = plan.model_copy(update={"text": Text(consent="May we?")})
    with Record(tmp_path) as record:
        run_session(asked, small_set, InPages(), TurnsBack(0, SessionAborted()), record)
    assert [page for _, page, _ in seen[:8]] == [1, 2, 1, 2, 3, 1, 2, 3]
    assert [footer for _, _, footer in seen[2:5]] == [
        "Page 1 of 3     SPACE: next page",
        "Page 2 of 3     SPACE: next page     LEFT arrow: previous page",
        "Page 3 of 3     LEFT arrow: previous page",
    ]
    assert {text for text, _, _ in seen[:5]} == {"May we?\n\nPress SPACE if you agree, or ESC to leave."}
    assert [page for text, page, _ in seen if "Thank you" in text] == [1, 2, 3]


def test_how_long_images_stay_is_told_as_people_say_it(plan: Plan) -> None:
    def told(**changes: object) -> str:
        return instructions(plan.model_copy(update=changes))

    assert "Each image is shown for 0.5 seconds. You may answer" in told(exposure_s=0.5)
    assert "Each image is shown for 1 second. You may answer" in told(exposure_s=1.0)
    assert "shown for" not in told()
    pairs = {"kind": "same_different", "keys": {"same": "left", "different": "right"}}
    assert "Each pair is shown for 2 seconds." in told(exposure_s=2.0, **pairs)


def test_a_break_repeats_which_key_means_what(plan: Plan) -> None:
    assert "Is the image real? Press the LEFT arrow key." in pause(plan, 3)


def test_instructions_tell_the_prevalence_the_keys_and_the_scale(plan: Plan) -> None:
    told = plan.model_copy(update={"told_prevalence": 0.3, "confidence_levels": 6})
    text = instructions(told)
    for words in ("27 mammogram images", "About 30%", "RIGHT arrow", "1 (a guess) to 6 (certain)", "first 4"):
        assert words in text
    assert text.index("LEFT arrow") < text.index("RIGHT arrow")
