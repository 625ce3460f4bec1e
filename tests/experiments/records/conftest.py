"""A recorded study to write in other formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.group import primary
from analysis.group.primary import Primary
from analysis.trials import Trials
from data.plan import Plan
from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.session.design import draw_plan
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from stimuli.sets import StimulusSet

NAMES = ("p1", "p2", "007")
PrimaryOf = Callable[[Trials, str, StudyFile], Primary]


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> StudyFile:
    return make_study(trials=20, practice_trials=4, catch_trials=3)


@pytest.fixture
def plan(small_set: StimulusSet, make_study: Callable[..., StudyFile]) -> Plan:
    """Of a session of 20 trials of participant k7q2m."""
    return draw_plan(small_set, make_study(trials=20), "k7q2m", 1, 0)


@pytest.fixture
def setup_of() -> Callable[[int], Setup]:
    """A simulated observer with this seed."""
    return lambda seed: Setup("simulated", window=False, simulated=Observer(dprime=1.0, own_sd=0.5, seed=seed))


@pytest.fixture
def data(small_set: StimulusSet, study: StudyFile, setup_of: Callable[[int], Setup], tmp_path: Path) -> Path:
    """Three participants, one of them with a retest, and one whose session stopped early."""
    folder = tmp_path / "data"

    def stop(done: int, _total: int) -> None:
        if done == 12:
            raise KeyboardInterrupt

    for seed, name in enumerate(NAMES):
        run_first_session(small_set.folder, folder, name, study.path, seed, setup_of(seed))
    run_retest(small_set.folder, folder, "p1", 9, setup_of(0))
    run_first_session(small_set.folder, folder, "early", study.path, 7, setup_of(7), stop)
    return folder


@pytest.fixture
def primary_of() -> PrimaryOf:
    """The primary result of one kind of observer, as the report has it."""

    def result(trials: Trials, observer: str, study: StudyFile) -> Primary:
        mine = trials.sessions[trials.sessions["observer"] == observer]
        return primary.primary(
            observer,
            *(part[part["participant"].isin(mine["participant"])] for part in (trials.measure, trials.catch)),
            mine,
            study,
        )

    return result
