"""Trend and detail inside a mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.composition.trend import detail, trend


@pytest.fixture(scope="session")
def mask(disc):
    return disc(15, 16, 8).astype(float)


@given(st.tuples(*[st.floats(-1, 1)] * 3))
def test_a_plane_is_all_trend_up_to_the_edge_whatever_lies_outside(mask, plane):
    rows, columns = np.mgrid[:32, :32] / 32
    wanted = plane[0] + plane[1] * rows + plane[2] * columns
    image = np.where(mask > 0, wanted, 7.0)
    np.testing.assert_allclose(trend(image, mask)[(mask >= 0.5)], wanted[(mask >= 0.5)], atol=2e-3)
    assert not detail(image, mask)[~(mask >= 0.5)].any()


def test_detail_and_trend_add_up_and_fine_structure_is_detail(mask):
    image = 0.5 + 0.1 * (-1.0) ** np.add.outer(np.arange(32), np.arange(32))
    np.testing.assert_allclose((trend(image, mask) + detail(image, mask))[(mask >= 0.5)], image[(mask >= 0.5)])
    assert detail(image, mask)[(mask >= 0.5)].std() == pytest.approx(0.1, rel=0.05)


def test_it_is_the_regression_that_statistics_books_give(mask):
    rng = np.random.default_rng(0)
    image = rng.random((32, 32))
    rows, columns = np.mgrid[:32, :32]
    for r, c in ((15, 16), (9, 16), (19, 20)):
        weights = np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / (2 * 2.0**2)) * mask
        design = np.stack([np.ones(1024), (rows - r).ravel(), (columns - c).ravel()], axis=1)
        root = np.sqrt(weights.ravel())
        wanted = np.linalg.lstsq(design * root[:, None], image.ravel() * root, rcond=None)[0][0]
        assert trend(image, mask)[r, c] == pytest.approx(wanted, abs=2e-3)
