"""Several files, folders of them, and BIDS folders that others wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from data.external_tables.mapping import TableMapping
from data.external_tables.read import read_external_table, read_trials, recorded_here
from data.external_tables.sources import is_ours, tables_of


@pytest.fixture
def folder(tmp_path: Path, study: pd.DataFrame) -> Path:
    """One file per participant."""
    (tmp_path / "raw").mkdir()
    for who, part in study.groupby("participant"):
        part.to_csv(tmp_path / "raw" / f"{who}.csv", index=False)
    return tmp_path / "raw"


def test_a_folder_and_several_files_are_one_study(folder, is_clean):
    found = read_external_table(folder)
    is_clean(found)
    assert set(found.files) == {"Zoé.csv", "P02.csv"}
    is_clean(read_external_table(sorted(folder.iterdir())))
    assert not recorded_here(folder)


def test_participants_may_be_named_by_files(folder, is_clean):
    for path in folder.iterdir():
        pd.read_csv(path).drop(columns="participant").to_csv(path, index=False, na_rep="")
    found = read_external_table(folder)
    is_clean(found)
    assert found.filled["participant"] == "the names of the files"
    for path in list(folder.iterdir()):
        path.rename(path.with_stem(f"realfake_{path.stem}_2026-03-02"))
    is_clean(read_external_table(folder, mapping=TableMapping(file={"participant": "realfake_(.*?)_"})))
    one = folder / "realfake_P02_2026-03-02.csv"
    found = read_external_table(one, mapping=TableMapping({"participant": "{file}"}))
    assert set(found.trials["participant"]) == {one.stem}


def test_names_of_files_that_do_not_fit(folder, refuses):
    with refuses("bad-file-name"):
        read_external_table(folder, mapping=TableMapping(file={"participant": "S[0-9]+"}))
    with refuses("bad-setting"):
        read_external_table(folder, mapping=TableMapping(file={"participant": "("}))


def test_other_files_of_a_folder_are_left_alone_and_counted(folder, is_clean):
    for name in ("P02.log", "P02.psydat", ".DS_Store", "~$P02.xlsx"):
        (folder / name).write_bytes(b"x")
    (folder / "P02.xlsx").write_bytes(b"x")
    found = read_external_table(folder)
    is_clean(found)
    assert any("2 .csv files were read, 1 of other kinds" in note for note in found.notes)


def test_a_file_without_trials_is_told(folder, is_clean, study):
    study.iloc[:0].to_csv(folder / "P03.csv", index=False)
    found = read_external_table(folder)
    is_clean(found)
    assert "P03.csv: holds no trial" in found.notes


def test_sessions_that_were_broken_off_are_told(folder, is_clean, study):
    """Programs leave an empty file, or one whose rows are all before the first trial."""
    (folder / "P03.csv").write_text("")
    study.iloc[:1].assign(stimulus_id="").drop(columns=["truth", "response"]).to_csv(folder / "P04.csv", index=False)
    found = read_external_table(folder)
    is_clean(found)
    assert {"P03.csv: is empty", "P04.csv: holds no trial"} <= set(found.notes)


def test_rows_and_files_at_fault_are_named(folder, refuses, study):
    path = folder / "P02.csv"
    path.write_text(path.read_text().replace("P02,1,3,im3,generated", "P02,1,3,im3,gan2"))
    with refuses("unknown-word") as caught:
        read_external_table(folder)
    assert f"{path}: truth is 'gan2'" in str(caught.value)
    assert "row P02.csv:4" in str(caught.value)
    study.iloc[8:].to_csv(path, index=False)
    study.iloc[8:].to_csv(folder / "again.csv", index=False)
    with refuses("repeated-session") as caught:
        read_external_table(folder)
    assert "again.csv" in str(caught.value)
    study.iloc[10:].to_csv(folder / "again.csv", index=False)
    with refuses("repeated-trial") as caught:
        read_external_table(folder)
    assert "P02.csv:4" in str(caught.value)


def test_columns_may_differ_between_files(folder, is_clean):
    path = folder / "P02.csv"
    pd.read_csv(path).assign(comment="none").rename(columns={"confidence": "conf"}).to_csv(path, index=False, na_rep="")
    is_clean(read_external_table(folder))


@pytest.mark.parametrize(("name", "code"), [("nowhere.csv", "no-such-file"), ("nowhere", "no-such-folder")])
def test_nothing_there(tmp_path, refuses, name, code):
    with refuses(code) as caught:
        read_external_table(tmp_path / name)
    assert "no such file or folder" in str(caught.value)


def test_nothing_given(tmp_path, refuses):
    with refuses("no-such-file"):
        read_external_table([])
    (tmp_path / "notes.md").write_text("x")
    with refuses("no-such-file") as caught:
        tables_of(tmp_path)
    assert ".xlsx" in str(caught.value)


def bids(folder: Path, study: pd.DataFrame, name: str, columns: list[str] | None = None) -> Path:
    """A table for each participant; `name` has places for {sub}."""
    for who, part in study.replace({"participant": {"Zoé": "01"}}).groupby("participant"):
        path = folder / name.format(sub=who)
        path.parent.mkdir(parents=True, exist_ok=True)
        table = part.drop(columns=["participant", "session"]).replace({"": "n/a"})
        (table if columns is None else table[columns]).to_csv(path, sep="\t", index=False)
    (folder / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    return folder


NAMES = [
    "sub-{sub}/beh/sub-{sub}_task-fakes_beh.tsv",
    "sub-{sub}/ses-01/beh/sub-{sub}_ses-01_task-fakes_beh.tsv",
    "sub-{sub}/ses-pre/beh/sub-{sub}_ses-pre_task-fakes_beh.tsv",
    "sub-{sub}/beh/sub-{sub}_task-fakes_run-1_beh.tsv",
    "sub-{sub}/beh/sub-{sub}_task-fakes_acq-lab_run-1_beh.tsv",
    "sub-{sub}/beh/sub-{sub}_task-fakes_events.tsv",
    "sub-{sub}/ses-1/func/sub-{sub}_ses-1_task-fakes_dir-AP_run-1_events.tsv",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sidecar", [None, "task-fakes_{}.json", "sub-01/sub-01_task-fakes_{}.json"])
def test_bids_folders_that_others_wrote(tmp_path, study, clean, name, sidecar):
    folder = bids(tmp_path / "bids", study, name)
    if sidecar:
        sidecar = sidecar.format("events" if "events" in name else "beh")
        (folder / sidecar).write_text(json.dumps({"TaskName": "fakes", "Observer": "human"}))
    assert not is_ours(folder)
    mapping = TableMapping(order={"session": ["pre"]}) if "pre" in name else None
    found = read_trials(folder, mapping=mapping)
    assert set(found.trials["participant"]) == {"01", "P02"}
    assert found.trials["session"].eq(1).all()
    assert found.trials["stimulus_id"].tolist() == [*clean.trials["stimulus_id"]]
    everyone = sidecar is not None and "/" not in sidecar
    assert found.observers == (("human",) if sidecar else ())
    assert len(found.facts) == (2 if everyone else 1 if sidecar else 0)
    assert set(found.files) == {name.format(sub=who) for who in ("01", "P02")}


def test_recorded_sessions_are_not_read_among_tables(tmp_path, study, folder, refuses):
    recorded = bids(tmp_path / "recorded", study, NAMES[1])
    for path in recorded.glob("sub-*/ses-01/beh/*.tsv"):
        path.with_suffix(".json").write_text('{"LookalikeVersion": "0.1.0", "Observer": "human"}')
    assert recorded_here(recorded)
    with refuses("recorded-sessions"):
        read_external_table([recorded, *folder.iterdir()])


def test_a_nearer_sidecar_wins(tmp_path, study):
    folder = bids(tmp_path / "bids", study, NAMES[0])
    (folder / "task-fakes_beh.json").write_text('{"Observer": "human"}')
    (folder / "sub-01/beh/sub-01_task-fakes_beh.json").write_text('{"Observer": "simulated"}')
    (folder / "task-other_beh.json").write_text('{"Observer": "scripted"}')
    found = read_external_table(folder)
    assert {who: facts["Observer"] for (who, _), facts in found.facts.items()} == {"01": "simulated", "P02": "human"}


def test_columns_are_mapped_in_such_folders_too(tmp_path, study, clean):
    folder = bids(tmp_path / "bids", study.rename(columns={"response": "Key"}), NAMES[0])
    found = read_external_table(folder, mapping=TableMapping({"response": "Key"}))
    assert found.trials["confidence"].tolist()[:8] == clean.trials["confidence"].tolist()[8:] or len(found.trials) == 16


def test_tasks_of_such_folders(tmp_path, study, refuses):
    folder = bids(tmp_path / "bids", study, NAMES[0])
    bids(folder, study, "sub-{sub}/beh/sub-{sub}_task-rest_beh.tsv", ["trial"])
    with refuses("other-task") as caught:
        read_external_table(folder)
    assert "fakes, rest" in str(caught.value)
    assert len(read_external_table(folder, task="fakes").trials) == 16
    with refuses("other-task"):
        read_external_table(folder, task="realfake")
    empty = tmp_path / "empty"
    (empty / "sub-01").mkdir(parents=True)
    with refuses("no-sessions"):
        tables_of(empty)


def test_events_of_a_scanner_session(tmp_path):
    """As BIDS has them: times in s, rows of other things, the truth as trial_type, runs in order, no trial numbers."""
    folder = tmp_path / "bids"
    for run in (1, 2, 10):
        path = folder / f"sub-01/func/sub-01_task-fakes_run-{run}_events.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "onset\tduration\ttrial_type\tstim_file\tresponse\tresponse_time\n"
            f"0.5\t1\treal\timages/{run}a.png\tfake\t0.75\n"
            "2\t1\tn/a\tn/a\tn/a\tn/a\n"
            f"3.5\t1\tfake\timages/{run}b.png\tfake\tn/a\n"
        )
    found = read_trials(folder)
    assert found.trials["stimulus_id"].tolist() == [f"images/{run}{one}.png" for run in (1, 2, 10) for one in "ab"]
    assert found.trials["truth"].tolist() == ["real", "generated"] * 3
    assert found.trials["trial"].tolist() == [1, 2, 3, 4, 5, 6]
    assert found.trials["response_time"].tolist()[0] == 0.75
    assert "3 rows without an image and an answer were left out" in found.notes


def test_tables_that_are_not_read_are_told(tmp_path, study):
    folder = bids(tmp_path / "bids", study, NAMES[0])
    bids(folder, study, "sub-{sub}/beh/sub-{sub}_task-fakes_events.tsv", ["trial"])
    (folder / "sub-03").mkdir()
    (folder / "sub-03/sub-03_beh.tsv").write_text("trial\n1\n")
    found = read_trials(folder)
    assert len(found.trials) == 16
    assert "sub-03_beh.tsv: was not read; name it sub-..._task-..._beh.tsv" in found.notes
    assert f"{folder}: 2 _beh.tsv of task fakes were read, 2 _events.tsv were not" in found.notes


def test_files_of_one_person_are_in_the_order_of_their_numbers(tmp_path):
    for block in (1, 2, 10):
        (tmp_path / f"A_{block}.csv").write_text(f"participant,image,truth,response\nA,i{block},real,real\n")
    assert read_external_table(tmp_path).trials["stimulus_id"].tolist() == ["i1", "i2", "i10"]


@pytest.mark.parametrize(("units", "as_read"), [("ms", 1e-3), ("msec", 1e-3), ("s", 1), (None, 1)])
def test_times_in_the_unit_that_an_inherited_sidecar_says(tmp_path, study, clean, units, as_read):
    folder = bids(tmp_path, study, NAMES[0])
    (folder / "task-fakes_beh.json").write_text(json.dumps({"response_time": {"Units": units}}))
    times = read_external_table(folder).trials["response_time"]
    assert times.mean() == pytest.approx(clean.trials["response_time"].mean() * as_read)
    told = read_external_table(folder, mapping=TableMapping(time_unit="s")).trials["response_time"]
    assert told.mean() == pytest.approx(clean.trials["response_time"].mean())


def test_images_are_those_of_stim_file_where_nothing_else_names_them(tmp_path, study):
    table = study.rename(columns={"stimulus_id": "stim_file"})
    folder = bids(tmp_path, table, NAMES[0], [name for name in table if name not in ("participant", "session")])
    found = read_external_table(folder)
    assert set(found.trials["stimulus_id"]) == set(study["stimulus_id"])
    assert "stimulus_id = 'stim_file'" in found.notes
    assert "stimulus_id" not in found.filled
