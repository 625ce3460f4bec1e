"""COCO: boxes and segmentations in one JSON file.

COCO has no patients, so each image needs `patient_id` (or `patient`) beside its `file_name`; `laterality`, `view` and
`pathology` are taken from the image or the annotation where they are there, `pathology` from the category's name if
that is one.

References
----------
cocodataset.org/#format-data
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from stimuli.masks import Outline
from stimuli.sources.layouts.found import Found
from stimuli.sources.tables import VOCABULARY, file_in_one_way, present

_KEYS = ("images", "annotations")


def tables(folder: Path, given: Path | None) -> list[Path]:
    """The JSON file given, or the only one in the folder that has images and annotations."""
    candidates = [given] if given is not None else sorted(folder.glob("*.json"))
    return [path for path in candidates if path.suffix.lower() == ".json" and _content(path)][:1]


def lesions(folder: Path, found: list[Path]) -> Iterator[Found]:
    """One lesion for each annotation. Raises `LookalikeError` if an image has no patient, or a box is none."""
    (table,) = found
    content = _content(table)
    images = _by_id(table, content, "images")
    names = {key: str(one.get("name", "")) for key, one in _by_id(table, content, "categories").items()}
    for one in _records(table, content, "annotations"):
        where = f"{table}: annotation {one.get('id')}"
        image = images.get(_key(one.get("image_id")))
        if image is None:
            raise LookalikeError("bad-value", f"{where}: its image_id {one.get('image_id')!r} is none of the images")
        file = image.get("file_name")
        if not isinstance(file, str) or not file.strip():
            raise LookalikeError("missing-value", f"{table}: image {image.get('id')!r} has no file_name")
        outline = _outline(one.get("segmentation"), image, where)
        box = _box(one.get("bbox"), where)
        if box is None and outline is None:
            raise LookalikeError("bad-value", f"{where} has neither a bbox nor a segmentation")
        yield Found(
            present(folder, file_in_one_way(file), table),
            _patient(image, table),
            _word("laterality", one, image),
            _word("view", one, image),
            _word("pathology", one, {"pathology": names.get(_key(one.get("category_id")), ""), **image}),
            box,
            outline,
            shape=_shape(image),
        )


def _content(path: Path) -> dict[str, Any]:
    """What a file holds; nothing if it is no COCO file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    is_coco = isinstance(content, dict) and all(isinstance(content.get(key), list) for key in _KEYS)
    return content if is_coco else {}


def _records(table: Path, content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    records = content.get(key) or []
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise LookalikeError("bad-value", f"{table}: {key} is no list of records, {{...}}; export it again")
    return records


def _by_id(table: Path, content: dict[str, Any], key: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in _records(table, content, key):
        if found.setdefault(_key(one.get("id")), one) is not one:
            raise LookalikeError("duplicate-id", f"{table}: {key} has id {one.get('id')!r} twice; give each its own")
    return found


def _key(given: object) -> str:
    """An id as text, whatever it is; 1.0 is 1."""
    return repr(int(given) if isinstance(given, float) and given.is_integer() else given)


def _patient(image: dict[str, Any], table: Path) -> str:
    patient = image.get("patient_id", image.get("patient"))
    known = isinstance(patient, (str, int)) or (isinstance(patient, float) and math.isfinite(patient))
    if not known or not str(patient).strip():
        raise LookalikeError(
            "missing-value",
            f"{table}: image {image.get('file_name')!r} has no patient_id, a word or number; add one to each image, "
            "since patients must not be in two splits",
        )
    return str(patient)


def _shape(image: dict[str, Any]) -> tuple[int, int] | None:
    """Rows and columns of the image that was annotated, where they are given."""
    rows, columns = image.get("height"), image.get("width")
    return (rows, columns) if isinstance(rows, int) and isinstance(columns, int) and rows > 0 < columns else None


def _word(name: str, *places: dict[str, Any]) -> str:
    """The first word that is one of the field's; a category may be called anything."""
    words = [str(place.get(name) or "").strip().upper().replace(" ", "_") for place in places]
    return next((word for word in words if word in VOCABULARY[name]), "")


def _box(bbox: Any, where: str) -> tuple[float, float, float, float] | None:
    if not bbox:
        return None
    try:
        x, y, width, height = (float(value) for value in bbox)
    except (TypeError, ValueError):
        x = y = width = height = 0.0
    if not (width > 0 and height > 0 and math.isfinite(x + y + width + height)):
        raise LookalikeError(
            "bad-value", f"{where}: bbox {bbox} is not left, top, width and height, the last two above 0"
        )
    return x, y, width, height


def _outline(segmentation: Any, image: dict[str, Any], where: str) -> Outline | None:
    """Polygons ([x1, y1, x2, y2, ...], ...) or uncompressed run lengths, down each column in turn."""
    if not segmentation:
        return None
    try:
        if isinstance(segmentation, list):
            polygons = [[float(value) for value in polygon] for polygon in segmentation]
            if any(len(one) < 6 or len(one) % 2 or not math.isfinite(sum(one)) for one in polygons):
                raise ValueError
            pairs = tuple(tuple(zip(polygon[::2], polygon[1::2], strict=True)) for polygon in polygons)
            return Outline(polygons=pairs)
        rows, columns = (int(value) for value in segmentation["size"])
        runs = tuple(int(value) for value in segmentation["counts"])
        if sum(runs) != rows * columns or min(runs) < 0:
            raise ValueError
    except (TypeError, ValueError, KeyError, OverflowError):
        raise LookalikeError(
            "bad-value",
            f"{where}: its segmentation of {image.get('file_name')!r} is neither polygons nor uncompressed run lengths",
        ) from None
    return Outline(runs=runs, shape=(rows, columns))
