"""How often a stimulus is read from disk."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from data.plan import read_plan
from data.study import StudyFile
from experiments.screen import HeadlessScreen
from experiments.session import run as session_run
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet

_watched: list[Counter[str]] = []


def _count(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watched and str(arguments[0]).endswith(".png"):
        _watched[-1][Path(arguments[0]).resolve().as_posix()] += 1


@contextmanager
def opens() -> Iterator[Counter[str]]:
    """How often each PNG is opened, by whatever means."""
    if not getattr(opens, "installed", False):
        sys.addaudithook(_count)  # for good: Python cannot remove it
        opens.installed = True  # type: ignore[attr-defined]
    _watched.append(Counter())
    try:
        yield _watched[-1]
    finally:
        _watched.pop()


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Setup:
    """A simulated observer before a window, as far as the session can tell."""
    monkeypatch.setattr(session_run, "WindowScreen", lambda *_, **__: HeadlessScreen())
    return Setup("simulated")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["realfake", "two_alternative", "same_different"])
def test_an_image_is_read_to_verify_the_set_and_once_to_be_shown(
    setup: Setup, make_set: Callable[..., StimulusSet], make_study: Callable[..., StudyFile], tmp_path: Path, kind: str
) -> None:
    stimuli, study = make_set(main=40), make_study(kind=kind, trials=10, practice_trials=0)
    with opens() as counts:
        result = run_first_session(stimuli.folder, tmp_path / "data", "p1", study.path, 1, setup)
    shown = {name for trial in read_plan(result.folder / "plan.json").trials for name in trial.images}
    assert {path.rpartition("/")[2][:-4]: count for path, count in counts.items()} == {
        name: 1 + (name in shown) for name in stimuli.by_id
    }


def test_a_frame_is_read_once_for_each_showing(
    setup: Setup, make_loops: Callable[..., LoopSet], matching_study: Callable[..., StudyFile], tmp_path: Path
) -> None:
    loops, study = make_loops(a=12, b=12), matching_study(trials=8, practice_trials=0)
    with opens() as counts:
        result = run_first_session(loops.folder, tmp_path / "data", "p1", study.path, 1, setup)
    plan = read_plan(result.folder / "plan.json")
    showings = Counter(
        name for trial in plan.trials if trial.match for name in (trial.stimulus_id, trial.match.start_id)
    )
    # Once to verify the loop, and once for the mean grey, which samples 12 frames of each loop.
    assert {"/".join(path.split("/")[-2:])[:-4]: count for path, count in counts.items()} == {
        name: 2 + showings[name] for name in loops.files
    }
