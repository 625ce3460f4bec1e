"""Moment matching: generated images are drawn towards the mean features of real images.

A discriminator classifies images one by one, and hardly notices that a whole batch is a little too bright, too smooth
or too uniform. Matching mean features (Salimans et al. 2016, arXiv:1606.03498, section 3.1) tells the generator exactly
that. Here the means run over many batches, so that they are known far better than from one, and the features are those
of frozen networks (not VGG16, which is used for evaluation).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from gan.networks.efficientnet import EfficientNetLite

# Networks (numbers of EfficientNet-lite) and the sides to which images are resized for them. The more views, the better
# an independent network agrees (docs/training-notes.md); lite2 at 128 px would be the most expensive.
_VIEWS = ((0, 64), (1, 64), (2, 64), (0, 128), (1, 128))
_MEMORY = 100  # batches over which the means of generated images run
LEAST = 1e-8  # variance of a statistic
_WARM_UP = 40  # batches before matching starts: the means of a few are too uncertain


class Moments(nn.Module):
    """Means of `summary` over all real images, and running ones over generated images, as buffers of `count`.

    Differences are measured in SD of real images.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        for name in ("real", "square", "fake"):
            self.register_buffer(name, torch.zeros(count))
        self.register_buffer("batches", torch.zeros(()))
        self.real: Tensor
        self.square: Tensor
        self.fake: Tensor
        self.batches: Tensor

    @torch.no_grad()
    def set_real(self, summaries: Iterable[Tensor], least_variance: float = LEAST) -> None:
        """The means over all real images, given their summaries (N, count) in batches.

        A statistic in which they differ less than by `least_variance` is taken to vary by that.
        """
        count = 0
        for mean in (self.real, self.square):
            mean.zero_()
        for found in summaries:
            count += len(found)
            self.real += found.sum(dim=0)
            self.square += found.square().sum(dim=0)
        for mean in (self.real, self.square):
            mean /= count
        self.square.copy_(torch.maximum(self.square, self.real.square() + least_variance))

    @torch.no_grad()
    def update(self, fake: Tensor) -> None:
        """Move the running mean towards that of a batch of generated images, `fake` (count,)."""
        self.batches += 1
        self.fake.lerp_(fake.to(self.fake.dtype), (1 / self.batches).clamp_min(1 / _MEMORY))

    def distance(self) -> Tensor:
        """Root mean square, over statistics, of the difference of means in SDs of real images."""
        return (self._difference() / self._variance().sqrt()).square().mean().sqrt()

    def loss(self, summary: Tensor) -> Tensor:
        """A loss whose gradient is that of half the squared distance, given `summary` (N, count) of generated images.

        The running means say where the generator is, and the batch how it moves. 0 during the first batches.
        """
        known = self.batches > _WARM_UP  # a factor, not a branch, which would wait for the device
        return known * (self._difference() / self._variance() * summary.mean(dim=0)).mean()

    def reset(self) -> None:
        """Restart, as for images of another size: the next batch replaces the means."""
        self.batches.zero_()

    def _difference(self) -> Tensor:
        return self.fake - self.real

    def _variance(self) -> Tensor:
        return (self.square - self.real.square()).clamp_min(LEAST)


class Summaries(nn.Module):
    """The features to match: images (N, 1, R, R) in [-1, 1] to summaries (N, `count`) of all maps of several views.

    Images are not augmented here: what augmentation hid from the moments would stay wrong. Images of more than 128 px
    are reduced, as they are for the heads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.networks = nn.ModuleList(EfficientNetLite(size) for size in range(3))
        with torch.no_grad():
            self.count = self(torch.zeros(1, 1, 64, 64)).shape[1]

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([summary(self.networks[size](images, side)) for size, side in _VIEWS], dim=1)


def summary(maps: Sequence[Tensor]) -> Tensor:
    """Statistics (N, 3 C) of each image: mean, mean square and squared mean of every channel of `maps` (N, c, H, W).

    The mean square shows how much texture there is; the squared mean, averaged over images, how much images differ.
    """
    found = []
    for values in maps:
        mean = values.mean(dim=(2, 3))
        found += [mean, values.square().mean(dim=(2, 3)), mean.square()]
    return torch.cat(found, dim=1)
