"""Sessions that stopped and go on."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from data.bids import read_bids, read_sidecar, session_folder
from data.plan import read_plan
from data.record import read_record
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.display.display_file import Display
from experiments.records.record import Record
from experiments.records.status import status
from experiments.screen import Flip, HeadlessScreen
from experiments.session import run as session_run
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from experiments.tasks.responders import SimulatedResponder
from stimuli.sets import StimulusSet

SETUP = Setup("simulated", window=False, simulated=Observer(dprime=1, own_sd=0.6))


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> Path:
    task = {"blocks": 2, "text.consent": "We keep your answers."}
    return make_study(task=task, trials=20, practice_trials=4, catch_trials=3).path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def stop_after(*answers: int) -> Callable[[int, int], None]:
    """Progress that stops the session once so many trials are done."""

    def stop(done: int, _total: int) -> None:
        if done in answers:
            raise KeyboardInterrupt

    return stop


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def folder_of(data: Path, session: int = 1) -> Path:
    return session_folder(data, "p1", session)


def whole(data: Path) -> list[tuple[Any, ...]]:
    """What was answered, trial by trial."""
    return list(read_bids(data)[["trial", "stimulus_id", "response", "confidence"]].itertuples(index=False, name=None))


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 3, 4, 5, 15, 16, 17, 26])
def test_a_session_resumes_where_it_stopped(small_set: StimulusSet, study: Path, data: Path, stop: int) -> None:
    said: list[str] = []
    assert not run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(stop)).complete
    result = run_first_session(small_set.folder, data, "p1", study, None, SETUP, say=said.append)
    assert (result.answered, result.complete, result.seed) == (27, True, 3)
    assert said == [f"participant p1, session 1: resumes after {stop} of 27 trials"]
    log = read_record(folder_of(data) / "record.jsonl")
    assert [event["trial"] for event in log.of("answer")] == list(range(1, 28))
    [resume] = log.of("resume")
    assert (resume["trial"], resume["seen"]) == (stop + 1, False)
    assert resume["gap_s"] >= 0
    assert len(log.of("consent")) == 1
    assert [event["stimulus_id"] for event in log.of("warm-up")] == (
        [trial.stimulus_id for trial in read_plan(folder_of(data) / "plan.json").trials[:2]] if stop >= 4 else []
    )
    straight = data.parent / "straight"
    run_first_session(small_set.folder, straight, "p1", study, 3, SETUP)
    assert whole(data) == whole(straight)
    onsets = read_bids(data)["onset"]
    assert onsets.is_monotonic_increasing


def test_whole_numbers_do_not_keep_a_table_from_going_on(
    small_set: StimulusSet, study: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A column of whole numbers is written with a point as long as a row of it is empty.
    answer = SimulatedResponder.answer
    attended = {"paused_time": 0.0, "unfocused_time": 0}
    monkeypatch.setattr(SimulatedResponder, "answer", lambda *given: replace(answer(*given), more=attended))
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(6))
    table = run_first_session(small_set.folder, data, "p1", study, None, SETUP).table
    assert read_sidecar(table)["Complete"] is True
    assert len(whole(data)) == 27


def test_trials_after_a_break_or_a_gap_are_flagged_in_the_table(
    small_set: StimulusSet, study: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip, shown = HeadlessScreen.flip, []

    def counted(screen: HeadlessScreen, asked: float | None = None) -> Flip:
        shown.append(asked)
        return flip(screen, asked)

    def killed(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(HeadlessScreen, "flip", counted)
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(6))
    with monkeypatch.context() as patch:  # the image of trial 10 is on screen
        answer = SimulatedResponder.answer
        patch.setattr(SimulatedResponder, "answer", lambda *a: killed() if len(shown) == 12 else answer(*a))
        run_first_session(small_set.folder, data, "p1", study, None, SETUP)
    table = run_first_session(small_set.folder, data, "p1", study, None, SETUP).table
    rows = [dict(zip(lines[0], line, strict=True)) for lines in [_cells(table)] for line in lines[1:]]
    flagged = {int(row["trial"]): row["after_gap"] for row in rows if row["after_gap"] != "no"}
    assert flagged == {7: "resume", 10: "resume-seen", 17: "break"}
    assert [row["block"] for row in rows] == ["n/a"] * 4 + ["1"] * 12 + ["2"] * 11
    assert {row["key_mapping"] for row in rows} == {"real=left generated=right"}
    sidecar = read_sidecar(table)
    assert (sidecar["Resumed"], sidecar["Complete"]) == (2, True)
    assert {"block", "after_gap", "key_mapping"} <= set(sidecar)
    assert set(sidecar["after_gap"]["Levels"]) >= set(flagged.values())


def _cells(table: Path) -> list[list[str]]:
    return [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]


def test_half_a_last_line_is_moved_and_its_trial_shown_again(small_set: StimulusSet, study: Path, data: Path) -> None:
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(9))
    record = folder_of(data) / "record.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if b'"event": "answer"' in line)
    record.write_bytes(b"".join(lines[:last]) + lines[last][:40])
    shutil.rmtree(data / "sub-p1")  # whatever cuts a line also ends the session before its table is made
    assert run_first_session(small_set.folder, data, "p1", study, None, SETUP).complete
    log = read_record(record)
    assert [event["trial"] for event in log.of("answer")] == list(range(1, 28))
    assert [(event["trial"], event["seen"]) for event in log.of("resume")] == [(9, True)]
    assert (folder_of(data) / "record.cut").read_bytes() == lines[last][:40] + b"\n"


@pytest.mark.slow
def test_a_session_that_died_before_anything_was_shown_restarts(
    small_set: StimulusSet, study: Path, data: Path
) -> None:
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP)
    plan = (folder_of(data) / "plan.json").read_bytes()
    for spoil in (b"", b'{"event": "sta', None):
        shutil.rmtree(data / "sub-p1")
        (folder_of(data) / "record.jsonl").unlink()
        if spoil is not None:
            (folder_of(data) / "record.jsonl").write_bytes(spoil)
        said: list[str] = []
        assert run_first_session(small_set.folder, data, "p1", study, None, SETUP, say=said.append).complete
        assert said == ["participant p1, session 1: restarts"]
        assert (folder_of(data) / "plan.json").read_bytes() == plan


def test_only_the_same_session_resumes(
    refuses: Any,
    small_set: StimulusSet,
    make_set: Callable[..., StimulusSet],
    make_study: Callable[..., StudyFile],
    study: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(9))
    before = contents(data)
    other_study = make_study(trials=20, practice_trials=4).path
    changed_task = Path(shutil.copytree(study.parent, tmp_path / "study")) / "study.toml"
    (changed_task.parent / "realfake.toml").write_text('kind = "realfake"\n', encoding="utf-8")
    script = tmp_path / "script.csv"
    lines = ["trial,response,confidence", *(f"{n},real,1" for n in range(1, 28))]
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    other_set = make_set(main=20, practice=4, catch=3, seed=1).folder
    scripted = Setup("scripted", window=False, script=script)
    for arguments, setup, code in (
        ((small_set.folder, data, "p1", other_study, None), SETUP, "study-mismatch"),
        ((small_set.folder, data, "p1", changed_task, None), SETUP, "study-mismatch"),
        ((small_set.folder, data, "p1", study, 4), SETUP, "seed-mismatch"),
        ((other_set, data, "p1", study, None), SETUP, "other-set"),
        ((small_set.folder, data, "p1", study, None), scripted, "observer-mismatch"),
    ):
        with refuses(code):
            run_first_session(*arguments, setup)
        assert contents(data) == before
    assert run_first_session(small_set.folder, data, "p1", study, 3, SETUP).complete


def test_an_altered_plan_or_image_stops_a_resume(refuses: Any, own_set: Path, study: Path, data: Path) -> None:
    run_first_session(own_set, data, "p1", study, 3, SETUP, stop_after(9))
    before = contents(data)
    (own_set / "images" / "s0001.png").unlink()
    with refuses("missing-file") as caught:
        run_first_session(own_set, data, "p1", study, None, SETUP)
    assert "s0001.png" in str(caught.value)
    plan = folder_of(data) / "plan.json"
    plan.write_bytes(before[plan].replace(b'"seed": 3', b'"seed": 4'))
    with refuses("altered-file"):
        run_first_session(own_set, data, "p1", study, None, SETUP)
    plan.write_bytes(before[plan])
    assert contents(data) == before


def test_a_session_that_runs_is_not_started_a_second_time(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path
) -> None:
    tried: list[str] = []

    def meanwhile(done: int, _total: int) -> None:
        if done == 5:
            for start in (
                lambda: run_first_session(small_set.folder, data, "p1", study, None, SETUP),
                lambda: run_retest(small_set.folder, data, "p1", 4, SETUP, partial=True),
            ):
                with refuses("session-running") as caught:
                    start()
                tried.append(str(caught.value))

    assert run_first_session(small_set.folder, data, "p1", study, 3, SETUP, meanwhile).complete
    assert len(tried) == 2


def test_who_lost_the_race_to_go_on_is_refused(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both saw a session that had stopped; the other one is at it now, or has been through with it."""
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(9))
    monkeypatch.setattr("experiments.records.record._PATIENCE_S", 0.05)
    open_screen = session_run.HeadlessScreen
    with monkeypatch.context() as patch:
        held: list[Record] = []
        patch.setattr(session_run, "HeadlessScreen", lambda: held.append(Record(folder_of(data))) or open_screen())
        with refuses("session-running"):
            run_first_session(small_set.folder, data, "p1", study, None, SETUP)
        held[0].__exit__(None, None, None)

    def other_first() -> HeadlessScreen:
        monkeypatch.setattr(session_run, "HeadlessScreen", open_screen)
        run_first_session(small_set.folder, data, "p1", study, None, SETUP)
        return open_screen()

    monkeypatch.setattr(session_run, "HeadlessScreen", other_first)
    with refuses("session-exists"):
        run_first_session(small_set.folder, data, "p1", study, None, SETUP)
    assert [event["trial"] for event in read_record(folder_of(data) / "record.jsonl").of("answer")] == [*range(1, 28)]


def test_a_display_that_is_not_as_it_was_is_told_and_recorded(
    small_set: StimulusSet, study: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(HeadlessScreen):
        def __init__(self) -> None:
            super().__init__()
            self.about = {"kind": "headless", "size_px": [800, 600]}

    told = "the display's size px is [800, 600], was None"
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(9))
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(session_run, "HeadlessScreen", Other)
        run_first_session(small_set.folder, data, "p1", study, None, SETUP, say=said.append)
        run_retest(small_set.folder, data, "p1", 4, SETUP, say=said.append)
    assert [line.partition(": ")[2] for line in said] == ["resumes after 9 of 27 trials", told, told]
    assert read_record(folder_of(data) / "record.jsonl").of("resume")[0]["differs"] == [told]
    assert read_record(folder_of(data, 2) / "record.jsonl").start["differs"] == [told]
    assert read_plan(folder_of(data, 2) / "plan.json").display["size_px"] == [800, 600]


def test_what_was_shown_on_a_measured_display_is_not_shown_without_its_file(
    refuses: Any,
    small_set: StimulusSet,
    study: Path,
    data: Path,
    make_display: Callable[..., Display],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Measured(HeadlessScreen):
        def __init__(self) -> None:
            super().__init__()
            self.about = {"kind": "headless", "display_name": "Room 2"}

    with monkeypatch.context() as patch:
        patch.setattr(session_run, "HeadlessScreen", Measured)
        run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(9))
        before = contents(data)
        for flow in (run_first_session, partial(run_retest, partial=True)):
            with refuses("display-missing") as caught:
                flow(small_set.folder, data, "p1", setup=Setup("simulated"))
            assert re.search("'Room 2'.* --display", str(caught.value))
        assert contents(data) == before
    plan = read_plan(folder_of(data) / "plan.json")
    with_file = Setup("simulated", display=make_display())
    assert session_run.keep_display(with_file, plan) == with_file
    assert session_run.keep_display(SETUP, plan) == SETUP  # nothing is shown


def test_a_clock_that_was_put_back_makes_no_time_negative(
    small_set: StimulusSet, study: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(9))
    with monkeypatch.context() as patch:
        for module in ("records.record", "session.loop", "session.retest_session"):
            patch.setattr(f"experiments.{module}.utc_now", lambda: "2001-01-01T00:00:00.000+00:00")
        run_first_session(small_set.folder, data, "p1", study, None, SETUP)
        run_retest(small_set.folder, data, "p1", 4, SETUP)
    log = read_record(folder_of(data) / "record.jsonl")
    assert log.of("resume")[0]["gap_s"] == 0
    assert [event["onset"] for event in log.of("answer")] == sorted(event["onset"] for event in log.of("answer"))
    assert all(event["response_time"] > 0 for event in log.of("answer"))
    assert read_record(folder_of(data, 2) / "record.jsonl").start["days_since_first"] == 0
    assert json.loads((folder_of(data) / "record.jsonl").read_text().splitlines()[-1])["utc"].startswith("2001")


def test_a_retest_resumes_too_and_a_first_session_not_after_it(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path
) -> None:
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(15))
    with refuses("session-incomplete") as caught:
        run_retest(small_set.folder, data, "p1", 4, SETUP)
    assert re.search("15 of 27 .*'lookalike run'.*--partial", str(caught.value))
    said: list[str] = []
    stopped = run_retest(small_set.folder, data, "p1", 4, SETUP, stop_after(6), partial=True, say=said.append)
    assert (stopped.session, stopped.answered, stopped.trials) == (2, 6, 15)
    assert said == ["participant p1, session 2: shows the 11 trials of session 1 that were answered"]
    with refuses("seed-mismatch") as caught:
        run_retest(small_set.folder, data, "p1", 5, SETUP, partial=True)
    assert re.search("drawn with seed 4, not 5", str(caught.value))
    done = run_retest(small_set.folder, data, "p1", None, SETUP, partial=True, say=said.append)
    assert (done.session, done.answered, done.complete) == (2, 15, True)
    table = read_bids(data)
    shown = {n: set(part.loc[part["response"].notna(), "stimulus_id"]) for n, part in table.groupby("session")}
    assert shown[1] == shown[2]
    with refuses("later-session-exists"):
        run_first_session(small_set.folder, data, "p1", study, None, SETUP)


def test_a_partial_retest_needs_a_main_trial_and_may_allow_longer_runs(
    refuses: Any, small_set: StimulusSet, make_study: Callable[..., StudyFile], data: Path
) -> None:
    study = make_study(trials=20, practice_trials=4, max_run=2).path
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(3))
    with refuses("nothing-to-retest"):
        run_retest(small_set.folder, data, "p1", 4, SETUP, partial=True)
    run_first_session(small_set.folder, data, "p1", study, None, SETUP, stop_after(10))
    record = folder_of(data) / "record.jsonl"
    plan = {trial.trial: trial for trial in read_plan(folder_of(data) / "plan.json").trials}
    kept = []
    for line in record.read_text(encoding="utf-8").splitlines(keepends=True):
        event = json.loads(line)
        if event["event"] != "answer" or plan[event["trial"]].truth == "real":
            kept.append(line)  # as if only real images had been answered: no order with short runs is left
    record.write_text("".join(kept), encoding="utf-8")
    said: list[str] = []
    run_retest(small_set.folder, data, "p1", 4, SETUP, partial=True, say=said.append)
    assert "no order of these trials keeps runs of one truth to 2 or fewer" in said[-1]
    assert read_plan(folder_of(data, 2) / "plan.json").max_run is None


def test_a_record_from_before_resumes_told_the_days_is_still_read(
    small_set: StimulusSet, study: Path, data: Path
) -> None:
    """Then the clock ran on from the start, also where nothing had been answered before the resume."""
    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(6))
    record = folder_of(data) / "record.jsonl"
    start, *rest = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    kept = {name: start[name] for name in ("utc", "observer", "screen", "versions", "differs")}
    resume = {"event": "resume", "trial": 1, "seen": False, "gap_s": 0.0, "clock_s": 0.0, **kept}
    record.write_text("".join(json.dumps(event) + "\n" for event in (start, resume, *rest)), encoding="utf-8")
    log = read_record(record)
    assert log.begun == log.start
    shutil.rmtree(data / "sub-p1")  # made without that resume
    result = run_first_session(small_set.folder, data, "p1", study, None, SETUP)
    assert result.complete
    assert read_sidecar(result.table)["Started"] == log.start["utc"]
    assert read_bids(data)["onset"].is_monotonic_increasing


@pytest.mark.parametrize("partial", [True, False])
def test_a_retest_opened_and_left_before_its_first_answer_closes_nothing(
    refuses: Any, small_set: StimulusSet, study: Path, data: Path, partial: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By mistake, or for a session 1 that then goes on after all."""

    def leave(*_: object) -> Any:
        raise KeyboardInterrupt

    run_first_session(small_set.folder, data, "p1", study, 3, SETUP, stop_after(15 if partial else 27))
    with monkeypatch.context() as patch:
        patch.setattr(HeadlessScreen, "flip", leave)
        opened = run_retest(small_set.folder, data, "p1", 4, SETUP, partial=partial, say=lambda _: None)
    assert (opened.session, opened.answered) == (2, 0)
    if not partial:
        result = run_retest(small_set.folder, data, "p1", None, SETUP, say=lambda _: None)
        assert (result.session, result.seed, result.complete) == (2, 4, True)
        return
    assert status(data)[0].retest == "no first session"
    first = run_first_session(small_set.folder, data, "p1", study, None, SETUP, say=lambda _: None)
    assert (first.answered, first.complete) == (27, True)
    said: list[str] = []
    later = run_retest(small_set.folder, data, "p1", None, SETUP, say=said.append)
    assert (later.session, later.answered, later.trials, later.complete) == (2, 27, 27, True)
    assert said == ["participant p1, session 2: was opened before session 1 went on, and is planned anew"]
    assert len(list(folder_of(data).parent.glob("unanswered-ses-2-*/record.jsonl"))) == 1
    assert set(read_bids(data)["session"]) == {1, 2}
    with refuses("session-exists"):
        run_retest(small_set.folder, data, "p1", 5, SETUP)
