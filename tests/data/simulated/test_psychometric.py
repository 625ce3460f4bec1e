"""The psychometric function of telling known fakes, and the posterior of its parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from questplus import QuestPlus
from scipy.stats import norm

from data.simulated.psychometric import CHANCE, LAPSES, SPREADS, posterior, probability_correct, thresholds

LEVELS = [0.01, 0.02, 0.04, 0.08]


def test_the_function_is_what_its_formula_says() -> None:
    assert probability_correct(0.03, 0.03, 0.2, 0.0) == pytest.approx(0.75)
    assert probability_correct(1e-9, 0.03, 0.2, 0.04) == pytest.approx(0.5)
    assert probability_correct(1e9, 0.03, 0.2, 0.04) == pytest.approx(0.96)
    one_spread_up = 0.03 * 10**0.2
    assert probability_correct(one_spread_up, 0.03, 0.2, 0.0) == pytest.approx(0.5 + 0.5 * norm.cdf(1))


def test_the_posterior_is_that_of_questplus() -> None:
    """An implementation by others, trial by trial, where ours counts trials of one level together."""
    rng = np.random.default_rng(5)
    shown = rng.choice(LEVELS, 40).tolist()
    correct = [bool(rng.random() < 0.5 + 0.45 * (level > 0.03)) for level in shown]
    theirs = QuestPlus(
        stim_domain={"intensity": np.log10(LEVELS)},
        param_domain={
            "mean": np.log10(thresholds(LEVELS)),
            "sd": SPREADS,
            "lower_asymptote": [CHANCE],
            "lapse_rate": LAPSES,
        },
        outcome_domain={"response": ["correct", "wrong"]},
        func="norm_cdf",
        stim_scale="linear",
    )
    for level, right in zip(shown, correct, strict=True):
        theirs.update(stim={"intensity": np.log10(level)}, outcome={"response": "correct" if right else "wrong"})
    ours = posterior(LEVELS, shown, correct)
    marginal = theirs.marginal_posterior
    assert np.log10(ours.threshold.mean) == pytest.approx(theirs.param_estimate["mean"], abs=1e-4)
    assert ours.lapse.mean == pytest.approx(theirs.param_estimate["lapse_rate"], abs=1e-6)
    assert ours.threshold.mode == pytest.approx(thresholds(LEVELS)[marginal["mean"].argmax()], abs=1e-6)
    assert ours.spread.mode == pytest.approx(SPREADS[marginal["sd"].argmax()], abs=1e-6)
    below = float(np.interp(np.log10(ours.threshold.low), np.log10(thresholds(LEVELS)), np.cumsum(marginal["mean"])))
    assert below == pytest.approx(0.025, abs=0.03)  # a grid point's weight is at most this


@given(st.permutations(range(12)), st.integers(0, 2**12 - 1))
def test_the_order_of_answers_does_not_matter(order: list[int], bits: int) -> None:
    shown = [LEVELS[number % 4] for number in range(12)]
    correct = [bool(bits >> number & 1) for number in range(12)]
    again = posterior(LEVELS, [shown[n] for n in order], [correct[n] for n in order])
    assert again == posterior(LEVELS, shown, correct)


@given(st.lists(st.sampled_from(LEVELS), min_size=4, max_size=20))
def test_correct_answers_mean_a_lower_threshold_than_wrong_ones(shown: list[float]) -> None:
    right, wrong = (posterior(LEVELS, shown, [answer] * len(shown)).threshold for answer in (True, False))
    assert right.mean < wrong.mean


def test_without_an_answer_the_prior_is_returned() -> None:
    found = posterior(LEVELS, [], [])
    assert found.threshold.mean == pytest.approx(np.sqrt(0.01 * 0.08), rel=1e-4)
    assert found.lapse.mean == pytest.approx(LAPSES.mean())
    assert found.threshold.low < 0.01 < 0.08 < found.threshold.high


def test_intervals_hold_the_true_threshold_as_often_as_they_say() -> None:
    """Constant stimuli, 80 trials: of 60 observers drawn from the prior, at least 51 are held (p < .001 otherwise)."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        threshold = 10 ** rng.uniform(np.log10(thresholds(LEVELS)[0]), np.log10(thresholds(LEVELS)[-1]))
        spread, lapse = rng.choice(SPREADS), rng.choice(LAPSES)
        shown = np.tile(LEVELS, 20)
        correct = rng.random(80) < probability_correct(shown, threshold, spread, lapse)
        found = posterior(LEVELS, shown.tolist(), correct.tolist()).threshold
        held += found.low <= threshold <= found.high
    assert held >= 51
