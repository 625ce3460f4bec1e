"""Statistics of texture, as tissue was described by before there were networks.

Laws's energies (Laws 1980, Rapid texture identification, Proc. SPIE 238:376), the power spectrum by frequency and
direction, grey-level co-occurrence (Haralick, Shanmugam & Dinstein 1973, IEEE Trans. SMC 3:610) and Haar wavelets
(Mallat 1989, IEEE Trans. PAMI 11:674). They are computed at the images' own size and reach the finest detail, which
pretrained networks reduce in their first layer. Energies and powers are on a logarithmic scale, where ratios are
differences.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from data.arrays import Floats
from stimuli.images import Pixels

NOISE_SD = 2 / 255  # P-values: about the noise of a good display or an 8-bit digitiser
_BATCH = 32  # images at once, so that intermediate results stay in the processor's cache
_LEVELS = 16  # of grey, for co-occurrence
_LAWS = np.array([[1, 4, 6, 4, 1], [-1, -2, 0, 2, 1], [-1, 0, 2, 0, -1], [-1, 2, 0, -2, 1], [1, -4, 6, -4, 1]], float)
_STEPS = [step for d in (1, 2, 4) for step in ((0, d), (d, 0), (d, d), (d, -d))]  # rows, columns
_RINGS, _DIRECTIONS = np.linspace(0, 0.72, 13), 8  # c/px: the last ring is the corner of the spectrum
_TINY = 1e-12


def texture_statistics(images: Pixels, noise_sd: float = 0.0, seed: int = 0) -> Tensor:
    """About 200 statistics of each image (N, R, R) of P-values: (N, D), float64.

    Gaussian noise of SD `noise_sd` (P-values), drawn by `seed`, is added first: what is still told apart then cannot be
    a difference that a display's or digitiser's noise hides.
    """
    rng, found = np.random.default_rng(seed), []
    for start in range(0, len(images), _BATCH):
        x = images[start : start + _BATCH].astype(np.float64)
        if noise_sd:
            x = x + noise_sd * rng.standard_normal(x.shape)
        found.append(np.concatenate([_spectrum(x), _laws(x), _cooccurrence(x), _wavelets(x)], axis=1))
    return torch.from_numpy(np.concatenate(found))


def _moments(x: Floats) -> list[Floats]:
    """Log variance and log kurtosis of each image (N, h, w)."""
    squares = (x - x.mean(axis=(1, 2), keepdims=True)) ** 2
    variance, fourth = squares.mean(axis=(1, 2)), (squares * squares).mean(axis=(1, 2))
    return [np.log(variance + _TINY), np.log(fourth / (variance**2 + _TINY) + 1)]


def _spectrum(x: Floats) -> Floats:
    """Log power in twelve rings of frequency by eight directions, without those where small images have no frequency.

    An image's spectrum is the same upside down, so directions span half a turn.
    """
    n = x.shape[1]
    window = np.outer(np.hanning(n), np.hanning(n))
    power = np.abs(np.fft.fft2((x - x.mean(axis=(1, 2), keepdims=True)) * window)) ** 2
    fy, fx = np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n), indexing="ij")
    ring = np.digitize(np.hypot(fx, fy), _RINGS) - 1
    direction = np.round(np.arctan2(fy, fx) % np.pi / np.pi * _DIRECTIONS).astype(int) % _DIRECTIONS
    place = (ring * _DIRECTIONS + direction).reshape(-1)
    size = np.bincount(place)
    each = [np.bincount(place, weights=one) for one in power.reshape(len(x), -1)]
    return np.log(np.stack(each)[:, size > 0] / size[size > 0] + _TINY)


def _laws(x: Floats) -> Floats:
    """Moments of the 24 products of a vertical and a horizontal mask (level, edge, spot, wave, ripple)."""
    columns = []
    for i, down in enumerate(_LAWS):
        rows = _filtered(x, down, axis=1)
        for j, across in enumerate(_LAWS):
            if i or j:
                columns += _moments(_filtered(rows, across, axis=2))
    return np.stack(columns, axis=1)


def _filtered(x: Floats, mask: Floats, axis: int) -> Floats:
    """Correlation along an axis, where the whole mask lies inside the image."""
    length = x.shape[axis] - len(mask) + 1
    parts = (weight * x.take(range(k, k + length), axis) for k, weight in enumerate(mask) if weight)
    return sum(parts, np.zeros(()))


def _cooccurrence(x: Floats) -> Floats:
    """Log contrast, homogeneity, log energy and correlation at twelve steps, on equally filled levels."""
    edges = np.quantile(x, np.linspace(0, 1, _LEVELS + 1)[1:-1], axis=(1, 2))
    grey = (x[None] > edges[:, :, None, None]).sum(axis=0)
    level = np.arange(_LEVELS)
    difference, centred = np.subtract.outer(level, level).astype(float), level - (_LEVELS - 1) / 2
    columns = []
    for dy, dx in _STEPS:
        one, other = (grey, grey) if dx >= 0 else (grey[:, :, ::-1], grey[:, :, ::-1])
        height, width = grey.shape[1] - dy, grey.shape[2] - abs(dx)
        pairs = _LEVELS * one[:, dy:, abs(dx) :] + other[:, :height, :width]
        p = np.stack([np.bincount(image.ravel(), minlength=_LEVELS**2) for image in pairs]).reshape(-1, *[_LEVELS] * 2)
        p = p / p.sum(axis=(1, 2), keepdims=True)
        columns += [
            np.log((p * difference**2).sum(axis=(1, 2)) + _TINY),
            (p / (1 + difference**2)).sum(axis=(1, 2)),
            np.log((p**2).sum(axis=(1, 2))),
            (p * np.outer(centred, centred)).sum(axis=(1, 2)) / (centred**2).mean(),
        ]
    return np.stack(columns, axis=1)


def _wavelets(x: Floats) -> Floats:
    """Moments of the vertical, horizontal and diagonal details of three levels of Haar wavelets."""
    columns = []
    for _ in range(3):
        a, b, c, d = x[:, ::2, ::2], x[:, ::2, 1::2], x[:, 1::2, ::2], x[:, 1::2, 1::2]
        for detail in (a + b - c - d, a - b + c - d, a - b - c + d):
            columns += _moments(detail / 2)
        x = (a + b + c + d) / 2
    return np.stack(columns, axis=1)
