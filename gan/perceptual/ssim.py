"""Structural similarity (Wang et al. 2004)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from data.errors import LookalikeError

_WINDOW_PX, _SIGMA_PX = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2  # for P-values in [0, 1]


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Structural similarity of pairs of images, averaged over all places where the window fits.

    Parameters
    ----------
    first, second : torch.Tensor, shape (N, 1, H, W)
        P-values in [0, 1]; one of them may be a single image.

    Returns
    -------
    torch.Tensor, shape (N,)
        1 for equal images, about 0 for unrelated ones, at least -1.

    Raises
    ------
    LookalikeError
        If the images differ in size or are smaller than 11 px.

    References
    ----------
    Wang, Bovik, Sheikh & Simoncelli (2004), "Image quality assessment: from error visibility to structural
    similarity", IEEE Transactions on Image Processing 13, 600-612.

    Examples
    --------
    >>> import gan, torch
    >>> image = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> gan.ssim(image, image), gan.ssim(image, image.flip(3)) < 0.2
    (tensor([1.]), tensor([True]))
    """
    if first.shape[-2:] != second.shape[-2:] or min(first.shape[-2:]) < _WINDOW_PX:
        raise LookalikeError(
            "wrong-size",
            f"images are {tuple(first.shape[-2:])} and {tuple(second.shape[-2:])} px; SSIM needs one size, "
            f"{_WINDOW_PX} px or more",
        )
    return from_moments(local_moments(first), local_moments(second))


def local_moments(images: Tensor) -> list[Tensor]:
    """What SSIM needs of images (N, 1, H, W) one by one: themselves, local means, local variances."""
    mean = _window(images)
    return [images, mean, _window(images.square()) - mean.square()]


def from_moments(first: list[Tensor], second: list[Tensor]) -> Tensor:
    """SSIM (N,) from `local_moments` of both images."""
    (images, mean, variance), (others, other_mean, other_variance) = first, second
    covariance = _window(images * others) - mean * other_mean
    luminance = (2 * mean * other_mean + _C1) / (mean.square() + other_mean.square() + _C1)
    structure = (2 * covariance + _C2) / (variance + other_variance + _C2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _window(images: Tensor) -> Tensor:
    places = torch.arange(_WINDOW_PX, dtype=images.dtype, device=images.device) - _WINDOW_PX // 2
    line = torch.exp(-places.square() / (2 * _SIGMA_PX**2))
    line = line / line.sum()
    return F.conv2d(F.conv2d(images, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))
