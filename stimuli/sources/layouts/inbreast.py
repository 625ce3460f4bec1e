"""INbreast: DICOM files, and an outline of each lesion in a property list of the same number (`AllXML/20586908.xml`).

The released table has its patients removed; the second part of a file's name is the same for all images of a patient.

References
----------
Moreira et al. 2012, Acad. Radiol. 19:236–248.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from data.errors import LookalikeError
from stimuli.masks import Outline
from stimuli.readers.formats import SUFFIXES
from stimuli.sources.layouts.found import Found

# 20586908_6c613a14b80a8591_MG_R_CC_ANON.dcm
_NAME = re.compile(r"^(\d+)_([0-9a-zA-Z]+)_MG_([LR])_(CC|ML|MLO|FB)_", re.IGNORECASE)
_POINT = re.compile(r"\(\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*\)")


def tables(folder: Path, given: Path | None) -> list[Path]:
    """The property lists of the images in the folder; INbreast's own table (`INbreast.csv`) has no boxes."""
    if given is not None and given.suffix.lower() not in (".xml", ".plist"):
        return []
    lists = {path.stem: path for path in ([given] if given else sorted(folder.rglob("*.xml")))}
    numbers = {match[1] for match, _ in _images(folder)}
    return [path for stem, path in lists.items() if stem in numbers]


def lesions(folder: Path, found: list[Path]) -> Iterator[Found]:
    """One lesion for each region; a single point, as for calcifications, is left out and counted.

    Raises `LookalikeError` for a list of something else, or an image that is there twice.
    """
    images: dict[str, tuple[re.Match[str], Path]] = {}
    for match, path in _images(folder):
        _, other = images.setdefault(match[1], (match, path))
        if other != path:
            raise LookalikeError(
                "ambiguous-file",
                f"{folder}: image {match[1]} may be {other.name} in {other.parent} or in {path.parent}; keep one",
            )
    for table in found:
        match, file = images[table.stem]
        for points in _regions(table):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            box = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)) if points else (0.0, 0.0, 0.0, 0.0)
            area = min(box[2:]) > 0
            yield Found(
                file,
                match[2],
                match[3].upper(),
                match[4].upper(),
                box=box if area else None,
                mask=Outline(polygons=(tuple(points),)) if area and len(points) > 2 else None,
                left_out="" if area else "is marked by a point, without an area",
            )


def _images(folder: Path) -> list[tuple[re.Match[str], Path]]:
    found = [(_NAME.match(path.name), path) for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    return [(match, path) for match, path in found if match]


def _regions(table: Path) -> list[list[tuple[float, float]]]:
    try:
        content: Any = plistlib.loads(table.read_bytes())
        regions = [region for image in content["Images"] for region in image["ROIs"]]
        return [[_point(text) for text in region["Point_px"]] for region in regions]
    except (plistlib.InvalidFileException, ExpatError, KeyError, TypeError, ValueError) as error:
        raise LookalikeError(
            "unreadable-regions", f"{table}: not readable as INbreast's list of regions ({error}); download it again"
        ) from None


def _point(text: object) -> tuple[float, float]:
    """Raises `ValueError` if it is none."""
    point = _POINT.fullmatch(str(text).strip())
    if point is None:
        raise ValueError(f"{text!r} is no point, (x, y)")
    return float(point[1]), float(point[2])
