"""Whole sessions of each kind of task, without a window."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.sdt import same_different, two_alternative
from data.bids import read_sidecar
from data.files import read_table
from data.kinds.registry import find
from data.plan import read_plan
from data.record import read_record
from data.simulated.observers import Observer
from data.study import StudyFile
from data.trials import AROUND_NOTES
from experiments.screen import FRAME_S, NO_BUTTONS, Flip, HeadlessScreen, Row
from experiments.session import run as session_run
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import SessionResult, Setup
from stimuli.images import Pixels
from stimuli.sets import StimulusSet

PAIRS = ["two_alternative", "same_different"]


@pytest.fixture(scope="module")
def large_set(make_set: Callable[..., StimulusSet]) -> StimulusSet:
    return make_set(main=120, practice=8, catch=4)


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> Callable[..., Path]:
    def make(kind: str, task: dict[str, object] | None = None, **plan: int) -> Path:
        return make_study(task or {"blocks": 2}, kind, **plan).path

    return make


def observed(dprime: float) -> Setup:
    return Setup("simulated", window=False, simulated=Observer(dprime=dprime, seed=5))


def run(stimuli: StimulusSet, data: Path, study: Path, dprime: float = 2.0) -> tuple[SessionResult, pd.DataFrame]:
    result = run_first_session(stimuli.folder, data, "p1", study, 3, observed(dprime))
    return result, read_table(result.table, ("trial",), text=("truth", "response"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", PAIRS)
def test_a_session_of_pairs_and_its_table(
    large_set: StimulusSet, study: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    made = study(kind, trials=50, practice_trials=2, catch_trials=2)
    result, table = run(large_set, tmp_path / "data", made)
    assert (result.complete, result.answered, len(table)) == (True, 54, 54)
    label = kind.replace("_", "")
    assert result.table.name == f"sub-p1_ses-1_task-{label}_beh.tsv"
    assert list(table.columns) == [*find(kind).columns, *AROUND_NOTES]
    known = large_set.table.set_index("stimulus_id")
    for side in ("left", "right"):
        assert table[f"{side}_truth"].tolist() == known.loc[table[f"{side}_id"], "truth"].tolist()
        assert table[f"{side}_file"].tolist() == known.loc[table[f"{side}_id"], "file"].tolist()
    different = table["left_truth"] != table["right_truth"]
    if kind == "two_alternative":
        assert different.all()
        assert (table["truth"] == np.where(table["left_truth"] == "generated", "left", "right")).all()
    else:
        assert (table["truth"] == np.where(different, "different", "same")).all()
    sidecar = read_sidecar(result.table)
    assert set(table.columns) <= set(sidecar)
    assert set(table["response"]) <= set(sidecar["response"]["Levels"]) == set(find(kind).answers)
    assert (sidecar["TaskName"], sidecar["Keys"]) == (
        label,
        dict(zip(find(kind).answers, ("left", "right"), strict=True)),
    )
    assert sidecar["TaskSHA256"] == read_plan(result.folder / "plan.json").task_sha256


@pytest.mark.slow
@pytest.mark.parametrize("kind", PAIRS)
def test_a_simulated_observer_who_can_tell_is_right_and_one_who_cannot_is_not(
    large_set: StimulusSet, study: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    """100 answers by d' 4 and by d' 0; the analysis of the kind reads truth and response as they stand."""
    made = study(kind, trials=50)
    for dprime, low, high in ((4.0, 0.8, 1.0), (0.0, 0.25, 0.75)):
        _, table = run(large_set, tmp_path / str(dprime), made, dprime)
        assert low <= (table["truth"] == table["response"]).mean() <= high
        assert table["confidence"].between(1, 4).all()
        if kind == "two_alternative":
            found = two_alternative.two_alternative_from_responses(
                table["truth"], table["response"], places=("left", "right")
            )
            assert (found.dprime > 1.5) == (dprime > 0)
        else:
            z = same_different.same_different_from_responses(table["truth"], table["response"]).z_difference
            assert (z > 1) == (dprime > 0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", PAIRS)
def test_a_retest_of_pairs_shows_the_same_pairs(
    large_set: StimulusSet, study: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    first, _ = run(large_set, tmp_path / "data", study(kind, trials=20))
    again = run_retest(large_set.folder, tmp_path / "data", "p1", 4, observed(1))
    pairs = [[trial.images for trial in read_plan(one.folder / "plan.json").trials] for one in (first, again)]
    assert pairs[0] != pairs[1]
    assert sorted(pairs[0]) == sorted(pairs[1])


@pytest.mark.parametrize("kind", PAIRS)
def test_too_few_images_for_so_many_pairs(
    small_set: StimulusSet, study: Callable[..., Path], tmp_path: Path, kind: str, refuses: Any
) -> None:
    with refuses("set-too-small") as caught:
        run(small_set, tmp_path / "data", study(kind, trials=22))
    assert re.search(r"needs \d+ \w+ main .* 10: .* lower trials", str(caught.value))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("kind", PAIRS)
def test_a_script_answers_pairs_with_their_own_words(
    large_set: StimulusSet, study: Callable[..., Path], tmp_path: Path, kind: str, refuses: Any
) -> None:
    made, script = study(kind, trials=20), tmp_path / "script.csv"
    first, second = find(kind).answers

    def write(words: tuple[str, str]) -> Setup:
        lines = ["trial,response,confidence", *(f"{n},{words[n % 2]},{1 + n % 4}" for n in range(1, 21))]
        script.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return Setup("scripted", window=False, script=script)

    with refuses("unknown-word") as caught:
        run_first_session(large_set.folder, tmp_path / "data", "p1", made, 3, write(("real", "generated")))
    assert f"{first}, {second}" in str(caught.value)
    result = run_first_session(large_set.folder, tmp_path / "data", "p1", made, 3, write((first, second)))
    assert read_table(result.table, ("response",))["response"].tolist() == [second, first] * 10


@pytest.mark.slow
def test_the_bids_validator_accepts_tables_of_pairs(
    large_set: StimulusSet, study: Callable[..., Path], tmp_path: Path, bids_validator: str
) -> None:
    for kind in PAIRS:
        run(large_set, tmp_path / kind, study(kind, trials=20, practice_trials=2))
        command = [bids_validator, str(tmp_path / kind), "--format", "json"]
        issues = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)["issues"]
        codes = {issue["code"] for issue in issues["issues"] if issue["severity"] == "error"}
        assert codes == set()
        assert "TSV_ADDITIONAL_COLUMNS_UNDEFINED" not in {issue["code"] for issue in issues["issues"]}


class Watcher(HeadlessScreen):
    """A screen that notes what it shows from when on."""

    seen: list[tuple[float, Any]]

    def prepare(self, *images: Pixels, row: Row = NO_BUTTONS) -> None:  # noqa: ARG002
        self._prepared = images

    def flip(self, asked: float | None = None) -> Flip:
        flip = super().flip(asked)
        self.seen.append((flip.time, self._prepared))
        return flip

    def blank(self, asked: float | None = None) -> float:
        shown = super().blank(asked)
        self.seen.append((shown, None))
        return shown


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["realfake", "two_alternative"])
@pytest.mark.parametrize("mask_s", [0.0, 0.25])
def test_an_exposure_ends_by_itself_and_is_masked(
    large_set: StimulusSet,
    study: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    mask_s: float,
) -> None:
    monkeypatch.setattr(Watcher, "seen", [], raising=False)
    monkeypatch.setattr(session_run, "HeadlessScreen", Watcher)
    made = study(kind, {"exposure_s": 0.5, "mask_s": mask_s}, trials=10)
    result, table = run(large_set, tmp_path / "data", made)
    shown_as = "Each pair" if kind == "two_alternative" else "Each image"
    assert f"{shown_as} is shown for 0.5 seconds" in read_sidecar(result.table)["Instructions"]
    assert "exposure_time" in read_sidecar(result.table)
    written = pd.read_csv(result.table, sep="\t")
    trials = read_plan(result.folder / "plan.json").trials
    per_trial = 4 if mask_s else 3  # blank, images, (mask,) blank
    assert len(Watcher.seen) == per_trial * len(trials)
    for number, trial in enumerate(trials):
        before, shown, *mask, after = Watcher.seen[per_trial * number : per_trial * (number + 1)]
        assert before[1] is after[1] is None
        images = [large_set.read(name) for name in trial.images]
        np.testing.assert_array_equal(np.stack(images), np.reshape(np.stack([shown[1]]), np.stack(images).shape))
        stayed = (mask or [after])[0][0] - shown[0]
        assert stayed == pytest.approx(0.5, abs=FRAME_S)
        assert written.loc[number, "exposure_time"] == pytest.approx(stayed, abs=1e-6)
        for onset, pixels in mask:
            assert after[0] - onset == pytest.approx(mask_s, abs=FRAME_S)
            greys = np.stack([pixels]).reshape(np.stack(images).shape)
            assert (greys != np.stack(images)).any()
            np.testing.assert_array_equal(np.sort(greys.ravel()), np.sort(np.stack(images).ravel()))
    assert table["response_time"].gt(0).all()


def test_consent_is_asked_and_recorded(large_set: StimulusSet, study: Callable[..., Path], tmp_path: Path) -> None:
    made = study("realfake", {"text.consent": "We keep your answers."}, trials=10)
    result, _ = run(large_set, tmp_path / "data", made)
    events = [event["event"] for event in read_record(result.folder / "record.jsonl").events]
    assert events[:4] == ["start", "state", "consent", "state"]


@pytest.mark.slow
def test_own_images_leave_out_what_others_were_shown(
    large_set: StimulusSet, study: Callable[..., Path], tmp_path: Path, refuses: Any
) -> None:
    made, seen = study("realfake", {"images": "own"}, trials=50), []
    for name in ("p1", "p2"):
        result = run_first_session(large_set.folder, tmp_path / "data", name, made, 3, observed(1))
        plan = read_plan(result.folder / "plan.json")
        seen.append({trial.stimulus_id for trial in plan.trials})
        assert plan.keys["real"] == ("left" if name == "p1" else "right")
    assert not seen[0] & seen[1]
    with refuses("set-too-small") as caught:
        run_first_session(large_set.folder, tmp_path / "data", "p3", made, 3, observed(1))
    assert "the set has 10 " in str(caught.value)
