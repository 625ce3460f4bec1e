"""Reading and writing grayscale images as P-values: float32 in [0, 1], display-referred grey.

A P-value is not luminance (cd/m²); that exists only behind a calibrated display.
"""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from data.arrays import Floats
from data.errors import LookalikeError
from data.files import write_bytes
from stimuli.readers.formats import read
from stimuli.readers.record import Image
from stimuli.readers.record import Pixels as Pixels

KERNEL = "pillow-bicubic-antialiased"


def read_image(path: Path | str, frame: int | None = None) -> Image:
    """Decode a grayscale image file, in the greys, the place and the shape that the file itself states.

    What kind of file it is is decided by its content, not by its name. DICOM: stored values go through the modality
    transform and the file's own window or lookup table if it has one, MONOCHROME1 is inverted, padding is black, and
    the full output range becomes [0, 1]. Other files: the full range of their samples becomes [0, 1], signed ones
    included, 0 is white where the file says so, and the image is turned upright by its EXIF orientation.

    Parameters
    ----------
    path : path
        A DICOM, PNG, JPEG, TIFF, PGM or BMP file, with any suffix or none.
    frame : int, optional
        Which frame of a multi-frame DICOM, page of a TIFF or image of an MPO or PGM is read, from 1; it is needed where
        there are several.

    Returns
    -------
    Image
        `pixels` (float32 P-values in [0, 1], shape (rows, columns)), `bit_depth` (bits per pixel that the file stores),
        `pixel_aspect` (height of a pixel over its width) and `notes` (what the file says that one should know).

    Raises
    ------
    LookalikeError
        If the file is missing, damaged, in colour or transparent, holds several images and `frame` is not given, lacks
        that frame, or if its greys cannot be kept exactly.

    References
    ----------
    DICOM PS3.3, C.11 (look-up tables and presentation states).

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> stimuli.write_png("ramp.png", np.array([[0, 0.25, 1]], np.float32), bits=16)
    >>> image = stimuli.read_image("ramp.png")
    >>> image.pixels.round(3).tolist(), image.bit_depth
    ([[0.0, 0.25, 1.0]], 16)
    """
    path = Path(path)
    if not path.is_file():
        raise LookalikeError("no-such-file", f"{path}: no such image")
    return read(path, path.read_bytes(), frame)


def write_png(path: Path | str, pixels: Pixels, bits: int = 8) -> None:
    """Write an image as a grayscale PNG without metadata, as a whole or not at all.

    Parameters
    ----------
    path : path
        The file to write; one of this name is replaced.
    pixels : array, shape (rows, columns)
        P-values; outside [0, 1] they are clipped.
    bits : {8, 16}
        Bits per pixel.

    Raises
    ------
    ValueError
        For other bits.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> stimuli.write_png("grey.png", np.full((4, 4), 0.5, np.float32))
    >>> stimuli.read_image("grey.png").bit_depth
    8
    """
    buffer = io.BytesIO()
    Pillow.fromarray(quantise(pixels, bits)).save(buffer, format="PNG")
    write_bytes(Path(path), buffer.getvalue())


def quantise(pixels: Pixels, bits: int) -> npt.NDArray[np.uint8 | np.uint16]:
    """Round P-values to whole grey levels.

    Parameters
    ----------
    pixels : array, any shape
        P-values; outside [0, 1] they are clipped.
    bits : {8, 16}
        Bits per pixel.

    Returns
    -------
    array of uint8 or uint16
        Levels from 0 to 2^bits - 1.

    Raises
    ------
    ValueError
        For other bits.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> stimuli.quantise(np.array([-0.1, 0.5, 1.0]), 8).tolist()
    [0, 128, 255]
    """
    if bits not in (8, 16):
        raise ValueError(f"bits is {bits}; a PNG holds 8 or 16")
    levels = np.rint(np.clip(pixels, 0.0, 1.0).astype(np.float64) * (2**bits - 1))
    rounded: npt.NDArray[np.uint8 | np.uint16] = levels.astype(np.uint8 if bits == 8 else np.uint16)
    return rounded


def as_stored(pixels: Pixels) -> Pixels:
    """P-values as they come back from a 16-bit PNG, the format of patches.

    Images straight from a generator pass through this before they are compared with patches or shown beside them.

    Parameters
    ----------
    pixels : array, any shape
        P-values; outside [0, 1] they are clipped.

    Returns
    -------
    array of float32
        Rounded P-values; values that are not finite become NaN.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> float(stimuli.as_stored(np.float32(0.1)) * 65535)
    6554.0
    """
    known = np.isfinite(pixels)
    stored = quantise(np.where(known, pixels, 0), 16).astype(np.float32) / np.float32(65535)
    return np.where(known, stored, np.float32(np.nan))


def resample(pixels: Pixels, size_px: tuple[int, int], box: tuple[float, float, float, float] | None = None) -> Pixels:
    """Resample an image, or a part of it, with the kernel that every image here is resampled with (bicubic).

    The kernel widens with the reduction factor, separately along each axis, so reduction does not alias. The result is
    clipped to [0, 1].

    Parameters
    ----------
    pixels : array, shape (rows, columns)
        P-values in [0, 1].
    size_px : (int, int)
        Rows and columns of the result.
    box : (float, float, float, float), optional
        Left, top, right and bottom of the part, in pixels and possibly fractional; by default the whole image.

    Returns
    -------
    array of float32, shape `size_px`
        P-values in [0, 1].

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> ramp = np.linspace(0, 1, 8, dtype=np.float32)[None].repeat(8, axis=0)
    >>> print(stimuli.resample(ramp, (2, 2)).round(2))
    [[0.24 0.76]
     [0.24 0.76]]
    """
    rows, columns = size_px
    image = Pillow.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    small = image.resize((columns, rows), Pillow.Resampling.BICUBIC, box=box)
    return np.clip(np.asarray(small, dtype=np.float32), 0.0, 1.0)


def area_average(pixels: Pixels, size_px: tuple[int, int], box: tuple[float, float, float, float]) -> Pixels:
    """The mean of each new pixel's area, so that a mask keeps its area and its place.

    Parameters
    ----------
    pixels : array, shape (rows, columns)
        Values that are even within each pixel.
    size_px : (int, int)
        Rows and columns of the result.
    box : (float, float, float, float)
        Left, top, right and bottom of the part, in pixels and possibly fractional, inside the image.

    Returns
    -------
    array of float32, shape `size_px`
        Means.
    """
    left, top, right, bottom = box
    first_row, first_column = int(top), int(left)
    part = pixels[first_row : math.ceil(bottom), first_column : math.ceil(right)]
    rows = _shares(top - first_row, bottom - first_row, size_px[0], part.shape[0])
    columns = _shares(left - first_column, right - first_column, size_px[1], part.shape[1])
    return (rows @ part @ columns.T).astype(np.float32)


def _shares(start: float, stop: float, count: int, length: int) -> Floats:
    """The share that each of `length` pixels has in each of `count` equal parts from `start` to `stop`."""
    edges = np.linspace(start, stop, count + 1)
    pixel = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    share: Floats = np.clip(overlap, 0, None) * (count / (stop - start))
    return share
