"""Which anchors: far apart, plausible and of steady steps for a family, or all at one distance around an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from data.arrays import Floats
from data.errors import LookalikeError
from gan.checkpoint import Model
from gan.codes import ImageCode, codes_of_seeds, images_of, render
from gan.morphing.metrics import Metric, all_pairs, describe, steps
from gan.morphing.path import MorphPath, even_positions, images_at, path_through
from gan.networks.code_space import CodeSpace, code_distance
from gan.networks.generator import Generator

SEEDS_PER_ANCHOR = 8  # among which anchors are chosen
_DROPPED = 0.25  # the least plausible candidates
_PROBED = 36  # images of a loop from which its variation in a second metric is estimated
_PROBED_EVEN = 0.1  # coefficient of variation of their own steps that is even enough
_AROUND = 9  # anchors of a ring; odd, so that the round path is the same in all directions
_HALVINGS = 14


def far_anchors(
    model: Model, loops: int, anchors: int, first_seed: int, psi: float | None, metric: Metric
) -> list[list[ImageCode]]:
    """Anchors of some loops. Loop k chooses among seeds of its own, so it is the same however many loops there are.

    Of `SEEDS_PER_ANCHOR` seeds each the quarter with the most unusual codes is dropped. The two images farthest apart
    come first, then each time the one whose nearest so far is farthest.
    """
    block = SEEDS_PER_ANCHOR * anchors
    every = range(first_seed, first_seed + loops * block)
    unusual = _unusual(model.generator, torch.stack([one.code for one in codes_of_seeds(model, every, psi=1)]))
    chosen = []
    for number in range(loops):
        rows = np.arange(number * block, (number + 1) * block)
        kept = np.sort(rows[np.argsort(unusual[rows], kind="stable")[: block - int(block * _DROPPED)]])
        candidates = codes_of_seeds(model, [every[row] for row in kept], psi)
        apart = all_pairs(metric, describe(metric, images_of(model.generator, candidates)))
        chosen.append([candidates[index] for index in _spread(apart, anchors)])
    return chosen


def _spread(apart: Floats, count: int) -> list[int]:
    """Indices of images far from one another, by the distances of all to all."""
    taken = [int(index) for index in np.unravel_index(apart.argmax(), apart.shape)]
    while len(taken) < count:
        taken.append(int(apart[taken].min(axis=0).argmax()))
    return taken[:count]


def _unusual(generator: Generator, codes: Tensor) -> Floats:
    """Mean squared whitened code (`gan.networks.code_space`) of each of (N, layers, w_dim)."""
    space = CodeSpace(generator.architecture)
    space.fit(generator)
    unusual: Floats = code_distance(space.whiten(codes)).double().numpy()
    return unusual


def steadiest(
    model: Model, candidates: Sequence[Sequence[ImageCode]], shape: str, metric: Metric, beside: Metric
) -> Sequence[ImageCode]:
    """Of several loops' anchors those whose loop, in even steps of a metric, varies least in a second one."""
    return min(
        candidates,
        key=lambda anchors: variation_beside(model.generator, path_through(anchors, shape), metric, beside),
    )


def variation_beside(generator: Generator, path: MorphPath, metric: Metric, beside: Metric) -> float:
    """Coefficient of variation of steps in a second metric where those in a metric are even, from 36 images of a path.

    The images are nearly even in the metric, or in its quick one. Small steps in both are proportional to one another;
    their ratio is averaged over the path, each step counting by its length in the metric.
    """
    where = even_positions(generator, path, _PROBED, metric.quick or metric, enough=_PROBED_EVEN)
    images = images_at(generator, path, where)
    length, other = (steps(one, describe(one, images), path.closed) for one in (metric, beside))
    mean = other.sum() / length.sum()
    return float(np.sqrt(np.average((other / length - mean) ** 2, weights=length)) / mean)


def ring_around(
    model: Model, centre: ImageCode, distance: float, seeds: Sequence[int], psi: float | None, metric: Metric
) -> list[ImageCode]:
    """Nine anchors around an image, each at one distance from it; their noise is the centre's.

    The ring lies in the plane of the centre and the codes of two seeds. Along each of nine directions in it the code
    is found whose image is at the distance asked for.

    Raises `LookalikeError` if not two different seeds are given, the distance is not positive, or images of a
    direction do not get so far.
    """
    if len(seeds) != 2 or len(set(seeds)) < 2:
        raise LookalikeError("bad-anchors", f"directions are given by seeds {list(seeds)}; give two different ones")
    if not distance > 0:
        raise LookalikeError("out-of-range", f"distance is {distance:g}; it must be positive")
    first, second = (one.code - centre.code for one in codes_of_seeds(model, seeds, psi))
    second = second - (second * first).sum() / first.square().sum() * first
    second = second * (first.norm() / second.norm())
    angles = 2 * torch.pi * torch.arange(_AROUND) / _AROUND
    directions = angles.cos()[:, None, None] * first + angles.sin()[:, None, None] * second
    reach = _reach(model.generator, centre, directions, distance, metric)
    source = f"{distance:g} ({metric.name}) from {centre.name} towards seeds {seeds[0]} and {seeds[1]}"
    return [
        ImageCode(f"at-{360 * k // _AROUND}-deg", centre.code + step * way, centre.noise, source, centre.patients)
        for k, (step, way) in enumerate(zip(reach, directions, strict=True))
    ]


def _reach(generator: Generator, centre: ImageCode, directions: Tensor, distance: float, metric: Metric) -> Tensor:
    """How far to go along each direction (9, layers, w_dim), as a share of it, for images at a distance: (9, 1, 1)."""

    def away(share: Tensor) -> Tensor:
        codes = torch.cat([centre.code[None], centre.code + share * directions])
        images = render(generator, codes, [layer.expand(len(codes), -1, -1) for layer in centre.noise])
        return torch.from_numpy(all_pairs(metric, describe(metric, images))[0, 1:]).float()[:, None, None]

    low, high = torch.zeros(len(directions), 1, 1), torch.ones(len(directions), 1, 1)
    most = float(away(high).min())
    if most < distance:
        raise LookalikeError(
            "out-of-range",
            f"distance is {distance:g} in {metric.title}, but images in these directions are at most {most:.3g} away; "
            "ask for less, or take other seeds",
        )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        near = away(middle) < distance
        low, high = torch.where(near, middle, low), torch.where(near, high, middle)
    return (low + high) / 2
