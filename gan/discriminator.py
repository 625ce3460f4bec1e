"""What the generator plays against: one small interface, and StyleGAN v1's own discriminator behind it."""

from __future__ import annotations

import itertools
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.generator import Architecture
from gan.layers import SLOPE, DownConv, EqualConv, EqualLinear, minibatch_deviation
from gan.losses import discriminator_loss, generator_loss, r1_penalty


class Adversary(Protocol):
    """A discriminator with its losses.

    `look` does what both losses of the same images share, and keeps the graph back to them;
    `trained` is the part that learns; `rate` its learning rate in units of the generator's; `lazy`
    the share by which Adam is slowed because of a penalty that comes only now and then.
    """

    rate: float
    lazy: float

    @property
    def trained(self) -> nn.Module: ...

    def look(self, images: Tensor) -> list[Tensor]:
        """Images (N, 1, R, R) in [-1, 1] as the trained part sees them."""
        ...

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        """What the trained part minimises, and the same without penalties, for the log."""
        ...

    def generator_loss(self, fake: list[Tensor]) -> Tensor:
        """What the generator minimises."""
        ...


class StyleGanAdversary:
    """The paper's: logistic losses, and the R1 penalty every `r1_every` steps at that many times its weight."""

    rate = 1.0

    def __init__(self, architecture: Architecture, r1_gamma: float, r1_every: int) -> None:
        self.trained: nn.Module = Discriminator(architecture)
        self.r1_gamma, self.r1_every = r1_gamma, r1_every
        # The penalty every k steps stands for k penalties, so Adam sees k + 1 gradients in k steps
        # (Karras 2020, arXiv:1912.04958, appendix B).
        self.lazy = r1_every / (r1_every + 1)

    def look(self, images: Tensor) -> list[Tensor]:
        return [images]

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        penalised = step % self.r1_every == 0
        images = real[0].detach().requires_grad_(penalised)
        logits = self.trained(images)
        loss = discriminator_loss(logits, self.trained(fake[0]))
        penalty = r1_penalty(images, logits) if penalised else torch.zeros(())
        return loss + penalty * (self.r1_gamma / 2 * self.r1_every), loss.detach()

    def generator_loss(self, fake: list[Tensor]) -> Tensor:
        return generator_loss(self.trained(fake[0]))


class Discriminator(nn.Module):
    """StyleGAN v1's (that of progressive GANs, with blurred down-sampling).

    Images (N, 1, R, R) in [-1, 1] to one logit each, (N,); larger means more real.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        widths = [architecture.channels(resolution) for resolution in reversed(architecture.resolutions)]
        self.from_grey = EqualConv(1, widths[0], size=1)
        self.blocks = nn.ModuleList(
            layer
            for inputs, outputs in itertools.pairwise(widths)
            for layer in (EqualConv(inputs, inputs), DownConv(inputs, outputs))
        )
        last = widths[-1]
        self.final = EqualConv(last + 1, last)
        self.dense = EqualLinear(last * 4 * 4, last)
        self.logit = EqualLinear(last, 1, gain=1.0)

    def forward(self, images: Tensor) -> Tensor:
        x = F.leaky_relu(self.from_grey(images), SLOPE)
        for block in self.blocks:
            x = F.leaky_relu(block(x), SLOPE)
        x = F.leaky_relu(self.final(minibatch_deviation(x)), SLOPE)
        x = F.leaky_relu(self.dense(x.flatten(1)), SLOPE)
        logits: Tensor = self.logit(x).squeeze(1)
        return logits
