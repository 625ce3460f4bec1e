"""The compressed data of a DICOM frame: damage that decoders pass over, and what contradicts the header.

References
----------
DICOM PS3.5, 8.2 (encapsulated pixel data) and annex G (RLE).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from stimuli.readers import jpeg_stream
from stimuli.readers.packbits import unpacked_length

if TYPE_CHECKING:
    from pydicom import Dataset

RLE = "1.2.840.10008.1.2.5"
_RLE_HEADER = struct.Struct("<16I")  # how many segments, and where they start


def refuse_damage(dataset: Dataset, index: int) -> None:
    """Raise `ValueError` if frame `index`, from 0, is compressed by JPEG or RLE and damaged or cut short."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return
    frame = _frame(dataset, index)
    if frame.startswith(b"\xff\xd8\xff"):
        jpeg_stream.refuse_damage(frame)
    elif syntax == RLE:
        _refuse_short_segments(frame, int(dataset.Rows) * int(dataset.Columns))


def j2k_parameters(dataset: Dataset, index: int) -> tuple[int, bool] | None:
    """How many bits a sample of frame `index` has by its JPEG 2000 data, and whether it is signed; None for others."""
    from pydicom.pixels.utils import get_j2k_parameters

    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return None
    found = get_j2k_parameters(_frame(dataset, index))
    return (found["precision"], found["is_signed"]) if "precision" in found else None


def _frame(dataset: Dataset, index: int) -> bytes:
    from pydicom.encaps import get_frame

    count = max(int(dataset.get("NumberOfFrames") or 1), 1)
    return get_frame(dataset.PixelData, index, number_of_frames=count)


def _refuse_short_segments(frame: bytes, size: int) -> None:
    count, *starts = _RLE_HEADER.unpack_from(frame)
    ends = [*starts[1:count], len(frame)]
    for start, end in zip(starts[:count], ends, strict=False):
        if unpacked_length(frame[start:end], size + 1) != size:  # the decoder writes on where there is more
            raise ValueError("an RLE segment is damaged or cut short")
