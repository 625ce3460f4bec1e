"""Psychometric functions: psignifit, an independent maximum, recovery, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from analysis.scaling.psychometric import PsychometricFunctions, psychometric_functions

PSIGNIFIT = json.loads((Path(__file__).parent.parent / "reference" / "psignifit.json").read_text())
LEVELS = np.array([20.0, 50, 80, 110, 140, 170])


def as_trials(rows):
    parts = [pd.DataFrame({"level": x, "response": ["yes"] * int(y) + ["no"] * int(n - y)}) for x, y, n in rows]
    return pd.concat(parts, ignore_index=True)


def drawn(seed, threshold=95.0, width=70.0, guess=0.02, lapse=0.02, trials=60, levels=LEVELS):
    p = guess + (1 - guess - lapse) * norm.cdf(2 * norm.ppf(0.95) * (levels - threshold) / width)
    return as_trials(
        [(x, y, trials) for x, y in zip(levels, np.random.default_rng(seed).binomial(trials, p), strict=True)]
    )


@pytest.mark.parametrize(("name", "guess"), [("ends_of_a_morph", None), ("forced_choice", 0.5)])
def test_it_is_psignifits_with_flat_priors(name, guess):
    expected = PSIGNIFIT[name]
    one = psychometric_functions(as_trials(expected["data"]), guess=guess, resamples=20).participants[0]
    assert one.threshold.value == pytest.approx(expected["threshold"], rel=1e-4)
    assert one.width.value == pytest.approx(expected["width"], rel=1e-4)
    assert one.lapse == pytest.approx(expected["lapse"], abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_optimiser_finds_a_higher_likelihood(seed):
    table = drawn(seed)
    one = psychometric_functions(table, resamples=20).participants[0]

    def minus(values):
        threshold, width, lapse = values
        p = lapse + (1 - 2 * lapse) * norm.cdf(2 * norm.ppf(0.95) * (one.levels - threshold) / width)
        p = np.clip(p, 1e-12, 1 - 1e-12)
        return -np.sum(one.yes * np.log(p) + (one.trials - one.yes) * np.log(1 - p))

    bounds = [(0, 200), (5, 400), (0, 0.1)]
    best = min(minimize(minus, (95, width, 0.02), bounds=bounds).fun for width in (20, 70, 150))
    assert -one.log_likelihood <= best + 1e-6


def test_slope_is_the_derivative_at_the_threshold():
    one = psychometric_functions(drawn(1), resamples=20).participants[0]
    at = one.probability(one.threshold.value + np.array([-1e-4, 1e-4]))
    assert one.slope.value == pytest.approx(np.diff(at)[0] / 2e-4, rel=1e-5)


def test_a_falling_function_has_a_negative_width():
    table = drawn(1)
    rising = psychometric_functions(table, resamples=30).participants[0]
    table["response"] = table["response"].map({"yes": "no", "no": "yes"})
    falling = psychometric_functions(table, resamples=30).participants[0]
    assert falling.width.value == pytest.approx(-rising.width.value, rel=1e-5)
    assert falling.threshold.value == pytest.approx(rising.threshold.value, rel=1e-5)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (as_trials([(1, 0, 20), (2, 0, 20), (3, 20, 20), (4, 20, 20)]), "at once"),
        (as_trials([(1, 10, 20), (2, 9, 20), (3, 11, 20), (4, 10, 20)]), "hardly depend"),
        (as_trials([(1, 20, 20), (2, 20, 20), (3, 20, 20)]), "only one answer"),
        (as_trials([(1, 2, 20), (2, 18, 20)]), "three levels"),
    ],
)
def test_what_has_no_threshold_says_why(table, why):
    found = psychometric_functions(table, resamples=200)
    one = found.participants[0]
    assert why in one.reason
    assert np.isnan(one.threshold.value)
    assert PsychometricFunctions.from_json(found.to_json()) == found


@pytest.mark.parametrize("words", [("right", "left"), ("correct", "wrong"), ("generated", "real"), (1, 0), ("1", "0")])
def test_other_words_mean_the_same(words):
    table = drawn(2)
    expected = psychometric_functions(table, resamples=20)
    said = table["response"].map(dict(zip(("yes", "no"), words, strict=True)))
    assert psychometric_functions(table.assign(response=said), resamples=20) == expected


@pytest.mark.parametrize(
    ("change", "options", "code"),
    [
        ({"response": "maybe"}, {}, "unknown-word"),
        ({"level": "x"}, {}, "not-a-number"),
        ({}, {"guess": 1.0}, "out-of-range"),
        ({}, {"lapse": 0.5}, "out-of-range"),
        ({}, {"resamples": 1}, "out-of-range"),
        ({"role": "practice"}, {}, "nothing-to-analyse"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, options, code, refuses):
    with refuses(code):
        psychometric_functions(drawn(1).assign(**change), **options)


def test_a_missing_column_is_named(refuses):
    with refuses("missing-column"):
        psychometric_functions(drawn(1).rename(columns={"level": "x"}))


@pytest.mark.slow
def test_bounds_cover_and_the_deviance_keeps_its_level():
    """200 functions of 6 levels and 60 trials each: standard error of a coverage of 95% is 1.5%."""
    covered, misfit = [], []
    for seed in range(200):
        one = psychometric_functions(drawn(seed), resamples=100, seed=seed).participants[0]
        covered.append([one.threshold.low <= 95 <= one.threshold.high, one.width.low <= 70 <= one.width.high])
        misfit.append(one.deviance_p < 0.05)
    threshold, width = np.mean(covered, axis=0)
    assert threshold > 0.9
    assert width > 0.88
    assert np.mean(misfit) < 0.1
