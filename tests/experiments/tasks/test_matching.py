"""The matching task without a window: plans, sessions, resumes, retests, tables."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.circle import derivative_of_gaussian, wrap
from data.plan import read_plan, write_plan
from data.record import read_record
from data.simulated.adjuster import SimulatedAdjuster
from data.study import StudyFile, read_study
from experiments.session.design import draw_plan
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import SessionResult, Setup
from experiments.tasks.instructions import instructions
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet

MakeLoops = Callable[..., LoopSet]
MakeStudy = Callable[..., StudyFile]


@pytest.fixture(scope="module")
def loops(make_loops: MakeLoops) -> LoopSet:
    """Two loops, of 24 and of 36 frames, and one to practise on."""
    return make_loops(a=24, b=36, practice=12)


def simulated(**known: Any) -> Setup:
    return Setup("simulated", window=False, adjuster=SimulatedAdjuster(**known))


def table_of(result: SessionResult) -> pd.DataFrame:
    return pd.read_csv(result.table, sep="\t", na_values="n/a", keep_default_na=False)


def test_a_plan_shares_trials_out_spreads_targets_and_comes_from_the_seed(
    loops: LoopSet, matching_study: MakeStudy, tmp_path: Path
) -> None:
    study = matching_study(trials=49, practice_trials=3, blocks=2, min_start_deg=40, delay_s=0.5)
    plan = draw_plan(loops, study, "p1", 1, 7)
    assert plan == draw_plan(loops, study, "p1", 1, 7)
    assert plan.trials != draw_plan(loops, study, "p1", 1, 8).trials
    main = [trial for trial in plan.trials if trial.role == "main"]
    assert sorted(Counter(trial.need_match().loop for trial in main).values()) == [24, 25]
    assert [trial.role for trial in plan.trials[:3]] == ["practice"] * 3
    assert {trial.need_match().loop for trial in plan.trials[:3]} == {"practice"}
    # The trials of a loop stand together, in two blocks each.
    of_block = [{trial.need_match().loop for trial in main if trial.block == block} for block in (1, 2, 3, 4)]
    assert of_block in ([{"a"}, {"a"}, {"b"}, {"b"}], [{"b"}, {"b"}, {"a"}, {"a"}])
    assert [trial.block for trial in main] == sorted(trial.block for trial in main)
    for trial in plan.trials:
        match = trial.need_match()
        ids, positions = loops.ids(match.loop), loops.positions(match.loop)
        assert positions[ids.index(trial.stimulus_id)] == match.target_deg
        assert positions[ids.index(match.start_id)] == match.start_deg
        assert abs(wrap(match.start_deg - match.target_deg)) >= 40
    for name, of_loop in Counter(trial.need_match().loop for trial in main).items():
        targets = [trial.need_match().target_deg for trial in main if trial.need_match().loop == name]
        assert np.ptp(np.histogram(targets, 4, (0, 360))[0]) <= 3, of_loop
    assert len({trial.need_match().ring_deg for trial in plan.trials}) == 52
    write_plan(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    assert (plan.min_start_deg, plan.delay_s) == (40, 0.5)


def test_practice_has_a_loop_of_its_own(make_loops: MakeLoops, matching_study: MakeStudy, refuses: Any) -> None:
    with refuses("no-practice-loop"):
        draw_plan(make_loops(a=24), matching_study(practice_trials=2), "p1", 1, 7)
    with refuses("no-main-loop"):
        draw_plan(make_loops(practice=24), matching_study(practice_trials=0), "p1", 1, 7)
    plan = draw_plan(make_loops(a=24, practice=24), matching_study(practice_trials=0), "p1", 1, 7)
    assert {trial.need_match().loop for trial in plan.trials} == {"a"}


def test_participants_get_other_targets_and_orders_of_loops(loops: LoopSet, matching_study: MakeStudy) -> None:
    plans = [draw_plan(loops, matching_study(), "p1", 1, seed) for seed in range(20)]
    assert len({plan.trials[0].need_match().loop for plan in plans}) == 2
    assert len({tuple(sorted(trial.need_match().target_deg for trial in plan.trials)) for plan in plans}) == 20


def test_a_simulated_session_is_recorded_and_its_table_follows_from_it(
    loops: LoopSet, matching_study: MakeStudy, tmp_path: Path
) -> None:
    study = matching_study(trials=24, practice_trials=2, blocks=2, mask_s=0.2, delay_s=0.4)
    result = run_first_session(loops.folder, tmp_path, "p1", study.path, 3, simulated(noise_deg=10, lapse=0.2))
    assert (result.complete, result.answered) == (True, 26)
    plan, log = read_plan(result.folder / "plan.json"), read_record(result.folder / "record.jsonl")
    table = table_of(result)
    assert "_task-turn_beh" in result.table.name
    assert not {"confidence", "confidence_time", "key_mapping", "truth"} & set(table.columns)
    np.testing.assert_allclose(table["target_deg"], [trial.need_match().target_deg for trial in plan.trials])
    np.testing.assert_allclose(table["start_deg"], [trial.need_match().start_deg for trial in plan.trials])
    np.testing.assert_allclose(table["response_deg"], [event["response"] for event in log.of("answer")])
    # A frame was confirmed, not a place between two.
    for loop, rows in table.groupby("loop"):
        assert set(np.round(rows["response_deg"], 5)) <= set(np.round(loops.positions(str(loop)), 5))
    error = table["response_deg"] - table["target_deg"]
    np.testing.assert_allclose(np.cos(np.radians(error)), np.cos(np.radians(table["error_deg"])), atol=1e-6)
    assert table["error_deg"].between(-180, 179.999999).all()
    # Exposure, mask and delay, to within the frames that their flips take.
    assert (table["adjust_onset"] - table["onset"]).between(0.7 - 2 / 60, 0.7 + 4 / 60).all()
    ends = (table["adjust_onset"] + table["response_time"]).to_numpy()
    assert (table["onset"].to_numpy()[1:] > ends[:-1] - 1e-6).all()
    sidecar = json.loads(result.table.with_suffix(".json").read_text())
    assert sidecar["error_deg"]["Units"] == "deg"
    assert set(sidecar["after_gap"]["Levels"]) == {"no", "break", "resume", "resume-seen"}
    assert set(table.columns) <= set(sidecar)


def test_previous_trials_stand_beside_each_where_they_can_have_carried_over(
    loops: LoopSet, matching_study: MakeStudy, tmp_path: Path
) -> None:
    study = matching_study(trials=16, practice_trials=2, blocks=2)
    table = table_of(run_first_session(loops.folder, tmp_path, "p1", study.path, 3, simulated()))
    starts = table.index[(table["block"] != table["block"].shift()) | (table["role"] == "practice")]
    alone = sorted({*starts, 0})
    main = table[table["role"] == "main"]
    assert main["after_gap"].tolist()[4::4] == ["break"] * 3
    assert (main["after_gap"] == "break").sum() == 3
    first = [2, 6, 10, 14]  # of each block, after two practice trials
    assert set(first) <= set(alone)
    assert (
        table.loc[first, ["previous_target_deg", "previous_response_deg", "previous_difference_deg"]].isna().all().all()
    )
    later = [row for row in range(2, 18) if row not in first]
    for row in later:
        before, now = table.loc[row - 1], table.loc[row]
        assert now["previous_target_deg"] == before["target_deg"]
        assert now["previous_response_deg"] == before["response_deg"]
        expected = float(wrap(before["target_deg"] - now["target_deg"]))
        assert now["previous_difference_deg"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_nothing_carries_over_a_gap_and_each_error_is_the_curve_at_the_difference(
    make_loops: MakeLoops, matching_study: MakeStudy, tmp_path: Path
) -> None:
    fine = make_loops(size=(2, 2), a=360, b=360, practice=360)
    study = matching_study(trials=40, practice_trials=4, blocks=2, min_start_deg=0)
    certain = simulated(noise_deg=0, serial_deg=8, serial_width_deg=40)

    def stop(done: int, _total: int) -> None:
        if done == 17:
            raise KeyboardInterrupt

    run_first_session(fine.folder, tmp_path, "p1", study.path, 3, certain, stop)
    table = table_of(run_first_session(fine.folder, tmp_path, "p1", setup=certain, say=lambda _: None))[4:]
    alone = table["previous_difference_deg"].isna()
    assert table["trial"][alone].tolist() == [5, 15, 18, 25, 35]
    assert (table["error_deg"][alone] == 0).all()
    curve = derivative_of_gaussian(table["previous_difference_deg"][~alone], 8, 40)
    assert np.abs(table["error_deg"][~alone] - curve).max() <= 0.5 + 1e-6
    assert table["error_deg"].abs().max() > 5


@pytest.mark.slow
def test_a_session_that_was_killed_goes_on_and_says_so(
    loops: LoopSet, matching_study: MakeStudy, tmp_path: Path, paused: Callable[..., Any]
) -> None:
    study = matching_study(trials=10, delay_s=0.5)
    with paused(loops.folder, tmp_path, study.path, 4) as process:
        process.kill()
        process.wait()
    result = run_first_session(loops.folder, tmp_path, "p1", setup=simulated(), say=lambda _: None)
    assert (result.complete, result.answered) == (True, 10)
    table = table_of(result)
    assert table["after_gap"].tolist().count("resume") == 1
    gap = table.loc[4]
    assert gap["after_gap"] == "resume"
    assert np.isnan(gap["previous_target_deg"])
    assert table.loc[1, "previous_target_deg"] == table.loc[0, "target_deg"]
    ends = (table["adjust_onset"] + table["response_time"]).to_numpy()
    assert (table["onset"].to_numpy()[1:] >= ends[:-1]).all()


def test_a_table_exported_halfway_is_replaced_when_the_session_is_done(
    make_loops: MakeLoops, matching_study: MakeStudy, tmp_path: Path
) -> None:
    one = make_loops(c=20)
    study = matching_study(trials=10)

    def stop(done: int, _total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    early = run_first_session(one.folder, tmp_path, "p1", study.path, 3, simulated(), stop)
    assert (early.complete, early.answered) == (False, 6)
    half = table_of(early)
    assert half["response_deg"].notna().tolist() == [True] * 6 + [False] * 4
    done = run_first_session(one.folder, tmp_path, "p1", setup=simulated(), say=lambda _: None)
    assert done.complete
    pd.testing.assert_frame_equal(table_of(done)[:6], half[:6], check_dtype=False)


def test_a_retest_asks_for_the_same_matches_in_another_order(
    loops: LoopSet, matching_study: MakeStudy, tmp_path: Path
) -> None:
    study = matching_study(trials=20, blocks=2)
    first = run_first_session(loops.folder, tmp_path, "p1", study.path, 3, simulated(seed=5))
    again = run_retest(loops.folder, tmp_path, "p1", 4, simulated(seed=5), say=lambda _: None)
    assert again.complete
    plans = [read_plan(result.folder / "plan.json") for result in (first, again)]
    orders = [[(trial.stimulus_id, trial.need_match().start_id) for trial in plan.trials] for plan in plans]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    assert [trial.block for trial in plans[1].trials] == [trial.block for trial in plans[0].trials]
    for block in (1, 2, 3, 4):
        assert len({trial.need_match().loop for trial in plans[1].trials if trial.block == block}) == 1
    assert instructions(plans[0]) == instructions(plans[1])


def test_a_script_matches_by_trial_and_its_faults_are_named(
    loops: LoopSet, matching_study: MakeStudy, tmp_path: Path, refuses: Any
) -> None:
    study, script = matching_study(trials=4, confidence_levels=3), tmp_path / "script.csv"

    def run(*rows: str) -> SessionResult:
        script.write_text("\n".join(["trial,response_deg,confidence", *rows]) + "\n")
        setup = Setup("scripted", window=False, script=script)
        return run_first_session(loops.folder, tmp_path / "data", "p1", study.path, 3, setup)

    with refuses("out-of-range") as caught:
        run("1,10,1", "2,360,1", "3,0,1", "4,0,1")
    assert "row 3: response_deg is not from 0" in str(caught.value)
    with refuses("out-of-range") as caught:
        run("1,10,4", "2,36,1", "3,0,1", "4,0,1")
    assert "row 2: confidence is not 1 to 3" in str(caught.value)
    with refuses("repeated-answer") as caught:
        run("1,10,1", "1,36,1", "3,0,1", "4,0,1")
    assert "row 2, 3: trial" in str(caught.value)
    with refuses("unanswered-trials") as caught:
        run("1,10,1", "2,36,1")
    assert "no answer for trial 3, 4" in str(caught.value)
    assert not (tmp_path / "data").exists()
    table = table_of(run("1,10,1", "2,36.5,2", "3,0,3", "4,359.9,1"))
    assert table["response_deg"].tolist() == [10, 36.5, 0, 359.9]
    assert table["confidence"].tolist() == [1, 2, 3, 1]
    assert table["response_time"].isna().all()


def test_images_and_task_must_fit(
    loops: LoopSet,
    small_set: StimulusSet,
    matching_study: MakeStudy,
    make_study: MakeStudy,
    tmp_path: Path,
    refuses: Any,
) -> None:
    with refuses("stimuli-mismatch") as caught:
        run_first_session(small_set.folder, tmp_path, "p1", matching_study().path, 3, simulated())
    assert "a stimulus set, but the task" in str(caught.value)
    with refuses("stimuli-mismatch"):
        run_first_session(loops.folder, tmp_path, "p1", make_study(trials=4).path, 3, simulated())
    own = Path(shutil.copytree(loops.folder, tmp_path / "loops"))
    (own / "a" / "frame-003.png").write_bytes(b"")
    with refuses("altered-file") as caught:
        run_first_session(own, tmp_path / "data", "p1", matching_study().path, 3, simulated())
    assert "frame-003.png" in str(caught.value)


def test_a_retest_with_other_loops_is_refused(
    loops: LoopSet, make_loops: MakeLoops, matching_study: MakeStudy, tmp_path: Path, refuses: Any
) -> None:
    run_first_session(loops.folder, tmp_path, "p1", matching_study().path, 3, simulated())
    with refuses("other-set"):
        run_retest(make_loops(a=24, b=30).folder, tmp_path, "p1", 4, simulated())


def test_the_shipped_task_runs_and_its_instructions_say_how(loops: LoopSet, tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text('name = "A"\ntask = "matching"\nplanned_participants = 6\n')
    plan = draw_plan(loops, read_study(study), "p1", 1, 3)
    assert len(plan.trials) == 120
    said = instructions(plan)
    for word in ("mouse wheel", "arrow keys", "ring", "SPACE or ENTER", "click", "ESC"):
        assert word in said
    assert "how sure" not in said
    asks = plan.model_copy(update={"confidence_levels": 4})
    assert "how sure" in instructions(asks)


@pytest.mark.slow
def test_the_table_passes_the_bids_validator(
    loops: LoopSet, matching_study: MakeStudy, tmp_path: Path, bids_validator: str
) -> None:
    stimuli = Path(shutil.copytree(loops.folder, tmp_path / "data" / "stimuli"))
    study = matching_study(practice_trials=2, confidence_levels=4)
    run_first_session(stimuli, tmp_path / "data", "p1", study.path, 3, simulated())
    found = subprocess.run(
        [bids_validator, str(tmp_path / "data"), "--format", "json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(found.stdout)["issues"]["issues"]
    codes = {issue["code"] for issue in issues}
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert found.returncode == 0
    assert "TSV_ADDITIONAL_COLUMNS_UNDEFINED" not in codes
