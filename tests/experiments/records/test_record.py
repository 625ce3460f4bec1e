from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from data.bids import session_folder
from data.errors import LookalikeError
from data.plan import Plan, read_plan, write_plan
from data.record import FIELDS, Log
from data.study import StudyFile
from experiments.records.record import (
    Record,
    create_session,
    find_unfinished,
    is_running,
    read_record,
    refuse_taken,
    sessions,
)
from experiments.session.design import draw_plan
from stimuli.sets import StimulusSet
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def plan(small_set: StimulusSet, make_study: Callable[..., StudyFile]) -> Plan:
    return draw_plan(small_set, make_study(trials=20), "k7q2m", 1, 0)


def answer(trial: int) -> dict[str, Any]:
    return {
        "trial": trial,
        "stimulus_id": f"s{trial}",
        "response": "real",
        "confidence": 1,
        "response_time": 0.5,
        "confidence_time": None,
        "onset": 0.1,
    }


def write_answers(folder: Path, count: int) -> Path:
    with Record(folder) as record:
        for trial in range(1, count + 1):
            record.append("answer", **answer(trial))
    return folder / "record.jsonl"


def test_events_read_back_in_order(tmp_path: Path) -> None:
    log = read_record(write_answers(tmp_path, 3))
    assert [event["trial"] for event in log.events] == [1, 2, 3]
    assert log.events[0].items() >= answer(1).items()
    assert log.cut == ""


def test_a_record_says_why_it_has_no_start(refuses: Any, tmp_path: Path) -> None:
    path = write_answers(tmp_path, 1)
    with refuses("damaged-file") as caught:
        _ = read_record(path).start
    assert str(path) in str(caught.value)
    path.write_bytes(b"")
    with refuses("not-started"):
        _ = read_record(path).start


def test_each_event_is_synchronised_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synchronised: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synchronised.append(os.fstat(handle).st_size))
    with Record(tmp_path) as record:
        for trial in (1, 2):
            record.append("answer", **answer(trial))
            assert synchronised[-1] == record.path.stat().st_size
            assert len(synchronised) == trial


def test_a_last_line_cut_anywhere_loses_only_itself(tmp_path: Path) -> None:
    path = write_answers(tmp_path, 3)
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in range(last + 1, len(whole)):
        path.write_bytes(whole[:end])
        log = read_record(path)
        assert [event["trial"] for event in log.events] == [1, 2]
        assert log.cut == whole[last:end].decode()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"event": "ans', "line 2 is damaged"),
        (b"\x00\xff\x00", "line 2 is damaged"),
        (b"[1, 2]", "line 2 is not an event"),
        (b'{"event": "applause", "utc": ""}', "line 2 is not an event"),
        (b'{"event": "onset", "utc": "", "trial": 2}', "line 2: onset lacks stimulus_id, onset"),
    ],
)
def test_a_damaged_line_in_the_middle_is_refused_by_number(
    refuses: Any, tmp_path: Path, line: bytes, message: str
) -> None:
    path = write_answers(tmp_path, 3)
    lines = path.read_bytes().split(b"\n")
    lines[1] = line
    path.write_bytes(b"\n".join(lines))
    with refuses("damaged-file") as caught:
        read_record(path)
    assert f"{path}: {message}" in str(caught.value)


def test_a_trial_answered_twice_is_refused(refuses: Any, tmp_path: Path) -> None:
    path = write_answers(tmp_path, 2)
    path.write_bytes(path.read_bytes() * 2)
    with refuses("damaged-file") as caught:
        read_record(path)
    assert "line 3 answers trial 1" in str(caught.value)


def test_a_missing_record_is_named(refuses: Any, tmp_path: Path) -> None:
    with refuses("no-such-file") as caught:
        read_record(tmp_path / "none.jsonl")
    assert str(tmp_path / "none.jsonl") in str(caught.value)


class _FullDisk:
    """A file on a disk that fills up half-way through a line, and has room again later."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.full = False

    def write(self, line: Any) -> int:
        if not self.full:
            return int(self._file.write(line))
        self._file.write(bytes(line)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_a_full_disk_is_told_and_leaves_no_half_line_behind(refuses: Any, tmp_path: Path) -> None:
    with Record(tmp_path) as record:
        disk = _FullDisk(record._file)
        record._file = disk  # type: ignore[assignment]
        record.append("answer", **answer(1))
        disk.full = True
        with refuses("cannot-write"):
            record.append("answer", **answer(2))
        disk.full = False
        record.append("interruption", reason="disk full")
    log = read_record(record.path)
    assert [event["event"] for event in log.events] == ["answer", "interruption"]
    assert log.cut == ""


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


@pytest.mark.parametrize("half", ['{"event": "answer", "trial": 3, "respo', "é"])
def test_half_a_line_is_moved_when_a_record_is_resumed(tmp_path: Path, half: str) -> None:
    path = write_answers(tmp_path, 2)
    whole = path.read_bytes()
    for spoilt in (half.encode("utf-8")[:-1], b"\x00" * 50):
        path.write_bytes(whole + spoilt)
        with Record(tmp_path) as record:
            assert path.read_bytes() == whole
            assert record.log.cut
            assert (tmp_path / "record.cut").read_bytes().endswith(spoilt + b"\n")
    assert (tmp_path / "record.cut").read_bytes().count(b"\n") == 2


def test_ctrl_c_within_a_line_leaves_no_half_line_behind(tmp_path: Path) -> None:
    class Interrupted(_FullDisk):
        def write(self, line: Any) -> int:
            if not self.full:
                return int(self._file.write(line))
            self._file.write(bytes(line)[:10])
            self.full = False
            raise KeyboardInterrupt

    with Record(tmp_path) as record:
        disk = Interrupted(record._file)
        record._file = disk  # type: ignore[assignment]
        record.append("answer", **answer(1))
        disk.full = True
        with pytest.raises(KeyboardInterrupt):
            record.append("answer", **answer(2))
        record.append("interruption", reason="KeyboardInterrupt")
    assert [event["event"] for event in read_record(record.path).events] == ["answer", "interruption"]


def test_ctrl_c_after_a_line_was_written_leaves_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_handle: int) -> None:
        raise KeyboardInterrupt

    with Record(tmp_path) as record:
        with monkeypatch.context() as struck:
            struck.setattr(os, "fsync", interrupt)
            with pytest.raises(KeyboardInterrupt):
                record.append("answer", **answer(1))
        record.append("interruption", reason="KeyboardInterrupt")
    assert [event["event"] for event in read_record(record.path).events] == ["answer", "interruption"]


def test_a_data_folder_that_cannot_be_written_is_named(refuses: Any, tmp_path: Path, plan: Plan) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    with refuses("cannot-write"):
        create_session(tmp_path / "data", plan)


KILLED = """
import sys
from pathlib import Path
sys.path[0] = sys.argv[1]
from data.simulated.observers import Observer
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup

def tell(done, _total):
    print(done, flush=True)
    if done == 90:  # the kill is on its way; a slow test machine must not let the session end first
        sys.stdin.read()

setup = Setup("simulated", window=False, simulated=Observer(dprime=1))
run_first_session(Path(sys.argv[2]), Path(sys.argv[3]), "k7q2m", Path(sys.argv[4]), 1, setup, tell)
"""


@pytest.mark.slow
def test_kill_9_loses_no_answered_trial(
    tmp_path: Path, make_set: Callable[..., StimulusSet], make_study: Callable[..., StudyFile]
) -> None:
    stimuli, study = make_set(main=100), make_study(trials=100)
    arguments = [str(part) for part in (ROOT, stimuli.folder, tmp_path, study.path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", KILLED, *arguments], **pipes) as process:
        assert process.stdout is not None
        for _ in range(13):
            assert process.stdout.readline()
        process.kill()
        told = 13 + len(process.stdout.read().splitlines())
    folder = session_folder(tmp_path, "k7q2m", 1)
    log = read_record(folder / "record.jsonl")
    answered = [event["trial"] for event in log.of("answer")]
    assert answered == list(range(1, len(answered) + 1))
    assert told <= len(answered) <= told + 1  # the last answer may be on disk and not yet told
    assert log.of("end") == ()
    assert log.start["plan_sha256"] == read_plan(folder / "plan.json").sha256
