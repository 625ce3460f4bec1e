from __future__ import annotations

import errno
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.trials import load_trials
from data.bids import read_bids, read_sidecar, session_folder
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records.bids import Exported, export_all, export_session
from experiments.records.participants import Reader, register
from experiments.records.record import Record, read_record
from experiments.records.withdrawal import withdraw
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import SessionResult, Setup
from stimuli.sets import StimulusSet

ROOT = Path(__file__).resolve().parents[3]
SETUP = Setup("simulated", window=False, simulated=Observer(dprime=1))


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> StudyFile:
    return make_study(trials=20, practice_trials=4, catch_trials=3)


@pytest.fixture
def ran(small_set: StimulusSet, study: StudyFile, tmp_path: Path) -> SessionResult:
    return run_first_session(small_set.folder, tmp_path / "data", "p1", study.path, 3, SETUP)


def stop(done: int, _total: int) -> None:
    if done == 9:
        raise KeyboardInterrupt


def test_the_table_reads_back_as_what_was_answered(ran: SessionResult, small_set: StimulusSet, tmp_path: Path) -> None:
    table = read_bids(tmp_path / "data")
    answers = pd.DataFrame(read_record(ran.folder / "record.jsonl").of("answer"))
    for column in ("trial", "stimulus_id", "response", "confidence", "response_time", "confidence_time", "onset"):
        assert table[column].tolist() == answers[column].tolist()
    truth = small_set.table.set_index("stimulus_id").loc[table["stimulus_id"]]
    assert table["truth"].tolist() == truth["truth"].tolist()
    assert table["role"].tolist() == truth["role"].tolist()
    assert table["stim_file"].tolist() == truth["file"].tolist()


def test_the_sidecar_says_where_the_session_came_from(
    ran: SessionResult, small_set: StimulusSet, study: StudyFile
) -> None:
    sidecar = read_sidecar(ran.table)
    assert sidecar["StimulusSetSHA256"] == small_set.sha256
    assert sidecar["StudySHA256"] == study.sha256
    assert (sidecar["TaskName"], sidecar["Seed"], sidecar["Observer"]) == ("realfake", 3, "simulated")
    assert sidecar["Complete"] is True
    assert sidecar["Started"] == read_record(ran.folder / "record.jsonl").start["utc"]
    assert sidecar["response_time"]["Units"] == "s"


def test_exporting_once_more_changes_nothing(ran: SessionResult, tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = contents(data)
    assert export_session(data, "p1", 1) == ran.table
    assert contents(data) == before


def test_a_lost_export_is_made_again_from_the_record(ran: SessionResult, tmp_path: Path) -> None:
    table = ran.table.read_bytes()
    ran.table.unlink()
    export_session(tmp_path / "data", "p1", 1)
    assert ran.table.read_bytes() == table


def test_a_table_that_differs_from_the_record_is_not_overwritten(
    ran: SessionResult, tmp_path: Path, refuses: Any
) -> None:
    ran.table.write_text(
        ran.table.read_text(encoding="utf-8").replace("\treal\t", "\tgenerated\t", 1), encoding="utf-8"
    )
    edited = ran.table.read_bytes()
    with refuses("table-differs"):
        export_session(tmp_path / "data", "p1", 1)
    assert ran.table.read_bytes() == edited


@pytest.mark.slow
def test_after_kill_9_the_session_is_exported_and_analysed(
    small_set: StimulusSet, study: StudyFile, tmp_path: Path, paused: Callable[..., Any], refuses: Any
) -> None:
    data = tmp_path / "data"
    with paused(small_set.folder, data, study.path, 14) as process:
        [running] = export_all(data)
        assert running == Exported("p1", 1, "running", None, 14, 27, complete=False)
        assert not (data / "sub-p1").exists()
        process.kill()
    with refuses("not-exported") as caught:
        load_trials(data, study, small_set)
    assert re.search(rf"participant p1, session 1 .*14 answers.*'lookalike export {data}'", str(caught.value))
    [result] = export_all(data)
    table = data / "sub-p1" / "ses-1" / "beh" / "sub-p1_ses-1_task-realfake_beh.tsv"
    assert result == Exported("p1", 1, "written", table, 14, 27, complete=False)
    assert (data / "participants.tsv").read_text() == "participant_id\tobserver\nsub-p1\tsimulated\n"
    answered = read_bids(data)["response"].notna()
    assert answered.tolist() == [True] * 14 + [False] * 13
    [found] = load_trials(data, study, small_set).sessions.to_dict("records")
    main = int((answered & (read_bids(data)["role"] == "main")).sum())
    assert (found["status"], found["answered"], found["planned"]) == ("flagged", main, 20)
    assert f"partial session: {main} of 20" in found["reason"]
    before = contents(data)
    assert [one.outcome for one in export_all(data)] == ["unchanged"]
    assert contents(data) == before


def test_a_session_whose_end_is_on_disk_is_exported_though_its_last_screen_is_up(
    ran: SessionResult, tmp_path: Path
) -> None:
    lines = (ran.folder / "record.jsonl").read_bytes()
    for file in (ran.table, ran.folder / "record.jsonl"):
        file.unlink()
    with Record(ran.folder) as record:
        record._file.write(lines)
        assert [one.outcome for one in export_all(tmp_path / "data")] == ["written"]


def cut(ran: SessionResult, answers: int, rest: int = 0) -> bytes:
    """Cut the record after so many answers and `rest` more onsets; return the whole record."""
    path = ran.folder / "record.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    ends = [n for n, line in enumerate(lines) if line.startswith(b'{"event": "answer"')]
    onsets = [n for n, line in enumerate(lines) if line.startswith(b'{"event": "onset"')]
    path.write_bytes(b"".join(lines[: ends[answers - 1] + 1 + rest if answers else onsets[0] + rest]))
    return whole


@pytest.mark.slow
@pytest.mark.parametrize(("answers", "rest"), [(0, 0), (0, 1), (9, 0), (9, 1), (27, 0)])
def test_a_table_made_before_its_record_ended_is_made_anew(
    ran: SessionResult, tmp_path: Path, answers: int, rest: int
) -> None:
    """Exported as it ran, where the file system has no locks."""
    data, whole_table = tmp_path / "data", ran.table.read_bytes()
    whole = cut(ran, answers, rest)
    for file in (ran.table, ran.table.with_suffix(".json")):
        file.unlink()
    [partial] = export_all(data)
    assert (partial.outcome, partial.answered, partial.complete) == ("written", answers, answers == 27)
    sidecar = ran.table.with_suffix(".json")
    sidecar.write_text(json.dumps({**read_sidecar(ran.table), "InstitutionName": "Ours"}), encoding="utf-8")
    (ran.folder / "record.jsonl").write_bytes(whole)
    [result] = export_all(data)
    assert (result.outcome, result.answered, result.complete) == (
        "unchanged" if answers == 27 else "rewritten",
        27,
        True,
    )
    assert ran.table.read_bytes() == whole_table
    assert read_sidecar(ran.table)["Complete"] is True
    assert read_sidecar(ran.table)["InstitutionName"] == "Ours"


def test_what_the_lab_has_corrected_is_not_taken_for_an_earlier_table(
    ran: SessionResult, tmp_path: Path, refuses: Any
) -> None:
    lines = ran.table.read_text(encoding="utf-8").splitlines()
    blanked = lines[-1].split("\t")
    blanked[5:9] = ["n/a"] * 4  # the last answer was a slip
    ran.table.write_text("\n".join([*lines[:-1], "\t".join(blanked)]) + "\n", encoding="utf-8")
    corrected = ran.table.read_bytes()
    [result] = export_all(tmp_path / "data")
    assert result.outcome == "failed"
    assert "differs from the record" in str(result.problem)
    cut(ran, 20)
    with refuses("table-differs"):
        export_session(tmp_path / "data", "p1", 1)
    assert ran.table.read_bytes() == corrected


@pytest.mark.slow
@pytest.mark.parametrize("trial", [1, 5, 8])
def test_nor_is_a_correction_within_a_partial_session(
    small_set: StimulusSet, study: StudyFile, tmp_path: Path, trial: int, refuses: Any
) -> None:
    """Nine answers, one of which the lab has blanked or turned round: no earlier moment of the record."""
    ran = run_first_session(small_set.folder, tmp_path / "data", "p1", study.path, 3, SETUP, stop)
    lines = ran.table.read_text(encoding="utf-8").splitlines()
    for response in ("n/a", "real", "generated"):
        cells = lines[trial].split("\t")
        if cells[5] == response:
            continue
        cells[5] = response
        changed = [*lines[:trial], "\t".join(cells), *lines[trial + 1 :]]
        ran.table.write_text("\n".join(changed) + "\n", encoding="utf-8")
        with refuses("table-differs"):
            export_session(tmp_path / "data", "p1", 1)


def test_a_lost_sidecar_is_made_again(ran: SessionResult, tmp_path: Path, refuses: Any) -> None:
    sidecar = ran.table.with_suffix(".json")
    content = sidecar.read_bytes()
    sidecar.unlink()
    with refuses("no-such-file") as caught:
        load_trials(tmp_path / "data", None, None)
    assert "lookalike export" in str(caught.value)
    assert [one.outcome for one in export_all(tmp_path / "data")] == ["written"]
    assert sidecar.read_bytes() == content


def test_one_damaged_record_does_not_keep_the_others(
    ran: SessionResult, small_set: StimulusSet, study: StudyFile, tmp_path: Path, refuses: Any
) -> None:
    data = tmp_path / "data"
    other = run_first_session(small_set.folder, data, "p2", study.path, 4, SETUP)
    shutil.rmtree(data / "sub-p1")
    shutil.rmtree(data / "sub-p2")
    record = ran.folder / "record.jsonl"
    record.write_bytes(record.read_bytes().replace(b'"onset"', b"'onset'", 1))
    damaged, whole = export_all(data)
    assert (damaged.participant, damaged.outcome, damaged.table) == ("p1", "failed", None)
    assert "record.jsonl: line 4 is damaged" in str(damaged.problem)
    assert (whole.participant, whole.outcome, whole.table) == ("p2", "written", other.table)
    with refuses("not-exported") as caught:
        load_trials(data, study, None)
    assert "participant p1, session 1" in str(caught.value)


def test_what_was_claimed_and_never_shown_is_no_session(ran: SessionResult, tmp_path: Path) -> None:
    data = tmp_path / "data"
    claimed = session_folder(data, "p2", 1)
    shutil.copytree(ran.folder, claimed)
    (claimed / "record.jsonl").write_bytes(b'{"event": "sta')
    assert [one.participant for one in export_all(data)] == ["p1"]
    assert load_trials(data, None, None).sessions["participant"].tolist() == ["p1"]


def test_a_folder_without_records_is_named(tmp_path: Path, refuses: Any) -> None:
    with refuses("no-sessions"):
        export_all(tmp_path)


@pytest.mark.slow
def test_a_full_disk_during_export_is_told_and_mended_later(
    ran: SessionResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    shutil.rmtree(ran.table.parent)
    with monkeypatch.context() as disk:
        disk.setattr("data.bids.write_json", full)
        [result] = export_all(tmp_path / "data")
    assert (result.outcome, result.table) == ("failed", None)
    assert "the answers are safe in" in str(result.problem)
    assert list(ran.table.parent.iterdir()) == []
    assert [one.outcome for one in export_all(tmp_path / "data")] == ["written"]


ONE_OF_MANY = """
import sys
from pathlib import Path
sys.path[0] = sys.argv[1]
from data.simulated.observers import Observer
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup

def wait(done, total):
    if done == total:  # all of them end at the same moment
        print("ready", flush=True)
        sys.stdin.readline()

setup = Setup("simulated", window=False, simulated=Observer(dprime=1))
run_first_session(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[5], Path(sys.argv[4]), 1, setup, wait)
"""


@pytest.mark.slow
def test_sessions_that_end_together_lose_no_participant(
    small_set: StimulusSet, study: StudyFile, tmp_path: Path
) -> None:
    names = [f"p{number}" for number in range(8)]
    data = tmp_path / "data"
    data.mkdir()
    (data / "participants.tsv").write_text("participant_id\texpertise\nsub-elsewhere\tresident\n", encoding="utf-8")
    fixed = [str(part) for part in (ROOT, small_set.folder, data, study.path)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_OF_MANY, *fixed, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == [""] * 8
    header, elsewhere, *rows = (data / "participants.tsv").read_text(encoding="utf-8").splitlines()
    assert (header, elsewhere) == ("participant_id\texpertise", "sub-elsewhere\tresident")
    assert sorted(rows) == [f"sub-{name}\tn/a" for name in names]


def test_a_row_lost_to_another_writer_is_added_again(
    ran: SessionResult, small_set: StimulusSet, study: StudyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another session's export reads the file before ours is in it, and writes it after."""
    data = tmp_path / "data"
    participants = data / "participants.tsv"
    stale = participants.read_text(encoding="utf-8")
    wrote = []

    def write_then_lose(path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        wrote.append(path)
        if len(wrote) == 1:
            path.write_text(stale, encoding="utf-8")

    monkeypatch.setattr("experiments.records.participants_table.write_text", write_then_lose)
    run_first_session(small_set.folder, data, "p2", study.path, 4, SETUP)
    assert wrote == [participants] * 2
    assert participants.read_text(encoding="utf-8") == stale + "sub-p2\tsimulated\n"
    assert ran.table.exists()


@pytest.mark.slow
def test_a_participants_observer_is_that_of_the_first_session(
    ran: SessionResult, small_set: StimulusSet, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    run_retest(small_set.folder, data, "p1", 4, SETUP)
    sidecar = ran.table.with_suffix(".json")
    sidecar.write_text(json.dumps({**read_sidecar(ran.table), "Observer": "human"}), encoding="utf-8")
    (data / "participants.tsv").unlink()
    export_session(data, "p1", 2)
    assert (data / "participants.tsv").read_text() == "participant_id\tobserver\nsub-p1\thuman\n"


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_record_of_other_trials_than_planned_is_refused(refuses: Any, ran: SessionResult, tmp_path: Path) -> None:
    record = ran.folder / "record.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    first = json.loads(lines[3])["stimulus_id"]
    lines[3] = lines[3].replace(first, "s9999")
    record.write_text("".join(lines), encoding="utf-8")
    with refuses("altered-file") as caught:
        export_session(tmp_path / "data", "p1", 1)
    assert re.search("trial 1 .*'s9999'", str(caught.value))


@pytest.mark.slow
@pytest.mark.usefixtures("ran")
def test_what_the_lab_wrote_about_the_data_set_stays(small_set: StimulusSet, study: StudyFile, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "README").write_text("Our own words.")
    (data / "participants.tsv").write_text(
        "participant_id\texpertise\tyears\nsub-p1\tresident\t012\n", encoding="utf-8"
    )
    run_first_session(small_set.folder, data, "p2", study.path, 3, SETUP)
    participants = (data / "participants.tsv").read_text(encoding="utf-8").splitlines()
    assert participants == ["participant_id\texpertise\tyears", "sub-p1\tresident\t012", "sub-p2\tn/a\tn/a"]
    assert (data / "README").read_text() == "Our own words."


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_participants_not_saved_as_utf8_cost_nobody_a_table(
    refuses: Any, small_set: StimulusSet, study: StudyFile, tmp_path: Path, encoding: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    participants = data / "participants.tsv"
    text = "participant_id\tsite\nsub-elsewhere\tZürich\n"
    participants.write_text(text, encoding=encoding)
    before = participants.read_bytes()
    for name in ("p1", "p2"):
        with refuses("not-utf8") as caught:
            run_first_session(small_set.folder, data, name, study.path, 3, SETUP)
        assert re.search(r"participants\.tsv: .* save it as UTF-8", str(caught.value))
        assert f"'lookalike export {data}'" in str(caught.value)
    assert len(read_bids(data)) == 2 * 27
    for path in data.glob("sub-p?/ses-1/beh/*"):
        path.unlink()
    results = export_all(data)
    assert [(one.outcome, one.answered) for one in results] == [("failed", 27)] * 2
    assert all("participants.tsv: not UTF-8" in str(one.problem) for one in results)
    assert len(read_bids(data)) == 2 * 27
    assert participants.read_bytes() == before
    participants.write_text(text, encoding="utf-8")
    assert [one.outcome for one in export_all(data)] == ["unchanged"] * 2
    assert participants.read_text(encoding="utf-8") == text + "sub-p1\tn/a\nsub-p2\tn/a\n"


def errors(command: str, data: Path) -> set[str]:
    """Codes of the errors that the BIDS validator finds; it needs no network."""
    run = subprocess.run([command, str(data), "--format", "json"], capture_output=True, text=True, check=False)
    issues = json.loads(run.stdout)["issues"]["issues"]
    found = {issue["code"] for issue in issues if issue["severity"] == "error"}
    assert (run.returncode == 0) == (not found)
    assert "TSV_ADDITIONAL_COLUMNS_UNDEFINED" not in {issue["code"] for issue in issues}
    return found


@pytest.mark.slow
def test_the_bids_validator_accepts_it(own_set: Path, study: StudyFile, tmp_path: Path, bids_validator: str) -> None:
    data = tmp_path / "data"
    stimuli = Path(shutil.move(own_set, data / "stimuli"))
    run_first_session(stimuli, data, "p1", study.path, 3, SETUP)
    run_retest(stimuli, data, "p1", 4, SETUP)
    assert not run_first_session(stimuli, data, "p2", study.path, 5, SETUP, stop).complete
    for name in ("p1", "p2", "w3x9d"):  # of whom the last has never come
        register(data, name, Reader("resident", 2.5, 1200, True, 20.0, 57.0, consent=True, notes="private"))
    (data / "participants.tsv").unlink()
    export_all(data)
    assert "\tresident\t2.5\t1200\tyes\t20.0\t57.0\n" in (data / "participants.tsv").read_text()
    withdraw(data, "p2")
    assert errors(bids_validator, data) == set()
    shutil.rmtree(stimuli)
    assert errors(bids_validator, data) == {"STIMULUS_FILE_MISSING"}
