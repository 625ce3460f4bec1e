"""A texture continued beyond its mask: one draw of the Gaussian field with its spectrum that agrees with what is known.

Galerne & Leclaire (2017), "Texture inpainting using efficient Gaussian conditional simulation", SIAM Journal on Imaging
Sciences 10(3). A draw never repeats a piece of the texture, and passes into it without a seam.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from data.arrays import Flags, Floats

_TOLERANCE = 1e-4  # relative, of the solver
_MOST_STEPS = 300
_SPECK = 3.0  # robust standard deviations
_NUGGET = 1e-3  # of the variance, added at distance 0: the covariance of a small texture is nearly singular


def continued(values: Floats, known: Flags, seed: int = 0) -> Floats:
    """Values where they are known, and a continuation of their texture elsewhere, (R, C).

    The covariance is the texture's own autocorrelation, so that the continuation has its spectrum and its variance;
    what is far from the known part is an independent draw. The mean is taken as 0. A bright speck, which would fill the
    whole spectrum, counts as a pixel of 3 standard deviations. `seed` is that of the draw.
    """
    rows, columns = values.shape
    shape = (2 * rows, 2 * columns)  # no wrapping around
    spot = np.zeros(shape)
    spot[:rows, :columns] = np.where(known, _without_specks(values, known), 0) / np.sqrt(known.sum())
    spectrum = np.fft.rfft2(spot)
    power = np.square(np.abs(spectrum))
    nugget = _NUGGET * float(np.square(spot).sum())

    def filtered(field: Floats, transfer: Floats) -> Floats:
        padded = np.zeros(shape)
        padded[:rows, :columns] = field
        made: Floats = np.fft.irfft2(np.fft.rfft2(padded) * transfer, s=shape)[:rows, :columns]
        return made

    def covariance(known_values: Floats) -> Floats:
        field = np.zeros(values.shape)
        field[known] = known_values
        product: Floats = filtered(field, power)[known] + nugget * known_values
        return product

    rng = np.random.default_rng(seed)
    draw = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * spectrum, s=shape)[:rows, :columns]
    count = int(known.sum())
    misfit = _without_specks(values, known)[known] - draw[known] - np.sqrt(nugget) * rng.standard_normal(count)
    weights, _ = cg(
        LinearOperator((count, count), covariance, dtype=float), misfit, rtol=_TOLERANCE, maxiter=_MOST_STEPS
    )
    field = np.zeros(values.shape)
    field[known] = weights
    made: Floats = np.where(known, values, draw + filtered(field, power))
    return made


def _without_specks(values: Floats, known: Flags) -> Floats:
    """Values limited to 3 robust standard deviations."""
    most = _SPECK * 1.4826 * float(np.median(np.abs(values[known])))
    limited: Floats = np.clip(values, -most, most)
    return limited
