"""Smooth paths in W: no share of a path between two codes is to change an image much more than others do.

The idea is path-length regularisation (Karras et al. 2020, arXiv:1912.04958, section 3.2), which evens out how fast
pixels change with w. What makes perceptual path lengths long here are few steep places, and there it is fine detail
that changes (the two correlate by .92 over paths of `mammogram-64`; lengths of Karras et al.'s kind by .44 with
perceptual ones). So fine detail is what counts, along paths that morphs take, and only where it changes faster than on
average: flat images are not made to change more.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.adversaries.step_rng import StepRng
from gan.networks.generator import Generator
from gan.networks.layers import coarse

EVERY = 4  # steps between penalties, which then count that many times
_SHARE = 2  # of this many images of a batch, one is used
_DECAY = 0.02
_STEP = 0.01  # of a path
_LEAST = 1e-12  # squared slope: a root has no gradient at 0


class SmoothPaths(nn.Module):
    """The penalty on steep places of a generator's paths, and the mean slope that it remembers.

    Attributes
    ----------
    mean : Tensor, ()
        Running mean of the slopes; 0 before the first.
    steepness : Tensor, ()
        Root of the newest penalty: 0 where no slope is above the mean.
    """

    mean: Tensor
    steepness: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("steepness", torch.zeros(()))

    def penalty(self, generator: Generator, rng: StepRng) -> Tensor:
        """Mean square () of what slopes have above the mean, as shares of it, in this process's part of a batch."""
        z = rng.normal(2, generator.architecture.z_dim)[::_SHARE]
        place = rng.uniform(1)[::_SHARE] * (1 - _STEP)
        noise = [rng.normal(1, *shape)[::_SHARE] for shape in generator.noise_shapes()]
        first, second = generator.mapping(z.flatten(0, 1)).view(len(z), 2, -1).unbind(dim=1)
        found = slopes(generator, first, second, place, noise)
        now = found.detach().mean()
        self.mean.copy_(torch.where(self.mean > 0, torch.lerp(self.mean, now, _DECAY), now))
        penalty = F.relu(found / self.mean - 1).square().mean()
        self.steepness.copy_(penalty.detach().sqrt())
        return penalty


def slopes(generator: Generator, first: Tensor, second: Tensor, place: Tensor, noise: list[Tensor]) -> Tensor:
    """How fast fine detail changes (RMS of pixels a whole path) at a place (N, 1) of paths between codes w: (N,)."""
    ws = torch.cat([torch.lerp(first, second, place), torch.lerp(first, second, place + _STEP)])
    images = generator.synthesis(generator.per_layer(ws), [layer.repeat(2, 1, 1, 1) for layer in noise])
    before, after = (images - coarse(images)).chunk(2)
    found: Tensor = ((after - before) / _STEP).square().mean(dim=(1, 2, 3)).add(_LEAST).sqrt()
    return found
