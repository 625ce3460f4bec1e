"""What every reader yields."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import UnidentifiedImageError

from data.errors import LookalikeError
from stimuli.copies import Likeness, likeness

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Image:
    """A decoded image.

    Attributes
    ----------
    pixels : array of float32, shape (rows, columns)
        P-values in [0, 1].
    bit_depth : int
        Bits per pixel that the file stores.
    pixel_aspect : float
        Height of a pixel over its width; 1 unless the file says otherwise.
    notes : tuple of str
        What whoever uses the image should know, such as 'is FOR PROCESSING'.
    jpeg_quality : int, 1 to 100, optional
        The quality of an upright JPEG with a standard table (`stimuli.readers.jpeg_quality`); None for all others.
    """

    pixels: Pixels
    bit_depth: int
    pixel_aspect: float = 1.0
    notes: tuple[str, ...] = ()
    jpeg_quality: int | None = None

    @cached_property
    def likeness(self) -> Likeness:
        """By what copies of the image are found."""
        return likeness(self.pixels)


def unreadable(path: Path, reason: object) -> LookalikeError:
    """The refusal of a file that is damaged or no image at all."""
    said = next(iter(str(reason).splitlines()), "") or type(reason).__name__
    if isinstance(reason, UnidentifiedImageError):  # which names the address of a buffer
        said = "it is damaged, or of a kind that nothing here decodes"
    return LookalikeError(
        "unreadable-image", f"{path}: not a readable image ({said}); download or export the file again"
    )


def unsupported(path: Path, what: str, cure: str) -> LookalikeError:
    """The refusal of a sound file whose greys cannot be kept exactly."""
    return LookalikeError("unsupported-image", f"{path}: {what}; {cure}")


def which_frame(path: Path, count: int, asked: int | None, what: str) -> int:
    """The place, from 0, of the one frame of `count` that is to be read.

    `asked` counts from 1; without it, the file must hold one. `what` is what the file calls its frames, in the plural.

    Raises `LookalikeError` if the file holds several and none was asked for, or fewer than the one asked for.
    """
    if asked is None and count > 1:
        raise unsupported(
            path,
            f"holds {count} {what}, and one image is expected",
            f"name the one that you mean with --frame (1 to {count}), or export it as a file of its own",
        )
    if asked is not None and not 1 <= asked <= count:
        holds = f"{count} {what} (1 to {count})" if count > 1 else "a single image"
        raise LookalikeError("out-of-range", f"{path}: holds {holds}, and frame {asked} was asked for; correct --frame")
    return 0 if asked is None else asked - 1


def in_colour(path: Path, what: str = "is in colour") -> LookalikeError:
    return LookalikeError("colour-image", f"{path}: {what}; convert it to grayscale first")
