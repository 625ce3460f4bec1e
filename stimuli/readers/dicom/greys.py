"""From stored values to P-values: modality transform, window or lookup table, padding and photometric interpretation.

References
----------
DICOM PS3.3, C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.5.1.1.2 (pixel padding), C.7.6.3.1.2 (photometric
interpretation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from data.arrays import Floats
from stimuli.readers.dicom.header import number, numbers, places, word
from stimuli.readers.record import Pixels

if TYPE_CHECKING:
    from pydicom import Dataset

Raw = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Stored:
    """Which bits of a container are the sample: how many, whether they are signed, and how many bits lie below."""

    bits: int
    signed: bool
    shift: int

    @property
    def lowest(self) -> int:
        return -(2 ** (self.bits - 1)) if self.signed else 0

    def values(self, raw: Raw) -> Raw:
        """The samples, without the bits above and below them (which may hold overlays)."""
        wide = np.int32 if raw.dtype.itemsize <= 2 else np.int64
        samples: Raw = np.right_shift(raw.astype(wide), self.shift) & (2**self.bits - 1)
        if self.signed:
            samples[samples > self.lowest + 2**self.bits - 1] -= 2**self.bits
        return samples


def p_values(dataset: Dataset, raw: Raw, stored: Stored) -> tuple[Pixels, list[str]]:
    """P-values in [0, 1], shape (rows, columns), of what a container holds, and what is worth a remark.

    Raises `ValueError` and many others if the header is unusable.
    """
    if raw.dtype.itemsize > 2:
        pixels, notes = _greys(dataset, raw, stored)
    else:  # each possible value once, then looked up
        unsigned = np.dtype(f"u{raw.dtype.itemsize}")
        possible = np.arange(2 ** (8 * raw.dtype.itemsize), dtype=unsigned).view(raw.dtype.newbyteorder("="))
        greys, notes = _greys(dataset, possible, stored)
        pixels = greys[raw.astype(possible.dtype, copy=False).view(unsigned)]
    return pixels, [*notes, *_left_out(dataset, raw, stored), *_too_dark(dataset, pixels)]


def _greys(dataset: Dataset, raw: Raw, stored: Stored) -> tuple[Pixels, list[str]]:
    """The P-value of each value of a container, any shape."""
    samples = stored.values(raw)
    values, (bottom, top), said = _modality(dataset, samples.astype(float), stored)
    greys, also = _voi(dataset, values, bottom < 0)
    if greys is None:
        greys = (values - bottom) / (top - bottom)
    greys = np.clip(greys, 0, 1)
    photometric, shape = word(dataset, "PhotometricInterpretation"), word(dataset, "PresentationLUTShape")
    if photometric == "MONOCHROME1":
        greys = 1 - greys
    if (photometric, shape) in (("MONOCHROME1", "IDENTITY"), ("MONOCHROME2", "INVERSE")):
        also = [*also, f"Presentation LUT Shape {shape} contradicts {photometric}, which is followed"]
    if (padding := _padding(dataset, raw, samples)) is not None:
        greys[padding] = 0  # no part of the image, whichever end of the scale is black
    return greys.astype(np.float32), [*said, *also]


def _modality(dataset: Dataset, values: Floats, stored: Stored) -> tuple[Floats, tuple[float, float], list[str]]:
    """Values after the modality lookup table or rescale, which of them are black and white by default, and remarks."""
    if tables := _tables(dataset, "ModalityLUTSequence"):
        entries, first, top, said = _table(dataset, tables[0], stored.signed)
        return _looked_up(values, entries, first), (0.0, float(top)), said
    ends = float(stored.lowest), float(stored.lowest + 2**stored.bits - 1)
    for place in places(dataset, "PixelValueTransformationSequence"):
        slope, intercept = number(place, "RescaleSlope"), number(place, "RescaleIntercept")
        if slope or intercept is not None:
            slope, intercept = slope or 1.0, intercept or 0.0
            low, high = sorted(slope * end + intercept for end in ends)
            return slope * values + intercept, (low, high), []
    return values, ends, []


def _voi(dataset: Dataset, values: Floats, negative: bool) -> tuple[Floats | None, list[str]]:
    """P-values by the first lookup table, else the first window; None if the header has neither."""
    for place in places(dataset, "FrameVOILUTSequence"):
        if tables := _tables(place, "VOILUTSequence"):
            entries, first, top, said = _table(dataset, tables[0], negative)
            return _looked_up(values, entries, first) / top, said
        for center, width in zip(numbers(place, "WindowCenter"), numbers(place, "WindowWidth"), strict=False):
            if center is not None and width:
                return _windowed(values, center, width, word(place, "VOILUTFunction") or "LINEAR"), []
    return None, []


def _windowed(values: Floats, center: float, width: float, function: str) -> Floats:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3, with an output range of 0 to 1."""
    if width < 0 or (function == "LINEAR" and width < 1):
        raise ValueError(f"Window Width is {width:g}; {function} needs at least {1 if function == 'LINEAR' else 0}")
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return np.clip((values - center) / width + 0.5, 0, 1)
    if function != "LINEAR":
        raise ValueError(f"VOI LUT Function {function} is unknown")
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    middle = (values - (center - 0.5)) / max(width - 1, 1e-300) + 0.5
    return np.where(values <= low, 0.0, np.where(values > high, 1.0, np.clip(middle, 0, 1)))


def _tables(place: Dataset, name: str) -> list[Dataset]:
    """The lookup tables of a sequence that have a description and entries."""
    return [item for item in place.get(name) or [] if item.get("LUTDescriptor") and item.get("LUTData") is not None]


def _looked_up(values: Floats, entries: npt.NDArray[np.int64], first: int) -> Floats:
    """Values below the first that a table maps get its first entry, those above its last one the last."""
    index = np.clip(np.floor(values) - first, 0, len(entries) - 1).astype(np.int64)
    return entries[index].astype(float)


def _table(dataset: Dataset, item: Dataset, negative: bool) -> tuple[npt.NDArray[np.int64], int, int, list[str]]:
    """A lookup table's entries, the first value that it maps, its highest possible entry, and remarks.

    `negative` says whether values below 0 come in, so that the first one may be meant as such.
    """
    count, first, bits = (int(part) for part in item.LUTDescriptor)
    count = count % 2**16 or 2**16
    if negative and first >= 2**15:
        first -= 2**16
    data, little = item.LUTData, dataset.file_meta.TransferSyntaxUID.is_little_endian
    if isinstance(data, bytes):
        words = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little else ">u2")
    else:
        words = (np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF).astype(np.uint16)
    packed = len(words) < count <= 2 * len(words)  # two 8-bit entries in each word, the first in its low byte
    entries = (words.astype("<u2").view(np.uint8) if packed else words).astype(np.int64)[:count]
    if len(entries) < count:
        raise ValueError(f"a lookup table has {len(entries)} of the {count} entries that it announces")
    return (entries, first, *_top(int(entries.max()), bits))


def _top(highest: int, bits: int) -> tuple[int, list[str]]:
    """The highest possible entry. Some tables have larger entries than they say, or say 16 bits for any word."""
    needed = max(highest.bit_length(), 8)
    if 8 <= bits <= 16 and highest < 2**bits and (bits < 16 or needed == 16):
        return 2**bits - 1, []
    return 2**needed - 1, [f"a lookup table says {bits} bits per entry and has {needed}, which are taken"]


def _padding(dataset: Dataset, raw: Raw, values: Raw) -> npt.NDArray[np.bool_] | None:
    """Which pixels are padding; None if the header names none."""
    value = number(dataset, "PixelPaddingValue")
    if value is None:
        return None
    limit = number(dataset, "PixelPaddingRangeLimit")
    ends = [int(end) for end in (value, value if limit is None else limit)]
    # An unsigned element may stand for a negative value, and the container for the sample.
    span = 2 ** (8 * raw.dtype.itemsize)
    signed = [(end + span // 2) % span - span // 2 if raw.dtype.kind == "i" else end % span for end in ends]
    low, high = min(signed), max(signed)
    inside: npt.NDArray[np.bool_] = ((raw >= low) & (raw <= high)) | ((values >= low) & (values <= high))
    return inside


def _too_dark(dataset: Dataset, pixels: Pixels) -> list[str]:
    """A remark if the full range of the stored bits is taken for want of a window, and little of it is used."""
    for place in places(dataset, "FrameVOILUTSequence"):
        if _tables(place, "VOILUTSequence") or number(place, "WindowWidth"):
            return []
    dark = 0 < pixels.max() < 0.25
    return ["no window, and greys only in the darkest quarter of the stored bits: perhaps too dark"] if dark else []


def _left_out(dataset: Dataset, raw: Raw, stored: Stored) -> list[str]:
    """A remark if bits above the sample are set, and no overlay is declared that would explain it."""
    if stored.shift + stored.bits == 8 * raw.dtype.itemsize:
        return []
    above = np.right_shift(raw, stored.shift + stored.bits)
    filled = (above == 0) | (above == -1) if stored.signed else above == 0
    if filled.all() or any(0x6000 <= element.tag.group < 0x6100 for element in dataset):
        return []
    return ["bits above High Bit are set; they are left out, as DICOM has it"]
