"""Answers for other programs: read back by rules written here, and by this project's own analysis."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from analysis.group import primary
from analysis.group.primary import Primary
from analysis.trials import Trials, load_trials
from data.errors import LookalikeError
from data.external_tables import read_trials
from data.files import read_json, write_json
from data.simulated.observers import Observer
from data.study import StudyFile
from data.trials import read_bids
from experiments import realfake, retest
from experiments.records.exchange import Mrmc, write_imrmc, write_long
from experiments.session.run import Setup
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet

NAMES = ("p1", "p2", "007")


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> StudyFile:
    return make_study(trials=20, practice_trials=4, catch_trials=3)


def setup(seed: int) -> Setup:
    return Setup("simulated", window=False, simulated=Observer(dprime=1.0, own_sd=0.5, seed=seed))


@pytest.fixture
def data(small_set: StimulusSet, study: StudyFile, tmp_path: Path) -> Path:
    """Three participants, one of them with a retest, and one whose session stopped early."""
    folder = tmp_path / "data"

    def stop(done: int, _total: int) -> None:
        if done == 12:
            raise KeyboardInterrupt

    for seed, name in enumerate(NAMES):
        realfake.run(small_set.folder, folder, name, study.path, seed, setup(seed))
    retest.run(small_set.folder, folder, "p1", 9, setup(0))
    realfake.run(small_set.folder, folder, "early", study.path, 7, setup(7), stop)
    return folder


def primary_of(trials: Trials, observer: str, study: StudyFile) -> Primary:
    """The primary result of one kind of observer, as the report has it."""
    mine = trials.sessions[trials.sessions["observer"] == observer]
    return primary.primary(
        observer,
        *(part[part["participant"].isin(mine["participant"])] for part in (trials.measure, trials.catch)),
        mine,
        study,
    )


def parse(path: Path) -> tuple[dict[str, int], dict[str, str], list[list[str]]]:
    """The head's numbers, what its ids stand for, and the rows, by the format's own rules."""
    head, rows = path.read_text(encoding="utf-8").split("BEGIN DATA:\n")
    lines = head.splitlines()
    sizes = {
        key: int(line.partition(":")[2]) for line in lines for key in ("NR", "N0", "N1", "NM") if f"{key}:" in line
    }
    ids = {
        line.partition(" is ")[0]: line.partition(" is ")[2].split(" of set ")[0] for line in lines if " is " in line
    }
    return sizes, ids, list(csv.reader(rows.splitlines()))


def test_imrmc_has_a_truth_row_a_case_and_a_score_a_rated_trial(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "study.imrmc"
    made = write_imrmc(data, out)
    sizes, ids, rows = parse(out)
    trials = read_bids(data)
    main = trials[(trials["session"] == 1) & (trials["role"] == "main")]
    rated = main[main["response"].notna()]
    assert sizes == {"NR": 4, "N0": 10, "N1": 10, "NM": 1}
    assert made == Mrmc(4, 10, 10, len(rated), len(main) - len(rated))
    assert made.unrated > 0

    truths = {case: truth for reader, case, modality, truth in rows if reader == "-1" and modality == "0"}
    scores = [row for row in rows if row[0] != "-1"]
    assert len(rows) == len(truths) + len(scores)
    assert {row[2] for row in scores} == {"1"}
    by_name = {ids[f"case {case}"]: truth for case, truth in truths.items()}
    images = main.drop_duplicates("stimulus_id")
    assert by_name == {row.stimulus_id: "1" if row.truth == "generated" else "0" for row in images.itertuples()}
    found = {(ids[f"reader {reader}"], ids[f"case {case}"]): float(score) for reader, case, _, score in scores}
    signs = {"generated": 1, "real": -1}
    assert found == {
        (row.participant, row.stimulus_id): signs[row.response] * row.confidence for row in rated.itertuples()
    }
    assert "007" in ids.values()


def test_the_area_from_the_imrmc_file_is_that_of_the_analysis(data: Path, study: StudyFile, tmp_path: Path) -> None:
    write_imrmc(data, tmp_path / "out.imrmc")
    _, _, rows = parse(tmp_path / "out.imrmc")
    truth = {case: int(value) for reader, case, _, value in rows if reader == "-1"}
    areas = []
    for reader in {row[0] for row in rows} - {"-1"}:
        score = {row[1]: float(row[3]) for row in rows if row[0] == reader}
        pairs = list(product([c for c in score if truth[c]], [c for c in score if not truth[c]]))
        areas.append(sum((score[a] > score[b]) + 0.5 * (score[a] == score[b]) for a, b in pairs) / len(pairs))
    assert primary_of(load_trials(data, study), "simulated", study).auc.auc == pytest.approx(sum(areas) / len(areas))


def test_another_session_or_kind_of_observer(data: Path, tmp_path: Path) -> None:
    assert write_imrmc(data, tmp_path / "two.imrmc", session=2).readers == 1
    sidecar = next((data / "sub-p2").rglob("*_beh.json"))
    write_json(sidecar, {**read_json(sidecar), "Observer": "human"})
    with pytest.raises(LookalikeError, match="human and simulated observers answered session 1; name one kind"):
        write_imrmc(data, tmp_path / "both.imrmc")
    assert write_imrmc(data, tmp_path / "people.imrmc", observer="human").readers == 1
    with pytest.raises(LookalikeError, match="no session 1 by a scripted observer"):
        write_imrmc(data, tmp_path / "none.imrmc", observer="scripted")
    with pytest.raises(LookalikeError, match="no session 3"):
        write_imrmc(data, tmp_path / "none.imrmc", session=3)
    assert not (tmp_path / "both.imrmc").exists()


def test_images_of_another_set_are_other_cases(
    data: Path, make_set: Callable[..., StimulusSet], study: StudyFile, tmp_path: Path
) -> None:
    other = make_set(main=20, practice=4, catch=3, seed=1)
    realfake.run(other.folder, data, "p9", study.path, 1, setup(9))
    assert write_imrmc(data, tmp_path / "out.imrmc").real == 20


def test_an_image_of_two_truths_and_nothing_rated_are_refused(data: Path, tmp_path: Path) -> None:
    for table in (data / "sub-p2").rglob("*_beh.tsv"):
        frame = pd.read_csv(table, sep="\t", keep_default_na=False)
        frame["truth"] = frame["truth"].map({"real": "generated", "generated": "real"})
        frame.to_csv(table, sep="\t", index=False)
    with pytest.raises(LookalikeError, match="is real in one table and generated in another"):
        write_imrmc(data, tmp_path / "out.imrmc")
    for table in data.rglob("*ses-1*_beh.tsv"):
        frame = pd.read_csv(table, sep="\t", keep_default_na=False)
        frame.assign(response="n/a", confidence="n/a").to_csv(table, sep="\t", index=False)
    with pytest.raises(LookalikeError, match="no main trial of session 1 has an answer"):
        write_imrmc(data, tmp_path / "out.imrmc")


def test_the_long_table_is_every_row_with_every_column(data: Path, tmp_path: Path) -> None:
    table = next((data / "sub-p2").rglob("*_beh.tsv"))
    frame = pd.read_csv(table, sep="\t", keep_default_na=False)
    frame.assign(after_gap=["yes", "no", *["n/a"] * 25]).to_csv(table, sep="\t", index=False)
    assert write_long(data, tmp_path / "long.csv") == 5 * 27
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


def test_the_long_table_is_analysed_as_the_folder_is(
    data: Path, study: StudyFile, small_set: StimulusSet, tmp_path: Path
) -> None:
    """The same trials, sessions and verdict, with one person among the simulated observers."""
    shown = next((data / "sub-p2").rglob("*_beh.json"))
    write_json(shown, {**read_json(shown), "Observer": "human", "Complete": False})
    write_long(data, tmp_path / "long.csv")
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


def test_a_long_table_of_another_set_or_of_two_minds_is_refused(
    data: Path, study: StudyFile, make_set: Callable[..., StimulusSet], tmp_path: Path
) -> None:
    write_long(data, tmp_path / "long.csv")
    other = make_set(main=20, practice=4, catch=3, seed=1)
    with pytest.raises(LookalikeError, match=r"long\.csv: the record comes from stimulus set"):
        load_trials(tmp_path / "long.csv", study, other)
    text = (tmp_path / "long.csv").read_text().splitlines()
    text[3] = text[3].replace("simulated", "human")
    (tmp_path / "mixed.csv").write_text("\n".join(text) + "\n")
    with pytest.raises(LookalikeError, match=r"observer is not the same throughout a session \(row 2, 3, 4"):
        load_trials(tmp_path / "mixed.csv", study)


def test_nothing_is_overwritten(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for write in (write_imrmc, write_long):
        with pytest.raises(LookalikeError, match="mine: exists already and is never overwritten"):
            write(data, tmp_path / "mine")
        with pytest.raises(LookalikeError, match="nowhere: no such folder"):
            write(data, tmp_path / "nowhere" / "out")
        with pytest.raises(LookalikeError, match=r"holds sessions of task realfake, none of task other; .*--task"):
            write(data, tmp_path / "out", "other")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("kind", ["two_alternative", "same_different", "matching"])
def test_every_task_has_a_long_table_that_the_analysis_reads(
    make_set: Callable[..., StimulusSet],
    make_loops: Callable[..., LoopSet],
    make_study: Callable[..., StudyFile],
    matching_study: Callable[..., StudyFile],
    tmp_path: Path,
    kind: str,
) -> None:
    study = matching_study(practice_trials=2) if kind == "matching" else make_study(kind=kind, trials=12)
    shown = make_loops(a=12, practice=6) if kind == "matching" else make_set(main=60)
    for name in ("p1", "007"):
        realfake.run(shown.folder, tmp_path / "data", name, study.path, 1, setup(1))
    task = study.study.task
    count = write_long(tmp_path / "data", tmp_path / "long.csv", task)
    theirs = read_trials(tmp_path / "long.csv", kind).trials
    assert len(theirs) == count == 2 * (14 if kind == "matching" else 12)
    pd.testing.assert_frame_equal(theirs, read_trials(tmp_path / "data", kind, task=task).trials)
    with pytest.raises(LookalikeError, match=f"single images, and task {task} has pairs or matches"):
        write_imrmc(tmp_path / "data", tmp_path / "ratings.imrmc", task)
