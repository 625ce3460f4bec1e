"""Which positions on a loop are targets of a matching task, and where its dial starts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.circle import wrap
from data.errors import LookalikeError


def draw_targets(frames: int, count: int, rng: np.random.Generator) -> list[int]:
    """`count` frames of a loop of `frames`, spread evenly and in random order: a stratified random draw.

    The loop is divided into `count` equal parts, and a position drawn in each; the frame there is a target. So every
    frame is as likely as every other, and no part of the loop holds two targets more or fewer than its share.
    """
    places = (np.arange(count) + rng.random(count)) / max(count, 1)
    return [int(frame) for frame in rng.permutation(np.floor(places * frames).astype(int) % frames)]


def draw_start(positions: Sequence[float], target: int, least_deg: float, rng: np.random.Generator) -> int:
    """A frame for the dial to start at: any that is at least `least_deg` from the target, all equally likely.

    Frames are left out on both sides of the target alike, so that the start favours no sign of the error. Raises
    `LookalikeError` if all frames are nearer.
    """
    away = np.abs(wrap(np.asarray(positions) - positions[target]))
    there = np.flatnonzero(away >= least_deg - 1e-9)
    if not there.size:
        raise LookalikeError(
            "no-start-frame", f"no frame is {least_deg:g}° from the target; lower min_start_deg in the task file"
        )
    return int(rng.choice(there))
