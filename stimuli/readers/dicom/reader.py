"""DICOM: one grayscale frame, or one of several, in the greys and the shape that its own header gives it.

References
----------
DICOM PS3.3, C.7.6.3 (image pixel), C.7.6.16 (functional groups); PS3.5, 8.1.1 (bits stored and high bit).
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import LookalikeError
from stimuli.readers.dicom.greys import Raw, Stored, p_values
from stimuli.readers.dicom.header import number, pixel_aspect, word
from stimuli.readers.dicom.stream import RLE, j2k_parameters, refuse_damage
from stimuli.readers.record import Image, in_colour, unreadable, unsupported, which_frame

if TYPE_CHECKING:
    from pydicom import Dataset

NAME = "DICOM"
_PREAMBLE = 128
_AS_PNG = "export the image as PNG from a viewer that does"
# JPEG Extended, Lossless and JPEG-LS, which only this package decodes; its licence (GPL) keeps it out of the base.
_BY_LIBJPEG = ("1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
               "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")  # fmt: skip


def recognises(content: bytes) -> bool:
    """A DICOM file has 'DICM' after 128 bytes; old ones start with an element of group 2 or 8 at once."""
    if content[_PREAMBLE : _PREAMBLE + 4] == b"DICM" or content[:4] == b"DICM":
        return True
    if len(content) < 8:
        return False
    for order in "<>":
        group, element, length = struct.unpack(f"{order}HHI", content[:8])
        vr = content[4:6]
        if group in (2, 8) and element < 0x3000 and ((vr.isalpha() and vr.isupper()) or length <= len(content)):
            return True
    return False


def read(path: Path, content: bytes, frame: int | None = None) -> Image:
    """Decode a grayscale DICOM file of one frame, or its frame number `frame`, from 1.

    Raises `LookalikeError` if it is damaged, in colour, without an image or that frame, of several frames of which none
    is asked for, compressed in a way that nothing installed decodes, or if its header contradicts itself.
    """
    dataset = _dataset(path, content)
    try:
        _refuse_other_objects(path, dataset)
        index = _only_frame(path, dataset, frame)
        raw, stored = _stored_values(path, dataset, index)
        pixels, notes = p_values(dataset, raw, stored)
        return Image(pixels, stored.bits, pixel_aspect(dataset), (*notes, *_remarks(dataset, index)))
    except LookalikeError:
        raise
    except Exception as error:  # an empty, missing or impossible value somewhere in the header
        raise LookalikeError(
            "bad-dicom-header",
            f"{path}: a value of its header (rescale, window, lookup table, pixel spacing, bits) is unusable "
            f"({_said(error)}); correct the header, or export the image as PNG",
        ) from None


def shape_px(path: Path) -> tuple[int, int]:
    """(rows, columns) by the header alone. Raises `LookalikeError` if there is none."""
    import pydicom

    try:
        header = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        return int(header.Rows), int(header.Columns)
    except Exception as error:  # as above
        raise unreadable(path, f"DICOM: {_said(error)}") from None


def _dataset(path: Path, content: bytes) -> Dataset:
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if content[:4] == b"DICM":  # the preamble was cut off
        content = bytes(_PREAMBLE) + content
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        known = getattr(dataset, "file_meta", None)
        if known is not None and "TransferSyntaxUID" not in known and "PixelData" in dataset:
            if dataset["PixelData"].is_undefined_length:
                raise ValueError("it is compressed and does not say how: Transfer Syntax UID is missing")
            implicit, little = dataset.original_encoding
            native = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            known.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else native
    except Exception as error:  # pydicom raises many kinds of error on damaged data
        raise unreadable(path, f"DICOM: {_said(error)}") from None
    return dataset


def _refuse_other_objects(path: Path, dataset: Dataset) -> None:
    """Raise `LookalikeError` unless the file holds grayscale frames of whole numbers."""
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise unsupported(path, "has floating-point samples, of which none is defined as white", "export it as PNG")
    if "PixelData" not in dataset:
        if "DirectoryRecordSequence" in dataset:
            raise LookalikeError(
                "unreadable-image", f"{path}: not a readable image: a DICOMDIR; give the images that it lists"
            )
        if "SOPClassUID" not in dataset:
            raise unreadable(path, "a DICOM file without pixel data")
        kind = word(dataset, "Modality") or dataset.SOPClassUID.name
        raise LookalikeError("unreadable-image", f"{path}: not a readable image: DICOM without pixel data ({kind})")
    photometric = word(dataset, "PhotometricInterpretation")
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        if not photometric:
            raise ValueError("Photometric Interpretation is missing")
        raise in_colour(path, f"is {photometric}, not grayscale")
    for name, usual in (("SamplesPerPixel", 1), ("PixelRepresentation", 0)):
        if number(dataset, name) is None:
            setattr(dataset, name, usual)
    if (shape := word(dataset, "PresentationLUTShape")) not in ("", "IDENTITY", "INVERSE"):
        raise unsupported(path, f"has Presentation LUT Shape {shape}, whose greys are not those of displays", _AS_PNG)
    if dataset.get("PresentationLUTSequence"):
        raise unsupported(path, "has a Presentation LUT Sequence, which is not applied here", _AS_PNG)
    if dataset.SamplesPerPixel != 1:
        raise unsupported(path, "has several samples per pixel, not one grey", "export it as a grayscale PNG")
    for name in ("Rows", "Columns", "BitsAllocated", "BitsStored"):
        if not number(dataset, name):
            raise ValueError(f"{name} is missing")


def _only_frame(path: Path, dataset: Dataset, asked: int | None) -> int:
    """The place of the frame to read, from 0; of the functional groups of single frames, only its own are left."""
    count = _frames(dataset)
    if _native(dataset):
        _refuse_more_pixels(path, dataset, count)
    index = which_frame(path, count, asked, "frames")
    if groups := dataset.get("PerFrameFunctionalGroupsSequence"):
        dataset.PerFrameFunctionalGroupsSequence = list(groups)[index : index + 1]
    return index


def _frames(dataset: Dataset) -> int:
    return max(int(number(dataset, "NumberOfFrames") or 1), 1)


def _native(dataset: Dataset) -> bool:
    return not dataset.file_meta.TransferSyntaxUID.is_encapsulated


def _refuse_more_pixels(path: Path, dataset: Dataset, count: int) -> None:
    """Raise `LookalikeError` if uncompressed data hold more than `count` frames, or have other rows or columns."""
    each, there = _needed_bytes(dataset), len(dataset.PixelData)
    if (frames := there // max(each, 2)) > count:
        raise unsupported(
            path, f"holds {frames} frames, though its header says {count}", "export the frame that you mean by itself"
        )
    if any(_rest(dataset, count)):
        raise LookalikeError(
            "bad-dicom-header",
            f"{path}: has {there} bytes of pixels, and {dataset.Rows} rows of {dataset.Columns} need {count * each}; "
            "correct Rows and Columns, or export the image as PNG",
        )


def _needed_bytes(dataset: Dataset) -> int:
    """The size of an uncompressed frame."""
    return int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8


def _rest(dataset: Dataset, count: int) -> bytes:
    """What comes after the pixels of `count` uncompressed frames, if a row or column more would fit in."""
    rest = bytes(dataset.PixelData[count * _needed_bytes(dataset) :])
    one_more = min(int(dataset.Rows), int(dataset.Columns)) * int(dataset.BitsAllocated) // 8
    return rest if len(rest) >= max(one_more, 2) else b""


def _stored_values(path: Path, dataset: Dataset, index: int) -> tuple[Raw, Stored]:
    """A frame as its container holds it, shape (rows, columns), and which bits of it are the sample."""
    from pydicom.pixels.utils import pixel_array

    try:
        refuse_damage(dataset, index)
        raw = pixel_array(dataset, index=index, correct_unused_bits=False)
    except Exception as error:  # as above
        syntax = dataset.file_meta.get("TransferSyntaxUID", "")
        if syntax in _BY_LIBJPEG and not _libjpeg():
            raise unsupported(
                path,
                f"is compressed by {syntax.name}",
                "pip install pylibjpeg-libjpeg, which decodes it, or export the image as PNG",
            ) from None
        raise unreadable(path, f"DICOM: {_said(error)}") from None
    if raw.ndim != 2:
        raise unsupported(path, f"has shape {raw.shape}, and one grayscale frame is expected", "export it as PNG")
    bits = int(dataset.BitsStored)
    high = number(dataset, "HighBit")
    syntax = dataset.file_meta.TransferSyntaxUID
    # RLE keeps the container bit by bit; other codecs yield the samples themselves.
    shift = 0 if high is None or (syntax.is_encapsulated and syntax != RLE) else int(high) + 1 - bits
    if not 0 <= shift <= 8 * raw.dtype.itemsize - bits:
        raise LookalikeError(
            "bad-dicom-header",
            f"{path}: High Bit {high:g} does not fit {bits} of {8 * raw.dtype.itemsize} bits stored; correct it",
        )
    stored = Stored(bits, bool(dataset.get("PixelRepresentation")), shift)
    coded = j2k_parameters(dataset, index)
    if coded and coded[0] > bits and (stored.values(raw) != raw).any():
        raise LookalikeError(
            "bad-dicom-header",
            f"{path}: its JPEG 2000 data have {coded[0]} bits, and Bits Stored is {bits}; correct the header, or "
            "export the image as PNG",
        )
    return raw, stored


def _libjpeg() -> bool:
    from importlib.util import find_spec

    return find_spec("libjpeg") is not None


def _remarks(dataset: Dataset, index: int) -> list[str]:
    """What the header says that whoever uses the image should know."""
    remarks = []
    intent = word(dataset, "PresentationIntentType")
    name = getattr(dataset.get("SOPClassUID"), "name", "")
    if intent == "FOR PROCESSING" or "For Processing" in name:
        remarks.append("FOR PROCESSING: its greys are the detector's, not meant for display")
    if word(dataset, "BurnedInAnnotation") == "YES":
        remarks.append("burned-in annotation: text in the image may name the patient")
    if "ShutterShape" in dataset:
        remarks.append("display shutter: what it hides in viewers is part of the image here")
    if _native(dataset) and _rest(dataset, _frames(dataset)):
        remarks.append("zeros after its pixels, which would make another row or column, are taken for padding")
    coded, signed = j2k_parameters(dataset, index), bool(dataset.PixelRepresentation)
    if coded and coded[1] != signed:
        kinds = ("unsigned", "signed")
        remarks.append(f"its JPEG 2000 data are {kinds[coded[1]]}; {kinds[signed]}, as the header says, is taken")
    return remarks


def _said(error: Exception) -> str:
    """The first line of an error, and the second where that only announces it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
