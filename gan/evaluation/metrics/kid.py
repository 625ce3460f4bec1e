"""Kernel inception distance (KID): squared maximum mean discrepancy of two sets of features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gan.bootstrap import Groups


def kid(real: Tensor, fake: Tensor, real_groups: Groups | None = None, fake_groups: Groups | None = None) -> float:
    """Kernel inception distance: unbiased squared MMD with the kernel (x·y / D + 1)³.

    Zero on average for equal distributions at any number of images, so it can be slightly negative. That holds for
    independent images only: two views of one mass are more alike than two masses, which increases the value. Pairs
    within a group (patient) are therefore left out. Compare it with the KID of real against real images.

    Parameters
    ----------
    real, fake : torch.Tensor, float64, shapes (N, D) and (M, D)
        Features of real and of generated images (`gan.pooled_features`).
    real_groups, fake_groups : array of int64, shapes (N,) and (M,), optional
        The group of each image, such as its patient; without groups each image is its own.

    Returns
    -------
    float
        The distance in squared units of the kernel; larger is worse.

    References
    ----------
    Bińkowski et al. (2018), "Demystifying MMD GANs", arXiv:1801.01401, Eq. 4. Tested against scikit-learn's polynomial
    kernel and torchmetrics.

    Examples
    --------
    >>> import gan, torch
    >>> rng = torch.Generator().manual_seed(0)
    >>> real, same, shifted = (torch.randn(200, 8, generator=rng, dtype=torch.float64) for _ in range(3))
    >>> round(gan.kid(real, same), 2), round(gan.kid(real, shifted + 1), 2)
    (0.04, 7.84)
    """
    pairs = kernel_pairs(real, fake, real_groups, fake_groups)
    return pairs.kid(torch.ones(len(real), dtype=torch.float64), torch.ones(len(fake), dtype=torch.float64))


@dataclass(frozen=True)
class KernelPairs:
    """The kernel of all pairs of images, computed once, from which KID follows for any weights of the images."""

    within_real: Tensor  # (N, N), 0 where a pair does not count
    within_fake: Tensor  # (M, M), likewise
    across: Tensor  # (N, M)
    counted_real: Tensor  # (N, N): 1 where a pair counts, 0 within a group
    counted_fake: Tensor  # (M, M), likewise

    def kid(self, real: Tensor, fake: Tensor) -> float:
        """KID with float64 weights (N,) and (M,): how often each image is in a bootstrap sample.

        An image that is in the sample twice makes no pair with itself.
        """
        value = real @ self.within_real @ real / (real @ self.counted_real @ real)
        value = value + fake @ self.within_fake @ fake / (fake @ self.counted_fake @ fake)
        return float(value - 2 * (real @ self.across @ fake) / (real.sum() * fake.sum()))


def kernel_pairs(
    real: Tensor, fake: Tensor, real_groups: Groups | None = None, fake_groups: Groups | None = None
) -> KernelPairs:
    """All pairs of features (N, D) and (M, D), but those within a group."""
    counted_real, counted_fake = _counted(len(real), real_groups), _counted(len(fake), fake_groups)
    within_real, within_fake = _polynomial(real, real) * counted_real, _polynomial(fake, fake) * counted_fake
    return KernelPairs(within_real, within_fake, _polynomial(real, fake), counted_real, counted_fake)


def _counted(count: int, groups: Groups | None) -> Tensor:
    names = torch.arange(count) if groups is None else torch.from_numpy(groups)
    return (names[:, None] != names[None]).double()


def _polynomial(x: Tensor, y: Tensor) -> Tensor:
    kernel: Tensor = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel
