"""The two parts of a composition: an image with the mask of its lesion, and where both are from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects

from data.errors import LookalikeError
from stimuli.images import Pixels

SMALLEST_PX = 8  # of a lesion, in both directions: a smaller one has no texture, and no shape


@dataclass(frozen=True)
class Part:
    """A lesion: what gives its texture, or its shape.

    Attributes
    ----------
    name : str
        What it is called in tables: a patch, or a file.
    image : array of float32, shape (R, R)
        P-values in [0, 1].
    mask : array of float32, shape (R, R)
        The share of each pixel inside the lesion, 0 to 1; half or more counts as inside.
    patient : str or None
        The code of the patient; None where it is nobody's, or unknown.
    source : str
        Where image and mask came from, in words.

    Examples
    --------
    >>> import gan, numpy as np
    >>> mask = np.zeros((64, 64), np.float32)
    >>> mask[20:44, 24:40] = 1
    >>> gan.Part("box", np.full((64, 64), 0.5, np.float32), mask).patient is None
    True
    """

    name: str
    image: Pixels
    mask: Pixels
    patient: str | None = None
    source: str = ""

    @property
    def inside(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Where the lesion is, (R, R)."""
        return self.mask >= 0.5


def check_parts(parts: Sequence[Part], size_px: int) -> None:
    """Raise `LookalikeError` for a part whose image or mask cannot be used with a generator of images of `size_px`."""
    for part in parts:
        for what, values in (("image", part.image), ("mask", part.mask)):
            _check_values(f"{part.name}: its {what}", values)
        if part.image.shape != (size_px, size_px):
            raise LookalikeError(
                "wrong-size",
                f"{part.name}: its image is {_size(part.image)}, but the model makes {size_px} x {size_px} px; cut or "
                "resample it",
            )
        if part.mask.shape != part.image.shape:
            raise LookalikeError(
                "foreign-mask",
                f"{part.name}: its mask is {_size(part.mask)}, its image {_size(part.image)}; give the mask of this "
                "image, pixel by pixel",
            )
        _check_mask(part)


def _check_values(what: str, values: Pixels) -> None:
    if values.ndim != 2:
        raise LookalikeError(
            "wrong-size", f"{what} has shape {values.shape}; one grey channel is needed, (rows, columns)"
        )
    if not np.isfinite(values).all():
        raise LookalikeError("not-finite", f"{what} has pixels that are not finite numbers; replace them")
    if values.min() < 0 or values.max() > 1:
        raise LookalikeError(
            "out-of-range", f"{what} has values from {values.min():g} to {values.max():g}; they must lie from 0 to 1"
        )


def _check_mask(part: Part) -> None:
    inside = part.inside
    if not inside.any():
        raise LookalikeError("empty-mask", f"{part.name}: its mask is empty; mark the lesion with half white or more")
    if inside.all():
        raise LookalikeError("full-mask", f"{part.name}: its mask covers the whole image; mark the lesion alone")
    rows, columns = find_objects(inside.astype(int))[0]
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if min(height, width) < SMALLEST_PX:
        raise LookalikeError(
            "lesion-too-small",
            f"{part.name}: its lesion is {width} x {height} px; it needs {SMALLEST_PX} x {SMALLEST_PX} or more "
            "to have a texture and a shape",
        )


def _size(values: Pixels) -> str:
    return f"{values.shape[1]} x {values.shape[0]} px"
