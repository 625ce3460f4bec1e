"""A simulated observer of a threshold task, and one of triads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

from data.simulated.comparer import DECISION_SD_JND, EVEN, SimulatedComparer
from data.simulated.detector import SimulatedDetector
from data.simulated.psychometric import probability_correct


@pytest.mark.parametrize("level", [0.01, 0.03, 0.1])
def test_answers_follow_the_function(level: float) -> None:
    who = SimulatedDetector(threshold=0.03, spread=0.2, lapse=0.04, seed=7)
    share = np.mean([who.is_correct(level, 0.0, 1, trial) for trial in range(1, 2001)])
    assert share == pytest.approx(float(probability_correct(level, 0.03, 0.2, 0.04)), abs=0.04)  # 3.6 SE


def test_the_same_observer_gives_the_same_answers_and_another_gives_others() -> None:
    def answers(seed: int, session: int) -> list[bool]:
        who = SimulatedDetector(threshold=0.03, seed=seed)
        return [who.is_correct(0.03, 0.0, session, trial) for trial in range(1, 60)]

    assert answers(1, 1) == answers(1, 1)
    assert answers(1, 1) != answers(2, 1) != answers(2, 2)


def test_without_a_threshold_the_given_one_counts() -> None:
    who = SimulatedDetector(spread=0.01, lapse=0.0)
    assert all(who.is_correct(0.2, 0.1, 1, trial) for trial in range(1, 50))
    assert not all(who.is_correct(0.05, 0.1, 1, trial) for trial in range(1, 50))


@pytest.mark.parametrize("faulty", [{"threshold": 0.0}, {"spread": float("nan")}, {"lapse": 0.5}])
def test_impossible_observers_are_refused(faulty: dict[str, float], refuses: Any) -> None:
    with refuses("out-of-range"):
        SimulatedDetector(**faulty)


def test_a_comparer_answers_a_session_as_its_scale_says() -> None:
    who = SimulatedComparer(EVEN, seed=3)
    said = [who.compare(0.0, 30.0, 90.0, 1, trial).response == "right" for trial in range(1, 2001)]
    wanted = ndtr((4.0 - 2.0) / DECISION_SD_JND)  # 60° is 4 JNDs, 30° is 2
    assert np.mean(said) == pytest.approx(wanted, abs=0.04)
    assert who.compare(0.0, 30.0, 90.0, 1, 5) == who.compare(0.0, 30.0, 90.0, 1, 5)
    guessing = SimulatedComparer(EVEN, lapse=1.0)
    assert np.mean([guessing.compare(0, 30, 150, 1, n).response == "right" for n in range(1, 2001)]) == pytest.approx(
        0.5, abs=0.04
    )
