"""Sessions with fixation, undo and a time limit on the command line: run, repeated, exported and analysed."""

import pandas as pd
import pytest

from data.trials import AROUND_NOTES, GAPS_OF_A_LIMIT, after_gap
from experiments.tasks import slips

TASK = """
kind = "realfake"

[flow]
fixation_s = 0.3
undo = "backspace"
timeout_s = 1.4
missed = "repeat"
"""
STUDY = """
name = "A hurried study"
task = "realfake.toml"
planned_participants = 2

[plan]
trials = 20
"""


def test_every_gap_that_a_session_writes_is_read():
    words = [*AROUND_NOTES["after_gap"]["Levels"], *GAPS_OF_A_LIMIT]
    read = after_gap(pd.DataFrame({"after_gap": words}), "a table")
    assert read.tolist() == [word != "no" for word in words]


@pytest.mark.slow
@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize("setting", ["", "rating_levels = 6"])
def test_what_a_session_with_a_trial_flow_leaves_is_exported_and_analysed(
    lookalike, workshop, tmp_path, monkeypatch, setting
):
    monkeypatch.setattr(slips, "SLIPS", 1 / 4)
    data, study, long = tmp_path / "data", tmp_path / "study.toml", tmp_path / "long.csv"
    (tmp_path / "realfake.toml").write_text(f"{setting}{TASK}")
    study.write_text(STUDY)
    simulated = ("--data", data, "--observer", "simulated", "--no-window")
    for code in ("sim1", "sim2"):
        said = lookalike("run", workshop / "stimuli", "--study", study, "--participant", code, *simulated)
        assert said.code == 0, said.err
    assert lookalike("retest", workshop / "stimuli", "--participant", "sim1", *simulated).code == 0
    assert lookalike("export", data, "--imrmc", tmp_path / "study.imrmc", "--long", long).code == 0
    table = pd.read_csv(long)
    assert {"missed", "repeat"} <= set(table["after_gap"])
    assert table["times_undone"].sum() > 0
    for place, source in enumerate((data, long)):
        said = lookalike("analyze", source, "--study", study, "--out", tmp_path / f"results{place}")
        assert said.code == 0, said.err
        assert "AUC, 2 simulated" in said.out
