"""Values of a DICOM header, from the top level or, in enhanced objects, from the functional groups.

What is empty, zero where zero is impossible, or only half there counts as absent, since scanners write all of these.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset

# The order of precedence: calibrated spacing, that of the film scanner, and that at the detector (PS3.3, 10.7.1.3).
_SPACINGS = ("PixelSpacing", "NominalScannedPixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio")


def places(dataset: Dataset, group: str) -> Iterator[Dataset]:
    """Where an object may say something of a frame: its functional group, the shared one, the top level."""
    for functional in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for item in list(dataset.get(functional) or [])[:1]:
            yield from list(item.get(group) or [])[:1]
    yield dataset


def numbers(place: Dataset, name: str) -> tuple[float | None, ...]:
    """The numbers of an element, None for parts that are empty or not finite; none at all if it is missing."""
    value: Any = place.get(name)
    values: list[Any] = [value] if value is None or isinstance(value, (str, int, float)) else list(value)
    found = (None if one is None or one == "" else float(one) for one in values)
    return tuple(one if one is not None and math.isfinite(one) else None for one in found)


def number(place: Dataset, name: str) -> float | None:
    """The first number of an element; None as for `numbers`."""
    return next(iter(numbers(place, name)), None)


def word(place: Dataset, name: str) -> str:
    """The first word of an element, in capitals; empty if there is none."""
    value = place.get(name)
    first = value if value is None or isinstance(value, str) else next(iter(value), None)
    return str(first or "").strip().upper()


def pixel_aspect(dataset: Dataset) -> float:
    """Height of a pixel over its width, 1 where it is unknown; DICOM gives row spacing (the height) first."""
    for place in places(dataset, "PixelMeasuresSequence"):
        for name in _SPACINGS:
            spacing = [part for part in numbers(place, name) if part is not None and part > 0]
            if len(spacing) == 2:
                return spacing[0] / spacing[1]
    return 1.0
