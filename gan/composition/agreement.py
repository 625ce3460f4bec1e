"""What a composed image keeps of its parts: texture inside, shape outside and of the outline; and whether a seam shows.

Each measure also takes what composition is compared with, so that the table shows that it tells them apart.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter, laplace
from torch import Tensor
from torch.nn import functional as F

from data.arrays import Flags, Floats, Ints
from gan.composition.parts import Part
from gan.composition.transfer import Transfer
from gan.composition.trend import detail
from gan.networks.features import Vgg16
from stimuli.images import Pixels

GRAM_LAYERS = 7  # conv1_1 to conv3_3: deeper maps have too few positions inside a lesion
# In pixels of an image of 64 px or less; they grow with larger ones.
_RING, _BESIDE = 1.0, (2.0, 6.0)
_FREE, _SMOOTH = 7.0, 2.0


def texture_correlation(image: Pixels, template: Part, transfer: Transfer) -> float:
    """Correlation of the detail of an image and of the texture, where the texture's own lesion lies in the outline.

    Detail is what differs from the trend inside the lesion (`gan.composition.trend`). 1 is the same texture in its
    place, 0 another; NaN where one of them has none.
    """
    where = transfer.known & template.inside
    made = detail(image.astype(float), template.inside.astype(float))[where]
    given = detail(transfer.image, transfer.known.astype(float))[where]
    return _correlation(made, given)


def gram_distance(image: Pixels, template: Part, transfer: Transfer, network: Vgg16) -> float:
    """Distance of the Gram matrices of an image's detail inside the outline and of the texture's in its own lesion.

    ``|G - A|^2 / |A|^2``, the mean over conv1_1 to conv3_3 of VGG16 (Gatys, Ecker & Bethge 2015, equation 4, relative
    to the texture). Features are those of the detail on mid-grey, less those of mid-grey alone. 0 is the same texture
    wherever it lies, 1 as far as no texture at all.
    """
    made = _grams(detail(image.astype(float), template.inside.astype(float)), template.inside, network)
    given = _grams(detail(transfer.image, transfer.known.astype(float)), transfer.known, network)
    shares = [
        float((a - b).square().sum() / b.square().sum().clamp_min(1e-12)) for a, b in zip(made, given, strict=True)
    ]
    return float(np.mean(shares))


def shape_correlation(image: Pixels, template: Part) -> float:
    """Correlation of the pixels outside the outline with the template's; 1 is the same surround."""
    outside = ~template.inside
    return _correlation(image[outside].astype(float), template.image[outside].astype(float))


def outline_dice(image: Pixels, template: Part) -> float:
    """Dice coefficient of the lesion segmented again, in an image and in the template, from the same markers.

    A watershed of the smoothed gradient (`skimage.segmentation.watershed`) finds the edge within 7 px (of 64) of the
    outline. It is not compared with a hand-drawn mask, which few edges of a mammogram follow: there the template itself
    scores no better than the image of another patient.
    """
    found, wanted = (_segmented(one, template.inside) for one in (image, template.image))
    return float(2 * (found & wanted).sum() / (found.sum() + wanted.sum()))


def seam(image: Pixels, template: Part) -> float:
    """Mean size of the Laplacian on the outline (1 px of 64 to either side), over that at 2 to 6 px; 1 is no seam."""
    share = max(1.0, len(image) / 64)
    away = np.abs(_signed_distance(template.inside))
    sizes = np.abs(laplace(image.astype(float), mode="mirror"))
    beside = sizes[(away > _BESIDE[0] * share) & (away <= _BESIDE[1] * share)].mean()
    return float(sizes[away <= _RING * share].mean() / max(beside, 1e-12))


def _correlation(one: Floats, other: Floats) -> float:
    if len(one) < 2 or not (one.std() and other.std()):
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


@torch.inference_mode()
def _grams(given: Floats, inside: Flags, network: Vgg16) -> list[Tensor]:
    mask = torch.from_numpy(inside.astype(np.float32))[None, None]
    pair = torch.from_numpy(np.stack([2 * given, np.zeros_like(given)]).astype(np.float32))[:, None]
    grams = []
    for maps, _ in zip(network.layers(pair), range(GRAM_LAYERS), strict=False):
        share = F.adaptive_avg_pool2d(mask, (maps.shape[-2], maps.shape[-1])).flatten()
        values = (maps[0] - maps[1]).flatten(1)
        grams.append((values * share) @ values.T / share.sum())
    return grams


def _signed_distance(inside: Flags) -> Floats:
    """Distance of pixels' centres from the outline, px: positive inside."""
    signed: Floats = np.where(inside, distance_transform_edt(inside) - 0.5, 0.5 - distance_transform_edt(~inside))
    return signed


def _segmented(image: Pixels, inside: Flags) -> Flags:
    from skimage.segmentation import watershed

    share = max(1.0, len(image) / 64)
    signed = _signed_distance(inside)
    markers: Ints = np.zeros(image.shape, np.int64)
    markers[signed >= min(_FREE * share, signed.max())] = 1
    markers[signed <= max(-_FREE * share, signed.min())] = 2
    rows, columns = np.gradient(gaussian_filter(image.astype(float), _SMOOTH * share))
    found: Flags = watershed(np.hypot(rows, columns), markers) == 1  # type: ignore[no-untyped-call]
    return found
