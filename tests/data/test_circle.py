"""Angles on a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.circle import derivative_of_gaussian, wrap


def test_wrap_at_the_far_side() -> None:
    angles = [180, -180, 179.5, 181, -181, 540, 360, 0, -0.5]
    np.testing.assert_allclose(wrap(angles), [-180, -180, 179.5, -179, 179, -180, 0, 0, -0.5])


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e4, 1e4), st.integers(-5, 5))
def test_wrap_ignores_whole_turns(angle: float, turns: int) -> None:
    wrapped = float(wrap(angle))
    assert -180 <= wrapped < 180
    away = abs(float(wrap(angle + 360 * turns)) - wrapped)
    assert min(away, 360 - away) == pytest.approx(0, abs=1e-6)


def test_the_curve_peaks_where_and_as_high_as_it_says() -> None:
    x = np.linspace(-180, 180, 36_001)
    y = derivative_of_gaussian(x, 3.0, 40.0)
    assert (x[y.argmax()], y.max(), x[y.argmin()], y.min()) == pytest.approx((40, 3, -40, -3))
    np.testing.assert_allclose(derivative_of_gaussian(-x, 3.0, 40.0), -y)
    np.testing.assert_allclose(derivative_of_gaussian(x, -3.0, 40.0), -y)


def test_a_hair_below_the_far_side_is_not_rounded_out_of_range() -> None:
    assert float(wrap(np.nextafter(-180, -np.inf))) == -180
