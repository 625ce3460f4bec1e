from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from data.errors import LookalikeError
from data.observers import Observer
from data.study import StudyFile
from experiments import responder
from experiments.design import Plan, draw_plan
from experiments.display import HeadlessScreen
from experiments.responder import KeyboardResponder, SessionAborted, read_script, simulate
from stimuli.sets import StimulusSet


@pytest.fixture
def plan(small_set: StimulusSet, make_study: Callable[..., StudyFile]) -> Plan:
    return draw_plan(small_set, make_study(trials=20, confidence_levels=4), "p1", 1, 0)


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
            given = scripted.answer(trial, 0.0)
            assert (given.response, given.confidence) == (response, int(confidence))
            assert given.response_time is given.confidence_time is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (None, r"no answer for trial 2 of the plan"),
        (["", "real", "1"], r"row 3: stimulus_id is missing"),
        (["x", "Real", "1"], r"row 3: response is none of real, generated"),
        (["x", "real", "5"], r"row 3: confidence is not 1 to 4"),
        (["x", "real", "2.5"], r"row 3: confidence is not 1 to 4"),
        (["x", "real", "sure"], r"row 3: confidence is not 1 to 4"),
    ],
)
def test_a_faulty_script_is_refused_by_row(plan: Plan, tmp_path: Path, row: list[str] | None, message: str) -> None:
    script = rows(plan)
    script[1:2] = [] if row is None else [row]
    path = write_script(tmp_path / "script.csv", script)
    with pytest.raises(LookalikeError, match=message) as caught:
        read_script(path, plan)
    assert str(path) in str(caught.value)


def test_a_script_that_answers_twice_or_names_nothing_is_refused(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(LookalikeError, match=r"row 2, 22: stimulus_id is answered twice"):
        read_script(write_script(tmp_path / "a.csv", [*rows(plan), rows(plan)[0]]), plan)
    with pytest.raises(LookalikeError, match=r"column stimulus_id or trial is missing"):
        read_script(write_script(tmp_path / "b.csv", rows(plan), "image,response,confidence"), plan)
    with pytest.raises(LookalikeError, match=r"none\.csv: no such file"):
        read_script(tmp_path / "none.csv", plan)


def test_a_simulated_observer_needs_the_studys_confidence_scale(plan: Plan) -> None:
    with pytest.raises(LookalikeError, match="has 3 confidence levels, the study 4"):
        simulate(Observer(confidence_cuts=(0.5, 1.0)), plan)
    own = Observer(confidence_cuts=(0.5, 1.0, 1.1))
    assert simulate(own, plan).observer == own


@pytest.mark.parametrize("levels", range(2, 10))
def test_a_simulated_observer_uses_as_many_confidence_levels_as_the_study_has(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], levels: int
) -> None:
    plan = draw_plan(small_set, make_study(trials=20, confidence_levels=levels), "p1", 1, 0)
    observer = simulate(Observer(dprime=1, seed=2), plan).observer
    said = {observer.judge(f"s{number}", "real", 1).confidence for number in range(300)}
    assert said == set(range(1, levels + 1))
    assert (observer.dprime, observer.seed) == (1, 2)


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
def seated(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Callable[..., KeyboardResponder]:
    def sit(*batches: list[Key]) -> KeyboardResponder:
        monkeypatch.setattr(responder, "_open_keyboard", lambda: Keyboard(*batches))
        return KeyboardResponder(plan, HeadlessScreen())

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
    seated: Callable[..., KeyboardResponder], plan: Plan, batches: list[list[Key]]
) -> None:
    given = seated(*batches).answer(plan.trials[0], onset=1.0)
    assert (given.response, given.confidence) == ("generated", 3)
    assert (given.response_time, given.confidence_time) == (1.0, 0.5)


def test_left_over_keys_do_not_answer_the_next_image(seated: Callable[..., KeyboardResponder], plan: Plan) -> None:
    person = seated(
        [Key(RIGHT, 2.0), Key("3", 2.5), Key(RIGHT, 2.6), Key("4", 2.7)], [], [Key(LEFT, 4.0)], [Key("1", 4.5)]
    )
    person.answer(plan.trials[0], onset=1.0)
    second = person.answer(plan.trials[1], onset=3.0)
    assert (second.response, second.confidence, second.response_time) == ("real", 1, 1.0)


@pytest.mark.parametrize("batches", [[[Key("escape", 2.0)]], [[Key(RIGHT, 2.0)], [Key("escape", 2.5)]]])
def test_escape_stops_at_either_question(
    seated: Callable[..., KeyboardResponder], plan: Plan, batches: list[list[Key]]
) -> None:
    with pytest.raises(SessionAborted):
        seated(*batches).answer(plan.trials[0], onset=1.0)


def test_a_keyboard_that_cannot_be_timed_is_refused(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psychtoolbox", None)  # what a missing libjack does to the import
    with pytest.raises(LookalikeError, match="apt install libjack-jackd2-0"):
        KeyboardResponder(plan, HeadlessScreen())


def test_importing_experiments_loads_neither_psychopy_nor_torch() -> None:
    root = Path(__file__).resolve().parents[2]
    code = (
        f"import sys; sys.path[0] = {str(root)!r}\n"
        "import experiments.realfake, experiments.retest\n"
        "print([name for name in ('psychopy', 'psychtoolbox', 'pyglet', 'torch') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
