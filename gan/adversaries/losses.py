"""The losses that the two networks minimise."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Non-saturating logistic loss, -log sigma(D(G(z))) on average (Goodfellow 2014)."""
    return F.softplus(-fake_logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, relativistic: bool = False) -> Tensor:
    """Logistic loss, -log sigma(D(x)) - log(1 - sigma(D(G(z)))) on average.

    The relativistic one is -log sigma(D(x) - D(G(z))) over pairs (Jolicoeur-Martineau 2018, arXiv:1807.00734).
    """
    if relativistic:
        return F.softplus(fake_logits - real_logits).mean()
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def gradient_penalty(images: Tensor, logits: Tensor) -> Tensor:
    """Mean over images of the summed squared gradient of D at them: R1 for real images, R2 for generated ones.

    `images` must require gradients. The caller multiplies by gamma / 2 (Mescheder 2018, arXiv:1801.04406).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
