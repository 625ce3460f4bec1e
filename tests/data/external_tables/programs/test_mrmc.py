"""Programs for many readers and cases: iMRMC's input file, MRMCaov's tables, RJafroc's workbook."""

from __future__ import annotations

import numpy as np
import openpyxl
import pandas as pd
import pytest

from data.external_tables.mapping import TableMapping
from data.external_tables.read import read_external_table
from data.trials import rating

RNG = np.random.default_rng(5)
CASES = [(case, case % 2) for case in range(1, 11)]
SCORES = {(reader, case): int(RNG.integers(1, 7)) for reader in (1, 2, 3) for case, _ in CASES}


def check(found) -> None:
    """Every score is there, with its reader, case and truth; the order of ratings is that of scores."""
    trials = found.trials
    assert len(trials) == len(SCORES)
    for reader, part in trials.groupby("participant"):
        scores = [SCORES[int(reader), int(case)] for case in part["stimulus_id"]]
        ours = rating(part["response"], part["confidence"])
        assert (np.sign(np.subtract.outer(ours, ours)) == np.sign(np.subtract.outer(scores, scores))).all()
        assert part["truth"].tolist() == ["generated" if int(case) % 2 else "real" for case in part["stimulus_id"]]


def imrmc(modalities: tuple[str, ...] = ("1",)) -> str:
    lines = ["Some free text, of several lines,", "N0: 5", "NR: 3", "BEGIN DATA:"]
    lines += [f"-1,{case},0,{truth}" for case, truth in CASES]
    lines += [f"{reader}, {case}, {name}, {score}" for name in modalities for (reader, case), score in SCORES.items()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["study.imrmc", "study.csv", "study.txt"])
def test_an_imrmc_file(tmp_path, name):
    (tmp_path / name).write_text(imrmc())
    found = read_external_table(tmp_path / name)
    check(found)
    assert "read as an iMRMC input file" in found.notes


def test_an_imrmc_file_with_a_header_and_truth_in_words(tmp_path):
    text = imrmc().replace("BEGIN DATA:\n", "BEGIN DATA:\nreaderID,caseID,modalityID,score\n").replace("-1,", "TRUTH,")
    (tmp_path / "study.imrmc").write_text(text)
    check(read_external_table(tmp_path / "study.imrmc"))


def test_a_modality_is_chosen(tmp_path, refuses):
    (tmp_path / "study.imrmc").write_text(imrmc(("CC", "MLO")))
    with refuses("several-modalities") as caught:
        read_external_table(tmp_path / "study.imrmc")
    assert "--rows modality=CC" in str(caught.value)
    check(read_external_table(tmp_path / "study.imrmc", mapping=TableMapping(rows={"modality": "MLO"})))


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [("4,99,1,3", "missing-value", "case 99 has no truth"), ("4,1,3", "ragged-table", "3 cells")],
)
def test_a_line_at_fault_is_named(tmp_path, refuses, line, code, told):
    (tmp_path / "study.imrmc").write_text(imrmc() + line + "\n")
    with refuses(code) as caught:
        read_external_table(tmp_path / "study.imrmc")
    assert told in str(caught.value)
    assert "line 45" in str(caught.value)


def data_frame(truth_reader: str = "truth", modalities: tuple[str, ...] = ("testA",)) -> pd.DataFrame:
    """As R's iMRMC has it, for example from its simRoeMetz."""
    truths = [(truth_reader, case, "truth", truth) for case, truth in CASES]
    scores = [(reader, case, name, score) for name in modalities for (reader, case), score in SCORES.items()]
    return pd.DataFrame(truths + scores, columns=["readerID", "caseID", "modalityID", "score"])


@pytest.mark.parametrize("truth_reader", ["truth", "TRUTH", "-1"])
@pytest.mark.parametrize("row_names", [False, True])
@pytest.mark.parametrize("write", ["to_csv", "to_excel"])
def test_a_data_frame_of_imrmc(tmp_path, truth_reader, row_names, write):
    path = tmp_path / ("frame.csv" if write == "to_csv" else "frame.xlsx")
    getattr(data_frame(truth_reader).sample(frac=1, random_state=0), write)(path, index=row_names)
    found = read_external_table(path)
    check(found)
    assert "read as a data frame of iMRMC" in found.notes


def test_modalities_of_a_data_frame_are_those_of_its_own_column(tmp_path, refuses):
    path = tmp_path / "frame.csv"
    data_frame(modalities=("testA", "testB")).to_csv(path, index=False)
    with refuses("several-modalities") as caught:
        read_external_table(path)
    assert "--rows modalityID=testA" in str(caught.value)
    check(read_external_table(path, mapping=TableMapping(rows={"modalityID": "testB"})))
    both = read_external_table(path, mapping=TableMapping(columns={"condition": "modalityID"})).trials
    assert both["condition"].value_counts().to_dict() == {"testA": len(SCORES), "testB": len(SCORES)}


def test_a_case_without_truth_or_with_two_is_named(tmp_path, refuses):
    frame, path = data_frame(), tmp_path / "frame.csv"
    frame.iloc[1:].to_csv(path, index=False)
    with refuses("missing-value") as caught:
        read_external_table(path)
    assert "row 11: case 1 has no truth" in str(caught.value)
    pd.concat([frame, frame.iloc[:1].assign(score=0)]).to_csv(path, index=False)
    with refuses("contradictory-truth") as caught:
        read_external_table(path)
    assert "row 42: case 1 has another truth" in str(caught.value)


def vandyke(treatments: tuple[int, ...] = (1,)) -> pd.DataFrame:
    """The columns of MRMCaov's VanDyke."""
    rows = [(reader, name, case, case % 2, score) for name in treatments for (reader, case), score in SCORES.items()]
    table = pd.DataFrame(rows, columns=["reader", "treatment", "case", "truth", "rating"])
    return table.assign(case2=table["case"], case3=table["case"])


@pytest.mark.parametrize("capitals", [False, True])
def test_a_table_of_mrmcaov(tmp_path, refuses, capitals):
    table = vandyke().rename(columns=str.title) if capitals else vandyke()
    table.to_csv(tmp_path / "VanDyke.csv")  # R's write.csv has row names, too
    found = read_external_table(tmp_path / "VanDyke.csv")
    check(found)
    vandyke((1, 2)).to_csv(tmp_path / "both.csv", index=False)
    with refuses("several-modalities"):
        read_external_table(tmp_path / "both.csv")
    check(read_external_table(tmp_path / "both.csv", mapping=TableMapping(rows={"treatment": "2"})))


def test_a_table_of_one_reader(tmp_path):
    """As pROC takes it: a column of outcomes and one of scores."""
    one = pd.DataFrame([(truth, SCORES[1, case]) for case, truth in CASES], columns=["outcome", "s100b"])
    one.replace({"outcome": {0: "Good", 1: "Poor"}}).to_csv(tmp_path / "aSAH.csv", index=False)
    columns = {"participant": "{file}", "truth": "outcome", "rating": "s100b"}
    found = read_external_table(
        tmp_path / "aSAH.csv", mapping=TableMapping(columns, {"Good": "real", "Poor": "generated"})
    )
    assert found.trials["stimulus_id"].is_unique
    ours = rating(found.trials["response"], found.trials["confidence"])
    scores = [SCORES[1, case] for case, _ in CASES]
    assert (np.sign(np.subtract.outer(ours, ours)) == np.sign(np.subtract.outer(scores, scores))).all()


def rjafroc(path, change=len):
    sheets = {
        "TRUTH": [["CaseID", "LesionID", "Weight", "ReaderID", "ModalityID", "Paradigm"],
                  *([case, truth, truth, "1, 2, 3", "1", "ROC"] for case, truth in CASES)],
        "TP": [["ReaderID", "ModalityID", "CaseID", "LesionID", "TP_Rating"],
               *([reader, 1, case, 1, score] for (reader, case), score in SCORES.items() if case % 2)],
        "FP": [["ReaderID", "ModalityID", "CaseID", "FP_Rating"],
               *([reader, 1, case, score] for (reader, case), score in SCORES.items() if not case % 2)],
    }  # fmt: skip
    change(sheets)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_of_rjafroc(tmp_path):
    found = read_external_table(rjafroc(tmp_path / "roc.xlsx"))
    check(found)
    assert "read as a workbook of RJafroc" in found.notes


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda sheets: sheets["FP"].append([1, 1, 1, 2]), "contradictory-truth"),
        (lambda sheets: sheets["TP"].append([1, 1, 1, 2, 5]), "repeated-stimulus"),
        (lambda sheets: sheets["FP"][0].__setitem__(2, "Case"), "missing-column"),
        (lambda sheets: sheets["FP"].clear(), "empty-table"),
    ],
)
def test_free_response_data_and_broken_workbooks_are_refused(tmp_path, refuses, change, code):
    with refuses(code):
        read_external_table(rjafroc(tmp_path / "froc.xlsx", change))
