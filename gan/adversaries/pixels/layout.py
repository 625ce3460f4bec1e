"""Where things are in an image, and how sharp its specks are: what energies over all positions cannot show.

Frozen networks' features are averaged over positions before their moments are compared, so that lesions could be off
the middle of patches, or contrast be where patches have none. And a few bright specks hardly change an energy, although
the eye goes to them at once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gan.networks.layers import blur

_PLACES = 8  # along each side
_SCALES = 4  # of detail whose tails are compared, each half as fine as the one before
_POWERS = (3, 6, 12)  # the higher, the fewer pixels count
_NONE = 1e-8  # where nothing is brighter, or darker, than its surround
_LEAST = 0.1  # of what is brighter, or darker, than its surround, in units of the RMS
_FLOOR = 0.1 / 255  # of an amplitude, well below that of any detail in 8 bits
LAYOUT, TAILS = 2 * _PLACES**2, _SCALES * 2 * len(_POWERS)


def layout(images: Tensor) -> Tensor:
    """Of images (N, 1, R, R) in [-1, 1], R at least 8: (N, `LAYOUT`).

    By how many SD of all places each one is brighter than they are on average, since most images have little contrast
    and few have much; and half the log of the energy of its fine detail.
    """
    level = F.adaptive_avg_pool2d(images, _PLACES)
    level = level - level.mean(dim=(2, 3), keepdim=True)
    contrast = (level.square().mean(dim=(2, 3), keepdim=True) + _FLOOR**2).sqrt()
    detail = F.adaptive_avg_pool2d((images - blur(images)).square(), _PLACES)
    return torch.cat([level / contrast, (detail + _FLOOR**2).log() / 2], dim=1).flatten(1)


def tails(images: Tensor) -> Tensor:
    """Of images (N, 1, R, R) in [-1, 1], (N, `TAILS`): how far the brightest and the darkest specks exceed the rest.

    By scale, the log of power means of what is brighter than its surround, and of what is darker, over the RMS of all.
    """
    found = []
    for scale in range(_SCALES):
        smooth = blur(images)
        detail = (images - smooth).flatten(1)
        rms = (detail.square().mean(dim=1, keepdim=True) + _FLOOR**2).sqrt()
        for side in (detail, -detail):
            beyond = side.clamp_min(0) / rms
            # Relative to the largest, so that no power of it overflows.
            largest = beyond.amax(dim=1, keepdim=True).clamp_min(_LEAST)
            share = beyond / largest
            found += [((share**power).mean(dim=1) + _NONE).log() / power + largest[:, 0].log() for power in _POWERS]
        images = F.avg_pool2d(smooth, 2) if scale < _SCALES - 1 else images
    return torch.stack(found, dim=1)
