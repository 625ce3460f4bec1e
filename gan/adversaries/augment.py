"""Fixed augmentation of what the discriminator sees, real and generated images alike.

It is differentiable, so the generator learns through it, and it does not leak into the generated images
as long as each image is often left unchanged (Zhao 2020,
arXiv:2006.10738; Karras 2020, arXiv:2006.06676).
"""

from __future__ import annotations

import torch
from torch import Tensor

from gan.adversaries.step_rng import StepRng

APPLIED = 0.6  # probability; below about .8 augmentation does not leak into the images (Karras 2020, section 2.2)


def translation_cutout(images: Tensor, rng: StepRng) -> Tensor:
    """A shift of up to 1/8, and a hidden square of half the side.

    `images` (N, 1, H, W) in [-1, 1]; each image has random numbers of its own, and each of the two changes has
    probability `APPLIED`. Brightness and contrast, which Zhao 2020 changes too, are left alone: a discriminator
    that is used to any contrast accepts generated mammograms with half the contrast of real ones
    (docs/training-notes.md).
    """
    for change in (_translate, _cutout):
        applied = rng.uniform(1, 1, 1) < APPLIED
        images = torch.where(applied, change(images, rng), images)
    return images


def _translate(images: Tensor, rng: StepRng, share: float = 1 / 8) -> Tensor:
    """Shift by whole pixels; the edge is filled with mid-grey."""
    n, _, height, width = images.shape
    reach = int(height * share)
    padded = torch.nn.functional.pad(images[:, 0], (reach,) * 4)
    down, right = (rng.integers(0, 2 * reach + 1, 1, 1) for _ in range(2))
    rows = down + torch.arange(height, device=images.device)[:, None]
    columns = right + torch.arange(width, device=images.device)
    each = torch.arange(n, device=images.device)[:, None, None]
    return padded[each, rows, columns].unsqueeze(1)


def _cutout(images: Tensor, rng: StepRng, share: float = 0.5) -> Tensor:
    """Hide a square whose centre lies anywhere in the image."""
    height, width = images.shape[2:]
    half = int(height * share) // 2
    centre_row, centre_column = rng.integers(0, height, 1, 1), rng.integers(0, width, 1, 1)
    rows = (torch.arange(height, device=images.device)[:, None] - centre_row).abs() < half
    columns = (torch.arange(width, device=images.device) - centre_column).abs() < half
    return images * ~(rows & columns).unsqueeze(1)
