from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimuli.crops import Cut
from stimuli.cutting import collect_patches, cut_patches
from stimuli.images import Pixels, area_average, read_image, write_png
from stimuli.masks import Outline, box_of, lesion_of, read_mask
from stimuli.patches import read_patches
from stimuli.sources.boxes_table import Lesion, Mammogram, read_source
from stimuli.sources.precut import read_precut

Refuses = Callable[[str], AbstractContextManager[Any]]
WriteSource = Callable[..., Path]
DrawDisc = Callable[..., Pixels]
KEY = b"a key of more than sixteen bytes"


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 7), columns=st.integers(1, 7), edge=st.floats(0.1, 5.9))
def test_area_average_is_the_integral_over_each_new_pixel(seed: int, rows: int, columns: int, edge: float) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((11, 9)).astype(np.float32)
    left, top, right, bottom = edge, edge / 2, edge + rng.uniform(0.5, 3), edge / 2 + rng.uniform(0.5, 8)
    means = area_average(image, (rows, columns), (left, top, right, bottom))
    # Independently: the double integral, linear between pixel edges, at the corners of the new pixels.
    total = np.zeros((12, 10))
    total[1:, 1:] = image.astype(float).cumsum(0).cumsum(1)
    down, across = np.linspace(top, bottom, rows + 1), np.linspace(left, right, columns + 1)
    some = np.array([[np.interp(x, np.arange(10), column) for x in across] for column in total])
    at = np.array([np.interp(down, np.arange(12), some[:, n]) for n in range(columns + 1)]).T
    area = (bottom - top) * (right - left) / rows / columns
    np.testing.assert_allclose(means, np.diff(np.diff(at, axis=0), axis=1) / area, atol=1e-5)


@pytest.mark.parametrize("aspect", [1.0, 1.7])
@pytest.mark.parametrize("crops", [1, 4])
def test_a_disc_keeps_its_place_and_area_through_the_crop(
    tmp_path: Path, draw_disc: DrawDisc, texture: Callable[..., Pixels], aspect: float, crops: int
) -> None:
    x, y, radius, rows = 151.3, 148.2, 40.7, round(300 / aspect)  # pixel widths
    aspect = 300 / rows
    scale = np.array([[1.0, 1 / aspect]])
    fine = draw_disc(300, x, y, radius)
    write_png(tmp_path / "mask.png", area_average(fine, (rows, 300), (0, 0, 300, 300)))
    write_png(tmp_path / "film.png", texture(0, rows, 300))
    (x0, y0), (w, h) = (np.array([[x - radius, y - radius], [2 * radius, 2 * radius]]) * scale).tolist()
    lesion = Lesion(1, x0, y0, w, h, "", tmp_path / "mask.png")
    film = Mammogram(tmp_path / "film.png", "film.png", "p", "", "", aspect, (lesion,))
    made = cut_patches([film], tmp_path / "out", KEY, Cut(size_px=64, crops_per_box=crops))
    assert len(made.table) == crops
    down, across = np.indices((64, 64)) + 0.5
    for row in made.table.itertuples():
        mask = made.mask(row)
        assert mask is not None
        assert mask.dtype == np.float32
        px = row.crop_width / 64  # side of a pixel of the patch, in pixel widths
        assert (mask * across).sum() / mask.sum() == pytest.approx((x - row.crop_x) / px, abs=0.1)
        assert (mask * down).sum() / mask.sum() == pytest.approx((y - row.crop_y * aspect) / px, abs=0.1)
        for area in (mask.sum(), (mask >= 0.5).sum()):
            assert area == pytest.approx(np.pi * (radius / px) ** 2, rel=0.02)


def test_the_lesions_own_region_is_taken_with_its_soft_edge(draw_disc: DrawDisc) -> None:
    one, other = draw_disc(80, 20, 20, 8), draw_disc(80, 55, 50, 12)
    both = one + other
    for disc, box in ((one, (12, 12, 16, 16)), (other, (43, 38, 24, 24))):
        found, overlap = lesion_of(both, box)
        assert np.array_equal(found, disc)
        assert overlap > 0.95
    # By hand: box 12..28 against 20..36 across, the same down: 8 x 16 of 24 x 16.
    assert lesion_of(one, (20, 12, 16, 16))[1] == pytest.approx(1 / 3, abs=0.02)
    assert lesion_of(one, (60, 60, 9, 9))[1] == 0
    # A box that reaches beyond the image counts as far as the image goes.
    half = draw_disc(80, 0, 40, 10)
    assert lesion_of(half, (-10, 30, 20, 20))[1] == pytest.approx(1)


def test_a_soft_mask_without_anything_inside_has_no_region() -> None:
    found, overlap = lesion_of(np.full((9, 9), 0.4, np.float32), (1, 1, 5, 5))
    assert (found.any(), overlap) == (False, 0)


def test_damaged_foreign_and_faint_masks_are_refused(tmp_path: Path, refuses: Refuses) -> None:
    write_png(tmp_path / "m.png", np.ones((9, 8), np.float32))
    assert read_mask(tmp_path / "m.png", (9, 8)).all()
    with refuses("foreign-mask") as caught:
        read_mask(tmp_path / "m.png", (8, 9))
    assert "is 8 x 9 px, but its image is 9 x 8 px" in str(caught.value)
    write_png(tmp_path / "m.png", np.full((9, 8), 1 / 255, np.float32))  # 0 and 1 instead of 0 and 255
    with refuses("faint-mask"):
        read_mask(tmp_path / "m.png", (9, 8))
    (tmp_path / "m.png").write_bytes(b"\x89PNG damaged")
    with refuses("unreadable-image"):
        read_mask(tmp_path / "m.png", (9, 8))


def test_a_set_counts_what_has_no_mask_and_why(tmp_path: Path, write_source: WriteSource, draw_disc: DrawDisc) -> None:
    folder = write_source(tmp_path / "m", [{} for _ in range(5)])
    (folder / "masks").mkdir()
    write_png(folder / "masks/00000.png", draw_disc(48, 24, 24, 5))
    write_png(folder / "masks/00001.png", draw_disc(48, 30, 24, 5))  # beside its box
    write_png(folder / "masks/00002.png", np.zeros((48, 48), np.float32))
    write_png(folder / "masks/00004.png", draw_disc(48, 24, 24, 5))
    made = cut_patches(read_source(folder, masks=folder / "masks"), tmp_path / "out", KEY, Cut(size_px=8))
    assert made.about["without_mask"] == {"empty": 1, "no mask file": 1, "overlap with the lesion's box below 0.7": 1}
    masks = [made.mask(row) for row in made.table.itertuples()]
    assert [mask is not None for mask in masks] == [True, False, False, False, True]
    assert np.array_equal(masks[0], made.mask(made.table.iloc[0]))
    assert sorted(path.name for path in (made.folder / "masks").iterdir()) == sorted(
        f"{made.table['patch_id'][n]}.png" for n in (0, 4)
    )
    assert read_image(made.folder / made.table["mask_file"][0]).bit_depth == 8


def test_without_masks_a_set_is_as_it_was(tmp_path: Path, write_source: WriteSource) -> None:
    made = cut_patches(read_source(write_source(tmp_path / "m", [{}])), tmp_path / "out", KEY, Cut(size_px=8))
    assert "without_mask" not in made.about
    assert sorted(path.name for path in made.folder.iterdir()) == ["film.csv", "images", "patches.csv", "patches.json"]
    assert made.mask(made.table.iloc[0]) is None


def test_a_missing_or_altered_mask_is_named(tmp_path: Path, write_precut: WriteSource, refuses: Refuses) -> None:
    folder = write_precut(tmp_path / "p", [{"mask": "masks/a.png"}, {}])
    made = collect_patches(read_precut(folder), tmp_path / "out", KEY)
    path = made.folder / made.table["mask_file"][0]
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    with refuses("altered-file"):
        read_patches(made.folder)
    path.unlink()
    with refuses("missing-file") as caught:
        read_patches(made.folder)
    assert path.name in str(caught.value)
    path.write_bytes(content)
    assert len(read_patches(made.folder).table) == 2


def test_a_mask_that_was_cut_already_keeps_its_pixels(tmp_path: Path, write_precut: WriteSource) -> None:
    box = {"lesion_x": 4, "lesion_y": 4, "lesion_w": 8, "lesion_h": 8}
    folder = write_precut(tmp_path / "p", [{"mask": "masks/a.png", **box}, {"mask": "masks/b.png"}])
    for made in (
        collect_patches(read_precut(folder), tmp_path / "a", KEY),
        collect_patches(read_precut(folder, masks=_named_as_images(folder)), tmp_path / "b", KEY),
    ):
        for row in made.table.itertuples():
            assert np.array_equal(made.mask(row), read_image(folder / "masks/a.png").pixels)


def _named_as_images(folder: Path) -> Path:
    for old, new in (("a", "000"), ("b", "001")):
        content = (folder / f"masks/{old}.png").read_bytes()
        (folder / "renamed").mkdir(exist_ok=True)
        (folder / f"renamed/{new}.png").write_bytes(content)
    return folder / "renamed"


@pytest.mark.slow
def test_the_published_masks_agree_with_the_boxes_that_the_publication_says_they_agree_with() -> None:
    root = os.environ.get("LOOKALIKE_DATA")
    if not root:
        pytest.skip("LOOKALIKE_DATA is unset; it names the folder that holds cbis-ddsm/")
    folder = Path(root) / "cbis-ddsm"
    published = pd.read_csv(folder / "masks.csv").set_index(["image", "lesion"])["box_iou"] >= 0.7
    found = {}
    for mammogram in read_source(folder, masks=folder / "masks")[::4]:
        for lesion in mammogram.lesions:
            assert lesion.mask is not None
            mask = read_mask(lesion.mask, (800, 800))
            _, overlap = lesion_of(mask, (lesion.x, lesion.y, lesion.width, lesion.height))
            found[mammogram.file, lesion.number] = overlap >= 0.7
    assert len(found) > 300
    assert not all(found.values())
    assert found == {name: published[name] for name in found}


@pytest.mark.parametrize(("x", "y", "radius"), [(20, 15, 10), (20.3, 14.6, 7.7), (2, 15, 8), (38, 28, 12)])
def test_a_drawn_outline_covers_what_a_disc_covers(
    draw_disc: Callable[..., Pixels], x: float, y: float, radius: float
) -> None:
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    polygon = tuple(zip(x + radius * np.cos(angles), y + radius * np.sin(angles), strict=True))
    drawn = Outline(polygons=(polygon,)).draw((30, 40))
    disc = draw_disc(40, x, y, radius, rows=30)
    assert drawn.sum() == pytest.approx(disc.sum(), rel=0.03)
    assert np.abs(drawn - disc).max() < 0.5
    assert (drawn[disc == 0] < 0.3).all()


def test_an_outline_outside_the_image_covers_nothing() -> None:
    assert not Outline(polygons=(((50.0, 5.0), (60.0, 5.0), (55.0, 9.0)),)).draw((30, 40)).any()


def test_run_lengths_go_down_each_column() -> None:
    drawn = Outline(runs=(1, 2, 4, 1, 1), shape=(3, 3)).draw((3, 3))
    assert drawn.tolist() == [[0, 0, 0], [1, 0, 1], [1, 0, 0]]


def test_the_box_of_a_mask() -> None:
    mask = np.zeros((9, 12), np.float32)
    assert box_of(mask) is None
    mask[2:5, 7:9] = 0.6
    mask[8, 1] = 0.4
    assert box_of(mask) == (7, 2, 2, 3)
