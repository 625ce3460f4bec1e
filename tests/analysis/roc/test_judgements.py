"""Judgements of several participants: what is checked, left out and numbered."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from analysis.roc import judgements
from data.errors import LookalikeError

G, R = "generated", "real"


def test_areas_are_each_participants_own() -> None:
    """People who use the scale differently are not compared with one another; rows in any order."""
    rng = np.random.default_rng(1)
    people, images = np.repeat(["a", "b", "c"], 30), np.tile(np.arange(30), 3)
    truth = np.where(images % 2, G, R)
    ratings = np.round(rng.normal(size=90), 1) + 100 * (people == "b")
    order = rng.permutation(90)
    found = judgements.read(truth[order], ratings[order], people[order], images[order])
    expected = {one: roc_auc_score(truth[people == one] == G, ratings[people == one]) for one in "abc"}
    assert sorted(found.areas()) == pytest.approx(sorted(expected.values()))
    assert (found.participants, found.images, found.left_out, found.unrated) == (3, 30, 0, 0)
    assert found.truth_of_image.sum() == 15
    # Ratings are numbered anew for each participant, so tables stay as narrow as one person's scale.
    assert found.categories == max(np.unique(ratings[people == one]).size for one in "abc")


def test_table_by_image_adds_up_to_the_tables() -> None:
    rng = np.random.default_rng(2)
    truth = np.tile([G, R], 10)
    found = judgements.read(truth, rng.integers(-2, 3, 20), np.repeat([1, 2], 10), np.tile(np.arange(10), 2))
    real, generated = found.tables()
    by_image = found.by_image()
    np.testing.assert_array_equal((by_image @ found.truth_of_image).reshape(generated.shape), generated)
    np.testing.assert_array_equal((by_image @ ~found.truth_of_image).reshape(real.shape), real)


def test_who_lacks_a_class_is_left_out_and_counted() -> None:
    truth = [G, R, G, G, R, G]
    found = judgements.read(truth, [1, 2, 3, 4, np.nan, 5], list("aabbbb"), [1, 2, 1, 3, 2, 4])
    assert (found.participants, found.left_out, found.unrated, found.images) == (1, 1, 1, 2)
    nobody = judgements.read([], [], [], [])
    assert (nobody.participants, nobody.images, nobody.left_out) == (0, 0, 0)


def test_without_images_every_trial_has_its_own() -> None:
    found = judgements.read([G, R, G, R], [1, 2, 3, 4], [1, 1, 2, 2], None)
    assert found.images == 4


@pytest.mark.parametrize(
    ("people", "images", "truth", "named"),
    [
        (list("aab"), [7, 7, 7], [G, G, G], "image 7 is judged twice by one participant, in rows 0 and 1"),
        (list("aba"), [7, 8, 9], [G, R], "2 truths and 3 ratings"),
        (list("ab"), [7, 8, 9], [G, R, G], "3 truths and 2 participants"),
        (list("aba"), [7, 8], [G, R, G], "3 truths and 2 images"),
        (["a", None, "a"], [7, 8, 9], [G, R, G], "participant is missing in row 1"),
        (list("aba"), [7, 8, np.nan], [G, R, G], "image is missing in row 2"),
        (
            list("aab"),
            ["x", "y", "x"],
            [G, R, R],
            "image 'x' is real in one row .* rows 0 and 2",
        ),
    ],
)
def test_faults_name_the_rows(people: list[str], images: list[object], truth: list[str], named: str) -> None:
    with pytest.raises(LookalikeError, match=named):
        judgements.read(truth, [1, 2, 3], people, images)
