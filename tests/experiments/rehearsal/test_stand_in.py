"""Who answers in a rehearsal presses the keys that say what the simulated observer means, slips included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.bids import RECORD
from data.record import read_record
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records.record import Record, create_session
from experiments.rehearsal.stand_in import stand_in
from experiments.screen import HeadlessScreen
from experiments.session.design import draw_plan
from experiments.session.loop import run_session
from experiments.tasks import human, slips
from experiments.tasks.responders import simulate
from stimuli.sets import StimulusSet

UNDO = {"flow.undo": "backspace"}
FIXATION = {"flow.fixation_s": 2.0}
RATING = {"rating_levels": 6}


class Ticking(HeadlessScreen):
    """A screen whose clock goes on a hundredth of a second with every look at it."""

    def now(self) -> float:
        self._now_s += 0.01
        return self._now_s


@pytest.fixture(autouse=True)
def unseen_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keyboard is opened, nobody waits, and simulated observers slip in half of the trials."""
    monkeypatch.setattr(human, "_open_keyboard", lambda _keys: None)
    monkeypatch.setattr(human.time, "sleep", lambda _s: None)
    monkeypatch.setattr(slips, "SLIPS", 1 / 2)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("task", "taken_back"),
    [
        ({}, ()),
        (RATING, ()),
        ({**UNDO, "flow.touch": True}, ("undone",)),
        ({**UNDO, **FIXATION, "flow.timeout_s": 4.0}, ("undo",)),
        ({**UNDO, **FIXATION, **RATING, "flow.touch": True}, ("undo",)),
    ],
)
def test_answers_are_those_of_the_simulated_observer(
    small_set: StimulusSet,
    make_study: Callable[..., StudyFile],
    tmp_path: Path,
    task: dict[str, Any],
    taken_back: tuple[str, ...],
    seed: int,
) -> None:
    plan = draw_plan(small_set, make_study(task=task, trials=12), "p1", 1, 3)
    if seed == 2:  # as every other participant: the keys, or the scale, the other way round
        plan = plan.model_copy(update={"keys": dict(zip(plan.keys, reversed(plan.keys.values()), strict=True))})
    screen, folder = Ticking(), create_session(tmp_path, plan)
    with Record(folder) as record:
        run_session(plan, small_set, screen, stand_in(plan, screen, small_set), record)
    log, meant = read_record(folder / RECORD), simulate(Observer(), plan)
    said = {event["trial"]: (event["response"], event["confidence"]) for event in log.of("answer")}
    wanted = {trial.trial: meant.judge(trial) for trial in plan.trials}  # type: ignore[attr-defined]
    assert said == {trial: (one.response, one.confidence) for trial, one in wanted.items()}
    slipped = {trial.trial for trial in plan.trials if meant.slip(trial, wanted[trial.trial])}  # type: ignore[attr-defined]
    undone = {
        "undo": {event["trial"] for event in log.of("undo")},
        "undone": {event["trial"] for event in log.of("answer") if event.get("undone")},
    }
    assert undone == {name: slipped if name in taken_back else set() for name in undone}
    assert bool(slipped) == bool(taken_back)


def test_in_an_adaptive_task_too(
    make_graded: Callable[..., StimulusSet], make_study: Callable[..., StudyFile], tmp_path: Path
) -> None:
    stimuli = make_graded(trials=12, each=3)
    study = make_study(kind="threshold", task={**UNDO, **FIXATION, "confidence_levels": 0}, trials=12)
    plan = draw_plan(stimuli, study, "p1", 1, 3)
    screen, folder = Ticking(), create_session(tmp_path, plan)
    with Record(folder) as record:
        run_session(plan, stimuli, screen, stand_in(plan, screen, stimuli), record)
    log = read_record(folder / RECORD)
    said = {event["trial"]: (event["fake_id"], event["response"]) for event in log.of("answer")}
    undone = {event["trial"]: (event["fake_id"], event["response"]) for event in log.of("undone")}
    assert sorted(said) == list(range(1, 13))
    assert undone
    for trial, (fake, response) in undone.items():
        assert fake == said[trial][0]
        assert response != said[trial][1]
