"""Whitened features, in which every direction of variation among real images counts equally.

KID's kernel weights a direction by the size of its features. In raw conv4_3 features of mammograms a few directions
hold most of the variance, and the rest, where a generator's lack of variety shows, hardly counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

_MOST = 64  # principal components; of 680 CBIS-DDSM patches they hold 90% of the variance
_PATCHES_PER_COMPONENT = 4


@dataclass(frozen=True)
class Whitening:
    """Principal components of the training patches' features, each scaled to unit variance."""

    mean: Tensor = field(repr=False)  # (D,)
    axes: Tensor = field(repr=False)  # (D, K)

    @property
    def components(self) -> int:
        return self.axes.shape[1]

    def __call__(self, features: Tensor) -> Tensor:
        """Features (N, D) to (N, K)."""
        return (features - self.mean) @ self.axes


def whitening(features: Tensor) -> Whitening:
    """Fitted to features (N, D): the first 64 components, or fewer for fewer than 256 images (one per 4)."""
    mean = features.mean(dim=0)
    _, sizes, directions = torch.linalg.svd(features - mean, full_matrices=False)
    count = max(1, min(_MOST, len(features) // _PATCHES_PER_COMPONENT))
    sd = sizes[:count] / (len(features) - 1) ** 0.5
    return Whitening(mean, directions[:count].T / sd)
