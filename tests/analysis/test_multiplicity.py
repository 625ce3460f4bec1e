"""Adjusted p values against statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.multiplicity import holm


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_statsmodels(p: list[float]) -> None:
    np.testing.assert_array_equal(holm(p), multipletests(p, method="holm")[1])


def test_what_is_no_test_does_not_count() -> None:
    np.testing.assert_array_equal(holm([0.01, math.nan, 0.04]), [0.02, math.nan, 0.04])
    assert holm([]).size == 0
    assert math.isnan(holm([math.nan])[0])
