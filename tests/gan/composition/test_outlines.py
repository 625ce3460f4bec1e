"""Outlines from a box or a click."""

import numpy as np
import pytest

from gan.composition.outlines import ellipse, region_at


@pytest.mark.parametrize("box", [(10, 14, 30, 20), (0, 0, 64, 64), (20.5, 8.25, 12, 40)])
def test_an_ellipse_fills_pi_quarters_of_its_box_and_stays_in_it(box):
    mask = ellipse(box, 64)
    left, top, width, height = box
    assert mask.sum() == pytest.approx(np.pi / 4 * width * height, rel=0.02)
    rows, columns = np.nonzero(mask >= 0.5)
    assert columns.min() + 0.5 == pytest.approx(left, abs=1)
    assert columns.max() + 0.5 == pytest.approx(left + width, abs=1)
    assert rows.min() + 0.5 == pytest.approx(top, abs=1)
    assert rows.max() + 0.5 == pytest.approx(top + height, abs=1)
    assert 0 < ((mask > 0) & (mask < 1)).mean() < 0.15


def test_boxes_that_cannot_be_are_refused(refuses):
    for box in ((1, 1, 0, 5), (1, 1, 5, -2), (60, 1, 10, 5), (-1, 1, 5, 5), (1, 1, float("nan"), 5)):
        with refuses("bad-box"):
            ellipse(box, 64)


@pytest.mark.parametrize(("row", "column"), [(30, 34), (26, 30), (34, 40)])
def test_a_click_anywhere_in_a_lesion_finds_it(row, column, disc):
    wanted = disc(30, 34, 13, 64)
    noise = 0.02 * np.random.default_rng(0).standard_normal((64, 64))
    found = region_at((0.3 + 0.3 * wanted + noise).astype(np.float32), row, column) >= 0.5
    inside = wanted >= 0.5
    assert 2 * (found & inside).sum() / (found.sum() + inside.sum()) > 0.95


def test_a_flat_image_has_no_region(refuses):
    with refuses("flat-image"):
        region_at(np.full((64, 64), 0.5, np.float32), 32, 32)


def test_clicks_outside_or_at_the_border_are_refused(refuses):
    image = np.full((64, 64), 0.5, np.float32)
    for row, column in ((-1, 5), (30, 64), (3, 30), (30, 61)):
        with refuses("out-of-range"):
            region_at(image, row, column)
