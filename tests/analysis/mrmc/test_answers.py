"""Measures at the answer for other participants and images: definitions, special cases, coverage."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm, ttest_1samp, ttest_rel

from analysis.mrmc.answers import AnswerDifference, AnswerMean, mrmc_answers, mrmc_answers_difference, of_answers
from analysis.readings import from_matrix
from analysis.sdt.yesno import dprime_from_responses
from data.errors import LookalikeError

TRUTH = np.tile(["real", "generated"], 20)
ALL: tuple[Any, ...] = ("dprime", "criterion", "sensitivity", "specificity")


@pytest.mark.parametrize("measure", ALL)
def test_the_value_is_the_mean_of_the_participants(measure: Any) -> None:
    trials = _study(seed=1)
    each = [dprime_from_responses(own["truth"], own["response"]) for _, own in trials.groupby("participant")]
    values = {
        "dprime": [one.dprime for one in each],
        "criterion": [one.criterion for one in each],
        "sensitivity": [one.hit_rate for one in each],
        "specificity": [1 - one.false_alarm_rate for one in each],
    }[str(measure)]
    assert mrmc_answers(trials, measure).value == pytest.approx(np.mean(values), abs=1e-12)


def test_of_one_participant_it_is_gourevitch_and_galanters_standard_error() -> None:
    one = _study(seed=2, readers=1)
    expected = dprime_from_responses(one["truth"], one["response"])
    assert mrmc_answers(one, readers="fixed").se == pytest.approx(expected.se, abs=1e-12)
    assert mrmc_answers(one, "criterion", readers="fixed").se == pytest.approx(expected.criterion_se, abs=1e-12)
    hits = (one.loc[one["truth"] == "generated", "response"] == "generated").astype(float)
    rate = mrmc_answers(one, "sensitivity", readers="fixed")
    assert rate.se == pytest.approx(np.std(hits, ddof=1) / math.sqrt(hits.size), abs=1e-12)
    assert "one participant" in str(mrmc_answers(one).reason)


def test_covariances_of_rates_are_right_on_average_over_every_sample_of_images() -> None:
    """Three images drawn from a population of four, all 64 draws: the expected estimate is the covariance of rates."""
    population = np.array([[1, 1, 0, 1], [1, 0, 0, 1]])
    draws = [np.array(one) for one in itertools.product(range(4), repeat=3)]
    truth, found, rates = ["generated"] * 3 + ["real"] * 2, [], []
    for drawn in draws:
        said = np.where(population[:, drawn] == 1, 1.0, -1.0)
        study = from_matrix(truth, np.hstack([said, [[1.0, -1.0]] * 2]))
        found.append(of_answers(study, "sensitivity").covariance)
        rates.append(population[:, drawn].mean(axis=1))
    assert np.mean(found, axis=0) == pytest.approx(np.cov(np.transpose(rates), bias=True), abs=1e-12)


def test_without_shared_images_it_is_a_t_test() -> None:
    trials = _study(seed=3, spread=1.0)
    trials["stimulus_id"] = trials["participant"] + trials["stimulus_id"].astype(str)
    values = [dprime_from_responses(own["truth"], own["response"]).dprime for _, own in trials.groupby("participant")]
    found, expected = mrmc_answers(trials), ttest_1samp(values, 0)
    assert (found.design, found.df) == ("split-plot", 5)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert mrmc_answers(_study(seed=3), images="fixed").df == 5


def test_a_difference_with_images_fixed_is_a_paired_t_test() -> None:
    first, second = _study(seed=4, dprime=1.5), _study(seed=5, dprime=0.5)
    both = pd.concat([first.assign(modality="a"), second.assign(modality="b")])
    found = mrmc_answers_difference(both, "specificity", images="fixed")
    a, b = (
        [float((own.loc[own["truth"] == "real", "response"] == "real").mean()) for _, own in one.groupby("participant")]
        for one in (first, second)
    )
    assert found.p == pytest.approx(ttest_rel(a, b).pvalue)
    assert found.difference == pytest.approx(np.mean(a) - np.mean(b), abs=1e-12)
    assert found.first.value == pytest.approx(np.mean(a), abs=1e-12)
    groups = pd.concat(
        [first.assign(modality="a"), second.assign(modality="b", participant=second["participant"] + "x")]
    )
    assert not mrmc_answers_difference(groups).same_participants


def test_no_interval_where_a_value_is_the_corrections() -> None:
    trials = _study(seed=6)
    mine = trials["participant"] == "p0"
    trials.loc[mine, "response"] = trials.loc[mine, "truth"]
    found = mrmc_answers(trials)
    assert math.isnan(found.se)
    assert "correction" in str(found.reason)
    assert mrmc_answers(trials, "sensitivity").se > 0  # a rate is what it is


@pytest.mark.parametrize(("each", "most"), [(25, 0.0205), (50, 0.0105)])
def test_the_correction_pulls_dprime_towards_0_by_little(each: int, most: float) -> None:
    """The exact expectation of d′ of an unbiased observer."""
    counts = np.arange(each + 1)
    z = norm.ppf((counts + 0.5) / (each + 1))
    for dprime in (0.3, 1.0, 2.0):
        expected = 2 * float(np.sum(binom.pmf(counts, each, norm.cdf(dprime / 2)) * z))
        assert -1e-3 < dprime - expected < most


def test_unanswered_trials_are_counted_and_a_table_of_ratings_gives_the_same() -> None:
    trials = _study(seed=7)
    trials.loc[[3, 50], "response"] = None
    found = mrmc_answers(trials)
    assert found.unrated == 2
    rated = trials.assign(rating=np.where(trials["response"] == "generated", 3.0, -2.0)).drop(columns="response")
    rated.loc[[3, 50], "rating"] = np.nan
    assert mrmc_answers(rated) == found


def test_refuses_an_unknown_measure_and_stores_what_it_found() -> None:
    with pytest.raises(LookalikeError) as caught:
        mrmc_answers(_study(seed=8), "bias")  # type: ignore[arg-type]
    assert caught.value.code == "unknown-choice"
    found = mrmc_answers(_study(seed=8), delta=0.3)
    assert AnswerMean.from_json(found.to_json()) == found
    both = pd.concat([_study(seed=8).assign(modality=name) for name in "ab"])
    difference = mrmc_answers_difference(both.assign(response=_study(seed=9)["response"].to_numpy().tolist() * 2))
    assert AnswerDifference.from_json(difference.to_json()) == difference


@pytest.mark.slow
@pytest.mark.parametrize(("readers", "images", "dprime"), [(6, 100, 0.0), (10, 100, 1.0), (3, 60, 1.0)])
def test_the_interval_of_dprime_covers(readers: int, images: int, dprime: float) -> None:
    """600 studies (SE .009): images as hard for everyone with SD .5 of 1, d′ with SD .3 between participants."""
    inside = []
    for seed in range(600):
        trials = _study(seed, readers=readers, images=images, dprime=dprime, spread=0.3, image_sd=0.5)
        found = mrmc_answers(trials, level=0.95)
        inside.append(found.low <= dprime <= found.high)
    assert np.mean(inside) > 0.925
    assert readers < 5 or np.mean(inside) < 0.98  # few participants have wider intervals


@pytest.mark.slow
def test_the_intervals_of_a_rate_and_of_a_difference_cover() -> None:
    """400 studies (SE .011) of two generators beside the same real images, alike in sensitivity."""
    covered, equal = [], []
    true = float(norm.cdf(0.5 / math.hypot(1, 0.15)))  # half of a d′ of 1 with SD .3
    for seed in range(400):
        a = _study(seed, images=60, dprime=1.0, spread=0.3, image_sd=0.5)
        b = _study(seed, images=60, dprime=1.0, spread=0.3, image_sd=0.5, again=1)
        generated = b["truth"] == "generated"
        b.loc[generated, "stimulus_id"] += 1000
        b.loc[~generated, "response"] = a.loc[~generated, "response"]
        found = mrmc_answers_difference(pd.concat([a.assign(modality="a"), b.assign(modality="b")]), "sensitivity")
        equal.append(found.p < 0.05)
        covered.append(found.first.low <= true <= found.first.high)
    assert np.mean(equal) < 0.085
    assert np.mean(covered) > 0.9


def _study(
    seed: int,
    readers: int = 6,
    images: int = 40,
    dprime: float = 1.0,
    spread: float = 0.3,
    image_sd: float = 0.0,
    again: int = 0,
) -> pd.DataFrame:
    """Answers of participants whose criterion lies half-way, to images alternately real and generated.

    `again` draws other generated images for the same participants.
    """
    rng = np.random.default_rng([seed, 0])
    skill = dprime + spread * rng.normal(size=(readers, 1))
    rng = np.random.default_rng([seed, 1 + again])
    signal = np.arange(images) % 2 == 1
    image = image_sd * rng.normal(size=images)
    noise = math.sqrt(1 - image_sd**2) * rng.normal(size=(readers, images))
    said = skill * (signal - 0.5) + image + noise > 0
    return pd.DataFrame(
        {
            "participant": np.repeat([f"p{one}" for one in range(readers)], images),
            "stimulus_id": np.tile(np.arange(images), readers),
            "truth": np.tile(np.where(signal, "generated", "real"), readers),
            "response": np.where(said.ravel(), "generated", "real"),
        }
    )
