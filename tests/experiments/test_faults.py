"""What can go wrong while a session runs, at any moment: nothing that was answered is lost, and it can go on."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.bids import read_bids, session_folder
from data.record import read_record
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records.bids import export_all
from experiments.records.record import Record, find_unfinished
from experiments.screen import HeadlessScreen
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
from experiments.tasks.responders import SimulatedResponder
from stimuli.sets import StimulusSet

pytestmark = pytest.mark.slow

SETUP = Setup("simulated", window=False, simulated=Observer(dprime=1))
MOMENTS = 20
TRIALS = 11


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> Path:
    return make_study(task={"blocks": 2}, trials=8, practice_trials=2, catch_trials=1).path


def run(stimuli: StimulusSet, data: Path, study: Path, progress: Callable[[int, int], None]) -> Any:
    return run_first_session(stimuli.folder, data, "p1", study, 3, SETUP, progress, say=lambda _: None)


def quiet(_done: int, _total: int) -> None:
    pass


def check(stimuli: StimulusSet, data: Path, study: Path, told: int, straight: list[Any]) -> None:
    """What was told to be answered is in the record, and the session resumes to the same end as without a fault."""
    record = session_folder(data, "p1", 1) / "record.jsonl"
    answered = [event["trial"] for event in read_record(record).of("answer")] if record.exists() else []
    assert answered == list(range(1, len(answered) + 1))
    assert told <= len(answered) <= told + 1  # the last one may be on disk and not yet told
    if find_unfinished(data, "p1", 1) is not None or not record.exists():
        assert run(stimuli, data, study, quiet).complete
    assert [one.outcome for one in export_all(data)] in (["unchanged"], ["written"], ["rewritten"])
    assert answers(data) == straight
    assert [event["trial"] for event in read_record(record).of("answer")] == list(range(1, TRIALS + 1))


def answers(data: Path) -> list[Any]:
    table = read_bids(data)[["trial", "stimulus_id", "response", "confidence"]]
    return list(table.itertuples(index=False, name=None))


def strike(stimuli: StimulusSet, data: Path, study: Path, number: int, after: int, delay_s: float) -> int:
    """Run the session in a process of its own and send it a signal, a moment after it told some answers.

    A session that is meant to be struck half-way waits before its last trial, so that on a busy machine, too, it is
    not over when the signal comes. Returns how many answers it told in the end.
    """
    reading, writing = os.pipe()
    waiting, never_written = os.pipe()

    def tell(done: int, _total: int) -> None:
        os.write(writing, b".")
        if done == TRIALS - 1 and after < done:
            os.read(waiting, 1)

    # Held back until the child is inside `try`: right after a fork Python's own hooks can swallow a KeyboardInterrupt,
    # and one raised outside `try` would return the child into pytest.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    child = os.fork()
    if not child:
        try:
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs of a shell in the background ignore it
                signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
                run(stimuli, data, study, tell)
            finally:
                os._exit(0)
        finally:  # the one signal may come in the line above
            os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        told = sum(len(pipe.read(1)) for _ in range(after))
        time.sleep(delay_s)
        os.kill(child, number)
        while more := pipe.read(100):
            told += len(more)
    os.waitpid(child, 0)
    os.close(waiting)
    os.close(never_written)
    return told


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_loses_nothing_that_was_answered(
    small_set: StimulusSet, study: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run(small_set, tmp_path / "straight", study, quiet)
    straight = answers(tmp_path / "straight")
    rng, struck = random.Random(int(number)), []
    for moment in range(MOMENTS):
        data = tmp_path / str(moment)
        # Some before the first answer, while the folder, the plan or the record are made; some after the last.
        after, delay = rng.randint(0, TRIALS), rng.uniform(0, 0.02)
        struck.append(strike(small_set, data, study, number, after, delay if after else 10 * delay))
        check(small_set, data, study, struck[-1], straight)
    assert any(0 < told < TRIALS for told in struck)


def test_an_exception_at_any_moment_loses_nothing_that_was_answered(
    small_set: StimulusSet, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed, at = 0, -1

    def faulty(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal passed
            passed += 1
            if passed == at:
                raise RuntimeError("a wire came loose")
            return call(*arguments, **named)

        return step

    for owner, name in (
        (HeadlessScreen, "message"),
        (HeadlessScreen, "blank"),
        (HeadlessScreen, "prepare"),
        (HeadlessScreen, "flip"),
        (HeadlessScreen, "wait_until"),
        (StimulusSet, "read"),
        (Record, "append"),
        (SimulatedResponder, "answer"),
        (os, "fsync"),
    ):
        monkeypatch.setattr(owner, name, faulty(getattr(owner, name)))
    run(small_set, tmp_path / "straight", study, quiet)
    total, straight = passed, answers(tmp_path / "straight")
    for moment in random.Random(0).sample(range(10, total - 10), MOMENTS):
        told: list[int] = []
        passed, at = 0, moment
        data = tmp_path / str(moment)
        with pytest.raises(RuntimeError, match="a wire came loose"):
            run(small_set, data, study, lambda done, _total: told.append(done))  # noqa: B023
        at = -1
        check(small_set, data, study, len(told), straight)


def test_a_disk_that_fills_up_stops_the_session_which_goes_on_when_there_is_room(
    refuses: Any, small_set: StimulusSet, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(small_set, tmp_path / "straight", study, quiet)
    append, told = Record.append, []

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill(self: Record, event: str, **facts: Any) -> None:
        if event == "answer" and facts["trial"] == 6:
            monkeypatch.setattr(os, "fsync", full)
        append(self, event, **facts)

    with monkeypatch.context() as disk:
        disk.setattr(Record, "append", fill)
        with refuses("cannot-write"):
            run(small_set, tmp_path / "data", study, lambda done, _total: told.append(done))
    monkeypatch.undo()
    assert told == list(range(1, 6))
    check(small_set, tmp_path / "data", study, 5, answers(tmp_path / "straight"))


def test_a_read_only_data_folder_is_told_before_anything_is_shown(
    refuses: Any, small_set: StimulusSet, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as disk:
        disk.setattr(os, "mkdir", refuse)
        with refuses("cannot-write"):
            run(small_set, tmp_path / "data", study, quiet)
    assert not (tmp_path / "data").exists()

    def stop(done: int, _total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    run(small_set, tmp_path / "data", study, stop)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with monkeypatch.context() as disk:
        disk.setattr("experiments.records.record.open", _read_only, raising=False)
        with refuses("cannot-write"):
            run(small_set, tmp_path / "data", study, quiet)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def _read_only(path: Path, mode: str = "r", **more: Any) -> Any:
    if "a" in mode:
        raise OSError(errno.EROFS, "Read-only file system")
    return open(path, mode, **more)


def test_times_come_from_a_clock_that_nobody_sets(
    small_set: StimulusSet, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock jumps back and forth at every event; onsets and response times do not notice."""
    jumps = iter(range(10_000))
    with monkeypatch.context() as clock:
        clock.setattr(
            "experiments.records.record.utc_now", lambda: f"20{next(jumps) * 37 % 80 + 10}-01-01T00:00:00.000+00:00"
        )
        run(small_set, tmp_path / "jumping", study, quiet)
    run(small_set, tmp_path / "steady", study, quiet)
    times = ["onset", "response_time", "confidence_time"]
    jumping, steady = (read_bids(tmp_path / name)[times] for name in ("jumping", "steady"))
    assert jumping.equals(steady)
    assert (jumping["response_time"] > 0).all()
