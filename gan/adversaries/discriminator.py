"""The interface of everything that a generator is trained against, and StyleGAN v1's own discriminator."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.adversaries.ada import AdaptiveAugmentation
from gan.adversaries.losses import discriminator_loss, generator_loss, r1_penalty
from gan.adversaries.step_rng import StepRng
from gan.networks.generator import Architecture
from gan.networks.layers import SLOPE, DownConv, EqualConv, EqualLinear, minibatch_deviation


class Adversary(Protocol):
    """A discriminator with its losses.

    `view` does what both losses of the same images share, and keeps the graph back to them. `trained` is the
    part that learns and `state` everything that a run resumes from. `rate` is its learning rate relative to the
    generator's; `lazy` is the factor by which Adam is slowed to allow for a penalty that is applied only every few
    steps.
    """

    rate: float
    lazy: float

    @property
    def trained(self) -> nn.Module: ...

    @property
    def state(self) -> nn.Module: ...

    def view(self, images: Tensor, rng: StepRng) -> list[Tensor]:
        """Images (N, 1, R, R) in [-1, 1] as the trained part sees them."""
        ...

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        """The loss that the trained part minimises, and the same without penalties, for the log."""
        ...

    def generator_loss(self, fake: list[Tensor]) -> Tensor:
        """The loss that the generator minimises."""
        ...

    def adapt(self, batch: int, mean: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        """Called once per step after the loss, with the size of the whole batch and an average over processes.

        Returns what to log about the adversary.
        """
        ...


class StyleGanAdversary:
    """The paper's discriminator: logistic losses, and an R1 penalty every `r1_every` steps, weighted by that number.

    It sees images through adaptive augmentation aimed at `ada_target` (0: no augmentation).
    """

    rate = 1.0

    def __init__(
        self, architecture: Architecture, r1_gamma: float, r1_every: int, ada_target: float = 0.0, ada_kimg: float = 1.0
    ) -> None:
        self.augmentation = AdaptiveAugmentation(ada_target, ada_kimg)
        self.trained: Discriminator = Discriminator(architecture)
        self.r1_gamma, self.r1_every = r1_gamma, r1_every
        # A penalty every k steps replaces k penalties, so Adam sees k + 1 gradients in k steps
        # (Karras 2020, arXiv:1912.04958, appendix B).
        self.lazy = r1_every / (r1_every + 1)
        self.real_sign = torch.zeros(())

    @property
    def state(self) -> nn.Module:
        return nn.ModuleDict({"discriminator": self.trained, "augmentation": self.augmentation})

    def view(self, images: Tensor, rng: StepRng) -> list[Tensor]:
        seen: Tensor = self.augmentation(images, rng)
        return [seen]

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        (real_images,), (fake_images,) = real, fake
        penalty = torch.zeros((), device=real_images.device)
        if step % self.r1_every == 0:
            real_images = real_images.detach().requires_grad_(True)
            with torch.autocast(real_images.device.type, enabled=False):  # second derivatives need full precision
                real_logits, fake_logits = self.trained(real_images), self.trained(fake_images)
                penalty = r1_penalty(real_images, real_logits)
        else:
            # One pass for both: the deviation channel is taken within groups of neighbours, so kinds do not mix.
            real_logits, fake_logits = self.trained(torch.cat([real_images, fake_images])).chunk(2)
        loss = discriminator_loss(real_logits, fake_logits)
        self.real_sign = real_logits.detach().sign().mean()
        return loss + penalty * (self.r1_gamma / 2 * self.r1_every), loss.detach()

    def generator_loss(self, fake: list[Tensor]) -> Tensor:
        return generator_loss(self.trained(fake[0]))

    def adapt(self, batch: int, mean: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        if self.augmentation.target > 0:
            self.augmentation.adapt(self.real_sign, batch, mean)
        return {"ada_p": self.augmentation.p.clone(), "real_sign": self.real_sign}


class Discriminator(nn.Module):
    """StyleGAN v1's discriminator (that of progressive GANs, with blurred down-sampling).

    Images (N, 1, R, R) in [-1, 1] to one logit each, (N,); larger means more real. While its first two
    layers are being faded in, `fading` reads the image of half the size for the layers after them, and
    `blend` in [0, 1] is the share of the new layers (`gan.training.growth`).
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
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
        self.fading: EqualConv | None = None
        self.blend = 1.0

    def forward(self, images: Tensor) -> Tensor:
        x = F.leaky_relu(self.from_grey(images), SLOPE)
        for index, block in enumerate(self.blocks):
            x = F.leaky_relu(block(x), SLOPE)
            if index == 1 and self.fading is not None:
                x = torch.lerp(F.leaky_relu(self.fading(F.avg_pool2d(images, 2)), SLOPE), x, self.blend)
        x = F.leaky_relu(self.final(minibatch_deviation(x)), SLOPE)
        x = F.leaky_relu(self.dense(x.flatten(1)), SLOPE)
        logits: Tensor = self.logit(x).squeeze(1)
        return logits.to(self.logit.weight.dtype)  # losses in full precision
