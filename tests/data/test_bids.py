from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.bids import (
    beh_files,
    beh_path,
    read_bids,
    read_sidecar,
    recorded_sessions,
    session_folder,
    unexported_sessions,
    write_beh,
)
from data.trials import COLUMNS, KEYS, ROLES, TRUTHS, check_label, rating, validate


def make_table(count: int = 6, **columns: list[Any]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "trial": range(1, count + 1),
            "stimulus_id": [f"s{n:04d}" for n in range(1, count + 1)],
            "stim_file": [f"images/s{n:04d}.png" for n in range(1, count + 1)],
            "role": ["main"] * count,
            "truth": (["real", "generated"] * count)[:count],
            "response": (["generated", "real", "real"] * count)[:count],
            "confidence": ([1, 2, 3, 4] * count)[:count],
            "response_time": np.linspace(0.5, 2.5, count),
            "confidence_time": np.linspace(0.2, 0.9, count),
            "onset": np.linspace(0, 60, count),
        }
    )
    return frame.assign(**columns)


def keyed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(participant="p1", session=1)


def put(folder: Path, text: str, participant: str = "p1", session: int = 1) -> Path:
    path = beh_path(folder, participant, session, "realfake")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8
) | st.sampled_from(["001", "NA", "nan", "None", "1e5", "True", "a\tb", 'a"b', "a,b", "é′×", "#", " x "])
seconds = st.floats(0, 1e4) | st.just(float("nan"))


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    ids = draw(st.lists(words.filter(lambda word: word != "n/a"), min_size=1, max_size=6, unique=True))
    n = len(ids)
    each = lambda strategy: draw(st.lists(strategy, min_size=n, max_size=n))  # noqa: E731
    return pd.DataFrame(
        {
            "trial": draw(st.lists(st.integers(1, 10**6), min_size=n, max_size=n, unique=True)),
            "stimulus_id": ids,
            "stim_file": [f"images/{word}" for word in ids],
            "role": each(st.sampled_from(ROLES)),
            "truth": each(st.sampled_from(TRUTHS)),
            "response": each(st.sampled_from([*TRUTHS, None])),
            "confidence": each(st.sampled_from([1, 2, 9, None])),
            "response_time": each(seconds),
            "confidence_time": each(seconds),
            "onset": each(seconds),
        }
    )


@pytest.mark.slow
@settings(max_examples=30)  # each one writes and flushes files
@given(table=tables(), participant=st.from_regex(r"[A-Za-z0-9]{1,6}", fullmatch=True), session=st.integers(1, 40))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, table: pd.DataFrame, participant: str, session: int
) -> None:
    folder = tmp_path_factory.mktemp("bids")
    path = write_beh(folder, table, participant, session, "realfake", {"Seed": 3})
    back = read_bids(folder)
    assert list(back.columns) == [*KEYS, *COLUMNS, "after_gap"]
    assert back["participant"].tolist() == [participant] * len(table)
    assert back["session"].tolist() == [session] * len(table)
    assert back["trial"].tolist() == sorted(table["trial"])
    table = table.sort_values("trial", ignore_index=True)
    for column in ("stimulus_id", "stim_file", "role", "truth", "response"):
        expected = [None if pd.isna(word) else word for word in table[column]]
        assert [None if pd.isna(word) else word for word in back[column]] == expected
    for column in ("confidence", "response_time", "confidence_time", "onset"):
        # pandas before 3 reads the last digit of a float loosely.
        np.testing.assert_allclose(back[column], table[column].astype(float), rtol=1e-15)
    assert path == beh_path(folder, participant, session, "realfake")


def test_the_file_is_named_as_bids_names_it_and_has_its_sidecar(tmp_path: Path) -> None:
    path = write_beh(tmp_path, make_table(), "k7q2m", 2, "realfake", {"TaskName": "realfake", "Seed": 3})
    assert path.relative_to(tmp_path).as_posix() == "sub-k7q2m/ses-2/beh/sub-k7q2m_ses-2_task-realfake_beh.tsv"
    sidecar = read_sidecar(path)
    assert (sidecar["TaskName"], sidecar["Seed"]) == ("realfake", 3)
    assert set(COLUMNS) <= set(sidecar)
    assert set(sidecar["role"]["Levels"]) == set(ROLES)
    assert sidecar == json.loads(path.with_suffix(".json").read_text())


def test_sessions_are_read_in_order_and_other_tasks_left_out(tmp_path: Path) -> None:
    for participant, session in (("b", 1), ("a", 2), ("a", 1)):
        write_beh(tmp_path, make_table(2), participant, session, "realfake", {})
    write_beh(tmp_path, make_table(4), "a", 1, "matching", {})
    back = read_bids(tmp_path)
    order = list(back[["participant", "session"]].drop_duplicates().itertuples(index=False, name=None))
    assert order == [("a", 1), ("a", 2), ("b", 1)]
    assert len(back) == 6
    assert back.index.tolist() == list(range(6))
    assert len(read_bids(tmp_path, "matching")) == 4


def test_trials_may_stand_in_any_order_but_extra_columns_are_left_out(tmp_path: Path) -> None:
    write_beh(tmp_path, make_table(extra=["x"] * 6), "a", 1, "realfake", {})
    assert "extra" not in read_bids(tmp_path)


def test_trials_after_a_break_or_resume_are_known(tmp_path: Path) -> None:
    words = ["missed", "break", "no", "resume", "resume-seen", "repeat"]
    write_beh(tmp_path, make_table(after_gap=words), "a", 1, "realfake", {})
    write_beh(tmp_path, make_table(), "b", 1, "realfake", {})
    back = read_bids(tmp_path)
    assert back["after_gap"].dtype == bool
    assert back["after_gap"].tolist() == [word != "no" for word in words] + [False] * 6


def test_an_existing_session_is_never_overwritten(tmp_path: Path, refuses: Any) -> None:
    path = write_beh(tmp_path, make_table(), "a", 1, "realfake", {"Seed": 1})
    before = {file: (path.parent / file).read_bytes() for file in os.listdir(path.parent)}
    with refuses("occupied"):
        write_beh(tmp_path, make_table(2), "a", 1, "realfake", {"Seed": 2})
    assert {file: (path.parent / file).read_bytes() for file in os.listdir(path.parent)} == before


def test_a_table_gives_way_where_that_is_asked_for(tmp_path: Path) -> None:
    path = write_beh(tmp_path, make_table(2), "a", 1, "realfake", {"Seed": 1, "Site": "Ours"})
    assert write_beh(tmp_path, make_table(4), "a", 1, "realfake", {"Seed": 2}, replace=True) == path
    assert len(read_bids(tmp_path)) == 4
    assert (read_sidecar(path)["Seed"], read_sidecar(path)["Site"]) == (2, "Ours")


@pytest.mark.parametrize("at_fault", ["write_table", "write_json"])
def test_a_fault_leaves_neither_table_nor_sidecar_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_fault: str
) -> None:
    def fail(_path: Path, _content: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(f"data.bids.{at_fault}", fail)
        with pytest.raises(OSError, match="No space"):
            write_beh(tmp_path, make_table(), "a", 1, "realfake", {})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    path = write_beh(tmp_path, make_table(), "a", 1, "realfake", {"Seed": 1})
    before = path.read_bytes()
    with monkeypatch.context() as disk:
        disk.setattr(f"data.bids.{at_fault}", fail)
        with pytest.raises(OSError, match="No space"):
            write_beh(tmp_path, make_table(), "a", 1, "realfake", {"Seed": 2}, replace=True)
    assert path.read_bytes() == before
    assert read_sidecar(path)["Seed"] == 1


def test_a_table_without_its_sidecar_is_named_with_the_cure(tmp_path: Path, refuses: Any) -> None:
    path = write_beh(tmp_path, make_table(), "a", 1, "realfake", {})
    path.with_suffix(".json").unlink()
    with refuses("no-such-file") as caught:
        read_sidecar(path)
    assert "\n" not in str(caught.value)


def record(folder: Path, participant: str, session: int, text: str) -> Path:
    place = session_folder(folder, participant, session)
    place.mkdir(parents=True)
    (place / "record.jsonl").write_text(text)
    return place


def test_recorded_sessions_are_found_whether_they_have_a_table_or_not(tmp_path: Path) -> None:
    answer, start = '{"event": "answer"}\n', '{"event": "start"}\n'
    for participant, session in (("b", 1), ("a", 10), ("a", 2)):
        record(tmp_path, participant, session, start + session * answer)
    assert [(one.participant, one.session, one.answered) for one in recorded_sessions(tmp_path)] == [
        ("a", 2, 2),
        ("a", 10, 10),
        ("b", 1, 1),
    ]
    write_beh(tmp_path, make_table(), "a", 10, "realfake", {})
    write_beh(tmp_path, make_table(), "b", 1, "matching", {})
    [left] = unexported_sessions(tmp_path)
    assert (left.folder, left.participant, left.session) == (session_folder(tmp_path, "a", 2), "a", 2)


def test_only_whole_lines_of_a_record_count(tmp_path: Path) -> None:
    assert recorded_sessions(tmp_path) == []
    record(tmp_path, "a", 1, "")
    record(tmp_path, "b", 1, '{"event": "start"')
    record(tmp_path, "c", 1, 'damaged\n[1]\n{"event": "answer"}\n{"event": "answer"}')
    session_folder(tmp_path, "d", 1).mkdir(parents=True)
    (tmp_path / "sourcedata" / "sub-e" / "ses-x").mkdir(parents=True)
    (tmp_path / "sourcedata" / "sub-e" / "ses-x" / "record.jsonl").write_text('{"event": "start"}\n')
    assert [(one.participant, one.answered) for one in recorded_sessions(tmp_path)] == [("c", 1)]


def test_a_table_that_breaks_the_contract_is_not_written(tmp_path: Path, refuses: Any) -> None:
    with refuses("unknown-word") as caught:
        write_beh(tmp_path, make_table(2, truth=["real", "fake"]), "a", 1, "realfake", {})
    assert "row 3" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_missing_answers_are_data(tmp_path: Path) -> None:
    table = make_table(3, response=[None, "real", None], confidence=[None, None, 2], response_time=[None, 1.0, None])
    write_beh(tmp_path, table, "a", 1, "realfake", {})
    back = read_bids(tmp_path)
    assert back["response"].isna().tolist() == [True, False, True]
    assert back["confidence"].isna().tolist() == [True, True, False]


def test_a_session_without_any_answer_reads(tmp_path: Path) -> None:
    table = make_table(2, response=[None] * 2, confidence=[None] * 2, response_time=[None] * 2)
    write_beh(tmp_path, table, "a", 1, "realfake", {})
    assert read_bids(tmp_path)["response"].isna().all()


@pytest.mark.parametrize(
    ("column", "values", "code", "why", "rows"),
    [
        ("truth", ["real", "fake", "real", None], "unknown-word", "truth is neither", "3, 5"),
        ("role", ["main", "main", "Main", "main"], "unknown-word", "role is none of", "4"),
        ("response", ["r", "real", "generated", None], "unknown-word", "response is neither", "2"),
        ("confidence", [0, 1, 2, 3], "not-a-whole-number", "confidence is not 1, 2, 3", "2"),
        ("confidence", [1, 1.5, -1, None], "not-a-whole-number", "confidence is not 1, 2, 3", "3, 4"),
        ("confidence", [1, "sure", 2, float("inf")], "not-a-whole-number", "confidence is not 1, 2, 3", "3, 5"),
        ("stimulus_id", ["a", None, "b", "c"], "missing-value", "stimulus_id is missing", "3"),
        ("stimulus_id", ["a", "", "b", "n/a"], "missing-value", "stimulus_id is missing", "3, 5"),
        ("stimulus_id", ["a", "b", "a", "c"], "repeated-stimulus", "stimulus was judged twice", "2, 4"),
        ("trial", [1, 2, 2, 3], "repeated-trial", "trial number is used twice", "3, 4"),
        ("trial", [1, 0, 2.5, None], "not-a-whole-number", "trial is not 1, 2, 3", "3, 4, 5"),
        ("response_time", [1, "fast", 2, None], "not-a-number", "response_time is not a number", "3"),
        ("confidence_time", ["slow", 1, 2, None], "not-a-number", "confidence_time is not a number", "2"),
        ("onset", [1, 1, 1, "noon"], "not-a-number", "onset is not a number", "5"),
    ],
)
def test_each_breach_names_its_rows_as_a_spreadsheet_counts(
    tmp_path: Path, column: str, values: list[Any], code: str, why: str, rows: str, refuses: Any
) -> None:
    table = make_table(4, **{column: values})
    with refuses(code) as caught:
        validate(keyed(table), "the table")
    assert str(caught.value).startswith(f"the table: {why}")
    assert f"(row {rows});" in str(caught.value)
    # The same from a file, where Excel would show these row numbers.
    path = put(tmp_path, table.to_csv(sep="\t", index=False, na_rep="n/a"))
    with refuses(code) as caught:
        read_bids(tmp_path)
    assert str(caught.value).startswith(f"{path}: {why}")
    assert f"(row {rows});" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_the_first_rows_are_listed_and_the_others_counted(refuses: Any) -> None:
    with refuses("unknown-word") as caught:
        validate(keyed(make_table(9, truth=["fake"] * 9)), "the table")
    assert "(row 2, 3, 4, 5, 6 and 4 more)" in str(caught.value)


def test_the_same_trial_and_stimulus_in_another_session_are_fine(refuses: Any) -> None:
    both = pd.concat([keyed(make_table()), keyed(make_table()).assign(session=2)])
    assert validate(both, "the table") is both
    with refuses("repeated-trial"):
        validate(pd.concat([both, both]), "the table")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(tmp_path: Path, column: str, refuses: Any) -> None:
    table = make_table().drop(columns=column)
    with refuses("missing-column") as caught:
        validate(keyed(table), "the table")
    assert f"column {column} is missing" in str(caught.value)
    put(tmp_path, table.to_csv(sep="\t", index=False))
    with refuses("missing-column") as caught:
        read_bids(tmp_path)
    assert f"column {column} is missing" in str(caught.value)


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key_is_named(key: str, refuses: Any) -> None:
    with refuses("missing-column") as caught:
        validate(keyed(make_table()).drop(columns=key), "the table")
    assert f"column {key} is missing" in str(caught.value)


def test_no_folder(tmp_path: Path, refuses: Any) -> None:
    with refuses("no-such-folder") as caught:
        read_bids(tmp_path / "none")
    assert "none: " in str(caught.value)


def test_a_folder_without_sessions_of_the_task(tmp_path: Path, refuses: Any) -> None:
    with refuses("no-sessions"):
        read_bids(tmp_path)
    write_beh(tmp_path, make_table(), "a", 1, "matching", {})
    write_beh(tmp_path, make_table(), "b", 1, "ring", {})
    with refuses("other-task") as caught:
        read_bids(tmp_path)
    assert "matching, ring" in str(caught.value)


@pytest.mark.parametrize("label", ["", "sub 1", "../x", "a_b", "a-b", "é", "a\n", "a/b"])
def test_a_label_that_could_not_be_a_file_name_is_refused(tmp_path: Path, label: str, refuses: Any) -> None:
    with refuses("bad-label"):
        check_label(label)
    with refuses("bad-label") as caught:
        write_beh(tmp_path, make_table(), label, 1, "realfake", {})
    assert "participant" in str(caught.value)
    with refuses("bad-label") as caught:
        write_beh(tmp_path, make_table(), "a", 1, label, {})
    assert "task" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_rating_takes_a_tables_columns(tmp_path: Path) -> None:
    write_beh(tmp_path, make_table(3, response=["real", None, "generated"]), "a", 1, "realfake", {})
    back = read_bids(tmp_path)
    np.testing.assert_array_equal(rating(back["response"], back["confidence"]), [-1, np.nan, 3])


def test_tables_are_ordered_by_participant_and_session_as_a_number(tmp_path: Path) -> None:
    for participant, session in (("b", 1), ("a", 10), ("a", 2)):
        write_beh(tmp_path, make_table(), participant, session, "realfake", {})
    assert [(file.participant, file.session) for file in beh_files(tmp_path)] == [("a", 2), ("a", 10), ("b", 1)]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sub-b_ses-1_task-realfake_beh.tsv", "another participant or session than its folder's"),
        ("sub-a_ses-2_task-realfake_beh.tsv", "another participant or session than its folder's"),
        ("sub-a_ses-1_task-realfake_run-1_beh.tsv", "its name should be"),
        ("sub-a_ses-one_task-realfake_beh.tsv", "its name should be"),
    ],
)
def test_a_table_that_would_be_misread_is_refused_not_ignored(
    tmp_path: Path, name: str, why: str, refuses: Any
) -> None:
    path = write_beh(tmp_path, make_table(), "a", 1, "realfake", {})
    (path.parent / name).write_bytes(path.read_bytes())
    with refuses("bad-file-name") as caught:
        beh_files(tmp_path)
    assert why in str(caught.value)


def test_the_same_session_twice_is_refused(tmp_path: Path, refuses: Any) -> None:
    path = write_beh(tmp_path, make_table(), "a", 1, "realfake", {})
    twin = tmp_path / "sub-a" / "ses-01" / "beh" / "sub-a_ses-01_task-realfake_beh.tsv"
    twin.parent.mkdir(parents=True)
    twin.write_bytes(path.read_bytes())
    with refuses("repeated-session"):
        beh_files(tmp_path)
