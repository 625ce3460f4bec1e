"""Radially averaged power spectra, which show artefacts at fine scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from data.arrays import Floats
from stimuli.images import Pixels

Curve = Floats
_FLOOR = 1e-12  # of power; rounding to 16 bits alone leaves 2e-11, so no image has so little


@dataclass(frozen=True)
class Spectrum:
    """log10 power at each frequency: the mean over images, and the range of the middle 80% of images."""

    cycles_per_px: Curve
    mean: Curve
    low: Curve
    high: Curve

    def to_dict(self) -> dict[str, Any]:
        return {name: [round(float(x), 6) for x in getattr(self, name)] for name in self.__dataclass_fields__}


def spectrum(images: Pixels) -> Spectrum:
    """Radially averaged power spectra: per image, then the mean and the middle 80% over images.

    Parameters
    ----------
    images : array of float32, shape (N, R, R)
        P-values in [0, 1].

    Returns
    -------
    Spectrum
        `cycles_per_px` (R // 2 frequencies up to 0.5), and `mean`, `low` and `high` of log10 power (P-value²).

    Examples
    --------
    White noise of variance 0.01 has that power at all frequencies:

    >>> import gan, numpy as np
    >>> noise = np.random.default_rng(0).normal(0.5, 0.1, (100, 16, 16)).astype(np.float32)
    >>> float((10 ** gan.spectrum(noise).mean[1:]).mean().round(2))
    0.01
    """
    frequencies, power = radial_power(images)
    logs = np.log10(np.maximum(power, _FLOOR))
    low, high = np.quantile(logs, [0.1, 0.9], axis=0)
    return Spectrum(frequencies, logs.mean(axis=0), low, high)


def radial_power(images: Pixels) -> tuple[Curve, Curve]:
    """Frequencies (R // 2,) in cycles/pixel, and power of each image there, (N, R // 2).

    The mean is subtracted, a Hann window keeps the borders from leaking into high frequencies, and
    power (P-values squared; white noise of variance v has power v) is averaged over rings one
    cycle per image wide, from 1 cycle per image to the Nyquist frequency.
    """
    size = images.shape[1]
    window = np.hanning(size + 1)[:-1]
    window = window[:, None] * window
    x = images.astype(np.float64)
    x = x - ((x * window).sum(axis=(1, 2)) / window.sum())[:, None, None]
    power = np.abs(np.fft.fft2(x * window)) ** 2 / (window**2).sum()
    along = np.fft.fftfreq(size) * size
    ring = np.rint(np.hypot(along[:, None], along)).astype(np.int64)
    rings = range(1, size // 2 + 1)
    return np.array(rings) / size, np.stack([power[:, ring == number].mean(axis=1) for number in rings], axis=1)


def widest_gap(real: Spectrum, fake: Spectrum) -> tuple[float, float]:
    """The largest difference of the mean curves: (log10 of generated over real power, cycles/pixel)."""
    gaps = fake.mean - real.mean
    index = int(np.abs(gaps).argmax())
    return float(gaps[index]), float(real.cycles_per_px[index])


def spectrum_figure(real: Spectrum, fake: Spectrum) -> Figure:
    """Both curves with their bands."""
    figure = Figure(figsize=(4.6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for curve, name, colour, dash in ((real, "real", "#0072B2", "-"), (fake, "generated", "#D55E00", "--")):
        axes.fill_between(curve.cycles_per_px, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(curve.cycles_per_px, curve.mean, dash, color=colour, linewidth=1.6, label=name)
    axes.set_xscale("log")
    ticks = [tick for tick in (0.02, 0.05, 0.1, 0.2, 0.5) if tick >= real.cycles_per_px[0]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(real.cycles_per_px[0], real.cycles_per_px[-1])
    axes.set_xlabel("spatial frequency (cycles/pixel)")
    axes.set_ylabel("log₁₀ power (P-value²)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, title="mean, middle 80% of images", title_fontsize=8, fontsize=9, alignment="left")
    return figure
