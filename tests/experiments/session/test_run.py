"""Whole sessions, first and later ones, as a lab runs them, without a window."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.bids import read_bids, read_sidecar
from data.kinds.kind import Answer
from data.plan import PlannedTrial, read_plan
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.display.display_file import Display
from experiments.records.participants import register
from experiments.records.record import read_record
from experiments.screen import NO_BUTTONS, HeadlessScreen, Row
from experiments.session import run as session_run
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import SessionResult, Setup
from experiments.tasks.responders import SimulatedResponder
from stimuli.sets import StimulusSet
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
SETUP = Setup("simulated", window=False, simulated=Observer(dprime=1, own_sd=0.6))


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> Path:
    return make_study(trials=20, practice_trials=4, catch_trials=3).path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stop_at(monkeypatch: pytest.MonkeyPatch, trial: int, fault: BaseException) -> None:
    answer = SimulatedResponder.answer

    def answer_or_stop(self: SimulatedResponder, planned: PlannedTrial, onset: float, again: Any) -> Answer:
        if planned.trial == trial:
            raise fault
        return answer(self, planned, onset, again)

    monkeypatch.setattr(SimulatedResponder, "answer", answer_or_stop)


def test_a_session_and_its_retest(small_set: StimulusSet, study: Path, data: Path) -> None:
    first = run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
    again = run_retest(small_set.folder, data, "p1", 4, SETUP)
    assert first == SessionResult("p1", 1, 3, first.folder, first.table, answered=27, trials=27, complete=True)
    assert (again.session, again.seed, again.complete) == (2, 4, True)
    plans = [read_plan(result.folder / "plan.json") for result in (first, again)]
    orders = [[trial.stimulus_id for trial in plan.trials] for plan in plans]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    table = read_bids(data)
    assert table.groupby("session")["response"].count().to_dict() == {1: 27, 2: 27}
    assert read_sidecar(again.table)["DaysSinceFirstSession"] == pytest.approx(0, abs=0.01)
    assert "DaysSinceFirstSession" not in read_sidecar(first.table)
    third = run_retest(small_set.folder, data, "p1", 4, SETUP, another=True)
    assert third.session == 3


def test_a_retest_by_another_kind_of_observer_is_refused(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path
) -> None:
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
    before = contents(data)
    with refuses("observer-mismatch"):
        run_retest(small_set.folder, data, "p1", 4, Setup("human"))
    assert contents(data) == before


def test_days_since_the_first_session_are_counted(small_set: StimulusSet, study: Path, data: Path) -> None:
    first = run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
    record = first.folder / "record.jsonl"
    started = read_record(record).start["utc"]
    earlier = f"{int(started[:4]) - 1}{started[4:]}".replace("-02-29", "-02-28")
    record.write_text(record.read_text(encoding="utf-8").replace(started, earlier, 1), encoding="utf-8")
    again = run_retest(small_set.folder, data, "p1", 4, SETUP)
    assert 364.9 < read_record(again.folder / "record.jsonl").start["days_since_first"] < 366.1


def test_the_same_seed_runs_the_same_session(small_set: StimulusSet, study: Path, tmp_path: Path) -> None:
    tables = [run_first_session(small_set.folder, tmp_path / name, "p1", study, 3, SETUP).table for name in ("a", "b")]
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_a_drawn_seed_is_recorded(small_set: StimulusSet, study: Path, data: Path) -> None:
    result = run_first_session(small_set.folder, data, "p1", study, None, SETUP)
    assert read_plan(result.folder / "plan.json").seed == result.seed == read_sidecar(result.table)["Seed"]


def test_nothing_on_screen_tells_a_retest_from_a_first_session(
    small_set: StimulusSet, study: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[list[str]] = []

    class Listening(HeadlessScreen):
        def __init__(self) -> None:
            super().__init__()
            messages.append([])

        def message(self, text: str, page: int = 1, footer: str = "", row: Row = NO_BUTTONS) -> float:  # noqa: ARG002
            messages[-1].append(text)
            return super().message(text, page, footer)

    monkeypatch.setattr(session_run, "HeadlessScreen", Listening)
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
    run_retest(small_set.folder, data, "p1", 4, SETUP)
    first, later = messages
    assert len(first) == 4
    assert first == later
    words = " ".join(later).lower()
    assert not [word for word in ("retest", "again", "second", "session 2", "before") if word in words]


def test_an_existing_session_is_refused_and_nothing_altered(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path
) -> None:
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
    before = contents(data)
    with refuses("session-exists"):
        run_first_session(small_set.folder, data, "p1", study, 5, SETUP)
    assert contents(data) == before


def test_a_table_without_its_record_counts_as_a_session(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path
) -> None:
    table = data / "sub-p1" / "ses-1" / "beh" / "sub-p1_ses-1_task-realfake_beh.tsv"
    table.parent.mkdir(parents=True)
    table.write_text("from elsewhere")
    with refuses("session-exists"):
        run_first_session(small_set.folder, data, "p1", study, 3, SETUP)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("a wire came loose")])
def test_an_interrupted_session_is_exported(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    stop_at(monkeypatch, 8, fault)
    if isinstance(fault, KeyboardInterrupt):
        result = run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
        assert (result.answered, result.complete) == (7, False)
    else:
        with pytest.raises(RuntimeError, match="a wire came loose"):
            run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
    table = read_bids(data)
    assert len(table) == 27
    assert table["response"].notna().tolist() == [True] * 7 + [False] * 20
    assert table["onset"].notna().sum() == 8  # the image that was on screen
    assert read_sidecar(next(data.glob("sub-p1/ses-1/beh/*.tsv")))["Complete"] is False
    with refuses("session-incomplete") as caught:
        run_retest(small_set.folder, data, "p1", 4, SETUP)
    assert re.search("7 of 27 trials", str(caught.value))


@pytest.mark.slow
def test_sigterm_ends_a_session_as_ctrl_c_does(
    small_set: StimulusSet, study: Path, data: Path, paused: Callable[..., Any]
) -> None:
    with paused(small_set.folder, data, study, 6) as process:
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=PATIENCE_S)[0] == "6 False\n"
        assert process.returncode == 0
    log = read_record(data / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl")
    assert [event["reason"] for event in log.of("interruption")] == ["Terminated: SIGTERM"]
    assert read_bids(data)["response"].notna().sum() == 6


def test_the_handler_of_sigterm_is_put_back(small_set: StimulusSet, study: Path, data: Path) -> None:
    caught: list[int] = []

    def ours(number: int, _frame: object) -> None:
        caught.append(number)

    def terminate(done: int, _total: int) -> None:
        if done == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, ours)
    try:
        stopped = run_first_session(small_set.folder, data, "p1", study, 3, SETUP, terminate)
        assert (stopped.answered, stopped.complete) == (5, False)
        assert signal.getsignal(signal.SIGTERM) is ours
        assert caught == []
        run_first_session(small_set.folder, data, "p2", study, 3, SETUP)
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_session_runs_in_a_thread_which_may_set_no_handler(small_set: StimulusSet, study: Path, data: Path) -> None:
    results: list[SessionResult] = []
    thread = threading.Thread(
        target=lambda: results.append(run_first_session(small_set.folder, data, "p1", study, 3, SETUP))
    )
    thread.start()
    thread.join()
    assert [result.complete for result in results] == [True]


def test_an_image_altered_while_the_session_runs_stops_it(refuses: Any, own_set: Path, study: Path, data: Path) -> None:
    def alter(done: int, _total: int) -> None:
        if done == 5:
            for image in (own_set / "images").iterdir():
                image.write_bytes(b"something else")

    with refuses("altered-file"):
        run_first_session(own_set, data, "p1", study, 3, SETUP, alter)
    assert read_bids(data)["response"].notna().sum() == 5


def test_an_altered_image_or_another_set_is_refused_on_retest(
    refuses: Any, own_set: Path, make_set: Callable[..., StimulusSet], study: Path, data: Path
) -> None:
    run_first_session(own_set, data, "p1", study, 3, SETUP)
    before = contents(data)
    other = make_set(main=20, practice=4, catch=3, seed=1)
    with refuses("other-set"):
        run_retest(other.folder, data, "p1", 4, SETUP)
    image = own_set / "images" / "s0003.png"
    image.write_bytes(image.read_bytes() + b" ")
    with refuses("altered-file") as caught:
        run_retest(own_set, data, "p1", 4, SETUP)
    assert str(image) in str(caught.value)
    assert contents(data) == before


def test_an_altered_plan_is_refused_on_retest(refuses: Any, small_set: StimulusSet, study: Path, data: Path) -> None:
    plan = run_first_session(small_set.folder, data, "p1", study, 3, SETUP).folder / "plan.json"
    plan.write_text(plan.read_text(encoding="utf-8").replace('"seed": 3', '"seed": 4'), encoding="utf-8")
    with refuses("altered-file"):
        run_retest(small_set.folder, data, "p1", 4, SETUP)


@pytest.mark.parametrize("name", ["p 1", "../p1", "p/1", "pé", "病人", "", "sub-p1"])
def test_an_unfit_participant_code_is_refused(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path, name: str
) -> None:
    for call in (
        lambda: run_first_session(small_set.folder, data, name, study, 3, SETUP),
        lambda: run_retest(small_set.folder, data, name, 4, SETUP),
    ):
        with refuses("bad-label"):
            call()
    assert not data.exists()


def test_a_mistyped_participant_has_no_retest(refuses: Any, small_set: StimulusSet, study: Path, data: Path) -> None:
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
    before = contents(data)
    with refuses("no-first-session") as caught:
        run_retest(small_set.folder, data, "p2", 4, SETUP)
    assert re.search("participant p2 has no session 1", str(caught.value))
    assert contents(data) == before


def test_without_a_display_nothing_is_used_up(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    register(data, "p1")
    for name, setup in (("p1", Setup()), ("p2", Setup("simulated"))):
        with refuses("no-screen"):
            run_first_session(small_set.folder, data, name, study, 3, setup)
    assert [path.name for path in data.rglob("*") if path.is_file()] == ["p1.json"]


def test_a_faulty_script_uses_nothing_up(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.csv"
    script.write_text("trial,response,confidence\n1,real,1\n", encoding="utf-8")
    with refuses("unanswered-trials") as caught:
        run_first_session(small_set.folder, data, "p1", study, 3, Setup("scripted", window=False, script=script))
    assert "trial 2, 3, 4, 5, 6 and 21 more" in str(caught.value)
    assert not data.exists()


def test_setups_that_make_no_sense_are_refused(
    refuses: Any, tmp_path: Path, make_display: Callable[..., Display]
) -> None:
    with refuses("conflicting-options"):
        Setup(window=False)
    with refuses("conflicting-options"):
        Setup("scripted")
    with refuses("conflicting-options"):
        Setup("simulated", window=False, display=make_display())
    with refuses("conflicting-options"):
        Setup("simulated", script=tmp_path)


@pytest.mark.slow
def test_both_run_as_plain_scripts_from_anywhere(
    small_set: StimulusSet, study: Path, data: Path, tmp_path: Path
) -> None:
    def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "experiments" / name), str(small_set.folder), str(data), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    simulated = ["p1", "--observer", "simulated", "--no-window"]
    first = script("realfake.py", *simulated, "--study", str(study))
    assert (first.returncode, first.stderr) == (0, "")
    assert "participant p1, session 1: 27 of 27 answered" in first.stdout
    later = script("retest.py", *simulated)
    assert (later.returncode, later.stderr) == (0, "")
    assert "participant p1, session 2: 27 of 27 answered" in later.stdout
    record = data / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
    assert json.loads(record.read_text(encoding="utf-8").splitlines()[0])["observer"] == "simulated"
