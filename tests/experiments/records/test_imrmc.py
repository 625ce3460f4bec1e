"""iMRMC files, read back by rules written here."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.group.primary import Primary
from analysis.trials import load_trials
from data.bids import read_bids
from data.files import read_json, write_json
from data.study import StudyFile
from experiments.records.imrmc import ImrmcCounts, write_imrmc
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
from stimuli.sets import StimulusSet

pytestmark = pytest.mark.slow


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


@pytest.mark.slow
def test_imrmc_has_a_truth_row_a_case_and_a_score_a_rated_trial(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "study.imrmc"
    made = write_imrmc(data, out)
    sizes, ids, rows = parse(out)
    trials = read_bids(data)
    main = trials[(trials["session"] == 1) & (trials["role"] == "main")]
    rated = main[main["response"].notna()]
    assert sizes == {"NR": 4, "N0": 10, "N1": 10, "NM": 1}
    assert made == ImrmcCounts(4, 10, 10, len(rated), len(main) - len(rated))
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


def test_the_area_from_the_imrmc_file_is_that_of_the_analysis(
    data: Path, study: StudyFile, primary_of: Callable[..., Primary], tmp_path: Path
) -> None:
    write_imrmc(data, tmp_path / "out.imrmc")
    _, _, rows = parse(tmp_path / "out.imrmc")
    truth = {case: int(value) for reader, case, _, value in rows if reader == "-1"}
    areas = []
    for reader in {row[0] for row in rows} - {"-1"}:
        score = {row[1]: float(row[3]) for row in rows if row[0] == reader}
        pairs = list(product([c for c in score if truth[c]], [c for c in score if not truth[c]]))
        areas.append(sum((score[a] > score[b]) + 0.5 * (score[a] == score[b]) for a, b in pairs) / len(pairs))
    assert primary_of(load_trials(data, study), "simulated", study).auc.auc == pytest.approx(sum(areas) / len(areas))


def test_another_session_or_kind_of_observer(refuses: Any, data: Path, tmp_path: Path) -> None:
    assert write_imrmc(data, tmp_path / "two.imrmc", session=2).readers == 1
    sidecar = next((data / "sub-p2").rglob("*_beh.json"))
    write_json(sidecar, {**read_json(sidecar), "Observer": "human"})
    with refuses("mixed-observers"):
        write_imrmc(data, tmp_path / "both.imrmc")
    assert write_imrmc(data, tmp_path / "people.imrmc", observer="human").readers == 1
    with refuses("no-such-session"):
        write_imrmc(data, tmp_path / "none.imrmc", observer="scripted")
    with refuses("no-such-session") as caught:
        write_imrmc(data, tmp_path / "none.imrmc", session=3)
    assert re.search("no session 3", str(caught.value))
    assert not (tmp_path / "both.imrmc").exists()


@pytest.mark.slow
def test_images_of_another_set_are_other_cases(
    data: Path, make_set: Callable[..., StimulusSet], study: StudyFile, setup_of: Callable[[int], Setup], tmp_path: Path
) -> None:
    other = make_set(main=20, practice=4, catch=3, seed=1)
    run_first_session(other.folder, data, "p9", study.path, 1, setup_of(9))
    assert write_imrmc(data, tmp_path / "out.imrmc").real == 20


@pytest.mark.slow
def test_an_image_of_two_truths_and_nothing_rated_are_refused(refuses: Any, data: Path, tmp_path: Path) -> None:
    for table in (data / "sub-p2").rglob("*_beh.tsv"):
        frame = pd.read_csv(table, sep="\t", keep_default_na=False)
        frame["truth"] = frame["truth"].map({"real": "generated", "generated": "real"})
        frame.to_csv(table, sep="\t", index=False)
    with refuses("contradictory-truth"):
        write_imrmc(data, tmp_path / "out.imrmc")
    for table in data.rglob("*ses-1*_beh.tsv"):
        frame = pd.read_csv(table, sep="\t", keep_default_na=False)
        frame.assign(response="n/a", confidence="n/a").to_csv(table, sep="\t", index=False)
    with refuses("no-ratings"):
        write_imrmc(data, tmp_path / "out.imrmc")
