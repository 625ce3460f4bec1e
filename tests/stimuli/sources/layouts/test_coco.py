"""COCO files: boxes, polygons, run lengths, and patients that COCO itself lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stimuli.cutting import Cut, cut_patches
from stimuli.images import Pixels, write_png
from stimuli.sources.boxes_table import read_source

SHAPE = (90, 70)
BOX = [20, 30, 24, 20]
RING = [20, 30, 44, 30, 44, 50, 20, 50]


def write(folder: Path, texture: Callable[..., Pixels], *annotations: dict[str, Any], **image: Any) -> Path:
    write_png(folder / "a.png", texture(1, *SHAPE), bits=16)
    content = {
        "info": {}, "images": [{"id": 7, "file_name": "a.png", "height": 90, "width": 70, "patient_id": 12, **image}],
        "annotations": [{"id": n, "image_id": 7, "category_id": 1, **one} for n, one in enumerate(annotations)],
        "categories": [{"id": 1, "name": "malignant"}],
    }  # fmt: skip
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


def runs_of(mask: np.ndarray) -> dict[str, Any]:
    down = mask.T.ravel().astype(int)
    changes = np.flatnonzero(np.diff(down)) + 1
    counts = np.diff([0, *changes, down.size]).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if down[0] else counts}


@pytest.mark.parametrize("kind", ["box", "polygon", "polygon alone", "runs alone"])
def test_boxes_and_segmentations(tmp_path: Path, texture: Any, rectangle: Any, kind: str) -> None:
    one = {
        "box": {"bbox": BOX, "segmentation": []},
        "polygon": {"bbox": BOX, "segmentation": [RING]},
        "polygon alone": {"segmentation": [RING]},
        "runs alone": {"segmentation": runs_of(rectangle(SHAPE, *BOX))},
    }[kind]
    (found,) = read_source(write(tmp_path, texture, one, laterality="L", view="cc"))
    assert (found.patient_id, found.laterality, found.view) == ("12", "L", "CC")
    assert found.lesions[0].pathology == "MALIGNANT"
    made = cut_patches([found], tmp_path / "set", b"a secret of 16 bytes", Cut(16, context=1.5))
    row = made.table.iloc[0]
    assert [row.lesion_x, row.lesion_y, row.lesion_width, row.lesion_height] == BOX
    mask = made.mask(row)
    if kind == "box":
        assert mask is None
    else:
        assert mask is not None
        assert mask.sum() * (1.5 * 24 / 16) ** 2 == pytest.approx(24 * 20, rel=0.03)


@pytest.mark.parametrize(
    ("one", "image", "code"),
    [
        ({"bbox": BOX}, {"patient_id": None}, "missing-value"),
        ({"bbox": BOX, "image_id": 8}, {}, "bad-value"),
        ({"bbox": [1, 2, 0, 4]}, {}, "bad-value"),
        ({"bbox": [1, 2, 3]}, {}, "bad-value"),
        ({}, {}, "bad-value"),
        ({"segmentation": [[1, 2, 3, 4]]}, {}, "bad-value"),
        ({"segmentation": {"size": [90, 70], "counts": "aB3"}}, {}, "bad-value"),
        ({"segmentation": {"size": [90, 70], "counts": [5, 6]}}, {}, "bad-value"),
        ({"bbox": BOX}, {"file_name": "none.png"}, "missing-file"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, texture: Any, refuses: Any, one: dict[str, Any], image: dict[str, Any], code: str
) -> None:
    with refuses(code):
        read_source(write(tmp_path, texture, one, **image))


def test_a_segmentation_of_another_size_is_refused(tmp_path: Path, texture: Any, rectangle: Any, refuses: Any) -> None:
    source = read_source(write(tmp_path, texture, {"segmentation": runs_of(rectangle((9, 7), 2, 2, 3, 3))}))
    with refuses("foreign-mask"):
        cut_patches(source, tmp_path / "set", b"a secret of 16 bytes", Cut(16))


def test_patients_that_differ_in_writing_are_refused(tmp_path: Path, texture: Any, refuses: Any) -> None:
    folder = write(tmp_path, texture, {"bbox": BOX}, {"bbox": BOX, "image_id": 8})
    content = json.loads((folder / "instances.json").read_text())
    content["images"].append({"id": 8, "file_name": "a.png", "patient_id": "012"})
    (folder / "instances.json").write_text(json.dumps(content))
    with refuses("ambiguous-patient"):
        read_source(folder)


def test_a_json_file_without_annotations(tmp_path: Path, texture: Any, refuses: Any) -> None:
    with refuses("empty-table"):
        read_source(write(tmp_path, texture))
