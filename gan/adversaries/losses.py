"""The losses that the two networks minimise."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Non-saturating logistic loss, -log sigma(D(G(z))) on average (Goodfellow 2014)."""
    return F.softplus(-fake_logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Logistic loss, -log sigma(D(x)) - log(1 - sigma(D(G(z)))) on average."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def r1_penalty(real_images: Tensor, real_logits: Tensor) -> Tensor:
    """Mean over images of the summed squared gradient of D at real images (Mescheder 2018, arXiv:1801.04406).

    `real_images` must require gradients. The caller multiplies by gamma / 2.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real_images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
