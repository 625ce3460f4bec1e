"""Images as checked stacks: many images go through, a few at a time, so that a set need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from data.arrays import Floats
from data.errors import LookalikeError

MIN_SIDE_PX = 16  # two blocks of a JPEG grid; in less there is no spectrum to speak of
_AT_ONCE = 16


def stacks(images: Iterable[npt.ArrayLike]) -> Iterator[Floats]:
    """The images in order, as stacks of shape (up to 16, rows, columns).

    `images` is an array (images, rows, columns) or anything that yields arrays (rows, columns), of P-values in
    [0, 1]. Raises `LookalikeError` naming the first image (counted from 0) that is not a grey image of the first
    one's size, has a side below 16 px, is not a number somewhere or leaves [0, 1].
    """
    shape: tuple[int, ...] | None = None
    waiting: list[Floats] = []
    for number, image in enumerate(images):
        pixels = np.asarray(image, dtype=np.float64)
        shape = shape or pixels.shape
        _check(number, pixels, shape)
        waiting.append(pixels)
        if len(waiting) == _AT_ONCE:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)


def _check(number: int, pixels: Floats, shape: tuple[int, ...]) -> None:
    if pixels.ndim != 2:
        raise LookalikeError(
            "wrong-image-shape", f"image {number}: has shape {pixels.shape}; give grey images of shape (rows, columns)"
        )
    if pixels.shape != shape:
        raise LookalikeError(
            "wrong-size",
            f"image {number}: has shape {pixels.shape}, image 0 has {shape}; give images of one size",
        )
    if min(shape) < MIN_SIDE_PX:
        raise LookalikeError(
            "image-too-small", f"image {number}: has shape {shape}; each side must be at least {MIN_SIDE_PX} px"
        )
    if not np.isfinite(pixels).all():
        raise LookalikeError(
            "not-a-number", f"image {number}: is not a number in some pixels; give P-values from 0 to 1"
        )
    if pixels.min() < 0 or pixels.max() > 1:
        raise LookalikeError(
            "out-of-range", f"image {number}: runs from {pixels.min():g} to {pixels.max():g}; give P-values from 0 to 1"
        )
