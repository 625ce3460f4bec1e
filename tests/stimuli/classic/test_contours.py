"""Random contours: their spectrum, size and irregularity, and even steps around a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stimuli.classic.contours import (
    Spectrum,
    contour_loop,
    difference,
    draw_anchors,
    draw_contour,
    relative_radius,
)

ANGLE = np.linspace(0, 2 * np.pi, 4096, endpoint=False)
SEEDS = st.integers(0, 2**32 - 1)


def radius(contour):
    return relative_radius(contour, ANGLE)[0]


@given(SEEDS)
def test_every_contour_has_the_stated_irregularity_and_never_crosses_itself(seed):
    spectrum = Spectrum(irregularity=0.2, highest=10)
    drawn = radius(draw_contour(spectrum, np.random.default_rng(seed)))
    assert drawn.mean() == pytest.approx(1)
    assert drawn.std() == pytest.approx(0.2)
    assert 0 < drawn.min() < drawn.max() < spectrum.reach


def test_amplitudes_fall_as_the_stated_power_of_frequency():
    spectrum, rng = Spectrum(slope=2.0), np.random.default_rng(0)
    amplitudes = np.array([np.abs(np.fft.rfft(radius(draw_contour(spectrum, rng)))[2:9]) for _ in range(2000)])
    # The ratio of two magnitudes of one distribution has median 1, whatever contours are scaled to.
    ratios = np.median(amplitudes / amplitudes[:, :1], axis=0)
    assert ratios == pytest.approx((np.arange(2, 9) / 2) ** -2.0, rel=0.08)


def test_nothing_is_shifted_and_nothing_is_beyond_the_highest_frequency():
    shares = np.abs(np.fft.rfft(radius(draw_contour(Spectrum(highest=5), np.random.default_rng(0)))))
    assert shares[1] < 1e-9
    assert shares[6:].max() < 1e-9
    assert shares[2:6].min() > 1e-6


@given(SEEDS, st.integers(6, 40))
def test_steps_of_a_loop_are_even_and_shapes_keep_their_area(seed, frames):
    loop = contour_loop(draw_anchors(Spectrum(), np.random.default_rng(seed)), frames)
    radii = np.array([radius(contour) for contour in loop])
    steps = np.sqrt(((radii - np.roll(radii, -1, axis=0)) ** 2).mean(axis=1))
    assert np.ptp(steps) < 1e-9
    assert difference(loop, np.roll(loop, -1, axis=0)) == pytest.approx(steps)
    area = (radii**2).mean(axis=1) / 2 * 2 * np.pi
    assert area == pytest.approx(np.pi * (1 + 0.15**2))


@given(SEEDS)
def test_a_loop_passes_through_its_three_anchors_which_all_differ_alike(seed):
    anchors = draw_anchors(Spectrum(), np.random.default_rng(seed))
    assert contour_loop(anchors, 9)[[0, 3, 6]] == pytest.approx(anchors)
    apart = [difference(anchors[one], anchors[other]) for one, other in ((0, 1), (1, 2), (2, 0))]
    assert apart == pytest.approx([0.15 * np.sqrt(2)] * 3)


def test_the_derivative_is_that_of_the_radius():
    contour = draw_contour(Spectrum(), np.random.default_rng(3))
    found, slope = relative_radius(contour, ANGLE)
    assert slope == pytest.approx(np.gradient(found, ANGLE[1]), abs=1e-2)


@pytest.mark.parametrize(
    "wrong", [{"irregularity": 0}, {"irregularity": 0.3}, {"highest": 3}, {"highest": 65}, {"slope": float("nan")}]
)
def test_impossible_spectra_are_refused(wrong, refuses):
    with refuses("out-of-range"):
        Spectrum(**wrong)
