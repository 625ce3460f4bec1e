"""A table that does not say what was recorded, planned or shown is refused, with its file and row."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.audit import audit, copies
from analysis.trials import load_trials
from data.bids import session_folder
from data.errors import LookalikeError
from data.files import read_table, sha256, write_table
from data.plan import Plan, PlannedTrial, write_plan
from data.study import read_study
from data.trials import COLUMNS
from stimuli.sets import StimulusSet

Write = Callable[..., Path]
Refuses = Callable[[str], AbstractContextManager[Any]]
Refusal = Callable[..., str]


def plan_of(rows: list[dict[str, Any]], participant: str, session: int, max_run: int | None) -> Plan:
    trials = [
        PlannedTrial(
            trial=place,
            stimulus_id=row["stimulus_id"],
            file=row["stim_file"],
            truth=row["truth"],
            role=row["role"],
            sha256="0" * 64,
        )
        for place, row in enumerate(sorted(rows, key=lambda row: row["trial"]), start=1)
    ]
    return Plan(
        participant=participant,
        session=session,
        task="realfake",
        seed=1,
        study_name="S",
        study_sha256="",
        stimulus_set_sha256="",
        confidence_levels=4,
        told_prevalence=0.5,
        max_run=max_run,
        keys={},
        versions={},
        trials=tuple(trials),
    )


def keep_record(table: Path, participant: str, session: int = 1, max_run: int | None = 3) -> Path:
    """Write the plan and record that a session with this table leaves in `sourcedata`; return their folder."""
    folder = session_folder(table.parents[3], participant, session)
    folder.mkdir(parents=True)
    rows = json.loads(read_table(table, COLUMNS).to_json(orient="records"))
    write_plan(folder / "plan.json", plan_of(rows, participant, session, max_run))
    start = dict.fromkeys(("stimulus_set_sha256", "study_sha256", "observer"), "x")
    start |= {"days_since_first": None, "screen": {}, "versions": {}}
    events: list[dict[str, Any]] = [
        {"event": "start", **start, "plan_sha256": sha256(folder / "plan.json"), "participant": "a", "session": session}
    ]
    for row in rows:
        events.append({"event": "onset", **row})
        if row["response"] is not None:
            events.append({"event": "answer", **row})
    lines = [json.dumps({"utc": "2026-01-05T09:00:00Z", **event}) for event in [*events, {"event": "end"}]]
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


@pytest.fixture
def refusal(refuses: Refuses) -> Callable[..., str]:
    """What is said of a table that is refused with a code: `refusal(code, table, stimuli=None)`."""

    def refused(code: str, table: Path, stimuli: StimulusSet | None = None) -> str:
        with refuses(code) as caught:
            load_trials(table.parents[3], None, stimuli)
        return str(caught.value)

    return refused


def test_a_table_made_from_its_record_is_accepted_and_its_sources_are_hashed(table: Path, stimuli: StimulusSet) -> None:
    trials = load_trials(table.parents[3], None, stimuli)
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
    record.write_bytes(record.read_bytes().replace(b'"event": "end"}\n', b'"event": "ans'))
    assert bool(load_trials(tmp_path, None, None).sessions["record_checked"].all())


def test_the_order_of_rows_on_disk_is_free_and_rows_are_counted_as_there(table: Path, refusal: Refusal) -> None:
    alter(table, lambda frame: frame.iloc[::-1])
    assert len(load_trials(table.parents[3], None, None).measure) == 100
    alter(table, cell(4, "confidence", 9))
    said = refusal("table-differs", table)
    assert "confidence is not that of the record" in said
    assert "(row 4)" in said


def test_answers_replaced_by_the_truth_are_refused(table: Path, refusal: Refusal) -> None:
    before = read_table(table, COLUMNS)
    wrong = [str(int(i) + 2) for i in before.index[before["response"] != before["truth"]]]
    alter(table, lambda frame: frame.assign(response=frame["truth"]))
    said = refusal("table-differs", table)
    assert said.startswith(f"{table}: response is not that of the record ")
    assert f"(row {', '.join(wrong[:5])} and {len(wrong) - 5} more)" in said
    assert f"'lookalike export {table.parents[3]}'" in said
    assert "restore the table" in said


@pytest.mark.parametrize(
    ("column", "value"),
    [("response", None), ("confidence", None), ("confidence", 7), ("stimulus_id", "s999")],
)
def test_every_changed_answer_is_refused_by_row(table: Path, refusal: Refusal, column: str, value: object) -> None:
    alter(table, cell(12, column, value))
    said = refusal("table-differs", table)
    assert said.startswith(f"{table}: {column} is not that of the record ")
    assert "(row 12)" in said


def test_an_answer_that_was_never_given_is_refused(tmp_path: Path, write_session: Write, refusal: Refusal) -> None:
    table = write_session(tmp_path, "a", change=cell(5, "response", None))
    keep_record(table, "a")
    alter(table, cell(5, "response", "real"))
    assert "(row 5)" in refusal("table-differs", table)


def test_a_table_cut_short_is_refused(table: Path, refusal: Refusal) -> None:
    alter(table, lambda frame: frame.head(3))
    said = refusal("missing-trials", table)
    assert said.startswith(f"{table}: 97 of the 100 trials in ")
    assert "have no row (first, trial 4)" in said


@pytest.mark.parametrize(("column", "value"), [("role", "practice"), ("stim_file", "images/s999.png")])
def test_what_was_shown_must_be_what_was_planned(table: Path, refusal: Refusal, column: str, value: str) -> None:
    alter(table, cell(12, column, value))
    assert re.search(rf"{column} is not that of .*plan\.json \(row 12\)", refusal("other-image", table))


def test_truths_swapped_are_refused_with_the_set_and_with_the_plan(
    table: Path, stimuli: StimulusSet, refusal: Refusal
) -> None:
    def swap(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(truth=frame["truth"].map({"real": "generated", "generated": "real"}))

    alter(table, swap)
    said = refusal("other-image", table)
    assert re.search(r"truth is not that of .*plan\.json \(row 2, 3, 4, 5, 6 and 95 more\)", said)
    shutil.rmtree(table.parents[3] / "sourcedata")
    load_trials(table.parents[3], None, None)  # nothing left to compare with
    said = refusal("other-image", table, stimuli)
    assert said.startswith(f"{table}: truth is not that of {Path('shown') / 'stimuli.csv'} (row 2, 3,")


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("stimulus_id", "s999", "unknown-image"),
        ("stim_file", "images/s999.png", "other-image"),
        ("role", "catch", "other-image"),
    ],
)
def test_images_must_be_those_of_the_set(
    tmp_path: Path,
    write_session: Write,
    stimuli: StimulusSet,
    refusal: Refusal,
    column: str,
    value: str,
    code: str,
) -> None:
    table = write_session(tmp_path, "a", change=cell(7, column, value))
    said = refusal(code, table, stimuli)
    assert re.search(rf"{column} is not .*shown.stimuli\.csv \(row 7\); restore the table", said)


def test_a_file_that_is_not_stated_is_not_compared(tmp_path: Path, write_session: Write, stimuli: StimulusSet) -> None:
    write_session(tmp_path, "a", change=lambda frame: frame.assign(stim_file=None))
    assert len(load_trials(tmp_path, None, stimuli).measure) == 100


def test_a_damaged_record_beside_a_good_table_is_refused(table: Path) -> None:
    record = table.parents[3] / "sourcedata/sub-a/ses-1/record.jsonl"
    whole = record.read_bytes()
    for old, new, words in (
        (b'"event": "onset"', b"'event': 'onset'", f"{record}: line 2 is damaged"),
        (b'"event": "start"', b'"event": "begin"', f"{record}: line 1 is not an event"),
        (whole, b"", f"{table}: response is not that of the record"),
        (whole, whole.partition(b"\n")[2], f"{record}: the session's start is missing; restore"),
    ):
        record.write_bytes(whole.replace(old, new, 1))
        with pytest.raises(LookalikeError) as caught:
            load_trials(table.parents[3])
        assert words in str(caught.value)


def test_a_damaged_or_missing_plan_beside_a_good_table_is_refused(table: Path, refusal: Refusal) -> None:
    plan = table.parents[3] / "sourcedata/sub-a/ses-1/plan.json"
    plan.write_bytes(plan.read_bytes().replace(b"generated", b"real", 1))
    assert refusal("altered-file", table).startswith(f"{plan}: is missing or is not the plan")
    plan.unlink()
    assert refusal("altered-file", table).startswith(f"{plan}: is missing or is not the plan")


def max_runs(trials: pd.DataFrame) -> dict[str, int | None]:
    """The cap on runs of each participant's trials."""
    caps = trials[["participant", "max_run"]].drop_duplicates().set_index("participant")["max_run"]
    return {str(name): None if pd.isna(cap) else int(cap) for name, cap in caps.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("caps", "agreed"), [([3, 3], 3), ([3, 4], None), ([None, None], None), ([3, None], None)])
def test_runs_are_capped_as_each_plan_says_and_without_one_as_the_first_sessions_agree(
    tmp_path: Path, write_session: Write, caps: list[int | None], agreed: int | None
) -> None:
    for name, cap in zip("ab", caps, strict=True):
        keep_record(write_session(tmp_path, name), name, max_run=cap)
    keep_record(write_session(tmp_path, "a", 2), "a", 2, max_run=9)  # a retest has no say in the others
    write_session(tmp_path, "c")  # nor has a session whose plan is not at hand
    trials = load_trials(tmp_path)
    assert max_runs(trials.measure) == {"a": caps[0], "b": caps[1], "c": agreed}
    assert max_runs(trials.retests) == {"a": 9}


def test_a_plan_without_a_record_still_says_how_runs_were_capped(table: Path) -> None:
    (table.parents[3] / "sourcedata/sub-a/ses-1/record.jsonl").unlink()
    trials = load_trials(table.parents[3])
    assert (max_runs(trials.measure), trials.sessions["record_checked"].tolist()) == ({"a": 3}, [False])


def test_the_study_file_caps_only_sessions_without_a_plan(table: Path, tmp_path: Path, write_session: Write) -> None:
    write_session(table.parents[3], "b")
    (tmp_path / "study.toml").write_text('name = "S"\nplanned_participants = 1\n[plan]\nmax_run = 5\n')
    trials = load_trials(table.parents[3], read_study(tmp_path / "study.toml"))
    assert max_runs(trials.measure) == {"a": 3, "b": 5}


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
def test_what_is_unusual_is_named_with_its_trials(
    columns: dict[str, list[Any]], found: str, count: int, which: str
) -> None:
    table = audit("a", 2, _main(**columns))
    row = table[table["found"] == found].iloc[0]
    assert (row["participant"], row["session"], row["trials"], row["which"]) == ("a", 2, count, which)
    assert row["policy"]


def test_nothing_unusual_gives_no_row() -> None:
    assert audit("a", 1, _main()).empty


def test_many_trials_are_named_in_part() -> None:
    table = audit("a", 1, pd.concat([_main(response=[None] * 4, confidence=[None] * 4)] * 4).assign(trial=range(1, 17)))
    assert table["which"].tolist() == ["1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 6 more"]


def answered(seed: int, images: int = 30, times: bool = True) -> pd.DataFrame:
    """Main trials of someone who is right in about two of three."""
    rng = np.random.default_rng(seed)
    truth = np.where(np.arange(images) % 2, "real", "generated")
    other = np.where(truth == "real", "generated", "real")
    return pd.DataFrame(
        {
            "trial": np.arange(1, images + 1),
            "stimulus_id": [f"i{image}" for image in range(images)],
            "truth": truth,
            "response": np.where(rng.random(images) < 2 / 3, truth, other),
            "confidence": rng.integers(1, 5, images).astype(float),
            "response_time": rng.gamma(4, 0.3, images) if times else np.nan,
        }
    )


@pytest.mark.parametrize("times", [True, False])
def test_a_session_that_was_copied_is_told(times: bool) -> None:
    one, other = answered(1, times=times), answered(2, times=times)
    (told,) = copies([("p1", 1, one), ("p2", 1, other), ("p3", 1, one.sample(frac=1, random_state=0)), ("p1", 2, one)])
    assert told.startswith("p1 (session 1), p3 (session 1), p1 (session 2): the same answers")


def test_answers_that_may_agree_by_themselves_are_no_copies() -> None:
    """Everyone right or few answers without times; and the same answers at other times."""
    right = answered(1, times=False)
    right["response"] = right["truth"]
    few = answered(2, images=19, times=False)
    plain = answered(3, times=False).assign(confidence=np.nan)
    one = answered(4)
    at_other_times = one.assign(response_time=one["response_time"] + 0.1)
    sessions = [right, right, few, few, plain, plain, one, at_other_times]
    assert copies((f"p{place}", 1, main) for place, main in enumerate(sessions)) == ()
