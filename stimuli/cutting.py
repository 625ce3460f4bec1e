"""Making a patch set: cutting patches out of mammograms, or collecting patches that are already cut.

A patch is a square on the film: `context` times the larger side of the lesion's box, corrected for pixels that are
not square, resampled to `size_px`. Its native rows and columns are those before resampling, so that interpolation
is not mistaken for detail. A patch that is already cut keeps its pixels, and its context is what it is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from stimuli.crops import SPLIT, Cut, lesion_crops, training_crops
from stimuli.grey_levels import black_share, white_share
from stimuli.images import KERNEL, Pixels, area_average, resample
from stimuli.jpeg_grain import jpeg_grain
from stimuli.masks import LEAST_OVERLAP, Box, Outline, box_of, lesion_of, read_mask
from stimuli.patches import NO_MASK, Patch, PatchSet, Tally, write_patches
from stimuli.patient_codes import assign_split
from stimuli.readers.record import Image
from stimuli.sources.boxes_table import Lesion, Mammogram
from stimuli.sources.precut import Precut


@dataclass(frozen=True)
class Limits:
    """How much film border and air a patch may show; one that shows more is rejected and counted.

    Attributes
    ----------
    max_white, max_black : float, from 0 to 1
        Largest share of pixels whose grey level is at least 250, or at most 2, of 255 (rounded to 8 bits).

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> stimuli.Limits(max_white=0.02, max_black=0.2).objection(np.zeros((8, 8), np.float32))
    'black in more than 0.2 of the patch'
    """

    max_white: float = 1.0
    max_black: float = 1.0

    def __post_init__(self) -> None:
        for name in ("white", "black"):
            share = getattr(self, f"max_{name}")
            if not 0 <= share <= 1:
                raise LookalikeError("out-of-range", f"max {name} is {share:g}; it is a share of the patch, 0 to 1")

    def objection(self, pixels: Pixels) -> str:
        """Why a patch is rejected; empty if it is not."""
        if white_share(pixels) > self.max_white:
            return f"white in more than {self.max_white:g} of the patch"
        return f"black in more than {self.max_black:g} of the patch" if black_share(pixels) > self.max_black else ""


def cut_patches(
    mammograms: Sequence[Mammogram],
    out: Path | str,
    key: bytes,
    cut: Cut = Cut(),  # noqa: B008 - frozen
    credit: str = "",
    progress: Callable[[], None] = lambda: None,
    limits: Limits = Limits(),
    workers: int = 1,
) -> PatchSet:
    """Cut a patch around every lesion into a new folder: 16-bit PNGs, `patches.csv`, `patches.json`.

    Patients are split into train, select and study, which never mix. A crop that extends beyond the image, has fewer
    native rows or columns than the patch, or shows more film border or air than `limits` allow, is rejected;
    `patches.json` counts the reasons. With `cut.train_crops`, training patients have further crops, and the table has
    each one's context. A lesion's mask goes through the same crop and becomes an 8-bit PNG in `masks/`.

    Parameters
    ----------
    mammograms : sequence of Mammogram
        From `read_source`.
    out : path
        A folder that does not exist yet, or is empty.
    key : bytes, at least 16
        The secret from which patient codes and the split are derived (`read_key`).
    cut : Cut
        Size, context and shares.
    credit : str
        The attribution that the images' licence requires; it is copied to everything made from them.
    progress : function
        Called once per mammogram.
    limits : Limits
        How much film border and air a patch may show.
    workers : int, at least 1
        Processes that share the work; the result does not depend on it.

    Returns
    -------
    PatchSet
        The patches on disk.

    Raises
    ------
    LookalikeError
        If `out` is occupied, an image is damaged or a box outside it, a mask is not of its image's size, or nothing
        could be cut.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.write_phantoms("film", 20, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> len(patches.table), patches.about["rejected"]
    (20, {})
    """
    about = {
        **cut.to_dict(),
        **asdict(limits),
        "kernel": KERNEL,
        "credit": credit,
        "mammograms": len(mammograms),
        **describe(mammograms),
    }
    return write_patches(out, mammograms, partial(_cut, cut, limits, key), key, cut.split, about, progress, workers)


def collect_patches(
    precut: Sequence[Precut],
    out: Path | str,
    key: bytes,
    split: tuple[float, float, float] = SPLIT,
    credit: str = "",
    progress: Callable[[], None] = lambda: None,
    limits: Limits = Limits(),
    workers: int = 1,
) -> PatchSet:
    """Make a patch set of patches that are already cut; their pixels stay exactly as they are.

    With the same key and shares, a patient gets the same code and split as in a set cut from whole mammograms. The
    context of each patch is in the table; `patches.json` has one number if all share it, else null with its median and
    range. A patch that was enlarged to its size is rejected, as is one with more film border or air than `limits`.

    Parameters
    ----------
    precut : sequence of Precut
        From `read_precut`.
    out, key, credit, limits, workers
        As for `cut_patches`.
    split : (float, float, float)
        Shares of patients in train, select and study; they sum to 1.
    progress : function
        Called once per patch.

    Returns
    -------
    PatchSet
        The patches on disk.

    Raises
    ------
    LookalikeError
        If `out` is occupied, an image is damaged, not square or of another size, a mask is not of its patch's size, or
        nothing is left.

    Examples
    --------
    >>> import numpy as np, pandas as pd, stimuli
    >>> stimuli.write_png("a.png", np.full((64, 64), 0.5, np.float32))
    >>> box = {"lesion_x": 16, "lesion_y": 12, "lesion_width": 32, "lesion_height": 40}
    >>> pd.DataFrame([{"file": "a.png", "patient_id": "P1", **box}]).to_csv("patches.csv")
    >>> made = stimuli.collect_patches(stimuli.read_precut("."), "set", b"a secret of 16 bytes")
    >>> made.about["size_px"], made.about["context"]
    (64, 1.6)
    """
    about = {
        "size_px": precut[0].size_px,
        "precut": True,
        "split": Cut(split=split).split,
        "crops_per_box": 1,
        **asdict(limits),
        "credit": credit,
        **describe(precut),
    }
    return write_patches(out, precut, partial(_collect, limits), key, split, about, progress, workers)


def describe(sources: Sequence[Mammogram] | Sequence[Precut]) -> dict[str, Any]:
    """The formats of the files, by suffix, and which frames were taken of those that hold several."""
    formats = sorted({one.path.suffix.lower().lstrip(".") or "none" for one in sources})
    frames = sorted({one.frame for one in sources if one.frame})
    return {"source_formats": formats, **({"frames": frames} if frames else {})}


def _cut(cut: Cut, limits: Limits, key: bytes, mammogram: Mammogram) -> Tally:
    """The patches of one mammogram."""
    patches: list[Patch] = []
    rejected: Counter[str] = Counter()
    for one in mammogram.lesions:
        if one.left_out:
            rejected[one.left_out] += cut.crops_per_box
    wanted = [one for one in mammogram.lesions if not one.left_out]
    if not wanted:  # its file may be missing
        return patches, rejected, Counter(), Counter()
    picture = mammogram.read()
    maskless: Counter[str] = Counter()
    size = (cut.size_px, cut.size_px)
    masks: dict[Path | Outline, Pixels] = {}  # lesions of one image often share a mask
    for listed in wanted:
        if (lesion := located(listed, picture, masks)) is None:
            rejected["has an empty mask"] += cut.crops_per_box
            continue
        box = (lesion.x, lesion.y, lesion.width, lesion.height)
        crops = _wanted(mammogram, lesion, picture, cut, key, rejected)
        mask, objection = _mask(lesion.mask, picture, box, masks) if crops else (None, "")
        for number, (x, y, width, height), context, counts in crops:
            edges = (x, y, x + width, y + height)
            pixels = resample(picture.pixels, size, edges)
            if reason := limits.objection(pixels):
                rejected[reason] += counts
                continue
            if objection and counts:
                maskless[objection] += 1
            patches.append(
                Patch(
                    pixels, mammogram.file, number, mammogram.patient_id, mammogram.laterality, mammogram.view,
                    lesion.pathology, box, (x, y, width, height), (int(height), int(width)), picture.bit_depth, context,
                    None if mask is None else area_average(mask, size, edges), picture.likeness,
                    picture.jpeg_quality, jpeg_grain(picture, (x, y, width, height), pixels),
                )
            )  # fmt: skip
    return patches, rejected, maskless, Counter(picture.notes)


def _wanted(
    mammogram: Mammogram, lesion: Lesion, picture: Image, cut: Cut, key: bytes, rejected: Counter[str]
) -> list[tuple[str, Box, float, bool]]:
    """Number, box and context of each crop of a lesion, and whether it counts as one that was asked for."""
    crops = [
        (f"{lesion.number}" + (f"-{number}" if cut.crops_per_box > 1 else ""), crop, cut.context, True)
        for number, crop in enumerate(lesion_crops(lesion, picture, cut, mammogram.file, rejected), start=1)
    ]
    if not crops or not cut.train_crops or assign_split(key, mammogram.patient_id, cut.split) != "train":
        return crops
    further = enumerate(training_crops(lesion, picture, cut, mammogram.file), start=1)
    return crops + [(f"{lesion.number}-train-{number}", crop, context, False) for number, (crop, context) in further]


def located(lesion: Lesion, picture: Image, masks: dict[Path | Outline, Pixels]) -> Lesion | None:
    """A lesion with the box of its mask where it has none of its own; None if the mask is empty."""
    if lesion.mask is None or not math.isnan(lesion.x):
        return lesion
    box = box_of(_read_once(lesion.mask, picture, masks))
    return box and replace(lesion, x=box[0], y=box[1], width=box[2], height=box[3])


def _read_once(source: Path | Outline, picture: Image, masks: dict[Path | Outline, Pixels]) -> Pixels:
    """A mask of an image; those in `masks` are not read again."""
    rows, columns = picture.pixels.shape
    mask = masks[source] = masks[source] if source in masks else read_mask(source, (rows, columns))
    return mask


def _collect(limits: Limits, one: Precut) -> Tally:
    """The one patch of a file, or none."""
    picture = one.read()
    reason = limits.objection(picture.pixels)
    if one.native_px is not None and one.native_px < one.size_px:
        reason = f"fewer than {one.size_px} native rows or columns"
    if reason:
        return [], Counter([reason]), Counter(), Counter(picture.notes)
    whole = (0.0, 0.0, float(one.size_px), float(one.size_px))
    mask, objection = _mask(one.mask, picture, one.box, {})
    patch = Patch(
        picture.pixels, one.file, "1", one.patient_id, one.laterality, one.view, one.pathology, one.box, whole,
        None if one.native_px is None else (one.native_px, one.native_px), picture.bit_depth, one.context, mask,
        picture.likeness, picture.jpeg_quality,
    )  # fmt: skip
    return [patch], Counter(), Counter([objection] if objection else []), Counter(picture.notes)


def _mask(
    source: Path | Outline | None, picture: Image, box: Box | None, masks: dict[Path | Outline, Pixels]
) -> tuple[Pixels | None, str]:
    """The lesion's mask over its whole source, or None and why there is none."""
    if source is None:
        return None, NO_MASK
    mask = _read_once(source, picture, masks)
    if not mask.any():
        return None, "empty"
    if box is None:
        return mask, ""
    lesion, overlap = lesion_of(mask, box)
    if overlap < LEAST_OVERLAP:
        return None, f"overlap with the lesion's box below {LEAST_OVERLAP:g}"
    return lesion, ""
