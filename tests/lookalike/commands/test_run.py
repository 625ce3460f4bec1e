"""`lookalike run`: who takes part, and sessions that resume."""

import json
import re

import pytest

from data.bids import read_bids
from experiments.records.participants import registered


def test_a_session_that_was_killed_resumes(call, lab, stop):
    assert call("run", "--study", lab / "study.toml").code == 0
    before = read_bids(lab / "data", "ours")[["trial", "stimulus_id", "response"]]
    stop(5)
    said = call("run", "--json")  # the study file is that of the session, so it need not be given again
    assert said.code == 0, said
    assert json.loads(said.out)["answered"] == 12
    assert "after 5 of 12 trials" in said.err
    assert read_bids(lab / "data", "ours")[["trial", "stimulus_id", "response"]].equals(before)


def test_a_task_file_that_changed_in_between_is_refused(call, lab, stop):
    assert call("run", "--study", lab / "study.toml").code == 0
    stop(5)
    (lab / "ours.toml").write_text('kind = "realfake"\npractice_trials = 2\n')
    said = call("run", "--study", lab / "study.toml")
    assert said.code == 2
    assert "ours.toml: participant k7q2m's session 1" in said.err
    assert "another task" in said.err


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("study.toml", "trails = 10", "plan.trails: no such setting; did you mean 'trials'?"),
        ("ours.toml", "blcks = 2", "blcks: no such setting; did you mean 'blocks'?"),
    ],
)
def test_an_unknown_key_is_named_with_the_one_that_was_meant(call, lab, file, line, message):
    (lab / file).write_text((lab / file).read_text() + line + "\n")
    said = call("run", "--study", lab / "study.toml")
    assert said.code == 2
    assert f"{file}: {message}" in said.err
    assert not (lab / "data").exists()


def test_a_code_is_given_or_drawn_and_not_both(mistake, session, tmp_path):
    mistake(*session(tmp_path / "data"), code="missing-option")
    mistake(*session(tmp_path / "data", "--participant", "k7q2m", "--new"), code="conflicting-options")
    assert not (tmp_path / "data").exists()


def test_a_mistyped_code_registers_nobody(mistake, monkeypatch, workshop, tmp_path):
    monkeypatch.setattr("lookalike.flows.sessions.need", lambda _: None)
    said = mistake("run", workshop / "stimuli", "--data", tmp_path / "data", "--participant", "k7q2m",
                   code="not-registered")  # fmt: skip
    assert "k7q2m" in said
    assert not (tmp_path / "data").exists()


def test_new_prints_the_code_and_uses_it(lookalike, session, tmp_path):
    said = lookalike(*session(tmp_path, "--new"))
    code = re.fullmatch(r"participant (\w{5})\n", said.err).group(1)
    assert re.search(rf"participant +{code}\n", said.out)
    assert registered(tmp_path) == {}  # a simulated observer is not a person


def test_an_interrupted_session_says_how_to_resume(lookalike, monkeypatch, session, tmp_path):
    from experiments.session import loop

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_run_trial", stop)
    said = lookalike(*session(tmp_path, "--new"))
    code = re.search(r"participant (\w{5})\n", said.err).group(1)
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("interrupted; to resume, ")
    assert f"--participant {code} in place of --new" in said.err
    monkeypatch.undo()
    again = lookalike(*session(tmp_path, "--participant", code))
    assert again.code == 0
    assert "interrupted" not in again.err
