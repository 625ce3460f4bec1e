from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from data.kinds.registry import find
from data.plan import Plan
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.screen import FRAME_S, NO_BUTTONS, HeadlessScreen, Row
from experiments.session.design import draw_plan
from experiments.tasks import human
from experiments.tasks.human import HumanResponder
from experiments.tasks.instructions import stop_question
from experiments.tasks.responders import SessionAborted, read_script, simulate
from stimuli.sets import StimulusSet


@pytest.fixture
def plan(small_set: StimulusSet, make_study: Callable[..., StudyFile]) -> Plan:
    return draw_plan(small_set, make_study(trials=20, confidence_levels=4), "p1", 1, 0)


def again_never() -> None:
    raise AssertionError("nothing was to be shown once more")


def rows(plan: Plan) -> list[list[str]]:
    return [[t.stimulus_id, "real" if t.trial % 3 else "generated", str(1 + t.trial % 4)] for t in plan.trials]


def write_script(path: Path, rows: list[list[str]], header: str = "stimulus_id,response,confidence") -> Path:
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def test_a_script_answers_by_stimulus_or_by_trial(plan: Plan, tmp_path: Path) -> None:
    by_stimulus = read_script(write_script(tmp_path / "a.csv", rows(plan)[::-1]), plan)
    numbered = [[str(n), *row[1:]] for n, row in enumerate(rows(plan), start=1)]
    by_trial = read_script(write_script(tmp_path / "b.csv", numbered, "trial,response,confidence"), plan)
    for trial, (_, response, confidence) in zip(plan.trials, rows(plan), strict=True):
        for scripted in (by_stimulus, by_trial):
            given = scripted.answer(trial, 0.0, again_never)
            assert (given.response, given.confidence) == (response, int(confidence))
            assert given.response_time is given.confidence_time is None


@pytest.mark.parametrize(
    ("row", "code", "message"),
    [
        (None, "unanswered-trials", "no answer for trial 2 of the plan"),
        (["", "real", "1"], "missing-value", "row 3: stimulus_id is missing"),
        (["x", "Real", "1"], "unknown-word", "row 3: response is none of real, generated"),
        (["x", "real", "5"], "out-of-range", "row 3: confidence is not 1 to 4"),
        (["x", "real", "2.5"], "out-of-range", "row 3: confidence is not 1 to 4"),
        (["x", "real", "sure"], "out-of-range", "row 3: confidence is not 1 to 4"),
    ],
)
def test_a_faulty_script_is_refused_by_row(
    plan: Plan, tmp_path: Path, row: list[str] | None, code: str, message: str, refuses: Any
) -> None:
    script = rows(plan)
    script[1:2] = [] if row is None else [row]
    path = write_script(tmp_path / "script.csv", script)
    with refuses(code) as caught:
        read_script(path, plan)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_script_that_answers_twice_or_names_nothing_is_refused(plan: Plan, tmp_path: Path, refuses: Any) -> None:
    with refuses("repeated-answer") as caught:
        read_script(write_script(tmp_path / "a.csv", [*rows(plan), rows(plan)[0]]), plan)
    assert "row 2, 22" in str(caught.value)
    with refuses("missing-column"):
        read_script(write_script(tmp_path / "b.csv", rows(plan), "image,response,confidence"), plan)
    with refuses("no-such-file") as caught:
        read_script(tmp_path / "none.csv", plan)
    assert "none.csv" in str(caught.value)


def test_a_simulated_observer_needs_the_studys_confidence_scale(plan: Plan, refuses: Any) -> None:
    with refuses("wrong-confidence-levels"):
        simulate(Observer(confidence_cuts=(0.5, 1.0)), plan)
    own = Observer(confidence_cuts=(0.5, 1.0, 1.1))
    judged = own.judge_in_order([(trial.stimulus_id, trial.truth) for trial in plan.trials], 1)
    answers = [simulate(own, plan).answer(trial, 0.0, lambda: None) for trial in plan.trials]
    assert [answer.confidence for answer in answers] == [one.confidence for one in judged]


def test_a_simulated_observer_goes_on_after_a_break_as_if_there_had_been_none(plan: Plan) -> None:
    """A new process answers the later trials as the first one would have, though each leans on the one before."""
    observer = Observer(dprime=1, serial_response=1.5, serial_evidence=0.5, fatigue=1, seed=3)
    whole = [simulate(observer, plan).answer(trial, 0.0, lambda: None) for trial in plan.trials]
    resumed = simulate(observer, plan)
    assert [resumed.answer(trial, 0.0, lambda: None) for trial in plan.trials[9:]] == whole[9:]
    alone = [observer.judge(trial.stimulus_id, trial.truth, 1).response for trial in plan.trials]
    assert [answer.response for answer in whole] != alone


@pytest.mark.parametrize("levels", range(2, 10))
def test_a_simulated_observer_uses_as_many_confidence_levels_as_the_study_has(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], levels: int
) -> None:
    plan = draw_plan(small_set, make_study(trials=20, confidence_levels=levels), "p1", 1, 0)
    said: set[int | None] = set()
    for seed in range(40):
        simulated = simulate(Observer(dprime=1, seed=seed), plan)
        said |= {simulated.answer(trial, 0.0, lambda: None).confidence for trial in plan.trials}
    assert said == set(range(1, levels + 1))


@dataclass(frozen=True)
class Key:
    name: str
    tDown: float


class Keyboard:
    """Hands out batches of keys, each batch at one poll, as PsychoPy's keyboard does."""

    def __init__(self, *batches: list[Key]) -> None:
        self.batches = list(batches)

    def getKeys(self, waitRelease: bool) -> list[Key]:
        assert waitRelease, "PsychoPy loses taps with waitRelease=False"
        return self.batches.pop(0)


@pytest.fixture
def seated(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Callable[..., HumanResponder]:
    def sit(*batches: list[Key], screen: HeadlessScreen | None = None, plan: Plan = plan) -> HumanResponder:
        monkeypatch.setattr(human, "_open_keyboard", lambda _keys: Keyboard(*batches))
        return HumanResponder(plan, screen or HeadlessScreen())

    return sit


LEFT, RIGHT = "left", "right"


@pytest.mark.parametrize(
    "batches",
    [
        [[Key(RIGHT, 2.0)], [], [Key("3", 2.5)]],
        [[Key(RIGHT, 2.0)], [Key("num_3", 2.5)]],
        [[Key("3", 2.5)], [Key(RIGHT, 2.0)], []],  # the digit was let go before the arrow
        [[Key("3", 2.5), Key(RIGHT, 2.0)], []],
        [[Key(LEFT, 0.9)], [Key(RIGHT, 2.0)], [Key("3", 2.5)]],  # pressed before the image was there
        [[Key("1", 1.5), Key(RIGHT, 2.0)], [Key("3", 2.5)]],  # a confidence before there was an answer
        [[Key(RIGHT, 2.0), Key(LEFT, 2.1)], [Key("3", 2.5)]],  # the first of two answers counts
        [[Key("x", 1.2), Key("space", 1.3), Key(RIGHT, 2.0)], [Key("9", 2.1), Key("num_5", 2.2), Key("3", 2.5)]],
    ],
)
def test_keys_are_taken_in_the_order_they_went_down(
    seated: Callable[..., HumanResponder], plan: Plan, batches: list[list[Key]]
) -> None:
    given = seated(*batches).answer(plan.trials[0], 1.0, again_never)
    assert (given.response, given.confidence) == ("generated", 3)
    assert (given.response_time, given.confidence_time) == (1.0, 0.5)


def test_after_a_fixed_exposure_the_screen_asks_unless_the_answer_was_given_meanwhile(
    seated: Callable[..., HumanResponder], plan: Plan
) -> None:
    exposed, shown = plan.model_copy(update={"exposure_s": 0.5}), []
    person = seated([], [Key(RIGHT, 2.0)], [Key("3", 2.5)], plan=exposed)
    assert person.answer(plan.trials[0], 1.0, lambda: shown.append("prompt")).response == "generated"
    assert shown == ["prompt"]
    person = seated([Key(RIGHT, 1.2)], [], [Key("3", 2.5)], plan=exposed)
    assert person.answer(plan.trials[0], 1.0, again_never).response == "generated"


def test_while_confidence_is_asked_for_the_screen_repeats_the_keys(
    seated: Callable[..., HumanResponder], plan: Plan
) -> None:
    screen = Told()
    seated([Key(RIGHT, 2.0)], [Key("3", 2.5)], screen=screen).answer(plan.trials[0], 1.0, again_never)
    assert screen.footer == "LEFT arrow: real     RIGHT arrow: generated"


def test_pages_turn_both_ways_only_where_there_is_a_page_before(seated: Callable[..., HumanResponder]) -> None:
    assert seated([Key(LEFT, 2.0)]).proceed(again_never, back=True) is False
    assert seated([Key("space", 2.0)]).proceed(again_never, back=True) is True
    assert seated([Key(LEFT, 2.0)], [Key("space", 3.0)]).proceed(again_never) is True


def test_left_over_keys_do_not_answer_the_next_image(seated: Callable[..., HumanResponder], plan: Plan) -> None:
    person = seated(
        [Key(RIGHT, 2.0), Key("3", 2.5), Key(RIGHT, 2.6), Key("4", 2.7)], [], [Key(LEFT, 4.0)], [Key("1", 4.5)]
    )
    person.answer(plan.trials[0], 1.0, again_never)
    second = person.answer(plan.trials[1], 3.0, again_never)
    assert (second.response, second.confidence, second.response_time) == ("real", 1, 1.0)


class Told(HeadlessScreen):
    """A screen that notes its messages, and says when numbers were touched and when it lost the keyboard."""

    def __init__(self, touched: tuple[tuple[str, float], ...] = (), lost: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__()
        self.said: list[str] = []
        self._touches, self._lost = list(touched), lost

    def message(self, text: str, page: int = 1, footer: str = "", row: Row = NO_BUTTONS) -> float:
        self.said.append(text)
        return super().message(text, page, footer, row)

    def scale(self, question: str, levels: int, footer: str = "", row: Row = NO_BUTTONS) -> float:
        self.footer = footer
        return super().scale(question, levels, footer, row)

    def touched(self) -> list[tuple[str, float]]:
        touches, self._touches = self._touches, []
        return touches

    def focused(self, time_s: float) -> bool:
        return not self._lost[0] <= time_s < self._lost[1]

    def unfocused_s(self, since: float) -> float:
        return max(0.0, self._lost[1] - max(since, self._lost[0]))


@pytest.mark.parametrize("batches", [[[Key("escape", 2.0)]], [[Key(RIGHT, 2.0)], [Key("escape", 2.5)]]])
def test_escape_asks_at_either_question_and_y_stops(
    seated: Callable[..., HumanResponder], plan: Plan, batches: list[list[Key]]
) -> None:
    screen = Told()
    with pytest.raises(SessionAborted):
        seated(*batches, [Key("space", 2.6)], [Key("y", 3.0)], screen=screen).answer(plan.trials[0], 1.0, again_never)
    assert screen.said == [stop_question(plan)]


def test_after_n_the_trial_goes_on_and_keys_meant_for_the_question_answer_nothing(
    seated: Callable[..., HumanResponder], plan: Plan
) -> None:
    shown: list[str] = []
    screen = Told()
    person = seated(
        [Key("escape", 2.0)],
        [Key(LEFT, 2.1)],
        [Key("n", 3.0), Key(LEFT, 3.1)],
        [],
        [Key(RIGHT, 4.0)],
        [Key("3", 4.5)],
        screen=screen,
    )
    given = person.answer(plan.trials[0], 1.0, lambda: shown.append("image"))
    assert (given.response, given.confidence) == ("generated", 3)
    assert (given.response_time, given.confidence_time) == (3.0, 0.5)  # from the onset, whatever came between
    asked = FRAME_S  # the moment of the question on the headless clock
    assert given.more["paused_time"] == pytest.approx(3.0 - asked)
    assert shown == ["image"]


def test_where_there_is_nothing_to_go_back_to_escape_is_not_asked_about(
    seated: Callable[..., HumanResponder],
) -> None:
    screen = Told()
    with pytest.raises(SessionAborted):
        seated([Key("escape", 2.0)], screen=screen).proceed()
    assert screen.said == []


@pytest.mark.parametrize("key", ["num_2", "2"])
def test_numpad_and_main_row_digits_are_the_same(seated: Callable[..., HumanResponder], plan: Plan, key: str) -> None:
    given = seated([Key(LEFT, 2.0)], [Key(key, 2.5)]).answer(plan.trials[0], 1.0, again_never)
    assert (given.response, given.confidence, given.more["confidence_by"]) == ("real", 2, "key")


def test_a_touched_number_answers_how_sure(seated: Callable[..., HumanResponder], plan: Plan) -> None:
    screen = Told(touched=(("1", 1.5), ("3", 2.75)))  # the first before there was anything to be sure of
    given = seated([Key(RIGHT, 2.0)], [], screen=screen).answer(plan.trials[0], 1.0, again_never)
    assert (given.response, given.confidence, given.confidence_time) == ("generated", 3, 0.75)
    assert given.more["confidence_by"] == "pointer"


def test_a_key_held_down_since_before_the_image_answers_nothing(
    seated: Callable[..., HumanResponder], plan: Plan
) -> None:
    person = seated([Key(LEFT, 0.5)], [Key(RIGHT, 5.0)], [Key("1", 6.0)])  # handed out when let go, long after onset
    assert person.answer(plan.trials[0], 1.0, again_never).response == "generated"


def test_what_is_typed_into_another_window_answers_nothing(seated: Callable[..., HumanResponder], plan: Plan) -> None:
    screen = Told(lost=(1.5, 4.0))
    person = seated([Key(LEFT, 2.0), Key("1", 2.2)], [Key(RIGHT, 4.5)], [Key("3", 5.0)], screen=screen)
    given = person.answer(plan.trials[0], 1.0, again_never)
    assert (given.response, given.confidence, given.response_time) == ("generated", 3, 3.5)
    assert given.more["unfocused_time"] == 2.5


@pytest.mark.parametrize("kind", ["two_alternative", "same_different"])
def test_the_keys_of_a_plan_give_the_answers_of_its_kind(
    seated: Callable[..., HumanResponder], plan: Plan, kind: str
) -> None:
    first, second = find(kind).answers
    other = plan.model_copy(update={"kind": kind, "keys": {first: "a", second: "l"}})
    given = seated([Key("l", 2.0)], [Key("3", 2.5)], plan=other).answer(plan.trials[0], 1.0, again_never)
    assert given.response == second


def test_a_keyboard_that_cannot_be_timed_is_refused(plan: Plan, monkeypatch: pytest.MonkeyPatch, refuses: Any) -> None:
    monkeypatch.setitem(sys.modules, "psychtoolbox", None)  # what a missing libjack does to the import
    with refuses("no-keyboard") as caught:
        HumanResponder(plan, HeadlessScreen())
    assert "apt install libjack-jackd2-0" in str(caught.value)


@pytest.mark.slow
def test_importing_experiments_loads_nothing_that_no_session_needs() -> None:
    """PsychoPy is for windows; the others would make every session begin a second or two later."""
    root = Path(__file__).resolve().parents[3]
    code = (
        f"import sys; sys.path[0] = {str(root)!r}\n"
        "import experiments.realfake, experiments.retest\n"
        "slow = {'psychopy', 'psychtoolbox', 'pyglet', 'torch', 'matplotlib', 'scipy'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_key_that_this_computers_keyboard_lacks_is_refused_before_the_first_image(
    plan: Plan, refuses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard = ModuleType("psychopy.hardware.keyboard")
    keyboard.Keyboard, keyboard.keyNames = None, {1: "left", 2: "right"}  # type: ignore[attr-defined]
    for name, module in (("psychtoolbox", ModuleType("psychtoolbox")), (keyboard.__name__, keyboard)):
        monkeypatch.setitem(sys.modules, name, module)
    for above in ("psychopy", "psychopy.hardware"):
        monkeypatch.setitem(sys.modules, above, ModuleType(above))
    with refuses("no-such-key") as caught:
        HumanResponder(plan.model_copy(update={"keys": {"real": "left", "generated": "rshift"}}), HeadlessScreen())
    assert "'rshift'" in str(caught.value)
