"""Film border and air are told patch by patch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stimuli.crops import Cut
from stimuli.cutting import Limits, cut_patches
from stimuli.images import write_png
from stimuli.sources.boxes_table import read_source

WriteSource = Callable[..., Path]
Refuses = Callable[[str], Any]
KEY = b"k" * 32


def cut_edges(tmp_path: Path, limits: Limits | None = None) -> Any:
    """Patches of 20 px with 0, 3 and 8 columns of film border, and with 5 columns of air."""
    (tmp_path / "film").mkdir()
    rows = []
    for number, (white, black) in enumerate([(0, 0), (3, 0), (8, 0), (0, 5)]):
        pixels = np.random.default_rng(number).uniform(0.3, 0.7, (40, 40)).astype(np.float32)
        pixels[:, 10 : 10 + white] = 1
        pixels[:, 10 : 10 + black] = 0
        write_png(tmp_path / "film" / f"{number}.png", pixels)
        rows.append({"file": f"{number}.png", "patient_id": f"P{number}", "x": 15, "y": 15, "width": 10, "height": 10})
    pd.DataFrame(rows).to_csv(tmp_path / "film" / "boxes.csv", index=False)
    return cut_patches(read_source(tmp_path / "film"), tmp_path / "set", KEY, Cut(20), limits=limits or Limits())


def test_the_share_of_film_border_and_air_is_told_patch_by_patch(tmp_path: Path) -> None:
    made = cut_edges(tmp_path)
    film = pd.read_csv(made.folder / "film.csv")
    assert list(film["patch_id"]) == list(made.table["patch_id"])
    np.testing.assert_allclose(film["white_share"], [0, 0.15, 0.4, 0], atol=1e-4)
    np.testing.assert_allclose(film["black_share"], [0, 0, 0, 0.25], atol=1e-4)
    assert made.about["film"] == {
        "share": 0.02, "white_above": 2, "white_most": 0.4, "black_above": 1, "black_most": 0.25
    }  # fmt: skip
    assert not {"white_share", "fingerprint", "thumbnail", "origin", "person"} & set(made.table)


def test_beyond_a_limit_patches_are_rejected_and_counted(tmp_path: Path) -> None:
    made = cut_edges(tmp_path, Limits(0.2, 0.2))
    assert made.about["rejected"] == {
        "white in more than 0.2 of the patch": 1,
        "black in more than 0.2 of the patch": 1,
    }
    assert (made.about["film"]["white_most"], made.about["film"]["black_most"]) == (0.15, 0)
