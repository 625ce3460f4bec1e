"""The long table, read back by this project's own analysis."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.group.primary import Primary
from analysis.trials import load_trials
from data.bids import read_bids
from data.external_tables.read import read_trials
from data.files import read_json, write_json
from data.study import StudyFile
from experiments.records.imrmc import write_imrmc
from experiments.records.long_table import write_long_table
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet


@pytest.mark.slow
def test_the_long_table_is_every_row_with_every_column(data: Path, tmp_path: Path) -> None:
    table = next((data / "sub-p2").rglob("*_beh.tsv"))
    frame = pd.read_csv(table, sep="\t", keep_default_na=False)
    frame.assign(after_gap=["yes", "no", *["n/a"] * 25]).to_csv(table, sep="\t", index=False)
    assert write_long_table(data, tmp_path / "long.csv") == 5 * 27
    long = pd.read_csv(tmp_path / "long.csv", dtype=str, keep_default_na=False)
    trials = read_bids(data)
    assert long["participant"].tolist() == trials["participant"].tolist()
    assert long["role"].value_counts().to_dict() == {"main": 100, "practice": 20, "catch": 15}
    assert set(long["confidence"]) <= {"1", "2", "3", "4", "n/a"}
    answered = trials["response"].notna().to_numpy()
    assert (long["response"] != "n/a").tolist() == answered.tolist()
    assert long.loc[answered, "response_time"].astype(float).tolist() == trials.loc[answered, "response_time"].tolist()
    assert long.loc[long["participant"] == "p2", "after_gap"].tolist()[:3] == ["yes", "no", "n/a"]
    assert set(long.loc[long["participant"] != "p2", "after_gap"]) == {"no"}
    assert set(long["observer"]) == {"simulated"}
    assert long.groupby("participant")["complete"].first().to_dict() == {
        "007": "True",
        "early": "False",
        "p1": "True",
        "p2": "True",
    }


@pytest.mark.slow
def test_the_long_table_is_analysed_as_the_folder_is(
    data: Path, study: StudyFile, small_set: StimulusSet, primary_of: Callable[..., Primary], tmp_path: Path
) -> None:
    """The same trials, sessions and verdict, with one person among the simulated observers."""
    shown = next((data / "sub-p2").rglob("*_beh.json"))
    write_json(shown, {**read_json(shown), "Observer": "human", "Complete": False})
    write_long_table(data, tmp_path / "long.csv")
    folder, table = load_trials(data, study, small_set), load_trials(tmp_path / "long.csv", study, small_set)
    for part in ("measure", "retests", "catch", "audit"):
        pd.testing.assert_frame_equal(getattr(table, part), getattr(folder, part), check_dtype=False)
    checked = ["record_checked"]
    pd.testing.assert_frame_equal(
        table.sessions.drop(columns=checked), folder.sessions.drop(columns=checked), check_dtype=False
    )
    assert set(table.sessions["observer"]) == {"human", "simulated"}
    assert "was not completed" in table.sessions.set_index("participant").loc["p2", "reason"]
    simulated = [primary_of(one, "simulated", study).to_frame() for one in (table, folder)]
    pd.testing.assert_frame_equal(*simulated)
    assert simulated[0]["auc_auc"].notna().all()


@pytest.mark.slow
def test_a_long_table_of_another_set_or_of_two_minds_is_refused(
    refuses: Any, data: Path, study: StudyFile, make_set: Callable[..., StimulusSet], tmp_path: Path
) -> None:
    write_long_table(data, tmp_path / "long.csv")
    other = make_set(main=20, practice=4, catch=3, seed=1)
    with refuses("other-set") as caught:
        load_trials(tmp_path / "long.csv", study, other)
    assert "long.csv: " in str(caught.value)
    text = (tmp_path / "long.csv").read_text().splitlines()
    text[3] = text[3].replace("simulated", "human")
    (tmp_path / "mixed.csv").write_text("\n".join(text) + "\n")
    with refuses("contradictory-facts") as caught:
        load_trials(tmp_path / "mixed.csv", study)
    assert re.search(r"observer .* \(row 2, 3, 4", str(caught.value))


def test_nothing_is_overwritten(refuses: Any, data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for write in (write_imrmc, write_long_table):
        with refuses("occupied") as caught:
            write(data, tmp_path / "mine")
        assert str(tmp_path / "mine") in str(caught.value)
        with refuses("no-such-folder"):
            write(data, tmp_path / "nowhere" / "out")
        with refuses("other-task") as caught:
            write(data, tmp_path / "out", "other")
        assert re.search("realfake.*other.*--task", str(caught.value))
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["two_alternative", "same_different", "matching"])
def test_every_task_has_a_long_table_that_the_analysis_reads(
    refuses: Any,
    make_set: Callable[..., StimulusSet],
    make_loops: Callable[..., LoopSet],
    make_study: Callable[..., StudyFile],
    matching_study: Callable[..., StudyFile],
    setup_of: Callable[[int], Setup],
    tmp_path: Path,
    kind: str,
) -> None:
    study = matching_study(practice_trials=2) if kind == "matching" else make_study(kind=kind, trials=12)
    shown = make_loops(a=12, practice=6) if kind == "matching" else make_set(main=60)
    for name in ("p1", "007"):
        run_first_session(shown.folder, tmp_path / "data", name, study.path, 1, setup_of(1))
    task = study.study.task
    count = write_long_table(tmp_path / "data", tmp_path / "long.csv", task)
    theirs = read_trials(tmp_path / "long.csv", kind).trials
    assert len(theirs) == count == 2 * (14 if kind == "matching" else 12)
    pd.testing.assert_frame_equal(theirs, read_trials(tmp_path / "data", kind, task=task).trials)
    with refuses("wrong-task") as caught:
        write_imrmc(tmp_path / "data", tmp_path / "ratings.imrmc", task)
    assert re.search(f"task {task} .*--long", str(caught.value))
