"""COCO files: boxes, polygons, run lengths, and patients that COCO itself lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stimuli.crops import Cut
from stimuli.cutting import cut_patches
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
    ways: dict[str, dict[str, Any]] = {
        "box": {"bbox": BOX, "segmentation": []},
        "polygon": {"bbox": BOX, "segmentation": [RING]},
        "polygon alone": {"segmentation": [RING]},
        "runs alone": {"segmentation": runs_of(rectangle(SHAPE, *BOX))},
    }
    (found,) = read_source(write(tmp_path, texture, ways[kind], laterality="L", view="cc"))
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
        ({"bbox": BOX}, {"file_name": None}, "missing-value"),
        ({"bbox": BOX}, {"patient_id": "  "}, "missing-value"),
        ({"bbox": BOX}, {"patient_id": float("nan")}, "missing-value"),
        ({"bbox": BOX}, {"patient_id": ["P1"]}, "missing-value"),
        ({"bbox": BOX, "image_id": [7]}, {}, "bad-value"),
        ({"bbox": [1, float("nan"), 3, 4]}, {}, "bad-value"),
        ({"bbox": [0.1, 0.2, 0.3, 0.4]}, {}, "bad-value"),
        ({"segmentation": [[1, 2, 3, float("nan"), 5, 6]]}, {}, "bad-value"),
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


def changed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    path = folder / "instances.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda content: content["images"].append(3), "bad-value"),
        (lambda content: content["annotations"].append(3), "bad-value"),
        (lambda content: content.update(categories={"1": "malignant"}), "bad-value"),
        (lambda content: content["images"].append({**content["images"][0], "patient_id": "P2"}), "duplicate-id"),
    ],
)
def test_files_that_are_no_lists_of_records_are_refused(
    tmp_path: Path, texture: Any, refuses: Any, change: Any, code: str
) -> None:
    with refuses(code):
        read_source(changed(write(tmp_path, texture, {"bbox": BOX}), change))


def test_a_mark_before_the_text_absent_categories_and_ids_as_floats_do_no_harm(tmp_path: Path, texture: Any) -> None:
    folder = write(tmp_path, texture, {"bbox": BOX, "image_id": 7.0})
    path = changed(folder, lambda content: content.update(categories=None)) / "instances.json"
    path.write_text("\ufeff" + path.read_text(), encoding="utf-8")
    assert [one.patient_id for one in read_source(folder)] == ["12"]


@pytest.mark.parametrize("other", [12.0, "12.0", " 12 ", "\uff11\uff12"])
def test_a_patient_is_one_however_the_id_is_written(tmp_path: Path, texture: Any, other: object) -> None:
    folder = write(tmp_path, texture, {"bbox": BOX}, {"bbox": BOX, "image_id": 8})
    write_png(folder / "b.png", texture(2, *SHAPE), bits=16)
    changed(folder, lambda content: content["images"].append({"id": 8, "file_name": "b.png", "patient_id": other}))
    assert [one.patient_id for one in read_source(folder)] == ["12", "12"]


def test_boxes_drawn_in_an_image_of_another_size_are_refused(tmp_path: Path, texture: Any, refuses: Any) -> None:
    (found,) = read_source(write(tmp_path, texture, {"bbox": BOX}, height=180, width=140))
    with refuses("wrong-size") as caught:
        found.read()
    assert "70 x 90" in str(caught.value)
    assert "140 x 180" in str(caught.value)


def test_an_annotation_that_is_there_twice_counts_once(tmp_path: Path, texture: Any) -> None:
    found = read_source(write(tmp_path, texture, {"bbox": BOX}, {"bbox": BOX}))
    made = cut_patches(found, tmp_path / "set", b"a secret of 16 bytes", Cut(16))
    assert (len(made.table), made.about["rejected"]) == (1, {"is listed twice": 1})


def test_a_json_file_without_annotations(tmp_path: Path, texture: Any, refuses: Any) -> None:
    with refuses("empty-table"):
        read_source(write(tmp_path, texture))
