"""How like two images are: squared error, PSNR, SSIM, and how much fine detail one keeps of the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import correlate1d, gaussian_filter

from data.arrays import Floats
from data.errors import LookalikeError
from stimuli.images import Pixels

_SIGMA_PX, _REACH = 1.5, 3.5  # of SSIM's Gaussian window; 3.5 SDs make it 11 px wide
_C1, _C2 = 0.01**2, 0.03**2
_BINOMIAL = np.array([0.25, 0.5, 0.25])


def squared_error(images: Pixels, others: Pixels) -> Floats:
    """Mean squared difference of P-values, (N, R, R) twice to (N,)."""
    _refuse_other_shapes(images, others)
    errors: Floats = np.square(images.astype(np.float64) - others).mean(axis=(1, 2))
    return errors


def psnr(squared_errors: Floats) -> Floats:
    """Peak signal-to-noise ratio in dB of mean squared differences of P-values, whose range is 1."""
    with np.errstate(divide="ignore"):
        ratios: Floats = -10 * np.log10(squared_errors)
    return ratios


def ssim(images: Pixels, others: Pixels) -> Floats:
    """Structural similarity of P-values (N, R, R), in [-1, 1], (N,); 1 if the images are the same.

    With the published Gaussian window (SD 1.5 px, 11 px wide) and constants, averaged where the window fits (Wang,
    Bovik, Sheikh & Simoncelli 2004, "Image quality assessment: from error visibility to structural similarity").
    """
    _refuse_other_shapes(images, others)
    x, y = images.astype(np.float64), others.astype(np.float64)
    mean_x, mean_y = _window(x), _window(y)
    var_x, var_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    both = _window(x * y) - mean_x * mean_y
    map_ = (2 * mean_x * mean_y + _C1) * (2 * both + _C2)
    map_ /= (mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2)
    edge = round(_SIGMA_PX * _REACH)
    values: Floats = map_[:, edge:-edge, edge:-edge].mean(axis=(1, 2))
    return values


def fine_detail(images: Pixels) -> Floats:
    """RMS of what a binomial low-pass (3 x 3 px) takes from images of P-values, (N, R, R) to (N,)."""
    x = images.astype(np.float64)
    smooth = correlate1d(correlate1d(x, _BINOMIAL, axis=1, mode="mirror"), _BINOMIAL, axis=2, mode="mirror")
    detail: Floats = np.sqrt(np.square(x - smooth).mean(axis=(1, 2)))
    return detail


# By column of the table of inverted images, each from reconstructions and given images, (N, R, R) twice to (N,).
MEASURES: dict[str, Callable[[Pixels, Pixels], Floats]] = {
    "mse": squared_error,
    "psnr_db": lambda images, others: psnr(squared_error(images, others)),
    "ssim": ssim,
    "detail_kept": lambda images, others: fine_detail(images) / fine_detail(others),
}


def _window(x: Floats) -> Floats:
    averaged: Floats = gaussian_filter(x, (0, _SIGMA_PX, _SIGMA_PX), truncate=_REACH)
    return averaged


def _refuse_other_shapes(images: Pixels, others: Pixels) -> None:
    if images.shape != others.shape or images.ndim != 3:
        raise LookalikeError(
            "wrong-size", f"images of shape {images.shape} and {others.shape}: both must be (N, R, R), and the same"
        )
