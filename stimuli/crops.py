"""Where the square patches around a lesion lie in its image."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from data.errors import LookalikeError
from stimuli.masks import Box
from stimuli.readers.record import Image
from stimuli.sources.boxes_table import Lesion

_TRIES = 100
_DISPLACED = 0.1  # of the side of a further crop for training, at most
SPLIT = (0.7, 0.1, 0.2)


@dataclass(frozen=True)
class Cut:
    """How patches are cut.

    Attributes
    ----------
    size_px : int, at least 8
        Side of a patch in pixels.
    context : float, at least 1
        Side of the patch on the film over the larger side of the lesion's box.
    split : (float, float, float)
        Shares of patients in train, select and study; they sum to 1.
    crops_per_box : int, at least 1
        Above 1, crops displaced at random so that the box stays inside; they are not new lesions.
    train_crops : int, at least 0
        Further crops of each lesion of a training patient, displaced by at most a tenth of their side and at contexts
        of `train_context`: a generator learns from them, and no other split has any.
    train_context : (float, float)
        Smallest and largest context of these, at least 1.
    seed : int
        Of displacements and contexts.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.Cut(size_px=128, split=(0.8, 0.1, 0.1)).context
    2.0
    """

    size_px: int = 64
    context: float = 2.0
    split: tuple[float, float, float] = SPLIT
    crops_per_box: int = 1
    train_crops: int = 0
    train_context: tuple[float, float] = (1.8, 2.5)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size_px < 8:
            raise LookalikeError("out-of-range", f"size is {self.size_px} px; at least 8 is needed")
        if not 1 <= self.context < math.inf:  # refuses NaN too
            raise LookalikeError(
                "out-of-range",
                f"context is {self.context:g}; it must be 1 or more, or the patch would cut into the lesion's box",
            )
        if min(self.split) < 0 or abs(sum(self.split) - 1) > 1e-9:
            raise LookalikeError(
                "out-of-range", f"split is {self.split}; three shares of at least 0 that sum to 1 are needed"
            )
        if self.crops_per_box < 1:
            raise LookalikeError("out-of-range", f"crops per box is {self.crops_per_box}; at least 1 is needed")
        if self.train_crops < 0:
            raise LookalikeError("out-of-range", f"train crops is {self.train_crops}; it must be 0 or more")
        low, high = self.train_context
        if not 1 <= low <= high < math.inf:
            raise LookalikeError(
                "out-of-range", f"train context is {low:g}-{high:g}; give two numbers of 1 or more, the smaller first"
            )

    def to_dict(self) -> dict[str, Any]:
        """For `patches.json`; without further crops, nothing of them."""
        further = ("train_crops", "train_context")
        return {name: value for name, value in asdict(self).items() if self.train_crops or name not in further}


def lesion_crops(lesion: Lesion, picture: Image, cut: Cut, file: str, rejected: Counter[str]) -> Iterator[Box]:
    """The crops of one lesion that lie inside its image and are not finer than its pixels; others are counted."""
    side = cut.context * _longer_side(lesion, picture)
    if _too_fine(side, picture, cut.size_px):
        rejected[f"fewer than {cut.size_px} native rows or columns"] += cut.crops_per_box
        return
    if cut.crops_per_box == 1:
        centred = _centred(lesion, side, picture)
        if _inside(centred, picture):
            yield centred
        else:
            rejected["reaches outside the image"] += 1
        return
    rng = _rng(cut.seed, file, lesion)
    width, height = side, side / picture.pixel_aspect
    for _ in range(cut.crops_per_box):
        for _ in range(_TRIES):
            crop = (
                rng.uniform(lesion.x + lesion.width - width, lesion.x),
                rng.uniform(lesion.y + lesion.height - height, lesion.y),
                width,
                height,
            )
            if _inside(crop, picture):
                yield crop
                break
        else:
            rejected["reaches outside the image"] += 1


def training_crops(lesion: Lesion, picture: Image, cut: Cut, file: str) -> Iterator[tuple[Box, float]]:
    """Further crops of a lesion to learn from, each with its context: as many of `cut.train_crops` as find a place.

    The side is drawn first, evenly on a logarithmic scale, then the displacement of the centre, at most a tenth of the
    side along each axis. A crop that would cut into the lesion's box, reach outside the image or be finer than its
    pixels is drawn again.
    """
    rng = _rng(cut.seed, f"train/{file}", lesion)
    low, high = np.log(cut.train_context)
    for _ in range(cut.train_crops):
        for _ in range(_TRIES):
            context = round(float(np.exp(rng.uniform(low, high))), 3)
            side = context * _longer_side(lesion, picture)
            right, down = rng.uniform(-_DISPLACED, _DISPLACED, 2)
            x, y, width, height = _centred(lesion, side, picture)
            crop = (x + right * width, y + down * height, width, height)
            if _holds(crop, lesion) and _inside(crop, picture) and not _too_fine(side, picture, cut.size_px):
                yield crop, context
                break


def _rng(seed: int, file: str, lesion: Lesion) -> np.random.Generator:
    """Of one lesion, whichever others there are."""
    name = f"{seed}/{file}/{lesion.number}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))


def _longer_side(lesion: Lesion, picture: Image) -> float:
    """Of its box, in pixel widths."""
    return max(lesion.width, lesion.height * picture.pixel_aspect)


def _too_fine(side: float, picture: Image, size_px: int) -> bool:
    return min(int(side), int(side / picture.pixel_aspect)) < size_px


def _centred(lesion: Lesion, side: float, picture: Image) -> Box:
    width, height = side, side / picture.pixel_aspect
    return lesion.x + (lesion.width - width) / 2, lesion.y + (lesion.height - height) / 2, width, height


def _holds(crop: Box, lesion: Lesion) -> bool:
    x, y, width, height = crop
    across = x <= lesion.x and lesion.x + lesion.width <= x + width
    return across and y <= lesion.y and lesion.y + lesion.height <= y + height


def _inside(crop: Box, picture: Image) -> bool:
    rows, columns = picture.pixels.shape
    x, y, width, height = crop
    return x >= 0 and y >= 0 and x + width <= columns and y + height <= rows
