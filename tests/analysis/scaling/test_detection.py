"""Thresholds of known fakes: of participants, of the group, and what withholds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from analysis.scaling.detection import detection_thresholds
from analysis.scaling.psychometric import psychometric_functions
from data.simulated.psychometric import posterior, probability_correct

LEVELS = (0.01, 0.02, 0.04, 0.08, 0.16)


def answers(*thresholds: float, each: int = 40, spread: float = 0.15, seed: int = 1) -> pd.DataFrame:
    """Participants with these thresholds, `each` trials at every level."""
    rng, parts = np.random.default_rng(seed), []
    for number, threshold in enumerate(thresholds, start=1):
        level = np.tile(LEVELS, each)
        correct = rng.random(level.size) < probability_correct(level, threshold, spread, 0.02)
        truth = rng.choice(["left", "right"], level.size)
        other = np.where(truth == "left", "right", "left")
        response = np.where(correct, truth, other)
        parts.append(pd.DataFrame({"participant": f"p{number}", "level": level, "truth": truth, "response": response}))
    return pd.concat(parts, ignore_index=True)


def test_thresholds_are_recovered_by_both_estimates() -> None:
    true = (0.02, 0.04, 0.07)
    found = detection_thresholds(answers(*true, each=150), resamples=50)
    assert found.n == 3
    for one, threshold in zip(found.participants, true, strict=True):
        assert one.threshold.value == pytest.approx(threshold, rel=0.2)
        assert one.threshold.low < threshold < one.threshold.high
        assert one.fitted.value == pytest.approx(one.threshold.value, rel=0.1)
        assert one.reason is None


def test_a_participant_has_the_posterior_and_the_fit_of_their_answers() -> None:
    table = answers(0.03)
    (one,) = detection_thresholds(table, resamples=20, seed=4).participants
    correct = (table["truth"] == table["response"]).tolist()
    belief = posterior(LEVELS, table["level"].tolist(), correct)
    assert (one.threshold.value, one.spread.low, one.lapse.high) == (
        belief.threshold.mean,
        belief.spread.low,
        belief.lapse.high,
    )
    assert one.correct == pytest.approx(np.mean(correct))
    said = pd.DataFrame({"level": np.log10(table["level"]), "response": np.where(correct, "yes", "no")})
    fit = psychometric_functions(said, guess=0.5, resamples=20, seed=4).participants[0]
    assert np.log10(one.fitted.value) == pytest.approx(fit.threshold.value)


def test_the_mean_is_geometric_with_a_t_interval_of_the_logarithms() -> None:
    found = detection_thresholds(answers(0.02, 0.03, 0.04, 0.06), resamples=20)
    logs = np.log([one.threshold.value for one in found.participants])
    half = t.ppf(0.975, 3) * logs.std(ddof=1) / 2
    assert found.mean.value == pytest.approx(np.exp(logs.mean()))
    assert (found.mean.low, found.mean.high) == pytest.approx(tuple(np.exp([logs.mean() - half, logs.mean() + half])))


@pytest.mark.parametrize(("threshold", "words"), [(0.002, "below the lowest level"), (1.5, "above the highest level")])
def test_a_threshold_outside_the_levels_is_only_a_bound(threshold: float, words: str) -> None:
    found = detection_thresholds(answers(threshold), resamples=20)
    assert found.bounded == 1
    assert words in str(found.participants[0].reason)


def test_missing_answers_are_counted_and_left_out() -> None:
    table = answers(0.03)
    whole = detection_thresholds(table[5:], resamples=20).participants[0]
    table.loc[:4, "response"] = None
    some = detection_thresholds(table, resamples=20).participants[0]
    assert (some.unanswered, some.trials) == (5, 195)
    assert some.threshold == whole.threshold


def test_too_little_is_refused(refuses: Any) -> None:
    table = answers(0.03)
    with refuses("nothing-to-analyse"):
        detection_thresholds(table.assign(response=None))
    with refuses("nothing-to-analyse"):
        detection_thresholds(table[table["level"] < 0.03])
