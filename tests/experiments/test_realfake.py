"""What a first session makes sure of before its first screen. No window is opened."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.bids import PLAN, session_folder
from data.errors import LookalikeError
from data.plan import read_plan
from data.study import StudyFile
from experiments.records.participants import registered
from experiments.session import first_session
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
from stimuli.sets import StimulusSet
from tests.waiting import PATIENCE_S

SIMULATED, PERSON = Setup("simulated", window=False), Setup("human")


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> Path:
    return make_study(task={}, trials=20).path


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as a person's session gets here."""

    def fail(*_: object) -> None:
        raise LookalikeError("no-screen", "PsychoPy cannot reach a screen")

    monkeypatch.setattr("experiments.session.run.open_window", fail)


def test_a_new_code_is_made_as_the_last_thing(
    refuses: Any, small_set: StimulusSet, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def begin(study: Path) -> None:
        run_first_session(small_set.folder, tmp_path / "data", "k7q2m", study, 3, PERSON, say=said.append, new=True)

    with refuses("no-such-file"):
        begin(study.with_name("none.toml"))
    with refuses("no-screen"):
        begin(study)
    assert (said, (tmp_path / "data").exists()) == ([f"study file: {study}"], False)
    said.clear()

    class Screen:
        about: dict[str, object] = {"kind": "window", "warnings": ["uncalibrated"]}  # noqa: RUF012

        def close(self) -> None:
            there.append(set(registered(tmp_path / "data")))

    there: list[set[str]] = []
    monkeypatch.setattr("experiments.session.run.open_window", lambda *_: Screen())
    monkeypatch.setattr("experiments.session.run._open_responder", lambda *_: None)
    monkeypatch.setattr("experiments.session.run._run", lambda *_: None)
    begin(study)
    assert there == [{"k7q2m"}]
    assert said == [
        f"study file: {study}",
        "uncalibrated",
        "participant k7q2m",
    ]


def test_a_forgotten_study_file_is_asked_for_where_others_had_one(
    refuses: Any, small_set: StimulusSet, study: Path, tmp_path: Path
) -> None:
    run_first_session(small_set.folder, tmp_path, "sim1", study, 3, SIMULATED)
    with refuses("study-mismatch") as caught:
        run_first_session(small_set.folder, tmp_path, "k7q2m", None, 3, PERSON, new=True)
    assert re.search("1 of 1 participants .* --study", str(caught.value))
    with refuses("no-screen"):
        run_first_session(small_set.folder, tmp_path, "k7q2m", study, 3, PERSON, new=True)
    # Another data folder is another study, and a simulated observer's dry run may be of any.
    with refuses("set-too-small") as caught:
        run_first_session(small_set.folder, tmp_path / "other", "k7q2m", None, 3, PERSON, new=True)
    assert re.search("needs 50 real main images", str(caught.value))
    with refuses("set-too-small") as caught:
        run_first_session(small_set.folder, tmp_path, "sim2", None, 3, SIMULATED)
    assert re.search("needs 50 real main images", str(caught.value))


def test_a_study_file_that_changed_in_between_is_told(
    small_set: StimulusSet, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_first_session(small_set.folder, tmp_path, "sim1", study, 3, SIMULATED)
    study.write_text(study.read_text(encoding="utf-8") + "# a word more\n", encoding="utf-8")
    said: list[str] = []
    monkeypatch.setattr(first_session, "run", lambda *_, ready, **__: ready())
    run_first_session(small_set.folder, tmp_path, "k7q2m", study, 3, PERSON, say=said.append, new=True)
    assert said[1] == (
        f"{study}: 1 of 1 participants here were run with another study file, or with this one before it was changed"
    )


def test_own_images_are_nobodys_in_another_task_nor_in_a_damaged_plan(
    refuses: Any, make_set: Callable[..., StimulusSet], make_study: Callable[..., StudyFile], tmp_path: Path
) -> None:
    stimuli, one = make_set(main=60), make_study(task={"images": "own"}, trials=20, practice_trials=0)
    other = make_study(task={"images": "own"}, kind="same_different", trials=8, practice_trials=0)
    seen = [
        {image for trial in read_plan(result.folder / PLAN).trials for image in trial.images}
        for result in (
            run_first_session(stimuli.folder, tmp_path, "sim1", one.path, 3, SIMULATED),
            run_first_session(stimuli.folder, tmp_path, "sim2", other.path, 3, SIMULATED),
        )
    ]
    assert not seen[0] & seen[1]
    plan = session_folder(tmp_path, "sim1", 1) / PLAN
    plan.write_text("{", encoding="utf-8")
    with refuses("damaged-file") as caught:
        run_first_session(stimuli.folder, tmp_path, "sim3", one.path, 3, SIMULATED)
    assert str(plan) in str(caught.value)


def test_a_damaged_plan_of_somebody_else_stops_nobody_where_images_are_shared(
    refuses: Any, small_set: StimulusSet, study: Path, tmp_path: Path
) -> None:
    run_first_session(small_set.folder, tmp_path, "sim1", study, 3, SIMULATED)
    for damage in ("{", "[]", "{}", '{"task": "realfake", "keys": 3}'):
        (session_folder(tmp_path, "sim1", 1) / PLAN).write_text(damage, encoding="utf-8")
        with refuses("no-screen"):
            run_first_session(small_set.folder, tmp_path, "k7q2m", study, 3, PERSON, new=True)


def test_keys_are_balanced_over_those_who_answered(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every second participant leaves at the consent; of those who stay, half have either mapping."""
    study = make_study(task={"text.consent": "May we?"}, trials=20).path

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    stayed = []
    for number in range(8):
        with monkeypatch.context() as patch:
            if number % 2:
                patch.setattr("experiments.session.loop._read", leave)
            result = run_first_session(small_set.folder, tmp_path, f"p{number}", study, number, SIMULATED)
        plan = read_plan(result.folder / PLAN)
        assert plan.participants_before == len(stayed)
        if result.answered:
            stayed.append(plan.keys["real"])
    assert sorted(stayed) == ["left", "left", "right", "right"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "without", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii:strict"}]
)
def test_a_script_ends_well_in_a_locale_or_on_a_console_without_letters_beyond_ascii(
    small_set: StimulusSet, study: Path, tmp_path: Path, without: dict[str, str]
) -> None:
    plain = {**os.environ, **without}
    script = Path(first_session.__file__).parents[1] / "realfake.py"
    command = [sys.executable, str(script), str(small_set.folder), str(tmp_path / "dätä"), "p1", "--study", str(study)]
    done = subprocess.run(
        [*command, "--observer", "simulated", "--no-window"],
        env=plain,
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"20 of 20 answered" in done.stdout
