"""Count tables of ratings."""

import numpy as np
import pytest

from analysis.roc.ratings import count
from data.errors import LookalikeError


def test_counts_by_hand():
    found = count(["real", "real", "generated", "generated", "real"], [-2, 1, 1, 3, np.nan])
    np.testing.assert_array_equal(found.ratings, [-2, 1, 3])
    np.testing.assert_array_equal(found.real, [1, 1, 0])
    np.testing.assert_array_equal(found.generated, [0, 1, 1])
    assert found.unrated == 1


def test_counts_become_plain_values_and_no_row_of_arrays():
    found = count(["real", "generated"], [1, 2])
    assert found.to_dict() == {"ratings": [1.0, 2.0], "real": [1, 0], "generated": [0, 1], "unrated": 0}
    assert list(found.to_frame().columns) == ["unrated"]


@pytest.mark.parametrize(
    ("truth", "rating", "words"),
    [
        (["fake"], [1], "fake"),
        (["real"], [1, 2], "1 truths and 2 ratings"),
        (["real", "real"], [1, np.inf], "rating 1 .* infinite"),
    ],
)
def test_what_is_no_rating_is_refused(truth, rating, words):
    with pytest.raises(LookalikeError, match=words):
        count(truth, rating)
