"""JPEG: Pillow reads its header; the EXIF orientation is heeded, as viewers heed it in which boxes are drawn."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from PIL import ExifTags, UnidentifiedImageError
from PIL import Image as Pillow

from stimuli.readers.jpeg_quality import quality_of
from stimuli.readers.jpeg_stream import decode, frame_of
from stimuli.readers.record import Image, in_colour, unreadable, unsupported, which_frame
from stimuli.readers.samples import ORIENTATION, UPRIGHT, aspect_of, to_image

NAME = "JPEG"


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
            mode, exif, info = image.mode, image.getexif(), image.info
            tables = getattr(image, "quantization", {})
            part = content[getattr(image, "offset", 0) :]  # of an MPO, from the image that is meant on
    except UnidentifiedImageError:
        kind, bits = frame_of(content)
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
    decoded = to_image(
        path,
        decode(part, colour=mode == "RGB"),
        8,
        top=255,
        orientation=orientation,
        aspect=aspect_of(across, down),
        profile=info.get("icc_profile"),
    )
    return replace(decoded, jpeg_quality=quality_of(tables.get(0, ())) if orientation == UPRIGHT else None)
