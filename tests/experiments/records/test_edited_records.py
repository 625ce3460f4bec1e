"""Records that were edited by hand: one line that says where, and the same from every command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.bids import session_folder
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records.bids import export_all
from experiments.records.status import status
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from stimuli.sets import StimulusSet

SIMULATED = Setup("simulated", window=False, simulated=Observer(dprime=1))


@pytest.fixture
def edited(small_set: StimulusSet, make_study: Callable[..., StudyFile], tmp_path: Path) -> Callable[..., Path]:
    """Run a session, change a field of its seventh answer (or another event), and remove the table."""
    study = make_study(trials=20).path

    def edit(field: str, value: object, event: str = "answer") -> Path:
        run_first_session(small_set.folder, tmp_path, "p1", study, 3, SIMULATED)
        record = session_folder(tmp_path, "p1", 1) / "record.jsonl"
        events = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        of_kind = [one for one in events if one["event"] == event]
        of_kind[min(6, len(of_kind) - 1)][field] = value
        record.write_text("".join(json.dumps(one) + "\n" for one in events), encoding="utf-8")
        shutil.rmtree(tmp_path / "sub-p1")
        return tmp_path

    return edit


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("response", "maybe", "trial 7 has the response 'maybe'"),
        ("response", True, "response of answer cannot be true"),
        ("response", 12.5, "trial 7 has the response 12.5"),
        ("confidence", 5, "trial 7 has the confidence 5"),
        ("confidence", 0, "trial 7 has the confidence 0"),
        ("confidence", 1.5, "confidence of answer cannot be 1.5"),
        ("confidence", "high", 'confidence of answer cannot be "high"'),
        ("response_time", "0,8", 'response_time of answer cannot be "0,8"'),
        ("response_time", -1, "response_time of answer cannot be -1"),
        ("onset", float("inf"), "onset of answer cannot be Infinity"),
        ("trial", "7", 'trial of answer cannot be "7"'),
        ("utc", "yesterday", 'utc of answer cannot be "yesterday"'),
    ],
)
def test_an_answer_that_cannot_be_given_is_found_by_every_command(
    edited: Callable[..., Path], small_set: StimulusSet, field: str, value: object, said: str, refuses: Any
) -> None:
    data = edited(field, value)
    [exported] = export_all(data)
    assert exported.outcome == "failed"
    assert said in str(exported.problem)
    assert "restore the record from a backup" in str(exported.problem)
    assert "\n" not in str(exported.problem)
    assert not list(data.glob("sub-*"))
    [shown] = status(data)
    assert (shown.sessions[0].state, said in str(shown.sessions[0].problem)) == ("damaged", True)
    with refuses("altered-file" if said.startswith("trial 7") else "damaged-file"):
        run_retest(small_set.folder, data, "p1", 4, SIMULATED)


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [("start", "observer", None), ("start", "screen", "big"), ("state", "state", 3), ("onset", "stimulus_id", 12)],
)
def test_other_events_are_checked_too(edited: Callable[..., Path], event: str, field: str, value: object) -> None:
    [exported] = export_all(edited(field, value, event))
    assert exported.outcome == "failed"
    assert f"{field} of {event} cannot be {json.dumps(value)}" in str(exported.problem)
