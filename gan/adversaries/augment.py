"""Augmentation inside the adversarial game: what D sees, real and generated alike.

Differentiable, so the generator learns through it, and applied to both kinds, so it does not leak
into what is generated as long as each image is often left unchanged (Zhao 2020,
arXiv:2006.10738; Karras 2020, arXiv:2006.06676).
"""

from __future__ import annotations

import torch
from torch import Tensor

from gan.adversaries.step_rng import Draws

APPLIED = 0.6  # below about .8 what is generated stays clean of the changes (Karras 2020, section 2.2)


def translation_cutout(images: Tensor, draws: Draws) -> Tensor:
    """A shift of up to 1/8, and a hidden square of half the side.

    `images` (N, 1, H, W) in [-1, 1]; each image has its own draws, and both changes are made with
    probability `APPLIED`. Not of brightness and contrast, which Zhao 2020 changes too: a discriminator
    that is used to any contrast lets generated mammograms have half of the real ones'
    (docs/training-notes.md).
    """
    for change in (_translate, _cutout):
        applied = draws.uniform(1, 1, 1) < APPLIED
        images = torch.where(applied, change(images, draws), images)
    return images


def _translate(images: Tensor, draws: Draws, share: float = 1 / 8) -> Tensor:
    """Move by whole pixels; what comes in from outside is mid-grey."""
    n, _, height, width = images.shape
    reach = int(height * share)
    padded = torch.nn.functional.pad(images[:, 0], (reach,) * 4)
    down, right = (draws.whole(0, 2 * reach + 1, 1, 1) for _ in range(2))
    rows = down + torch.arange(height, device=images.device)[:, None]
    columns = right + torch.arange(width, device=images.device)
    each = torch.arange(n, device=images.device)[:, None, None]
    return padded[each, rows, columns].unsqueeze(1)


def _cutout(images: Tensor, draws: Draws, share: float = 0.5) -> Tensor:
    """Hide a square whose centre lies anywhere in the image."""
    height, width = images.shape[2:]
    half = int(height * share) // 2
    centre_row, centre_column = draws.whole(0, height, 1, 1), draws.whole(0, width, 1, 1)
    rows = (torch.arange(height, device=images.device)[:, None] - centre_row).abs() < half
    columns = (torch.arange(width, device=images.device) - centre_column).abs() < half
    return images * ~(rows & columns).unsqueeze(1)
