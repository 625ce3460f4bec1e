"""Whose a session and its record are: claims, locks, and which can be gone on with."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from data.bids import session_folder
from data.errors import LookalikeError
from data.plan import Plan, read_plan, write_plan
from data.record import FIELDS, Log
from experiments.records.record import (
    Record,
    create_session,
    find_unfinished,
    is_running,
    read_record,
    refuse_taken,
    sessions,
)
from tests.experiments.records.made import answer, write_answers
from tests.waiting import PATIENCE_S


def test_a_session_is_claimed_once_with_its_plan_in_it(refuses: Any, tmp_path: Path, plan: Plan) -> None:
    folder = create_session(tmp_path, plan)
    assert folder == session_folder(tmp_path, "k7q2m", 1)
    assert read_plan(folder / "plan.json") == plan
    assert sessions(tmp_path, "k7q2m") == [1]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with refuses("session-exists"):
        create_session(tmp_path, plan.model_copy(update={"seed": 99}))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_who_loses_the_race_for_a_session_is_refused(
    refuses: Any, tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = session_folder(tmp_path, "k7q2m", 1)

    def other_first(path: Path, _plan: Plan) -> None:
        folder.mkdir(parents=True)
        (folder / "plan.json").write_text("theirs")
        path.write_text("ours")

    monkeypatch.setattr("experiments.records.record.write_plan", other_first)
    with refuses("session-exists"):
        create_session(tmp_path, plan)
    assert (folder / "plan.json").read_text() == "theirs"
    assert [path.name for path in folder.parent.iterdir()] == ["ses-1"]


def test_a_record_is_running_while_it_is_open_and_has_no_end(refuses: Any, tmp_path: Path) -> None:
    with Record(tmp_path) as record:
        record.append("answer", **answer(1))
        assert is_running(record.path)
        record.append("end")
        assert not is_running(record.path)  # only the last screen is still up
    assert not is_running(record.path)
    with refuses("no-such-file"):
        is_running(tmp_path / "none.jsonl")


def test_a_record_that_nobody_writes_is_not_running_though_it_has_no_end(tmp_path: Path) -> None:
    path = write_answers(tmp_path, 3)
    with open(path, "rb"):
        assert not is_running(path)


def test_a_file_system_without_locks_stops_no_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    path = write_answers(tmp_path, 2)
    assert not is_running(path)


def test_who_looks_while_a_session_locks_its_record_does_not_keep_it_from_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, tries = fcntl.flock, 0
    reader = open(tmp_path / "record.jsonl", "ab")  # noqa: SIM115 (closed at the third try)
    flock(reader.fileno(), fcntl.LOCK_SH)

    def look_meanwhile(handle: int, how: int) -> None:
        nonlocal tries
        tries += bool(how & fcntl.LOCK_EX)
        if tries == 3:
            reader.close()
        flock(handle, how)

    monkeypatch.setattr("experiments.records.record._PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr("fcntl.flock", look_meanwhile)
    with Record(tmp_path) as record:
        assert tries == 3
        assert is_running(record.path)


def test_on_windows_a_byte_that_nobody_reads_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locking(handle: int, how: int, count: int) -> None:
        assert (os.lseek(handle, 0, os.SEEK_CUR), count) == (2**30, 1)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if how == 1 else fcntl.LOCK_NB))
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    windows = SimpleNamespace(LK_LOCK=1, LK_NBLCK=2, locking=locking)
    monkeypatch.setattr("experiments.records.record.msvcrt", windows, raising=False)
    monkeypatch.setattr("experiments.records.record.sys", SimpleNamespace(platform="win32"))
    with Record(tmp_path) as record:
        record.append("answer", **answer(1))
        assert is_running(record.path)
        assert len(read_record(record.path).of("answer")) == 1  # written at the start of the file, not after the lock
    assert record.path.stat().st_size < 1000
    assert not is_running(record.path)


def refusal(data: Path) -> str:
    with pytest.raises(LookalikeError) as caught:
        refuse_taken(data, "k7q2m", 1)
    assert caught.value.code == "session-exists"
    return str(caught.value)


def begin(folder: Path, plan: Plan, answers: int) -> None:
    """A record of the plan's first answers."""
    with Record(folder) as record:
        known = {"session": 1, "screen": {}, "versions": {}, "days_since_first": None, "plan_sha256": plan.sha256}
        record.append("start", **dict.fromkeys(FIELDS["start"], "x") | known)
        for trial in plan.trials[:answers]:
            record.append("answer", **answer(trial.trial) | {"stimulus_id": trial.stimulus_id})


def test_a_refusal_states_the_progress_of_the_session(tmp_path: Path, plan: Plan) -> None:
    folder = create_session(tmp_path, plan)
    with Record(folder):
        assert "it is running now; use another --participant" in refusal(tmp_path)
    begin(folder, plan, 7)
    said = refusal(tmp_path)
    assert said.endswith("stopped after 7 of 20 trials; start it again to resume it")
    assert "retest" not in said
    (folder / "record.jsonl").unlink()
    begin(folder, plan, 20)
    assert "or 'lookalike retest' for a second session" in refusal(tmp_path)
    (folder / "record.jsonl").write_text("damaged\n")
    assert refusal(tmp_path).endswith("nothing was changed; use another --participant")


def test_what_can_be_resumed_is_found(refuses: Any, tmp_path: Path, plan: Plan) -> None:
    assert find_unfinished(tmp_path, "k7q2m", 1) is None
    folder = create_session(tmp_path, plan)
    assert find_unfinished(tmp_path, "k7q2m", 1) == (plan, Log(folder / "record.jsonl", (), ""))
    begin(folder, plan, 7)
    found = find_unfinished(tmp_path, "k7q2m", 1)
    assert found is not None
    assert (found[0], len(found[1].of("answer"))) == (plan, 7)
    with Record(folder), refuses("session-running"):
        find_unfinished(tmp_path, "k7q2m", 1)
    other = plan.model_copy(update={"seed": 99})
    write_plan(folder / "plan.json", other)
    with refuses("altered-file"):
        find_unfinished(tmp_path, "k7q2m", 1)
    write_plan(folder / "plan.json", plan)
    (folder / "record.jsonl").unlink()
    begin(folder, plan, 20)
    assert find_unfinished(tmp_path, "k7q2m", 1) is None


def test_a_record_is_opened_by_one_at_a_time(refuses: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.records.record._PATIENCE_S", 0.05)
    with Record(tmp_path) as record:
        record.append("answer", **answer(1))
        with refuses("session-running"):
            Record(tmp_path)
        record.append("answer", **answer(2))
    with Record(tmp_path) as record:  # nobody holds it any more
        assert len(record.log.of("answer")) == 2
