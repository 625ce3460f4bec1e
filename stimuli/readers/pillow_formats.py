"""Other formats that Pillow decodes (BMP, GIF, WebP, JPEG 2000), as far as it keeps their greys exactly."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import ExifTags
from PIL import Image as Pillow

from stimuli.readers import jp2_boxes
from stimuli.readers.record import Image, unsupported, which_frame
from stimuli.readers.samples import ORIENTATION, UPRIGHT, aspect_of, to_image

NAME = "BMP"
_MODES = {"1": 1, "L": 8, "LA": 8, "RGB": 8, "RGBA": 8}
_GIF_ASPECT = 12  # the byte that says a pixel's shape
_STARTS = (b"BM", b"GIF8", b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")


def recognises(content: bytes) -> bool:
    return content.startswith(_STARTS) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")


def read(path: Path, content: bytes, frame: int | None = None) -> Image:
    """Decode an 8-bit or bilevel image. Raises `LookalikeError` if it is anything else, or holds several.

    Frames of an animation build on one another, so none is read by itself; `frame` can only be 1.
    """
    with Pillow.open(io.BytesIO(content)) as image:
        kind, frames = image.format or "", getattr(image, "n_frames", 1)
        if frames > 1:
            raise unsupported(path, f"is a {kind} of {frames} frames", "export the one that you mean as PNG")
        which_frame(path, 1, frame, "frames")
        image.load()
        if image.mode in ("P", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
        samples, mode, orientation = np.asarray(image), image.mode, image.getexif().get(ORIENTATION, UPRIGHT)
        profile = image.info.get("icc_profile") or jp2_boxes.profile(content)
        aspect = aspect_of(*_resolution(image, content))
    if mode not in _MODES:
        raise unsupported(path, f"is a {kind} of pixel format {mode}", "export it as an 8- or 16-bit grayscale PNG")
    bits = _MODES[mode]
    alpha = mode.endswith("A")
    return to_image(
        path, samples, bits, top=2**bits - 1, alpha=alpha, orientation=orientation, aspect=aspect, profile=profile
    )


def _resolution(image: Pillow.Image, content: bytes) -> tuple[float | None, float | None]:
    """Pixels per length across and down, or their ratio; None where the file does not say it."""
    if image.format == "GIF" and content[_GIF_ASPECT]:
        return 64.0, content[_GIF_ASPECT] + 15.0  # GIF89a, section 18: width over height in 64ths
    if image.format == "JPEG2000":
        return jp2_boxes.resolution(content)
    exif = image.getexif()
    across, down = image.info.get("dpi") or (exif.get(ExifTags.Base.XResolution), exif.get(ExifTags.Base.YResolution))
    return across, down
