"""VinDr-Mammo: finding_annotations.csv with images by study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stimuli.images import quantise
from stimuli.sources.boxes_table import read_source


@pytest.fixture
def vindr(tmp_path: Path, write_dicom: Any, texture: Any) -> Path:
    rows = []
    for n, corners in enumerate([(10.5, 20, 30, 35.25), (None,) * 4, (5, 6, 25, 30)]):
        study, image = f"{n:032x}", f"{n + 10:032x}"
        (tmp_path / "images" / study).mkdir(parents=True)
        write_dicom(tmp_path / "images" / study / f"{image}.dicom", quantise(texture(n), 16))
        rows.append(
            {"study_id": study, "series_id": "s", "image_id": image, "laterality": "LR"[n % 2], "view_position": "MLO",
             "height": 48, "width": 48, "breast_birads": "BI-RADS 4", "breast_density": "DENSITY C",
             "finding_categories": "['Mass']" if corners[0] else "['No Finding']", "finding_birads": "BI-RADS 4",
             **dict(zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)), "split": "training"}
        )  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "finding_annotations.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("suffix", [".dicom", ".png", ""])
def test_findings_with_a_box_are_lesions(vindr: Path, suffix: str) -> None:
    for path in list(vindr.rglob("*.dicom")):
        path.rename(path.with_suffix(suffix))
    first, second = read_source(vindr)
    (lesion,) = first.lesions
    assert (lesion.x, lesion.y, lesion.width, lesion.height, lesion.pathology) == (10.5, 20, 19.5, 15.25, "")
    assert (first.patient_id, first.laterality, first.view) == (f"{0:032x}", "L", "MLO")
    assert second.read().pixels.shape == (48, 48)


def test_a_finding_without_area_is_refused(vindr: Path, refuses: Any) -> None:
    table = vindr / "finding_annotations.csv"
    frame = pd.read_csv(table)
    frame.loc[2, "xmax"] = 5
    frame.to_csv(table, index=False)
    with refuses("bad-value") as caught:
        read_source(vindr)
    assert "row 4" in str(caught.value)


def test_images_of_another_size_than_the_tables_are_refused(vindr: Path, refuses: Any) -> None:
    """Repackagings shrink the images, and keep the table."""
    table = vindr / "finding_annotations.csv"
    pd.read_csv(table).assign(height=96, width=96).to_csv(table, index=False)
    first = read_source(vindr)[0]
    with refuses("wrong-size"):
        first.read()


def test_a_finding_without_coordinates_is_counted(vindr: Path) -> None:
    table = vindr / "finding_annotations.csv"
    frame = pd.read_csv(table)
    frame.loc[1, "finding_categories"] = "['Skin Thickening']"
    frame.to_csv(table, index=False)
    assert [lesion.left_out for one in read_source(vindr) for lesion in one.lesions] == ["", "has no coordinates", ""]
