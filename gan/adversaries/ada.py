"""Adaptive discriminator augmentation for grey images (Karras et al. 2020, arXiv:2006.06676).

Every change is made with probability p, to real and generated images alike, and p is steered so
that the discriminator stays just unsure of the real images: on few images it would otherwise learn
them by heart. The paper's blitting, geometric and colour changes, those of them that grey images
have; all geometric ones of an image are one resampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.adversaries.step_rng import Draws

ADAPT_EVERY = 4  # steps
_SCALE_LOG2, _SHIFT, _CONTRAST_LOG2, _BRIGHTNESS = 0.2, 0.125, 0.5, 0.2  # Karras 2020, appendix B


class AdaptiveAugmentation(nn.Module):
    """Augmentation and its strength p, which is part of what a run goes on from.

    `target` is the mean sign of real logits aimed at, `kimg` in how many kimg p can go from 0 to 1.
    """

    p: Tensor
    signs: Tensor
    steps: Tensor

    def __init__(self, target: float, kimg: float) -> None:
        super().__init__()
        self.target, self.kimg = target, kimg
        for name in ("p", "signs", "steps"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        """Changed copies of images (N, 1, R, R) in [-1, 1]; differentiable."""
        if self.target == 0:
            return images
        return _shade(_move(images, self.p, draws), self.p, draws)

    def adapt(self, real_sign: Tensor, batch: int, mean: Callable[[Tensor], Tensor]) -> None:
        """Take in the mean sign of a step's real logits; every few steps move p by a fixed amount.

        `mean` averages over processes.
        """
        self.signs += mean(real_sign)
        self.steps += 1
        if self.steps >= ADAPT_EVERY:
            direction = torch.sign(self.signs / self.steps - self.target)
            self.p.add_(direction * batch * ADAPT_EVERY / (self.kimg * 1000)).clamp_(0, 1)
            self.signs.zero_()
            self.steps.zero_()


def _move(images: Tensor, p: Tensor, draws: Draws) -> Tensor:
    """Each image where `placements` puts it, in one resampling; what comes in from outside is mirrored at the edge."""
    placed = placements(len(images), images.shape[-1], p, draws)
    if p == 0:
        return images  # the draws above are made all the same, so that streams do not depend on p
    places = F.affine_grid(placed[:, :2].to(images.dtype), list(images.shape), align_corners=False)
    return F.grid_sample(images, places, mode="bicubic", padding_mode="reflection", align_corners=False)


def placements(count: int, side: int, p: Tensor, draws: Draws) -> Tensor:
    """Mirror, quarter turns, whole-pixel and fractional shifts, scalings and rotations: (count, 3, 3).

    Each matrix takes places in the result to places in the image, both from -1 to 1 across its `side` pixels.
    Sizes, angles and probabilities are the paper's.
    """
    grid = torch.eye(3, device=p.device).expand(count, 3, 3)
    # Whole-pixel changes first: these leave every grey level as it was.
    mirrored = _chosen(p, draws, 1 - 2.0 * draws.whole(0, 2), 1.0)
    grid = grid @ _scaling(mirrored, torch.ones_like(mirrored))
    quarters = _chosen(p, draws, draws.whole(0, 4).to(p.dtype), 0.0)
    grid = grid @ _rotation(quarters * (math.pi / 2))
    for_each = draws.between(-_SHIFT, _SHIFT, 2)
    pixels = (for_each * side).round() * (2 / side)
    grid = grid @ _translation(_chosen(p, draws, pixels, 0.0))

    scale = _chosen(p, draws, torch.exp2(draws.normal() * _SCALE_LOG2), 1.0)
    grid = grid @ _scaling(scale, scale)
    # A rotation before and one after the stretch: together they happen with probability p.
    once = 1 - torch.sqrt(torch.clamp(1 - p, min=0))
    grid = grid @ _rotation(_chosen(once, draws, draws.between(-math.pi, math.pi), 0.0))
    stretch = _chosen(p, draws, torch.exp2(draws.normal() * _SCALE_LOG2), 1.0)
    grid = grid @ _scaling(stretch, 1 / stretch)
    grid = grid @ _rotation(_chosen(once, draws, draws.between(-math.pi, math.pi), 0.0))
    return grid @ _translation(_chosen(p, draws, draws.normal(2) * (2 * _SHIFT), 0.0))


def _shade(images: Tensor, p: Tensor, draws: Draws) -> Tensor:
    """Brightness, contrast and inversion about mid-grey."""
    shift = _chosen(p, draws, draws.normal() * _BRIGHTNESS, 0.0)
    contrast = _chosen(p, draws, torch.exp2(draws.normal() * _CONTRAST_LOG2), 1.0)
    inverted = _chosen(p, draws, 1 - 2.0 * draws.whole(0, 2), 1.0)
    shift, factor = (value.view(-1, 1, 1, 1).to(images.dtype) for value in (shift, contrast * inverted))
    return (images + shift) * factor


def _chosen(p: Tensor, draws: Draws, changed: Tensor, unchanged: float) -> Tensor:
    """`changed` for images drawn with probability p, else `unchanged`."""
    drawn = draws.uniform(*([1] * (changed.dim() - 1)))
    return torch.where(drawn < p, changed, unchanged)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=1))


def _rotation(angle: Tensor) -> Tensor:
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rows = [torch.stack(row, dim=1) for row in ((cos, -sin, zero), (sin, cos, zero), (zero, zero, one))]
    return torch.stack(rows, dim=1)


def _translation(shift: Tensor) -> Tensor:
    """`shift` (N, 2), x and y, in units of half the image."""
    x, y = shift.unbind(dim=1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = [torch.stack(row, dim=1) for row in ((one, zero, x), (zero, one, y), (zero, zero, one))]
    return torch.stack(rows, dim=1)
