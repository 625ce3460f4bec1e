"""From the samples of a raster file to an image: channels, full scale, orientation and the shape of pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stimuli.readers.profiles import refuse_other_greys
from stimuli.readers.record import Image, Pixels, in_colour, unsupported

Samples = npt.NDArray[Any]
UPRIGHT = 1  # EXIF and TIFF number eight orientations from 1
ORIENTATION = 274  # the tag of both


def to_image(
    path: Path,
    samples: Samples,
    bits: int,
    *,
    top: int,
    alpha: bool = False,
    orientation: int = UPRIGHT,
    aspect: float = 1.0,
    profile: bytes | None = None,
) -> Image:
    """An image of unsigned samples, shape (rows, columns) or (rows, columns, channels), of which `top` is white.

    `alpha` says that the last channel is opacity. Raises `LookalikeError` if a pixel is transparent or in colour, or if
    an ICC profile gives the greys another meaning.
    """
    if alpha:
        if not (samples[..., -1] == top).all():
            raise transparent(path)
        samples = samples[..., :-1]
    grey = one_channel(path, samples)
    notes = refuse_other_greys(path, profile)
    if bits == 16 and 0 < (highest := int(grey.max())) < 2**14:
        used = highest.bit_length()
        notes = (
            *notes,
            f"grey levels only up to {2**used - 1} of 65535: perhaps {used} bits stored in 16, and so too dark",
        )
    pixels, aspect = upright(grey.astype(np.float32) / np.float32(top), orientation, aspect)
    return Image(pixels, bits, aspect, notes)


def one_channel(path: Path, samples: Samples) -> Samples:
    """The grey of samples whose channels are equal. Raises `LookalikeError` if they are not."""
    if samples.ndim == 2:
        return samples
    grey = samples[..., 0]
    if any(not np.array_equal(grey, samples[..., channel]) for channel in range(1, samples.shape[-1])):
        raise in_colour(path)
    return grey


def from_palette(path: Path, indices: Samples, palette: Samples) -> Samples:
    """The colours of `palette`, shape (entries, channels), that `indices` name.

    Raises `LookalikeError` for an index without an entry.
    """
    if indices.max() >= len(palette):
        raise unsupported(path, "names colours that its palette does not have", "export it as grayscale")
    return palette[indices]


def transparent(path: Path) -> Exception:
    return unsupported(
        path, "has transparent pixels (an alpha channel), whose grey is undefined", "flatten it and export it again"
    )


def upright(pixels: Pixels, orientation: int, aspect: float) -> tuple[Pixels, float]:
    """An image and the height of its pixels over their width as a viewer shows them, by their EXIF orientation.

    An orientation that is none of 1 to 8 counts as not given.
    """
    if orientation in (5, 6, 7, 8):
        pixels, aspect = pixels.T, 1 / aspect
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels), aspect


def aspect_of(across: float | None, down: float | None) -> float:
    """Height of a pixel over its width, from the resolution in pixels per length; 1 where half of it is unknown."""
    if not across or not down or not (0 < across < np.inf and 0 < down < np.inf):
        return 1.0
    return float(across) / float(down)
