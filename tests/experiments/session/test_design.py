from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.files import sha256
from data.kinds.registry import find
from data.plan import Plan, read_plan, write_plan
from data.study import SessionLayout, Study, StudyFile
from data.task import Task, read_task, shipped_tasks
from experiments.session.design import EarlierParticipants, draw_plan, retest_plan
from stimuli.sets import StimulusSet

REALFAKE = read_task(shipped_tasks()["realfake"])


def longest_run(truths: Sequence[str]) -> int:
    return max(len(list(run)) for _, run in groupby(truths))


def a_set(main: int, practice: int = 0, catch: int = 0) -> StimulusSet:
    """A set's table without its images, which a plan does not look at."""
    kinds = [("real", "main"), ("generated", "main")] * (main // 2) + [
        ("real", "practice"),
        ("generated", "practice"),
    ] * (practice // 2)
    kinds += [("generated", "catch")] * catch
    rows = [
        {"stimulus_id": f"s{n:04d}", "file": f"images/s{n:04d}.png", "truth": t, "role": r, "sha256": f"{n:064x}"}
        for n, (t, r) in enumerate(kinds)
    ]
    return StimulusSet(Path("a-set"), pd.DataFrame(rows), {}, "f" * 64)


def a_study(task: dict[str, object] | None = None, **plan: object) -> StudyFile:
    study = Study(name="A study", planned_participants=6, plan=SessionLayout.model_validate(plan))
    file = replace(REALFAKE, task=Task.model_validate({**REALFAKE.task.model_dump(), **(task or {})}))
    return StudyFile(study, Path("study.toml"), "e" * 64, file)


LAYOUTS = st.fixed_dictionaries(
    {
        "trials": st.integers(1, 30).map(lambda half: 2 * half),
        "practice_trials": st.integers(0, 6),
        "catch_trials": st.integers(0, 4),
        "max_run": st.none() | st.integers(3, 6),
    }
)


@given(LAYOUTS, st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_a_plan_is_balanced_and_in_its_parts(layout: dict[str, int | None], seed: int) -> None:
    plan = draw_plan(a_set(70, 8, 5), a_study(**layout), "p1", 1, seed)
    roles = [trial.role for trial in plan.trials]
    practice = layout["practice_trials"]
    assert roles[:practice] == ["practice"] * practice
    assert Counter(roles[practice:]) == Counter(main=layout["trials"], catch=layout["catch_trials"])
    truths = Counter(trial.truth for trial in plan.trials if trial.role == "main")
    assert truths["real"] == truths["generated"] == layout["trials"] // 2
    assert len({trial.stimulus_id for trial in plan.trials}) == len(plan.trials)
    assert plan.trials[practice or 0].role == "main"  # a catch trial never comes first
    if layout["max_run"] is not None:
        assert longest_run([trial.truth for trial in plan.trials[practice:]]) <= layout["max_run"]


@given(st.integers(0, 2**31), st.none() | st.integers(2, 4))
@settings(max_examples=10, deadline=None)
def test_a_seed_fixes_the_plan_and_another_changes_it(seed: int, max_run: int | None) -> None:
    arguments = a_set(60), a_study(trials=40, max_run=max_run), "p1", 1
    assert draw_plan(*arguments, seed) == draw_plan(*arguments, seed)
    assert draw_plan(*arguments, seed).trials != draw_plan(*arguments, seed + 1).trials


@given(st.integers(0, 2**31), st.integers(0, 2**31), st.none() | st.integers(2, 4))
@settings(max_examples=15, deadline=None)
def test_a_retest_shows_the_same_images_in_another_order(seed: int, later: int, max_run: int | None) -> None:
    first = draw_plan(a_set(60, 4, 2), a_study(trials=40, practice_trials=4, max_run=max_run), "p1", 1, seed)
    for retest_seed in (later, seed):  # session 1's own seed gives another order too
        retest = retest_plan(first, 2, retest_seed)
        assert {t.stimulus_id: t.sha256 for t in retest.trials} == {t.stimulus_id: t.sha256 for t in first.trials}
        assert [t.stimulus_id for t in retest.trials] != [t.stimulus_id for t in first.trials]
        assert [t.trial for t in retest.trials] == [t.trial for t in first.trials]
        assert [t.role for t in retest.trials[:4]] == ["practice"] * 4
        assert (retest.session, retest.seed, retest.keys) == (2, retest_seed, first.keys)
        if max_run is not None:
            assert longest_run([t.truth for t in retest.trials[4:]]) <= max_run


def test_an_impossible_order_is_refused(refuses: Any) -> None:
    with refuses("no-order") as caught:
        draw_plan(a_set(2, 0, 5), a_study(trials=2, catch_trials=5, max_run=2), "p1", 1, 0)
    assert re.search("1 real and 6 generated images .* at most 2; raise max_run", str(caught.value))


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"trials": 24}, r"a-set: needs 12 real main images, the set has 10: .* lower trials in study\.toml"),
        ({"trials": 20, "practice_trials": 6}, r"needs 3 real practice images, the set has 2: .* practice_trials"),
        ({"trials": 20, "catch_trials": 2}, r"needs 2 generated catch images, the set has 1: .* catch_trials"),
    ],
)
def test_too_small_a_set_is_refused(refuses: Any, layout: dict[str, int], message: str) -> None:
    with refuses("set-too-small") as caught:
        draw_plan(a_set(20, 4, 1), a_study(**layout), "p1", 1, 0)
    assert re.search(message, str(caught.value))


def test_a_written_plan_reads_back_and_hashes_as_its_file(tmp_path: Path) -> None:
    plan = draw_plan(a_set(20), a_study(trials=20, told_prevalence=0.3, max_run=3), "p1", 1, 7)
    write_plan(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    assert sha256(tmp_path / "plan.json") == plan.sha256


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"seed": 7', '"seed": "7"', "seed"),
        ('"trial": 2,', '"trial": 3,', "not numbered"),
        ('"session"', '"sesion"', "session"),
        ('"truth": "real"', '"truth": "fake"', r"trials\.\d+\.truth"),
        ("}\n", "", "Invalid JSON"),
    ],
)
def test_a_spoilt_plan_is_refused(refuses: Any, tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, draw_plan(a_set(20), a_study(trials=20), "p1", 1, 7))
    text = path.read_text(encoding="utf-8")
    head, found, tail = text.rpartition(before) if before == "}\n" else text.partition(before)
    assert found
    path.write_text(head + after + tail, encoding="utf-8")
    with refuses("damaged-file") as caught:
        read_plan(path)
    assert re.search(rf"{path}: .*{message}", str(caught.value))
    with refuses("no-such-file"):
        read_plan(tmp_path / "none.json")


def test_a_plan_from_before_tasks_reads_and_keeps_its_hash(tmp_path: Path) -> None:
    """Written by the version before; its record names this hash."""
    path = tmp_path / "plan.json"
    path.write_text(OLD_PLAN, encoding="utf-8")
    plan = read_plan(path)
    assert plan.sha256 == sha256(path)
    assert (plan.kind, plan.keys, plan.trials[0].block) == ("realfake", {"real": "left", "generated": "right"}, 1)


OLD_PLAN = """{
  "format": "lookalike-plan/1",
  "participant": "p1",
  "session": 1,
  "task": "realfake",
  "seed": 7,
  "study_name": "A study",
  "study_sha256": "e",
  "stimulus_set_sha256": "f",
  "confidence_levels": 4,
  "told_prevalence": 0.5,
  "max_run": null,
  "keys": {
    "real": "left",
    "generated": "right"
  },
  "versions": {
    "lookalike": "0.1.0"
  },
  "trials": [
    {
      "trial": 1,
      "stimulus_id": "s0001",
      "file": "images/s0001.png",
      "truth": "real",
      "role": "main",
      "sha256": "0"
    }
  ]
}
"""


def test_keys_are_counterbalanced_by_who_came_before() -> None:
    counts = [(0, 0), (1, 0), (2, 1), (3, 1), (5, 1), (5, 4)]
    plans = [draw_plan(a_set(20), a_study(trials=20), "p1", 1, 0, EarlierParticipants(*pair)) for pair in counts]
    straight, turned = {"real": "left", "generated": "right"}, {"real": "right", "generated": "left"}
    assert [plan.keys for plan in plans] == [straight, turned, straight, turned, turned, straight]
    assert [(plan.participants_before, plan.turned_before) for plan in plans[2:]] == [(2, 1), (3, 1), (5, 1), (5, 4)]
    assert retest_plan(plans[1], 2, 5).keys == turned
    fixed = a_study({"counterbalance_keys": False}, trials=20)
    assert draw_plan(a_set(20), fixed, "p1", 1, 0, EarlierParticipants(1)).keys == straight


def shown(plan: Plan, role: str = "main") -> set[str]:
    return {trial.stimulus_id for trial in plan.trials if trial.role == role}


def test_shared_images_are_the_same_for_everyone_whatever_the_seed() -> None:
    plans = [draw_plan(a_set(60, 4), a_study(trials=20, practice_trials=2), "p1", 1, seed) for seed in range(5)]
    assert len({frozenset(shown(plan)) for plan in plans}) == 1
    assert len({tuple(trial.stimulus_id for trial in plan.trials) for plan in plans}) == 5


def test_own_images_are_seen_by_nobody_else_until_there_are_none_left(refuses: Any) -> None:
    study, seen = a_study({"images": "own"}, trials=20, practice_trials=2), frozenset[str]()
    for participant in range(3):
        plan = draw_plan(a_set(60, 2), study, "p1", 1, participant, EarlierParticipants(participant, seen=seen))
        assert not shown(plan) & seen
        assert len(shown(plan, "practice")) == 2  # practice images may be anybody's
        seen |= shown(plan)
    with refuses("set-too-small") as caught:
        draw_plan(a_set(60, 2), study, "p1", 1, 9, EarlierParticipants(3, seen=seen))
    assert re.search("needs 10 real main images, the set has 0 ", str(caught.value))


def test_blocks_are_of_about_equal_length_and_in_order() -> None:
    plan = draw_plan(a_set(60, 4, 3), a_study({"blocks": 4}, trials=40, practice_trials=4, catch_trials=3), "p1", 1, 0)
    blocks = [trial.block for trial in plan.trials if trial.role != "practice"]
    assert blocks == [1] * 11 + [2] * 11 + [3] * 11 + [4] * 10
    assert [trial.block for trial in retest_plan(plan, 2, 5).trials if trial.role != "practice"] == blocks


@pytest.mark.parametrize("kind", ["two_alternative", "same_different"])
@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_balanced_and_show_no_image_twice(kind: str, seed: int) -> None:
    study = a_study({"kind": kind, "keys": {}}, trials=26, practice_trials=3, catch_trials=3, max_run=3)
    plan = draw_plan(a_set(80, 12, 3), study, "p1", 1, seed)
    main = [trial for trial in plan.trials if trial.role == "main"]
    truths = [find(kind).truth(trial) for trial in plan.trials if trial.role != "practice"]
    assert len(plan.trials) == 32  # and no image twice, which every plan checks for itself
    assert sorted(Counter(find(kind).truth(trial) for trial in main).values()) == [13, 13]
    assert longest_run(truths) <= 3
    for trial in plan.trials:
        assert trial.right is not None
        pair = {trial.truth, trial.right.truth}
        if kind == "two_alternative" or trial.role == "catch":
            assert pair == {"real", "generated"}
        elif find(kind).truth(trial) == "same":
            assert len(pair) == 1
    kinds = Counter(trial.truth for trial in main if trial.right is not None and trial.right.truth == trial.truth)
    assert kind == "two_alternative" or sorted(kinds.values()) == [6, 7]


def test_the_generated_image_is_on_the_left_in_half_and_catch_pairs_on_either_side() -> None:
    study = a_study({"kind": "two_alternative", "keys": {}}, trials=20, catch_trials=4)
    for seed in range(5):
        plan = draw_plan(a_set(60, 0, 4), study, "p1", 1, seed)
        sides = Counter(trial.truth for trial in plan.trials if trial.role == "catch")
        assert sorted(sides.values()) == [2, 2]


def test_a_retest_of_some_trials_shows_only_those() -> None:
    first = draw_plan(a_set(60, 4), a_study({"blocks": 3}, trials=20, practice_trials=4), "p1", 1, 0)
    some = frozenset(trial.trial for trial in first.trials[:9])
    again = retest_plan(first, 2, 3, some)
    assert shown(again) == {trial.stimulus_id for trial in first.trials[4:9]}
    assert shown(again, "practice") == shown(first, "practice")
