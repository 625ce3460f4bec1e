"""The pectoral muscle in views from the side: a straight line cuts it off.

References
----------
Karssemeijer 1998, "Automated classification of parenchymal patterns in mammograms", Phys. Med. Biol. 43:365: the edge
of the muscle as the strongest line, by the Hough transform, in the corner where the muscle is.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.feature import canny
from skimage.morphology import disk, opening
from skimage.transform import hough_line

from stimuli.images import Pixels
from stimuli.normal.breast import Region, chest_is_left

FRONT_VIEWS = ("CC", "XCCL", "XCCM", "FB")  # the muscle is not in them, or no more than a rim at the chest wall
_SIGMA = 0.012  # of the longer side: blur before edges are looked for
_FROM_SKIN = 2.5  # of that blur: edges nearer to the skin are the skin's
_ANGLES = np.deg2rad(np.arange(8.0, 61.0))  # of the line's normal from the horizontal: muscles are steep
_ACROSS, _DOWN = (0.15, 0.95), (0.3, 1.0)  # where the line leaves the breast's bounding box, at its top and chest side
_LEAST = 0.3  # of the line within the breast must lie on edges
_USUAL = (0.65, 0.65)  # a generous triangle where no line is found
_THIN = 0.04  # of the longer side: thinner parts are folds and film borders, and do not count towards the box
_MARGIN = 0.03  # of the longer side, beyond the line: muscles bulge


def pectoral_of(film: Pixels, breast: Region) -> Region:
    """What may be muscle: the corner of the breast at the top of the chest's side, beyond the strongest line.

    Edges are those where it gets darker away from the corner. If no line lies on edges over enough of its length, a
    generous triangle is taken.
    """
    left = chest_is_left(breast)
    if not left:
        film, breast = film[:, ::-1], breast[:, ::-1]
    trunk = opening(breast, disk(round(_THIN * max(film.shape))))  # type: ignore[no-untyped-call]
    if not trunk.any():
        trunk = breast
    rows, columns = np.flatnonzero(trunk.any(axis=1)), np.flatnonzero(trunk.any(axis=0))
    top, start = int(rows[0]), int(columns[0])
    inside = trunk[top : rows[-1] + 1, start : columns[-1] + 1]
    part = film[top : rows[-1] + 1, start : columns[-1] + 1]
    distance, angle = _line(part, inside, _SIGMA * max(film.shape))
    y, x = np.indices(film.shape)
    beyond = (x - start) * np.cos(angle) + (y - top) * np.sin(angle)
    muscle: Region = beyond <= distance + _MARGIN * max(film.shape)
    return muscle if left else muscle[:, ::-1]


def _line(part: Pixels, inside: Region, sigma: float) -> tuple[float, float]:
    """The distance from the upper left corner, px, and the angle of the normal, of the muscle's edge."""
    height, width = part.shape
    smooth = gaussian_filter(part.astype(np.float64), sigma)
    down, across = np.gradient(smooth)
    # The skin line is an edge too, and no muscle's.
    deep = distance_transform_edt(inside) > _FROM_SKIN * sigma
    edges = canny(smooth, sigma=1.0, mask=deep, low_threshold=0.0, high_threshold=0.0)  # type: ignore[no-untyped-call]
    edges &= (across < 0) & (down < 0.5 * -across)
    votes, angles, distances = hough_line(edges, theta=_ANGLES)  # type: ignore[no-untyped-call]
    cosine, sine = np.cos(angles), np.sin(angles)
    r = distances[:, None]
    possible = (
        (r / cosine >= _ACROSS[0] * width)
        & (r / cosine <= _ACROSS[1] * width)
        & (r / sine >= _DOWN[0] * height)
        & (r / sine <= _DOWN[1] * height)
    )
    length = np.hypot(r / cosine, r / sine)
    share = np.where(possible, votes / np.maximum(length, 1.0), 0.0)
    best = np.unravel_index(int(np.argmax(share * np.sqrt(np.maximum(length, 0)))), share.shape)
    if share[best] < _LEAST:
        across_px, down_px = _USUAL[0] * width, _USUAL[1] * height
        return across_px * down_px / float(np.hypot(across_px, down_px)), float(np.arctan2(across_px, down_px))
    return float(distances[best[0]]), float(angles[best[1]])
