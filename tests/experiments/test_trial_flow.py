"""Whole sessions with fixation, undo, a time limit and ratings in one step: record, table, resuming and analysis."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.trials import load_trials
from data.bids import RECORD, beh_files, read_sidecar, recorded_sessions, session_folder
from data.plan import read_plan
from data.record import read_record
from data.simulated.observers import Observer
from data.study import StudyFile
from data.trials import rating, split_rating
from experiments.records.bids import export_all
from experiments.records.record import is_complete
from experiments.screen import HeadlessScreen
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from experiments.tasks import slips
from stimuli.sets import StimulusSet
from tests.experiments.kills import KILLS, Struck, killed_after, slow_down, stop_at

SETUP = Setup("simulated", window=False, simulated=Observer(dprime=1, seed=2))
FIXATION = {"flow.fixation_s": 0.3, "flow.fixation_longest_s": 0.9}
UNDO = {"flow.undo": "backspace"}
LIMIT = {"flow.timeout_s": 1.5, "flow.missed": "repeat"}
RATING = {"rating_levels": 6}
FLOWS = {
    "fixation": FIXATION,
    "undo": {**FIXATION, **UNDO},
    "undo of ratings": {**FIXATION, **UNDO, **RATING},
    "time limit": {**LIMIT, "blocks": 2},
    "all": {**FIXATION, **UNDO, **LIMIT, **RATING, "blocks": 2},
}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated observers slip in a third of the trials."""
    monkeypatch.setattr(slips, "SLIPS", 1 / 3)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def study_of(make_study: Callable[..., StudyFile], **task: Any) -> Path:
    return make_study(task=task, trials=16, practice_trials=2, catch_trials=1).path


def run(stimuli: StimulusSet, data: Path, study: Path, progress: Any = lambda *_: None) -> Any:
    return run_first_session(stimuli.folder, data, "p1", study, 3, SETUP, progress, say=lambda _: None)


def table_of(data: Path, session: int = 1) -> pd.DataFrame:
    path = next(data.glob(f"sub-p1/ses-{session}/beh/*_beh.tsv"))
    return pd.read_csv(path, sep="\t", na_values="n/a")


def log_of(data: Path, session: int = 1) -> Any:
    return read_record(session_folder(data, "p1", session) / RECORD)


def answers(data: Path) -> dict[int, Any]:
    """What was shown and answered, by trial."""
    table = table_of(data)[["trial", "stimulus_id", "response", "confidence"]].astype(object).fillna("n/a")
    return {row[0]: row[1:] for row in table.itertuples(index=False, name=None)}


def test_the_mark_stands_as_long_as_the_plan_says_and_draws_do_not_change_the_order(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path
) -> None:
    run(small_set, data, study_of(make_study, **FIXATION))
    plan, table = read_plan(session_folder(data, "p1", 1) / "plan.json"), table_of(data)
    wanted = np.array([trial.fixation_s for trial in plan.trials], dtype=float)
    assert len(set(wanted)) == len(wanted)
    assert ((wanted > 0.3) & (wanted < 0.9)).all()
    np.testing.assert_allclose(table["fixation_time"], wanted, atol=1e-6)
    run(small_set, data.parent / "without", study_of(make_study, blocks=1))
    assert table_of(data.parent / "without")["stimulus_id"].tolist() == table["stimulus_id"].tolist()
    run_retest(small_set.folder, data, "p1", 4, SETUP, say=lambda _: None)
    later = read_plan(session_folder(data, "p1", 2) / "plan.json")
    assert [trial.fixation_s for trial in later.trials] != wanted.tolist()
    assert all(trial.fixation_s is not None for trial in later.trials)


@pytest.mark.parametrize("flow", ["undo", "undo of ratings"])
def test_an_answer_taken_back_is_kept_and_the_last_one_counts(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path, flow: str
) -> None:
    result = run(small_set, data, study_of(make_study, **FLOWS[flow]))
    log, table = log_of(data), table_of(data)
    undone = {event["trial"]: event for event in log.of("undone")}
    assert 2 <= len(undone) <= 17
    assert [event["trial"] for event in log.of("undo")] == list(undone)
    final = {event["trial"]: event for event in log.of("answer")}
    assert sorted(final) == list(range(1, 20))
    for trial, event in undone.items():
        assert event["response"] != final[trial]["response"]
        row = table.set_index("trial").loc[trial]
        assert (row["response"], row["first_response"]) == (final[trial]["response"], event["response"])
    assert table["times_undone"].tolist() == [int(trial in undone) for trial in table["trial"]]
    assert (table["first_response"].eq(table["response"]) == table["times_undone"].eq(0)).all()
    for event, time_s in zip(undone.values(), (one["time"] for one in log.of("undo")), strict=True):
        assert time_s > event["onset"] + event["response_time"]
    assert (result.answered, result.complete) == (19, True)
    assert [one.answered for one in recorded_sessions(data)] == [19]
    assert [one.outcome for one in export_all(data)] == ["unchanged"]
    run(small_set, data.parent / "straight", study_of(make_study, **{**FLOWS[flow], "flow.undo": "f1"}))
    measured = load_trials(data, make_study(task=FLOWS[flow], trials=16)).measure
    assert measured["response"].tolist() == table.loc[table["role"] == "main", "response"].tolist()


def test_before_a_confidence_is_given_the_answer_and_the_slip_are_one_event(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path
) -> None:
    run(small_set, data, study_of(make_study, **UNDO))
    log, table = log_of(data), table_of(data).set_index("trial")
    assert log.of("undo") == ()
    slipped = [event for event in log.of("answer") if event.get("undone")]
    assert slipped
    for event in slipped:
        row = table.loc[event["trial"]]
        assert (row["times_undone"], row["first_response"]) == (1, event["undone"][0]["response"])
        assert row["first_response"] != row["response"]


@pytest.mark.parametrize("missed", ["leave", "repeat"])
def test_what_is_not_answered_in_time_is_missing_or_comes_again(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path, missed: str
) -> None:
    study = study_of(make_study, **{**LIMIT, "flow.missed": missed, "blocks": 2})
    result = run(small_set, data, study)
    log, table = log_of(data), table_of(data)
    too_slow = [event["trial"] for event in log.of("missed")]
    assert 2 <= len(too_slow) < 17
    main = table[table["role"] != "practice"]
    practice_missed = {trial for trial in too_slow if trial <= 2}
    unanswered = set(table.loc[table["response"].isna(), "trial"])
    assert unanswered == (practice_missed if missed == "repeat" else set(too_slow))
    assert table["times_missed"].tolist() == [int(trial in too_slow) for trial in table["trial"]]
    assert result.complete
    assert read_sidecar(result.table)["Complete"] is True
    assert read_sidecar(result.table)["TimeLimit"] == 1.5
    states = [event["state"] for event in log.of("state")]
    if missed == "repeat":
        assert states[-2:] == ["repeat", "thanks"]
        again = main.loc[main["times_missed"] == 1]
        assert (again["after_gap"] == "repeat").all()
        assert again["onset"].is_monotonic_increasing
        assert again["onset"].min() > main.loc[main["times_missed"] == 0, "onset"].max()
    else:
        assert "repeat" not in states
    follows = {trial + 1 for trial in too_slow if trial + 1 not in too_slow and trial + 1 <= 19}
    flagged = set(table.loc[table["after_gap"] == "missed", "trial"])
    breaks = set(table.loc[table["after_gap"] == "break", "trial"])
    assert flagged - {trial + 1 for trial in too_slow} == set()
    assert follows - breaks <= flagged | {3}


def test_the_analysis_counts_what_was_missed(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path
) -> None:
    task = {**LIMIT, "flow.missed": "leave"}
    run(small_set, data, study_of(make_study, **task))
    study = make_study(task=task, trials=16, practice_trials=2, catch_trials=1)
    trials = load_trials(data, study)
    missed = int(table_of(data).query("role == 'main'")["response"].isna().sum())
    assert missed
    [row] = trials.sessions.to_dict("records")
    assert (row["status"], row["answered"]) == ("flagged", 16 - missed)
    assert f"{missed} main trials without an answer within the 1.5 s allowed: left out" in row["reason"]
    assert "partial" not in row["reason"]
    [found] = [one for one in trials.audit.to_dict("records") if one["found"] == "no answer"]
    assert found["trials"] == missed


def test_a_rating_is_split_in_the_middle_and_the_analysis_reads_all_its_categories(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path
) -> None:
    result = run(small_set, data, study_of(make_study, **RATING))
    table = table_of(data)
    response, confidence = split_rating(table["rating_category"], 3.5)
    assert response.tolist() == table["response"].tolist()
    assert confidence.tolist() == table["confidence"].tolist()
    assert table["confidence_time"].isna().all()
    assert {tuple(one) for one in table["key_mapping"].str.split()} == {("real=1", "generated=6")}
    assert read_sidecar(result.table)["RatingLevels"] == 6
    signed = rating(table["response"], table["confidence"])
    order = np.argsort(table["rating_category"], kind="stable")
    assert (np.diff(signed[order]) >= 0).all()
    assert len(set(signed)) == len(set(table["rating_category"]))
    assert beh_files(data, "realfake")


def test_every_other_participant_has_the_scale_the_other_way_round(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path
) -> None:
    study, found = study_of(make_study, **RATING), []
    for number in range(4):
        run_first_session(small_set.folder, data, f"p{number}", study, number, SETUP, say=lambda _: None)
        found.append(read_plan(session_folder(data, f"p{number}", 1) / "plan.json").keys)
    one, other = {"real": "1", "generated": "6"}, {"real": "6", "generated": "1"}
    assert found == [one, other, one, other]


def test_a_retest_shows_what_was_missed_too_and_is_planned_once(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(small_set, data, study_of(make_study, **{**LIMIT, "flow.missed": "leave"}))
    assert table_of(data)["response"].isna().any()

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(HeadlessScreen, "message", stop)
        first = run_retest(small_set.folder, data, "p1", 4, SETUP, say=said.append)
    second = run_retest(small_set.folder, data, "p1", None, SETUP, say=said.append)
    assert (first.seed, second.seed, second.session, second.complete) == (4, 4, 2, True)
    assert set(table_of(data)["stimulus_id"]) == set(table_of(data, 2)["stimulus_id"])
    assert not any("planned anew" in line for line in said)


@pytest.mark.parametrize(("event", "number"), [("undo", 1), ("undo", 2), ("missed", 1), ("missed", 2), ("state", 6)])
def test_a_session_struck_between_an_undo_and_the_new_answer_or_after_a_miss_goes_on(
    small_set: StimulusSet,
    make_study: Callable[..., StudyFile],
    data: Path,
    event: str,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = study_of(make_study, **FLOWS["all"])
    run(small_set, data.parent / "straight", study)
    with monkeypatch.context() as patch:
        stop_at(patch, event, number)
        with pytest.raises(Struck):
            run(small_set, data, study)
    before = {one["trial"]: one for one in log_of(data).of("answer")}
    taken_back = log_of(data).of("undo")[-1]["trial"] if event == "undo" else None
    assert taken_back not in before
    assert run(small_set, data, study).complete
    after = {one["trial"]: one for one in log_of(data).of("answer")}
    assert {trial: after[trial] for trial in before} == before
    straight = answers(data.parent / "straight")
    assert {**answers(data), **{trial: straight[trial] for trial in before}} == straight
    onsets = [one["onset"] for one in log_of(data).of("onset")]
    assert onsets == sorted(onsets)


def test_an_undo_of_another_answer_than_the_last_is_no_record_of_ours(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path, refuses: Any
) -> None:
    run(small_set, data, study_of(make_study, **UNDO))
    path = session_folder(data, "p1", 1) / RECORD
    undo = '{"event": "undo", "utc": "2026-01-05T09:00:00Z", "trial": 3, "stimulus_id": "s1", "time": 1.0}\n'
    path.write_text(path.read_text(encoding="utf-8") + undo, encoding="utf-8")
    with refuses("damaged-file") as caught:
        read_record(path)
    assert "takes back an answer to trial 3" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("flow", FLOWS)
def test_a_kill_at_any_moment_of_a_flow_loses_nothing_that_was_completed(
    small_set: StimulusSet,
    make_study: Callable[..., StudyFile],
    tmp_path: Path,
    flow: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = study_of(make_study, **FLOWS[flow])
    run(small_set, tmp_path / "straight", study)
    straight, lines = answers(tmp_path / "straight"), len(log_of(tmp_path / "straight").events)
    rng, lost, last = random.Random(flow), 0, Counter()
    for kill in range(KILLS):
        data = tmp_path / str(kill)
        with monkeypatch.context() as patch:
            slow_down(patch)
            told = killed_after(
                lambda: run(small_set, data, study),  # noqa: B023
                rng.randint(2, lines - 3),
                rng.uniform(0, 0.02),
                patch,
            )
        log = log_of(data)
        assert len(log.events) >= told  # every line that was told is on disk
        last[log.events[-1]["event"]] += 1
        before = {event["trial"]: event for event in log.of("answer")}
        plan = read_plan(session_folder(data, "p1", 1) / "plan.json")
        if not is_complete(plan, log):
            assert run(small_set, data, study).complete
        after = {event["trial"]: event for event in log_of(data).of("answer")}
        lost += sum(after.get(trial) != event for trial, event in before.items())
        assert [one.outcome for one in export_all(data)] in (["unchanged"], ["written"], ["rewritten"])
        # A slip that was not yet taken back when the kill came is an answer like any other.
        assert {**answers(data), **{trial: straight[trial] for trial in before}} == straight
    assert lost == 0
    print(f"{flow}: {KILLS} kills, {lost} lost; last events {dict(last)}")
