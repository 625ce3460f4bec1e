"""Scores of distances, and the chances that follow from the null distribution."""

import itertools

import numpy as np
import pytest

from gan.leaks.scores import NullScores, chance_of, null_scores, relative_scores


def test_a_score_is_the_smallest_distance_over_the_mean_of_the_next_nearest_fifty():
    distances = np.random.default_rng(0).permuted(np.arange(1.0, 81.0)[None].repeat(3, axis=0), axis=1)
    scores, nearest = relative_scores(distances, np.arange(80))
    assert scores == pytest.approx(1 / np.mean(np.arange(2, 52)))
    np.testing.assert_array_equal(nearest, distances.argmin(axis=1))


def test_patches_of_the_nearest_patchs_patient_are_left_out_of_the_neighbours():
    """Three views of one mass are all close to a copy of it; counted as neighbours, they would hide it."""
    patients = np.array([7, 7, 7, 8, 9, 9])
    distances = np.array([[0.1, 0.12, 0.11, 1.0, 2.0, 3.0], [2.0, 4.0, 3.0, 1.0, 0.3, 0.2]])
    scores, nearest = relative_scores(distances, patients)
    assert nearest.tolist() == [0, 5]
    assert scores == pytest.approx([0.1 / 2.0, 0.2 / 2.5])


def test_the_null_is_of_patches_among_those_of_other_patients():
    patients = np.array([0, 0, 1, 2])
    distances = np.array([[0, 0.01, 4, 5], [0.01, 0, 3, 6], [4, 3, 0, 8], [5, 6, 8, 0]], dtype=float)
    assert null_scores(distances, patients).scores == pytest.approx(sorted([4 / 5, 3 / 6, 3 / 8, 5 / 8]))


def test_the_chance_of_suspects_by_counting_all_orders():
    for count in range(4):
        orders = list(itertools.permutations(range(6)))  # three images, then three training patches
        below = sum(sum(o[i] < min(o[3:]) for i in range(3)) >= count for o in orders)
        assert chance_of(count, 3, 3) == pytest.approx(below / len(orders))


def test_chances_fall_with_the_score_and_meet_where_the_real_scores_end():
    null = NullScores(tuple(np.sort(np.random.default_rng(0).normal(0.8, 0.05, 60))))
    chances = [null.chance(score) for score in np.linspace(0, 1.2, 200)]
    assert (np.diff(chances) >= 0).all()
    assert null.chance(null.smallest * (1 - 1e-9)) == pytest.approx(1 / 31)
    assert null.chance(2.0) == 1
    assert 0 <= chances[0] < 1e-20
