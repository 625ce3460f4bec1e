"""Withdrawing: nothing of the participant stays, everything of the others does, and no kill leaves it half done."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.bids import session_folder
from data.plan import read_plan
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records import withdrawal
from experiments.records.participants import Reader, everyone, register
from experiments.records.status import status
from experiments.records.withdrawal import withdraw, withdrawals
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from stimuli.sets import StimulusSet

pytestmark = pytest.mark.slow

SIMULATED = Setup("simulated", window=False, simulated=Observer(dprime=1))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))  # the current folder is searched for the code too


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> StudyFile:
    return make_study(trials=20, practice_trials=4, catch_trials=3)


@pytest.fixture
def data(small_set: StimulusSet, study: StudyFile, tmp_path: Path) -> Path:
    """Two participants of two sessions each, one of them with a reader's file, and somebody who never came."""
    folder = tmp_path / "data"
    for code in ("k7q2m", "w3x9d"):
        run_first_session(small_set.folder, folder, code, study.path, 3, SIMULATED)
        run_retest(small_set.folder, folder, code, 4, SIMULATED)
    register(folder, "k7q2m", Reader(consent=True, notes="called on Monday"))
    register(folder, "zz9zz")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def others(folder: Path) -> dict[str, bytes]:
    """What a withdrawal of k7q2m must leave alone."""
    return {name: content for name, content in contents(folder).items() if "w3x9d" in name or "zz9zz" in name}


def assert_gone(folder: Path, before: dict[str, bytes]) -> None:
    for name, content in contents(folder).items():
        assert "k7q2m" not in name
        assert b"k7q2m" not in content, name
    assert not [path for path in folder.rglob(".*") if path.name.startswith((".withdrawn-", ".withdrawing-"))]
    assert others(folder) == before
    assert (folder / "participants.tsv").read_text() == "participant_id\tobserver\nsub-w3x9d\tsimulated\n"
    lines = (folder / "sourcedata" / "withdrawals.txt").read_text().splitlines()
    assert len(lines) == withdrawals(folder) == 1
    assert lines[0][4] == lines[0][7] == "-"
    assert "a participant withdrew" in lines[0]


def test_everything_goes_but_a_dated_line(refuses: Any, data: Path) -> None:
    before = others(data)
    temporary = data / "sourcedata" / "participants" / ".k7q2m.json.x1.partial"
    temporary.write_text("{}")
    gone = withdraw(data, "k7q2m")
    assert (gone.sessions, gone.answers, gone.mentions.named_in) == (2, 54, ())
    assert_gone(data, before)
    assert [one.participant for one in status(data)] == ["w3x9d", "zz9zz"]
    with refuses("no-such-participant"):
        withdraw(data, "k7q2m")
    withdraw(data, "zz9zz")
    assert withdrawals(data) == 2


def test_a_quoted_row_goes_too(data: Path) -> None:
    before = others(data)
    table = data / "participants.tsv"
    table.write_text(table.read_text().replace("sub-k7q2m", '"sub-k7q2m"').replace("\t", ";"), encoding="utf-8-sig")
    assert withdraw(data, "k7q2m").mentions.named_in == ()
    assert_gone(data, before)


def test_files_that_still_name_the_code_are_told_and_left(data: Path) -> None:
    (data / "list.csv").write_text("1,k7q2m\n")
    (data.parent / "study-1.imrmc").write_text("k7q2m,stim-1,1,3\n")
    named = {data / "list.csv", data.parent / "study-1.imrmc"}
    assert set(withdraw(data, "k7q2m").mentions.named_in) == named
    assert all(path.exists() for path in named)


def test_stopped_while_it_looks_for_the_code_a_second_call_looks_again(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data.parent / "study-1.csv").write_text("k7q2m\n")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(withdrawal, "find_mentions", interrupted)
        with pytest.raises(KeyboardInterrupt):
            withdraw(data, "k7q2m")
    gone = withdraw(data, "k7q2m")
    assert (gone.answers, gone.mentions.named_in) == (54, (data.parent / "study-1.csv",))


def kill_after(data: Path, changes: int) -> int:
    """Withdraw in a process that dies, as by SIGKILL, before one more change to the disk; its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = changes

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(9)
            return call(*arguments, **options)

        return run

    code = 1
    try:
        for name in ("rename", "replace", "unlink", "rmdir", "remove"):
            setattr(os, name, counted(getattr(os, name)))
        withdraw(data, "k7q2m")
        code = 0
    finally:
        os._exit(code)


def test_killed_before_any_change_to_the_disk_a_second_call_finishes(refuses: Any, data: Path, tmp_path: Path) -> None:
    before, begun = others(data), 0
    for changes in range(200):
        copy = Path(shutil.copytree(data, tmp_path / f"copy{changes}"))
        code = kill_after(copy, changes)
        if code == 0:
            break
        assert code == 9
        [mine] = [one for one in status(copy) if one.participant == "k7q2m"]
        begun += mine.withdrawing
        if mine.withdrawing:
            with refuses("withdrawal-unfinished"):
                run_first_session(copy / "stimuli", copy, "k7q2m", None, 3, SIMULATED)
        withdraw(copy, "k7q2m")
        assert_gone(copy, before)
        shutil.rmtree(copy)
    assert code == 0
    assert_gone(copy, before)
    assert begun > 10


def test_a_session_that_runs_is_not_pulled_from_under(
    refuses: Any, data: Path, small_set: StimulusSet, study: StudyFile, paused: Callable[..., Any]
) -> None:
    with paused(small_set.folder, data, study.path, 6):
        before = contents(data)
        for code in ("p1", "k7q2m"):  # of somebody else's too: its end writes the participants table
            with refuses("session-running"):
                withdraw(data, code)
        assert contents(data) == before


def test_a_session_that_begins_just_then_stops_it(refuses: Any, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(data)
    write = withdrawal.write_bytes

    def begin_meanwhile(path: Path, content: bytes, private: bool = False) -> None:
        write(path, content, private)
        (data / "sourcedata" / "sub-k7q2m" / "ses-3").mkdir()
        (data / "sourcedata" / "sub-k7q2m" / "ses-3" / "plan.json").write_text("{}")

    monkeypatch.setattr(withdrawal, "write_bytes", begin_meanwhile)
    with refuses("session-running") as caught:
        withdraw(data, "k7q2m")
    assert re.search("session 3 is beginning now; nothing was removed", str(caught.value))
    assert contents(data) == before | {"sourcedata/sub-k7q2m/ses-3/plan.json": b"{}"}


def test_what_cannot_be_removed_is_named_and_finished_later(
    refuses: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = others(data)
    rename = Path.rename

    def held(self: Path, target: Path) -> Path:
        if self == data / "sub-k7q2m":
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", held)
        with refuses("cannot-remove"):
            withdraw(data, "k7q2m")
    assert "k7q2m" in everyone(data)
    assert withdraw(data, "k7q2m").answers == 54
    assert_gone(data, before)


def test_a_participants_table_that_cannot_be_read_stops_it_first(refuses: Any, data: Path) -> None:
    (data / "participants.tsv").write_text("participant_id\tsite\nsub-k7q2m\tZürich\n", encoding="latin-1")
    before = contents(data)
    with refuses("not-utf8") as caught:
        withdraw(data, "k7q2m")
    assert re.search(r"participants\.tsv: not UTF-8", str(caught.value))
    assert contents(data) == before


def test_keys_stay_balanced_among_those_whose_data_stay(
    small_set: StimulusSet, study: StudyFile, tmp_path: Path
) -> None:
    folder = tmp_path / "balanced"

    def keys(code: str) -> str:
        result = run_first_session(small_set.folder, folder, code, study.path, 1, Setup("simulated", window=False))
        return read_plan(result.folder / "plan.json").keys["real"]

    assert [keys(code) for code in ("b1", "b2", "b3", "b4")] == ["left", "right", "left", "right"]
    withdraw(folder, "b2")
    withdraw(folder, "b4")
    session_folder(folder, "damaged", 1).mkdir(parents=True)
    (session_folder(folder, "damaged", 1) / "plan.json").write_text("{", encoding="utf-8")
    assert [keys(code) for code in ("b5", "b6", "b7")] == ["right", "right", "left"]
