"""Is one image a rotated, reflected, shifted or brightened copy of another? The best correlation over all of these.

Two images are compared over the eight right-angle rotations and reflections and whole-pixel shifts of up to
three pixels each way, where they overlap, without slow shading and pixel noise, at equal local contrast.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from data.arrays import Floats
from stimuli.images import Pixels, resample

SHIFT_PX = 3
LARGEST_PX = 64  # larger images are compared at this size
_FINE_PX, _COARSE_PX = 1.0, 6.0  # standard deviations of the band-pass; contrast is taken over the coarse one
_LEAST_CONTRAST = 0.005  # in P-values: fainter structure is not amplified to the contrast of the rest
_FLAT = 0.1  # root mean square of the result below which an image shows no structure; 1 is usual


def correlations(images: Pixels, templates: Tensor, batch: int = 8) -> Floats:
    """Best correlation of each image with each training patch over all orientations and shifts: (N, M) in [-1, 1]."""
    turns = templates.shape[1]
    flat = templates.flatten(0, 1)
    best = []
    for start in range(0, len(images), batch):
        windows = _windows(_structure(images[start : start + batch]))
        found = (windows.flatten(0, 1) @ flat.T).view(len(windows), windows.shape[1], -1, turns)
        best.append(found.amax(dim=(1, 3)))
    return torch.cat(best).double().clamp(-1, 1).numpy()


def orientations(images: Pixels) -> Tensor:
    """The centre of each training patch in its eight orientations, normalised: (M, 8, pixels)."""
    turned = [_turn(_structure(images), turn)[:, SHIFT_PX:-SHIFT_PX, SHIFT_PX:-SHIFT_PX] for turn in range(8)]
    return torch.stack([_normalised(part) for part in turned], dim=1)


def align(image: Pixels, patch: Pixels, templates: Tensor) -> Pixels:
    """The patch (R, R) in the orientation and shift that fit the image best, given its `orientations` (8, pixels)."""
    fits = _windows(_structure(image[None]))[0] @ templates.T
    window, turn = divmod(int(fits.argmax()), templates.shape[0])
    scale = max(1.0, patch.shape[0] / LARGEST_PX)
    down, right = (round((step - SHIFT_PX) * scale) for step in divmod(window, 2 * SHIFT_PX + 1))
    turned = np.pad(_turn(patch[None], turn)[0], margin := math.ceil(SHIFT_PX * scale), mode="edge")
    rows, columns = patch.shape
    return turned[margin - down : margin - down + rows, margin - right : margin - right + columns]


def _windows(images: Pixels) -> Tensor:
    """Every window of the templates' size: (N, 49, pixels), row by row."""
    size = images.shape[1] - 2 * SHIFT_PX
    steps = range(2 * SHIFT_PX + 1)
    return torch.stack([_normalised(images[:, y : y + size, x : x + size]) for y in steps for x in steps], dim=1)


def _turn(images: Pixels, turn: int) -> Pixels:
    """One of the eight orientations of (N, R, R): `turn % 4` quarter turns, then mirrored if above 3."""
    turned = np.rot90(images, turn % 4, axes=(1, 2))
    return turned[:, :, ::-1] if turn > 3 else turned


def _structure(images: Pixels) -> Pixels:
    """Band-passed images at equal local contrast, at most 64 px.

    Slow shading is similar in most patches, and pixel noise in none. A skin line or the edge of the film would
    outweigh all tissue if local contrast were not equalised.
    """
    if images.shape[1] > LARGEST_PX:
        images = np.stack([resample(image, (LARGEST_PX, LARGEST_PX)) for image in images])
    band = gaussian_filter(images, (0, _FINE_PX, _FINE_PX)) - gaussian_filter(images, (0, _COARSE_PX, _COARSE_PX))
    contrast = gaussian_filter(np.square(band), (0, _COARSE_PX, _COARSE_PX))
    equal: Pixels = band / np.sqrt(contrast + np.float32(_LEAST_CONTRAST**2))
    return equal


def _normalised(images: Pixels) -> Tensor:
    """Flattened, with mean 0 and length 1, (N, pixels); zeros where an image has no structure."""
    flat = torch.from_numpy(np.ascontiguousarray(images)).flatten(1)
    flat = flat - flat.mean(dim=1, keepdim=True)
    length = flat.norm(dim=1, keepdim=True)
    return torch.where(length > _FLAT * flat.shape[1] ** 0.5, flat / length, 0.0)
