"""Where the breast is in a mammogram, and which side of it is the chest's.

Everything here works on a small picture of square pixels, `film`: exactness to a pixel is not needed where patches keep
a distance from what they must not show.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter, label
from skimage.filters import threshold_li
from skimage.morphology import disk, opening

from stimuli.images import Pixels, resample
from stimuli.readers.record import Image

Region = npt.NDArray[np.bool_]

LONGER_PX = 320  # of the small picture
_WHITE = 250 / 255  # P-values from here on are film border, labels and markers
_LEAST = 0.05  # of the picture must be breast
_BRIDGE = 0.012  # of the longer side: thinner parts are labels that touch the breast, or the film's edge
_QUARTER = 4


def film_of(picture: Image) -> tuple[Pixels, float]:
    """A small picture of square pixels, and its pixels per pixel width of the image."""
    rows, columns = picture.pixels.shape
    scale = min(LONGER_PX / max(rows * picture.pixel_aspect, columns), 1.0)
    size = (max(round(rows * picture.pixel_aspect * scale), 1), max(round(columns * scale), 1))
    return resample(picture.pixels, size), scale


def breast_of(film: Pixels) -> Region | None:
    """The breast, with the muscle where the view shows it; None if nothing looks like one.

    The threshold between air and tissue is that of least cross-entropy (Li & Tam 1998, Pattern Recognit. Lett. 19:771),
    over what is not white. The breast is the largest connected part above it, once what is thinner than a label's
    strokes has been removed, with its holes filled.
    """
    smooth = gaussian_filter(film, 1.0)
    grey = smooth[smooth < _WHITE]
    if grey.size < _LEAST * film.size or np.ptp(grey) < 1 / 255:
        return None
    tissue = (smooth > threshold_li(grey)) & (film < _WHITE)  # type: ignore[no-untyped-call]
    radius = max(1, round(_BRIDGE * max(film.shape)))
    parts, count = label(opening(tissue, disk(radius)))  # type: ignore[no-untyped-call]
    if not count:
        return None
    largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    breast: Region = binary_fill_holes(parts == largest)
    return breast if breast.mean() >= _LEAST else None


def chest_is_left(breast: Region) -> bool:
    """Whether the chest wall is on the picture's left: the breast is taller there than at the nipple."""
    columns = np.flatnonzero(breast.any(axis=0))
    heights = breast[:, columns[0] : columns[-1] + 1].sum(axis=0)
    part = math.ceil(len(heights) / _QUARTER)
    return bool(heights[:part].sum() >= heights[-part:].sum())


def deep_inside(region: Region, margin_px: float) -> Region:
    """The part of a region that is at least that far from what is outside it, the picture's edges included."""
    padded = np.pad(region, 1)
    deep: Region = (distance_transform_edt(padded) > margin_px)[1:-1, 1:-1]
    return deep
