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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.files import read_json
from stimuli.masks import Outline
from stimuli.sources.layouts.found import Found
from stimuli.sources.tables import VOCABULARY, present

_KEYS = ("images", "annotations")


def tables(folder: Path, given: Path | None) -> list[Path]:
    """The JSON file given, or the only one in the folder that has images and annotations."""
    candidates = [given] if given is not None else sorted(folder.glob("*.json"))
    return [path for path in candidates if path.suffix.lower() == ".json" and _is_coco(path)][:1]


def lesions(folder: Path, found: list[Path]) -> Iterator[Found]:
    """One lesion for each annotation. Raises `LookalikeError` if an image has no patient, or a box is none."""
    (table,) = found
    content = read_json(table)
    images = {image.get("id"): image for image in content["images"]}
    names = {one.get("id"): str(one.get("name", "")) for one in content.get("categories", [])}
    for one in content["annotations"]:
        where = f"{table}: annotation {one.get('id')}"
        image = images.get(one.get("image_id"))
        if image is None:
            raise LookalikeError("bad-value", f"{where}: its image_id {one.get('image_id')!r} is none of the images")
        patient = image.get("patient_id", image.get("patient"))
        if patient in (None, ""):
            raise LookalikeError(
                "missing-value",
                f"{table}: image {image.get('file_name')!r} has no patient_id; add one to each image, since patients "
                "must not be in two splits",
            )
        outline = _outline(one.get("segmentation"), image, where)
        box = _box(one.get("bbox"), where)
        if box is None and outline is None:
            raise LookalikeError("bad-value", f"{where} has neither a bbox nor a segmentation")
        yield Found(
            present(folder, str(image["file_name"]), table),
            str(patient),
            _word("laterality", one, image),
            _word("view", one, image),
            _word("pathology", one, {"pathology": names.get(one.get("category_id"), ""), **image}),
            box,
            outline,
        )


def _is_coco(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in _KEYS)


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
        width = height = 0.0
    if not (width > 0 and height > 0):
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
            if any(len(polygon) < 6 or len(polygon) % 2 for polygon in polygons):
                raise ValueError
            pairs = tuple(tuple(zip(polygon[::2], polygon[1::2], strict=True)) for polygon in polygons)
            return Outline(polygons=pairs)
        rows, columns = (int(value) for value in segmentation["size"])
        runs = tuple(int(value) for value in segmentation["counts"])
        if sum(runs) != rows * columns or min(runs) < 0:
            raise ValueError
    except (TypeError, ValueError, KeyError):
        raise LookalikeError(
            "bad-value",
            f"{where}: its segmentation of {image.get('file_name')!r} is neither polygons nor uncompressed run lengths",
        ) from None
    return Outline(runs=runs, shape=(rows, columns))
