"""Reading and writing grayscale images as P-values: float32 in [0, 1], display-referred grey.

A P-value is not luminance (cd/m²); that exists only behind a calibrated display.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from data.arrays import Floats
from data.errors import LookalikeError
from data.files import write_bytes

if TYPE_CHECKING:
    from pydicom import Dataset

Pixels = npt.NDArray[np.float32]

KERNEL = "pillow-bicubic-antialiased"
_GREY_16 = ("I;16", "I;16B", "I;16L", "I")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")


@dataclass(frozen=True)
class Image:
    """A decoded image: `pixels` (rows, columns) in [0, 1], the bits per pixel that the file
    stores, and the height of a pixel divided by its width (1 unless the file says otherwise)."""

    pixels: Pixels
    bit_depth: int
    pixel_aspect: float = 1.0


def read_image(path: Path | str) -> Image:
    """Decode a grayscale PNG, JPEG, TIFF or DICOM file.

    DICOM: stored values go through the modality transform and the file's own window or lookup
    table if it has one, MONOCHROME1 is inverted, and the full stored range becomes [0, 1].

    Parameters
    ----------
    path : path
        A file ending in .png, .jpg, .jpeg, .tif, .tiff, .dcm or .dicom.

    Returns
    -------
    Image
        `pixels` (float32 P-values in [0, 1], shape (rows, columns)), `bit_depth` (bits per pixel that the file stores)
        and `pixel_aspect` (height of a pixel over its width).

    Raises
    ------
    LookalikeError
        If the file is missing, truncated, in colour or cannot be decoded.

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
    if path.suffix.lower() in (".dcm", ".dicom"):
        return _read_dicom(path)
    return decode(path)


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


def size_px(path: Path, content: bytes) -> tuple[int, int]:
    """(rows, columns) from the header of a PNG, JPEG or TIFF file whose `content` was read already."""
    try:
        with Pillow.open(io.BytesIO(content)) as image:
            return image.height, image.width
    except (OSError, SyntaxError, ValueError) as error:
        raise _unreadable(path, error) from None


def decode(path: Path, content: bytes | None = None) -> Image:
    """Decode a grayscale PNG, JPEG or TIFF file, from its `content` if that was read already."""
    try:
        content = path.read_bytes() if content is None else content
        with Pillow.open(io.BytesIO(content)) as image:
            image.load()
            array = np.asarray(image)
            mode = image.mode
            deep_colour = image.format == "PNG" and mode not in _GREY_16 and content[24] == 16
    except Pillow.DecompressionBombError:
        limit = 2 * (Pillow.MAX_IMAGE_PIXELS or 0)
        raise LookalikeError(
            "image-too-large", f"{path}: has more than {limit} pixels; crop it to the part that matters first"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise _unreadable(path, error) from None
    if deep_colour:  # Pillow would silently keep 8 of the 16 bits
        raise LookalikeError("colour-image", f"{path}: stores 16-bit grey as colour; export it as 16-bit grayscale")
    if mode in ("RGB", "RGBA"):
        if not (np.array_equal(array[..., 0], array[..., 1]) and np.array_equal(array[..., 0], array[..., 2])):
            raise LookalikeError("colour-image", f"{path}: is in colour; convert it to grayscale first")
        array, mode = array[..., 0], "L"
    if mode == "L":
        return Image((array / np.float32(255)).astype(np.float32), 8)
    if mode in _GREY_16:
        if array.min() < 0 or array.max() > 65535:
            raise LookalikeError(
                "unsupported-image", f"{path}: grey levels outside 0..65535; export it as 8 or 16 bits"
            )
        return Image((array.astype(np.float32) / np.float32(65535)), 16)
    raise LookalikeError(
        "unsupported-image", f"{path}: pixel format {mode!r} is not 8- or 16-bit grayscale; export it as PNG"
    )


def _unreadable(path: Path, error: Exception) -> LookalikeError:
    return LookalikeError(
        "unreadable-image", f"{path}: not a readable image ({error}); download or export the file again"
    )


def _read_dicom(path: Path) -> Image:
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # errors are reported once, below
            dataset = pydicom.dcmread(path)
            stored = dataset.pixel_array
    except Exception as error:  # decoders raise many kinds of error on damaged data
        raise LookalikeError(
            "unreadable-image",
            f"{path}: not a readable DICOM image ({_first_line(error)}); download the file again, or install "
            "the decoder of its transfer syntax (pip install pylibjpeg-libjpeg for JPEG Lossless)",
        ) from None
    photometric = str(dataset.PhotometricInterpretation)
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise LookalikeError("colour-image", f"{path}: is {photometric}, not grayscale; convert it to grayscale first")
    if stored.ndim != 2:
        raise LookalikeError("unsupported-image", f"{path}: has shape {stored.shape}; one grayscale frame is expected")
    try:
        pixels, aspect = _p_values(dataset, stored), _pixel_aspect(dataset)
    except Exception as error:  # as above: an empty, missing or impossible value somewhere in the header
        raise LookalikeError(
            "bad-dicom-header",
            f"{path}: its rescale, window, lookup table or pixel spacing is unusable ({_first_line(error)}); "
            "correct the header, or export the image as PNG",
        ) from None
    if photometric == "MONOCHROME1":
        pixels = 1 - pixels
    return Image(np.clip(pixels, 0, 1).astype(np.float32), int(dataset.BitsStored), aspect)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _p_values(dataset: Dataset, stored: npt.NDArray[np.generic]) -> Floats:
    """Modality transform, then window or lookup table, scaled so that the full output range is [0, 1]."""
    from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing

    if "ModalityLUTSequence" in dataset:
        raise ValueError("a modality lookup table is not supported")
    values = apply_modality_lut(stored, dataset)
    if dataset.get("VOILUTSequence"):
        top = 2 ** int(dataset.VOILUTSequence[0].LUTDescriptor[2]) - 1
        return cast("Floats", apply_voi(values, dataset).astype(float) / top)
    bits, signed = int(dataset.BitsStored), int(dataset.PixelRepresentation)
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    if slope == 0:
        raise ValueError("Rescale Slope is 0")
    lowest = -(2 ** (bits - 1)) if signed else 0
    bottom, top = slope * lowest + intercept, slope * (lowest + 2**bits - 1) + intercept
    if dataset.get("WindowCenter") is not None:
        values = apply_windowing(values, dataset)  # dark to bright runs from `bottom` to `top`
    elif slope < 0:
        bottom, top = top, bottom
    return cast("Floats", (values.astype(float) - bottom) / (top - bottom))


def _pixel_aspect(dataset: Dataset) -> float:
    """Height of a pixel over its width; Pixel Spacing gives row spacing (height) first."""
    for name in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        if dataset.get(name):
            height, width = (float(value) for value in dataset[name].value)
            return height / width
    return 1.0
