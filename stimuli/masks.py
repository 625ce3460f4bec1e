"""Masks of lesions: which part of a mask is the lesion in its box, and how it follows the image into a patch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw
from scipy.ndimage import distance_transform_edt, find_objects, label

from data.errors import LookalikeError
from stimuli.images import Pixels, read_image

Box: TypeAlias = tuple[float, float, float, float]  # left, top, width, height, px

_FINER = 8  # samples per pixel, across and down, of a drawn outline
LEAST_OVERLAP = 0.7  # of the boxes of mask and lesion; below, the mask shows something else


@dataclass(frozen=True)
class Outline:
    """A lesion that is drawn, not stored as an image.

    Attributes
    ----------
    polygons : tuple of polygons
        Each a tuple of (x, y), px, where (0, 0) is the upper left corner of the first pixel.
    runs, shape : tuple of int, (int, int)
        Instead of polygons: lengths of runs outside and inside in turn, down each column, and rows and columns.
    """

    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()
    runs: tuple[int, ...] = ()
    shape: tuple[int, int] = (0, 0)

    def draw(self, shape: tuple[int, int]) -> Pixels:
        """The share of each pixel that is inside, shape (rows, columns). Raises `LookalikeError` for another shape."""
        if self.runs:
            if self.shape != shape:
                raise LookalikeError(
                    "foreign-mask",
                    f"a segmentation of {self.shape[1]} x {self.shape[0]} px belongs to an image of {shape[1]} x "
                    f"{shape[0]} px; a mask covers its image pixel by pixel",
                )
            inside = np.repeat(np.arange(len(self.runs)) % 2, self.runs)
            return inside.reshape(shape[::-1]).T.astype(np.float32)
        drawn = np.zeros(shape, np.float32)
        points = np.array([point for polygon in self.polygons for point in polygon])
        left, top = np.clip(np.floor(points.min(axis=0)).astype(int), 0, shape[::-1])
        right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int), (left, top), shape[::-1])
        if right == left or bottom == top:
            return drawn
        canvas = Pillow.new("L", ((right - left) * _FINER, (bottom - top) * _FINER))
        for polygon in self.polygons:
            # Pillow's coordinates are those of pixel centres.
            finer = [((x - left) * _FINER - 0.5, (y - top) * _FINER - 0.5) for x, y in polygon]
            ImageDraw.Draw(canvas).polygon(finer, fill=1)
        fine = np.asarray(canvas).reshape(bottom - top, _FINER, right - left, _FINER)
        drawn[top:bottom, left:right] = fine.mean(axis=(1, 3), dtype=np.float32)
        return drawn


def box_of(mask: Pixels) -> Box | None:
    """The box around all that is inside a mask; None if nothing is."""
    inside = mask >= 0.5
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    left, top = float(columns[0]), float(rows[0])
    return left, top, float(columns[-1] + 1) - left, float(rows[-1] + 1) - top


def read_mask(path: Path | Outline, shape: tuple[int, int]) -> Pixels:
    """A mask as the share of each pixel that is inside, from 0 to 1, shape `shape`; half or more counts as inside.

    Raises `LookalikeError` if the file is missing or damaged, of another size than its image, or has grey levels but
    none of half or more.
    """
    if isinstance(path, Outline):
        return path.draw(shape)
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
