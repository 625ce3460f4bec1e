"""Tables of pairs and of matches: what is read, filled in and refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data.answers import Kind, read_answers
from data.errors import LookalikeError
from data.files import sha256, write_json, write_table

PAIRS = {"participant": ["a", "a", "b"], "truth": ["left", "right", "left"], "response": ["left", None, "right"]}
MATCHES = {"participant": ["a", "a"], "trial": [1, 2], "target_deg": [10, 350.5], "response_deg": [None, 3]}


def written(folder: Path, content: dict[str, list[object]], **changes: list[object]) -> Path:
    pd.DataFrame({**content, **changes}).to_csv(folder / "table.csv", index=False, na_rep="n/a")
    return folder / "table.csv"


def test_a_minimal_table_is_filled_in_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, PAIRS)
    found = read_answers(path, "two_alternative")
    assert found.trials["trial"].tolist() == [1, 2, 1]
    assert set(found.trials["role"]) == {"main"}
    assert found.trials["response"].isna().tolist() == [False, True, False]
    assert (set(found.filled), found.words) == ({"session", "trial", "role"}, ("left", "right"))
    assert found.files == {"table.csv": sha256(path)}


def test_places_may_be_times(tmp_path: Path) -> None:
    found = read_answers(written(tmp_path, PAIRS, truth=["first"] * 3, response=["second"] * 3), "two_alternative")
    assert found.words == ("first", "second")


def test_matches_are_numbers_and_breaks_are_found(tmp_path: Path) -> None:
    content = {name: values * 2 for name, values in MATCHES.items()} | {"trial": [1, 2, 3, 4]}
    path = written(tmp_path, content, after_gap=["no", "break", "False", "resume-seen"])
    found = read_answers(path, "matching")
    assert found.trials["after_gap"].tolist() == [False, True, False, True]
    assert found.trials["response_deg"].isna().tolist() == [True, False, True, False]
    assert found.words is None
    assert "after_gap" not in found.filled
    assert "after_gap" in read_answers(written(tmp_path, MATCHES), "matching").filled


def test_loops_are_kept_apart_and_one_without_a_name_is_refused(tmp_path: Path) -> None:
    assert read_answers(written(tmp_path, MATCHES, loop=["a", "b"]), "matching").trials["loop"].tolist() == ["a", "b"]
    assert "loop" not in read_answers(written(tmp_path, MATCHES), "matching").trials
    with pytest.raises(LookalikeError, match=r"loop is missing \(row 3\)"):
        read_answers(written(tmp_path, MATCHES, loop=["a", None]), "matching")


def test_their_names_and_words(tmp_path: Path) -> None:
    path = written(tmp_path, {"P": ["001", "001"], "Truth": ["1", "0"], "Key": ["f", "j"]})
    columns = {"participant": "P", "truth": "Truth", "response": "Key"}
    words = {"1": "different", "0": "same", "f": "different", "j": "same"}
    found = read_answers(path, "same_different", columns, words)
    assert found.trials[["participant", "truth", "response"]].to_numpy().tolist() == [
        ["001", "different", "different"],
        ["001", "same", "same"],
    ]


def test_sessions_of_a_folder(tmp_path: Path) -> None:
    for participant, session in (("a", 1), ("a", 2), ("b", 1)):
        folder = tmp_path / f"sub-{participant}" / f"ses-{session}" / "beh"
        folder.mkdir(parents=True)
        name = f"sub-{participant}_ses-{session}_task-samedifferent_beh"
        table = pd.DataFrame({"trial": [1, 2], "role": "main", "truth": ["same", "different"], "response": "same"})
        write_table(folder / f"{name}.tsv", table)
        write_json(folder / f"{name}.json", {"Observer": "simulated"})
    found = read_answers(tmp_path, "same_different")
    assert found.trials[["participant", "session"]].drop_duplicates().to_numpy().tolist() == [
        ["a", 1],
        ["a", 2],
        ["b", 1],
    ]
    assert found.observers == ("simulated",)
    assert len(found.files) == 6
    with pytest.raises(LookalikeError, match="none of task two"):
        read_answers(tmp_path, "same_different", task="two")
    with pytest.raises(LookalikeError, match="this is no file"):
        read_answers(tmp_path, "same_different", {"truth": "x"})


@pytest.mark.parametrize(
    ("kind", "content", "change", "told"),
    [
        (
            "two_alternative",
            PAIRS,
            {"truth": ["left", "first", "left"]},
            r"truth is neither 'left' nor 'right' \(row 3\)",
        ),
        ("two_alternative", PAIRS, {"response": ["up", None, "left"]}, r"response is neither .* \(row 2\)"),
        ("same_different", PAIRS, {}, r"truth is neither 'different' nor 'same' \(row 2, 3, 4\)"),
        ("two_alternative", PAIRS, {"participant": ["a", None, "b"]}, r"participant is missing \(row 3\)"),
        ("two_alternative", PAIRS, {"session": [1, 0, 1]}, r"session is not 1, 2, 3, ... \(row 3\)"),
        ("two_alternative", PAIRS, {"role": ["main", "test", "main"]}, r"role is none of .* \(row 3\)"),
        ("matching", MATCHES, {"trial": [4, 4]}, r"trial number is used twice in one session \(row 2, 3\)"),
        ("matching", MATCHES, {"target_deg": [1, None]}, r"target_deg is missing \(row 3\)"),
        ("matching", MATCHES, {"response_deg": ["far", 1]}, r"response_deg is no number of degrees \(row 2\)"),
        ("matching", MATCHES, {"target_deg": ["inf", 1]}, r"target_deg is no number of degrees \(row 2\)"),
        ("matching", PAIRS, {}, "column target_deg, response_deg is missing"),
    ],
)
def test_rows_at_fault_are_named(
    tmp_path: Path, kind: Kind, content: dict[str, list[object]], change: dict[str, list[object]], told: str
) -> None:
    with pytest.raises(LookalikeError, match=told):
        read_answers(written(tmp_path, content, **change), kind)


def test_columns_that_are_not_there_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, PAIRS)
    with pytest.raises(LookalikeError, match="'confidence' is no column of ours"):
        read_answers(path, "two_alternative", {"confidence": "C"})
    with pytest.raises(LookalikeError, match="column 'Block' is missing"):
        read_answers(path, "two_alternative", {"session": "Block"})
