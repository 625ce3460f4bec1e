"""The simulated adjuster has the errors that it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from data.circle import wrap
from data.simulated.adjuster import SimulatedAdjuster

TRIALS = range(1, 4001)


def errors(adjuster: SimulatedAdjuster, difference: float | None = None, target: float = 350.0) -> np.ndarray:
    before = None if difference is None else target + difference
    return wrap([adjuster.adjust(target, before, 1, trial).response_deg - target for trial in TRIALS])


def test_noise_and_bias() -> None:
    found = errors(SimulatedAdjuster(noise_deg=12, bias_deg=5))
    assert found.mean() == pytest.approx(5, abs=4 * 12 / np.sqrt(4000))
    assert found.std() == pytest.approx(12, rel=0.05)


@pytest.mark.parametrize(("difference", "pull"), [(30, 6.0), (-30, -6.0), (0, 0.0), (-330, 6.0)])
def test_serial_dependence_peaks_at_its_width_and_goes_round(difference: float, pull: float) -> None:
    still = SimulatedAdjuster(noise_deg=0, serial_deg=6, serial_width_deg=30)
    assert float(wrap(still.adjust(10, 10 + difference, 1, 1).response_deg - 10)) == pytest.approx(pull)
    assert still.adjust(10, None, 1, 1).response_deg == 10


def test_lapses_are_anywhere() -> None:
    found = errors(SimulatedAdjuster(noise_deg=0, lapse=0.25))
    assert (np.abs(found) > 1e-6).mean() == pytest.approx(0.25, abs=0.03)
    away = found[np.abs(found) > 1e-6]
    assert np.histogram(away, 4, (-180, 180))[0].min() > 0.2 * away.size


def test_the_seed_is_the_observer_and_responses_lie_on_the_loop() -> None:
    one, same, other = SimulatedAdjuster(seed=1), SimulatedAdjuster(seed=1), SimulatedAdjuster(seed=2)
    assert one.adjust(5, None, 1, 3) == same.adjust(5, None, 1, 3)
    assert one.adjust(5, None, 1, 3) != other.adjust(5, None, 1, 3)
    assert one.adjust(5, None, 1, 3) != one.adjust(5, None, 2, 3)
    assert all(0 <= one.adjust(0, None, 1, trial).response_deg < 360 for trial in TRIALS)


@pytest.mark.parametrize(
    "fault",
    [
        {"noise_deg": -1},
        {"noise_deg": np.nan},
        {"bias_deg": np.inf},
        {"serial_deg": np.nan},
        {"serial_width_deg": 0},
        {"lapse": 1.1},
        {"lapse": np.nan},
        {"median_time_s": 0},
    ],
)
def test_impossible_ones_are_refused(refuses: Any, fault: dict[str, float]) -> None:
    with refuses("out-of-range") as caught:
        SimulatedAdjuster(**fault)
    assert next(iter(fault)) in str(caught.value)
