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
_KINDS = 3  # of summaries of a map
_MEMORY = 100  # batches over which the means of generated images run
_WARM_UP = 40  # batches before matching starts: the means of a few are too uncertain
_RIDGE = 0.1  # of a statistic's variance: how little images differ in the rest is known too badly from hundreds


class Moments(nn.Module):
    """Means of `summary` over all real images, and running ones over generated images, as buffers of `count`.

    Differences are measured in SD of real images; `least_variance` is that of a statistic in which these hardly differ.
    With `groups` (sizes of successive groups of statistics), the loss whitens each group: channels of a map vary
    together, and what tells two kinds of images apart are small differences where real ones hardly differ.
    """

    def __init__(self, count: int, least_variance: float = 1e-8, groups: Sequence[int] = ()) -> None:
        super().__init__()
        self.least_variance = least_variance
        for name in ("real", "square", "fake"):
            self.register_buffer(name, torch.zeros(count))
        self.register_buffer("batches", torch.zeros(()))
        self.precisions = nn.ParameterList(torch.eye(size) for size in groups).requires_grad_(False)
        self.real: Tensor
        self.square: Tensor
        self.fake: Tensor
        self.batches: Tensor

    @torch.no_grad()
    def set_real(self, summaries: Iterable[Tensor]) -> None:
        """The means over all real images, given their summaries (N, count) in batches."""
        count = 0
        products = [torch.zeros_like(precision, dtype=torch.float64) for precision in self.precisions]
        for mean in (self.real, self.square):
            mean.zero_()
        for found in summaries:
            count += len(found)
            self.real += found.sum(dim=0)
            self.square += found.square().sum(dim=0)
            for product, group in zip(products, self._grouped(found.double()), strict=True):
                product += group.T @ group
        for mean in (self.real, self.square):
            mean /= count
        means, variances = self._grouped(self.real.double()), self._grouped(self._variance().double())
        for precision, product, mean, variance in zip(self.precisions, products, means, variances, strict=True):
            precision.copy_(_precision(product / count - mean.outer(mean), variance))

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

        With groups, the distance is Mahalanobis', in each group.

        The running means say where the generator is, and the batch how it moves. 0 during the first batches.
        """
        known = self.batches > _WARM_UP  # a factor, not a branch, which would wait for the device
        return known * (self._pull() * summary.mean(dim=0)).mean()

    def reset(self) -> None:
        """Restart, as for images of another size: the next batch replaces the means."""
        self.batches.zero_()

    def _pull(self) -> Tensor:
        if not self.precisions:
            return self._difference() / self._variance()
        groups = zip(self.precisions, self._grouped(self._difference()), strict=True)
        return torch.cat([precision @ difference for precision, difference in groups])

    def _grouped(self, statistics: Tensor) -> tuple[Tensor, ...]:
        return statistics.split([len(precision) for precision in self.precisions], dim=-1) if self.precisions else ()

    def _difference(self) -> Tensor:
        return self.fake - self.real

    def _variance(self) -> Tensor:
        return (self.square - self.real.square()).clamp_min(self.least_variance)


def _precision(covariance: Tensor, variance: Tensor) -> Tensor:
    """The inverse of a covariance (n, n), with a ridge; of uncorrelated statistics, that of their `variance` (n,)."""
    sd = variance.sqrt()
    units = sd.outer(sd)
    ridge = _RIDGE * torch.eye(len(sd), dtype=sd.dtype, device=sd.device)
    found: Tensor = (1 + _RIDGE) * torch.linalg.inv(covariance / units + ridge) / units
    return found


class Summaries(nn.Module):
    """The features to match: images (N, 1, R, R) in [-1, 1] to summaries (N, `count`) of all maps of several views.
    `groups` are their sizes, one kind of summary of one map after the other.

    Images are not augmented here: what augmentation hid from the moments would stay wrong. Images of more than 128 px
    are reduced, as they are for the heads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.networks = nn.ModuleList(EfficientNetLite(size) for size in range(3))
        blank = torch.zeros(1, 1, 64, 64)
        with torch.no_grad():
            maps = [values for size, side in _VIEWS for values in self.networks[size](blank, side)]
        self.groups = [values.shape[1] for values in maps for _ in range(_KINDS)]
        self.count = sum(self.groups)

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
