"""`lookalike export`: tables of crashed sessions, files for other programs, and the way back."""

import json
import shutil

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.slow
@pytest.mark.usefixtures("no_drawing")
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
    assert "study.imrmc: " in mistake("export", study, "--imrmc", imrmc, code="occupied")
    said = lookalike("export", study, "--long", tmp_path / "again.csv", "--json")
    assert json.loads(said.out)["long"]["trials"] == 40


def test_tables_alone_can_be_handed_on(lookalike, mistake, study, tmp_path):
    """A data set that was shared without its records."""
    shutil.rmtree(study / "sourcedata")
    assert str(study) in mistake("export", study, code="no-sessions")
    assert lookalike("export", study, "--long", tmp_path / "long.csv").code == 0
    assert len((tmp_path / "long.csv").read_text().splitlines()) == 41


@pytest.mark.slow
def test_nothing_is_handed_on_while_a_session_has_no_table(lookalike, study, tmp_path):
    record = study / "sourcedata" / "sub-bela2" / "ses-1" / "record.jsonl"
    record.write_bytes(record.read_bytes().replace(b'"onset"', b"'onset'", 1))
    said = lookalike("export", study, "--long", tmp_path / "long.csv")
    assert said.code == 1
    assert "neither --imrmc nor --long was written" in said.err
    assert not (tmp_path / "long.csv").exists()
