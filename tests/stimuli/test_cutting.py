from __future__ import annotations

import dataclasses
import os
import re
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from data.errors import LookalikeError
from data.files import sha256
from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import Pixels
from stimuli.patches import COLUMNS, SPLITS, PatchSet, read_patches
from stimuli.sources.boxes_table import read_source

Refuses = Callable[[str], AbstractContextManager[Any]]
WriteSource = Callable[..., Path]
KEY = b"a key of more than sixteen bytes"
SMALL = Cut(size_px=8)


def cut(folder: Path, out: Path, how: Cut = SMALL, key: bytes = KEY) -> PatchSet:
    return cut_patches(read_source(folder), out, key, how)


# Splits


def never_mixed(made: PatchSet) -> bool:
    return not made.table[["patient", "split"]].drop_duplicates()["patient"].duplicated().any()


def test_patients_are_never_in_two_splits(tmp_path: Path, write_source: WriteSource) -> None:
    boxes = [{"patient_id": f"P{n // 3}"} for n in range(45)]
    made = cut(write_source(tmp_path / "m", boxes), tmp_path / "out")
    assert len(made.table) == 45
    assert made.table["patient"].nunique() == 15
    assert never_mixed(made)
    assert (made.table.groupby("patient").size() == 3).all()
    assert len(set(made.table["split"])) > 1
    assert sum(len(made.select(split)) for split in SPLITS) == 45
    for split in SPLITS:
        assert (made.select(split)["split"] == split).all()
        assert made.about["patches"][split] == len(made.select(split))
        assert made.about["patients"][split] == made.select(split)["patient"].nunique()


@pytest.mark.slow
def test_a_patient_keeps_the_split_when_others_come_and_settings_change(
    tmp_path: Path, write_source: WriteSource
) -> None:
    few = write_source(tmp_path / "few", [{} for _ in range(8)], first=20)
    more = write_source(tmp_path / "more", [{} for _ in range(30)])
    first = cut(few, tmp_path / "a").table.set_index("patient")["split"].to_dict()
    assert len(set(first.values())) > 1
    for n, how in enumerate((SMALL, Cut(size_px=12), Cut(size_px=8, context=1.5), Cut(size_px=8, seed=9))):
        later = cut(more, tmp_path / f"b{n}", how).table.set_index("patient")["split"].to_dict()
        assert len(later) == 30
        assert {patient: later[patient] for patient in first} == first


# Patient codes


def test_the_same_key_gives_the_same_codes_and_another_key_others(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{} for _ in range(6)])
    a, again = cut(folder, tmp_path / "a").table, cut(folder, tmp_path / "again", Cut(size_px=12)).table
    other = cut(folder, tmp_path / "other", key=b"some other key of its own").table
    assert a["patient"].tolist() == again["patient"].tolist()
    assert a["source"].tolist() == again["source"].tolist()
    for column in ("patient", "source", "patch_id"):
        assert not set(a[column]) & set(other[column])
    assert a["patient"].nunique() == 6
    assert not set(a["patient"]) & set(a["source"])
    assert all(re.fullmatch("[0-9a-f]{10}", patient) for patient in a["patient"])


def test_nothing_written_names_the_patient_or_the_source_file(
    tmp_path: Path, write_dicom: Callable[..., Path], texture: Callable[..., Pixels]
) -> None:
    source = tmp_path / "m"
    (source / "LASTNAME").mkdir(parents=True)
    levels = (texture(1) * 65535).astype(np.uint16)
    named = {"PatientName": "LASTNAME^FIRSTNAME", "PatientID": "ID4711", "PatientBirthDate": "19500101"}
    write_dicom(source / "LASTNAME" / "scan0815.dcm", levels, **named)
    (source / "boxes.csv").write_text(
        "file,patient_id,x,y,width,height,lesion,laterality\nLASTNAME/scan0815.dcm,ID4711,19,19,10,10,1,LEFT\n"
    )
    made = cut(source, tmp_path / "out")
    secrets = [b"lastname", b"firstname", b"id4711", b"scan0815", b"4711", b"0815", b"19500101", b"1950", KEY]
    secrets.append(str(source).encode().lower())
    files = [path for path in made.folder.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        content = path.read_bytes()
        names = str(path.relative_to(made.folder)).encode()
        if path.suffix == ".png":
            assert png_chunks(content) == {"IHDR", "IDAT", "IEND"}
        for secret in secrets:
            assert secret not in names.lower()
            assert secret not in content.lower()


def png_chunks(content: bytes) -> set[str]:
    names, at = set(), 8
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        body = content[at + 4 : at + 8 + length]
        assert zlib.crc32(body) == int.from_bytes(content[at + 8 + length : at + 12 + length], "big")
        names.add(body[:4].decode())
        at += 12 + length
    return names


# Several crops of a box


def test_every_crop_holds_the_box_and_lies_inside_the_image(tmp_path: Path, write_source: WriteSource) -> None:
    boxes = [{}, {"x": 2, "y": 30}, {"x": 15, "y": 3, "width": 6, "height": 14}]
    folder = write_source(tmp_path / "m", boxes)
    made = cut(folder, tmp_path / "a", Cut(size_px=8, crops_per_box=25))
    table, rounding = made.table, 0.002
    assert len(table) == 75
    assert table["patch_id"].is_unique
    assert table["file"].is_unique
    assert (table["crop_x"] >= 0).all()
    assert (table["crop_y"] >= 0).all()
    assert (table["crop_x"] + table["crop_width"] <= 48 + rounding).all()
    assert (table["crop_y"] + table["crop_height"] <= 48 + rounding).all()
    assert (table["lesion_x"] >= table["crop_x"] - rounding).all()
    assert (table["lesion_y"] >= table["crop_y"] - rounding).all()
    for start, length in (("x", "width"), ("y", "height")):
        lesion_end = table[f"lesion_{start}"] + table[f"lesion_{length}"]
        assert (lesion_end <= table[f"crop_{start}"] + table[f"crop_{length}"] + rounding).all()
    assert (table.groupby("source")[["crop_x", "crop_y"]].nunique() == 25).all().all()
    assert (table["crop_width"] == 2 * table[["lesion_width", "lesion_height"]].max(axis=1)).all()


def test_crops_are_drawn_from_the_seed_whoever_else_is_there(tmp_path: Path, write_source: WriteSource) -> None:
    two = write_source(tmp_path / "two", [{}, {}])
    one = write_source(tmp_path / "one", [{}], first=1)
    how = Cut(size_px=8, crops_per_box=3, seed=1)
    columns = ["patch_id", "crop_x", "crop_y", "sha256"]
    first = cut(two, tmp_path / "a", how).table[columns]
    assert cut(two, tmp_path / "b", how).table[columns].equals(first)
    assert cut(one, tmp_path / "c", how).table[columns].equals(first.iloc[3:].reset_index(drop=True))
    other = cut(two, tmp_path / "d", dataclasses.replace(how, seed=2)).table[columns]
    assert not (other["crop_x"] == first["crop_x"]).any()


# Further crops to learn from


def test_training_patients_have_further_crops_and_nobody_else(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{}, {"x": 20, "y": 12, "height": 9}] * 12)
    split = (0.5, 0.2, 0.3)
    plain = cut(folder, tmp_path / "plain", Cut(size_px=8, split=split))
    how = Cut(size_px=8, split=split, train_crops=6, train_context=(1.8, 2.4))
    made = cut(folder, tmp_path / "more", how)
    further = made.table[made.table["patch_id"].str.contains("-train-")]
    rest = made.table.drop(further.index).reset_index(drop=True)
    assert rest[list(plain.table.columns)].equals(plain.table)
    assert set(further["split"]) == {"train"}
    assert len(further) == 6 * len(plain.select("train"))
    assert made.table["patch_id"].is_unique

    context = further["crop_width"] / further[["lesion_width", "lesion_height"]].max(axis=1)
    assert np.allclose(context, further["context"], atol=0.002)
    assert 1.8 <= context.min() < 1.9
    assert 2.3 < context.max() <= 2.4
    assert (rest["context"] == 2).all()
    for start, length in (("x", "width"), ("y", "height")):
        middle = further[f"crop_{start}"] + further[f"crop_{length}"] / 2
        off = middle - further[f"lesion_{start}"] - further[f"lesion_{length}"] / 2
        assert 0.05 < (off / further[f"crop_{length}"]).abs().max() <= 0.1001
        assert (further[f"crop_{start}"] <= further[f"lesion_{start}"] + 0.001).all()
        assert (further[f"crop_{start}"] >= 0).all()
        assert (further[f"crop_{start}"] + further[f"crop_{length}"] <= 48.002).all()
    assert made.about["train_crops"] == 6
    assert "train_crops" not in plain.about
    again = cut(folder, tmp_path / "again", how).table
    assert again.equals(made.table)
    other = cut(folder, tmp_path / "other", dataclasses.replace(how, seed=3)).table
    assert not (other.loc[further.index, "crop_x"] == further["crop_x"]).any()


def test_further_crops_without_a_place_are_left_out(tmp_path: Path, write_source: WriteSource) -> None:
    # The box fills the image but for what a context of 2 needs, so that no larger context fits.
    folder = write_source(tmp_path / "m", [{"x": 12, "y": 12, "width": 24, "height": 24}])
    everybody = (1.0, 0.0, 0.0)
    made = cut(folder, tmp_path / "a", Cut(size_px=8, split=everybody, train_crops=3, train_context=(2.1, 2.5)))
    assert len(made.table) == 1
    assert made.about["rejected"] == {}
    smaller = Cut(size_px=8, split=everybody, train_crops=3, train_context=(1.8, 1.9))
    assert len(cut(folder, tmp_path / "b", smaller).table) == 4


# What is not cut


def test_what_is_not_cut_is_counted_by_reason(tmp_path: Path, write_source: WriteSource) -> None:
    edge, tiny = {"x": 0, "y": 0}, {"width": 3, "height": 3}
    folder = write_source(tmp_path / "m", [{}, edge, edge, tiny, {}])
    made = cut(folder, tmp_path / "out")
    assert len(made.table) == 2
    expected = {"fewer than 8 native rows or columns": 1, "reaches outside the image": 2}
    assert made.about["rejected"] == expected
    assert made.about["mammograms"] == 5
    shifted = cut(folder, tmp_path / "more", Cut(size_px=8, crops_per_box=4))
    # Shifted crops of the box in the corner do fit: only those whose corner is the image's own.
    assert shifted.about["rejected"]["fewer than 8 native rows or columns"] == 4
    assert len(shifted.table) + sum(shifted.about["rejected"].values()) == 5 * 4


def test_nothing_to_cut_says_why_and_leaves_nothing(
    tmp_path: Path, write_source: WriteSource, refuses: Refuses
) -> None:
    folder = write_source(tmp_path / "m", [{"x": 0}, {"width": 2, "height": 2}])
    with refuses("nothing-cut") as caught:
        cut(folder, tmp_path / "out")
    assert "1 reaches outside the image" in str(caught.value)
    assert "1 fewer than 8 native" in str(caught.value)
    assert os.listdir(tmp_path) == ["m"]


def test_an_occupied_folder_is_refused_before_any_work(
    tmp_path: Path, write_source: WriteSource, refuses: Refuses
) -> None:
    folder = write_source(tmp_path / "m", [{}])
    first = cut(folder, tmp_path / "out")
    with refuses("occupied"):
        cut_patches(read_source(folder), tmp_path / "out", KEY, Cut(size_px=12), progress=lambda: pytest.fail("worked"))
    assert read_patches(tmp_path / "out").sha256 == first.sha256
    assert sorted(os.listdir(tmp_path)) == ["m", "out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_cut_leaves_nothing(
    tmp_path: Path, write_source: WriteSource, error: type[BaseException]
) -> None:
    folder = write_source(tmp_path / "m", [{} for _ in range(3)])
    done = 0

    def progress() -> None:
        nonlocal done
        done += 1
        if done == 2:
            raise error

    with pytest.raises(error):
        cut_patches(read_source(folder), tmp_path / "out", KEY, SMALL, progress=progress)
    assert os.listdir(tmp_path) == ["m"]


def test_a_damaged_or_wrongly_boxed_image_leaves_nothing(
    tmp_path: Path, write_source: WriteSource, refuses: Refuses
) -> None:
    folder = write_source(tmp_path / "m", [{}, {}])
    damaged = folder / "images/00001.png"
    damaged.write_bytes(damaged.read_bytes()[:900])
    with refuses("unreadable-image") as caught:
        cut(folder, tmp_path / "out")
    assert "00001.png: " in str(caught.value)
    outside = write_source(tmp_path / "n", [{}, {"x": 47}])
    with refuses("box-outside-image"):
        cut(outside, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["m", "n"]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"size_px": 7}, "size is 7"),
        ({"context": 0.9}, "context is 0.9"),
        ({"context": float("inf")}, "context is inf; it must be 1 or more"),
        ({"context": float("nan")}, "context is nan; it must be 1 or more"),
        ({"split": (0.7, 0.2, 0.2)}, "split is"),
        ({"split": (1.2, -0.1, -0.1)}, "split is"),
        ({"crops_per_box": 0}, "crops per box is 0"),
        ({"train_crops": -1}, "train crops is -1"),
        ({"train_context": (2.5, 1.8)}, "train context is 2.5-1.8"),
        ({"train_context": (0.5, 2.0)}, "train context is 0.5-2"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], word: str, refuses: Refuses) -> None:
    with refuses("out-of-range") as caught:
        Cut(**settings)
    assert str(caught.value).startswith(word)


# The set on disk


def test_the_set_says_how_it_was_cut(tmp_path: Path, write_source: WriteSource) -> None:
    folder = write_source(tmp_path / "m", [{"laterality": "LEFT", "view": "CC", "pathology": "BENIGN"}])
    calls: list[None] = []
    how = Cut(size_px=12, context=1.5, split=(0.5, 0.25, 0.25), seed=3)
    made = cut_patches(
        read_source(folder), tmp_path / "out", KEY, how, "CC BY 3.0, Lee et al.", lambda: calls.append(None)
    )
    assert len(calls) == 1
    assert tuple(made.table.columns) == COLUMNS
    about = made.about
    assert (about["size_px"], about["context"], about["split"], about["seed"]) == (12, 1.5, [0.5, 0.25, 0.25], 3)
    assert about["credit"] == "CC BY 3.0, Lee et al."
    assert made.table.loc[0, ["laterality", "view", "pathology"]].tolist() == ["LEFT", "CC", "BENIGN"]
    assert made.read(made.table.iloc[0]).shape == (12, 12)
    assert made.sha256 == sha256(tmp_path / "out" / "patches.csv")
    again = read_patches(tmp_path / "out")
    pd.testing.assert_frame_equal(again.table, made.table)
    assert again.about == made.about


# The published mammograms


@pytest.mark.slow
def test_the_published_mammograms_yield_900_patches(tmp_path: Path) -> None:
    root = os.environ.get("LOOKALIKE_DATA")
    if not root:
        pytest.skip("LOOKALIKE_DATA is unset; it names the folder that holds cbis-ddsm/")
    source = read_source(Path(root) / "cbis-ddsm")
    made = cut_patches(source, tmp_path / "out", KEY)
    native = made.table[["native_rows", "native_columns"]].min(axis=1)
    assert (native >= 64).sum() >= 900
    for _, row in made.table.iterrows():
        with Pillow.open(made.folder / row["file"]) as image:
            assert (image.size, image.mode) == ((64, 64), "I;16")
    assert never_mixed(made)
    shares = made.table["split"].value_counts(normalize=True)
    assert shares.index[0] == "train"
    assert min(shares[split] for split in SPLITS) > 0.05
    # Pixels of these files are about 1.4 to 1.9 times as high as wide, so rows are the scarce ones.
    assert (made.table["native_rows"] < made.table["native_columns"]).all()
    raw = {mammogram.patient_id for mammogram in source}
    text = (made.folder / "patches.csv").read_text() + (made.folder / "patches.json").read_text()
    assert not [patient for patient in raw if patient in text]


CELL = st.one_of(
    st.integers(-50, 100), st.floats(allow_nan=True), st.text(max_size=4), st.sampled_from(["", "n/a", "1e3", "1,5"])
)


@settings(max_examples=60)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(("x", "y", "width", "height"), CELL)), min_size=1, max_size=3))
def test_any_boxes_are_cut_inside_the_image_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, write_source: Callable[..., Path], boxes: list[dict[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("boxes")
    try:
        source = read_source(write_source(folder / "m", boxes))
        table = cut_patches(source, folder / "set", b"a secret of 16 bytes", Cut(8)).table
    except LookalikeError as error:
        if "\n" in str(error):
            pytest.fail(str(error))
        return
    assert (table[["crop_x", "crop_y"]].to_numpy() >= 0).all()
    assert (table["crop_x"] + table["crop_width"] <= 48.001).all()
    assert (table["crop_y"] + table["crop_height"] <= 48.001).all()


def test_what_a_dicom_says_of_itself_is_counted(tmp_path: Path, write_dicom: Callable[..., Path]) -> None:
    rows = []
    for n in range(3):
        stored = np.random.default_rng(n).integers(0, 65536, (48, 48)).astype(np.uint16)
        intent = "FOR PROCESSING" if n else "FOR PRESENTATION"
        write_dicom(tmp_path / f"{n}", stored, PresentationIntentType=intent)
        rows.append({"file": f"{n}", "patient_id": f"P{n}", "x": 19, "y": 19, "width": 10, "height": 10})
    pd.DataFrame(rows).to_csv(tmp_path / "boxes.csv", index=False)
    about = cut_patches(read_source(tmp_path), tmp_path / "set", b"a secret of 16 bytes", Cut(8)).about
    assert list(about["notes"].values()) == [2]
    assert about["source_formats"] == ["none"]
