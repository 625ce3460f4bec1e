"""Outlines for lesions that have no mask: an ellipse in the lesion's box, or a region grown from one click."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_fill_holes, gaussian_filter, label

from data.arrays import Floats, Ints
from data.errors import LookalikeError
from stimuli.images import Pixels
from stimuli.masks import Box

# Of the random walker, chosen on select patients' masks. Pixels are of 64; they grow with the image.
_BETA, _SMOOTH_PX, _CLICK_PX = 130.0, 1.0, 6.0


def ellipse(box: Box, size_px: int) -> Pixels:
    """The ellipse that a box encloses, its edge one pixel wide, (size, size) from 0 to 1.

    `box` is left, top, width, height in pixels of the image. Raises `LookalikeError` if it is not inside the image.
    """
    left, top, width, height = box
    if not (np.isfinite(box).all() and width > 0 and height > 0):
        raise LookalikeError(
            "bad-box", f"box {box}: width and height must be positive; give left,top,width,height in px"
        )
    if min(left, top) < 0 or max(left + width, top + height) > size_px:
        raise LookalikeError(
            "bad-box", f"box {box}: reaches outside the image of {size_px} x {size_px} px; give left,top,width,height"
        )
    centre = np.arange(size_px) + 0.5
    x, y = (centre - left - width / 2) / (width / 2), (centre - top - height / 2) / (height / 2)
    radius = np.hypot(x[None], y[:, None])
    # Distance to the edge, from the value of the ellipse's equation over its gradient.
    slope = np.hypot(x[None] / (width / 2), y[:, None] / (height / 2))
    away = (radius - 1) * radius / np.maximum(slope, 1e-9)
    mask: Pixels = np.clip(0.5 - away, 0, 1).astype(np.float32)
    return np.where(radius < 1e-9, np.float32(1), mask)


def region_at(image: Pixels, row: int, column: int) -> Pixels:
    """The lesion at a click, (R, R), 1 inside and 0 outside: a random walker from the click and the image's border.

    Grady (2006), "Random walks for image segmentation", IEEE TPAMI 28(11); `skimage.segmentation.random_walker`, beta
    130, on the image smoothed by 1 px (of 64) and scaled to 0 to 1. The disc of 6 px around the click is inside, the
    border outside. Raises `LookalikeError` for a flat image, or a click
    outside the image or too near its border.
    """
    from skimage.segmentation import random_walker

    share = len(image) / 64
    if not (0 <= row < len(image) and 0 <= column < len(image)):
        raise LookalikeError(
            "out-of-range",
            f"click {column},{row}: outside the image of {len(image)} x {len(image)} px; give column,row",
        )
    rows, columns = np.mgrid[: len(image), : len(image)]
    markers: Ints = np.zeros(image.shape, np.int64)
    markers[np.hypot(rows - row, columns - column) <= _CLICK_PX * share] = 1
    if markers[[0, -1]].any() or markers[:, [0, -1]].any():
        raise LookalikeError(
            "out-of-range",
            f"click {column},{row}: nearer than {_CLICK_PX * share:.0f} px to the border; click the middle "
            "of a lesion that is whole",
        )
    markers[[0, -1]] = markers[:, [0, -1]] = 2
    smooth: Floats = gaussian_filter(image.astype(float), _SMOOTH_PX * share)
    if not np.ptp(smooth):
        raise LookalikeError("flat-image", f"click {column},{row}: the image is one grey, so nothing has an edge in it")
    inside = random_walker(smooth / np.ptp(smooth), markers, beta=_BETA, mode="cg_j", tol=1e-4) == 1
    parts, _ = label(inside)
    mask: Pixels = binary_fill_holes(parts == parts[row, column]).astype(np.float32)
    return mask
