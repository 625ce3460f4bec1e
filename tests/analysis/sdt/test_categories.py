"""Categories of confidence: what they are, and that they look at nothing but confidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.sdt.categories import MOST_LEVELS, categories


def trials(confidence: list[float | None], participant: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"participant": participant, "confidence": pd.Series(confidence, dtype=float)})


@pytest.mark.parametrize("scale", [[1, 2, 3, 4], [2, 4, 4, None], list(range(1, MOST_LEVELS + 1)), [None, None]])
def test_levels_of_a_scale_are_their_own_categories(scale: list[float | None]) -> None:
    found, made = categories(trials(scale))
    np.testing.assert_array_equal(found, pd.Series(scale, dtype=float))
    assert made is None


def test_few_other_values_are_numbered_in_order_for_all_alike() -> None:
    both = pd.concat([trials([0, 0.5, 1]), trials([1, None, 0.5], "b")], ignore_index=True)
    found, made = categories(both)
    np.testing.assert_array_equal(found, [1, 2, 3, 3, np.nan, 2])
    assert made is not None
    assert "3 confidences" in made


def test_a_slider_is_cut_at_each_participants_quartiles() -> None:
    both = pd.concat([trials(list(range(100))), trials([1000 + 3 * n for n in range(40)], "b")], ignore_index=True)
    found, made = categories(both)
    assert [np.sum(found[:100] == level) for level in (1, 2, 3, 4)] == [25] * 4
    assert [np.sum(found[100:] == level) for level in (1, 2, 3, 4)] == [10] * 4
    assert made is not None
    assert "quartiles" in made


@given(st.lists(st.floats(0, 100), min_size=11, max_size=60, unique=True), st.randoms())
def test_order_is_kept_ties_stay_together_and_the_order_of_rows_does_not_matter(values, random) -> None:
    doubled = [*values, *values]
    random.shuffle(doubled)
    found = categories(trials(doubled))[0]
    table = pd.DataFrame({"value": doubled, "category": found})
    assert len(table.drop_duplicates()) == len(values)
    assert table.groupby("value")["category"].first().is_monotonic_increasing
    assert set(found) == {1, 2, 3, 4}
