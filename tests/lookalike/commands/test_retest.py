"""`lookalike retest`: which later sessions are run."""

import json


def test_what_was_answered_of_a_first_session_can_be_retested_when_told_to(call, lab, stop):
    assert call("run", "--study", lab / "study.toml").code == 0
    stop(6)
    said = call("retest")
    assert said.code == 2
    assert "--partial" in said.err
    said = call("retest", "--partial", "--json")
    assert said.code == 0, said
    assert json.loads(said.out)["answered"] == 2 + 4
    assert "4 trials of session 1" in said.err


def test_a_third_session_begins_only_when_told_to(call, lab):
    assert call("run", "--study", lab / "study.toml").code == 0
    assert call("retest").code == 0
    said = call("retest")
    assert said.code == 2
    assert "k7q2m" in said.err
    assert "--another" in said.err
    assert not (lab / "data/sourcedata/sub-k7q2m/ses-3").exists()
    assert json.loads(call("retest", "--another", "--json").out)["session"] == 3
