"""TIFF: the file's own tags decide. tifffile reads them and most samples; Pillow decodes what needs libtiff.

References
----------
TIFF revision 6.0, Adobe 1992.
"""

from __future__ import annotations

import io
import logging
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from data.errors import LookalikeError
from stimuli.readers import jpeg_stream
from stimuli.readers.packbits import unpacked_length
from stimuli.readers.profiles import refuse_other_curve
from stimuli.readers.record import Image, in_colour, unreadable, unsupported, which_frame
from stimuli.readers.samples import ORIENTATION, UPRIGHT, Samples, aspect_of, from_palette, to_image

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

NAME = "TIFF"
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6  # photometric interpretation
_COLOUR_MODELS = {4: "a transparency mask", 5: "CMYK", 8: "CIELab", 9: "ICCLab", 10: "ITULab", 32803: "a colour filter"}
_UNSIGNED, _SIGNED = 1, 2  # sample format
_PROFILE, _GREY_UNIT, _GREY_CURVE, _TRANSFER = 34675, 290, 291, 301  # tags: ICC profile, what greys mean
_JPEG = 7  # compression; libtiff turns its YCbCr into RGB
_OLD_JPEG = 6
_PACKBITS = 32773
_DEFLATE = (8, 32946)
_STDERR = 2  # file descriptor
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_BY_TIFFFILE = (1, 8, 32773, 32946)  # compression: none, Deflate, PackBits, Deflate


def recognises(content: bytes) -> bool:
    return content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(path: Path, content: bytes, frame: int | None = None) -> Image:
    """Decode a grayscale TIFF of 1 to 16 bits, signed or not, or its page number `frame`, from 1.

    Raises `LookalikeError` if it is damaged, in colour or transparent, holds several images of which none is asked for
    or not the one that is, or has samples of a kind for which no white is defined (floating point, 32 bits and more).
    """
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # a fault is told once, below
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page, plane = _only_page(path, file, frame)
            _refuse_what_has_no_grey(path, page)
            return _image(path, content, page, plane)
    except (LookalikeError, Pillow.DecompressionBombError):
        raise
    except Exception as error:  # tifffile raises many kinds of error on damaged data
        raise unreadable(path, error) from None


def _only_page(path: Path, file: TiffFile, asked: int | None) -> tuple[TiffPage, int]:
    """The page to read, and which of its planes, from 0; smaller copies do not count as pages."""
    pages = [page.aspage() for page in file.pages]
    kinds = [int(page.subfiletype) for page in pages]
    if any(kind & _MASK for kind in kinds):
        raise unsupported(path, "has a transparency mask", "flatten it and export it again")
    whole = [page for page, kind in zip(pages, kinds, strict=True) if not kind & _REDUCED]
    if not whole:
        raise ValueError("a TIFF without an image")
    planes = 1
    if len(whole) == 1 and file.is_imagej:  # ImageJ writes large stacks as one page
        planes = int((file.imagej_metadata or {}).get("images", 1))
    if len(whole) == 1 and whole[0].imagedepth > 1:
        raise unsupported(path, f"is a volume of {whole[0].imagedepth} slices", "save the one that you mean by itself")
    place = which_frame(path, len(whole) * planes, asked, "images")
    return (whole[0], place) if planes > 1 else (whole[place], 0)


def _refuse_what_has_no_grey(path: Path, page: TiffPage) -> None:
    if "PhotometricInterpretation" not in page.tags:
        raise unsupported(path, "does not say whether 0 is black or white", "export it again, as grayscale")
    photometric = int(page.photometric)
    if photometric in _COLOUR_MODELS:
        raise in_colour(path, f"is {_COLOUR_MODELS[photometric]}")
    if photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR):
        raise unsupported(path, f"is of photometric interpretation {photometric}", "export it as grayscale")
    if page.compression == _OLD_JPEG:
        raise unsupported(path, "is compressed by JPEG in the old way of TIFF 6.0", "export it uncompressed")
    if photometric == _YCBCR and page.compression != _JPEG:
        raise in_colour(path, "is YCbCr")
    bits, form = page.bitspersample, page.sampleformat
    if not isinstance(bits, int) or not isinstance(form, int):
        raise unsupported(path, "has channels of different kinds", "export it as grayscale")
    if form not in (_UNSIGNED, _SIGNED) or bits > 16:
        kind = {_UNSIGNED: "unsigned", _SIGNED: "signed", 3: "floating-point"}.get(form, "complex")
        raise unsupported(
            path,
            f"has {kind} samples of {bits} bits, of which none is defined as white",
            "scale it and export it as 16-bit unsigned grayscale",
        )


def _image(path: Path, content: bytes, page: TiffPage, plane: int) -> Image:
    bits, signed, photometric = int(page.bitspersample), page.sampleformat == _SIGNED, int(page.photometric)
    if page.imagewidth * page.imagelength > 2 * (Pillow.MAX_IMAGE_PIXELS or np.inf):
        raise Pillow.DecompressionBombError
    spans = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not spans or any(not offset or not count or offset + count > len(content) for offset, count in spans):
        raise ValueError("a TIFF that is cut short")  # tifffile would fill what is missing with 0
    _refuse_damage(page, [content[offset : offset + count] for offset, count in spans])
    turned = not (page.compression in _BY_TIFFFILE and bits in (8, 16)) and not plane
    samples, top = _by_pillow(path, content, page) if turned else (_by_tifffile(page, plane), 2**bits - 1)
    _refuse_other_greys(path, page)
    if signed:
        samples = samples.astype(np.int32) + 2 ** (bits - 1)
    if photometric == _PALETTE:
        samples, top = _colours(path, page, samples)
    elif photometric == _WHITE_IS_ZERO:
        samples = top - samples
    tags = page.tags
    across, down = (_ratio(tags[name].value) if name in tags else None for name in ("XResolution", "YResolution"))
    orientation = int(tags[ORIENTATION].value) if ORIENTATION in tags else UPRIGHT
    aspect = aspect_of(across, down)
    if turned and orientation in (5, 6, 7, 8):
        aspect = 1 / aspect
    return to_image(
        path,
        samples,
        bits,
        top=top,
        alpha=samples.ndim == 3 and samples.shape[-1] in (2, 4),
        orientation=UPRIGHT if turned else orientation,
        aspect=aspect,
        profile=bytes(tags[_PROFILE].value) if _PROFILE in tags else None,
    )


def _refuse_damage(page: TiffPage, pieces: list[bytes]) -> None:
    """Raise `ValueError` if strips or tiles are damaged where libtiff would only warn."""
    if page.compression == _JPEG:
        tables = page.jpegtables
        for piece in pieces:
            jpeg_stream.refuse_damage(piece if tables is None else tables[:-2] + piece[2:])
    if page.compression in _DEFLATE:
        for piece in pieces:
            zlib.decompress(piece)  # libtiff stops before the checksum
    if page.compression == _PACKBITS:
        for piece, size in zip(pieces, _piece_sizes(page), strict=False):
            if unpacked_length(piece, size) != size:
                raise ValueError("a TIFF with a damaged strip")


def _piece_sizes(page: TiffPage) -> Iterator[int]:
    """How many bytes each strip or tile has when it is unpacked."""
    channels, planes = page.samplesperpixel, 1
    if page.planarconfig == 2:
        channels, planes = planes, channels
    width, height = (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
    row = -(-width * channels * int(page.bitspersample) // 8)
    if page.is_tiled:
        yield from repeat(row * height)
    for _ in range(planes):
        for top in range(0, page.imagelength, height):
            yield row * min(height, page.imagelength - top)


def _refuse_other_greys(path: Path, page: TiffPage) -> None:
    """Raise `LookalikeError` if a curve gives the greys another meaning than displays do (TIFF 6.0, sections 8, 20)."""
    tags = page.tags
    if _GREY_CURVE in tags:  # optical densities, in parts of a power of 10
        unit = int(tags[_GREY_UNIT].value) if _GREY_UNIT in tags else 2
        light = 10.0 ** -(np.asarray(tags[_GREY_CURVE].value, float) / 10**unit)
        if page.photometric == _WHITE_IS_ZERO:
            light = light[::-1]
        refuse_other_curve(path, "gray response curve", light)
    if _TRANSFER in tags:
        curve = np.ravel(tags[_TRANSFER].value).astype(float)[: 2 ** int(page.bitspersample)]
        refuse_other_curve(path, "transfer function", curve / 65535)


def _by_tifffile(page: TiffPage, plane: int) -> Samples:
    """The samples as the file has them, channels last; of a stack in one page, those of one plane."""
    if plane:
        stack: Samples = page.parent.series[0].asarray()
        planes: Samples = stack.reshape(-1, *page.shape)[plane]
        return planes
    samples: Samples = page.asarray()
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        samples = np.moveaxis(samples, 0, -1)
    return samples


def _by_pillow(path: Path, content: bytes, page: TiffPage) -> tuple[Samples, int]:
    """The samples where Pillow keeps them, upright already, and the highest possible one."""
    bits, channels, plain = int(page.bitspersample), page.samplesperpixel, page.sampleformat == _UNSIGNED
    what = f"has {'' if plain else 'signed '}samples of {bits} bits" + (
        "" if channels == 1 else f" in {channels} channels"
    )
    refusal = unsupported(
        path,
        f"{what}, compressed by {getattr(page.compression, 'name', page.compression)}",
        "export it as 8- or 16-bit grayscale, uncompressed",
    )
    if not plain or bits > (16 if channels == 1 else 8):
        raise refusal
    try:
        with _without_libtiffs_lines(), Pillow.open(io.BytesIO(content)) as image:
            image.seek(page.index)
            image.load()
            mode, samples = image.mode, np.asarray(image)
    except UnidentifiedImageError:
        raise refusal from None
    top = {"1": 1, "L": 255, "P": 2**bits - 1, "I;16": 2**bits - 1, "I;16B": 2**bits - 1}.get(mode, 255)
    if page.photometric == _WHITE_IS_ZERO and mode in ("1", "L"):
        samples = ~samples if mode == "1" else 255 - samples  # Pillow has inverted these already, and only these
    return samples, top


@contextmanager
def _without_libtiffs_lines() -> Iterator[None]:
    """libtiff writes faults to the process's standard error, and they are told once, as an error."""
    try:
        kept = os.dup(_STDERR)
    except OSError:  # closed
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    try:
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)


def _colours(path: Path, page: TiffPage, indices: Samples) -> tuple[Samples, int]:
    """Red, green and blue of each pixel of a palette image, and the highest possible one."""
    palette = np.asarray(page.colormap).T
    # Old writers put 8-bit colours into the 16-bit entries, others (Pillow) 256 times them, so that white is 65280.
    top = 255 if palette.max() < 256 else 65535 if (palette % 256).any() else 65280
    return from_palette(path, indices, palette), top


def _ratio(value: object) -> float | None:
    """A rational tag as a number; None if its denominator is 0."""
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    return value[0] / value[1] if value[1] else None
