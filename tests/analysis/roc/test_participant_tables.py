"""Count tables of several participants who judge the same images."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from analysis.readings import from_columns
from analysis.roc.participant_tables import tables_of

G, R = "generated", "real"


def test_areas_are_each_participants_own() -> None:
    """People who use the scale differently are not compared with one another; rows in any order."""
    rng = np.random.default_rng(1)
    people, images = np.repeat(["a", "b", "c"], 30), np.tile(np.arange(30), 3)
    truth = np.where(images % 2, G, R)
    ratings = np.round(rng.normal(size=90), 1) + 100 * (people == "b")
    order = rng.permutation(90)
    found = tables_of(from_columns(truth[order], ratings[order], people[order], images[order]))
    expected = {one: roc_auc_score(truth[people == one] == G, ratings[people == one]) for one in "abc"}
    assert sorted(found.areas()) == pytest.approx(sorted(expected.values()))
    assert (found.participants, found.images) == (3, 30)
    assert found.truth_of_image.sum() == 15
    # Ratings are numbered anew for each participant, so tables stay as narrow as one person's scale.
    assert found.categories == max(np.unique(ratings[people == one]).size for one in "abc")


def test_table_by_image_adds_up_to_the_tables() -> None:
    rng = np.random.default_rng(2)
    truth = np.tile([G, R], 10)
    found = tables_of(from_columns(truth, rng.integers(-2, 3, 20), np.repeat([1, 2], 10), np.tile(np.arange(10), 2)))
    real, generated = found.tables()
    by_image = found.by_image()
    np.testing.assert_array_equal((by_image @ found.truth_of_image).reshape(generated.shape), generated)
    np.testing.assert_array_equal((by_image @ ~found.truth_of_image).reshape(real.shape), real)


def test_nobody_has_no_tables() -> None:
    nobody = tables_of(from_columns([], [], [], []))
    assert (nobody.participants, nobody.images, nobody.categories) == (0, 0, 0)


def test_without_images_every_trial_has_its_own() -> None:
    assert tables_of(from_columns([G, R, G, R], [1, 2, 3, 4], [1, 1, 2, 2])).images == 4
