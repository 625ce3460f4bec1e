"""`lookalike status`: who did what, who is due for a retest, and withdrawals."""

import io
import json
import re


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
        said = lookalike("--debug", "status", study, "--withdraw", "anna1")
        assert said.code == 2
        assert said.err.splitlines()[-1].startswith("lookalike: [wrong-confirmation] ")
    assert "anna2" in mistake("status", study, "--withdraw", "anna2", "--yes", code="no-such-participant")
    mistake("status", study, "--yes", code="missing-option")
    assert sorted(study.rglob("*")) == before
    monkeypatch.setattr("sys.stdin", io.StringIO("anna1\n"))
    said = lookalike("status", study, "--withdraw", "anna1")
    assert said.code == 0, said.err
    assert re.search(r"answers removed +20\n", said.out)
    assert re.search(r"still named in +none found\n", said.out)
    assert re.search(rf"looked in +{study.parent}\n", said.out)
    assert "Earlier results, exports and backups still hold these answers" in " ".join(said.err.split())
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
