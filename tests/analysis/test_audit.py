"""A table that does not say what was recorded, planned or shown is refused, with its file and row."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.audit import audit
from analysis.report.report import analyze
from analysis.trials import load
from data.errors import LookalikeError
from data.files import read_table, sha256, write_json, write_table
from data.trials import COLUMNS, session_folder
from stimuli.sets import StimulusSet

Write = Callable[..., Path]


def keep_record(table: Path, participant: str, session: int = 1) -> Path:
    """Write the plan and record that a session with this table leaves in `sourcedata`; return their folder."""
    folder = session_folder(table.parents[3], participant, session)
    folder.mkdir(parents=True)
    rows = json.loads(read_table(table, COLUMNS).to_json(orient="records"))
    planned = [{**{name: row[name] for name in COLUMNS[:5]}, "file": row["stim_file"]} for row in rows]
    write_json(folder / "plan.json", {"trials": planned})
    start = dict.fromkeys(("stimulus_set_sha256", "study_sha256", "observer", "days_since_first", "screen", "versions"))
    events: list[dict[str, Any]] = [
        {"event": "start", **start, "plan_sha256": sha256(folder / "plan.json"), "participant": "a", "session": session}
    ]
    for row in rows:
        events.append({"event": "onset", **row})
        if row["response"] is not None:
            events.append({"event": "answer", **row})
    lines = [json.dumps({"utc": "", **event}) for event in [*events, {"event": "end"}]]
    (folder / "record.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def table(tmp_path: Path, write_session: Write) -> Path:
    """The table of a recorded session of 100 answered trials."""
    path = write_session(tmp_path / "bids", "a")
    keep_record(path, "a")
    return path


def alter(table: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    write_table(table, change(read_table(table, COLUMNS)))


def cell(row: int, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Put `value` into one cell; the header is row 1."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{column: frame[column].where(frame.index != row - 2, value)})

    return change


def refusal(table: Path, stimuli: StimulusSet | None = None) -> str:
    with pytest.raises(LookalikeError) as caught:
        load(table.parents[3], None, stimuli)
    return str(caught.value)


def test_a_table_made_from_its_record_is_accepted_and_its_sources_are_hashed(table: Path, stimuli: StimulusSet) -> None:
    trials = load(table.parents[3], None, stimuli)
    assert trials.sessions[["status", "record_checked"]].to_numpy().tolist() == [["kept", True]]
    folder = table.parents[3] / "sourcedata/sub-a/ses-1"
    for name in ("plan.json", "record.jsonl"):
        assert trials.files[f"sourcedata/sub-a/ses-1/{name}"] == sha256(folder / name)


def test_unanswered_trials_and_a_torn_last_line_are_no_damage(tmp_path: Path, write_session: Write) -> None:
    def unanswered(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({"confidence": float})
        frame.loc[frame.index[-10:], ["response", "confidence"]] = None
        return frame

    record = keep_record(write_session(tmp_path, "a", change=unanswered, Complete=False), "a") / "record.jsonl"
    record.write_bytes(record.read_bytes().replace(b'{"utc": "", "event": "end"}\n', b'{"utc": "", "event": "ans'))
    assert bool(load(tmp_path, None, None).sessions["record_checked"].all())


def test_the_order_of_rows_on_disk_is_free_and_rows_are_counted_as_there(table: Path) -> None:
    alter(table, lambda frame: frame.iloc[::-1])
    assert len(load(table.parents[3], None, None).measure) == 100
    alter(table, cell(4, "confidence", 9))
    assert "confidence is not that of the record" in refusal(table)
    assert "(row 4)" in refusal(table)


def test_answers_replaced_by_the_truth_are_refused(table: Path) -> None:
    before = read_table(table, COLUMNS)
    wrong = [str(int(i) + 2) for i in before.index[before["response"] != before["truth"]]]
    alter(table, lambda frame: frame.assign(response=frame["truth"]))
    said = refusal(table)
    assert said.startswith(f"{table}: response is not that of the record ")
    assert f"(row {', '.join(wrong[:5])} and {len(wrong) - 5} more)" in said
    assert f"'lookalike export {table.parents[3]}'" in said
    assert "restore the table" in said


@pytest.mark.parametrize(
    ("column", "value"),
    [("response", None), ("confidence", None), ("confidence", 7), ("stimulus_id", "s999")],
)
def test_every_changed_answer_is_refused_by_row(table: Path, column: str, value: object) -> None:
    alter(table, cell(12, column, value))
    assert re.search(rf"{re.escape(str(table))}: {column} is not that of the record .*\(row 12\)", refusal(table))


def test_an_answer_that_was_never_given_is_refused(tmp_path: Path, write_session: Write) -> None:
    table = write_session(tmp_path, "a", change=cell(5, "response", None))
    keep_record(table, "a")
    alter(table, cell(5, "response", "real"))
    assert re.search(r"response is not that of the record .*\(row 5\)", refusal(table))


def test_a_table_cut_short_is_refused(table: Path) -> None:
    alter(table, lambda frame: frame.head(3))
    said = refusal(table)
    assert said.startswith(f"{table}: 97 of the 100 trials in ")
    assert "have no row (first, trial 4)" in said


@pytest.mark.parametrize(("column", "value"), [("role", "practice"), ("stim_file", "images/s999.png")])
def test_what_was_shown_must_be_what_was_planned(table: Path, column: str, value: str) -> None:
    alter(table, cell(12, column, value))
    assert re.search(rf"{column} is not that of .*plan\.json \(row 12\)", refusal(table))


def test_truths_swapped_are_refused_with_the_set_and_with_the_plan(table: Path, stimuli: StimulusSet) -> None:
    def swap(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(truth=frame["truth"].map({"real": "generated", "generated": "real"}))

    alter(table, swap)
    assert re.search(r"truth is not that of .*plan\.json \(row 2, 3, 4, 5, 6 and 95 more\)", refusal(table))
    shutil.rmtree(table.parents[3] / "sourcedata")
    load(table.parents[3], None, None)  # nothing left to compare with
    said = refusal(table, stimuli)
    assert said.startswith(f"{table}: truth is not that of {Path('shown') / 'stimuli.csv'} (row 2, 3,")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("stimulus_id", "s999", "stimulus_id is not in"),
        ("stim_file", "images/s999.png", "stim_file is not that of"),
        ("role", "catch", "role is not that of"),
    ],
)
def test_images_must_be_those_of_the_set(
    tmp_path: Path, write_session: Write, stimuli: StimulusSet, column: str, value: str, words: str
) -> None:
    table = write_session(tmp_path, "a", change=cell(7, column, value))
    assert re.search(rf"{words} shown.stimuli\.csv \(row 7\); restore the table", refusal(table, stimuli))


def test_a_file_that_is_not_stated_is_not_compared(tmp_path: Path, write_session: Write, stimuli: StimulusSet) -> None:
    write_session(tmp_path, "a", change=lambda frame: frame.assign(stim_file=None))
    assert len(load(tmp_path, None, stimuli).measure) == 100


def test_a_damaged_record_beside_a_good_table_is_refused(table: Path) -> None:
    record = table.parents[3] / "sourcedata/sub-a/ses-1/record.jsonl"
    whole = record.read_bytes()
    for old, new, words in (
        (b'"event": "onset"', b"'event': 'onset'", f"{record}: line 2 is damaged"),
        (b'"event": "start"', b'"event": "begin"', f"{record}: line 1 is no event"),
        (whole, b"", f"{table}: response is not that of the record"),
        (whole, whole.partition(b"\n")[2], f"{record}: the session's start is missing; restore"),
    ):
        record.write_bytes(whole.replace(old, new, 1))
        assert words in refusal(table)


def test_a_damaged_or_missing_plan_beside_a_good_table_is_refused(table: Path) -> None:
    plan = table.parents[3] / "sourcedata/sub-a/ses-1/plan.json"
    plan.write_bytes(plan.read_bytes().replace(b"generated", b"real", 1))
    assert refusal(table).startswith(f"{plan}: is missing or not the plan")
    plan.unlink()
    assert refusal(table).startswith(f"{plan}: is missing or not the plan")


def test_the_report_says_what_was_not_checked(
    table: Path, write_session: Write, stimuli: StimulusSet, tmp_path: Path
) -> None:
    folder = table.parents[3]
    both = "The answers of 1 of 1 sessions were checked against the session’s record"
    summary = analyze(folder, tmp_path / "all", None, stimuli)
    assert list(summary["checks"].values()) == [1, 0, True]
    page = (tmp_path / "all/report.html").read_text("utf-8")
    assert both in page
    assert "Every table was checked against the stimulus set" in page
    assert "not checked against a record" not in page
    write_session(folder, "b")
    summary = analyze(folder, tmp_path / "some")
    assert summary["checks"] == {
        "sessions_checked_against_record": 1,
        "sessions_without_record": 1,
        "images_checked_against_stimulus_set": False,
    }
    page = (tmp_path / "some/report.html").read_text("utf-8")
    assert "The answers of 1 of 2 sessions were not checked against a record" in page
    assert "No stimulus set was given" in page


def _main(**columns: list[Any]) -> pd.DataFrame:
    count = 4
    table = pd.DataFrame(
        {
            "trial": range(1, count + 1),
            "truth": ["real", "generated"] * 2,
            "response": ["real", "generated", "generated", "real"],
            "confidence": [1.0, 2.0, 3.0, 4.0],
            "response_time": [1.0] * count,
        }
    )
    return table.assign(**columns)


@pytest.mark.parametrize(
    ("columns", "found", "count", "which"),
    [
        ({"response": ["real", None, "generated", None], "confidence": [1, None, 2, None]}, "no answer", 2, "2, 4"),
        ({"confidence": [1, None, 2, 3]}, "an answer without a confidence", 1, "2"),
        ({"response": ["real", "generated", None, "real"]}, "a confidence without an answer", 1, "3"),
        ({"response_time": [0.1, 0.3, 0.19, None]}, "answered within 0.2 s", 2, "1, 3"),
        ({"truth": ["real"] * 4}, "images of one truth only", 4, "1, 2, 3, 4"),
        ({"response": ["real"] * 4}, "one answer to every image", 4, "1, 2, 3, 4"),
        ({"confidence": [2.0] * 4}, "one confidence throughout", 4, "1, 2, 3, 4"),
    ],
)
def test_what_is_remarkable_is_named_with_its_trials(
    columns: dict[str, list[Any]], found: str, count: int, which: str
) -> None:
    table = audit("a", 2, _main(**columns))
    row = table[table["found"] == found].iloc[0]
    assert (row["participant"], row["session"], row["trials"], row["which"]) == ("a", 2, count, which)
    assert row["policy"]


def test_nothing_remarkable_gives_no_row() -> None:
    assert audit("a", 1, _main()).empty


def test_many_trials_are_named_in_part() -> None:
    table = audit("a", 1, pd.concat([_main(response=[None] * 4, confidence=[None] * 4)] * 4).assign(trial=range(1, 17)))
    assert table["which"].tolist() == ["1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 6 more"]
