"""Reading and writing grayscale images as P-values: float32 in [0, 1], display-referred grey.

A P-value is not luminance (cd/m²); that exists only behind a calibrated display.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from data.errors import LookalikeError
from data.files import write_bytes

if TYPE_CHECKING:
    from pydicom import Dataset

Pixels = npt.NDArray[np.float32]

KERNEL = "pillow-bicubic-antialiased"
_GREY_16 = ("I;16", "I;16B", "I;16L", "I")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")


@dataclass(frozen=True)
class Picture:
    """A decoded image: `pixels` (rows, columns) in [0, 1], the bits per pixel that the file
    stores, and the height of a pixel divided by its width (1 unless the file says otherwise)."""

    pixels: Pixels
    bit_depth: int
    pixel_aspect: float = 1.0


def read_picture(path: Path) -> Picture:
    """Decode a grayscale PNG, JPEG, TIFF or DICOM file.

    DICOM: stored values go through the modality transform and the file's own window or lookup
    table if it has one (PS3.3 C.11), MONOCHROME1 is inverted, and the full stored range becomes
    [0, 1]. Raises `LookalikeError` for a missing, truncated, coloured or undecodable file.
    """
    path = Path(path)
    if not path.is_file():
        raise LookalikeError(f"{path}: no such image")
    if path.suffix.lower() in (".dcm", ".dicom"):
        return _read_dicom(path)
    return decode(path)


def write_png(path: Path, pixels: Pixels, bits: int = 8) -> None:
    """Write P-values (rows, columns) as a grayscale PNG of 8 or 16 bits, without metadata, atomically."""
    buffer = io.BytesIO()
    Pillow.fromarray(quantise(pixels, bits)).save(buffer, format="PNG")
    write_bytes(path, buffer.getvalue())


def quantise(pixels: Pixels, bits: int) -> npt.NDArray[np.uint8 | np.uint16]:
    """Round P-values to whole grey levels; values outside [0, 1] are clipped."""
    if bits not in (8, 16):
        raise ValueError(f"bits is {bits}; PNG holds 8 or 16")
    levels = np.rint(np.clip(pixels, 0.0, 1.0).astype(np.float64) * (2**bits - 1))
    rounded: npt.NDArray[np.uint8 | np.uint16] = levels.astype(np.uint8 if bits == 8 else np.uint16)
    return rounded


def as_stored(pixels: Pixels) -> Pixels:
    """P-values as they come back from a 16-bit PNG, which is how patches are kept; what is not a number stays so.

    What comes straight from a generator goes through this before it is compared with patches or shown beside them.
    """
    known = np.isfinite(pixels)
    stored = quantise(np.where(known, pixels, 0), 16).astype(np.float32) / np.float32(65535)
    return np.where(known, stored, np.float32(np.nan))


def resample(pixels: Pixels, size_px: tuple[int, int], box: tuple[float, float, float, float] | None = None) -> Pixels:
    """Resample the part `box` = (left, top, right, bottom), in pixels and possibly fractional, to
    `size_px` = (rows, columns) with the one kernel of this project (`KERNEL`), then clip to [0, 1].

    The kernel widens with the reduction factor, separately along each axis, so reduction does not alias.
    """
    rows, columns = size_px
    image = Pillow.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    small = image.resize((columns, rows), Pillow.Resampling.BICUBIC, box=box)
    return np.clip(np.asarray(small, dtype=np.float32), 0.0, 1.0)


def size_px(path: Path, content: bytes) -> tuple[int, int]:
    """(rows, columns) of a PNG, JPEG or TIFF file that was read, from its header."""
    try:
        with Pillow.open(io.BytesIO(content)) as image:
            return image.height, image.width
    except (OSError, SyntaxError, ValueError) as error:
        raise LookalikeError(
            "unreadable-image", f"{path}: not a readable image ({error}); fetch or export the file again"
        ) from None


def decode(path: Path, content: bytes | None = None) -> Picture:
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
            f"{path}: has more than {limit} pixels; cut the part that matters out of it first"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise LookalikeError(f"{path}: not a readable image ({error}); fetch or export the file again") from None
    if deep_colour:  # Pillow would quietly keep 8 of the 16 bits
        raise LookalikeError(f"{path}: stores 16-bit grey as colour; export it as 16-bit grayscale")
    if mode in ("RGB", "RGBA"):
        if not (np.array_equal(array[..., 0], array[..., 1]) and np.array_equal(array[..., 0], array[..., 2])):
            raise LookalikeError(f"{path}: is in colour; convert it to grayscale first")
        array, mode = array[..., 0], "L"
    if mode == "L":
        return Picture((array / np.float32(255)).astype(np.float32), 8)
    if mode in _GREY_16:
        if array.min() < 0 or array.max() > 65535:
            raise LookalikeError(f"{path}: grey levels outside 0..65535; export it as 8 or 16 bits")
        return Picture((array.astype(np.float32) / np.float32(65535)), 16)
    raise LookalikeError(f"{path}: pixel format {mode!r} is not 8- or 16-bit grayscale; export it as PNG")


def _read_dicom(path: Path) -> Picture:
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong is said once, below
            dataset = pydicom.dcmread(path)
            stored = dataset.pixel_array
    except Exception as error:  # decoders raise whatever they like on damaged data
        raise LookalikeError(
            f"{path}: not a readable DICOM image ({_first_line(error)}); fetch the file again, or install "
            "the decoder of its transfer syntax (pip install pylibjpeg-libjpeg for JPEG Lossless)"
        ) from None
    photometric = str(dataset.PhotometricInterpretation)
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise LookalikeError(f"{path}: is {photometric}, not grayscale; convert it to grayscale first")
    if stored.ndim != 2:
        raise LookalikeError(f"{path}: has shape {stored.shape}; one grayscale frame is expected")
    try:
        pixels, aspect = _p_values(dataset, stored), _pixel_aspect(dataset)
    except Exception as error:  # as above: an empty, missing or impossible value somewhere in the header
        raise LookalikeError(
            f"{path}: its rescale, window, lookup table or pixel spacing is unusable ({_first_line(error)}); "
            "correct the header, or export the image as PNG"
        ) from None
    if photometric == "MONOCHROME1":
        pixels = 1 - pixels
    return Picture(np.clip(pixels, 0, 1).astype(np.float32), int(dataset.BitsStored), aspect)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _p_values(dataset: Dataset, stored: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """Modality transform, then window or lookup table, scaled so that the full output range is [0, 1]."""
    from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing

    if "ModalityLUTSequence" in dataset:
        raise ValueError("a modality lookup table is not supported")
    values = apply_modality_lut(stored, dataset)
    if dataset.get("VOILUTSequence"):
        top = 2 ** int(dataset.VOILUTSequence[0].LUTDescriptor[2]) - 1
        return cast("npt.NDArray[np.float64]", apply_voi(values, dataset).astype(float) / top)
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
    return cast("npt.NDArray[np.float64]", (values.astype(float) - bottom) / (top - bottom))


def _pixel_aspect(dataset: Dataset) -> float:
    """Height of a pixel over its width; Pixel Spacing gives row spacing (height) first."""
    for name in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        if dataset.get(name):
            height, width = (float(value) for value in dataset[name].value)
            return height / width
    return 1.0
