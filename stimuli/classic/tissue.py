"""Tissue without a lesion, as background of shapes: what a real patch shows around its lesion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import spsolve

from data.arrays import Floats
from data.errors import LookalikeError
from stimuli.images import Pixels, resample
from stimuli.patches import PatchSet

_MARGIN = 0.04  # of the side, around the lesion's outline or box; it is blurred, and outlines are drawn tightly
_LEAST = 0.4  # of the patch must be outside the lesion
_BLACK, _MOST_BLACK = 0.05, 0.02  # P-values below are air; the share of them that tissue may have
_COARSE = 0.04  # of the side: standard deviation of the Gaussian that separates grey levels from texture
_FOLDS = 20  # reflections after which a pixel takes the nearest tissue


@dataclass(frozen=True)
class Tissue:
    """A background: its pixels, the patch that it is from, and the keyed code of its patient."""

    pixels: Pixels
    patch_id: str
    patient: str


def tissues(patches: PatchSet, rows: pd.DataFrame, lesion_free: bool, size_px: int | None = None) -> Iterator[Tissue]:
    """The tissue of patches, in order, without their lesions, `size_px` on a side (None: as the patches are).

    Patches of normal tissue (from `--normal`, or `lesion_free`) are used as they are. Elsewhere the lesion, known by
    its mask or else its box, is replaced (`without_lesion`); patches that show too little else, or air, are left out.

    Raises `LookalikeError` if a patch has neither mask nor box, so that where its lesion is cannot be known.
    """
    lesion_free = lesion_free or "normal" in patches.about
    for row in rows.itertuples():
        pixels = patches.read(row)
        shown = pixels if lesion_free else without_lesion(pixels, _lesion(patches, row))
        if shown is not None:
            yield Tissue(shown if size_px is None else resample(shown, (size_px, size_px)), row.patch_id, row.patient)


def no_tissue(where: str) -> LookalikeError:
    """The refusal where no patch can be a background."""
    return LookalikeError(
        "no-tissue",
        f"{where}: no study patch shows enough tissue around its lesion, without air; cut patches with more --context",
    )


def without_lesion(pixels: Pixels, lesion: npt.NDArray[np.bool_]) -> Pixels | None:
    """A patch whose lesion (True) is replaced by what the tissue around it suggests.

    Grey levels go smoothly from border to border (Laplace's equation), and the texture of the tissue around is mirrored
    at the border. None if too little of the patch is outside the lesion and its margin, or too much of that is black.
    """
    hole = distance_transform_edt(~lesion) <= _MARGIN * len(pixels) if lesion.any() else lesion
    if 1 - hole.mean() < _LEAST or (pixels[~hole] < _BLACK).mean() > _MOST_BLACK:
        return None
    if not hole.any():
        return pixels
    weight = gaussian_filter((~hole).astype(np.float64), _COARSE * len(pixels))
    coarse = gaussian_filter(np.where(hole, 0.0, pixels), _COARSE * len(pixels)) / np.maximum(weight, 1e-9)
    texture = (pixels - coarse)[tuple(_mirrored(hole))]
    filled = np.where(hole, _membrane(coarse, hole) + texture, pixels)
    return np.clip(filled, 0, 1).astype(np.float32)


def _mirrored(hole: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """For each pixel its own place, or in the hole that place mirrored at the border, as rows and columns."""
    nearest = distance_transform_edt(hole, return_distances=False, return_indices=True)
    place = np.indices(hole.shape)
    for _ in range(_FOLDS):
        inside = hole[place[0], place[1]]
        if not inside.any():
            break
        here = place[:, inside]
        place[:, inside] = _folded(2 * nearest[:, here[0], here[1]] - here, hole.shape)
    inside = hole[place[0], place[1]]
    place[:, inside] = nearest[:, inside]
    return place


def _membrane(values: Floats, hole: npt.NDArray[np.bool_]) -> Floats:
    """Values whose hole is filled by the solution of Laplace's equation; no gradient across the image's edges."""
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(hole.sum())
    rows, columns = np.nonzero(hole)
    degree, known = np.zeros(len(rows)), np.zeros(len(rows))
    pairs = []
    for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        r, c = rows + down, columns + across
        there = (r >= 0) & (r < hole.shape[0]) & (c >= 0) & (c < hole.shape[1])
        own, r, c = np.nonzero(there)[0], r[there], c[there]
        degree[own] += 1
        open_ = hole[r, c]
        known[own[~open_]] += values[r[~open_], c[~open_]]
        pairs.append(np.stack([own[open_], number[r[open_], c[open_]]]))
    one, other = np.concatenate(pairs, axis=1)
    matrix = diags_array(degree) - coo_array((np.ones(len(one)), (one, other)), shape=(len(rows),) * 2)
    filled = values.copy()
    filled[hole] = spsolve(matrix.tocsc(), known)
    return filled


def _folded(place: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Places beyond the image's edges, mirrored at them."""
    sides = np.array(shape)[:, None]
    turn = np.mod(place, 2 * sides)
    folded: npt.NDArray[Any] = np.minimum(turn, 2 * sides - 1 - turn)
    return folded


def _lesion(patches: PatchSet, row: Any) -> npt.NDArray[np.bool_]:
    """Where a patch shows its lesion, by its mask or else its box."""
    mask = patches.mask(row)
    if mask is not None:
        return mask >= 0.5
    size = patches.about["size_px"]
    left, top = row.lesion_x - row.crop_x, row.lesion_y - row.crop_y
    edges = [
        size * start / whole
        for start, whole in (
            (left, row.crop_width), (left + row.lesion_width, row.crop_width),
            (top, row.crop_height), (top + row.lesion_height, row.crop_height),
        )
    ]  # fmt: skip
    if not np.isfinite(edges).all():
        raise LookalikeError(
            "no-lesion-box",
            f"{patches.folder}: where the lesion is in patch {row.patch_id} is not known (no mask, no box); give "
            "patches cut with boxes or masks, or to 'stimuli classic' patches of normal tissue with --lesion-free",
        )
    y, x = np.indices((size, size)) + 0.5
    box: npt.NDArray[np.bool_] = (edges[0] <= x) & (x <= edges[1]) & (edges[2] <= y) & (y <= edges[3])
    return box
