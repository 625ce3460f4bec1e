"""Fisher scoring and the delta method on cases with an answer in closed form."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm

from analysis import likelihood

Floats = npt.NDArray[np.float64]


def _odds(parameters: Floats) -> tuple[Floats, Floats]:
    """Two binomials, each by its log odds."""
    share = 1 / (1 + np.exp(-parameters))
    cells = np.array([share[0], 1 - share[0], share[1], 1 - share[1]])
    by = share * (1 - share)
    return cells, np.array([[by[0], 0], [-by[0], 0], [0, by[1]], [0, -by[1]]])


def test_two_shares() -> None:
    counts, trials = np.array([30.0, 10, 7, 43]), np.array([40.0, 40, 50, 50])
    found = likelihood.maximise(counts, trials, _odds, np.zeros(2))
    assert found.converged
    np.testing.assert_allclose(found.parameters, np.log([30 / 10, 7 / 43]), atol=1e-9)
    assert found.log_likelihood == pytest.approx(np.sum(counts * np.log(counts / trials)))
    cells, slope = _odds(found.parameters)
    information = likelihood.information(trials, cells, slope)
    np.testing.assert_allclose(information, np.diag([30 * 10 / 40, 7 * 43 / 50]), rtol=1e-7)


def test_a_share_of_one_is_not_reached() -> None:
    """The log odds run off; that the start is no place at all is said, too."""
    counts, trials = np.array([40.0, 0, 7, 43]), np.array([40.0, 40, 50, 50])
    assert likelihood.maximise(counts, trials, _odds, np.zeros(2)).parameters[0] > 20
    assert not likelihood.maximise(counts, trials, _odds, np.full(2, np.nan)).converged


def test_slices_are_exact_in_both_tails() -> None:
    """norm.sf keeps its digits above, norm.cdf below; differences of norm.cdf alone would be 0 above 9."""
    cuts = np.array([-20.0, -9, 0, 9, 10, 20])
    expected = [norm.cdf(-20), norm.cdf(-9) - norm.cdf(-20), 0.5, 0.5, *-np.diff(norm.sf([9, 10, 20])), norm.sf(20)]
    np.testing.assert_allclose(likelihood.slices(cuts), expected, rtol=1e-12)


def test_delta_method() -> None:
    """The ratio of two estimates, by hand; a positive one has an interval symmetric in its logarithm."""
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    gradient = np.array([1 / 3, -2 / 9])
    found = likelihood.delta(2 / 3, gradient, covariance, 0.9)
    assert found.se == pytest.approx(math.sqrt(0.04 / 9 - 2 * 2 / 27 * 0.01 + 4 / 81 * 0.09))
    assert found.high - found.value == pytest.approx(1.6448536 * found.se)
    positive = likelihood.delta(2 / 3, gradient, covariance, 0.9, positive=True)
    assert math.log(positive.high / positive.value) == pytest.approx(1.6448536 * found.se / found.value)
    assert positive.high * positive.low == pytest.approx(positive.value**2)
