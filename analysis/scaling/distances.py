"""Perceived distances from the steps of a scale, and which steps a set of comparisons can determine.

A scale is described by its steps g (perceived distances of neighbouring images), in SDs of the decision noise. On an
open path of n images there are n − 1; a loop has one more, which leads back. With s the sum of the steps between two
images one way round, and L = Σ g the length of the loop, they look

- *path*: s apart (Maloney & Yang 2003);
- *arc*: min(s, L − s) apart, the shorter way round;
- *chord*: (L / π) sin(π s / L) apart, straight across if the loop looks like a circle of circumference L. That is
  arc's value for near images (5% less at a sixth of the loop, 36% less at the far side).

The position of the first image (a rotation) and the direction (a reflection) are arbitrary; only differences of
distances are compared, so the unit is the noise. What remains is determined if and only if the derivatives of all
differences with respect to the steps have full rank. They have not if an image was never compared, or if every
comparison was of equal numbers of steps: then adding one constant to every step changes nothing, and the length of the
scale is unknown.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from data.arrays import Floats, Ints

Distance = Literal["path", "arc", "chord"]
_SINGULAR = 1e-7


def spans(pairs: Ints, images: int, closed: bool) -> Floats:
    """Which steps lie between the two images of each pair (pairs, 2), going up: (pairs, steps), 0 or 1."""
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    step = np.arange(images if closed else images - 1)
    return np.asarray((step >= low[:, None]) & (step < high[:, None]), dtype=np.float64)


def distances(between: Floats, steps: Floats, kind: Distance) -> tuple[Floats, Floats]:
    """Perceived distances (pairs,) and their derivatives (pairs, steps), from `spans` and steps."""
    one_way = between @ steps
    if kind == "path":
        return one_way, between
    around = max(float(steps.sum()), 1e-9)
    if kind == "arc":
        longer = one_way > around / 2
        return np.where(longer, around - one_way, one_way), np.where(longer[:, None], 1 - between, between)
    angle = np.pi * one_way / around
    sine, cosine = np.sin(angle), np.cos(angle)
    slope = cosine[:, None] * between + ((sine - angle * cosine) / np.pi)[:, None]
    return around / np.pi * sine, slope


def undetermined(slopes: Floats, positions_deg: Floats) -> str | None:
    """Why differences with these derivatives (comparisons, steps) do not determine every step; None if they do."""
    sizes = np.linalg.svd(slopes, compute_uv=False)
    if len(slopes) >= slopes.shape[1] and sizes[-1] > _SINGULAR * sizes[0]:
        return None
    unused = np.flatnonzero(np.abs(slopes).max(axis=0) < _SINGULAR)
    if unused.size:
        start, end = positions_deg[unused[0]], positions_deg[(unused[0] + 1) % positions_deg.size]
        return f"no comparison tells how far the images at {start:g} and {end:g} degrees are apart"
    if np.abs(slopes.sum(axis=1)).max() < _SINGULAR:
        return "every comparison was of equal numbers of steps, so the length of the scale is unknown: vary them"
    return "there are too few different comparisons to determine every step: compare fewer images, or more pairs"
