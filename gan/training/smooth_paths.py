"""Smooth paths in W: a penalty on places where a small step changes fine detail much faster than on average.

The idea is path-length regularisation (Karras et al. 2020, arXiv:1912.04958, section 3.2), which evens out how fast
pixels change with w. What makes perceptual path lengths long here are few steep places, and there it is fine detail
that changes (the two correlate by .92 over paths of `mammogram-64`; lengths of Karras et al.'s kind by .44 with
perceptual ones). So fine detail is what counts, along paths that morphs take, and only where it changes faster than on
average: flat images are not made to change more.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.adversaries.step_rng import StepRng
from gan.networks.generator import Generator
from gan.networks.layers import coarse

PENALTY_EVERY = 4  # steps between penalties, which then count that many times
_EVERY_NTH = 2  # image of a batch is used
_DECAY = 0.02
_STEP = 0.01  # of a path
_LEAST = 1e-12  # squared slope: a root has no gradient at 0


class SmoothPaths(nn.Module):
    """The penalty on steep places of a generator's paths, and the mean slope that it remembers.

    Attributes
    ----------
    mean_slope : Tensor, ()
        Running mean of the slopes; 0 before the first.
    steepness : Tensor, ()
        Root of the newest penalty; 0 before the first.
    """

    mean_slope: Tensor
    steepness: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean_slope", torch.zeros(()))
        self.register_buffer("steepness", torch.zeros(()))

    def penalty(self, generator: Generator, rng: StepRng, mean: Callable[[Tensor], Tensor]) -> Tensor:
        """Mean square () of what slopes have above the mean one, as shares of it, in this process's part of a batch.

        Moves the running mean first. `mean` averages over processes.
        """
        z = rng.normal(2, generator.architecture.z_dim)[::_EVERY_NTH]
        place = rng.uniform(1)[::_EVERY_NTH] * (1 - _STEP)
        noise = [rng.normal(1, *shape)[::_EVERY_NTH] for shape in generator.noise_shapes()]
        first, second = generator.mapping(z.flatten(0, 1)).view(len(z), 2, -1).unbind(dim=1)
        found = slopes(generator, first, second, place, noise)
        now = mean(found.detach().mean())
        self.mean_slope.copy_(torch.where(self.mean_slope > 0, torch.lerp(self.mean_slope, now, _DECAY), now))
        penalty = F.relu(found / self.mean_slope - 1).square().mean()
        self.steepness.copy_(mean(penalty.detach()).sqrt())
        return penalty

    def reset(self) -> None:
        """Restart, as for images of another size: the next slopes replace the mean."""
        self.mean_slope.zero_()
        self.steepness.zero_()


def slopes(generator: Generator, first: Tensor, second: Tensor, place: Tensor, noise: list[Tensor]) -> Tensor:
    """How fast fine detail changes at a place (N, 1), from 0 to 1, of paths between codes w (N, w_dim): (N,).

    The RMS change of pixels over a hundredth of the path, times a hundred.
    """
    ws = torch.cat([torch.lerp(first, second, place), torch.lerp(first, second, place + _STEP)])
    images = generator.synthesis(generator.per_layer(ws), [layer.repeat(2, 1, 1, 1) for layer in noise])
    before, after = (images - coarse(images)).chunk(2)
    found: Tensor = ((after - before) / _STEP).square().mean(dim=(1, 2, 3)).add(_LEAST).sqrt()
    return found
