"""Targets spread over the loop, and starts away from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from data.circle import wrap
from data.kinds.targets import draw_start, draw_targets


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 200), st.integers(0, 300), st.integers(0, 2**31))
def test_no_stretch_holds_two_targets_more_or_less_than_its_share(frames: int, count: int, seed: int) -> None:
    targets = np.array(draw_targets(frames, count, np.random.default_rng(seed)), dtype=int)
    assert targets.size == count
    assert ((targets >= 0) & (targets < frames)).all()
    hits = np.bincount(targets, minlength=frames)
    around = np.concatenate([[0], np.cumsum(np.tile(hits, 2))])
    for length in {1, frames // 3, frames // 2, frames - 1} - {0}:
        stretches = around[length : length + frames] - around[:frames]
        assert np.abs(stretches - count * length / frames).max() < 2


def test_every_frame_is_as_likely_first_and_last() -> None:
    rng = np.random.default_rng(1)
    draws = np.array([draw_targets(12, 8, rng) for _ in range(3000)])
    assert chisquare(np.bincount(draws[:, 0], minlength=12)).pvalue > 1e-3
    assert chisquare(np.bincount(draws[:, 7], minlength=12)).pvalue > 1e-3


@settings(max_examples=100, deadline=None)
@given(st.integers(3, 200), st.floats(0, 119), st.integers(0, 2**31))
def test_a_start_is_never_nearer_than_it_may_be(frames: int, least: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    positions = [360 * frame / frames for frame in range(frames)]
    target = int(rng.integers(frames))
    away = wrap(positions[draw_start(positions, target, least, rng)] - positions[target])
    assert abs(float(away)) >= least - 1e-6


def test_starts_favour_no_side_and_what_cannot_be_is_told(refuses: Any) -> None:
    rng = np.random.default_rng(2)
    positions = [360 * frame / 15 for frame in range(15)]
    away = wrap([positions[draw_start(positions, 4, 40, rng)] - positions[4] for _ in range(4000)])
    assert set(np.round(np.abs(away)).astype(int)) == {48, 72, 96, 120, 144, 168}
    assert chisquare([(away > 0).sum(), (away < 0).sum()]).pvalue > 1e-3
    with refuses("no-start-frame"):
        draw_start([0.0, 120.0, 240.0], 0, 150, rng)
