"""Small folders in the layout of each collection."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from stimuli.images import Pixels


@pytest.fixture(scope="session")
def rectangle() -> Callable[..., Pixels]:
    """A mask of `shape` that is 1 in a box (left, top, width, height)."""

    def draw(shape: tuple[int, int], x: int, y: int, width: int, height: int) -> Pixels:
        mask = np.zeros(shape, np.float32)
        mask[y : y + height, x : x + width] = 1
        return mask

    return draw
