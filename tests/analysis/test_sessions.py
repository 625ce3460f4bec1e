"""Sessions from an external table."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.trials import load_trials
from data.external_tables.mapping import TableMapping
from data.files import read_table
from data.trials import COLUMNS
from stimuli.sets import StimulusSet

Write = Callable[..., Path]
Refuses = Callable[[str], AbstractContextManager[Any]]


@pytest.fixture
def long(tmp_path: Path, write_session: Write) -> Path:
    """Two participants, a retest of the first, in one table with other names."""
    tables = []
    for participant, session in (("a", 1), ("a", 2), ("b", 1)):
        path = write_session(tmp_path / "bids", participant, session)
        tables.append(read_table(path, COLUMNS).assign(Subj=f"P {participant}", session=session))
    whole = pd.concat(tables).rename(columns={"truth": "Type"}).replace({"Type": {"real": 0, "generated": 1}})
    whole.to_csv(tmp_path / "long.csv", index=False)
    return tmp_path / "long.csv"


MAPPED = TableMapping({"participant": "Subj", "truth": "Type"}, {"truth:0": "real", "truth:1": "generated"})


def test_a_long_table_is_split_into_measure_and_retest(long: Path) -> None:
    trials = load_trials(long, mapped=MAPPED)
    assert trials.measure.groupby("participant").size().to_dict() == {"P a": 100, "P b": 100}
    assert trials.retests.groupby(["participant", "session"]).size().to_dict() == {("P a", 2): 100}
    assert set(trials.sessions["observer"]) == {"not stated"}
    assert set(trials.files) == {"long.csv"}
    assert trials.filled == {"after_gap": "no throughout"}


def test_its_images_are_checked_against_the_set(long: Path, stimuli: StimulusSet, refuses: Refuses) -> None:
    load_trials(long, stimuli=stimuli, mapped=MAPPED)
    other = pd.read_csv(long).replace({"stimulus_id": {"s003": "s999"}})
    other.to_csv(long, index=False)
    with refuses("unknown-image"):
        load_trials(long, stimuli=stimuli, mapped=MAPPED)


def test_one_image_with_two_truths_is_refused(long: Path, refuses: Refuses) -> None:
    table = pd.read_csv(long)
    table.loc[(table["Subj"] == "P b") & (table["stimulus_id"] == "s003"), "Type"] = 0
    table.to_csv(long, index=False)
    with refuses("contradictory-truth") as caught:
        load_trials(long, mapped=MAPPED)
    assert re.search("s003 is real .*P b.* generated .*P a", str(caught.value))


def test_what_it_lacks_is_said(long: Path) -> None:
    pd.read_csv(long).drop(columns=["confidence", "onset", "trial"]).to_csv(long, index=False)
    trials = load_trials(long, mapped=MAPPED)
    assert set(trials.filled) == {"after_gap", "confidence", "onset", "trial"}
    assert trials.audit["found"].tolist().count("an answer without a confidence") == 3


@pytest.mark.usefixtures("long")
def test_recorded_sessions_take_no_mapping(tmp_path: Path, write_session: Write, refuses: Refuses) -> None:
    write_session(tmp_path / "recorded", "a")
    with refuses("mapping-of-folder"):
        load_trials(tmp_path / "recorded", mapped=MAPPED)


def test_catch_trials_stand_apart(tmp_path: Path, write_session: Write) -> None:
    def mark(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame.index[:5], "role"] = "catch"
        return frame

    write_session(tmp_path / "caught", "a", change=mark)
    trials = load_trials(tmp_path / "caught")
    assert (len(trials.measure), len(trials.catch)) == (95, 5)
