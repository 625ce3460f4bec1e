"""A patch is a square on the film, whatever the shape of its pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import Pixels, write_png
from stimuli.patches import PatchSet
from stimuli.sources.boxes_table import Lesion, Mammogram, read_source

Refuses = Callable[[str], AbstractContextManager[Any]]
WriteSource = Callable[..., Path]
KEY = b"a key of more than sixteen bytes"


def cut(folder: Path, out: Path, how: Cut) -> PatchSet:
    return cut_patches(read_source(folder), out, KEY, how)


def disc_on_film(folder: Path, aspect: float, radius: float, x: float, y: float) -> Mammogram:
    """A bright disc as a digitiser with pixels of that height over width sees it; lengths in pixel widths."""
    rows, columns = round(440 / aspect), 440
    across, down = np.meshgrid(np.arange(columns) + 0.5, (np.arange(rows) + 0.5) * aspect)
    distance = np.hypot(across - x, down - y)
    write_png(folder / "disc.png", (0.2 + 0.6 * np.clip(radius - distance + 0.5, 0, 1)).astype(np.float32), 16)
    lesion = Lesion("1", x - radius, (y - radius) / aspect, 2 * radius, 2 * radius / aspect, "")
    return Mammogram(folder / "disc.png", "disc.png", "p", "", "", aspect, (lesion,))


def moments(pixels: Pixels, background: float = 0.2) -> tuple[float, float, float, float]:
    """Centre (x, y) and standard deviations (x, y) of what is brighter than the background, in pixels."""
    weight = np.clip(pixels.astype(float) - background, 0, None)
    weight /= weight.sum()
    y, x = np.indices(pixels.shape) + 0.5
    mean_x, mean_y = (weight * x).sum(), (weight * y).sum()
    return mean_x, mean_y, np.sqrt((weight * (x - mean_x) ** 2).sum()), np.sqrt((weight * (y - mean_y) ** 2).sum())


def check_disc(folder: Path, aspect: float, radius: float, x: float, y: float, size: int, context: float) -> None:
    mammogram = disc_on_film(folder, aspect, radius, x, y)
    made = cut_patches([mammogram], folder / "out", KEY, Cut(size_px=size, context=context))
    mean_x, mean_y, sd_x, sd_y = moments(made.read(made.table.iloc[0]))
    assert 0.97 < sd_y / sd_x < 1.03
    # A disc's standard deviation along an axis is half its radius; its diameter is 1 / context of the patch.
    expected = size / context / 4
    assert sd_x == pytest.approx(expected, rel=0.03)
    assert sd_y == pytest.approx(expected, rel=0.03)
    assert mean_x == pytest.approx(size / 2, abs=0.1)
    assert mean_y == pytest.approx(size / 2, abs=0.1)


@pytest.mark.parametrize("aspect", [1.67, 1.0, 0.6])
def test_a_disc_on_film_is_a_disc_in_the_patch(tmp_path: Path, aspect: float) -> None:
    check_disc(tmp_path, aspect, 90, 220, 220, 64, 2.0)


@settings(max_examples=12)
@given(
    aspect=st.floats(0.5, 2.4),
    radius=st.floats(80, 100),
    x=st.floats(210, 230),
    y=st.floats(210, 230),
    size=st.sampled_from([32, 48, 64]),
    context=st.floats(1.2, 2.0),
)
def test_a_disc_stays_a_disc_for_any_pixel_shape(
    tmp_path_factory: pytest.TempPathFactory,
    aspect: float,
    radius: float,
    x: float,
    y: float,
    size: int,
    context: float,
) -> None:
    check_disc(tmp_path_factory.mktemp("disc"), aspect, radius, x, y, size, context)


def test_a_disc_in_a_dicom_with_its_own_spacing(tmp_path: Path, write_dicom: Callable[..., Path]) -> None:
    on_film = disc_on_film(tmp_path, 1.67, 90, 220, 220)
    levels = np.rint(on_film.read().pixels.astype(float) * 65535).astype(np.uint16)
    write_dicom(tmp_path / "disc.dcm", levels, ImagerPixelSpacing=[0.167, 0.1])
    mammogram = dataclasses.replace(on_film, path=tmp_path / "disc.dcm", pixel_aspect=None)
    made = cut_patches([mammogram], tmp_path / "out", KEY)
    _, _, sd_x, sd_y = moments(made.read(made.table.iloc[0]))
    assert 0.97 < sd_y / sd_x < 1.03


def test_native_rows_and_columns_are_counted_before_resampling(tmp_path: Path) -> None:
    mammogram = disc_on_film(tmp_path, 1.6, 80, 220, 220)
    row = cut_patches([mammogram], tmp_path / "out", KEY).table.iloc[0]
    # 2 x 160 pixel widths on the film: 320 columns, 320 / 1.6 rows.
    assert (row["native_columns"], row["native_rows"]) == (320, 200)
    assert (row["crop_x"], row["crop_width"]) == (60, 320)
    assert (row["crop_y"], row["crop_height"]) == (37.5, 200)
    assert row["source_bit_depth"] == 16


def test_the_patch_is_square_on_the_film_around_the_larger_side_of_the_box(
    tmp_path: Path, write_source: WriteSource
) -> None:
    wide = {"x": 12, "y": 20, "width": 16, "height": 4}
    tall = {"x": 20, "y": 12, "width": 4, "height": 16}
    table = cut(write_source(tmp_path / "m", [wide, tall]), tmp_path / "out", Cut(size_px=8, context=1.5)).table
    assert table[["crop_width", "crop_height"]].to_numpy().tolist() == [[24, 24], [24, 24]]
    assert table[["crop_x", "crop_y"]].to_numpy().tolist() == [[8, 10], [10, 8]]


def test_a_patch_has_the_pixels_of_its_place(
    tmp_path: Path, write_source: WriteSource, texture: Callable[..., Pixels]
) -> None:
    folder = write_source(tmp_path / "m", [{"x": 10, "y": 22, "width": 8, "height": 8}])
    made = cut(folder, tmp_path / "out", Cut(size_px=16))
    # 16 native pixels to 16 pixels: no resampling, only 16-bit rounding.
    np.testing.assert_allclose(made.read(made.table.iloc[0]), texture(0)[18:34, 6:22], atol=2 / 65535)
    with Pillow.open(made.folder / made.table["file"].iloc[0]) as image:
        assert image.mode == "I;16"


def test_a_patch_is_never_finer_than_its_source(tmp_path: Path, refuses: Refuses) -> None:
    # 130 columns but only 130 / 2.2 = 59 rows: the shorter side decides.
    mammogram = disc_on_film(tmp_path, 2.2, 32.5, 220, 220)
    with refuses("nothing-cut") as caught:
        cut_patches([mammogram], tmp_path / "out", KEY)
    assert "1 fewer than 64 native rows or columns" in str(caught.value)
    assert len(cut_patches([mammogram], tmp_path / "out", KEY, Cut(size_px=59)).table) == 1
