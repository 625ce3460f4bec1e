"""Matching of images to their mean: grey-level histograms, or rotationally averaged amplitude spectra (SHINE).

What is matched can no longer tell generated from real images. All images go through the same function, whatever their
truth. All in P-values (display-referred grey, 0 to 1), not luminance in cd/m².
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from stimuli.images import Pixels

Match = Literal["grey-levels", "spectrum"]
_AROUND_PX = (3, 5, 7)  # sides of the neighbourhoods whose means put equal pixels in order


def match_images(
    images: npt.ArrayLike, match: Match, reference: npt.ArrayLike | None = None
) -> tuple[Pixels, dict[str, Any]]:
    """Give all images the mean histogram, or the mean rotationally averaged amplitude spectrum, of a set.

    Parameters
    ----------
    images : array_like, shape (images, rows, columns)
        P-values in [0, 1].
    match : {"grey-levels", "spectrum"}
        What is made equal.
    reference : array_like of bool, shape (images,), optional
        The images whose mean is the reference; by default all.

    Returns
    -------
    matched : array of float32, shape (images, rows, columns)
        P-values in [0, 1].
    about : dict
        `kind`, the `reference` in words, the number of `reference_images`, and for spectra `contrast_factor`.

    Raises
    ------
    LookalikeError
        For another word, or if there is no image to refer to.

    Notes
    -----
    - `grey-levels`: exact histogram matching. The reference is the average histogram, that is, the distribution of all
      reference images' pixels together. The darkest pixel of an image takes the darkest grey, and so on. Equal pixels
      are put in order by the means of 3 x 3, 5 x 5 and 7 x 7 pixels around them, and what is then still equal at
      random, from a fixed seed.
    - `spectrum`: amplitudes are averaged over all orientations within rings one cycle per image (of the shorter side)
      wide; each ring of an image is multiplied by the reference images' mean over its own, including the mean grey.
      Phases stay. Where an image would leave [0, 1], the contrast of all images is reduced by one `contrast_factor`
      around their common mean, so that nothing is clipped and all spectra stay equal.

    References
    ----------
    Willenbockel et al. 2010, Behav. Res. Methods 42:671 (the SHINE toolbox); Coltuc, Bolon & Chassery 2006, IEEE Trans.
    Image Process. 15:1143 (the order of equal pixels).

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> images = np.random.default_rng(0).random((3, 16, 16)) * [[[0.5]], [[0.8]], [[1.0]]]
    >>> matched, about = stimuli.match_images(images, "grey-levels")
    >>> images.mean(axis=(1, 2)).round(2).tolist(), matched.mean(axis=(1, 2), dtype=float).round(2).tolist()
    ([0.27, 0.42, 0.5], [0.4, 0.4, 0.4])
    """
    stack = np.asarray(images, dtype=np.float64)
    if match not in get_args(Match):
        raise LookalikeError("unknown-choice", f"match is {match!r}; choose {' or '.join(get_args(Match))}")
    counts = np.ones(len(stack), dtype=np.bool_) if reference is None else np.asarray(reference, dtype=np.bool_)
    if stack.ndim != 3 or counts.shape != (len(stack),) or not counts.any():
        raise LookalikeError(
            "set-too-small", "matching needs images of one size, shape (images, rows, columns), and one to refer to"
        )
    about: dict[str, Any] = {"kind": match, "reference": _WORDS[match], "reference_images": int(counts.sum())}
    if match == "grey-levels":
        return _match_grey_levels(stack, counts).astype(np.float32), about
    spectra, factor = _match_spectra(stack, counts)
    return spectra.astype(np.float32), about | {"contrast_factor": round(factor, 6)}


_WORDS: dict[str, str] = {
    "grey-levels": "average histogram of main and practice images, real and generated",
    "spectrum": "average amplitude spectrum, over orientations, of main and practice images, real and generated",
}


def _match_grey_levels(stack: Floats, reference: Flags) -> Floats:
    """Each pixel takes the grey of its rank in the distribution of all reference pixels."""
    pooled = np.sort(stack[reference].reshape(-1))
    greys = pooled.reshape(stack[0].size, -1).mean(axis=1)  # one grey for each rank of a single image
    matched = np.empty_like(stack)
    for image, out in zip(stack, matched, strict=True):
        out.reshape(-1)[_rank_order(image)] = greys
    return matched


def _rank_order(image: Floats) -> Ints:
    """The places of an image's pixels from darkest to brightest, in a strict order."""
    values = image.reshape(-1)
    if np.unique(values).size == values.size:
        return np.argsort(values)
    around = [uniform_filter(image, side, mode="nearest").reshape(-1) for side in _AROUND_PX]
    lot = np.random.default_rng(0).permutation(values.size)
    order: Ints = np.lexsort((lot, *reversed(around), values))
    return order


def _match_spectra(stack: Floats, reference: Flags) -> tuple[Floats, float]:
    """Images with one rotationally averaged amplitude spectrum, and the factor by which their contrast was reduced."""
    ring = rings(stack.shape[1:])
    pixels = np.bincount(ring.reshape(-1))
    spectra = [np.fft.fft2(image) for image in stack]
    own = np.stack([np.bincount(ring.reshape(-1), np.abs(one).reshape(-1)) / pixels for one in spectra])
    wanted = own[reference].mean(axis=0)
    gain = np.divide(wanted, own, out=np.zeros_like(own), where=own > 0)
    matched = np.stack([np.fft.ifft2(one * each[ring]).real for one, each in zip(spectra, gain, strict=True)])
    mean = float(np.clip(wanted[0] / ring.size, 0, 1))
    above, below = float(matched.max()) - mean, mean - float(matched.min())
    factor = min(1.0, (1 - mean) / max(above, 1e-12), mean / max(below, 1e-12))
    return np.clip(mean + factor * (matched - mean), 0, 1), factor


def rings(shape: tuple[int, ...]) -> Ints:
    """For each place of an image's discrete Fourier transform, its frequency in whole cycles per shorter side."""
    rows, columns = shape
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None])
    whole: Ints = np.rint(frequency * min(rows, columns)).astype(np.int64)
    return whole
