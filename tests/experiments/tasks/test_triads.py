"""Triads of a loop: which are drawn, and what their table says."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.kinds.registry import find
from data.plan import Plan
from data.study import StudyFile
from experiments.session.design import draw_plan
from stimuli.loop_set import LoopSet


@pytest.fixture
def plan(make_loops: Callable[..., LoopSet], make_study: Callable[..., StudyFile]) -> Plan:
    study = make_study(task={"blocks": 3, "compared_images": 10}, kind="triads", trials=121, practice_trials=4)
    return draw_plan(make_loops(**{"loop-01": 24, "loop-02": 30, "practice": 12}), study, "p1", 1, 5)


def test_triads_are_shared_out_and_lie_on_even_positions(plan: Plan) -> None:
    main = [trial for trial in plan.trials if trial.role == "main"]
    counts = Counter(trial.need_triad().loop for trial in main)
    assert sorted(counts.values()) == [60, 61]
    assert set(counts) == {"loop-01", "loop-02"}
    assert {trial.need_triad().loop for trial in plan.practice} == {"practice"}
    used = {position for trial in main if trial.need_triad().loop == "loop-02" for position in _degrees(trial)}
    assert len(used) == 10
    assert np.diff(sorted(used)) == pytest.approx([36.0] * 9)


def test_the_outer_images_change_sides_in_half_of_the_trials(plan: Plan) -> None:
    for loop in ("loop-01", "loop-02"):
        triads = [trial.need_triad() for trial in plan.trials if trial.role == "main"]
        before_on_left = [(one.middle_deg - one.left_deg) % 360 < 180 for one in triads if one.loop == loop]
        assert abs(2 * sum(before_on_left) - len(before_on_left)) <= 1


def test_a_trial_shows_its_three_images_from_left_to_right(plan: Plan) -> None:
    for trial in plan.trials:
        triad, row = trial.need_triad(), find("triads").row(trial)
        assert trial.images == (row["left_id"], row["middle_id"], row["right_id"])
        assert len(set(trial.images)) == 3
        assert (row["left_deg"], row["middle_deg"], row["right_deg"]) == _degrees(trial)
        assert 0 < (triad.right_deg - triad.left_deg) % 360 < 360


def test_loops_stand_together_and_have_breaks(plan: Plan) -> None:
    main = [trial for trial in plan.trials if trial.role == "main"]
    loops = [trial.need_triad().loop for trial in main]
    assert sum(one != other for one, other in itertools.pairwise(loops)) == 1
    assert {trial.block for trial in main} == {1, 2, 3, 4, 5, 6}


def test_a_loop_of_too_few_frames_is_refused(
    make_loops: Callable[..., LoopSet], make_study: Callable[..., StudyFile], refuses: Any
) -> None:
    with refuses("set-too-small"):
        draw_plan(make_loops(short=8), make_study(kind="triads", trials=20), "p1", 1, 5)
    with refuses("no-practice-loop"):
        draw_plan(make_loops(long=24), make_study(kind="triads", trials=20, practice_trials=2), "p1", 1, 5)


@pytest.mark.parametrize(
    "setting", [{"exposure_s": 0.5}, {"images": "own"}, {"separation_deg": 3.0}, {"max_run": 3}, {"catch_trials": 2}]
)
def test_settings_without_a_meaning_are_refused(
    setting: dict[str, object], make_study: Callable[..., StudyFile], refuses: Any
) -> None:
    with refuses("bad-setting") as caught:
        make_study(task=setting, kind="triads")
    assert next(iter(setting)) in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [("left_deg", "x", "not-a-number"), ("response", "middle", "unknown-word"), ("loop", None, "missing-value")],
)
def test_a_table_is_checked(column: str, value: object, code: str, refuses: Any) -> None:
    row = {
        "trial": 1,
        "role": "main",
        "loop": "a",
        "left_deg": 0,
        "middle_deg": 30,
        "right_deg": 90,
        "response": "left",
    }
    table = pd.DataFrame([row, {**row, "trial": 2, column: value}]).assign(participant="p", session=1)
    with refuses(code):
        find("triads").check(table.astype(object), str(Path("table")))


def _degrees(trial: Any) -> tuple[float, float, float]:
    triad = trial.need_triad()
    return triad.left_deg, triad.middle_deg, triad.right_deg
