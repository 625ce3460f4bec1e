"""JPEG: Pillow decodes it; the EXIF orientation is heeded, as viewers heed it in which boxes are drawn."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import ExifTags, UnidentifiedImageError
from PIL import Image as Pillow

from stimuli.readers.record import Image, in_colour, unreadable, unsupported, which_frame
from stimuli.readers.samples import ORIENTATION, UPRIGHT, aspect_of, to_image

NAME = "JPEG"
# Start-of-frame markers (ITU-T T.81, table B.1), and JPEG-LS (T.87).
_FRAMES = {0xC0: "", 0xC1: "", 0xC2: "", 0xC3: "lossless", 0xC9: "arithmetic", 0xCA: "arithmetic", 0xF7: "JPEG-LS"}


def recognises(content: bytes) -> bool:
    return content.startswith(b"\xff\xd8\xff")


def read(path: Path, content: bytes, frame: int | None = None) -> Image:
    """Decode an 8-bit JPEG, or image number `frame` of an MPO, from 1.

    Raises `LookalikeError` if it is damaged, in colour, of another kind of JPEG, or has not that one image.
    """
    try:
        with Pillow.open(io.BytesIO(content)) as image:
            if place := which_frame(path, getattr(image, "n_frames", 1), frame, "images (MPO)"):
                image.info.pop("jfif_density", None)  # which Pillow would keep from the first
                image.seek(place)
            image.load()
            samples, mode, exif, info = np.asarray(image), image.mode, image.getexif(), image.info
    except UnidentifiedImageError:
        kind, bits = _frame(content)
        if kind or bits not in (None, 8):
            what = f"is a JPEG of {bits} bits" + (f" ({kind})" if kind else "")
            raise unsupported(path, what, "export it as a 16-bit PNG or TIFF") from None
        raise unreadable(path, "a JPEG that is damaged, or of a kind that nothing here decodes") from None
    if mode not in ("L", "RGB"):
        raise in_colour(path, f"is in colour ({mode})")
    across, down = info.get("jfif_density") or (
        exif.get(ExifTags.Base.XResolution),
        exif.get(ExifTags.Base.YResolution),
    )
    orientation = exif.get(ORIENTATION, UPRIGHT)
    return to_image(
        path,
        samples,
        8,
        top=255,
        orientation=orientation,
        aspect=aspect_of(across, down),
        profile=info.get("icc_profile"),
    )


def _frame(content: bytes) -> tuple[str, int | None]:
    """The kind of JPEG, empty if usual, and its bits per sample; None if it does not say."""
    place = 2
    while place + 5 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in _FRAMES:
            return _FRAMES[marker], content[place + 4]
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return "", None
