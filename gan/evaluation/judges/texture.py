"""Statistics of texture, for the cross-validated classifier that the features get too.

Laws's energies (Laws 1980, Rapid texture identification, Proc. SPIE 238:376), the power spectrum by frequency and
direction, grey-level co-occurrence (Haralick et al. 1973, IEEE Trans. SMC 3:610) and Haar wavelets.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import convolve1d
from torch import Tensor

from data.arrays import Floats
from stimuli.images import Pixels

NOISE_SD = 2 / 255
LEVELS = 16  # of grey, for co-occurrence
_LAWS = np.array([[1, 4, 6, 4, 1], [-1, -2, 0, 2, 1], [-1, 0, 2, 0, -1], [-1, 2, 0, -2, 1], [1, -4, 6, -4, 1]], float)
_STEPS = [(0, d) for d in (1, 2, 4)] + [(d, 0) for d in (1, 2, 4)] + [(d, d) for d in (1, 2, 4)]
_RINGS = np.linspace(0, 0.72, 13)  # c/px: the last one is the corner of the spectrum
_TINY = 1e-12


def texture_statistics(images: Pixels, noise_sd: float = 0.0, seed: int = 0) -> Tensor:
    """Statistics of each image (N, R, R), (N, D), about 190 of them, after Gaussian noise of this SD (P-values).

    The seed is that of the noise.
    """
    x = np.asarray(images, np.float64)
    x = x + noise_sd * np.random.default_rng(seed).standard_normal(x.shape)
    return torch.from_numpy(np.concatenate([_spectrum(x), _laws(x), _cooccurrence(x), _wavelets(x)], axis=1))


def _moments(x: Floats) -> list[Floats]:
    """Log variance and kurtosis of each image (N, R, R)."""
    variance = x.var(axis=(1, 2))
    fourth = ((x - x.mean(axis=(1, 2), keepdims=True)) ** 4).mean(axis=(1, 2))
    return [np.log(variance + _TINY), np.log(fourth / (variance**2 + _TINY) + 1)]


def _spectrum(x: Floats) -> Floats:
    """Log power in rings of frequency by eight directions."""
    n = x.shape[1]
    window = np.outer(np.hanning(n), np.hanning(n))
    power = np.abs(np.fft.fft2((x - x.mean(axis=(1, 2), keepdims=True)) * window)) ** 2
    fy, fx = np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n), indexing="ij")
    ring = np.digitize(np.hypot(fx, fy), _RINGS) - 1
    direction = np.round(np.arctan2(fy, fx) % np.pi / np.pi * 8).astype(int) % 8
    bins = [(ring == r) & (direction == d) for r in range(len(_RINGS) - 1) for d in range(8)]
    return np.stack([np.log(power[:, b].mean(axis=1) + _TINY) for b in bins if b.any()], axis=1)


def _laws(x: Floats) -> Floats:
    columns = []
    for i, down in enumerate(_LAWS):
        rows = convolve1d(x, down, axis=1)
        for j, across in enumerate(_LAWS):
            if i or j:
                columns += _moments(convolve1d(rows, across, axis=2)[:, 2:-2, 2:-2])
    return np.stack(columns, axis=1)


def _cooccurrence(x: Floats) -> Floats:
    """Contrast, homogeneity, energy and correlation of each image's equally filled grey levels at nine steps."""
    edges = np.quantile(x, np.linspace(0, 1, LEVELS + 1)[1:-1], axis=(1, 2))
    grey = (x[None] > edges[:, :, None, None]).sum(axis=0)
    difference = np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS)).astype(float)
    centred = np.arange(LEVELS) - (LEVELS - 1) / 2
    columns = []
    for dy, dx in _STEPS:
        pairs = LEVELS * grey[:, dy:, dx:] + grey[:, : grey.shape[1] - dy, : grey.shape[2] - dx]
        p = np.stack([np.bincount(image.ravel(), minlength=LEVELS**2) for image in pairs]).reshape(-1, LEVELS, LEVELS)
        p = p / p.sum(axis=(1, 2), keepdims=True)
        columns += [
            np.log((p * difference**2).sum(axis=(1, 2)) + _TINY),
            (p / (1 + difference**2)).sum(axis=(1, 2)),
            np.log((p**2).sum(axis=(1, 2))),
            (p * np.outer(centred, centred)).sum(axis=(1, 2)) / (centred**2).mean(),
        ]
    return np.stack(columns, axis=1)


def _wavelets(x: Floats) -> Floats:
    """Moments of the details of three levels of Haar wavelets."""
    columns = []
    for _ in range(3):
        a, b, c, d = x[:, ::2, ::2], x[:, ::2, 1::2], x[:, 1::2, ::2], x[:, 1::2, 1::2]
        for detail in (a + b - c - d, a - b + c - d, a - b - c + d):
            columns += _moments(detail / 2)
        x = (a + b + c + d) / 2
    return np.stack(columns, axis=1)
