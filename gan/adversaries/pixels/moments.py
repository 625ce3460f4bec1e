"""Moments of pixels: the strength of fine detail of every kind, matched between generated and real images.

What frozen networks do not see at the scale of a pixel, a discriminator of pixels has to find first; here fixed random
filters measure it. Within one image the energies of all filters rise and fall together with its contrast, so that
what tells two textures apart is their ratios: the energies are compared as logarithms, whitened by how they vary and
covary among real images. What lies along the borders (`gan.adversaries.pixels.borders`), where things are and how sharp
specks are (`gan.adversaries.pixels.layout`) are compared besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn

from gan.adversaries.adversary import Part
from gan.adversaries.moments import LEAST, Moments
from gan.adversaries.pixels import borders, layout
from gan.adversaries.pixels.log_energies import LogEnergies
from gan.adversaries.step_rng import StepRng

_MANY = 4  # training images for each statistic of a kind, counted in all their symmetric forms
_LEAST_WHITE = 0.1  # of a whitened statistic of fewer, which would decide by what they happen not to differ in
_LEAST_VARIANCE = 1e-2  # of the mean one: how little images differ in the rest is known too badly from hundreds


class PixelMoments:
    """Draws the generator towards the mean and the spread of fine detail in real images; nothing in it learns.

    `weight` is that of half the squared distance, whose unit is the SD among real images, averaged over the statistics
    of a kind and over kinds: few statistics count as much as many.
    Satisfies `gan.adversaries.adversary.Adversary`.
    """

    period = 1

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.detail = LogEnergies()
        counts = (*self.detail.counts, borders.COUNT, layout.LAYOUT, layout.TAILS)
        self.whitening = nn.ModuleList(Whitening(count) for count in counts)
        self.moments = nn.ModuleList(Moments(2 * count) for count in counts)
        self.trained: nn.Module = nn.Identity()
        self.state: nn.Module = nn.ModuleDict(
            {"detail": self.detail, "whitening": self.whitening, "moments": self.moments}
        )
        self._batch_means: list[Tensor] = []

    @property
    def parts(self) -> list[Part]:
        return []

    def view(self, images: Tensor, rng: StepRng, single: Tensor | None) -> list[Tensor]:  # noqa: ARG002 - the interface's
        """The statistics (n, 2 x count), kind by kind, of generated images from a single code; nothing of real ones."""
        if single is None:
            return []
        return self._statistics(images[single] if single.any() else images)

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:  # noqa: ARG002 - the interface's
        self._batch_means = [found.detach().mean(dim=0) for found in fake]
        nothing = torch.zeros((), device=fake[0].device)
        return nothing, nothing

    def generator_loss(self, fake: list[Tensor], real: list[Tensor]) -> Tensor:  # noqa: ARG002 - the interface's
        """0, with the gradient of the distance: its value is not comparable with the other losses."""
        losses = [moments.loss(found) for moments, found in zip(self._moments, fake, strict=True)]
        matching = self.weight * torch.stack(losses).mean()
        return matching - matching.detach()

    def adapt(self, batch: int, mean: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:  # noqa: ARG002 - the interface's
        for moments, found in zip(self._moments, self._batch_means, strict=True):
            moments.update(mean(found))
        apart = torch.stack([moments.distance() for moments in self._moments])
        return {"pixel_distance": apart.square().mean().sqrt()}

    @torch.no_grad()
    def prepare(self, real: Callable[[], Iterable[Tensor]]) -> None:
        """Learn from all training images how energies vary, and then their moments; once for each size."""
        if self._moments[0].batches:
            return
        for whitening, found in zip(self.whitening, zip(*map(self._tables, real()), strict=True), strict=True):
            cast(Whitening, whitening).fit(torch.cat(found))
        for moments, found in zip(self._moments, zip(*map(self._statistics, real()), strict=True), strict=True):
            few = sum(map(len, found)) < _MANY * found[0].shape[1] / 2
            moments.set_real(found, _LEAST_WHITE if few else LEAST)

    def grow(self, seed: int) -> None:  # noqa: ARG002 - the interface's
        for moments in self._moments:
            moments.reset()

    def fade(self, blend: float) -> None:
        """There are no layers to fade in."""

    def _tables(self, images: Tensor) -> tuple[Tensor, ...]:
        return (*self.detail(images), borders.border_statistics(images), layout.layout(images), layout.tails(images))

    @property
    def _moments(self) -> list[Moments]:
        return cast(list[Moments], [*self.moments])

    def _statistics(self, images: Tensor) -> list[Tensor]:
        # The rounding of bfloat16 would exceed what is left to match.
        with torch.autocast(images.device.type, enabled=False):
            found = zip(self.whitening, self._tables(images.float()), strict=True)
            white = (whitening(statistics) for whitening, statistics in found)
            return [torch.cat([values, values.square()], dim=1) for values in white]


class Whitening(nn.Module):
    """Statistics (N, count) to uncorrelated ones with mean 0 and SD 1 over the images it was fitted to."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("matrix", torch.eye(count))
        self.mean: Tensor
        self.matrix: Tensor

    @torch.no_grad()
    def fit(self, statistics: Tensor) -> None:
        x = statistics.double()
        self.mean.copy_(x.mean(dim=0))
        variances, axes = torch.linalg.eigh((x - x.mean(dim=0)).T.cov())
        least = _LEAST_VARIANCE * variances.mean()
        self.matrix.copy_(axes / variances.clamp_min(least).sqrt())

    def forward(self, statistics: Tensor) -> Tensor:
        white: Tensor = (statistics - self.mean) @ self.matrix
        return white
