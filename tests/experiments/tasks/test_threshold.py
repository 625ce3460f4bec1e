"""The threshold task: what its plan fixes, what its table says, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data.bids import read_sidecar
from data.kinds.registry import find
from data.plan import read_plan
from data.record import read_record
from data.simulated.detector import SimulatedDetector
from data.simulated.psychometric import posterior
from data.study import StudyFile
from experiments.session.design import draw_plan
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from stimuli.sets import StimulusSet, read_set

SETUP = Setup("simulated", window=False, detector=SimulatedDetector(threshold=0.03, seed=2))
LEVELS = [0.01, 0.02, 0.04, 0.08]


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> StudyFile:
    return make_study(task={"blocks": 2, "confidence_levels": 0}, kind="threshold", trials=20, practice_trials=2)


def test_a_plan_has_a_real_image_for_each_trial_and_all_fakes_by_level(
    make_graded: Callable[..., StimulusSet], study: StudyFile
) -> None:
    stimuli = make_graded()
    plan = draw_plan(stimuli, study, "p1", 1, 7)
    main = [trial for trial in plan.trials if trial.role == "main"]
    assert [trial.truth for trial in plan.trials] == ["real"] * 22
    assert sum(trial.fake_on == "left" for trial in main) == 10
    assert all(trial.fake is None and trial.level is None for trial in main)
    assert all(trial.fake is not None and trial.level is None for trial in plan.practice)
    assert plan.grades is not None
    assert [grade.level for grade in plan.grades] == LEVELS
    for grade in plan.grades:
        names = {image.stimulus_id for image in grade.images}
        table = stimuli.table
        assert names == set(table["stimulus_id"][(table["level"] == grade.level) & (table["role"] == "main")])
    other = draw_plan(stimuli, study, "p2", 1, 8)
    assert [grade.images for grade in other.grades or ()] != [grade.images for grade in plan.grades]


def test_a_session_says_which_fake_was_shown_and_what_its_answers_mean(
    make_graded: Callable[..., StimulusSet], study: StudyFile, tmp_path: Path
) -> None:
    result = run_first_session(make_graded().folder, tmp_path, "sim1", study.path, 7, SETUP)
    assert result.complete
    table = pd.read_csv(result.table, sep="\t", na_values="n/a")
    main = table[table["role"] == "main"]
    level_of = make_graded().table.set_index("stimulus_id")["level"]
    assert main["level"].tolist() == level_of[main["fake_id"]].tolist()
    assert main["fake_id"].is_unique
    assert not set(main["fake_id"]) & set(main["real_id"])
    assert table["fake_id"].notna().all()
    assert table.loc[table["role"] == "practice", "level"].isna().all()
    correct = (main["response"] == main["truth"]).tolist()
    wanted = posterior(LEVELS, main["level"].tolist(), correct)
    log, sidecar = read_record(result.folder / "record.jsonl"), read_sidecar(result.table)
    (estimate,) = log.of("estimate")
    assert estimate["threshold"] == wanted.threshold.__dict__
    assert sidecar["Estimate"]["threshold"] == estimate["threshold"]
    assert sidecar["Levels"] == LEVELS
    assert [event["event"] for event in log.events[-2:]] == ["estimate", "end"]
    shown = {event["trial"]: event["fake_id"] for event in log.of("onset")}
    assert shown == dict(zip(table["trial"], table["fake_id"], strict=True))


def test_a_retest_chooses_anew_among_the_same_images(
    make_graded: Callable[..., StimulusSet], study: StudyFile, tmp_path: Path
) -> None:
    first = run_first_session(make_graded().folder, tmp_path, "sim1", study.path, 7, SETUP)
    later = run_retest(make_graded().folder, tmp_path, "sim1", 8, SETUP, early=True)
    plans = [read_plan(one.folder / "plan.json") for one in (first, later)]
    assert later.complete
    assert plans[0].grades == plans[1].grades
    levels = [
        [event["level"] for event in read_record(one.folder / "record.jsonl").of("answer")] for one in (first, later)
    ]
    assert levels[0] != levels[1]


def test_a_set_without_levels_or_with_too_few_fakes_is_refused(
    small_set: StimulusSet, make_graded: Callable[..., StimulusSet], make_study: Callable[..., StudyFile], refuses: Any
) -> None:
    study = make_study(kind="threshold", trials=10)
    with refuses("too-few-levels"):
        draw_plan(small_set, study, "p1", 1, 3)
    with refuses("too-few-levels"):
        draw_plan(make_graded(levels=(0.1, 0.2)), study, "p1", 1, 3)
    with refuses("set-too-small"):
        draw_plan(make_graded(each=2), study, "p1", 1, 3)
    with refuses("set-too-small"):
        draw_plan(make_graded(trials=8), study, "p1", 1, 3)


@pytest.mark.parametrize("level", ["0", "-0.1", "much", "inf"])
def test_a_level_that_is_no_number_above_0_is_refused(
    level: str, make_graded: Callable[..., StimulusSet], tmp_path: Path, refuses: Any
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("stimuli.csv", "stimuli.json"):
        (folder / name).write_bytes((make_graded().folder / name).read_bytes())
    table = pd.read_csv(folder / "stimuli.csv", dtype=str)
    table.loc[3, "level"] = level
    table.to_csv(folder / "stimuli.csv", index=False)
    with refuses("out-of-range") as caught:
        read_set(folder)
    assert "row 5" in str(caught.value)


@pytest.mark.parametrize("setting", [{"images": "own"}, {"catch_trials": 2}, {"confidence_levels": 1}, {"trials": 9}])
def test_settings_without_a_meaning_are_refused(
    setting: dict[str, object], make_study: Callable[..., StudyFile], refuses: Any
) -> None:
    with refuses("bad-setting") as caught:
        make_study(task=setting, kind="threshold")
    assert next(iter(setting)) in str(caught.value)


def test_a_table_with_a_level_that_is_no_number_is_refused(refuses: Any) -> None:
    row = {
        "trial": 1,
        "role": "main",
        "level": 0.1,
        "truth": "left",
        "response": "left",
        "participant": "p",
        "session": 1,
    }
    table = pd.DataFrame([row, {**row, "trial": 2, "level": "faint"}])
    with refuses("not-a-number"):
        find("threshold").check(table, "table")
    practice = pd.DataFrame([row, {**row, "trial": 2, "level": None, "role": "practice"}])
    assert find("threshold").check(practice, "table")["level"].isna().tolist() == [False, True]


def test_a_script_without_confidence_answers_a_task_that_asks_for_none(
    make_graded: Callable[..., StimulusSet], study: StudyFile, tmp_path: Path
) -> None:
    script = tmp_path / "script.csv"
    script.write_text("trial,response\n" + "".join(f"{n},left\n" for n in range(1, 23)), encoding="utf-8")
    setup = Setup("scripted", window=False, script=script)
    result = run_first_session(make_graded().folder, tmp_path / "data", "p1", study.path, 7, setup)
    answers = read_record(result.folder / "record.jsonl").of("answer")
    assert {(event["response"], event["confidence"]) for event in answers} == {("left", None)}
    assert json.loads(result.table.with_suffix(".json").read_text())["ConfidenceLevels"] == 0
