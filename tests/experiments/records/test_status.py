"""How a study stands, read from what is on the disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data.record import read_record
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records.participants import Reader, register
from experiments.records.status import ParticipantState, SessionState, status
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import SessionResult, Setup
from stimuli.sets import StimulusSet

SIMULATED = Setup("simulated", window=False, simulated=Observer(dprime=1))


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> StudyFile:
    return make_study(trials=20, practice_trials=4, catch_trials=3, retest_after_days=10)


@pytest.fixture
def sit(small_set: StimulusSet, study: StudyFile, tmp_path: Path) -> Callable[..., SessionResult]:
    def run(code: str, stop_after: int = 99) -> SessionResult:
        def stop(done: int, _total: int) -> None:
            if done == stop_after:
                raise KeyboardInterrupt

        return run_first_session(small_set.folder, tmp_path, code, study.path, 3, SIMULATED, stop)

    return run


def days_ago(result: SessionResult, days: float) -> None:
    """Move a session into the past, as its record tells it."""
    record = result.folder / "record.jsonl"
    start = read_record(record).start["utc"]
    earlier = (datetime.fromisoformat(start) - timedelta(days=days)).isoformat(timespec="milliseconds")
    record.write_text(record.read_text(encoding="utf-8").replace(start, earlier, 1), encoding="utf-8")


def of(data: Path, code: str, study: StudyFile | None = None) -> ParticipantState:
    return next(one for one in status(data, study) if one.participant == code)


@pytest.mark.slow
def test_the_states_of_sessions(sit: Callable[..., SessionResult], small_set: StimulusSet, tmp_path: Path) -> None:
    sit("whole")
    sit("part", stop_after=9)
    run_retest(small_set.folder, tmp_path, "whole", 4, SIMULATED)
    register(tmp_path, "k7q2m", Reader(consent=True))
    register(tmp_path, "w3x9d")
    damaged = sit("damaged").folder / "record.jsonl"
    damaged.write_bytes(damaged.read_bytes().replace(b'"onset"', b"'onset'", 1))
    shutil.rmtree(sit("tableonly").folder.parent)
    for name, age in (("unshown", 90), ("beginning", 0)):
        plan = shutil.copytree(sit(name).folder, tmp_path / "scratch") / "plan.json"
        folder = tmp_path / "sourcedata" / f"sub-{name}" / "ses-1"
        shutil.rmtree(folder)
        folder.mkdir()
        shutil.copy(plan, folder)
        os.utime(folder / "plan.json", (time.time() - age, time.time() - age))
        shutil.rmtree(tmp_path / "scratch")
        shutil.rmtree(tmp_path / f"sub-{name}")
    found = {one.participant: one for one in status(tmp_path)}
    seen = {name: [(s.session, s.state, s.answered, s.trials) for s in one.sessions] for name, one in found.items()}
    assert seen == {
        "whole": [(1, "complete", 27, 27), (2, "complete", 27, 27)],
        "part": [(1, "partial", 9, 27)],
        "k7q2m": [],
        "w3x9d": [],
        "damaged": [(1, "damaged", 0, None)],
        "tableonly": [(1, "table only", 0, None)],
        "unshown": [(1, "not started", 0, None)],
        "beginning": [(1, "beginning", 0, None)],
    }
    people = ("k7q2m", "w3x9d")
    unknown = ("damaged", "tableonly", "unshown", "beginning")
    assert {name: one.observer for name, one in found.items()} == {
        "whole": "simulated", "part": "simulated", **dict.fromkeys(people, "human"), **dict.fromkeys(unknown),
    }  # fmt: skip
    assert "line 4 is damaged" in str(found["damaged"].sessions[0].problem)
    assert {name: found[name].consent for name in ("k7q2m", "w3x9d", "whole")} == {
        "k7q2m": True,
        "w3x9d": False,
        "whole": None,
    }


@pytest.mark.slow
def test_a_session_that_runs_is_seen_and_a_killed_one_is_not_taken_for_it(
    small_set: StimulusSet, study: StudyFile, tmp_path: Path, paused: Callable[..., Any]
) -> None:
    with paused(small_set.folder, tmp_path, study.path, 6) as process:
        [session] = of(tmp_path, "p1").sessions
        assert (session.state, session.answered, session.trials, session.open) == ("running", 6, 27, True)
        process.kill()
        process.wait()
    [session] = of(tmp_path, "p1").sessions
    assert (session.state, session.open) == ("partial", False)


def test_who_is_due(
    sit: Callable[..., SessionResult], study: StudyFile, small_set: StimulusSet, tmp_path: Path
) -> None:
    for code, days in (("early", 9.5), ("late", 10.5), ("back", 12), ("future", -3)):
        days_ago(sit(code), days)
    sit("part", stop_after=9)
    run_retest(small_set.folder, tmp_path, "back", 4, SIMULATED)
    found = {one.participant: one for one in status(tmp_path, study)}
    assert {name: one.retest for name, one in found.items()} == {
        "early": "waiting",
        "late": "due",
        "back": "done",
        "future": "waiting",  # a clock that was wrong
        "part": "no first session",
    }
    assert found["early"].due_in_days == pytest.approx(0.5, abs=0.01)
    assert found["late"].due_in_days == pytest.approx(-0.5, abs=0.01)
    assert found["late"].sessions[0].days_since == pytest.approx(10.5, abs=0.01)
    # The sessions say which study file they were run with, not what stood in it.
    assert of(tmp_path, "late").retest == "not stated"
    later = tmp_path / "sourcedata" / "sub-back" / "ses-2" / "record.jsonl"
    later.write_bytes(b"".join(later.read_bytes().splitlines(keepends=True)[:7]))
    assert of(tmp_path, "back", study).retest == "started"


def test_sessions_of_the_shipped_example_are_due_by_it(make_set: Callable[..., StimulusSet], tmp_path: Path) -> None:
    result = run_first_session(make_set(main=100).folder, tmp_path, "p1", None, 3, SIMULATED)
    days_ago(result, 13.5)
    assert of(tmp_path, "p1").retest == "waiting"
    days_ago(result, 1)
    assert of(tmp_path, "p1").retest == "due"


def test_a_plan_that_was_altered_is_no_complete_session(sit: Callable[..., SessionResult], tmp_path: Path) -> None:
    plan = sit("p1").folder / "plan.json"
    plan.write_text(plan.read_text(encoding="utf-8").replace('"confidence_levels": 4', '"confidence_levels": 5'))
    (found,) = of(tmp_path, "p1").sessions
    assert found.state == "damaged"
    assert "which was altered since" in str(found.problem)


def test_a_damaged_participant_is_shown_and_the_others_too(sit: Callable[..., SessionResult], tmp_path: Path) -> None:
    sit("p1")
    register(tmp_path, "k7q2m")
    (tmp_path / "sourcedata" / "participants" / "k7q2m.json").write_text("{")
    (tmp_path / "sub-not_ours").mkdir()
    assert [one.participant for one in status(tmp_path)] == ["k7q2m", "p1"]
    assert "k7q2m.json: not readable" in str(of(tmp_path, "k7q2m").problem)
    assert of(tmp_path, "p1").sessions == (
        SessionState(1, "complete", 27, 27, "simulated", 0.0, of(tmp_path, "p1").sessions[0].study_sha256),
    )


def test_no_folder_is_named(refuses: Any, tmp_path: Path) -> None:
    with refuses("no-such-folder"):
        status(tmp_path / "nowhere")
    assert status(tmp_path) == []
