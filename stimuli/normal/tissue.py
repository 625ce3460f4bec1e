"""Patches of tissue without a lesion, of the sizes that lesions have: backgrounds for shapes, and controls."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import LookalikeError
from stimuli.crops import Cut
from stimuli.cutting import Limits, describe, located
from stimuli.images import KERNEL, Pixels, resample
from stimuli.jpeg_grain import jpeg_grain
from stimuli.masks import Box, Outline
from stimuli.normal.breast import Region, breast_of, deep_inside, film_of
from stimuli.normal.pectoral import FRONT_VIEWS, pectoral_of
from stimuli.normal.places import places
from stimuli.patches import Patch, PatchSet, Tally, write_patches
from stimuli.readers.record import Image
from stimuli.sources.boxes_table import Lesion, Mammogram

NORMAL = "NORMAL"  # the pathology of these patches
_MARGIN = 0.02  # of the picture's longer side: distance from skin, film border and lesions (some 5 mm on film)
_NO_ROOM = "no room beside lesions, muscle and the breast's edge"
Sizes = tuple[tuple[float, float], ...]


def cut_normal(
    mammograms: Sequence[Mammogram],
    out: Path | str,
    key: bytes,
    cut: Cut | None = None,
    per_lesion: int = 1,
    credit: str = "",
    progress: Callable[[], None] = lambda: None,
    limits: Limits | None = None,
    workers: int = 1,
) -> PatchSet:
    """Cut patches of tissue without a lesion into a new folder, with the files and columns of every patch set.

    For each lesion, a patch of the size that its own patch has is cut from the same image, at a place drawn at random
    from where the square lies inside the breast, away from its edge, from every lesion's box and, except in views from
    the front, from the pectoral muscle; patches of an image do not overlap. An image without a lesion gets the sizes of
    lesions drawn from the others, in pixels. Pathology is NORMAL, the lesion's box is empty, and patients have the
    codes and splits of a set cut around lesions with the same key.

    Parameters
    ----------
    mammograms : sequence of Mammogram
        From `read_source`, with `normal=True` to include images without a lesion.
    out, key, credit, progress, limits, workers
        As for `cut_patches`.
    cut : Cut
        Size, context and shares; the seed draws places. One crop per box.
    per_lesion : int, at least 1
        Patches for each lesion, or for each image without one.

    Returns
    -------
    PatchSet
        The patches on disk; `patches.json` says `normal`, and counts what found no place.

    Raises
    ------
    LookalikeError
        As for `cut_patches`, and if there is no lesion whose size could be matched.

    References
    ----------
    Li & Tam 1998, Pattern Recognit. Lett. 19:771 (threshold between air and breast); Karssemeijer 1998, Phys. Med.
    Biol. 43:365 (edge of the muscle by the Hough transform).

    Examples
    --------
    >>> import numpy as np, pandas as pd, stimuli
    >>> y, x = np.mgrid[:90, :60]
    >>> stimuli.write_png("a.png", np.where(x**2 / 50**2 + (y - 45) ** 2 / 40**2 < 1, 0.5, 0).astype(np.float32))
    >>> box = {"x": 10, "y": 20, "width": 8, "height": 8}
    >>> pd.DataFrame([{"file": "a.png", "patient_id": "P1", "view": "CC", **box}]).to_csv("boxes.csv")
    >>> made = stimuli.cut_normal(stimuli.read_source("."), "normal", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> made.table["pathology"].item(), made.table["crop_width"].item()
    ('NORMAL', 16.0)
    """
    cut, limits = cut or Cut(), limits or Limits()
    if per_lesion < 1:
        raise LookalikeError("out-of-range", f"normal count is {per_lesion}; at least 1 is needed")
    if cut.crops_per_box != 1:
        raise LookalikeError("unused-option", "crops per box is for lesions; for normal tissue give a normal count")
    if cut.train_crops:
        raise LookalikeError("unused-option", "train crops are for lesions; for normal tissue give a normal count")
    sizes: Sizes = tuple(
        (lesion.width, lesion.height) for one in mammograms for lesion in one.lesions if not math.isnan(lesion.width)
    )
    about: dict[str, Any] = {
        **cut.to_dict(),
        **asdict(limits),
        "normal": {"per_lesion": per_lesion, "margin": _MARGIN},
        "kernel": KERNEL,
        "credit": credit,
        "mammograms": len(mammograms),
        **describe(mammograms),
    }
    take = partial(_take, cut, per_lesion, limits, sizes)
    return write_patches(out, mammograms, take, key, cut.split, about, progress, workers)


def _take(cut: Cut, per_lesion: int, limits: Limits, sizes: Sizes, mammogram: Mammogram) -> Tally:
    """The patches of normal tissue of one mammogram."""
    rejected: Counter[str] = Counter()
    wanted = per_lesion * max(len(mammogram.lesions), 1)
    if any(lesion.left_out for lesion in mammogram.lesions):
        return [], Counter({"a lesion of its image is at an unknown place": wanted}), Counter(), Counter()
    picture = mammogram.read()
    masks: dict[Path | Outline, Pixels] = {}
    lesions = [found for one in mammogram.lesions if (found := located(one, picture, masks))]
    if len(lesions) < len(mammogram.lesions):
        return [], Counter({"a lesion of its image has an empty mask": wanted}), Counter(), Counter(picture.notes)
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(_name(cut, mammogram)).digest()[:8], "big"))
    shapes = [(one.width, one.height) for one in lesions] or [_drawn(sizes, rng, mammogram)]
    crops = _crops(cut, [shape for shape in shapes for _ in range(per_lesion)], mammogram, lesions, picture, rng)
    patches = []
    for number, crop in enumerate(crops, 1):
        if isinstance(crop, str):
            rejected[crop] += 1
            continue
        x, y, width, height = crop
        pixels = resample(picture.pixels, (cut.size_px, cut.size_px), (x, y, x + width, y + height))
        if reason := limits.objection(pixels):
            rejected[reason] += 1
            continue
        patches.append(
            Patch(
                pixels, mammogram.file, f"normal{number}", mammogram.patient_id, mammogram.laterality, mammogram.view,
                NORMAL, None, crop, (int(height), int(width)), picture.bit_depth, cut.context,
                likeness=picture.likeness, jpeg_quality=picture.jpeg_quality,
                jpeg_grain=jpeg_grain(picture, crop, pixels),
            )
        )  # fmt: skip
    return patches, rejected, Counter(), Counter(picture.notes)


def _name(cut: Cut, mammogram: Mammogram) -> bytes:
    return f"{cut.seed}/{mammogram.file}/normal".encode()


def _drawn(sizes: Sizes, rng: np.random.Generator, mammogram: Mammogram) -> tuple[float, float]:
    """The size of a lesion of another image, px."""
    if not sizes:
        raise LookalikeError(
            "no-lesion-box",
            f"{mammogram.path}: shows no lesion, and no other image has one with a box, so there is no size to match; "
            "add images with lesions",
        )
    return sizes[int(rng.integers(len(sizes)))]


def _crops(
    cut: Cut,
    shapes: Sequence[tuple[float, float]],
    mammogram: Mammogram,
    lesions: Sequence[Lesion],
    picture: Image,
    rng: np.random.Generator,
) -> list[Box | str]:
    """A crop for each lesion's width and height, px, or why there is none."""
    sides = [cut.context * max(width, height * picture.pixel_aspect) for width, height in shapes]  # in pixel widths
    coarse = [min(int(side), int(side / picture.pixel_aspect)) < cut.size_px for side in sides]
    film, scale = film_of(picture)
    region = tissue_of(film, mammogram.view, [_on_film(one, picture, film) for one in lesions])
    found: list[Box | str] = []
    spots = [] if region is None else places(region, [side * scale for side in sides], rng)
    rows, columns = picture.pixels.shape
    for number, side in enumerate(sides):
        if coarse[number]:
            found.append(f"fewer than {cut.size_px} native rows or columns")
        elif region is None:
            found.append("no breast was found")
        elif (spot := spots[number]) is None:
            found.append(_NO_ROOM)
        else:
            left, top = spot[0] * columns / film.shape[1], spot[1] * rows / film.shape[0]
            width, height = side, side / picture.pixel_aspect
            found.append((min(left, columns - width), min(top, rows - height), width, height))
    return found


def _on_film(lesion: Lesion, picture: Image, film: Pixels) -> Box:
    """A lesion's box in pixels of the small picture."""
    down, across = film.shape[0] / picture.pixels.shape[0], film.shape[1] / picture.pixels.shape[1]
    return lesion.x * across, lesion.y * down, lesion.width * across, lesion.height * down


def tissue_of(film: Pixels, view: str, lesions: Sequence[Box]) -> Region | None:
    """Where normal tissue is in a small picture of square pixels; None if it shows no breast.

    Views other than those from the front, and unknown ones, may show the pectoral muscle.
    """
    breast = breast_of(film)
    if breast is None:
        return None
    margin = _MARGIN * max(film.shape)
    region = deep_inside(breast, margin)
    if view.upper() not in FRONT_VIEWS:
        region &= ~pectoral_of(film, breast)
    for x, y, width, height in lesions:
        left, top = max(math.floor(x - margin), 0), max(math.floor(y - margin), 0)
        region[top : math.ceil(y + height + margin), left : math.ceil(x + width + margin)] = False
    return region
