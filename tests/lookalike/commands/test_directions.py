"""`lookalike edit` and `lookalike directions`, and the mistakes that they refuse."""

import json

import pandas as pd
import pytest
import torch

from gan.checkpoint import load_model
from gan.directions.directions_file import load_directions, save_directions
from gan.directions.edit import Direction


@pytest.fixture(scope="module")
def directions(gallery, tmp_path_factory):
    model = load_model(gallery / "model1")
    file = tmp_path_factory.mktemp("directions") / "directions.safetensors"
    shift = torch.ones(model.generator.architecture.w_dim)
    save_directions(file, [Direction("density", shift), Direction("subtlety", -shift)], model)
    return file


@pytest.mark.slow
def test_images_of_seeds_and_codes_files_are_edited(gallery, directions, lookalike, tmp_path):
    common = ("--model", gallery / "model1", "--directions", directions)
    said = lookalike("edit", *common, "--direction", "density", "--seeds", "1,2", "--steps", 3, "--out", tmp_path / "a")
    assert said.code == 0, said.err
    words = ("--seeds", f"{tmp_path / 'a' / 'codes.json'}#seed-2-density+0", "--steps", 2, "--amount", "0,5")
    said = lookalike("edit", *common, "--direction", "subtlety", *words, "--out", tmp_path / "b", "--json")
    assert json.loads(said.out)["images"] == 2
    first, second = (pd.read_csv(tmp_path / name / "edited.csv") for name in "ab")
    assert first["amount"].tolist() == [-3, 0, 3] * 2
    assert second["image"].tolist() == ["seed-2-density+0-subtlety-0.5", "seed-2-density+0-subtlety+0.5"]
    assert all((tmp_path / "a" / file).is_file() for file in (*first["file"], "strip.png", "edited.json"))


def test_mistakes_of_an_edit_are_told_in_one_line(gallery, directions, mistake, tmp_path):
    model, out = ("--model", gallery / "model1"), ("--out", tmp_path / "out")
    common = ("edit", *model, "--directions", directions, *out)
    told = mistake(*common, "--direction", "malignancy", code="unknown-choice")
    assert "density, subtlety" in told
    mistake(*common, "--direction", "density", "--steps", 1, code="out-of-range")
    mistake(*common, "--direction", "density", "--amount", "0", code="out-of-range")
    mistake(*common, "--direction", "density", "--amount", "much", code="not-a-number")
    mistake(*common, "--direction", "density", "--seeds", "1,x", code="not-a-number")
    told = mistake("edit", *model, *out, "--direction", "density", code="no-such-file")  # none beside this model
    assert "directions" in told
    other = ("edit", "--model", gallery / "model2", "--directions", directions, *out)
    mistake(*other, "--direction", "density", code="other-model")
    assert not (tmp_path / "out").exists()


def test_mistakes_of_a_fit_are_told_in_one_line(gallery, mistake, tmp_path):
    common = ("directions", gallery / "patches", "--model", gallery / "model1", "--out", tmp_path / "out")
    mistake(*common, code="missing-option")
    mistake(*common, "--label", "pathology", code="bad-mapping")
    mistake(*common, "--label", "a=margins:SPICULATED", code="missing-column")
    mistake(*common, "--label", "a=pathology:SPICULATED", code="too-few-images")
    mistake(*common, "--label", "a=pathology:BENIGN", "--key", tmp_path / "none.key", code="no-such-file")
    mistake(*common, "--label", "a=pathology:BENIGN", "--table", tmp_path / "none.csv", code="no-such-file")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_shipped_directions_are_the_shipped_models():
    from data.shipped import DEFAULT_MODEL

    model = load_model(DEFAULT_MODEL)
    card = (DEFAULT_MODEL / "MODEL_CARD.md").read_text(encoding="utf-8")
    for one in load_directions(DEFAULT_MODEL, model):
        assert one.about["effect"]["low"] > 0
        assert f"{one.about['effect']['value']:+.2f}" in card
