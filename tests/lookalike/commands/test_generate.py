"""`lookalike generate`: what it writes and prints, and what it refuses."""

import json
import shutil

import pandas as pd
import pytest

from data.files import read_json
from gan.checkpoint import load_model
from gan.networks.features import VARIABLE
from stimuli.patches import read_patches

pytestmark = pytest.mark.usefixtures("weights")


def test_generate_writes_images_a_manifest_and_a_sheet(gallery, lookalike, tmp_path):
    words = ("generate", "--model", gallery / "model1", "--count", 3, "--first-seed", 5)
    said = lookalike(*words, "--out", tmp_path / "out")
    assert said.code == 0, said.err
    assert "images    3" in said.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "generated.csv",
        "generated.json",
        "images",
        "sheet.png",
    ]
    about = read_json(tmp_path / "out" / "generated.json")
    assert about["model_sha256"] == load_model(gallery / "model1").sha256
    assert (about["truncation"], about["bits"], about["source_bit_depths"]) == (0.7, 16, [8])
    shown = json.loads(lookalike(*words, "--out", tmp_path / "again", "--json").out)
    assert {**about, "out": shown["out"]} == shown
    one, two = (pd.read_csv(tmp_path / name / "generated.csv") for name in ("out", "again"))
    pd.testing.assert_frame_equal(one, two)  # the same seeds are the same images


@pytest.mark.slow
def test_generate_safe_says_what_it_compared_with(gallery, lookalike, tmp_path):
    said = lookalike("generate", "--model", gallery / "model1", "--count", 4, "--safe", "--patches",
                     gallery / "patches", "--out", tmp_path / "out")  # fmt: skip
    assert said.code == 0, said.err
    assert "dropped" in said.out
    check = read_json(tmp_path / "out" / "generated.json")["leak_check"]
    assert check["measures"] == ["pixels", "features"]
    assert check["patches_sha256"] == read_patches(gallery / "patches").sha256


def test_generate_refuses_in_one_line(gallery, mistake, tmp_path, monkeypatch):
    words = ("generate", "--model", gallery / "model1", "--out", tmp_path / "out")
    mistake(*words, "--safe", code="missing-option")
    mistake(*words, "--patches", gallery / "patches", code="missing-option")
    assert "bits is 12" in mistake(*words, "--bits", 12, code="unknown-choice")
    safe = ("--safe", "--patches", gallery / "patches")
    assert "nowhere: " in mistake(*words, *safe, "--vgg16", tmp_path / "nowhere", code="no-such-file")
    monkeypatch.delenv(VARIABLE)
    assert "--vgg16 download" in mistake(*words, *safe, code="weights-needed")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    assert str(tmp_path / "out") in mistake(*words, code="occupied")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


@pytest.mark.slow
def test_a_leak_check_against_other_patches_than_those_trained_on_is_refused(
    gallery, untrained, mistake, lookalike, tmp_path
):
    patches = read_patches(gallery / "patches")
    words = ("generate", "--count", 2, "--safe", "--patches", gallery / "patches", "--out", tmp_path / "out")
    some = patches.select("train")["patient"].unique().tolist()
    for facts, complaint in (
        ({"train_patients": [*some, "another"]}, f"lacks 1 of the model's {len(some) + 1} training patients"),
        ({"patches": 10_000}, "patches of the model's 10000"),
        ({"key_fingerprint": "other"}, "it is unknown whether its train split holds"),
    ):
        model = untrained(tmp_path / "model", patches, 3, patches_sha256="another cut", **facts)
        assert complaint in mistake(*words, "--model", model, code="missing-training-patches")
        shutil.rmtree(model)
    # Cut again, but with all the patients and patches that it was trained on.
    model = untrained(tmp_path / "model", patches, 3, patches_sha256="another cut")
    assert lookalike(*words, "--model", model).code == 0
