"""Shapes on tissue: area, edge, contrast, clipping."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from stimuli.classic.contours import Spectrum, draw_contour
from stimuli.classic.rendering import Look, coverage, paste


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [64, 200])
def test_the_area_is_the_stated_one_at_any_size(seed, size):
    contour = draw_contour(Spectrum(), np.random.default_rng(seed))
    shares = coverage(contour, Look(edge=0.005), size)
    assert shares.mean() == pytest.approx(np.pi * 0.22**2 * (1 + 0.15**2), rel=0.01)


def test_the_edge_of_a_circle_is_a_cumulative_gaussian_of_the_stated_width():
    row = coverage(np.zeros((2, 7)), Look(radius=0.25, edge=0.05), 201)[100]
    distance = 0.25 - np.abs((np.arange(201) + 0.5) / 201 - 0.5)
    assert row == pytest.approx(ndtr(distance / 0.05))


def test_the_contrast_is_added_to_the_tissue(texture):
    tissue = 0.4 + 0.2 * texture(0)
    contour = draw_contour(Spectrum(), np.random.default_rng(0))
    for contrast in (0.1, -0.1):
        image, clipped = paste(tissue, contour, Look(contrast=contrast))
        added = image - tissue
        assert added[24, 24] == pytest.approx(contrast, abs=1e-6)
        assert np.abs(added[0]).max() < 1e-6
        assert clipped == 0


def test_clipped_pixels_are_counted():
    tissue = np.full((40, 40), 0.9, np.float32)
    image, clipped = paste(tissue, np.zeros((2, 7)), Look(contrast=0.5, edge=0.001))
    assert image.max() == 1
    assert clipped == pytest.approx(np.pi * 0.22**2, rel=0.05)


@pytest.mark.parametrize(
    "wrong", [{"radius": 0}, {"radius": 0.35}, {"edge": 0}, {"edge": 0.3}, {"contrast": 0}, {"contrast": 1.2}]
)
def test_impossible_looks_are_refused(wrong, refuses):
    with refuses("out-of-range"):
        Look(**wrong)
