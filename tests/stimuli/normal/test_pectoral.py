"""The muscle is cut off along its edge, and generously where no edge is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stimuli.normal.breast import breast_of
from stimuli.normal.pectoral import pectoral_of

Draw = Callable[..., Any]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("strip", [False, True])
def test_all_of_the_muscle_is_left_out_and_little_else(draw: Draw, strip: bool, right: bool, seed: int) -> None:
    drawn = draw(muscle=True, right=right, seed=seed)
    pixels = drawn.pixels.copy()
    if strip:  # the foot of a film border, grey enough for tissue, along the whole top
        pixels[:8] = np.maximum(pixels[:8], 0.5)
    breast = breast_of(pixels)
    assert breast is not None
    found = pectoral_of(pixels, breast)
    assert (found & drawn.muscle).sum() >= 0.99 * drawn.muscle.sum()
    # The margin is 3 % of the longer side, along an edge of some 190 px.
    assert (found & breast & ~drawn.muscle).sum() < 190 * 0.06 * 300


def test_where_no_line_is_found_the_upper_corner_is_left_out(draw: Draw) -> None:
    drawn = draw()
    even = np.where(drawn.breast, np.float32(0.4), np.float32(0))
    found = pectoral_of(even, drawn.breast)
    assert found[16:60, :30][drawn.breast[16:60, :30]].all()
    assert not found[220:].any()
    assert 0.1 < (found & drawn.breast).sum() / drawn.breast.sum() < 0.5
