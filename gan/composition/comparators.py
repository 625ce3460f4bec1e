"""What composition is compared with in Figure 4: the texture's lesion pasted, and blended by Poisson's equation."""

from __future__ import annotations

import numpy as np

from gan.composition.parts import Part
from gan.composition.transfer import Transfer
from stimuli.images import Pixels

_LEVELS = 255  # of the blending, which takes 8 bits


def stitched(transfer: Transfer, template: Part) -> Pixels:
    """The texture's lesion pasted into the template's outline, grey levels and all, (R, R) P-values."""
    made: Pixels = np.where(transfer.known & template.inside, transfer.image, template.image).astype(np.float32)
    return made


def blended(transfer: Transfer, template: Part) -> Pixels:
    """The same blended by Poisson's equation (Pérez, Gangnet & Blake 2003; `cv2.seamlessClone`), (R, R) P-values."""
    import cv2

    region = transfer.known & template.inside
    region[[0, -1]] = region[:, [0, -1]] = False  # it needs a border
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not len(rows):
        return template.image
    centre = (int(columns[0] + columns[-1] + 1) // 2, int(rows[0] + rows[-1] + 1) // 2)
    over, under = (_colour(image) for image in (transfer.image, template.image))
    mask = np.where(region, np.uint8(255), np.uint8(0))
    made = cv2.seamlessClone(over, under, mask, centre, cv2.NORMAL_CLONE)[..., 0] / np.float32(_LEVELS)
    return np.where(region, made, template.image).astype(np.float32)


def _colour(
    image: np.ndarray[tuple[int, ...], np.dtype[np.floating]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    grey = np.round(image * _LEVELS).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
