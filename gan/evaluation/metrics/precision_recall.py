"""Improved precision and recall of generated images, by nearest neighbours in a feature space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

K = 3  # neighbours


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares in [0, 1]: of generated images near real ones, and of real images near generated ones."""

    precision: float
    recall: float


def precision_recall(real: Tensor, fake: Tensor, k: int = K) -> PrecisionRecall:
    """How many generated images look real (precision), and how much of the real variety is generated (recall).

    An image is near a set if it lies no further from some member than that member's k-th nearest neighbour does.

    Parameters
    ----------
    real, fake : torch.Tensor, float64, shapes (N, D) and (M, D)
        Features of real and of generated images (`gan.pooled_features`).
    k : int, 1 to min(N, M) - 1
        The neighbour whose distance is the radius around each image.

    Returns
    -------
    PrecisionRecall
        `precision` and `recall`, both in [0, 1]; smaller is worse. Two real sets get less than 1, too.

    References
    ----------
    Kynkäänniemi et al. (2019), "Improved precision and recall metric for assessing generative models",
    arXiv:1904.06991. Tested against a search by brute force.

    Examples
    --------
    >>> import gan, torch
    >>> rng = torch.Generator().manual_seed(0)
    >>> real, fake = (torch.randn(200, 8, generator=rng, dtype=torch.float64) for _ in range(2))
    >>> narrow = gan.precision_recall(real, 0.5 * fake)
    >>> narrow.precision, narrow.recall
    (1.0, 0.195)
    """
    pairs = distance_pairs(real, fake)
    return pairs.precision_recall(
        torch.ones(len(real), dtype=torch.float64), torch.ones(len(fake), dtype=torch.float64), k
    )


@dataclass(frozen=True)
class DistancePairs:
    """The distances of all pairs of images, computed once, from which both follow for any weights of the images."""

    within_real: Tensor  # (N, N), infinite from an image to itself
    within_fake: Tensor  # (M, M), likewise
    across: Tensor  # (N, M)

    def precision_recall(self, real: Tensor, fake: Tensor, k: int = K) -> PrecisionRecall:
        """With float64 weights (N,) and (M,): how often each image is in a bootstrap sample."""
        rows, columns = real > 0, fake > 0
        across = self.across[rows][:, columns]
        # Radii are taken among different images: a repeated one is not its own neighbour.
        real_radius = self.within_real[rows][:, rows].kthvalue(k, dim=1).values
        fake_radius = self.within_fake[columns][:, columns].kthvalue(k, dim=1).values
        near_real = (across <= real_radius[:, None]).any(dim=0).double()
        near_fake = (across <= fake_radius[None]).any(dim=1).double()
        return PrecisionRecall(
            float(fake[columns] @ near_real / fake.sum()), float(real[rows] @ near_fake / real.sum())
        )


def distance_pairs(real: Tensor, fake: Tensor) -> DistancePairs:
    """All pairs of features (N, D) and (M, D)."""
    return DistancePairs(
        torch.cdist(real, real).fill_diagonal_(torch.inf),
        torch.cdist(fake, fake).fill_diagonal_(torch.inf),
        torch.cdist(real, fake),
    )
