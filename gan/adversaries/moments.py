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
from torch.nn import functional as F

from gan.networks.efficientnet import EfficientNetLite

# Networks (numbers of EfficientNet-lite) and the sides to which images are resized for them. The more views, the better
# an independent network agrees (docs/training-notes.md); lite2 at 128 px would be the most expensive.
_VIEWS = ((0, 64), (1, 64), (2, 64), (0, 128), (1, 128))
_MEMORY = 100  # batches over which the means of generated images run
_WARM_UP = 40  # batches before matching starts: the means of a few are too uncertain


class Moments(nn.Module):
    """Means of `summary` over all real images, and running ones over generated images, as buffers of `count`."""

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
    def set_real(self, summaries: Iterable[Tensor]) -> None:
        """The means over all real images, given their summaries (N, count) in batches."""
        count = 0
        for mean in (self.real, self.square):
            mean.zero_()
        for found in summaries:
            count += len(found)
            self.real += found.sum(dim=0)
            self.square += found.square().sum(dim=0)
        for mean in (self.real, self.square):
            mean /= count

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
        return (self.square - self.real.square()).clamp_min(1e-8)


class Summaries(nn.Module):
    """The features to match: images (N, 1, R, R) in [-1, 1] to summaries (N, `count`) of all maps of several views.

    Images are not augmented here: what augmentation hid from the moments would stay wrong. Images of more than 128 px
    are reduced, as they are for the heads. With `pixels`, the maps of `RandomFilters` are among them.
    """

    def __init__(self, pixels: bool = False) -> None:
        super().__init__()
        self.networks = nn.ModuleList(EfficientNetLite(size) for size in range(3))
        self.filters = RandomFilters() if pixels else None
        with torch.no_grad():
            self.count = self(torch.zeros(1, 1, 64, 64)).shape[1]

    def forward(self, images: Tensor) -> Tensor:
        found = [summary(self.networks[size](images, side)) for size, side in _VIEWS]
        if self.filters is not None:
            found.append(summary(self.filters(images)))
        return torch.cat(found, dim=1)


class RandomFilters(nn.Module):
    """Fixed random filters at the images' own size, for what networks that reduce images do not see.

    Images (N, 1, R, R) to maps (N, 48, R - 2, R - 2) and (N, 48, R - 4, R - 4) of the magnitude of each filter's
    response: filters of 3 x 3 pixels, then of 3 x 3 over every second pixel, without a mean. They are the same in every
    run.
    """

    def __init__(self, count: int = 48) -> None:
        super().__init__()
        drawn = torch.randn(2, count, 1, 3, 3, generator=torch.Generator().manual_seed(0))
        drawn = drawn - drawn.mean(dim=(3, 4), keepdim=True)
        self.register_buffer("filters", drawn / drawn.norm(dim=(3, 4), keepdim=True), persistent=False)
        self.filters: Tensor

    def forward(self, images: Tensor) -> list[Tensor]:
        near, wide = self.filters
        return [F.conv2d(images, near).abs(), F.conv2d(images, wide, dilation=2).abs()]


def summary(maps: Sequence[Tensor]) -> Tensor:
    """Statistics (N, 3 C) of each image: mean, mean square and squared mean of every channel of `maps` (N, c, H, W).

    The mean square shows how much texture there is; the squared mean, averaged over images, how much images differ.
    """
    found = []
    for values in maps:
        mean = values.mean(dim=(2, 3))
        found += [mean, values.square().mean(dim=(2, 3)), mean.square()]
    return torch.cat(found, dim=1)
