"""A texture continued beyond its mask."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gan.composition.continuation import continued


def texture(grain, size=48, seed=0, along=None):
    noise = np.random.default_rng(seed).standard_normal((size, size))
    field = gaussian_filter(noise, along or grain, mode="wrap")
    return field / field.std()


def half(size=48):
    known = np.zeros((size, size), bool)
    known[:, : size // 2] = True
    return known


def lagged(values, axis, lag=1):
    one, other = (
        np.take(values, range(values.shape[axis] - lag), axis),
        np.take(values, range(lag, values.shape[axis]), axis),
    )
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.parametrize("along", [(0.6, 0.6), (1.5, 1.5), (0.5, 2.5)])
def test_what_is_known_stays_and_the_rest_has_its_variance_and_its_grain(along):
    values, known = texture(None, along=along), half()
    made = continued(values, known)
    np.testing.assert_array_equal(made[known], values[known])
    mine, given = made[:, 24:], values[:, :24]
    assert mine.std() == pytest.approx(given.std(), rel=0.25)
    assert abs(mine.mean()) < 0.5
    for axis in (0, 1):
        assert lagged(mine, axis) == pytest.approx(lagged(given, axis), abs=0.12)


def test_the_seam_does_not_show():
    values, known = texture(1.5), half()
    steps = np.abs(np.diff(continued(values, known), axis=1)).mean(axis=0)
    assert steps[23] < 1.3 * steps[:23].mean()
    blind = np.abs(np.diff(np.where(known, values, texture(1.5, seed=9)), axis=1)).mean(axis=0)
    assert blind[23] > 1.6 * steps[:23].mean()  # another texture of the same grain, merely put beside it


def test_no_piece_of_the_texture_is_repeated():
    values, known = texture(1.0), half()
    made = continued(values, known)
    pieces = [values[r : r + 8, c : c + 8].ravel() for r in range(0, 41, 2) for c in range(0, 17)]
    new = [made[r : r + 8, c : c + 8].ravel() for r in range(0, 41, 4) for c in range(28, 41, 4)]
    tiled = np.roll(values, 24, axis=1)[16:24, 30:38].ravel()
    nearest = np.corrcoef(pieces, new)[: len(pieces), len(pieces) :].max()
    assert nearest < 0.85
    assert np.corrcoef(pieces, [tiled])[:-1, -1].max() > 0.99


def test_draws_differ_by_seed_and_are_the_same_by_seed():
    values, known = texture(1.0), half()
    one, same, other = (continued(values, known, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one[:, 32:].ravel(), other[:, 32:].ravel())[0, 1]) < 0.3


def test_a_bright_speck_is_not_multiplied():
    values, known = 0.1 * texture(1.0), half()
    values[20, 10] = 5
    made = continued(values, known)
    assert made[20, 10] == 5
    assert np.abs(made[:, 24:]).max() < 1
