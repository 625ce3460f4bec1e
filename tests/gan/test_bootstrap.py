"""Resampling: what is drawn, and whether intervals hold the truth as often as they should."""

import numpy as np
import pytest
import torch

from data.results.result import Estimate
from gan.bootstrap import (
    bootstrap_weights,
    estimate,
    group_numbers,
    mean_over_groups,
    one_thread,
    random_split,
    spread,
    with_interval,
)
from gan.evaluation.metrics.fid import fid
from gan.evaluation.metrics.kid import kernel_pairs, kid
from gan.evaluation.metrics.precision_recall import distance_pairs, precision_recall


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


def test_whole_groups_are_drawn_as_many_as_there_are():
    groups = np.array([0, 0, 1, 2, 2, 2, 7])
    seen = set()
    for seed in range(2000):
        weights = bootstrap_weights(groups, np.random.default_rng(seed)).numpy()
        assert weights[0] == weights[1]
        assert weights[3] == weights[4] == weights[5]
        assert weights[0] + weights[2] + weights[3] + weights[6] == 4
        seen.add(tuple(weights))
    assert len(seen) == 35  # all ways of drawing four of four with replacement


def test_equal_names_share_a_number():
    assert group_numbers(["b", "a", "b", "c"]).tolist() == [1, 0, 1, 2]


def test_the_interval_is_the_spread_of_the_draws_moved_to_the_value_and_kept_in_bounds():
    draws = np.linspace(4, 6, 201)
    assert with_interval(estimate(1.0, draws)) == {
        "value": 1.0,
        "low": pytest.approx(0.05),
        "high": pytest.approx(1.95),
    }
    assert estimate(0.9, draws, (0, 1)) == Estimate(0.9, low=0.0, high=1.0)


def test_the_interval_of_a_mean_is_as_wide_as_that_of_its_groups():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    values = rng.normal(size=40)[groups] + 3  # alike within a group, so that five images say no more than one
    found = mean_over_groups(values, groups)
    assert found.value == pytest.approx(values.mean())
    half = 1.96 * values[::5].std() / np.sqrt(40)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)
    alone = mean_over_groups(values[:5], groups[:5])
    assert alone.value == pytest.approx(values[0])
    assert np.isnan(alone.low)


def test_a_random_split_makes_two_sets_that_share_no_group():
    groups = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6])
    for seed in range(100):
        one, two = random_split(groups, 4, np.random.default_rng(seed))
        assert len(set(one.tolist())) == len(set(two.tolist())) == 4
        assert not set(groups[one]) & set(groups[two])
    with pytest.raises(ValueError, match="12 images of 7 groups cannot make two sets of 6"):
        [random_split(groups, 6, np.random.default_rng(seed)) for seed in range(20)]


def test_all_groups_are_equally_often_in_each_set():
    groups = np.repeat(np.arange(6), 2)
    splits = [random_split(groups, 4, np.random.default_rng(seed)) for seed in range(900)]
    for side in zip(*splits, strict=True):
        counts = np.bincount(groups[np.concatenate(side)])
        np.testing.assert_allclose(counts, 900 * 4 / 6, rtol=0.15)


def test_the_spread_of_independent_values():
    assert spread(np.linspace(0, 1, 201)) == Estimate(0.5, low=0.025, high=0.975)


def bernoulli_trial(rng, p, q, patients=25, images=40):
    """KID of one feature that is 0 or 1: the truth is 7 (p − q)², for the kernel is 8 for two ones, else 1.

    Every patient has two images, nearly always equal.
    """
    groups = np.repeat(np.arange(patients), 2)
    real = np.repeat(rng.random(patients) < p, 2).astype(float)[:, None]
    fake = (rng.random(images) < q).astype(float)[:, None]
    return torch.from_numpy(real), torch.from_numpy(fake), groups, np.arange(images)


@pytest.mark.slow
def test_kid_is_unbiased_where_patients_have_several_images_and_would_not_be_without_groups():
    rng = np.random.default_rng(0)
    trials = [bernoulli_trial(rng, 0.5, 0.5, patients=10) for _ in range(800)]
    grouped = np.array([kid(*trial) for trial in trials])
    single = np.array([kid(real, fake) for real, fake, _, _ in trials])
    error = grouped.std() / len(trials) ** 0.5
    assert abs(grouped.mean()) < 4 * error
    assert single.mean() > 6 * error


@pytest.mark.slow
def test_the_interval_of_kid_holds_the_truth_in_about_95_of_100_studies():
    rng = np.random.default_rng(1)
    truth, held, alone = 7 * 0.3**2, 0, 0
    for _ in range(100):
        real, fake, patients, images = bernoulli_trial(rng, 0.7, 0.4)
        pairs = kernel_pairs(real, fake, patients, images)
        value = pairs.kid(torch.ones(50).double(), torch.ones(40).double())
        for groups in (patients, np.arange(50)):
            draws = [pairs.kid(bootstrap_weights(groups, rng), bootstrap_weights(images, rng)) for _ in range(40)]
            found = estimate(value, draws)
            inside = found.low <= truth <= found.high
            held, alone = (held + inside, alone) if groups is patients else (held, alone + inside)
    assert 0.88 <= held / 100 <= 1
    assert alone < held - 3  # images drawn one by one hide that a patient's are alike


@pytest.mark.slow
def test_intervals_of_fid_precision_and_recall_hold_their_values_at_this_number_of_images():
    def once(rng):
        return torch.from_numpy(rng.normal(0, 1, (50, 4))), torch.from_numpy(rng.normal(0.3, 0.9, (50, 4)))

    def measure(sets, weights):
        near = distance_pairs(*sets).precision_recall(*weights)
        return fid(*sets, *weights), near.precision, near.recall

    rng = np.random.default_rng(2)
    expected = []
    for _ in range(150):
        real, fake = once(rng)
        near = precision_recall(real, fake)
        expected.append((fid(real, fake), near.precision, near.recall))
    truth, held = np.mean(expected, axis=0), np.zeros(3)
    for _ in range(40):
        sets = once(rng)
        whole = measure(sets, (torch.ones(50).double(), torch.ones(50).double()))
        weights = [(bootstrap_weights(np.arange(50), rng), bootstrap_weights(np.arange(50), rng)) for _ in range(40)]
        found = [
            estimate(*each) for each in zip(whole, zip(*(measure(sets, w) for w in weights), strict=True), strict=True)
        ]
        held += [one.low <= value <= one.high for one, value in zip(found, truth, strict=True)]
    assert (held / 40 >= 0.85).all(), held / 40


def test_one_thread_gives_back_what_it_took():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
