"""The last filter of a generator, found from spectra: it gives generated images the typical spectrum of real ones."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gan.networks.generator import Generator, from_seeds
from gan.networks.layers import ImageFilter

_IMAGES = 1000  # generated ones
_LEAST_POWER = 1e-9  # of a frequency, well below that of any detail in 8 bits
_Floats = npt.NDArray[np.float64]


@torch.no_grad()
def fit_filter(generator: Generator, real: Iterable[Tensor]) -> None:
    """Replace the generator's last filter by the one that best gives its images the spectrum of `real` ones.

    The wanted gain at each frequency is the root of the ratio of typical (geometric mean) powers; the taps have the
    least squared error of it over all frequencies, and are symmetric under half a turn, so that nothing is shifted.
    It is found once; training changes it further.

    Parameters
    ----------
    generator : Generator
        With a filter (`Architecture.filter_px`); what it had learned so far is forgotten.
    real : iterable of Tensor, each (N, 1, R, R)
        In [-1, 1].
    """
    last = generator.synthesis.filter
    assert isinstance(last, ImageFilter), "the architecture has no filter"
    last.clear()
    gain = np.exp((typical_spectrum(real) - typical_spectrum(_generated(generator))) / 2)
    last.set_taps(torch.from_numpy(taps_of(gain, last.side)))


def typical_spectrum(images: Iterable[Tensor]) -> _Floats:
    """Mean log power at each frequency of images (N, 1, R, R), given in batches; (R, R), in the order of `fft2`."""
    total, count = np.zeros(()), 0
    for batch in images:
        x = batch.squeeze(1).double().cpu().numpy()
        window = np.hanning(x.shape[-1] + 2)[1:-1]
        x = (x - x.mean(axis=(1, 2), keepdims=True)) * np.outer(window, window)
        power = np.abs(np.fft.fft2(x)) ** 2 / x.shape[-1] ** 2
        total = total + np.log(power + _LEAST_POWER).sum(axis=0)
        count += len(x)
    return total / count


def taps_of(gain: _Floats, side: int) -> _Floats:
    """The filter (side, side), symmetric under half a turn, whose gain is closest to `gain` (R, R)."""
    reach = side // 2
    frequencies = 2 * np.pi * np.fft.fftfreq(len(gain))
    offsets = [
        (row, column) for row in range(reach + 1) for column in range(-reach, reach + 1) if (row, column) >= (0, 0)
    ]
    waves = np.stack(
        [
            (1 if offset == (0, 0) else 2) * np.cos(frequencies[:, None] * offset[0] + frequencies * offset[1]).ravel()
            for offset in offsets
        ],
        axis=1,
    )
    weights = np.linalg.lstsq(waves, gain.ravel(), rcond=None)[0]
    taps = np.zeros((side, side))
    for (row, column), weight in zip(offsets, weights, strict=True):
        taps[reach + row, reach + column] = taps[reach - row, reach - column] = weight
    return taps


def _generated(generator: Generator) -> Iterable[Tensor]:
    for _, pixels in from_seeds(generator, range(_IMAGES), psi=1.0):
        yield torch.from_numpy(pixels)[None, None] * 2 - 1
