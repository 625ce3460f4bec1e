"""External tables of every kind of task: what is read, filled in and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.external_tables.mapping import TableMapping
from data.external_tables.read import read_external_table, read_trials
from data.files import sha256, write_json, write_table
from data.trials import SESSION_FACTS

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
MAPPING = TableMapping(COLUMNS, WORDS)
PAIRS = {"participant": ["a", "a", "b"], "truth": ["left", "right", "left"], "response": ["left", None, "right"]}
MATCHES = {"participant": ["a", "a"], "trial": [1, 2], "target_deg": [10, 350.5], "response_deg": [None, 3]}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "theirs.csv").write_text(THEIRS)
    return tmp_path / "theirs.csv"


def written(folder: Path, content: dict[str, list[object]], **changes: list[object]) -> Path:
    pd.DataFrame({**content, **changes}).to_csv(folder / "table.csv", index=False, na_rep="n/a")
    return folder / "table.csv"


def test_columns_and_words_become_ours(table: Path) -> None:
    found = read_external_table(table, mapping=MAPPING)
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
    assert found.filled["after_gap"] == "no throughout"
    assert "session" not in found.filled
    assert found.words == ("generated", "real")


def test_a_table_in_our_words_needs_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "ours.tsv"
    path.write_text("participant\tstimulus_id\ttruth\tresponse\na\ts1\treal\treal\na\ts2\tgenerated\treal\n")
    found = read_external_table(path)
    assert found.trials["session"].tolist() == [1, 1]
    assert found.trials["confidence"].isna().all()
    assert found.filled["session"] == "1 throughout"


def test_breaks_are_read_in_words_and_by_another_name(tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    rows = [f"a,s{n},real,real,{word}" for n, word in enumerate(["no", "break", "", "resume-seen", "False", "0"])]
    path.write_text("\n".join(["participant,stimulus_id,truth,response,Pause", *rows]))
    found = read_external_table(path, mapping=TableMapping({"after_gap": "Pause"}))
    assert found.trials["after_gap"].tolist() == [False, True, False, True, False, False]
    assert not read_external_table(path).trials["after_gap"].any()


def test_an_unknown_word_for_a_break_is_neither_yes_nor_no(tmp_path: Path, refuses) -> None:
    path = tmp_path / "gaps.csv"
    rows = [f"a,s{n},real,real,{word}" for n, word in enumerate(["no", "maybe", "1.0"])]
    path.write_text("\n".join(["participant,stimulus_id,truth,response,after_gap", *rows]))
    with refuses("unknown-word") as caught:
        read_external_table(path)
    assert "after_gap is 'maybe', none of no, false" in str(caught.value)
    assert "(row 3)" in str(caught.value)
    found = read_external_table(path, mapping=TableMapping(words={"after_gap:maybe": "no"}))
    assert found.trials["after_gap"].tolist() == [False, False, True]


def test_a_header_without_rows_is_refused(tmp_path: Path, refuses: Any) -> None:
    path = tmp_path / "none.csv"
    path.write_text("participant,stimulus_id,truth,response\n")
    with refuses("empty-table"):
        read_external_table(path)


@pytest.mark.parametrize(
    ("old", "new", "code", "rows"),
    [
        ("007,b,1,g,1,1", "007,b,2,g,1,1", "unknown-word", "truth is '2', neither 'generated' nor 'real' (row 3)"),
        ("008,a,0,g,2,1", "008,a,0,x,2,1", "unknown-word", "(row 5)"),
        ("008,b,1,g,4,1", "008,a,1,g,4,1", "repeated-stimulus", "(row 5, 6)"),
        ("008,b,1,g,4,1", "008,b,1,g,4,0", "not-a-whole-number", "session is 0 (row 6), not 1, 2, 3"),
        ("008,b,1,g,4,1", ",b,1,g,4,1", "missing-value", "(row 6)"),
        ("008,b,1,g,4,1", "008,b,1,g,x,1", "not-a-number", "confidence is 'x' (row 6), not a number"),
    ],
)
def test_rows_at_fault_are_named(table: Path, refuses: Any, old: str, new: str, code: str, rows: str) -> None:
    table.write_text(THEIRS.replace(old, new))
    with refuses(code) as caught:
        read_external_table(table, mapping=MAPPING)
    assert rows in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "words", "code", "told"),
    [
        ({"answer": "Key"}, {}, "unknown-column", "'answer'"),
        ({**COLUMNS, "onset": "Time"}, {}, "missing-column", "'Time'"),
        ({"truth": "Fake"}, {}, "missing-column", "column 'Fake' is missing; did you mean 'IsFake'? It has Subj, img"),
        ({}, {"loop:1": "real"}, "unknown-column", "has no column 'loop'"),
    ],
)
def test_a_mapping_that_fits_nothing_is_refused(
    table: Path, refuses: Any, columns: dict[str, str], words: dict[str, str], code: str, told: str
) -> None:
    with refuses(code) as caught:
        read_external_table(table, mapping=TableMapping(columns, words))
    assert told in str(caught.value)


def test_another_labs_columns_are_not_taken_for_ours(tmp_path: Path) -> None:
    """Only a table with all the facts that ours has is asked who answered."""
    path = tmp_path / "theirs.csv"
    path.write_text("participant,stimulus_id,truth,response,observer,complete\na,s1,real,real,Dr. M.,no\n")
    found = read_external_table(path)
    assert (found.facts, found.observers) == ({}, ())


def test_a_table_of_ours_says_who_answered_and_may_not_contradict_itself(tmp_path: Path, refuses: Any) -> None:
    facts: dict[str, list[object]] = {name: [1] * 3 for name in SESSION_FACTS} | {"observer": ["simulated"] * 3}
    found = read_external_table(written(tmp_path, PAIRS, **facts), "two_alternative")
    assert found.observers == ("simulated",)
    assert found.facts["b", 1]["Observer"] == "simulated"
    with refuses("contradictory-facts") as caught:
        read_external_table(
            written(tmp_path, PAIRS, **{**facts, "observer": ["simulated", "human", "human"]}), "two_alternative"
        )
    assert "(row 2, 3)" in str(caught.value)


def test_a_minimal_table_of_pairs_is_filled_in_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, PAIRS)
    found = read_external_table(path, "two_alternative")
    assert found.trials["trial"].tolist() == [1, 2, 1]
    assert set(found.trials["role"]) == {"main"}
    assert found.trials["response"].isna().tolist() == [False, True, False]
    assert (set(found.filled), found.words) == ({"session", "trial", "role", "confidence"}, ("left", "right"))
    assert found.files == {"table.csv": sha256(path)}


def test_places_may_be_times(tmp_path: Path) -> None:
    path = written(tmp_path, PAIRS, truth=["first"] * 3, response=["second"] * 3)
    assert read_external_table(path, "two_alternative").words == ("first", "second")


def test_matches_are_numbers_and_breaks_are_found(tmp_path: Path) -> None:
    content = {name: values * 2 for name, values in MATCHES.items()} | {"trial": [1, 2, 3, 4]}
    path = written(tmp_path, content, after_gap=["no", "break", "False", "resume-seen"])
    found = read_external_table(path, "matching")
    assert found.trials["after_gap"].tolist() == [False, True, False, True]
    assert found.trials["response_deg"].isna().tolist() == [True, False, True, False]
    assert found.words is None
    assert "after_gap" not in found.filled
    assert "after_gap" in read_external_table(written(tmp_path, MATCHES), "matching").filled


def test_loops_are_kept_apart_and_one_without_a_name_is_refused(tmp_path: Path, refuses: Any) -> None:
    named = read_external_table(written(tmp_path, MATCHES, loop=["a", "b"]), "matching")
    assert named.trials["loop"].tolist() == ["a", "b"]
    alone = read_external_table(written(tmp_path, MATCHES), "matching")
    assert len(set(alone.trials["loop"])) == 1
    assert alone.filled["loop"] == "one loop throughout"
    with refuses("missing-value") as caught:
        read_external_table(written(tmp_path, MATCHES, loop=["a", None]), "matching")
    assert "loop is missing (row 3)" in str(caught.value)


def test_their_names_and_words_for_pairs(tmp_path: Path) -> None:
    path = written(tmp_path, {"P": ["001", "001"], "Truth": ["1", "0"], "Key": ["f", "j"]})
    columns = {"participant": "P", "truth": "Truth", "response": "Key"}
    words = {"1": "different", "0": "same", "f": "different", "j": "same"}
    found = read_external_table(path, "same_different", TableMapping(columns, words))
    assert found.trials[["participant", "truth", "response"]].to_numpy().tolist() == [
        ["001", "different", "different"],
        ["001", "same", "same"],
    ]


def test_sessions_of_a_folder(tmp_path: Path, refuses: Any) -> None:
    for participant, session in (("a", 1), ("a", 2), ("b", 1)):
        folder = tmp_path / f"sub-{participant}" / f"ses-{session}" / "beh"
        folder.mkdir(parents=True)
        name = f"sub-{participant}_ses-{session}_task-samedifferent_beh"
        table = pd.DataFrame({"trial": [1, 2], "role": "main", "truth": ["same", "different"], "response": "same"})
        write_table(folder / f"{name}.tsv", table)
        write_json(folder / f"{name}.json", {"Observer": "simulated"})
    found = read_trials(tmp_path, "same_different")
    assert found.trials[["participant", "session"]].drop_duplicates().to_numpy().tolist() == [
        ["a", 1],
        ["a", 2],
        ["b", 1],
    ]
    assert found.observers == ("simulated",)
    assert found.filled == {}
    assert len(found.files) == 6
    with refuses("other-task"):
        read_trials(tmp_path, "same_different", task="two")
    with refuses("mapping-of-folder"):
        read_trials(tmp_path, "same_different", TableMapping({"truth": "x"}))


def test_a_row_at_fault_in_a_folder_is_named_with_its_file(tmp_path: Path, refuses: Any) -> None:
    for participant, said in (("a", "left"), ("b", "up")):
        path = tmp_path / f"sub-{participant}/ses-1/beh/sub-{participant}_ses-1_task-twoalternative_beh.tsv"
        path.parent.mkdir(parents=True)
        frame = pd.DataFrame({"trial": [1], "role": ["main"], "truth": ["left"], "response": [said]})
        write_table(path, frame)
        write_json(path.with_suffix(".json"), {"Observer": "human"})
    with refuses("unknown-word") as caught:
        read_trials(tmp_path, "two_alternative")
    assert str(caught.value).startswith(f"{path}: response is neither")
    assert "(row 2)" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "content", "change", "code", "told"),
    [
        (
            "two_alternative",
            PAIRS,
            {"truth": ["left", "first", "left"]},
            "unknown-word",
            "truth is 'first', neither 'left' nor 'right' (row 3)",
        ),
        ("two_alternative", PAIRS, {"response": ["up", None, "left"]}, "unknown-word", "(row 2)"),
        (
            "same_different",
            PAIRS,
            {},
            "unknown-word",
            "truth is 'left' (also 'right'), neither 'different' nor 'same' (row 2, 3, 4)",
        ),
        (
            "two_alternative",
            PAIRS,
            {"participant": ["a", None, "b"]},
            "missing-value",
            "participant is missing (row 3)",
        ),
        ("two_alternative", PAIRS, {"session": [1, 0, 1]}, "not-a-whole-number", "session is 0 (row 3)"),
        ("two_alternative", PAIRS, {"role": ["main", "test", "main"]}, "unknown-word", "role is none of"),
        ("matching", MATCHES, {"trial": [4, 4]}, "repeated-trial", "(row 2, 3)"),
        ("matching", MATCHES, {"target_deg": [1, None]}, "missing-value", "target_deg is missing (row 3)"),
        ("matching", MATCHES, {"response_deg": ["far", 1]}, "not-a-number", "response_deg is 'far' (row 2)"),
        (
            "matching",
            MATCHES,
            {"target_deg": ["inf", 1]},
            "not-a-number",
            "target_deg is 'inf' (row 2), not a finite number",
        ),
        ("matching", PAIRS, {}, "missing-column", "column target_deg, response_deg is missing"),
    ],
)
def test_rows_at_fault_are_named_for_every_kind(
    tmp_path: Path,
    refuses: Any,
    kind: str,
    content: dict[str, list[object]],
    change: dict[str, list[object]],
    code: str,
    told: str,
) -> None:
    with refuses(code) as caught:
        read_external_table(written(tmp_path, content, **change), kind)
    assert told in str(caught.value)


def test_columns_that_are_not_there_are_refused(tmp_path: Path, refuses: Any) -> None:
    path = written(tmp_path, PAIRS)
    with refuses("unknown-column"):
        read_external_table(path, "two_alternative", TableMapping({"rating": "C"}))
    with refuses("missing-column") as caught:
        read_external_table(path, "two_alternative", TableMapping({"session": "Block"}))
    assert "'Block'" in str(caught.value)


def test_a_confidence_under_a_name_of_its_own_is_asked_for(study, tmp_path):
    theirs = study.rename(columns={"confidence": "Sure"}).assign(Room="2")
    theirs.to_csv(tmp_path / "theirs.csv", index=False)
    (note,) = read_external_table(tmp_path / "theirs.csv").notes
    assert "--columns confidence=..." in note
    assert note.endswith("not used: Sure")
    for mapping in (TableMapping({"confidence": "Sure"}), TableMapping(ignore=("confidence",))):
        assert read_external_table(tmp_path / "theirs.csv", mapping=mapping).notes == ()
    theirs.drop(columns=["Sure", "Room"]).to_csv(tmp_path / "none.csv", index=False)
    assert read_external_table(tmp_path / "none.csv").notes == ()


def test_an_empty_column_of_images_does_not_hide_what_is_missing(read, study, refuses):
    with refuses("missing-column"):
        read(study.assign(stimulus_id="").drop(columns="response"))
