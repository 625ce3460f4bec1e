"""Which reader reads a file: the first that recognises its content."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from types import ModuleType

from PIL import Image as Pillow

from data.errors import LookalikeError
from stimuli.readers import jpeg, pillow_formats, png, pnm, tiff
from stimuli.readers.dicom import reader as dicom
from stimuli.readers.record import Image, unreadable

# DICOM first: the 128 bytes before its mark may be the start of another format, such as TIFF.
READERS: tuple[ModuleType, ...] = (dicom, png, jpeg, tiff, pnm, pillow_formats)
_HEAD = 4096  # bytes that show what a file is
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom", ".ima", ".pgm", ".bmp")
_FOREIGN = {
    b"\x1f\x8b": "compressed by gzip; unpack it",
    b"PK\x03\x04": "a ZIP archive; unpack it",
    b"\x89HDF": "an HDF5 file; export its images as PNG",
    b"\x93NUMPY": "a NumPy array; write it as a 16-bit PNG (stimuli.write_png)",
    b"NRRD": "an NRRD file; export its images as PNG",
    b"%PDF": "a PDF; export its images as PNG",
    b"8BPS": "a Photoshop document; export it as PNG",
    b"version https://git-lfs": "a pointer to a file in Git LFS; fetch the file itself (git lfs pull)",
    b"\x76\x2f\x31\x01": "an OpenEXR file; export it as 16-bit PNG",
    b"Pf": "a PFM of floating-point samples; scale it and export it as 16-bit PNG",
    b"P7": "a PAM; export it as PGM",
    b"\xff\x0a": "a JPEG XL; export it as PNG",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL; export it as PNG",
    b"<": "a web page or XML; download the image again",
}


def read(path: Path, content: bytes, frame: int | None = None) -> Image:
    """Decode an image, or the frame that is asked for (from 1), whose `content` was read already.

    Raises `LookalikeError`; see the readers.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fault is told once, as an error
            return _reader(path, content).read(path, content, frame)  # type: ignore[no-any-return]
    except Pillow.DecompressionBombError:
        limit = 2 * (Pillow.MAX_IMAGE_PIXELS or 0)
        raise LookalikeError(
            "image-too-large", f"{path}: has more than {limit} pixels; crop it to the part that matters first"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's, for what is damaged
        raise unreadable(path, error) from None


def _reader(path: Path, content: bytes) -> ModuleType:
    """The reader of a file. Raises `LookalikeError` if there is none, saying what the file is if that is plain."""
    for reader in READERS:
        if reader.recognises(content):
            return reader
    for start, what in _FOREIGN.items():
        if content.startswith(start):
            raise LookalikeError("unreadable-image", f"{path}: not a readable image: {what}")
    if content[4:8] == b"ftyp":
        raise LookalikeError(
            "unreadable-image", f"{path}: not a readable image: HEIC, AVIF or a film; export it as PNG"
        )
    kinds = ", ".join(reader.NAME for reader in READERS)
    raise unreadable(path, f"its content is none of {kinds}" if content else "it is empty")


def shape_px(path: Path) -> tuple[int, int]:
    """(rows, columns) of an image file by its header, as stored. Raises `LookalikeError` if it is none."""
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if dicom.recognises(head):
        return dicom.shape_px(path)
    return size_px(path)


def size_px(path: Path, content: bytes | None = None) -> tuple[int, int]:
    """(rows, columns) from the header of any other image file, or of its `content` if that was read already."""
    if content is not None and dicom.recognises(content):
        return dicom.shape_px(path)
    try:
        with Pillow.open(path if content is None else io.BytesIO(content)) as image:
            return image.height, image.width
    except (OSError, SyntaxError, ValueError) as error:
        raise unreadable(path, error) from None
