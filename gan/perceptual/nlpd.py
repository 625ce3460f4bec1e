"""Normalised Laplacian pyramid distance: local luminance subtraction and contrast gain control, as in early vision."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from data.errors import LookalikeError

SCALES = 6  # five band-pass levels and the low-pass residual
SMALLEST_PX = 4
# Fitted to natural images by Laparra et al. (2016), as in plenoptic: semi-saturation of each level, and the weights of
# a coefficient's neighbours (above, left, right, second to the right, below) in its gain.
_SATURATION = (0.0248, 0.0185, 0.0179, 0.0191, 0.0220, 0.2782)
_NEIGHBOURS = (
    (0.1011, 0.1493, 0.1460, 0.0072, 0.1015),
    (0.0757, 0.1986, 0.1846, 0.0, 0.0837),
    (0.0477, 0.2138, 0.2243, 0.0, 0.0467),
    (0.0, 0.2503, 0.2616, 0.0, 0.0),
    (0.0, 0.2598, 0.2552, 0.0, 0.0),
    (0.0, 0.2215, 0.0717, 0.0, 0.0),
)
_PLACES = ((1, 2), (2, 1), (2, 3), (2, 4), (3, 2))  # of the neighbours in a 5 x 5 kernel
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def nlpd(first: Tensor, second: Tensor) -> Tensor:
    """Normalised Laplacian pyramid distance of pairs of images.

    The root mean square difference of the normalised pyramids at each level, averaged over levels. It can be
    differentiated, except where both images are the same.

    Parameters
    ----------
    first, second : torch.Tensor, shape (N, 1, H, W)
        P-values in [0, 1]; one of them may be a single image.

    Returns
    -------
    torch.Tensor, shape (N,)
        Distances; 0 for equal images. Unrelated natural images are about 1.3 apart.

    Raises
    ------
    LookalikeError
        If the images are of other shapes, differ in size, or are smaller than 4 pixels.

    References
    ----------
    Laparra, Ballé, Berardino & Simoncelli (2016), "Perceptual image quality assessment using a normalized Laplacian
    pyramid", Human Vision and Electronic Imaging.

    Examples
    --------
    >>> import gan, torch
    >>> ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    >>> gan.nlpd(ramp, ramp.flip(3)) > gan.nlpd(ramp, 0.9 * ramp)
    tensor([True])
    """
    if first.shape[-2:] != second.shape[-2:]:
        raise LookalikeError(
            "wrong-size", f"images are {tuple(first.shape[-2:])} and {tuple(second.shape[-2:])} px; resize one of them"
        )
    return band_distance(normalised_pyramid(first), normalised_pyramid(second))


def normalised_pyramid(images: Tensor) -> list[Tensor]:
    """The levels of images (N, 1, H, W), fine to coarse; level k is (N, 1, H / 2^k, W / 2^k).

    Six levels as published; fewer where an image is smaller than 64 pixels, the residual keeping its own gain. Raises
    `LookalikeError` for another shape, or fewer than 4 pixels.
    """
    if images.ndim != 4 or images.shape[1] != 1 or min(images.shape[-2:]) < SMALLEST_PX:
        raise LookalikeError(
            "wrong-size",
            f"images have shape {tuple(images.shape)}; NLPD needs (N, 1, rows, columns), {SMALLEST_PX} px or more",
        )
    levels: list[Tensor] = []
    while len(levels) < SCALES - 1 and min(images.shape[-2:]) >= SMALLEST_PX:
        smaller = _halve(images)
        levels.append(_normalise(images - _double(smaller, images.shape), len(levels)))
        images = smaller
    return [*levels, _normalise(images, SCALES - 1)]


def band_distance(first: list[Tensor], second: list[Tensor]) -> Tensor:
    """Root mean square difference per level, averaged over levels, (N,); each level is (N, ...)."""
    bands = [(one - other).flatten(1).square().mean(dim=1).sqrt() for one, other in zip(first, second, strict=True)]
    return torch.stack(bands).mean(dim=0)


def _normalise(level: Tensor, scale: int) -> Tensor:
    """Divide by the semi-saturation and the weighted contrast around each coefficient."""
    kernel = level.new_zeros(1, 1, 5, 5)
    for (row, column), weight in zip(_PLACES, _NEIGHBOURS[scale], strict=True):
        kernel[0, 0, row, column] = weight
    return level / (_SATURATION[scale] + F.conv2d(level.abs(), kernel, padding=2))


def _binomial(like: Tensor) -> Tensor:
    line = like.new_tensor(_BINOMIAL)
    return torch.outer(line, line)[None, None]


def _halve(images: Tensor) -> Tensor:
    return F.conv2d(F.pad(images, (2, 2, 2, 2), mode="reflect"), _binomial(images), stride=2)


def _double(images: Tensor, shape: torch.Size) -> Tensor:
    """Interpolate to the size of `shape`; beyond the border the image goes on as its mirror image."""
    rows, columns = shape[-2:]
    mode = "reflect" if min(images.shape[-2:]) > 1 else "replicate"
    wider = F.pad(images, (1, 1, 1, 1), mode=mode)
    # Four times the blur: three of four pixels are zeros before it.
    grown = F.conv_transpose2d(wider, 4 * _binomial(images), stride=2)
    return grown[..., 4 : 4 + rows, 4 : 4 + columns]
