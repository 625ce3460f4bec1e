"""Moments of features: generated images are pulled towards the real ones' on average.

A discriminator tells images one by one, and hardly notices that a whole batch is a little too bright, too smooth or too
much alike. Matching the mean of its features (Salimans et al. 2016, arXiv:1606.03498, section 3.1) shows the generator
just that. Here the means run over many batches, so that they are known far better than from one, and the features are
those of frozen networks (VGG16, which measures, is none of them).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan.networks.efficientnet import EfficientNetLite

# Networks (EfficientNet-lite's number) and the sides to which images are resized for them. The more there are, the
# better a network that is not among them agrees (docs/training-notes.md); lite2 at 128 px would cost most of all.
_LOOKS = ((0, 64), (1, 64), (2, 64), (0, 128), (1, 128))
_KEPT_REAL, _KEPT_FAKE = 1000, 100  # batches over which the means run: real images do not change
_WARM = 40  # batches before anything is pulled: few would say where the means were not


class Moments(nn.Module):
    """Running means of `summary` over real and generated images, as buffers of `count` statistics."""

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
    def note(self, found: Tensor) -> None:
        """Move the means by a batch's: `found` (3, count) is what `of_batch` says of it."""
        self.batches += 1
        real, square, fake = found.to(self.real.dtype)
        share = 1 / self.batches
        for mean, value, kept in (
            (self.real, real, _KEPT_REAL),
            (self.square, square, _KEPT_REAL),
            (self.fake, fake, _KEPT_FAKE),
        ):
            mean.lerp_(value, share.clamp_min(1 / kept))

    def distance(self) -> Tensor:
        """Root mean square, over statistics, of the difference of means in SDs of real images."""
        return (self._difference() / self._variance().sqrt()).square().mean().sqrt()

    def pull(self, summary: Tensor) -> Tensor:
        """A loss whose gradient is that of half the squared distance, with `summary` (N, count) of generated images.

        The running means stand for where the generator is, and the batch for how it moves. 0 during the first batches.
        """
        known = self.batches > _WARM  # a factor, not a branch, which would wait for the device
        return known * (self._difference() / self._variance() * summary.mean(dim=0)).mean()

    def forget(self) -> None:
        """Begin anew, as for images of another size: the next batch replaces the means."""
        self.batches.zero_()

    def _difference(self) -> Tensor:
        return self.fake - self.real

    def _variance(self) -> Tensor:
        return (self.square - self.real.square()).clamp_min(1e-8)


class Summaries(nn.Module):
    """What is matched: images (N, 1, R, R) in [-1, 1] to the summaries (N, `count`) of all maps of several looks.

    Images are seen whole: what a discriminator's augmentation hides from the moments stays wrong. Images of more than
    128 px are seen reduced, as the heads see them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.networks = nn.ModuleList(EfficientNetLite(size) for size in range(3))
        with torch.no_grad():
            self.count = self(torch.zeros(1, 1, 64, 64)).shape[1]

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([summary(self.networks[size](images, side)) for size, side in _LOOKS], dim=1)


def summary(maps: Sequence[Tensor]) -> Tensor:
    """Statistics (N, 3 C) of each image: of every channel's map (N, c, H, W) its mean, mean square, and squared mean.

    The mean square says how much texture there is; the squared mean, averaged over images, how much images differ.
    """
    found = []
    for values in maps:
        mean = values.mean(dim=(2, 3))
        found += [mean, values.square().mean(dim=(2, 3)), mean.square()]
    return torch.cat(found, dim=1)


@torch.no_grad()
def of_batch(real: Tensor, fake: Tensor) -> Tensor:
    """What `Moments.note` is told of summaries: the mean and mean square of the real, the mean of the other."""
    return torch.stack([real.mean(dim=0), real.square().mean(dim=0), fake.mean(dim=0)])
