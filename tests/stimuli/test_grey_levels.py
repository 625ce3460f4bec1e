from __future__ import annotations

import numpy as np
import pytest

from stimuli.grey_levels import measure_grey_levels


def test_statistics_of_a_known_image() -> None:
    levels = measure_grey_levels(np.arange(101, dtype=np.float32).reshape(1, 101) / 100)
    assert levels.mean == pytest.approx(0.5)
    assert levels.sd == pytest.approx(np.sqrt((101**2 - 1) / 12) / 100)  # of a discrete uniform distribution
    assert (levels.p01, levels.p99) == (pytest.approx(0.01), pytest.approx(0.99))


def test_a_constant_image_has_no_spread() -> None:
    levels = measure_grey_levels(np.full((64, 64), 0.3, np.float32))
    assert levels.sd == pytest.approx(0, abs=1e-9)
    assert {round(x, 6) for x in (levels.mean, levels.p01, levels.p99)} == {0.3}


def test_a_large_image_loses_no_precision() -> None:
    # Summed in float32, two million equal values would drift.
    assert measure_grey_levels(np.full((2000, 1000), 0.1, np.float32)).mean == pytest.approx(
        float(np.float32(0.1)), abs=1e-9
    )
