"""How grainy a picture was before it became a JPEG, told by how much of the grain has survived.

A JPEG rounds each wave of its blocks to a multiple of a step, so that grain much weaker than half a step is lost. What
is left says how strong it was: the stronger, the more of the waves that are finer than a patch's own pixels reach half
a step.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.fft import dctn
from scipy.optimize import brentq
from scipy.special import ndtr

from data.arrays import Floats
from stimuli.images import Pixels, resample
from stimuli.masks import Box
from stimuli.readers.jpeg_quality import table_of
from stimuli.readers.record import Image

_BLOCK_PX = 8
_LEVELS = 255
_FEWEST = 0.05  # share of blocks to be told by; grain is what makes the others different
_LEAST, _MOST = 0.05, 50.0  # grey levels; no count asks for less, and hardly any for more


def jpeg_grain(picture: Image, crop: Box, patch: Pixels) -> float | None:
    """SD of the white noise that would leave as many waves finer than a patch as its JPEG has there.

    Blocks where the patch, enlarged again, has such waves itself are left out, because structure put them there. So it
    did some of the others: where structure is sharp, this is more than the grain of this part of the picture.

    Parameters
    ----------
    picture : Image
        The whole picture, as decoded.
    crop : (float, float, float, float)
        The patch in it: left, top, width, height.
    patch : array, shape (size, size)
        The patch, resampled.

    Returns
    -------
    float or None
        In grey levels of 8 bits. None where nothing can be told: the picture's JPEG quality is not known, the patch
        hardly reduces its part of the picture (by less than 8/7), grain is too weak to have left any wave, or strong
        for so fine a JPEG that nearly every block shows it in the patch, too.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> from PIL import Image
    >>> noisy = np.random.default_rng(0).normal(128, 4, (256, 256)).round().astype(np.uint8)
    >>> Image.fromarray(noisy).save("noisy.jpg", quality=75)
    >>> picture = stimuli.read_image("noisy.jpg")
    >>> print(round(jpeg_grain(picture, (0, 0, 256, 256), stimuli.resample(picture.pixels, (64, 64))), 1))
    4.0
    """
    if picture.jpeg_quality is None:
        return None
    left, top, width, height = crop
    rows, columns = _whole_blocks(top, height), _whole_blocks(left, width)
    finer = _finer(height / patch.shape[0], width / patch.shape[1])
    if rows[0] >= rows[1] or columns[0] >= columns[1] or not finer.any():
        return None
    steps = np.array(table_of(picture.jpeg_quality), dtype=np.float64).reshape(_BLOCK_PX, _BLOCK_PX)
    found = _waves(picture.pixels[slice(*rows), slice(*columns)], steps)[:, finer]
    enlarged = resample(patch, (round(top + height) - round(top), round(left + width) - round(left)))
    own = enlarged[slice(*(rows - round(top))), slice(*(columns - round(left)))]
    counted = found[~_waves(own, steps)[:, finer].any(axis=1)]
    if len(counted) < _FEWEST * len(found) or not counted.any():
        return None
    left_over = counted.sum() / len(counted)
    if left_over >= _kept_of_noise(_MOST, steps[finer]):
        return _MOST
    sd: float = brentq(lambda sd: _kept_of_noise(sd, steps[finer]) - left_over, _LEAST, _MOST)
    return sd


def _finer(down: float, across: float) -> npt.NDArray[np.bool_]:
    """Which waves of a block, (8, 8), are lost on reduction by these factors: those above half a cycle a pixel."""
    order = np.arange(_BLOCK_PX)
    return (order[:, None] > _BLOCK_PX / down) | (order > _BLOCK_PX / across)


def _whole_blocks(first: float, size: float) -> npt.NDArray[np.int64]:
    """Where the whole blocks in a part of an axis begin and end, in pixels."""
    return np.array([math.ceil(first / _BLOCK_PX), math.floor((first + size) / _BLOCK_PX)]) * _BLOCK_PX


def _waves(picture: Pixels, steps: Floats) -> npt.NDArray[np.bool_]:
    """Which waves of a picture's blocks, (N, 8, 8), are not rounded to 0."""
    down, across = (side // _BLOCK_PX for side in picture.shape)
    grey = picture.astype(np.float64) * _LEVELS - 128
    blocks = grey.reshape(down, _BLOCK_PX, across, _BLOCK_PX).swapaxes(1, 2)
    waves: Floats = dctn(blocks.reshape(-1, _BLOCK_PX, _BLOCK_PX), axes=(1, 2), norm="ortho")
    return np.abs(waves) > steps / 2


def _kept_of_noise(sd: float, steps: Floats) -> float:
    """How many of the waves with these steps are not rounded to 0 in a block of white noise, on average."""
    return float(2 * ndtr(-steps / (2 * sd)).sum())
