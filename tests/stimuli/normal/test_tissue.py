"""Normal patches: away from lesions, muscle and edges, as large as lesions' patches, with the same codes and splits."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stimuli.crops import Cut
from stimuli.cutting import Limits, cut_patches
from stimuli.images import read_image, resample, write_png
from stimuli.normal.tissue import cut_normal
from stimuli.patches import PatchSet, read_patches
from stimuli.sources.boxes_table import read_source

Draw = Callable[..., Any]
KEY = b"k" * 32
SIZE = 16
BOXES = [
    {"x": 50, "y": 190, "width": 20, "height": 14},
    {"x": 20, "y": 230, "width": 9, "height": 12},
]


def write_films(folder: Path, draw: Draw, count: int = 6, aspect: float = 1.0, **options: Any) -> Path:
    """Drawn mammograms with two lesions each; rows are squeezed by `aspect`, as pixels higher than wide have it."""
    folder.mkdir()
    rows = []
    for number in range(count):
        pixels = draw(muscle=True, seed=number, **options).pixels
        write_png(folder / f"{number}.png", resample(pixels, (round(300 / aspect), 200)), bits=16)
        for box in BOXES:
            squeezed = {**box, "y": box["y"] / aspect, "height": box["height"] / aspect}
            known = {"file": f"{number}.png", "patient_id": f"P{number}", "view": "MLO", "pixel_aspect": aspect}
            rows.append({**known, **squeezed})
    pd.DataFrame(rows).to_csv(folder / "boxes.csv", index=False)
    return folder


def cut_films(folder: Path, **options: Any) -> PatchSet:
    cut = Cut(SIZE, **options.pop("cut", {}))
    return cut_normal(read_source(folder), folder.parent / "set", KEY, cut, **options)


@pytest.mark.parametrize("aspect", [1.0, 1.6])
def test_patches_are_away_from_lesions_muscle_and_edges(tmp_path: Path, draw: Draw, aspect: float) -> None:
    made = cut_films(write_films(tmp_path / "film", draw, aspect=aspect), per_lesion=2)
    assert len(made.table) >= 12
    drawn = draw(muscle=True)
    for row in made.table.itertuples():
        top, bottom = row.crop_y * aspect, (row.crop_y + row.crop_height) * aspect
        inside = np.s_[
            math.floor(top) : math.ceil(bottom), math.floor(row.crop_x) : math.ceil(row.crop_x + row.crop_width)
        ]
        assert drawn.breast[inside].all()
        assert not drawn.muscle[inside].any()
        for box in BOXES:
            across = max(row.crop_x, box["x"]) < min(row.crop_x + row.crop_width, box["x"] + box["width"])
            down = max(top, box["y"]) < min(bottom, box["y"] + box["height"])
            assert not (across and down)


def test_patches_of_an_image_do_not_overlap(tmp_path: Path, draw: Draw) -> None:
    made = cut_films(write_films(tmp_path / "film", draw), per_lesion=2)
    for _, rows in made.table.groupby("source"):
        covered = np.zeros((300, 200), int)
        for row in rows.itertuples():
            covered[
                math.ceil(row.crop_y) : math.floor(row.crop_y + row.crop_height),
                math.ceil(row.crop_x) : math.floor(row.crop_x + row.crop_width),
            ] += 1
        assert covered.max() == 1


@pytest.mark.parametrize("aspect", [1.0, 1.6])
def test_sizes_codes_and_splits_are_those_of_the_lesions(tmp_path: Path, draw: Draw, aspect: float) -> None:
    folder = write_films(tmp_path / "film", draw, aspect=aspect)
    normal = cut_films(folder)
    lesions = cut_patches(read_source(folder), tmp_path / "lesions", KEY, Cut(SIZE))
    both = [made.table.sort_values(["patient", "crop_width"]).reset_index(drop=True) for made in (normal, lesions)]
    for name in ("patient", "source", "split", "crop_width", "crop_height", "native_rows", "native_columns", "view"):
        pd.testing.assert_series_equal(both[0][name], both[1][name])
    assert not set(normal.table["patch_id"]) & set(lesions.table["patch_id"])


def test_the_set_has_the_contract_of_every_patch_set(tmp_path: Path, draw: Draw) -> None:
    folder = write_films(tmp_path / "film", draw)
    made = read_patches(cut_films(folder, credit="Drawn", cut={"seed": 3}).folder)
    assert set(made.table["pathology"]) == {"NORMAL"}
    assert made.table[["lesion_x", "lesion_y", "lesion_width", "lesion_height"]].isna().all(axis=None)
    assert "mask_file" not in made.table
    assert made.about["normal"] == {"per_lesion": 1, "margin": 0.02}
    assert (made.about["context"], made.about["credit"], made.about["seed"]) == (2.0, "Drawn", 3)
    source = {code: read_image(folder / f"{n}.png").pixels for n, code in enumerate(made.table["source"].unique())}
    for row in made.table.itertuples():
        edges = (row.crop_x, row.crop_y, row.crop_x + row.crop_width, row.crop_y + row.crop_height)
        expected = resample(source[row.source], (SIZE, SIZE), edges)
        np.testing.assert_allclose(made.read(row), expected, atol=2e-3)  # the table's crops are rounded


def test_places_follow_the_seed_and_no_other_image(tmp_path: Path, draw: Draw) -> None:
    films = read_source(write_films(tmp_path / "film", draw))
    columns = ["patch_id", "crop_x", "crop_y"]
    first = cut_normal(films, tmp_path / "a", KEY, Cut(SIZE, seed=1)).table[columns]
    fewer = cut_normal(films[2:], tmp_path / "b", KEY, Cut(SIZE, seed=1)).table[columns]
    other = cut_normal(films, tmp_path / "c", KEY, Cut(SIZE, seed=2)).table[columns]
    pd.testing.assert_frame_equal(first[first["patch_id"].isin(fewer["patch_id"])].reset_index(drop=True), fewer)
    assert (first["crop_x"].to_numpy() != other["crop_x"].to_numpy()).mean() > 0.5


def test_what_finds_no_place_is_counted_by_reason(tmp_path: Path, draw: Draw) -> None:
    folder = write_films(tmp_path / "film", draw, count=3)
    table = pd.read_csv(folder / "boxes.csv")
    write_png(folder / "air.png", np.zeros((300, 200), np.float32))
    write_png(folder / "huge.png", draw().pixels)
    air = {**table.iloc[0], "file": "air.png"}
    huge = {**table.iloc[0], "x": 5, "y": 120, "width": 100, "height": 100, "file": "huge.png"}
    tiny = {**table.iloc[0], "width": 5, "height": 5, "file": "2.png", "patient_id": "P2"}
    pd.DataFrame([*table.to_dict("records"), air, huge, tiny]).to_csv(folder / "boxes.csv", index=False)
    made = cut_films(folder, limits=Limits(max_white=0.0))
    assert made.about["rejected"] == {
        "fewer than 16 native rows or columns": 1,
        "no breast was found": 1,
        "no room beside lesions, muscle and the breast's edge": 1,
    }
    assert len(made.table) == 6


def test_images_of_normal_tissue_get_sizes_of_lesions(tmp_path: Path, draw: Draw) -> None:
    folder = write_films(tmp_path / "film", draw, count=2)
    table = pd.read_csv(folder / "boxes.csv", dtype=object)
    for number in range(2, 6):
        write_png(folder / f"{number}.png", draw(seed=number).pixels, bits=16)
    free = [{"file": f"{n}.png", "patient_id": f"P{n}", "view": "CC", "pathology": "normal"} for n in range(2, 6)]
    pd.concat([table, pd.DataFrame(free)]).to_csv(folder / "boxes.csv", index=False)
    assert len(read_source(folder)) == 2
    films = read_source(folder, normal=True)
    assert [len(one.lesions) for one in films] == [2, 2, 0, 0, 0, 0]
    made = cut_normal(films, tmp_path / "set", KEY, Cut(SIZE), per_lesion=3)
    drawn = made.table[made.table["view"] == "CC"]
    assert len(drawn) == 12
    assert set(drawn["crop_width"]) <= {40.0, 24.0}
    assert drawn.groupby("source")["crop_width"].nunique().eq(1).all()


def test_without_any_lesion_there_is_no_size_to_match(tmp_path: Path, draw: Draw, refuses: Any) -> None:
    (tmp_path / "film").mkdir()
    write_png(tmp_path / "film" / "a.png", draw().pixels, bits=16)
    row = {"file": "a.png", "patient_id": "P1", "pathology": "NORMAL", **dict.fromkeys(("x", "y", "width", "height"))}
    pd.DataFrame([row]).to_csv(tmp_path / "film" / "boxes.csv", index=False)
    with refuses("empty-table"):
        read_source(tmp_path / "film")
    with refuses("no-lesion-box"):
        cut_normal(read_source(tmp_path / "film", normal=True), tmp_path / "set", KEY)


def test_a_lesion_at_an_unknown_place_rules_out_its_image(tmp_path: Path, draw: Draw) -> None:
    for number in (1, 3, 5):  # films of mini-MIAS have 1024 x 1024 px
        film = np.pad(np.kron(draw(seed=number).pixels, np.ones((3, 3), np.float32)), ((124, 0), (0, 424)))
        write_png(tmp_path / f"mdb00{number}.png", film, bits=16)
    (tmp_path / "Info.txt").write_text("mdb001 G CIRC B 150 360 30\nmdb003 G MISC M\nmdb005 G NORM\n")
    films = read_source(tmp_path, normal=True)
    assert [one.file for one in films] == ["mdb001.png", "mdb003.png", "mdb005.png"]
    made = cut_normal(films, tmp_path / "set", KEY, Cut(SIZE))
    assert made.about["rejected"] == {"a lesion of its image is at an unknown place": 1}
    assert made.table["source"].nunique() == 2
    assert len(read_source(tmp_path)) == 2


def test_impossible_counts_are_refused(tmp_path: Path, draw: Draw, refuses: Any) -> None:
    folder = write_films(tmp_path / "film", draw, count=1)
    with refuses("out-of-range"):
        cut_films(folder, per_lesion=0)
    with refuses("unused-option"):
        cut_films(folder, cut={"crops_per_box": 2})


@pytest.mark.slow
def test_normal_tissue_of_the_published_mammograms_is_neither_air_nor_film_border(tmp_path: Path) -> None:
    root = os.environ.get("LOOKALIKE_DATA")
    if not root:
        pytest.skip("LOOKALIKE_DATA is unset; it names the folder that holds cbis-ddsm/")
    films = read_source(Path(root) / "cbis-ddsm")[:150]
    made = cut_normal(films, tmp_path / "set", KEY)
    assert len(made.table) > 100
    pixels = made.read_all(made.table)
    assert (pixels < 0.05).mean(axis=(1, 2)).max() < 0.02
    assert (pixels > 250 / 255).mean(axis=(1, 2)).max() < 0.02
