"""Ratings and labels; what else `data.trials` checks is tested on tables in `test_bids`."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.trials import TRUTHS, check_label, rating


def test_a_label_comes_back() -> None:
    assert check_label("001") == "001"


def test_rating_is_positive_for_generated_whatever_the_truth() -> None:
    np.testing.assert_array_equal(
        rating(["generated", "real", "generated", "real", None, "real", "other"], [4, 4, 1, 1, 2, np.nan, 3]),
        [4, -4, 1, -1, np.nan, np.nan, np.nan],
    )
    assert rating([], []).dtype == np.float64


@given(st.lists(st.tuples(st.sampled_from(TRUTHS), st.integers(1, 9)), min_size=1))
def test_rating_loses_nothing(answers: list[tuple[str, int]]) -> None:
    signed = rating(*zip(*answers, strict=True))
    assert [("generated" if x > 0 else "real", abs(x)) for x in signed] == answers
