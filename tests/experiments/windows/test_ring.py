"""Places on the ring and positions on the loop."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.circle import wrap
from experiments.windows.ring import Ring, fit_ring


def test_positions_grow_clockwise_from_the_zero() -> None:
    ring = Ring(100, 10)
    assert [ring.position(*place) for place in ((0, 5), (5, 0), (0, -5), (-5, 0))] == pytest.approx([0, 90, 180, 270])
    assert ring.place(90) == pytest.approx((100, 0))
    turned = Ring(100, 10, zero_deg=90)
    assert turned.place(0) == pytest.approx((100, 0))
    assert turned.position(0, 1) == pytest.approx(270)
    assert ring.position(0, 0) is None


@given(st.floats(0, 360), st.floats(0, 360), st.floats(1, 1e4))
def test_a_place_gives_its_position_back(position: float, zero: float, radius: float) -> None:
    ring = Ring(radius, 1, zero)
    found = ring.position(*ring.place(position))
    assert found is not None
    assert 0 <= found < 360
    assert float(wrap(found - position)) == pytest.approx(0, abs=1e-6)


def test_the_band_drags_and_the_inside_confirms() -> None:
    ring = Ring(100, 10)
    assert [ring.holds(0, up) for up in (89, 91, 109, 111)] == [False, True, True, False]
    assert [ring.encloses(up, 0) for up in (0, 89, 91, 111)] == [True, True, False, False]


@given(st.integers(1, 600), st.integers(1, 600))
def test_a_ring_that_fits_touches_neither_image_nor_edge(refuses: Any, rows: int, columns: int) -> None:
    window = (768, 1024)
    if math.hypot(rows, columns) / 2 > 768 * (1 / 2 - 1 / 12):
        with refuses("window-too-small"):
            fit_ring((rows, columns), window)
        return
    ring = fit_ring((rows, columns), window)
    assert not ring.holds(columns / 2, rows / 2)
    assert ring.encloses(columns / 2 - 1, rows / 2 - 1)
    assert ring.radius_px + ring.band_px <= 384
