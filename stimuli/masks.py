"""Masks of lesions: which part of a mask is the lesion in its box, and how it follows the image into a patch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects, label

from data.errors import LookalikeError
from stimuli.images import Pixels, read_image

Box: TypeAlias = tuple[float, float, float, float]  # left, top, width, height, px

LEAST_OVERLAP = 0.7  # of the boxes of mask and lesion; below, the mask shows something else


@lru_cache(maxsize=2)  # lesions of one image often share a mask
def read_mask(path: Path, shape: tuple[int, int]) -> Pixels:
    """A mask as the share of each pixel that is inside, from 0 to 1, shape `shape`; half or more counts as inside.

    Raises `LookalikeError` if the file is missing or damaged, of another size than its image, or has grey levels but
    none of half or more.
    """
    mask = read_image(path).pixels
    if mask.shape != shape:
        raise LookalikeError(
            "foreign-mask",
            f"{path}: is {mask.shape[1]} x {mask.shape[0]} px, but its image is {shape[1]} x {shape[0]} px; a mask "
            "covers its image pixel by pixel",
        )
    if 0 < mask.max() < 0.5:
        raise LookalikeError(
            "faint-mask",
            f"{path}: its highest grey level is {mask.max():.2g} of white, so nothing is inside; write the lesion as "
            "white (255 in 8 bits)",
        )
    return mask


def lesion_of(mask: Pixels, box: Box) -> tuple[Pixels, float]:
    """The lesion's part of a mask that may show others: the connected region whose own box agrees best with `box`.

    Returns
    -------
    mask : array, shape (rows, columns)
        Without the other regions; all 0 if nothing is inside.
    overlap : float
        Intersection over union of the region's box and the part of `box` inside the image, from 0 to 1.
    """
    labels, count = label(mask >= 0.5)
    if not count:
        return np.zeros_like(mask), 0.0
    overlaps = [_overlap(part, box, mask.shape) for part in find_objects(labels)]
    best = int(np.argmax(overlaps))
    if count > 1:  # a soft edge belongs to the nearest region
        rows, columns = distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
        mask = np.where(labels[rows, columns] == best + 1, mask, np.float32(0))
    return mask, overlaps[best]


def _overlap(part: tuple[slice, slice], box: Box, shape: tuple[int, ...]) -> float:
    rows, columns = part
    x, y, width, height = box
    left, right = max(x, 0.0), min(x + width, shape[1])
    top, bottom = max(y, 0.0), min(y + height, shape[0])
    across = min(right, columns.stop) - max(left, columns.start)
    down = min(bottom, rows.stop) - max(top, rows.start)
    if across <= 0 or down <= 0:
        return 0.0
    own = (columns.stop - columns.start) * (rows.stop - rows.start)
    return float(across * down / (own + (right - left) * (bottom - top) - across * down))
