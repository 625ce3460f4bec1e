"""Count tables of ratings."""

import numpy as np
import pytest

from analysis.roc.ratings import count_ratings


def test_counts_by_hand():
    found = count_ratings(["real", "real", "generated", "generated", "real"], [-2, 1, 1, 3, np.nan])
    np.testing.assert_array_equal(found.ratings, [-2, 1, 3])
    np.testing.assert_array_equal(found.real, [1, 1, 0])
    np.testing.assert_array_equal(found.generated, [0, 1, 1])
    assert found.unrated == 1


def test_counts_become_plain_values_and_no_row_of_arrays():
    found = count_ratings(["real", "generated"], [1, 2])
    assert found.to_dict() == {"ratings": [1.0, 2.0], "real": [1, 0], "generated": [0, 1], "unrated": 0}
    assert list(found.to_frame().columns) == ["unrated"]


@pytest.mark.parametrize(
    ("truth", "rating", "code", "fact"),
    [
        (["fake"], [1], "unknown-word", "fake"),
        (["real"], [1, 2], "unequal-lengths", "1 truths and 2 ratings"),
        (["real", "real"], [1, np.inf], "not-a-number", "rating 1"),
    ],
)
def test_impossible_ratings_are_refused(truth, rating, code, fact, refuses):
    with refuses(code) as caught:
        count_ratings(truth, rating)
    assert fact in str(caught.value)
