"""Distances between two sets of images in a feature space. Features are (N, D) float64 tensors.

`real` comes first, `fake` second. None is meaningful without the value of real against real at the
same numbers of images beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gan.bootstrap import Groups


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares in [0, 1]: of generated images near real ones, and of real images near generated ones."""

    precision: float
    recall: float


def kid(real: Tensor, fake: Tensor, real_groups: Groups | None = None, fake_groups: Groups | None = None) -> float:
    """Kernel inception distance: unbiased squared MMD with the kernel (x·y / D + 1)³ over all pairs.

    Bińkowski et al. 2018, arXiv:1801.01401, Eq. 4. Zero on average for equal distributions at any
    number of images, so it can come out slightly negative. That holds for independent images only:
    two views of one mass are more alike than two masses, which lifts the value. Pairs within one of
    the `groups` (patients) are therefore left out; without groups each image is its own.
    """
    return compare(real, fake, real_groups, fake_groups).kid(*_ones(real, fake))


def fid(real: Tensor, fake: Tensor) -> float:
    """Fréchet distance of Gaussians fitted to the features (Heusel et al. 2017, arXiv:1706.08500).

    Biased upwards, the more so the fewer the images. The trace of the covariances' root is taken from
    singular values of the centred features, which stays exact where there are fewer images than features.
    """
    return compare(real, fake).fid(*_ones(real, fake))


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991).

    An image is near a set if it lies within the distance of some member to that member's k-th neighbour.
    """
    return compare(real, fake).precision_recall(*_ones(real, fake), k)


@dataclass(frozen=True)
class Comparison:
    """Two sets of features and all their pairs, computed once; each metric follows for any weights of the images.

    Weights are float64, (N,) for the real and (M,) for the generated images: how often each image is
    in a bootstrap sample. An image that is in it twice makes no pair with itself.
    """

    features: tuple[Tensor, Tensor]  # real (N, D), fake (M, D)
    kernels: tuple[Tensor, Tensor, Tensor]  # within real, within fake (0 where a pair does not count), between
    counted: tuple[Tensor, Tensor]  # within real, within fake: 1 where a pair counts, 0 within a group
    distances: tuple[Tensor, Tensor, Tensor]  # within real, within fake (infinite to itself), between (N, M)

    def kid(self, real: Tensor, fake: Tensor) -> float:
        within_real, within_fake, between = self.kernels
        same_real, same_fake = self.counted
        value = real @ within_real @ real / (real @ same_real @ real)
        value = value + fake @ within_fake @ fake / (fake @ same_fake @ fake)
        return float(value - 2 * (real @ between @ fake) / (real.sum() * fake.sum()))

    def fid(self, real: Tensor, fake: Tensor) -> float:
        means, scaled = [], []
        for features, weights in zip(self.features, (real, fake), strict=True):
            used = weights > 0
            mean = weights @ features / weights.sum()
            means.append(mean)
            scaled.append((features - mean)[used] * (weights[used, None] / (weights.sum() - 1)).sqrt())
        root = torch.linalg.svdvals(scaled[0] @ scaled[1].T).sum()
        traces = scaled[0].square().sum() + scaled[1].square().sum()
        return float((means[0] - means[1]).square().sum() + traces - 2 * root)

    def precision_recall(self, real: Tensor, fake: Tensor, k: int = 3) -> PrecisionRecall:
        rows, columns = real > 0, fake > 0
        within_real, within_fake, between = self.distances
        between = between[rows][:, columns]
        # Radii are taken among different images: a repeated one is no neighbour of itself.
        real_radius = within_real[rows][:, rows].kthvalue(k, dim=1).values
        fake_radius = within_fake[columns][:, columns].kthvalue(k, dim=1).values
        near_real = (between <= real_radius[:, None]).any(dim=0).double()
        near_fake = (between <= fake_radius[None]).any(dim=1).double()
        return PrecisionRecall(
            float(fake[columns] @ near_real / fake.sum()), float(real[rows] @ near_fake / real.sum())
        )


def compare(
    real: Tensor, fake: Tensor, real_groups: Groups | None = None, fake_groups: Groups | None = None
) -> Comparison:
    """All pairs of two sets of features. Pairs within one of the groups do not count towards KID."""
    counted = (_counted(len(real), real_groups), _counted(len(fake), fake_groups))
    kernels = (
        _polynomial(real, real) * counted[0],
        _polynomial(fake, fake) * counted[1],
        _polynomial(real, fake),
    )
    distances = (
        torch.cdist(real, real).fill_diagonal_(torch.inf),
        torch.cdist(fake, fake).fill_diagonal_(torch.inf),
        torch.cdist(real, fake),
    )
    return Comparison((real, fake), kernels, counted, distances)


def _counted(count: int, groups: Groups | None) -> Tensor:
    names = torch.arange(count) if groups is None else torch.from_numpy(groups)
    return (names[:, None] != names[None]).double()


def _polynomial(x: Tensor, y: Tensor) -> Tensor:
    kernel: Tensor = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _ones(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    return torch.ones(len(real), dtype=torch.float64), torch.ones(len(fake), dtype=torch.float64)
