"""An adversary that judges images: a network that learns from pixels, seen through adaptive augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch
from torch import Tensor, nn

from gan.adversaries.ada import AdaptiveAugmentation
from gan.adversaries.adversary import Part
from gan.adversaries.losses import discriminator_loss, generator_loss, gradient_penalty
from gan.adversaries.step_rng import StepRng


class ImageNetwork(Protocol):
    """A network from images (N, 1, R, R) in [-1, 1] to logits (N,); larger means more real. It can grow."""

    def __call__(self, images: Tensor) -> Tensor: ...

    def grown(self, seed: int) -> nn.Module: ...

    def fade(self, blend: float) -> None: ...


class ImageAdversary:
    """A discriminator of images with logistic losses, and a gradient penalty every `r1_every` steps.

    The penalty is R1, weighted by that number. It sees images through augmentation aimed at `ada_target` (0: none).
    With `relativistic`, each real image is paired with a generated one, only the difference of their logits counts, and
    generated images are penalised too (R2), as Huang et al. 2024 do (arXiv:2501.05441). Satisfies
    `gan.adversaries.adversary.Adversary`.
    """

    def __init__(
        self,
        network: nn.Module,
        r1_gamma: float,
        r1_every: int,
        ada_target: float = 0.0,
        ada_kimg: float = 1.0,
        relativistic: bool = False,
    ) -> None:
        self.augmentation = AdaptiveAugmentation(ada_target, ada_kimg)
        self.trained = network
        self.r1_gamma, self.period, self.relativistic = r1_gamma, r1_every, relativistic
        self.real_sign = torch.zeros(())

    @property
    def parts(self) -> list[Part]:
        # A penalty every k steps replaces k penalties, so Adam sees k + 1 gradients in k steps
        # (Karras 2020, arXiv:1912.04958, appendix B).
        return [Part(self.trained, lazy=self.period / (self.period + 1))]

    @property
    def state(self) -> nn.Module:
        return nn.ModuleDict({"discriminator": self.trained, "augmentation": self.augmentation})

    def view(self, images: Tensor, rng: StepRng, single: Tensor | None) -> list[Tensor]:  # noqa: ARG002 - the interface's
        seen: Tensor = self.augmentation(images, rng)
        return [seen]

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        (real_images,), (fake_images,) = real, fake
        penalty = torch.zeros((), device=real_images.device)
        if step % self.period == 0:
            real_images = real_images.detach().requires_grad_(True)
            fake_images = fake_images.detach().requires_grad_(self.relativistic)
            with torch.autocast(real_images.device.type, enabled=False):  # second derivatives need full precision
                real_logits, fake_logits = self.trained(real_images), self.trained(fake_images)
                penalty = gradient_penalty(real_images, real_logits)
                if self.relativistic:
                    penalty = penalty + gradient_penalty(fake_images, fake_logits)
        else:
            # One pass for both: the deviation channel is taken within groups of neighbours, so kinds do not mix.
            real_logits, fake_logits = self.trained(torch.cat([real_images, fake_images])).chunk(2)
        loss = discriminator_loss(real_logits, fake_logits, self.relativistic)
        margin = real_logits - fake_logits if self.relativistic else real_logits
        self.real_sign = margin.detach().sign().mean()
        return loss + penalty * (self.r1_gamma / 2 * self.period), loss.detach()

    def generator_loss(self, fake: list[Tensor], real: list[Tensor]) -> Tensor:
        if not self.relativistic:
            return generator_loss(self.trained(fake[0]))
        with torch.no_grad():
            real_logits = self.trained(real[0])
        return generator_loss(self.trained(fake[0]) - real_logits)

    def adapt(self, batch: int, mean: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        if self.augmentation.target > 0:
            self.augmentation.adapt(self.real_sign, batch, mean)
        return {"ada_p": self.augmentation.p.clone(), "real_sign": self.real_sign}

    def prepare(self, real: Callable[[], Iterable[Tensor]]) -> None:
        """Nothing is learned in advance."""

    def grow(self, seed: int) -> None:
        self.trained = self.trained.grown(seed)  # type: ignore[operator]

    def fade(self, blend: float) -> None:
        self.trained.fade(blend)  # type: ignore[operator]
