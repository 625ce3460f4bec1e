"""The way through the anchors, and frames at even distances along it.

Every point of a path is a weighted sum of the anchors' codes and of their noise, the weights adding up to 1. Weighted
sums of noise are scaled to the anchors' contrast, or the fine detail between them would fade.

- *straight*: from anchor to anchor in a line (Ren, Yu & Whitney, "Mammogram interpolation"). Its middles are nearer to
  all anchors than these are to one another, so a loop of three is no farther from A half way round than at B.
- *round*: through the anchors by trigonometric interpolation; for three, the ellipse through them, which is a circle
  where they are equally far apart. It has no corners, and for an odd number of anchors with unrelated codes every
  point is as far from the mean code as the anchors are (the squared weights add up to 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data.arrays import Floats
from data.errors import LookalikeError
from gan.codes import ImageCode, render
from gan.morphing.metrics import Metric, describe, steps, variation
from gan.networks.generator import Generator
from stimuli.images import Pixels

SHAPES = ("round", "straight", "open")
_EVEN = 0.005  # coefficient of variation at which frames are no longer moved
_EVEN_SLOW_METRIC = 0.01  # that of a slow metric
_MOST_PASSES = 6
_COARSE = 16  # images per stretch between anchors in the first pass, at least


@dataclass(frozen=True)
class MorphPath:
    """A path through anchors; positions run from 0, anchor k lying at k.

    A closed path of n anchors ends at n, where it began; an open one at n - 1.
    """

    shape: str
    codes: Tensor  # (anchors, layers, w_dim)
    noise: tuple[Tensor, ...]  # per layer (anchors, rows, columns)

    @property
    def closed(self) -> bool:
        return self.shape != "open"

    @property
    def length(self) -> int:
        return len(self.codes) - (not self.closed)


def path_through(anchors: Sequence[ImageCode], shape: str) -> MorphPath:
    """The path of a shape through anchors. Raises `LookalikeError` for another shape, or fewer than two anchors."""
    if shape not in SHAPES:
        raise LookalikeError("unknown-choice", f"path is {shape!r}; choose one of {', '.join(SHAPES)}")
    names = [one.name for one in anchors]
    if len(names) < 2 or len(set(names)) < len(names):
        raise LookalikeError("bad-anchors", f"anchors are {names}; a path needs at least two, all different")
    noise = tuple(torch.stack(layer) for layer in zip(*(one.noise for one in anchors), strict=True))
    return MorphPath(shape, torch.stack([one.code for one in anchors]), noise)


def weights(path: MorphPath, positions: Floats) -> Tensor:
    """The anchors' weights at some positions, (positions, anchors), in float32."""
    count = len(path.codes)
    if path.shape == "round":
        away = np.asarray(positions)[:, None] - np.arange(count)
        order = np.arange(1, (count - 1) // 2 + 1)
        waves = 1 + 2 * np.cos(2 * np.pi * away[..., None] * order / count).sum(axis=-1)
        if count % 2 == 0:
            waves += np.cos(np.pi * away)
        return torch.from_numpy(waves / count).float()
    start = np.minimum(np.floor(positions).astype(int), path.length - 1)
    share = positions - start
    found = np.zeros((len(start), count))
    rows = np.arange(len(start))
    np.add.at(found, (rows, start), 1 - share)
    np.add.at(found, (rows, (start + 1) % count), share)
    return torch.from_numpy(found).float()


def points(path: MorphPath, positions: Floats) -> tuple[Tensor, list[Tensor]]:
    """Codes (N, layers, w_dim) and noise, per layer (N, rows, columns), at some positions."""
    weight = weights(path, positions)
    codes = torch.einsum("na,alw->nlw", weight, path.codes)
    return codes, [_mix_noise(weight, layer) for layer in path.noise]


def _mix_noise(weight: Tensor, layer: Tensor) -> Tensor:
    """Weighted sums of noise, scaled to the weighted mean of the anchors' contrasts."""
    mixed = torch.einsum("na,ars->nrs", weight, layer)
    contrast = layer.square().mean(dim=(1, 2)).sqrt()
    share = weight.abs() / weight.abs().sum(dim=1, keepdim=True)
    lost = mixed.square().mean(dim=(1, 2)).sqrt().clamp_min(1e-12)
    return mixed * ((share @ contrast) / lost)[:, None, None]


def images_at(generator: Generator, path: MorphPath, positions: Floats) -> Pixels:
    """P-values (N, R, R) at some positions."""
    codes, noise = points(path, positions)
    return render(generator, codes, noise)


def even_positions(
    generator: Generator,
    path: MorphPath,
    frames: int,
    metric: Metric,
    advance: Callable[..., None] = lambda *_: None,
    enough: float | None = None,
) -> Floats:
    """Positions of frames whose distances to the next are equal, the first at 0.

    Distances are first measured along a denser row of images, or of a slow metric at positions that are even in a quick
    one; then frames are placed and moved until the coefficient of variation of their own steps is `enough` (.5 %, in a
    slow metric 1 %), or six times. Calls `advance` after each pass. Raises `LookalikeError` if nothing changes along
    the path.
    """
    if metric.quick is None:
        count = max(frames, _COARSE * path.length)
        positions = np.linspace(0, path.length, count, endpoint=not path.closed)
    else:
        positions = even_positions(generator, path, frames, metric.quick, advance)
    if enough is None:
        enough = _EVEN if metric.quick is None else _EVEN_SLOW_METRIC
    best, evenness = positions, np.inf
    for number in range(_MOST_PASSES):
        described = describe(metric, images_at(generator, path, positions))
        taken = steps(metric, described, path.closed)
        if not taken.sum() > 1e-5:
            raise LookalikeError(
                "bad-anchors", "the anchors look the same, so there is no path between them; is the model trained?"
            )
        if len(positions) == frames and variation(taken) < evenness:
            best, evenness = positions, variation(taken)
        advance()
        if evenness <= enough or number == _MOST_PASSES - 1:
            break
        ends = np.append(positions, path.length) if path.closed else positions
        travelled = np.concatenate([[0.0], np.cumsum(taken)])
        wanted = np.linspace(0, travelled[-1], frames, endpoint=not path.closed)
        positions = np.interp(wanted, travelled, ends)
    return best
