"""Sessions from the command line: one that stopped goes on, and says so beside its result."""

import json
import shutil

import numpy as np
import pytest

from data.trials import read_bids
from stimuli.sets import Candidate, Layout, build_set

STUDY = """
name = "test"
task = "ours.toml"
planned_participants = 2
[plan]
trials = 10
"""


@pytest.fixture
def lab(tmp_path):
    """A stimulus set, a study file and its task beside it."""
    rng = np.random.default_rng(0)

    def offer(name):
        for number in range(14):
            yield Candidate(rng.random((8, 8), dtype=np.float32), f"{name}:{number}")

    build_set(tmp_path / "set", offer("patch"), offer("seed"), Layout(main=10, practice=2), {})
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "ours.toml").write_text('kind = "realfake"\npractice_trials = 2\nblocks = 2\n')
    return tmp_path


@pytest.fixture
def call(lookalike, lab):
    def run(command, *words):
        who = ("--data", lab / "data", "--participant", "k7q2m", "--observer", "simulated", "--no-window")
        return lookalike(command, lab / "set", *who, *words)

    return run


def stop(lab, answers):
    """As if the session had been killed after so many answers."""
    folder = lab / "data" / "sourcedata" / "sub-k7q2m" / "ses-1"
    lines = (folder / "record.jsonl").read_text().splitlines(keepends=True)
    last = [number for number, line in enumerate(lines) if '"event": "answer"' in line][answers - 1]
    (folder / "record.jsonl").write_text("".join(lines[: last + 1]))
    shutil.rmtree(lab / "data" / "sub-k7q2m")


def test_a_session_that_was_killed_goes_on(call, lab):
    assert call("run", "--study", lab / "study.toml").code == 0
    before = read_bids(lab / "data", "ours")[["trial", "stimulus_id", "response"]]
    stop(lab, 5)
    said = call("run", "--json")  # the study file is that of the session, so it need not be given again
    assert said.code == 0, said
    assert json.loads(said.out)["answered"] == 12
    assert said.err == "participant k7q2m, session 1: goes on after 5 of 12 trials\n"
    assert read_bids(lab / "data", "ours")[["trial", "stimulus_id", "response"]].equals(before)


def test_a_task_file_that_changed_in_between_is_refused(call, lab):
    assert call("run", "--study", lab / "study.toml").code == 0
    stop(lab, 5)
    (lab / "ours.toml").write_text('kind = "realfake"\npractice_trials = 2\n')
    said = call("run", "--study", lab / "study.toml")
    assert said.code == 2
    assert (
        "ours.toml: participant k7q2m's session 1 stopped after 5 trials and was planned with another task" in said.err
    )


def test_what_was_answered_of_a_first_session_can_be_retested_when_told_to(call, lab):
    assert call("run", "--study", lab / "study.toml").code == 0
    stop(lab, 6)
    said = call("retest")
    assert said.code == 2
    assert "give --partial" in said.err
    said = call("retest", "--partial", "--json")
    assert said.code == 0, said
    assert json.loads(said.out)["answered"] == 2 + 4
    assert "shows the 4 trials of session 1 that were answered" in said.err


def test_a_third_session_begins_only_when_told_to(call, lab):
    assert call("run", "--study", lab / "study.toml").code == 0
    assert call("retest").code == 0
    said = call("retest")
    assert said.code == 2
    assert "participant k7q2m has a complete session 2 already; check the code, or give --another" in said.err
    assert not (lab / "data/sourcedata/sub-k7q2m/ses-3").exists()
    assert json.loads(call("retest", "--another", "--json").out)["session"] == 3


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
