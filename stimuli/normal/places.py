"""Where squares fit into a region without touching one another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from data.arrays import Floats
from stimuli.normal.breast import Region


def places(region: Region, sides_px: Sequence[float], rng: np.random.Generator) -> list[tuple[int, int] | None]:
    """Left and top of a square of each side inside the region, drawn evenly from where it fits; None if it does not.

    Squares do not overlap. The largest is placed first, because it has the least choice.
    """
    free = region.copy()
    found: list[tuple[int, int] | None] = [None] * len(sides_px)
    for number in sorted(range(len(sides_px)), key=lambda one: -sides_px[one]):
        side = math.ceil(sides_px[number])
        tops, lefts = np.nonzero(_fits(free, side))
        if len(tops):
            chosen = int(rng.integers(len(tops)))
            top, left = int(tops[chosen]), int(lefts[chosen])
            free[top : top + side, left : left + side] = False
            found[number] = left, top
    return found


def _fits(free: Region, side: int) -> Region:
    """Where the upper left pixel of a square may be that is free throughout."""
    rows, columns = free.shape
    if not 0 < side <= min(rows, columns):
        return np.zeros((0, 0), bool)
    sums: Floats = np.pad(free.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    whole: Region = inside == side * side
    return whole
