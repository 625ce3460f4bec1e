"""Which channels a model observer gets: as many of a family as the images allow, and a known change to prove it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from analysis.image_cues import channels
from data.arrays import Floats

Respond = Callable[[Floats], Floats]

ORIENTATIONS_DEG = (0, 45, 90, 135)
MOST_LAGUERRE_GAUSS = 6
BLOB_P = 0.1  # height of the blob inserted for linear observers, P-values


@dataclass(frozen=True)
class Bank:
    """The channels of one observer.

    `respond` turns images (n, rows, columns) into features (n, channels). `change` alters images (n, rows, columns)
    in a way that these channels should see, which `change_words` names.
    """

    name: str
    words: str
    respond: Respond
    change: Respond
    change_words: str


def laguerre_gauss_bank(shape: tuple[int, int], most: int) -> Bank:
    """Up to `most` Laguerre–Gauss channels at the centre (at most 6, and one per 8 px of the shorter side)."""
    full = min(MOST_LAGUERRE_GAUSS, min(shape) // 8)
    count = min(full, most)
    width = channels.laguerre_gauss_width(shape, count)
    templates = channels.laguerre_gauss(shape, count, width)
    words = f"{count} Laguerre–Gauss channels, width {width:.3g} px, at the centre{_missing(count, full)}"
    return Bank("Laguerre–Gauss", words, lambda images: channels.outputs(images, templates), *_blob(shape))


def gabor_bank(shape: tuple[int, int], most: int) -> Bank:
    """Up to `most` Gabor channels at the centre: octaves first, then orientations, then the odd phase.

    Without channels for orientations, outputs are averaged over them: a ring-shaped channel.
    """
    octaves = channels.octaves(shape)
    frequencies, oriented = _layout(octaves, most)
    phases = (0, 90) if most >= 2 * len(ORIENTATIONS_DEG) * octaves.size else (0,)
    templates = channels.gabor(shape, frequencies, ORIENTATIONS_DEG, phases)
    if not oriented:
        templates = templates.mean(axis=1, keepdims=True)
    count = int(np.prod(templates.shape[:3]))
    words = (
        f"{count} Gabor channels at the centre, {_gabor_words(frequencies, oriented)}, "
        f"{'even and odd' if len(phases) == 2 else 'even'} phase"
        f"{_missing(count, 2 * len(ORIENTATIONS_DEG) * octaves.size)}"
    )
    return Bank("Gabor", words, lambda images: _flat(channels.outputs(images, templates)), *_blob(shape))


def energy_bank(shape: tuple[int, int], most: int) -> Bank:
    """Up to `most` logarithms of Gabor energies, averaged over positions and phases: octaves, then orientations.

    Logarithms, because the Hotelling observer is made for normal features, and energies of natural images differ
    by factors: on 200 mammogram patches their skewness is 1.3 to 3.1, that of their logarithms −.2 to .1.
    """
    octaves = channels.octaves(shape)
    frequencies, oriented = _layout(octaves, most)
    passed = channels.transfer(channels.gabor(shape, frequencies, ORIENTATIONS_DEG)).mean(axis=2)
    if not oriented:
        passed = passed.mean(axis=1, keepdims=True)
    count = passed.shape[0] * passed.shape[1]
    words = (
        f"{count} log energies of Gabor channels over all positions, {_gabor_words(frequencies, oriented)}"
        f"{_missing(count, len(ORIENTATIONS_DEG) * octaves.size)}"
    )
    blur = max(0.5, min(shape) / 128)
    return Bank(
        "Gabor energy",
        words,
        lambda images: _flat(channels.log_energies(channels.energies(images, passed))),
        lambda images: np.asarray(gaussian_filter(images, (0, blur, blur), mode="nearest")),
        f"a Gaussian blur of SD {blur:.3g} px",
    )


def _layout(octaves: Floats, most: int) -> tuple[Floats, bool]:
    """The frequencies, spread evenly where not all fit, and whether each orientation has its own channel."""
    chosen = np.round(np.linspace(0, octaves.size - 1, min(octaves.size, max(most, 1)))).astype(int)
    return octaves[chosen], most >= len(ORIENTATIONS_DEG) * octaves.size


def _gabor_words(frequencies: Floats, oriented: bool) -> str:
    where = ", ".join(f"{frequency:.3g}" for frequency in frequencies)
    turned = f"{', '.join(map(str, ORIENTATIONS_DEG))}°" + ("" if oriented else " averaged into one channel")
    return f"{where} cycles per pixel, 1 octave wide, orientations {turned}"


def _missing(count: int, full: int) -> str:
    return f" (the whole bank has {full}; more images would allow more)" if count < full else ""


def _blob(shape: tuple[int, int]) -> tuple[Respond, str]:
    """A bright blob at the centre, which a linear observer can see."""
    sd = min(shape) / 16
    y, x = np.ogrid[: shape[0], : shape[1]]
    squared = (x - (shape[1] - 1) / 2) ** 2 + (y - (shape[0] - 1) / 2) ** 2
    blob = BLOB_P * np.exp(-squared / (2 * sd**2))
    words = f"a Gaussian blob at the centre, {BLOB_P:g} P-values high, SD {sd:.3g} px"
    return lambda images: np.clip(images + blob, 0, 1), words


def _flat(features: Floats) -> Floats:
    return features.reshape(len(features), -1)
