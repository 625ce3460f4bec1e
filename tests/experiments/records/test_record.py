"""What is written to a record is on the disk, whole, and read back; whatever interrupts the writing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.bids import session_folder
from data.plan import Plan, read_plan
from data.study import StudyFile
from experiments.records.record import (
    Record,
    create_session,
    read_record,
)
from stimuli.sets import StimulusSet
from tests.experiments.records.made import answer, write_answers

ROOT = Path(__file__).resolve().parents[3]


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
