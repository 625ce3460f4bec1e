"""Squares lie inside the region, do not touch, and go wherever they fit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stimuli.normal.places import places


@settings(max_examples=100)
@given(
    seed=st.integers(0, 10**6),
    share=st.floats(0, 0.2),
    sides=st.lists(st.floats(0.5, 60, allow_nan=False), max_size=6),
)
def test_squares_lie_in_the_region_and_do_not_touch(seed: int, share: float, sides: list[float]) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.random((6, 5)) >= share
    region = np.kron(coarse, np.ones((10, 10))).astype(bool)
    before = region.copy()
    taken = np.zeros(region.shape, int)
    for side, spot in zip(sides, places(region, sides, rng), strict=True):
        if spot is None:
            continue
        left, top = spot
        size = int(np.ceil(side))
        assert region[top : top + size, left : left + size].shape == (size, size)
        assert region[top : top + size, left : left + size].all()
        taken[top : top + size, left : left + size] += 1
    assert taken.max() <= 1
    np.testing.assert_array_equal(region, before)


def test_the_only_place_is_found_and_a_square_that_is_too_large_is_not_placed() -> None:
    region = np.zeros((30, 40), bool)
    region[7:17, 11:21] = True
    assert places(region, [10, 11], np.random.default_rng(0)) == [(11, 7), None]


def test_every_place_is_as_likely_as_any_other() -> None:
    region = np.ones((12, 12), bool)
    drawn = [places(region, [10], np.random.default_rng(seed))[0] for seed in range(900)]
    counts = np.unique(np.array(drawn), axis=0, return_counts=True)[1]
    assert len(counts) == 9
    assert (np.abs(counts - 100) < 4 * np.sqrt(100 * 8 / 9)).all()  # four standard deviations
