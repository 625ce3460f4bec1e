"""mini-MIAS: circles in Info.txt, whose rows count from below."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import Pixels, quantise
from stimuli.sources.boxes_table import read_source

SIDE = 1024
INFO = """mdb001 G CIRC B 100 180 20
mdb002 G CIRC B 120 60 30
mdb003 D NORM
mdb005 F CIRC B 80 200 12
mdb005 F CIRC B 150 90 16
mdb010 F CIRC B 60 60 20
mdb059 F CIRC B
mdb092 F ASYM M 1000 100 43
mdb216 D CALC M *NOTE 3*
mdb214 G CALC B 100 100 0
"""


@pytest.fixture
def mias(tmp_path: Path, texture: Callable[..., Pixels]) -> Path:
    """Films with a white disc at the place of each circle, found by rows counted from below."""
    (tmp_path / "Info.txt").write_text("INFORMATION: films are 1024 x 1024\n\n" + INFO)
    for name in {line.split()[0] for line in INFO.splitlines()}:
        film = 0.5 * texture(int(name[3:]), SIDE, SIDE)
        for line in INFO.splitlines():
            words = line.split()
            if words[0] == name and words[-1].isdigit():
                x, up, radius = map(int, words[4:])
                rows, columns = np.indices(film.shape) + 0.5
                film[(columns - x) ** 2 + ((SIDE - up) - rows) ** 2 < radius**2] = 1
        Pillow.fromarray(quantise(film, 8)).save(tmp_path / f"{name}.pgm")
    return tmp_path


def test_discs_are_in_the_middle_of_their_patches(mias: Path) -> None:
    made = cut_patches(read_source(mias), mias / "set", b"a secret of 16 bytes", Cut(16))
    assert len(made.table) == 5
    for row in made.table.itertuples():
        patch = made.read(row)
        y, x = (np.average(axis, weights=patch > 0.9) for axis in np.indices(patch.shape))
        assert (x, y) == (pytest.approx(7.5, abs=0.6), pytest.approx(7.5, abs=0.6))
    assert made.about["rejected"] == {"has no coordinates": 2, "has a circle that reaches outside the image": 2}


def test_pairs_of_films_are_patients(mias: Path) -> None:
    found = {one.file: one for one in read_source(mias)}
    assert found["mdb001.pgm"].patient_id == found["mdb002.pgm"].patient_id != found["mdb005.pgm"].patient_id
    assert (found["mdb001.pgm"].laterality, found["mdb002.pgm"].laterality) == ("RIGHT", "LEFT")
    assert len(found["mdb005.pgm"].lesions) == 2
    assert "mdb003.pgm" not in found  # nothing to cut in normal tissue
    assert [lesion.pathology for lesion in found["mdb092.pgm"].lesions] == ["MALIGNANT"]


def test_a_film_that_is_missing_is_counted_and_one_that_is_there_twice_refused(mias: Path, refuses: Any) -> None:
    (mias / "copy").mkdir()
    (mias / "copy" / "mdb001.pgm").write_bytes((mias / "mdb001.pgm").read_bytes())
    with refuses("ambiguous-file"):
        read_source(mias)
    for path in mias.rglob("mdb001.pgm"):
        path.unlink()
    made = cut_patches(read_source(mias), mias / "set", b"a secret of 16 bytes", Cut(16))
    assert made.about["rejected"]["image is not in the folder"] == 1
    for path in mias.rglob("*.pgm"):
        path.unlink()
    with refuses("missing-file"):
        read_source(mias)


def test_the_table_may_have_another_name(mias: Path) -> None:
    (mias / "Info.txt").rename(mias / "mias-info.txt")
    assert len(read_source(mias, boxes=mias / "mias-info.txt")) == 8


def test_films_of_another_size_are_refused(mias: Path, refuses: Any) -> None:
    """Info.txt counts pixels of 1024 x 1024 px; on a smaller copy the circles would be elsewhere."""
    for path in mias.glob("*.pgm"):
        with Pillow.open(path) as film:
            film.resize((512, 512)).save(path)
    first = read_source(mias)[0]
    with refuses("wrong-size") as caught:
        first.read()
    assert "512 x 512" in str(caught.value)
    assert "1024 x 1024" in str(caught.value)
