from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import write_png
from stimuli.patches import PatchSet, read_patches
from stimuli.sources.boxes_table import read_source

Refuses = Callable[[str], AbstractContextManager[Any]]
WriteSource = Callable[..., Path]
KEY = b"a key of more than sixteen bytes"


@pytest.fixture
def patches(tmp_path: Path, write_source: WriteSource) -> PatchSet:
    return cut_patches(
        read_source(write_source(tmp_path / "m", [{} for _ in range(3)])), tmp_path / "out", KEY, Cut(size_px=8)
    )


def test_a_missing_or_altered_patch_is_named(patches: PatchSet, refuses: Refuses) -> None:
    path = patches.folder / patches.table["file"].iloc[1]
    content = path.read_bytes()
    path.write_bytes((patches.folder / patches.table["file"].iloc[0]).read_bytes())
    with refuses("altered-file") as caught:
        read_patches(patches.folder)
    assert f"{path.name}: " in str(caught.value)
    path.unlink()
    with refuses("missing-file") as caught:
        read_patches(patches.folder)
    assert f"{path.name}: " in str(caught.value)
    assert len(read_patches(patches.folder, verify=False).table) == 3
    path.write_bytes(content)
    assert len(read_patches(patches.folder).table) == 3


def test_patches_are_read_together_in_order_and_must_be_of_the_sets_size(patches: PatchSet, refuses: Refuses) -> None:
    rows = patches.table.iloc[[2, 0]]
    images = patches.read_all(rows)
    assert images.shape == (2, 8, 8)
    for image, row in zip(images, rows.itertuples(), strict=True):
        assert (image == patches.read(row)).all()
    assert patches.read_all(rows.iloc[:0]).shape == (0, 8, 8)
    write_png(patches.folder / patches.table["file"].iloc[0], np.zeros((8, 9), np.float32), bits=16)
    with refuses("wrong-size") as caught:
        patches.read_all(rows)
    assert str(patches.table["file"].iloc[0]) in str(caught.value)


def test_a_patient_in_two_splits_is_refused(patches: PatchSet, refuses: Refuses) -> None:
    table = patches.table.assign(patient="0123456789", split=["train", "study", "train"])
    table.to_csv(patches.folder / "patches.csv", index=False)
    with refuses("patient-in-two-splits") as caught:
        read_patches(patches.folder)
    assert "patient 0123456789" in str(caught.value)


def test_a_folder_that_is_no_patch_set(tmp_path: Path, patches: PatchSet, refuses: Refuses) -> None:
    with refuses("not-a-patch-set"):
        read_patches(tmp_path / "none")
    about = patches.folder / "patches.json"
    about.write_text(json.dumps({**patches.about, "format": "lookalike-patches/0"}))
    with refuses("wrong-format") as caught:
        read_patches(patches.folder)
    assert "'lookalike-patches/0'" in str(caught.value)
    about.unlink()
    with refuses("no-such-file") as caught:
        read_patches(patches.folder)
    assert str(about) in str(caught.value)


def test_an_unknown_split_is_refused(patches, refuses):
    table = pd.read_csv(patches.folder / "patches.csv")
    table.loc[0, "split"] = "Study"
    table.to_csv(patches.folder / "patches.csv", index=False)
    with refuses("unknown-word") as caught:
        read_patches(patches.folder)
    assert "row 2: " in str(caught.value)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", None])
def test_a_patch_outside_the_folder_is_refused(patches: PatchSet, name: str | None, refuses: Refuses) -> None:
    table = patches.table.astype({"file": object})
    table.loc[1, "file"] = name
    table.to_csv(patches.folder / "patches.csv", index=False, na_rep="n/a")
    with refuses("unsafe-path") as caught:
        read_patches(patches.folder)
    assert str(caught.value).startswith(f"{patches.folder / 'patches.csv'}: row 3: file ")
