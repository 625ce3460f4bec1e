"""Augmentation inside the adversarial game: what D sees, real and generated alike.

Differentiable, so the generator learns through it, and applied to both kinds, so it does not leak
into what is generated as long as each image is often left unchanged (Zhao 2020,
arXiv:2006.10738; Karras 2020, arXiv:2006.06676).
"""

from __future__ import annotations

import torch
from torch import Tensor

APPLIED = 0.6  # below about .8 what is generated stays clean of the changes (Karras 2020, section 2.2)


def color_translation_cutout(images: Tensor) -> Tensor:
    """Brightness ±.5, contrast x .5 to 1.5, a shift of up to 1/8, and a hidden square of half the side.

    `images` (N, 1, H, W) in [-1, 1]; each image has its own draws from PyTorch's global generator, and
    each of the four changes is made with probability `APPLIED`.
    """
    for change in (_brightness, _contrast, _translate, _cutout):
        applied = torch.rand(len(images), 1, 1, 1, device=images.device) < APPLIED
        images = torch.where(applied, change(images), images)
    return images


def _brightness(images: Tensor) -> Tensor:
    return images + _uniform(images, -0.5, 0.5)


def _contrast(images: Tensor) -> Tensor:
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return torch.lerp(mean, images, _uniform(images, 0.5, 1.5))


def _translate(images: Tensor, share: float = 1 / 8) -> Tensor:
    """Move by whole pixels; what comes in from outside is mid-grey."""
    n, _, height, width = images.shape
    reach = int(height * share)
    padded = torch.nn.functional.pad(images[:, 0], (reach,) * 4)
    down = torch.randint(0, 2 * reach + 1, (n, 1, 1), device=images.device)
    right = torch.randint(0, 2 * reach + 1, (n, 1, 1), device=images.device)
    rows = down + torch.arange(height, device=images.device)[:, None]
    columns = right + torch.arange(width, device=images.device)
    each = torch.arange(n, device=images.device)[:, None, None]
    return padded[each, rows, columns].unsqueeze(1)


def _cutout(images: Tensor, share: float = 0.5) -> Tensor:
    """Hide a square whose centre lies anywhere in the image."""
    n, _, height, width = images.shape
    half = int(height * share) // 2
    centre_row = torch.randint(0, height, (n, 1, 1), device=images.device)
    centre_column = torch.randint(0, width, (n, 1, 1), device=images.device)
    rows = (torch.arange(height, device=images.device)[:, None] - centre_row).abs() < half
    columns = (torch.arange(width, device=images.device) - centre_column).abs() < half
    return images * ~(rows & columns).unsqueeze(1)


def _uniform(images: Tensor, low: float, high: float) -> Tensor:
    return torch.rand(len(images), 1, 1, 1, device=images.device) * (high - low) + low
