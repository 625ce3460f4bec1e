"""Conditions and covariates of sessions that Lookalike recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.designs.by_observer import conditions_by_observer, covariates_by_observer
from analysis.designs.conditions import compare_conditions
from analysis.trials import load_trials
from data.errors import LookalikeError
from stimuli.sets import StimulusSet

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, write_session: Write) -> Path:
    for number in range(6):
        write_session(tmp_path / "study", f"p{number}")
    return tmp_path / "study"


def test_a_table_of_images_names_the_generator_of_each(folder: Path, tmp_path: Path) -> None:
    images = pd.DataFrame({"stimulus_id": [f"s{n:03d}" for n in range(1, 100, 2)]})
    images["condition"] = np.where(np.arange(50) % 2 == 1, "one", "two")
    images.to_csv(tmp_path / "images.csv", index=False)
    trials = load_trials(folder, conditions=str(tmp_path / "images.csv"))
    (found,) = conditions_by_observer(trials, ["human"], None)
    assert (found.names, found.participants, found.same_images) == (("one", "two"), "crossed", "some")
    assert [one.primary.auc.generated for one in found.each] == [25, 25]
    assert "conditions images.csv" in trials.files


def test_a_column_of_the_stimulus_set_is_a_condition(folder: Path, stimuli: StimulusSet) -> None:
    """What a manifest says: the kind of source (seed, composed), or the texture of composed images."""
    generated = stimuli.table["truth"] == "generated"
    kind = np.where(np.arange(100) % 4 == 1, "seed:7", "composed:t1")
    table = stimuli.table.assign(source=np.where(generated, kind, "patch:3"), texture=np.where(generated, "", ""))
    shown = StimulusSet(stimuli.folder, table, {}, stimuli.sha256)
    found = compare_conditions(load_trials(folder, stimuli=shown, conditions="source"))
    assert found.names == ("composed", "seed")
    with pytest.raises(LookalikeError) as caught:
        load_trials(folder, stimuli=shown, conditions="texture")
    assert caught.value.code == "unusable-conditions"
    with pytest.raises(LookalikeError) as caught:
        load_trials(folder, stimuli=shown, conditions="generator")
    assert "a column of the set: stimulus_id, file" in str(caught.value)


def test_each_stimulus_set_is_a_condition(tmp_path: Path, write_session: Write) -> None:
    """The same ids in two sets are other images."""
    for number in range(6):
        write_session(tmp_path / "study", f"p{number}", StimulusSetSHA256="ab"[number % 2] * 64)
    found = compare_conditions(load_trials(tmp_path / "study", conditions="stimulus_set"))
    assert found.names == ("set aaaaaaaa", "set bbbbbbbb")
    assert (found.participants, found.same_images) == ("nested", "none")
    write_session(tmp_path / "study", "p7", StimulusSetSHA256="")
    with pytest.raises(LookalikeError) as caught:
        load_trials(tmp_path / "study", conditions="stimulus_set")
    assert caught.value.code == "unusable-conditions"


def test_a_table_in_the_folder_may_have_the_column_itself(tmp_path: Path, write_session: Write) -> None:
    def conditions(frame: pd.DataFrame) -> pd.DataFrame:
        number = frame["stimulus_id"].str[1:].astype(int)
        return frame.assign(condition=np.where(number % 2 == 0, None, np.where(number % 4 == 1, "a", "b")))

    for number in range(5):
        path = write_session(tmp_path / "study", f"p{number}")
        conditions(pd.read_csv(path, sep="\t")).to_csv(path, sep="\t", index=False, na_rep="n/a")
    assert compare_conditions(load_trials(tmp_path / "study")).names == ("a", "b")


def test_covariates_are_read_from_participants_tsv(folder: Path) -> None:
    people = pd.DataFrame({"participant_id": [f"sub-p{n}" for n in range(6)], "volume_per_year": [9, 5, 2, 7, 4, 3]})
    people.to_csv(folder / "participants.tsv", sep="\t", index=False)
    trials = load_trials(folder, covariates=["volume_per_year"])
    models = covariates_by_observer(trials, "log-linear")["human"]
    assert [one.measure for one in models] == ["dprime", "criterion", "auc"]
    assert [(one.participants, one.effects[0].name) for one in models] == [(6, "volume_per_year")] * 3
    assert "participants.tsv" in trials.files
    with pytest.raises(LookalikeError) as caught:
        load_trials(folder, covariates=["grade"])
    assert caught.value.code == "missing-column"
