from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.display import gsdf
from experiments.display.calibration import LuminanceTable, gsdf_lookup
from experiments.display.display_file import Display, read_display, write_display
from experiments.display.display_file import make_display as stamped

UNMEASURED = {"name": "Room 2", "size_px": (1280, 1024), "size_cm": (40.0, 32.0), "distance_cm": 57.0}


@pytest.fixture
def written(make_display: Callable[..., Display], tmp_path: Path) -> Path:
    path = tmp_path / "display.json"
    write_display(path, make_display())
    return path


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def test_a_display_comes_back_as_it_was_written(make_display: Callable[..., Display], tmp_path: Path) -> None:
    path = tmp_path / "display.json"
    for display in (
        make_display(image_height_deg=7.5, resample=True, photodiode="top-left", refresh_hz=60.0, screen=1),
        make_display(kind="gamma"),
        make_display(kind="none"),
    ):
        write_display(path, display)
        assert read_display(path) == display


def test_settings_may_be_edited_by_hand(written: Path) -> None:
    edit(written, distance_cm=80, image_height_deg=6)
    assert (read_display(written).distance_cm, read_display(written).image_height_deg) == (80, 6)


def test_the_measured_table_and_its_ambient_light_may_not(refuses: Any, written: Path) -> None:
    content = json.loads(written.read_text(encoding="utf-8"))
    table = [[level, luminance * 1.01] for level, luminance in content["table"]]
    for change in ({"table": table}, {"ambient_cd_m2": 0.3}, {"table_sha256": None}):
        before = written.read_bytes()
        edit(written, **change)
        with refuses("altered-file"):
            read_display(written)
        written.write_bytes(before)


def test_a_bad_table_in_a_display_file_names_its_rows(refuses: Any, written: Path) -> None:
    table = json.loads(written.read_text(encoding="utf-8"))["table"]
    table[3][1] = 0.1
    edit(written, table=table)
    with refuses("not-increasing") as caught:
        read_display(written)
    assert re.search(r"display\.json, table: luminance .* \(row 5\)", str(caught.value))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "dicom"}, "kind: Input should be 'gsdf', 'gamma' or 'none'"),
        ({"distance_cm": 0}, "distance_cm: "),
        ({"distance": 57}, "distance: Extra inputs"),
        ({"size_cm": [0, 30]}, "size_px and size_cm must be above 0"),
        ({"size_cm": [400, 320]}, r"size_cm: 400 cm for 1280 px .* pixels of 3\.1 mm, .* in cm, such as"),
        ({"size_cm": [40, 5]}, "size_cm: 5 cm for 1024 px"),
        ({"size_px": [1280.5, 1024]}, r"size_px\.0: "),
        ({"gamma": 2.2}, "gamma is given, but kind is gsdf"),
        ({"table": None}, "kind gsdf needs a table"),
        ({"kind": "gamma", "table": None}, "kind gamma needs a gamma"),
        ({"resample": True}, "resample needs image_height_deg"),
        ({"photodiode": "left"}, "photodiode: "),
        ({"image_height_deg": 90}, "image_height_deg: "),
        ({"format": "lookalike-display/2"}, "format: "),
    ],
)
def test_a_fault_names_its_field(refuses: Any, written: Path, change: dict[str, object], said: str) -> None:
    edit(written, **change)
    with refuses("invalid-display") as caught:
        read_display(written)
    assert re.search(rf"display\.json: {said}", str(caught.value))


def test_no_file_and_no_json_are_told(refuses: Any, tmp_path: Path) -> None:
    with refuses("no-such-file"):
        read_display(tmp_path / "display.json")
    (tmp_path / "display.json").write_text("{", encoding="utf-8")
    with refuses("invalid-display"):
        read_display(tmp_path / "display.json")


def test_each_kind_has_its_lookup(make_display: Callable[..., Display]) -> None:
    p_values = np.linspace(0, 1, 1000)
    standard = make_display()
    assert standard.luminances is not None
    np.testing.assert_array_equal(standard.lookup()(p_values), gsdf_lookup(standard.luminances)(p_values))
    fitted, given = make_display(kind="gamma"), make_display(kind="gamma", gamma=1.5)
    assert fitted.about()["gamma"] == pytest.approx(2.2, abs=1e-3)
    assert np.abs((given.lookup()(p_values) / 255.0) ** 1.5 - p_values).max() < 1.5 / 255 / 2 + 1e-9
    assert np.abs((fitted.lookup()(p_values) / 255.0) ** 2.2 - p_values).max() < 2.2 / 255 / 2 + 1e-4
    np.testing.assert_array_equal(make_display(kind="none").lookup()(p_values), np.rint(p_values * 255))


def test_how_a_display_was_calibrated_is_said(refuses: Any, make_display: Callable[..., Display]) -> None:
    unmeasured = stamped({**UNMEASURED, "kind": "gamma", "gamma": 2.2}, None)
    assert make_display().calibration == "gsdf"
    assert make_display(kind="gamma").calibration == "gamma"
    assert make_display(kind="none").calibration == "uncalibrated"
    assert unmeasured.calibration == "gamma, not measured"
    assert stamped({**UNMEASURED, "kind": "none"}, None).calibration == "uncalibrated"
    levels = np.arange(0, 256, 15)
    perfect = gsdf.jnd_to_luminance(np.linspace(*gsdf.luminance_to_jnd([0.6, 400.0]), 18))
    table = LuminanceTable(tuple(map(int, levels)), tuple(map(float, perfect)))
    assert stamped({**UNMEASURED, "kind": "none"}, table).calibration == "gsdf, by the display itself"
    with refuses("not-measured") as caught:
        unmeasured.conformance()
    assert re.search("'Room 2' was never measured", str(caught.value))


def test_conformance_is_to_what_the_display_is_for(make_display: Callable[..., Display]) -> None:
    assert make_display().conformance().target == "gsdf"
    assert make_display().conformance().conforms
    assert make_display(kind="gamma").conformance().target == "linear"
    assert make_display(kind="gamma").conformance().conforms
    assert not make_display(kind="none").conformance().conforms
    assert not make_display().conformance(make_display(3.0).luminances).conforms  # it drifted


def test_the_record_gets_every_setting_and_the_hash_in_place_of_the_table(
    make_display: Callable[..., Display],
) -> None:
    display = make_display()
    about = display.about()
    assert about["table_sha256"] == display.luminances.sha256  # type: ignore[union-attr]
    assert set(about) == set(Display.model_fields) - {"format", "table"}
    assert json.loads(json.dumps(about)) == about  # as it is read back, so that a later session finds no difference
