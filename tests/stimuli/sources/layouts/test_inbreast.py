"""INbreast: outlines in property lists beside DICOM files."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import quantise, write_png
from stimuli.sources.boxes_table import read_source

SQUARE = [(20.0, 30.0), (44.0, 30.0), (44.0, 50.0), (20.0, 50.0)]


@pytest.fixture
def inbreast(tmp_path: Path, write_dicom: Any, texture: Any) -> Path:
    for name in ("AllDICOMs", "AllXML"):
        (tmp_path / name).mkdir()
    one, other = "6c613a14b80a8591", "61d13e3b2b9ff8c8"
    images = [("20586908", one, "R"), ("20586934", one, "L"), ("22678622", other, "R")]
    for n, (number, patient, side) in enumerate(images):
        path = tmp_path / "AllDICOMs" / f"{number}_{patient}_MG_{side}_CC_ANON.dcm"
        write_dicom(path, quantise(texture(n, 90, 70), 16))
        regions = [{"Name": "Mass", "NumberOfPoints": 4, "Point_px": [f"({x:.6f}, {y:.6f})" for x, y in SQUARE]}]
        if n == 1:
            regions.append({"Name": "Calcification", "NumberOfPoints": 1, "Point_px": ["(10.5, 11.5)"]})
        if n < 2:
            content = {"Images": [{"ImageIndex": 0, "NumberOfROIs": len(regions), "ROIs": regions}]}
            (tmp_path / "AllXML" / f"{number}.xml").write_bytes(plistlib.dumps(content))
    (tmp_path / "INbreast.csv").write_text("Patient ID;Laterality;View;File Name;Bi-Rads\nremoved;R;CC;20586908;5\n")
    return tmp_path


def test_outlines_are_boxes_and_masks(inbreast: Path) -> None:
    first, second = read_source(inbreast)
    assert first.patient_id == second.patient_id == "6c613a14b80a8591"
    assert [(one.laterality, one.view) for one in (first, second)] == [("R", "CC"), ("L", "CC")]
    made = cut_patches([first, second], inbreast / "set", b"a secret of 16 bytes", Cut(16, context=1.5))
    assert made.about["rejected"] == {"is marked by a point, without an area": 1}
    for row in made.table.itertuples():
        assert (row.lesion_x, row.lesion_y, row.lesion_width, row.lesion_height) == (20, 30, 24, 20)
        mask = made.mask(row)
        assert mask is not None
        assert mask.sum() * (1.5 * 24 / 16) ** 2 == pytest.approx(24 * 20, rel=0.03)


@pytest.mark.parametrize("content", [b"<plist", b"<?xml version='1.0'?><plist version='1.0'><dict/></plist>"])
def test_a_damaged_list_is_refused(inbreast: Path, content: bytes, refuses: Any) -> None:
    (inbreast / "AllXML" / "20586934.xml").write_bytes(content)
    with refuses("unreadable-regions"):
        read_source(inbreast)


@pytest.mark.parametrize(
    "points", [["(1.2.3, 4)", *["(1, 2)"] * 3], ["here", *["(1, 2)"] * 3], ["(nan, 2)"], 3, "(1, 2)"]
)
def test_a_point_that_is_none_is_refused_and_not_passed_over(inbreast: Path, points: object, refuses: Any) -> None:
    content = {"Images": [{"ROIs": [{"Point_px": points}]}]}
    (inbreast / "AllXML" / "20586934.xml").write_bytes(plistlib.dumps(content))
    with refuses("unreadable-regions") as caught:
        read_source(inbreast)
    assert "20586934.xml" in str(caught.value)


def test_an_image_that_is_there_twice_is_refused(inbreast: Path, refuses: Any) -> None:
    (original,) = (inbreast / "AllDICOMs").glob("20586908*")
    (inbreast / "AllPNGs").mkdir()
    write_png(inbreast / "AllPNGs" / f"{original.stem}.png", np.full((45, 35), 0.5, np.float32))
    with refuses("ambiguous-file") as caught:
        read_source(inbreast)
    assert "20586908" in str(caught.value)
