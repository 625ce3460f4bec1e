"""Trial tables from elsewhere."""

from pathlib import Path

import numpy as np
import pytest

from data.errors import LookalikeError
from data.external_tables import Mapped, read_foreign

THEIRS = """Subj,img,IsFake,Key,Conf,Block
007,a,0,r,3,1
007,b,1,g,1,1
007,c,1,n/a,,1
008,a,0,g,2,1
008,b,1,g,4,1
007,b,1,r,2,2
"""
COLUMNS = {
    "participant": "Subj",
    "stimulus_id": "img",
    "truth": "IsFake",
    "response": "Key",
    "confidence": "Conf",
    "session": "Block",
}
WORDS = {"truth:0": "real", "truth:1": "generated", "r": "real", "g": "generated"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "theirs.csv").write_text(THEIRS)
    return tmp_path / "theirs.csv"


def test_columns_and_words_become_ours(table: Path) -> None:
    found = read_foreign(table, Mapped(COLUMNS, WORDS))
    trials = found.trials
    assert trials["participant"].tolist() == ["007"] * 4 + ["008"] * 2  # names are text
    assert trials["session"].tolist() == [1, 1, 1, 2, 1, 1]
    assert trials["truth"].tolist() == ["real", "generated", "generated", "generated", "real", "generated"]
    assert trials["response"].tolist()[:2] == ["real", "generated"]
    assert trials["response"].isna().tolist() == [False, False, True, False, False, False]
    np.testing.assert_array_equal(trials["confidence"], [3, 1, np.nan, 2, 2, 4])
    assert trials["trial"].tolist() == [1, 2, 3, 1, 1, 2]
    assert found.filled["trial"] == "the order of the rows"
    assert found.filled["response_time"] == "missing throughout"
    assert "session" not in found.filled


def test_a_table_in_our_words_needs_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "ours.tsv"
    path.write_text("participant\tstimulus_id\ttruth\tresponse\na\ts1\treal\treal\na\ts2\tgenerated\treal\n")
    found = read_foreign(path)
    assert found.trials["session"].tolist() == [1, 1]
    assert found.trials["confidence"].isna().all()
    assert found.filled["session"] == "1 throughout"


def test_breaks_are_read_in_words_and_by_another_name(tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    rows = [f"a,s{n},real,real,{word}" for n, word in enumerate(["no", "break", "", "resume-seen", "False", "0"])]
    path.write_text("\n".join(["participant,stimulus_id,truth,response,Pause", *rows]))
    found = read_foreign(path, Mapped({"after_gap": "Pause"}))
    assert found.trials["after_gap"].tolist() == [False, True, False, True, False, False]
    assert not read_foreign(path).trials["after_gap"].any()


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("participant,stimulus_id,truth,response\n")
    with pytest.raises(LookalikeError, match="holds no trial"):
        read_foreign(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("007,b,1,g,1,1", "007,b,2,g,1,1", r"truth is neither 'real' nor 'generated' \(row 3\)"),
        ("008,a,0,g,2,1", "008,a,0,x,2,1", r"response is neither .* \(row 5\)"),
        ("008,b,1,g,4,1", "008,a,1,g,4,1", r"judged twice in one session \(row 5, 6\)"),
        ("008,b,1,g,4,1", "008,b,1,g,4,0", r"session is not 1, 2, 3, ... \(row 6\)"),
        ("008,b,1,g,4,1", ",b,1,g,4,1", r"participant is missing \(row 6\)"),
        ("008,b,1,g,4,1", "008,b,1,g,0,1", r"confidence is not 1, 2, 3, ... \(row 6\)"),
    ],
)
def test_rows_at_fault_are_named(table: Path, old: str, new: str, words: str) -> None:
    table.write_text(THEIRS.replace(old, new))
    with pytest.raises(LookalikeError, match=words):
        read_foreign(table, Mapped(COLUMNS, WORDS))


@pytest.mark.parametrize(
    ("columns", "words", "told"),
    [
        ({"answer": "Key"}, {}, "'answer' is no column of ours"),
        ({**COLUMNS, "onset": "Time"}, {}, "column 'Time' is missing"),
        ({"truth": "Fake"}, {}, "column participant, stimulus_id, Fake, response is missing"),
        ({}, {"confidence:1": "real"}, "only truth, response, role hold words"),
    ],
)
def test_a_mapping_that_fits_nothing_is_refused(table: Path, columns: dict, words: dict, told: str) -> None:
    with pytest.raises(LookalikeError, match=told):
        read_foreign(table, Mapped(columns, words))


def test_another_labs_columns_are_not_taken_for_ours(tmp_path: Path) -> None:
    """Only a table with all the facts that ours has is asked who answered."""
    path = tmp_path / "theirs.csv"
    path.write_text("participant,stimulus_id,truth,response,observer,complete\na,s1,real,real,Dr. M.,no\n")
    assert read_foreign(path).facts == {}
