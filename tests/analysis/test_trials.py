"""Which sessions are analysed, and why the others are not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.trials import SESSION_COLUMNS, is_generated, load_trials
from data.bids import session_folder
from data.files import sha256
from data.simulated.observers import Observer
from data.study import StudyFile, read_study
from stimuli.sets import StimulusSet

Write = Callable[..., Path]
Refuses = Callable[[str], AbstractContextManager[Any]]
OTHER = "b2" * 32


@pytest.fixture
def study(tmp_path: Path) -> StudyFile:
    path = tmp_path / "study.toml"
    path.write_text('name = "S"\nplanned_participants = 2\n[exclusions]\nmin_answered = 0.9\n')
    return read_study(path)


def blank(rows: int, *columns: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Leave the last `rows` trials of a session without an answer in `columns`."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({"confidence": float})
        frame.loc[frame.index[-rows:], list(columns)] = np.nan
        return frame

    return change


def row(sessions: pd.DataFrame, participant: str, session: int = 1) -> dict[str, Any]:
    found = sessions[(sessions["participant"] == participant) & (sessions["session"] == session)]
    return {str(key): value for key, value in found.iloc[0].items()}


def test_session_one_is_the_measure_and_retests_stand_apart(tmp_path: Path, write_session: Write) -> None:
    write_session(tmp_path, "a")
    write_session(tmp_path, "a", 2, DaysSinceFirstSession=14.5)
    write_session(tmp_path, "a", 10)
    write_session(tmp_path, "b")
    trials = load_trials(tmp_path, None, None)
    assert set(trials.measure["session"]) == {1}
    assert len(trials.measure) == 200
    assert trials.retests.groupby("session").size().to_dict() == {2: 100, 10: 100}
    assert tuple(trials.sessions.columns) == SESSION_COLUMNS
    assert trials.sessions["session"].tolist() == [1, 2, 10, 1]
    assert row(trials.sessions, "a", 2)["used_as"] == "retest"
    assert row(trials.sessions, "a", 2)["days_since_first"] == 14.5
    assert (trials.sessions["status"] == "kept").all()


def test_only_main_trials_are_measured(tmp_path: Path, write_session: Write) -> None:
    def practise(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(role=["practice"] * 4 + ["catch"] * 6 + ["main"] * 90)

    write_session(tmp_path, "a", change=practise)
    trials = load_trials(tmp_path, None, None)
    assert len(trials.measure) == 90
    assert row(trials.sessions, "a")["planned"] == 90


def test_partial_session_is_kept_and_flagged(tmp_path: Path, write_session: Write) -> None:
    write_session(tmp_path, "a", change=blank(10, "response", "confidence"), Complete=False)
    trials = load_trials(tmp_path, None, None)
    found = row(trials.sessions, "a")
    assert (found["status"], found["answered"], found["planned"]) == ("flagged", 90, 100)
    assert found["reason"] == "partial session: 90 of 100 main trials answered"
    assert len(trials.measure) == 100


def test_min_answered_counts_the_planned_trials(tmp_path: Path, write_session: Write, study: StudyFile) -> None:
    """A session broken off after 50 answered trials is half a session, not a whole one of 50."""
    about = {"StudySHA256": study.sha256}
    write_session(tmp_path, "early", trials=50, **about)
    write_session(tmp_path, "early", 2, **about)
    write_session(tmp_path, "gaps", change=blank(11, "response", "confidence"), **about)
    write_session(tmp_path, "just", change=blank(10, "response", "confidence"), **about)
    trials = load_trials(tmp_path, study, None)
    assert row(trials.sessions, "early")["status"] == "excluded"
    assert "50 of 100 main trials answered, fewer than the study's 90%" in row(trials.sessions, "early")["reason"]
    assert row(trials.sessions, "early", 2)["status"] == "excluded"
    assert row(trials.sessions, "early", 2)["reason"] == "session 1 was excluded"
    assert row(trials.sessions, "gaps")["status"] == "excluded"
    assert row(trials.sessions, "just")["status"] == "flagged"
    assert set(trials.measure["participant"]) == {"just"}
    assert trials.retests.empty


def test_unanswered_and_empty_sessions_are_excluded(tmp_path: Path, write_session: Write) -> None:
    write_session(tmp_path, "none", change=blank(100, "response", "confidence"))
    write_session(tmp_path, "void", change=lambda frame: frame.iloc[:0])
    write_session(tmp_path, "a")
    trials = load_trials(tmp_path, None, None)
    for name in ("none", "void"):
        assert row(trials.sessions, name)["status"] == "excluded"
        assert "no main trial was answered" in row(trials.sessions, name)["reason"]
    assert set(trials.measure["participant"]) == {"a"}


def test_missing_confidence_is_flagged(tmp_path: Path, write_session: Write) -> None:
    write_session(tmp_path, "a", change=blank(3, "confidence"))
    found = row(load_trials(tmp_path, None, None).sessions, "a")
    assert (found["status"], found["answered"], found["rated"]) == ("flagged", 100, 97)
    assert "3 answers without a confidence" in found["reason"]


def test_retest_needs_its_session_one(tmp_path: Path, write_session: Write) -> None:
    write_session(tmp_path, "a")
    write_session(tmp_path, "a", 2, Observer="scripted")
    write_session(tmp_path, "b", 2)
    sessions = load_trials(tmp_path, None, None).sessions
    assert row(sessions, "b", 2)["reason"] == "no session 1 to compare with"
    assert "scripted here and human in session 1" in row(sessions, "a", 2)["reason"]
    assert (sessions[sessions["session"] == 2]["status"] == "excluded").all()


def test_a_changed_study_file_shows(tmp_path: Path, write_session: Write, study: StudyFile) -> None:
    write_session(tmp_path, "same", StudySHA256=study.sha256)
    write_session(tmp_path, "other", StudySHA256=OTHER)
    write_session(tmp_path, "without")
    write_session(tmp_path, "levels", change=lambda frame: frame.assign(confidence=9), StudySHA256=study.sha256)
    sessions = load_trials(tmp_path, study, None).sessions
    assert row(sessions, "same")["status"] == "kept"
    assert "study file changed" in row(sessions, "other")["reason"]
    assert "no study file was recorded" in row(sessions, "without")["reason"]
    assert "100 confidences above the study's 4 levels" in row(sessions, "levels")["reason"]


def test_what_the_sidecar_does_not_state_is_flagged(tmp_path: Path, write_session: Write) -> None:
    write_session(tmp_path, "a", StimulusSetSHA256=None, Observer="<b>alien</b>")
    found = row(load_trials(tmp_path, None, None).sessions, "a")
    assert found["observer"] == "not stated"
    assert "stimulus set is not stated" in found["reason"]
    assert "kind of observer is not stated" in found["reason"]


def test_another_stimulus_set_is_refused(
    tmp_path: Path, write_session: Write, stimuli: StimulusSet, refuses: Refuses
) -> None:
    write_session(tmp_path, "a")
    write_session(tmp_path, "b", StimulusSetSHA256=OTHER)
    with refuses("other-set") as caught:
        load_trials(tmp_path, None, stimuli)
    assert re.search(r"sub-b_ses-1.*\.json: .* b2b2", str(caught.value))
    # Without a set to compare with, two participants may have seen two sets.
    assert load_trials(tmp_path, None, None).sessions["stimulus_set_sha256"].nunique() == 2


def test_a_record_without_a_set_is_refused_when_one_is_given(
    tmp_path: Path, write_session: Write, stimuli: StimulusSet, refuses: Refuses
) -> None:
    write_session(tmp_path, "a", StimulusSetSHA256=None)
    with refuses("other-set"):
        load_trials(tmp_path, None, stimuli)


def test_a_retest_with_another_set_is_always_refused(tmp_path: Path, write_session: Write, refuses: Refuses) -> None:
    write_session(tmp_path, "a")
    write_session(tmp_path, "a", 2, StimulusSetSHA256=OTHER)
    with refuses("other-set") as caught:
        load_trials(tmp_path, None, None)
    assert re.search("sub-a_ses-2.* b2b2.* a1a1", str(caught.value))


def test_contradicting_truth_is_refused(tmp_path: Path, write_session: Write, refuses: Refuses) -> None:
    def turn(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(truth=frame["truth"].where(frame["stimulus_id"] != "s007", "real"))

    write_session(tmp_path, "a")
    write_session(tmp_path, "b", change=turn)
    with refuses("contradictory-truth") as caught:
        load_trials(tmp_path, None, None)
    assert re.search("sub-b.*s007 is real .* generated .*sub-a", str(caught.value))


def test_unstated_sets_are_not_taken_for_one(tmp_path: Path, write_session: Write) -> None:
    for name, truth in (("a", "real"), ("b", "generated")):
        write_session(tmp_path, name, change=lambda f, truth=truth: f.assign(truth=truth), StimulusSetSHA256=None)
    assert len(load_trials(tmp_path, None, None).measure) == 200


def test_duplicate_rows_are_named(tmp_path: Path, write_session: Write, refuses: Refuses) -> None:
    path = write_session(tmp_path, "a")
    path.write_text(path.read_text() + path.read_text().splitlines()[5] + "\n")
    with refuses("repeated-trial") as caught:
        load_trials(tmp_path, None, None)
    assert re.search(r"sub-a_ses-1.* \(row 6, 102\)", str(caught.value))


def test_a_session_found_twice_is_refused(tmp_path: Path, write_session: Write, refuses: Refuses) -> None:
    path = write_session(tmp_path, "a")
    copy = tmp_path / "sub-a" / "ses-01" / "beh" / path.name.replace("ses-1", "ses-01")
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    copy.with_suffix(".json").write_bytes(path.with_suffix(".json").read_bytes())
    with refuses("repeated-session") as caught:
        load_trials(tmp_path, None, None)
    assert str(path) in str(caught.value)
    assert str(copy) in str(caught.value)


def test_no_data(tmp_path: Path, refuses: Refuses) -> None:
    with refuses("no-such-folder"):
        load_trials(tmp_path / "bids", None, None)
    (tmp_path / "bids").mkdir()
    with refuses("no-sessions"):
        load_trials(tmp_path / "bids", None, None)


def write_record(folder: Path, participant: str, session: int, answers: int) -> None:
    """As much of a session's record as says that so many trials were answered."""
    place = session_folder(folder, participant, session)
    place.mkdir(parents=True)
    events = [{"event": "start"}, *[{"event": "answer"}] * answers]
    (place / "record.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def test_a_recorded_session_without_a_table_is_never_left_out(
    tmp_path: Path, write_session: Write, refuses: Refuses
) -> None:
    write_session(tmp_path, "a")
    write_record(tmp_path, "a", 2, 57)
    cure = rf"participant a, session 2 was recorded \(57 answers\) and has no table: run 'lookalike export {tmp_path}'"
    with refuses("not-exported") as caught:
        load_trials(tmp_path, None, None)
    assert re.search(cure, str(caught.value))
    write_record(tmp_path, "b", 1, 3)
    with refuses("not-exported") as caught:
        load_trials(tmp_path, None, None)
    assert "1 more" in str(caught.value)
    # Nor where nothing at all was exported.
    write_record(tmp_path / "other", "c", 1, 3)
    with refuses("not-exported"):
        load_trials(tmp_path / "other", None, None)


def test_sessions_of_another_task_are_named(tmp_path: Path, write_session: Write, refuses: Refuses) -> None:
    path = write_session(tmp_path, "a")
    for file in (path, path.with_suffix(".json")):
        file.rename(file.with_name(file.name.replace("realfake", "matching")))
    with refuses("other-task") as caught:
        load_trials(tmp_path, None, None)
    assert re.search("matching.*realfake.*--study", str(caught.value))


def test_broken_sidecars_are_named(tmp_path: Path, write_session: Write, refuses: Refuses) -> None:
    sidecar = write_session(tmp_path, "a").with_suffix(".json")
    sidecar.write_text(json.dumps(["no", "object"]))
    with refuses("not-json") as caught:
        load_trials(tmp_path, None, None)
    assert str(sidecar) in str(caught.value)
    sidecar.unlink()
    with refuses("no-such-file") as caught:
        load_trials(tmp_path, None, None)
    assert str(sidecar) in str(caught.value)


def test_every_file_read_is_hashed(tmp_path: Path, write_session: Write) -> None:
    path = write_session(tmp_path, "a", observer=Observer(seed=4))
    files = load_trials(tmp_path, None, None).files
    assert files == {
        "sub-a/ses-1/beh/sub-a_ses-1_task-realfake_beh.tsv": sha256(path),
        "sub-a/ses-1/beh/sub-a_ses-1_task-realfake_beh.json": sha256(path.with_suffix(".json")),
    }


def test_truth_is_never_guessed(refuses: Refuses) -> None:
    assert is_generated(["generated", "real"]).tolist() == [True, False]
    with refuses("unknown-word"):
        is_generated(["generated", "Generated"])


def test_an_early_retest_of_a_person_is_flagged(tmp_path: Path, write_session: Write, study: StudyFile) -> None:
    for name, observer, days in (("soon", "human", 0.5), ("late", "human", 20.0), ("robot", "simulated", 0.0)):
        write_session(tmp_path, name, Observer=observer, StudySHA256=study.sha256)
        write_session(tmp_path, name, 2, Observer=observer, StudySHA256=study.sha256, DaysSinceFirstSession=days)
    rows = load_trials(tmp_path, study, None).sessions.set_index(["participant", "session"])
    assert rows.loc[("soon", 2), "status"] == "flagged"
    assert "retest after 0.5 days; the study planned 14" in rows.loc[("soon", 2), "reason"]
    assert rows.loc[("late", 2), "status"] == rows.loc[("robot", 2), "status"] == "kept"
