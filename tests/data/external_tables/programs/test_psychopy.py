"""PsychoPy's and Pavlovia's tables, as `ExperimentHandler.saveAsWideText` of PsychoPy 2026.2.5 writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.external_tables.mapping import TableMapping
from data.external_tables.read import read_external_table

# Written by PsychoPy: a routine of instructions, a loop of practice, a loop of trials, a last routine.
WRITTEN = """\ufeffimage,kind,corrAns,practice.thisRepN,practice.thisTrialN,practice.thisN,practice.thisIndex,\
trials.thisRepN,trials.thisTrialN,trials.thisN,trials.thisIndex,thisRow.t,notes,instr.started,key_instr.keys,key_resp.keys,\
key_resp.corr,key_resp.rt,conf.response,conf.rt,thanks.started,participant,session,date,expName,psychopyVersion,
,,,,,,,,,,,,,1.2,space,,,,,,,P01,001,2026-03-02_10h00.00.000,realfake,2026.2.5,
stimuli/p1.png,real,left,0,0,0,0,,,,,,,,,left,1,0.5,1.0,0.3,,P01,001,2026-03-02_10h00.00.000,realfake,2026.2.5,
stimuli/im0.png,fake,right,,,,,0,0,0,0,,,,,left,0,0.5,1.0,0.3,,P01,001,2026-03-02_10h00.00.000,realfake,2026.2.5,
stimuli/im1.png,real,left,,,,,0,1,1,1,,,,,right,0,1.5,2.0,0.3,,P01,001,2026-03-02_10h00.00.000,realfake,2026.2.5,
stimuli/im2.png,fake,right,,,,,0,2,2,2,,,,,None,0,,3.0,0.3,,P01,001,2026-03-02_10h00.00.000,realfake,2026.2.5,
stimuli/im3.png,real,left,,,,,0,3,3,3,,,,,left,1,3.5,4.0,0.3,,P01,001,2026-03-02_10h00.00.000,realfake,2026.2.5,
,,,,,,,,,,,,,,,,,,,,99.0,P01,001,2026-03-02_10h00.00.000,realfake,2026.2.5,
"""
RESPONSES = ["real", "real", "generated", None, "real"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "P01_realfake.csv").write_text(WRITTEN, encoding="utf-8")
    return tmp_path / "P01_realfake.csv"


def test_a_table_is_read_without_options(table):
    found = read_external_table(table)
    trials = found.trials
    assert trials["stimulus_id"].tolist() == [f"stimuli/{name}.png" for name in ("p1", "im0", "im1", "im2", "im3")]
    assert trials["role"].tolist() == ["practice", *["main"] * 4]
    assert [said if isinstance(said, str) else None for said in trials["response"]] == RESPONSES
    assert trials["confidence"].tolist() == [1, 1, 2, 3, 4]
    assert trials["response_time"].tolist()[:3] == [0.5, 0.5, 1.5]
    assert set(trials["participant"]) == {"P01"}
    assert "read as an export of PsychoPy" in found.notes
    assert "2 rows without an image and an answer were left out" in found.notes


def test_without_scores_the_keys_are_named(table, refuses):
    table.write_text(WRITTEN.replace("key_resp.corr", "other"), encoding="utf-8")
    with refuses("unknown-word") as caught:
        read_external_table(table)
    assert "response is 'left' (also 'right')" in str(caught.value)
    found = read_external_table(table, mapping=TableMapping(words={"left": "real", "right": "generated"}))
    assert found.trials["response"].tolist()[:3] == RESPONSES[:3]


def test_lists_of_one_key_and_a_named_component(table):
    listed = WRITTEN.replace(",left,1,", ",\"['left']\",1,").replace(",left,0,", ",\"['left']\",0,")
    listed = listed.replace(",0.5,", ",[0.5],").replace(",1.5,", ",[1.5],")
    table.write_text(listed, encoding="utf-8")
    found = read_external_table(table, mapping=TableMapping({"response": "key_resp.keys"}))
    assert found.trials["response"].tolist()[:3] == RESPONSES[:3]
    assert found.trials["response_time"].tolist()[:3] == [0.5, 0.5, 1.5]


def test_a_slider_alone_is_a_rating(table):
    # The keys' components are gone: only the slider was answered.
    table.write_text(WRITTEN.replace("key_resp.", "old ").replace("conf.response", "slider.response"), encoding="utf-8")
    found = read_external_table(table)
    assert found.trials["response"].tolist() == ["real", "real", "real", "generated", "generated"]
    assert any("ratings from 1 to 4" in note for note in found.notes)


def test_keys_for_confidence(table):
    text = WRITTEN.replace("conf.response,conf.rt", "key_conf.keys,key_conf.rt").replace(".0,0.3,", ",0.3,")
    table.write_text(text, encoding="utf-8")
    found = read_external_table(table)
    assert found.trials["confidence"].tolist() == [1, 1, 2, 3, 4]
    assert found.trials["confidence_time"].tolist() == [0.3] * 5


def test_a_folder_of_pavlovias(tmp_path):
    for who in ("P01", "P02", "P03"):
        (tmp_path / f"{who}_realfake_2026.csv").write_text(WRITTEN.replace("P01", who), encoding="utf-8")
        (tmp_path / f"{who}_realfake_2026.log.gz").write_bytes(b"x")
    found = read_external_table(tmp_path)
    assert found.trials.groupby("participant").size().to_dict() == {"P01": 5, "P02": 5, "P03": 5}
    assert found.notes.count("read as an export of PsychoPy") == 1


@pytest.mark.slow
def test_what_psychopy_writes_now(tmp_path):
    data = pytest.importorskip("psychopy.data")
    about = {"participant": "7", "session": "001", "date": "2026-03-02", "expName": "fakes"}
    kept = data.ExperimentHandler(
        "fakes", "", about, dataFileName=str(tmp_path / "log"), savePickle=False, saveWideText=False
    )
    kinds = ["real", "fake"] * 4
    loop = data.TrialHandler([{"image": f"{n}.png", "kind": kind} for n, kind in enumerate(kinds)], 1, "sequential")
    kept.addLoop(loop)
    for place, trial in enumerate(loop):
        loop.addData("key_resp.keys", "j" if place % 3 else "f")
        loop.addData("key_resp.corr", int((trial["kind"] == "fake") == bool(place % 3)))
        loop.addData("key_resp.rt", 0.5 + place)
        loop.addData("sure.response", place % 4)
        kept.nextEntry()
    kept.saveAsWideText(str(tmp_path / "7_fakes.csv"), delim="auto")
    found = read_external_table(tmp_path / "7_fakes.csv")
    assert found.trials["response"].tolist() == ["generated" if place % 3 else "real" for place in range(8)]
    assert found.trials["confidence"].tolist() == [place % 4 + 1 for place in range(8)]
