"""A person's ratings, slips, time limits and response box, key by key, without a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from data.flow.devices import Box
from data.flow.flow import Flow
from data.plan import Plan
from data.study import StudyFile
from experiments.markers.markers import Markers
from experiments.screen import HeadlessScreen
from experiments.session.design import draw_plan
from experiments.tasks import human
from experiments.tasks.human import GRACE_S, HumanResponder
from stimuli.sets import StimulusSet


@dataclass(frozen=True)
class Key:
    name: str
    tDown: float


class Ticking(HeadlessScreen):
    """A screen whose clock goes on a tenth of a second with every look at it."""

    def now(self) -> float:
        self._now_s += 0.1
        return self._now_s


class Hands:
    """A keyboard, or a response box, that hands out what went down by now."""

    def __init__(self, screen: HeadlessScreen, *presses: tuple[str, float], held_s: float = 0.0) -> None:
        self.screen, self.presses_left, self.held_s = screen, list(presses), held_s
        self.fault: str | None = None

    def presses(self) -> list[tuple[str, float]]:
        now = self.screen._now_s
        ready = [one for one in self.presses_left if one[1] + self.held_s <= now]
        self.presses_left = [one for one in self.presses_left if one not in ready]
        return ready

    def getKeys(self, waitRelease: bool) -> list[Key]:
        assert waitRelease
        return [Key(*one) for one in self.presses()]

    def close(self) -> None:
        pass


class Sent:
    def __init__(self) -> None:
        self.codes: list[int] = []

    def send(self, code: int) -> None:
        self.codes.append(code)

    def close(self) -> None:
        pass


@pytest.fixture
def plan(small_set: StimulusSet, make_study: Callable[..., StudyFile]) -> Plan:
    return draw_plan(small_set, make_study(trials=20), "p1", 1, 0)


@pytest.fixture
def sit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[HumanResponder, Ticking]]:
    def down(plan: Plan, *presses: tuple[str, float], held_s: float = 0.0) -> tuple[HumanResponder, Ticking]:
        screen = Ticking()
        monkeypatch.setattr(human, "_open_keyboard", lambda _keys: Hands(screen, *presses, held_s=held_s))
        monkeypatch.setattr(human.time, "sleep", lambda _s: screen.now())
        return HumanResponder(plan, screen), screen

    return down


def again() -> None:
    pass


@pytest.mark.parametrize("pressed", ["2", "num_2"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_number_is_a_category_whichever_way_the_scale_runs(
    sit: Callable[..., Any], plan: Plan, pressed: str, turned: bool
) -> None:
    ends = {"real": "6", "generated": "1"} if turned else {"real": "1", "generated": "6"}
    rated = plan.model_copy(update={"rating_levels": 6, "confidence_levels": 3, "keys": ends})
    person, _ = sit(rated, ("0", 1.0), ("7", 1.1), ("left", 1.2), (pressed, 2.0))
    given = person.answer(rated.trials[0], 0.5, again)
    assert given.more["rating_category"] == (5 if turned else 2)
    assert (given.response, given.confidence) == (("generated", 2) if turned else ("real", 2))
    assert (given.response_time, given.confidence_time) == (1.5, None)


def test_the_last_of_several_answers_counts_and_the_others_are_kept(sit: Callable[..., Any], plan: Plan) -> None:
    flow = plan.model_copy(update={"flow": Flow(undo="backspace")})
    presses = [("left", 1.0), ("backspace", 2.0), ("right", 3.0), ("backspace", 4.0), ("left", 5.0), ("4", 6.0)]
    person, _ = sit(flow, ("backspace", 0.6), *presses)  # the first: nothing to take back yet
    sent = Sent()
    person.connect(None, Markers({"undo": 4, "answer_real": 21, "answer_generated": 22, "confidence_4": 44}, sent))
    shown: list[int] = []
    given = person.answer(plan.trials[0], 0.5, lambda: shown.append(1))
    assert (given.response, given.confidence, given.response_time) == ("real", 4, 4.5)
    assert given.more["undone"] == [
        {"response": "real", "response_time": 0.5, "time": 1.5},
        {"response": "generated", "response_time": 2.5, "time": 3.5},
    ]
    assert len(shown) == 2
    assert sent.codes == [21, 4, 22, 4, 21, 44]


def test_without_an_undo_key_backspace_does_nothing(sit: Callable[..., Any], plan: Plan) -> None:
    person, _ = sit(plan, ("left", 1.0), ("backspace", 2.0), ("right", 3.0), ("4", 6.0))
    given = person.answer(plan.trials[0], 0.5, again)
    assert (given.response, given.confidence) == ("real", 4)
    assert "undone" not in given.more


@pytest.mark.parametrize(
    ("pressed_at", "held_s", "in_time"),
    [(2.4, 0.0, True), (2.4, GRACE_S - 0.06, True), (2.6, 0.0, False), (2.4, 5.0, False), (9.0, 0.0, False)],
)
def test_a_key_must_go_down_before_the_limit(
    sit: Callable[..., Any], plan: Plan, pressed_at: float, held_s: float, in_time: bool
) -> None:
    limited = plan.model_copy(update={"flow": Flow(timeout_s=2.0)})
    person, screen = sit(limited, ("left", pressed_at), ("3", 5.0), held_s=held_s)
    given = person.answer(plan.trials[0], 0.5, again)
    assert given.response == ("real" if in_time else None)
    if not in_time:
        assert given.confidence is given.response_time is None
        assert screen._now_s >= 2.5


def test_the_question_whether_to_stop_stops_the_clock_of_the_limit(sit: Callable[..., Any], plan: Plan) -> None:
    limited = plan.model_copy(update={"flow": Flow(timeout_s=2.0)})
    person, _ = sit(limited, ("escape", 1.0), ("n", 20.0), ("left", 21.0), ("3", 22.0))
    given = person.answer(plan.trials[0], 0.5, again)
    assert given.response == "real"
    assert given.more["paused_time"] > 15


def test_after_an_undo_the_limit_begins_anew(sit: Callable[..., Any], plan: Plan) -> None:
    limited = plan.model_copy(update={"flow": Flow(timeout_s=2.0, undo="backspace")})
    person, _ = sit(limited, ("left", 1.0), ("backspace", 10.0), ("right", 11.5), ("3", 12.0))
    assert person.answer(plan.trials[0], 0.5, again).response == "generated"
    person, _ = sit(limited, ("left", 1.0), ("backspace", 10.0), ("right", 13.0), ("3", 14.0))
    given = person.answer(plan.trials[0], 0.5, again)
    assert given.response is None
    assert [one["response"] for one in given.more["undone"]] == ["real"]


def test_between_two_images_only_the_undo_key_takes_an_answer_back(sit: Callable[..., Any], plan: Plan) -> None:
    flow = plan.model_copy(update={"flow": Flow(undo="backspace", fixation_s=3.0)})
    keys = ("left", 1.0), ("3", 2.0)
    person, screen = sit(flow, *keys, ("backspace", 3.0))
    person.answer(plan.trials[0], 0.5, again)
    assert person.takes_back(screen._now_s + 3.0)
    person, screen = sit(flow, *keys, ("left", 3.0), ("space", 3.1))
    person.answer(plan.trials[0], 0.5, again)
    until = screen._now_s + 3.0
    assert not person.takes_back(until)
    assert screen._now_s >= until


def test_buttons_of_a_box_do_what_their_keys_do(sit: Callable[..., Any], plan: Plan) -> None:
    box = Box(device="serial", address="COM3", buttons={"a": "left", "b": "right", "c": "3"})
    boxed = plan.model_copy(update={"box": box})
    person, screen = sit(boxed)
    hands = Hands(screen, ("z", 0.8), ("b", 1.0), ("c", 2.0))
    person.connect(hands, Markers())
    given = person.answer(plan.trials[0], 0.5, again)
    assert (given.response, given.confidence, given.response_time) == ("generated", 3, 0.5)
    assert (given.more["response_by"], given.more["confidence_by"]) == ("box", "box")
    assert "box_fault" not in given.more
    hands.fault = "OSError: unplugged"
    hands.presses_left = [("a", screen._now_s + 1), ("c", screen._now_s + 2)]
    assert person.answer(plan.trials[1], screen._now_s, again).more["box_fault"] == "OSError: unplugged"
