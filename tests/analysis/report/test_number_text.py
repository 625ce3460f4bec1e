"""Numbers as a report prints them."""

from __future__ import annotations

import math

import pytest

from analysis.report.number_text import fine


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.345, "12.35"),
        (-0.2, "−0.20"),
        (0.0123, "0.012"),
        (-0.0000123, "−0.000012"),
        (0.0, "0.00"),
        (math.nan, "n/a"),
        (math.inf, "∞"),
    ],
)
def test_a_small_number_keeps_two_significant_digits(value: float, text: str) -> None:
    """A slope per case read would else be 0.00."""
    assert fine(value) == text
