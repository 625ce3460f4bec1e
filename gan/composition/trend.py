"""An image within a mask as trend and detail: what varies slowly there, and the rest."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from data.arrays import Floats

TREND_SHARE = 1 / 16  # SD of the Gaussian window over the image's side: 4 px at 64 px
_RIDGE = 1e-3  # on slopes, relative to the window's weight: where the mask leaves a line or less of it


def trend(image: Floats, mask: Floats, share: float = TREND_SHARE) -> Floats:
    """The trend of an image (R, R) as the pixels of its mask give it: local linear regression with Gaussian weights.

    Straight lines rather than means, because a lesion darkens towards its edge: means of what lies inside would be too
    bright there. Values far outside the mask mean nothing.
    """
    side = len(image)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    weights = mask.astype(float)

    def summed(values: Floats) -> Floats:
        made: Floats = gaussian_filter(values * weights, share * side, mode="constant")
        return made

    # Sums about the image's corner, then moved to each pixel.
    ones, r, c = summed(np.ones_like(rows)), summed(rows), summed(columns)
    rr = summed(rows * rows) - 2 * rows * r + rows * rows * ones
    cc = summed(columns * columns) - 2 * columns * c + columns * columns * ones
    rc = summed(rows * columns) - rows * c - columns * r + rows * columns * ones
    r, c = r - rows * ones, c - columns * ones
    values = summed(image)
    by_row, by_column = summed(image * rows) - rows * values, summed(image * columns) - columns * values
    ridge = _RIDGE * ones
    normal = np.stack([np.stack(line, -1) for line in ((ones, r, c), (r, rr + ridge, rc), (c, rc, cc + ridge))], -2)
    wanted = np.stack([values, by_row, by_column], -1)[..., None]
    made: Floats = np.linalg.solve(normal + 1e-12 * np.eye(3), wanted)[..., 0, 0]
    return made


def detail(image: Floats, mask: Floats, share: float = TREND_SHARE) -> Floats:
    """Image minus trend inside a mask, 0 outside, (R, R)."""
    made: Floats = np.where(mask >= 0.5, image - trend(image, mask, share), 0)
    return made
