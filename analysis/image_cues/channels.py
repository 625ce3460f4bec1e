"""Channels of model observers: Laguerre–Gauss and Gabor templates, and what images give through them.

Frequencies are in cycles per pixel (Nyquist .5), lengths in pixels. Every template has unit energy (its squares
sum to 1), so white noise of SD σ gives outputs of SD σ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft2
from scipy.special import eval_laguerre

from data.arrays import Floats
from data.errors import LookalikeError

TOP_FREQUENCY_CPP = 0.375  # its octave, .25 to .5, ends at Nyquist
_FLOOR = 1e-12  # P-values²; a band that is empty has no logarithm


def laguerre_gauss(shape: tuple[int, int], count: int, width_px: float | None = None) -> Floats:
    """The first `count` Laguerre–Gauss channels of images `shape` = (rows, columns), as (count, rows, columns).

    u_p(r) ∝ exp(−π r²/a²) L_p(2π r²/a²), p = 0 ... count − 1, centred on the image, with a = `width_px`
    (Gallas & Barrett 2003, J. Opt. Soc. Am. A 20:1725). They are orthonormal as long as they fit into the
    image; `width_px` is by default the largest that does (`laguerre_gauss_width`).
    Raises `LookalikeError` for no channel or a width that is not positive.
    """
    width = laguerre_gauss_width(shape, count) if width_px is None else width_px
    if count < 1 or not width > 0:
        raise LookalikeError("out-of-range", f"{count} channels of width {width:g} px: both must be above 0")
    x, y = _grid(shape)
    radius = 2 * np.pi * (x**2 + y**2) / width**2
    return _unit_energy(np.stack([np.exp(-radius / 2) * eval_laguerre(order, radius) for order in range(count)]))


def laguerre_gauss_width(shape: tuple[int, int], count: int) -> float:
    """The width a in px at which the last of `count` channels just fades inside the image's shorter side.

    u_p swings up to r = a √((4p + 2) / 2π) and fades within about .5 a beyond: the channels are
    then orthonormal to 5e-4, if the image is at least 8 px a channel wide (test_channels).
    """
    return float(min(shape) / 2 / (np.sqrt((4 * max(count, 1) - 2) / (2 * np.pi)) + 0.5))


def octaves(shape: tuple[int, int]) -> Floats:
    """Centre frequencies in cycles per pixel, an octave apart from .375 down to three cycles per image, ascending."""
    steps = int(np.floor(np.log2(TOP_FREQUENCY_CPP * min(shape) / 3) + 1e-9))
    return np.asarray(TOP_FREQUENCY_CPP / 2.0 ** np.arange(steps, -1, -1))


def gabor(
    shape: tuple[int, int],
    frequencies_cpp: npt.ArrayLike,
    orientations_deg: Sequence[float] = (0, 45, 90, 135),
    phases_deg: Sequence[float] = (0, 90),
    bandwidth_octaves: float = 1.0,
) -> Floats:
    """Gabor channels centred on the image, as (frequencies, orientations, phases, rows, columns).

    g ∝ exp(−4 ln 2 (x² + y²)/w²) cos(2πf (x cos θ + y sin θ) + β) (Eckstein, Abbey & Bochud 2000, Handbook of
    Medical Imaging 1, ch. 10), with w from `gabor_width`. x runs along the columns and y down the rows: at 0° the
    bars are vertical. Phase 0° is even, 90° odd.
    Raises `LookalikeError` for a frequency that is not above 0 and below .5, or a bandwidth that is not positive.
    """
    frequencies = np.atleast_1d(np.asarray(frequencies_cpp, dtype=np.float64))
    for frequency in frequencies[~((frequencies > 0) & (frequencies < 0.5))]:
        raise LookalikeError("out-of-range", f"frequency {frequency:g} cycles per pixel: must be above 0 and below .5")
    if not bandwidth_octaves > 0:
        raise LookalikeError("out-of-range", f"bandwidth of {bandwidth_octaves:g} octaves: must be above 0")
    x, y = _grid(shape)
    f, theta, phase = (
        part[..., None, None]
        for part in np.meshgrid(frequencies, np.deg2rad(orientations_deg), np.deg2rad(phases_deg), indexing="ij")
    )
    envelope = np.exp(-4 * np.log(2) * (x**2 + y**2) / gabor_width(f, bandwidth_octaves) ** 2)
    return _unit_energy(envelope * np.cos(2 * np.pi * f * (x * np.cos(theta) + y * np.sin(theta)) + phase))


def gabor_width(frequencies_cpp: npt.ArrayLike, bandwidth_octaves: float = 1.0) -> Floats:
    """Width in px (full, at half height) of the Gaussian envelopes that make Gabors pass `bandwidth_octaves` at half
    amplitude: w = 2 ln 2 (2^b + 1) / (πf (2^b − 1)), 1.324 / f for one octave.

    >>> round(float(gabor_width(3 / 128)), 2)
    56.49
    """
    ratio = 2.0**bandwidth_octaves
    return np.asarray(2 * np.log(2) * (ratio + 1) / (np.pi * np.asarray(frequencies_cpp) * (ratio - 1)))


def outputs(images: Floats, templates: Floats) -> Floats:
    """Inner products of images (n, rows, columns) with templates (..., rows, columns), as (n, ...)."""
    products = images.reshape(len(images), -1) @ templates.reshape(-1, images[0].size).T
    return np.asarray(products.reshape(len(images), *templates.shape[:-2]))


def transfer(templates: Floats) -> Floats:
    """What a filter with each template (..., rows, columns) passes at each frequency, as (..., frequencies).

    Squared Fourier amplitudes on the half plane; columns that stand for two count twice.
    """
    columns = templates.shape[-1]
    weight = np.full(columns // 2 + 1, 2.0)
    weight[0] = 1
    if columns % 2 == 0:
        weight[-1] = 1
    passed = np.abs(rfft2(templates)) ** 2 * weight
    return np.asarray(passed.reshape(*templates.shape[:-2], -1))


def energies(images: Floats, passed: Floats) -> Floats:
    """Squared outputs averaged over positions: of images (n, rows, columns) as (n, ...), in P-values².

    `passed` (..., frequencies) is the templates' `transfer`. Each image's mean is removed and a Hann window laid
    over it, so that what meets where opposite borders wrap is not taken for texture. By Parseval the mean square
    of the filtered image is then the sum over frequencies of its power times the transfer.
    """
    rows, columns = images.shape[1:]
    window = np.outer(hann(rows), hann(columns))
    spectrum = np.abs(rfft2((images - images.mean(axis=(1, 2), keepdims=True)) * window)) ** 2
    # The window's own mean square is what it leaves of an energy.
    scale = (rows * columns) ** 2 * np.mean(window**2)
    product = spectrum.reshape(len(images), -1) @ passed.reshape(-1, passed.shape[-1]).T / scale
    return np.asarray(product.reshape(len(images), *passed.shape[:-1]))


def log_energies(energy: Floats) -> Floats:
    """Natural logarithms of energies in P-values², with a floor of 1e-12 for bands that are empty."""
    return np.asarray(np.log(energy + _FLOOR))


def hann(length: int) -> Floats:
    """A Hann window over `length` pixels, symmetric, its zeros just outside."""
    return np.asarray(np.sin(np.pi * (np.arange(length) + 1) / (length + 1)) ** 2)


def _grid(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """x along the columns and y down the rows, in px from the image's centre."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return x - (shape[1] - 1) / 2, y - (shape[0] - 1) / 2


def _unit_energy(templates: Floats) -> Floats:
    return np.asarray(templates / np.sqrt(np.sum(templates**2, axis=(-2, -1), keepdims=True)))
