"""Previous target and previous response of matches, told apart."""

import numpy as np
import pandas as pd
import pytest

from analysis.serial.loop_history import NAMES, LoopHistory, loop_history
from data.circle import derivative_of_gaussian, wrap


def matches(seed, trials=400, noise=25.0, **pull):
    """One participant, attracted to `target1`, `response1` or `target2` by up to so many degrees."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, 360, trials)
    response = np.zeros(trials)
    for k in range(trials):
        others = {}
        if k > 1:
            others = {"target1": target[k - 1], "response1": response[k - 1], "target2": target[k - 2]}
        drawn = sum(
            float(derivative_of_gaussian(wrap(others[n] - target[k]), a, 30)) for n, a in pull.items() if others
        )
        response[k] = (target[k] + drawn + noise * rng.standard_normal()) % 360
    return pd.DataFrame(
        {"participant": f"p{seed}", "trial": np.arange(1, trials + 1), "target_deg": target, "response_deg": response}
    )


@pytest.mark.parametrize(("name", "place"), [("target1", 0), ("response1", 1), ("target2", 2)])
def test_each_is_recovered_and_the_others_are_not_found(name, place):
    found = loop_history(pd.concat([matches(seed, **{name: 10.0}) for seed in range(8)]), 30)
    assert found.effects[place].amplitude_deg == pytest.approx(10, abs=3.5)
    assert found.effects[place].p < 0.05
    assert found.effects[place].low > 0
    for other in set(range(3)) - {place}:
        assert abs(found.effects[other].amplitude_deg) < 4


def test_it_is_least_squares_on_each_participants_own_trials():
    table = matches(1, response1=8.0)
    found = loop_history(table, 30, harmonics=0)
    target, response = table["target_deg"].to_numpy(), table["response_deg"].to_numpy()
    error = wrap(response - target)
    y = wrap(error - np.degrees(np.angle(np.mean(np.exp(1j * np.radians(error))))))
    y = y - y.mean()
    others = (target[1:-1], response[1:-1], target[:-2])
    shapes = np.column_stack([derivative_of_gaussian(wrap(one - target[2:]), 1.0, 30) for one in others])
    np.testing.assert_allclose(found.amplitudes_deg[0], np.linalg.lstsq(shapes, y[2:], rcond=None)[0], atol=0.02)


def test_breaks_missing_answers_and_exact_matches():
    table = matches(1)
    table["after_gap"] = (table["trial"] - 1) % 2 == 0
    none = loop_history(table, 30)
    assert "enough trials" in none.effects[0].reason
    assert LoopHistory.from_json(none.to_json()) == none
    exact = matches(2, noise=0.0)
    assert loop_history(exact, 30).effects[1].n == 0  # responses are targets, so the two cannot be told apart
    assert [one.name for one in none.effects] == list(NAMES)
    few = matches(3)
    few.loc[::2, "response_deg"] = np.nan
    assert loop_history(few, 30).effects[0].n == 0


@pytest.mark.slow
def test_without_dependence_p_keeps_its_level_and_bounds_cover():
    """100 groups of 6 participants."""
    small, covered = [], []
    for seed in range(100):
        found = loop_history(pd.concat([matches(100 * seed + k, trials=120) for k in range(6)]), 30, seed=seed)
        small.append([one.p <= 0.05 for one in found.effects])
        covered.append([one.low <= 0 <= one.high for one in found.effects])
    assert np.mean(small) < 0.09
    assert np.mean(covered) > 0.9
