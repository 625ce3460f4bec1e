"""`participants.tsv`: what is known of readers goes out, what is private stays in, what the lab wrote stays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.bids import read_sidecar
from data.files import read_json
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records import participants_table
from experiments.records.participants import Reader, register
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
from stimuli.sets import StimulusSet

SIMULATED = Setup("simulated", window=False, simulated=Observer(dprime=1))
READER = Reader("resident", 2.5, 1200, False, None, 60.0, consent=True, notes="the tall one")


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> Path:
    return make_study(trials=20).path


@pytest.fixture
def sit(small_set: StimulusSet, study: Path, tmp_path: Path) -> Callable[..., Path]:
    """A session of a code, and then what is known of its reader, as if a person had sat there."""

    def run(code: str, reader: Reader | None = None) -> Path:
        result = run_first_session(small_set.folder, tmp_path / "data", code, study, 3, SIMULATED)
        if reader is not None:
            register(tmp_path / "data", code, reader)
        return result.table

    return run


def test_a_readers_columns_come_with_the_first_who_has_them(sit: Callable[..., Path], tmp_path: Path) -> None:
    data = tmp_path / "data"
    sit("p1")
    path = data / "participants.tsv"
    assert path.read_text() == "participant_id\tobserver\nsub-p1\tsimulated\n"
    register(data, "p2", READER)
    register(data, "p3")
    for code in ("p2", "p3"):
        table = data / f"sub-{code}" / "ses-1" / "beh" / f"sub-{code}_ses-1_task-realfake_beh.tsv"
        table.parent.mkdir(parents=True)
        table.write_text("")
        table.with_suffix(".json").write_text('{"Observer": "human"}')
    participants_table.list_participants(data)
    assert path.read_text() == (
        "participant_id\tobserver\texpertise\tyears\tvolume_per_year\tcorrected_vision\tviewing_distance_cm\n"
        "sub-p1\tsimulated\tn/a\tn/a\tn/a\tn/a\tn/a\n"
        "sub-p2\thuman\tresident\t2.5\t1200\tno\t60.0\n"
        "sub-p3\thuman\tn/a\tn/a\tn/a\tn/a\tn/a\n"
    )
    notes = read_json(data / "participants.json")
    assert set(notes) == set(path.read_text().splitlines()[0].split("\t"))
    assert notes["viewing_distance_cm"]["Units"] == "cm"
    assert "resident" in notes["expertise"]["Levels"]
    public = b"".join(one.read_bytes() for one in data.glob("*") if one.is_file())
    assert b"tall" not in public
    assert b"consent" not in public


def test_what_the_lab_noted_about_columns_stays(sit: Callable[..., Path], tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "participants.json").write_text('{"observer": {"Description": "ours"}, "site": {"Description": "where"}}')
    sit("p1")
    notes = read_json(data / "participants.json")
    assert (notes["observer"]["Description"], notes["site"]["Description"]) == ("ours", "where")
    assert "random code" in notes["participant_id"]["Description"].lower()


def test_a_damaged_participants_file_does_not_stop_an_export(sit: Callable[..., Path], tmp_path: Path) -> None:
    table = sit("p1")
    register(tmp_path / "data", "p1", READER)
    (tmp_path / "data" / "sourcedata" / "participants" / "p1.json").write_text("{")
    (tmp_path / "data" / "participants.tsv").unlink()
    participants_table.list_participants(tmp_path / "data")
    assert (tmp_path / "data" / "participants.tsv").read_text() == "participant_id\tobserver\nsub-p1\tsimulated\n"
    assert read_sidecar(table)["Complete"] is True


@pytest.mark.parametrize(
    "saved",
    [
        b'"site"\t"participant_id"\t"note"\n"A"\t"sub-p1"\t"said ""no"", left"\n"B"\t"sub-p11"\t"x"\n',
        b"\xef\xbb\xbfsite;participant_id;note\r\nA;sub-p1;yes\r\nB;sub-p11;x\r\n",
        b'site;participant_id;note\nA;"sub-p1";"two\nlines"\nB;sub-p11;x\n',
        b"site,participant_id,note\nA, sub-p1 ,yes\nB,sub-p11,x\n",
        b"site,participant_id,note\nA,p1,yes\nB,sub-p11,x\n",
        "site\tparticipant_id\tnote\nA\tsub-p1\tyes\nB\tsub-p11\tx\n".encode("utf-16"),
    ],
)
def test_a_row_goes_from_a_table_that_a_spreadsheet_has_saved(tmp_path: Path, saved: bytes) -> None:
    path = tmp_path / "participants.tsv"
    path.write_bytes(saved)
    participants_table.remove_participant(tmp_path, "p1")
    assert path.read_text(encoding="utf-8") == "site\tparticipant_id\tnote\nB\tsub-p11\tx\n"


def test_a_participant_is_added_to_a_table_that_a_spreadsheet_has_saved(
    sit: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "data" / "participants.tsv"
    path.parent.mkdir()
    path.write_bytes(b'participant_id;observer;note\n"sub-p9";human;"tall; left-handed"\n')
    sit("p1")
    rows = ["participant_id\tobserver\tnote", "sub-p9\thuman\ttall; left-handed", "sub-p1\tsimulated\tn/a"]
    assert path.read_text(encoding="utf-8").splitlines() == rows


def test_a_row_that_does_not_go_is_told(tmp_path: Path, refuses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a network drive says that it has written, and has not."""
    (tmp_path / "participants.tsv").write_text("participant_id\tobserver\nsub-p1\thuman\n")
    monkeypatch.setattr(participants_table, "write_text", lambda *_: None)
    with refuses("cannot-remove") as caught:
        participants_table.remove_participant(tmp_path, "p1")
    assert "still has a row" in str(caught.value)


def test_a_row_goes_and_every_other_character_stays(tmp_path: Path) -> None:
    text = "site\tparticipant_id\tnote\nA\tsub-p1\t p1 said  so\nB\tsub-p11\tx\nC\tsub-p2\n"
    (tmp_path / "participants.tsv").write_text(text, encoding="utf-8")
    old, fresh, others = (tmp_path / f".participants.tsv.{name}.partial" for name in ("a", "b", "c"))
    old.write_text(text)
    fresh.write_text(text)
    others.write_text("participant_id\nsub-p11\n")
    long_ago = time.time() - 90
    for path in (old, others):
        os.utime(path, (long_ago, long_ago))
    participants_table.remove_participant(tmp_path, "p1")
    left = "site\tparticipant_id\tnote\nB\tsub-p11\tx\nC\tsub-p2\n"
    assert (tmp_path / "participants.tsv").read_text(encoding="utf-8") == left
    assert not old.exists()
    assert fresh.exists()  # somebody may be about to put it in place
    assert others.exists()
