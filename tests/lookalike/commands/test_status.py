"""Participants from the command line: made, seen, and gone again."""

import io
import json
import re
import shutil

import pytest

from experiments.records.participants import EXPERTISE, made
from lookalike.commands.participant import EXPERTISE as IN_HELP

SIMULATED = ("--observer", "simulated", "--no-window")


def run(workshop, data, *words):
    return ("run", workshop / "stimuli", "--data", data, "--study", workshop / "study.toml", *SIMULATED, *words)


def test_a_participant_is_made_and_described(lookalike, mistake, tmp_path):
    said = lookalike(
        "participant", "new", "--data", tmp_path, "--expertise", "radiologist", "--years", 12, "--volume-per-year",
        2500, "--corrected-vision", "--consent", "--room-light-lux", 15, "--viewing-distance-cm", 57, "--notes", "n",
    )  # fmt: skip
    assert said.code == 0, said.err
    code = said.out.strip()
    reader = made(tmp_path)[code].reader
    assert (reader.expertise, reader.years, reader.volume_per_year, reader.corrected_vision) == (
        "radiologist", 12, 2500, True,
    )  # fmt: skip
    assert (reader.room_light_lux, reader.viewing_distance_cm, reader.consent, reader.notes) == (15, 57, True, "n")
    other = json.loads(lookalike("participant", "new", "--data", tmp_path, "--json").out)["participant"]
    assert set(made(tmp_path)) == {code, other}
    assert "expertise is 'Dr.'" in mistake("participant", "new", "--data", tmp_path, "--expertise", "Dr.")
    assert len(made(tmp_path)) == 2


def test_the_help_lists_every_training():
    assert re.split(r", | or ", IN_HELP) == list(EXPERTISE)


def test_a_code_is_given_or_made_and_not_both(mistake, workshop, tmp_path):
    for words in ((), ("--participant", "k7q2m", "--new")):
        assert "give either --participant" in mistake(*run(workshop, tmp_path / "data", *words))
    assert not (tmp_path / "data").exists()


def test_a_typed_code_makes_nobody(mistake, monkeypatch, workshop, tmp_path):
    monkeypatch.setattr("lookalike.flows.sessions.need", lambda _: None)
    said = mistake("run", workshop / "stimuli", "--data", tmp_path / "data", "--participant", "k7q2m")
    assert "participant k7q2m was not made" in said
    assert not (tmp_path / "data").exists()


def test_new_says_the_code_and_uses_it(lookalike, workshop, tmp_path):
    said = lookalike(*run(workshop, tmp_path, "--new"))
    code = re.fullmatch(r"participant (\w{5})\n", said.err).group(1)
    assert re.search(rf"participant +{code}\n", said.out)
    assert made(tmp_path) == {}  # a simulated observer is nobody


def test_a_session_that_stopped_says_how_to_go_on(lookalike, monkeypatch, workshop, tmp_path):
    from experiments.session import loop as session

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "_run_trial", stop)
    said = lookalike(*run(workshop, tmp_path, "--new"))
    code = re.search(r"participant (\w{5})\n", said.err).group(1)
    assert said.code == 1
    assert said.err.endswith(f"stopped; to go on: the same command, with --participant {code} in place of --new\n")
    monkeypatch.undo()
    again = lookalike(*run(workshop, tmp_path, "--participant", code))
    assert again.code == 0
    assert "stopped" not in again.err


@pytest.fixture
def study(lookalike, workshop, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("anna1", "bela2"):
        assert lookalike(*run(workshop, tmp_path / "data", "--participant", name)).code == 0
    return tmp_path / "data"


def test_status_shows_who_did_what(lookalike, workshop, study):
    code = lookalike("participant", "new", "--data", study, "--consent").out.strip()
    said = lookalike("status", study, "--study", workshop / "study.toml")
    assert said.code == 0, said.err
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in said.out.splitlines()}
    assert rows["participant"] == "consent sessions days since retest"
    assert rows["anna1"] == "simulated 1: complete 0.0 waiting 14.0 days"
    assert rows[code] == "yes - - no first session"
    assert "give --study" in lookalike("status", study).out
    shown = json.loads(lookalike("status", study, "--json").out)
    assert [one["participant"] for one in shown["participants"]] == sorted(["anna1", "bela2", code])
    assert shown["participants"][0]["sessions"][0]["answered"] == 20
    assert {one["participant"]: one["observer"] for one in shown["participants"]} == {
        "anna1": "simulated", "bela2": "simulated", code: "human",
    }  # fmt: skip
    assert shown["withdrawn"] == 0


def test_a_withdrawal_asks_for_the_code_again(lookalike, mistake, monkeypatch, study):
    before = sorted(study.rglob("*"))
    for typed in ("anna2\n", "\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        said = lookalike("status", study, "--withdraw", "anna1")
        assert said.code == 2
        assert said.err.endswith("that is not the same code; nothing was removed\n")
    assert "nothing in" in mistake("status", study, "--withdraw", "anna2", "--yes")
    assert "--yes is for --withdraw" in mistake("status", study, "--yes")
    assert sorted(study.rglob("*")) == before
    monkeypatch.setattr("sys.stdin", io.StringIO("anna1\n"))
    said = lookalike("status", study, "--withdraw", "anna1")
    assert said.code == 0, said.err
    assert re.search(r"answers removed +20\n", said.out)
    assert re.search(r"still named in +none found\n", said.out)
    assert re.search(rf"looked in +{study.parent}\n", said.out)
    assert "exports and backups made before still hold these answers" in " ".join(said.err.split())
    assert lookalike("export", study, "--long", "study.csv", "--imrmc", study.parent / "study.imrmc").code == 0
    said = lookalike("status", study, "--withdraw", "bela2", "--yes", "--json")
    assert json.loads(said.out) == {
        "sessions_removed": 1,
        "answers_removed": 20,
        "still_named_in": [str(study.parent / "study.imrmc"), "study.csv"],
        "looked_in": [str(study.parent)],
        "not_looked_into": [],
        "all_looked_at": True,
    }
    assert "withdrawn: 2" in lookalike("status", study).out
    assert not [path for path in study.rglob("*") if "anna1" in path.name or "bela2" in path.name]


def test_a_withdrawal_lists_the_exports_that_name_the_code(lookalike, study):
    assert lookalike("export", study, "--long", "study.csv", "--imrmc", "study.imrmc").code == 0
    said = lookalike("status", study, "--withdraw", "anna1", "--yes")
    assert re.search(r"still named in +study\.csv, study\.imrmc\n", said.out)


def test_exports_for_other_programs_and_back(lookalike, mistake, workshop, study, tmp_path):
    (table,) = (study / "sub-bela2").rglob("*_beh.tsv")
    table.unlink()  # as if the computer had failed before it was written
    imrmc, long = tmp_path / "study.imrmc", tmp_path / "study.csv"
    said = lookalike("export", study, "--imrmc", imrmc, "--long", long)
    assert said.code == 0, said.err
    assert table.exists()
    assert "readers 2, real 10, generated 10, scores 40, unrated 0" in said.out
    assert imrmc.read_text().count("\n-1,") == 20
    results = []
    for place, source in enumerate((study, long)):
        out = tmp_path / f"results{place}"
        said = lookalike("analyze", source, "--study", workshop / "study.toml", "--out", out, "--json")
        assert said.code == 0, said.err
        results.append(json.loads(said.out)["groups"])
    assert results[0] == results[1]
    assert len(results[0]) == 1
    assert "never overwritten" in mistake("export", study, "--imrmc", imrmc)
    said = lookalike("export", study, "--long", tmp_path / "again.csv", "--json")
    assert json.loads(said.out)["long"]["trials"] == 40


def test_tables_alone_can_be_handed_on(lookalike, mistake, study, tmp_path):
    """A data set that was shared without its records."""
    shutil.rmtree(study / "sourcedata")
    assert "no sourcedata" in mistake("export", study)
    assert lookalike("export", study, "--long", tmp_path / "long.csv").code == 0
    assert len((tmp_path / "long.csv").read_text().splitlines()) == 41


def test_nothing_is_handed_on_while_a_session_has_no_table(lookalike, study, tmp_path):
    record = study / "sourcedata" / "sub-bela2" / "ses-1" / "record.jsonl"
    record.write_bytes(record.read_bytes().replace(b'"onset"', b"'onset'", 1))
    said = lookalike("export", study, "--long", tmp_path / "long.csv")
    assert said.code == 1
    assert "neither --imrmc nor --long was written" in said.err
    assert not (tmp_path / "long.csv").exists()
