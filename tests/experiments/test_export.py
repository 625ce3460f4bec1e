from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from data.errors import LookalikeError
from data.observers import Observer
from data.study import StudyFile
from data.trials import read_bids, read_sidecar
from experiments import realfake, retest
from experiments.export import export_session
from experiments.record import read_record
from experiments.sitting import Result, Setup
from stimuli.sets import StimulusSet

SETUP = Setup("simulated", window=False, simulated=Observer(dprime=1))


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> StudyFile:
    return make_study(trials=20, practice_trials=4, catch_trials=3)


@pytest.fixture
def ran(small_set: StimulusSet, study: StudyFile, tmp_path: Path) -> Result:
    return realfake.run(small_set.folder, tmp_path / "data", "p1", study.path, 3, SETUP)


def stop(done: int, _total: int) -> None:
    if done == 9:
        raise KeyboardInterrupt


def test_the_table_reads_back_as_what_was_answered(ran: Result, small_set: StimulusSet, tmp_path: Path) -> None:
    table = read_bids(tmp_path / "data")
    answers = pd.DataFrame(read_record(ran.folder / "record.jsonl").of("answer"))
    for column in ("trial", "stimulus_id", "response", "confidence", "response_time", "confidence_time", "onset"):
        assert table[column].tolist() == answers[column].tolist()
    truth = small_set.table.set_index("stimulus_id").loc[table["stimulus_id"]]
    assert table["truth"].tolist() == truth["truth"].tolist()
    assert table["role"].tolist() == truth["role"].tolist()
    assert table["stim_file"].tolist() == truth["file"].tolist()


def test_the_sidecar_says_where_the_session_came_from(ran: Result, small_set: StimulusSet, study: StudyFile) -> None:
    sidecar = read_sidecar(ran.table)
    assert sidecar["StimulusSetSHA256"] == small_set.sha256
    assert sidecar["StudySHA256"] == study.sha256
    assert (sidecar["TaskName"], sidecar["Seed"], sidecar["Observer"]) == ("realfake", 3, "simulated")
    assert sidecar["Complete"] is True
    assert sidecar["Started"] == read_record(ran.folder / "record.jsonl").start["utc"]
    assert sidecar["response_time"]["Units"] == "s"


def test_exporting_once_more_changes_nothing(ran: Result, tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in data.rglob("*") if path.is_file()}
    assert export_session(data, "p1", 1) == ran.table
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in data.rglob("*") if path.is_file()} == before


def test_a_lost_export_is_made_again_from_the_record(ran: Result, tmp_path: Path) -> None:
    table = ran.table.read_bytes()
    ran.table.unlink()
    export_session(tmp_path / "data", "p1", 1)
    assert ran.table.read_bytes() == table


def test_a_table_that_differs_from_the_record_is_not_overwritten(ran: Result, tmp_path: Path) -> None:
    ran.table.write_text(
        ran.table.read_text(encoding="utf-8").replace("\treal\t", "\tgenerated\t", 1), encoding="utf-8"
    )
    edited = ran.table.read_bytes()
    with pytest.raises(LookalikeError, match=r"differs from the record .* move it away"):
        export_session(tmp_path / "data", "p1", 1)
    assert ran.table.read_bytes() == edited


def test_a_record_of_other_trials_than_planned_is_refused(ran: Result, tmp_path: Path) -> None:
    record = ran.folder / "record.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    first = json.loads(lines[1])["stimulus_id"]
    lines[1] = lines[1].replace(first, "s9999")
    record.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(LookalikeError, match="trial 1 shows 's9999', which the plan does not"):
        export_session(tmp_path / "data", "p1", 1)


@pytest.mark.usefixtures("ran")
def test_what_the_lab_wrote_about_the_data_set_stays(small_set: StimulusSet, study: StudyFile, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "README").write_text("Our own words.")
    (data / "participants.tsv").write_text(
        "participant_id\texpertise\tyears\nsub-p1\tresident\t012\n", encoding="utf-8"
    )
    realfake.run(small_set.folder, data, "p2", study.path, 3, SETUP)
    participants = (data / "participants.tsv").read_text(encoding="utf-8").splitlines()
    assert participants == ["participant_id\texpertise\tyears", "sub-p1\tresident\t012", "sub-p2\tn/a\tn/a"]
    assert (data / "README").read_text() == "Our own words."


def errors(command: str, data: Path) -> set[str]:
    """Codes of the errors that the BIDS validator finds; it needs no network."""
    run = subprocess.run([command, str(data), "--format", "json"], capture_output=True, text=True, check=False)
    issues = json.loads(run.stdout)["issues"]["issues"]
    found = {issue["code"] for issue in issues if issue["severity"] == "error"}
    assert (run.returncode == 0) == (not found)
    assert "TSV_ADDITIONAL_COLUMNS_UNDEFINED" not in {issue["code"] for issue in issues}
    return found


def test_the_bids_validator_accepts_it(own_set: Path, study: StudyFile, tmp_path: Path, bids_validator: str) -> None:
    data = tmp_path / "data"
    stimuli = Path(shutil.move(own_set, data / "stimuli"))
    realfake.run(stimuli, data, "p1", study.path, 3, SETUP)
    retest.run(stimuli, data, "p1", 4, SETUP)
    assert not realfake.run(stimuli, data, "p2", study.path, 5, SETUP, stop).complete
    assert errors(bids_validator, data) == set()
    shutil.rmtree(stimuli)
    assert errors(bids_validator, data) == {"STIMULUS_FILE_MISSING"}
