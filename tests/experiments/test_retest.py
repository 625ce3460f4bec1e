"""When a later session may begin, and when it began."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data.bids import session_folder
from data.record import read_record
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records.status import status
from experiments.session import retest_session
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from stimuli.sets import StimulusSet

SIMULATED = Setup("simulated", window=False, simulated=Observer(dprime=1))


def ago(data: Path, session: int, days: float, **facts: Any) -> None:
    """Move all of a session's record into the past, and change `facts` of its start."""
    record = session_folder(data, "p1", session) / "record.jsonl"
    events = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    for event in events:
        event["utc"] = (datetime.fromisoformat(event["utc"]) - timedelta(days=days)).isoformat(timespec="milliseconds")
    events[0] |= facts
    record.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")


@pytest.fixture
def first(small_set: StimulusSet, make_study: Callable[..., StudyFile], tmp_path: Path) -> Path:
    """The data of a person who has done session 1."""
    study = make_study(trials=20, retest_after_days=10)
    run_first_session(small_set.folder, tmp_path, "p1", study.path, 3, SIMULATED)
    ago(tmp_path, 1, 0, observer="human")
    return tmp_path


def test_a_person_comes_when_the_study_plans_it(
    refuses: Any, first: Path, small_set: StimulusSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    monkeypatch.setattr(retest_session, "run", lambda plan, *_: held.append(plan.session))

    def again(**more: bool) -> None:
        run_retest(small_set.folder, first, "p1", 4, Setup("human"), **more)

    with refuses("too-early") as caught:
        again()
    assert re.search(r" 0\.0 days .* after 10;", str(caught.value))
    again(early=True)
    ago(first, 1, 8.9)
    with refuses("too-early") as caught:
        again()
    assert re.search(r"was 8\.9 days ago.* give --early", str(caught.value))
    assert held == [2]
    ago(first, 1, 0.3)  # appointments are by date: the tenth day, some hours earlier
    again()
    assert held == [2, 2]


@pytest.mark.slow
def test_a_session_began_when_its_first_answer_could_come(first: Path, small_set: StimulusSet) -> None:
    """Opened by mistake on day 0 and left; held on day 14."""
    ago(first, 1, 14, observer="simulated")

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    run_retest(small_set.folder, first, "p1", 4, SIMULATED, leave)  # stops after one answer
    record = session_folder(first, "p1", 2) / "record.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    record.write_text("".join(line for line in lines if '"event": "answer"' not in line), encoding="utf-8")
    next(first.glob("sub-p1/ses-2/beh/*.tsv")).unlink()
    ago(first, 2, 14, days_since_first=0.0)
    result = run_retest(small_set.folder, first, "p1", None, SIMULATED, say=lambda _: None)
    log = read_record(record)
    assert log.start["days_since_first"] == 0
    assert log.begun == log.of("resume")[0]
    assert log.begun["days_since_first"] == pytest.approx(14, abs=0.01)
    about = json.loads(result.table.with_suffix(".json").read_text(encoding="utf-8"))
    assert about["DaysSinceFirstSession"] == log.begun["days_since_first"]
    assert about["Started"] == log.begun["utc"]
    assert pd.read_csv(result.table, sep="\t")["onset"].between(0, 3600).all()
    (found,) = (one for one in status(first) if one.participant == "p1")
    assert found.sessions[1].days_since == pytest.approx(0, abs=0.01)
