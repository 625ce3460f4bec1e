"""`generate` and `evaluate`: what they write and print, and what they refuse."""

import json
import shutil

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import gan.evaluation.evaluate
from data.files import read_json
from gan.checkpoint import load_model, save_model
from gan.evaluation import path_length
from gan.networks.features import VARIABLE, Vgg16
from gan.networks.generator import Architecture, Generator
from stimuli.patches import Cut, cut_patches, read_patches
from stimuli.sets import read_set
from stimuli.sources import read_source

KEY = b"k" * 32


def untrained(folder, cut, seed, **told):
    torch.manual_seed(seed)
    made = Generator(Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16))
    rows = cut.select("train")
    training = {
        "train_patients": sorted(set(rows["patient"])),
        "patches": len(rows),
        "patches_sha256": cut.sha256,
        "key_fingerprint": cut.about["key_fingerprint"],
        "context": cut.about["context"],
        "source_bit_depths": [8],
        "credit": "nobody",
        "images_seen": 1000 * seed,
        **told,
    }
    save_model(folder, made, training)
    return folder


@pytest.fixture(scope="module")
def gallery(many_mammograms, tmp_path_factory):
    """A hundred mammograms cut into patches, two untrained models that say they were trained on them, and weights."""
    folder = tmp_path_factory.mktemp("gallery")
    patches = cut_patches(
        read_source(many_mammograms), folder / "patches", KEY, Cut(size_px=16, split=(0.5, 0.25, 0.25))
    )
    assert min(patches.about["patches"].values()) >= 20
    for seed in (1, 2):
        untrained(folder / f"model{seed}", patches, seed)
    torch.manual_seed(0)
    network = Vgg16()
    for convolution in network.features.values():
        torch.nn.init.kaiming_normal_(convolution.weight)
    save_file({name: value.half() for name, value in network.state_dict().items()}, folder / "vgg16.safetensors")
    return folder


@pytest.fixture(autouse=True)
def weights(gallery, monkeypatch):
    """Random ones; and path lengths, in double precision and slow, from a few pairs of images."""
    monkeypatch.setenv(VARIABLE, str(gallery / "vgg16.safetensors"))
    real = path_length.path_lengths
    monkeypatch.setattr(gan.evaluation.evaluate, "path_lengths", lambda g, n, seeds, psi: real(g, n, seeds[:4], psi))


# generate


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
    assert "--safe needs --patches" in mistake(*words, "--safe")
    assert "--safe needs --patches" in mistake(*words, "--patches", gallery / "patches")
    assert "bits is 12" in mistake(*words, "--bits", 12)
    safe = ("--safe", "--patches", gallery / "patches")
    assert "nowhere: no such file of VGG16 weights" in mistake(*words, *safe, "--vgg16", tmp_path / "nowhere")
    monkeypatch.delenv(VARIABLE)
    assert "--vgg16 download" in mistake(*words, *safe)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    assert "never overwritten" in mistake(*words)


def test_a_leak_check_against_other_patches_than_those_trained_on_is_refused(gallery, mistake, lookalike, tmp_path):
    patches = read_patches(gallery / "patches")
    words = ("generate", "--count", 2, "--safe", "--patches", gallery / "patches", "--out", tmp_path / "out")
    some = patches.select("train")["patient"].unique().tolist()
    for told, complaint in (
        ({"train_patients": [*some, "another"]}, f"lacks 1 of the model's {len(some) + 1} training patients"),
        ({"patches": 10_000}, "patches of the model's 10000"),
        ({"key_fingerprint": "other"}, "nobody can see whether its train split holds"),
    ):
        model = untrained(tmp_path / "model", patches, 3, patches_sha256="another cut", **told)
        assert complaint in mistake(*words, "--model", model)
        shutil.rmtree(model)
    # Cut anew, but of all the patients and patches that it was trained on.
    model = untrained(tmp_path / "model", patches, 3, patches_sha256="another cut")
    assert lookalike(*words, "--model", model).code == 0


def test_a_stimulus_set_can_pass_over_leaks(gallery, lookalike, tmp_path):
    said = lookalike("stimuli", "build", "--patches", gallery / "patches", "--model", gallery / "model1", "--main", 6,
                     "--safe", "--out", tmp_path / "set", "--json")  # fmt: skip
    assert said.code == 0, said.err
    made = read_set(tmp_path / "set")
    assert made.about["leaks_dropped"] is True
    assert set(made.about["rejected"]["generated"]) <= {"too near a training patch"}


# evaluate


def test_one_model_is_measured_and_checked_into_one_folder(gallery, lookalike, tmp_path):
    evaluated = tmp_path / "out"
    said = lookalike("evaluate", gallery / "model1", "--patches", gallery / "patches", "--resamples", 20,
                     "--out", evaluated)  # fmt: skip
    assert said.code == 0, said.err
    assert sorted(path.name for path in evaluated.iterdir()) == [
        "closest.png",
        "evaluation.json",
        "leaks.json",
        "sheet.png",
        "spectrum.png",
    ]
    found, leaks = read_json(evaluated / "evaluation.json"), read_json(evaluated / "leaks.json")
    assert found["model_sha256"] == load_model(gallery / "model1").sha256
    assert (found["split"], found["truncation"]) == ("study", 1.0)
    lines = {line.split("  ")[0]: line for line in said.out.splitlines()}
    kid = found["scores"]["kid"]
    assert f"{kid['generated']['value'] * 1000:.1f} [{kid['generated']['low'] * 1000:.1f}, " in lines["KID x 1000"]
    assert f"{kid['real']['value'] * 1000:.1f} [{kid['real']['low'] * 1000:.1f}, " in lines["KID x 1000"]
    assert f"{kid['chance']:.3f}" in lines["KID x 1000"]
    assert f"Leaks: {leaks['verdict']}; {leaks['words']}" in lines
    assert leaks["images"] == found["images"] == len(read_patches(gallery / "patches").select("study"))
    assert f"{found['images']} generated images (truncation 1, seeds from 100000)" in said.out


def test_several_models_are_only_ranked_and_on_select(gallery, lookalike, tmp_path):
    words = ("evaluate", gallery / "model1", gallery / "model2", "--patches", gallery / "patches", "--images", 40,
             "--resamples", 20)  # fmt: skip
    said = lookalike(*words)
    assert said.code == 0, said.err
    _, first, second, *_ = said.out.splitlines()
    assert {first.split()[0], second.split()[0]} == {str(gallery / "model1"), str(gallery / "model2")}
    assert first.endswith("-")
    assert "40 generated images each" in said.out
    shown = json.loads(lookalike(*words, "--out", tmp_path / "out", "--json").out)
    assert shown == read_json(tmp_path / "out" / "ranking.json")
    assert shown["models"][0]["model"] == first.split()[0]
    values = [one["kid"]["value"] for one in shown["models"]]
    assert values == sorted(values)
    assert shown["split"] == "select"


def test_evaluate_refuses_in_one_line(gallery, mistake, tmp_path):
    model, patches = gallery / "model1", ("--patches", gallery / "patches")
    out = ("--out", tmp_path / "out")
    assert "name a new one with --out" in mistake("evaluate", model, *patches)
    assert "split is 'train'" in mistake("evaluate", model, *patches, *out, "--split", "train")
    assert "compared on select only" in mistake("evaluate", model, gallery / "model2", *patches, "--split", "study")
    assert "named twice" in mistake("evaluate", model, model, *patches)
    assert "no such model folder" in mistake("evaluate", tmp_path / "nowhere", *patches, *out)
    assert "no patch set here" in mistake("evaluate", model, "--patches", tmp_path, *out)
    assert "resamples is 0" in mistake("evaluate", model, *patches, *out, "--resamples", 0)
    assert "images is 3" in mistake("evaluate", model, gallery / "model2", *patches, "--images", 3)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("split", ["study", "select"])
def test_a_model_is_never_measured_against_patients_that_it_was_trained_on(gallery, mistake, tmp_path, split):
    patches = read_patches(gallery / "patches")
    known = patches.select(split)["patient"].tolist()[:1]
    model = untrained(tmp_path / "model", patches, 4, train_patients=known)
    said = mistake("evaluate", model, "--patches", gallery / "patches", "--split", split, "--out", tmp_path / "out")
    assert f"1 {split} patients ({known[0]}, ...) are among those" in said
    if split == "select":
        both = ("evaluate", gallery / "model1", model, "--patches", gallery / "patches")
        assert f"1 select patients ({known[0]}, ...)" in mistake(*both)
    assert not (tmp_path / "out").exists()


def test_codes_of_another_key_need_a_word_and_leave_leaks_unchecked(gallery, lookalike, mistake, tmp_path):
    patches = read_patches(gallery / "patches")
    told = {"key_fingerprint": "other", "patches_sha256": "other"}
    model = untrained(tmp_path / "model", patches, 5, **told)
    words = ("evaluate", model, "--patches", gallery / "patches", "--resamples", 5, "--out", tmp_path / "out")
    assert "or vouch for it with --disjoint-patients" in mistake(*words)
    said = lookalike(*words, "--disjoint-patients")
    assert said.code == 0, said.err
    assert "Leaks: not checked; nobody can see" in said.out
    assert read_json(tmp_path / "out" / "leaks.json")["verdict"] is None
    assert not (tmp_path / "out" / "closest.png").exists()
