"""How like two images are: error, structure, distance to the eye, and how much fine detail one keeps of the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import correlate1d
from torch import Tensor

from data.arrays import Floats
from gan.perceptual.nlpd import nlpd
from gan.perceptual.ssim import ssim
from stimuli.images import Pixels

_BINOMIAL = np.array([0.25, 0.5, 0.25])


def squared_error(images: Pixels, others: Pixels) -> Floats:
    """Mean squared difference of P-values, (N, R, R) twice to (N,)."""
    errors: Floats = np.square(images.astype(np.float64) - others).mean(axis=(1, 2))
    return errors


def psnr(squared_errors: Floats) -> Floats:
    """Peak signal-to-noise ratio in dB of mean squared differences of P-values, whose range is 1; infinite for 0."""
    with np.errstate(divide="ignore"):
        ratios: Floats = -10 * np.log10(squared_errors)
    return ratios


def fine_detail(images: Pixels) -> Floats:
    """RMS of what a binomial low-pass (3 x 3 px) takes from images of P-values, (N, R, R) to (N,)."""
    x = images.astype(np.float64)
    smooth = correlate1d(correlate1d(x, _BINOMIAL, axis=1, mode="mirror"), _BINOMIAL, axis=2, mode="mirror")
    detail: Floats = np.sqrt(np.square(x - smooth).mean(axis=(1, 2)))
    return detail


def _detail_kept(images: Pixels, others: Pixels) -> Floats:
    kept: Floats = fine_detail(images) / np.maximum(fine_detail(others), 1e-8)
    return kept


def _of_tensors(measure: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Pixels, Pixels], Floats]:
    def measured(images: Pixels, others: Pixels) -> Floats:
        first, second = (torch.from_numpy(x.astype(np.float32)).unsqueeze(1) for x in (images, others))
        values: Floats = measure(first, second).numpy().astype(np.float64)
        return values

    return measured


# By column of the table of inverted images, each from reconstructions and given images, (N, R, R) twice to (N,).
MEASURES: dict[str, Callable[[Pixels, Pixels], Floats]] = {
    "mse": squared_error,
    "psnr_db": lambda images, others: psnr(squared_error(images, others)),
    "ssim": _of_tensors(ssim),
    "nlpd": _of_tensors(nlpd),
    "detail_kept": _detail_kept,
}
