"""`lookalike evaluate`: what it writes and prints, and what it refuses."""

import json

import pytest

from data.files import read_json
from gan.checkpoint import load_model
from gan.evaluation.fresh import JUDGES
from gan.evaluation.judges import scratch_cnn
from gan.evaluation.metrics.feature_metrics import METRICS
from lookalike.commands import evaluate as command
from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.patches import read_patches
from stimuli.sources.boxes_table import read_source

pytestmark = pytest.mark.usefixtures("weights")


@pytest.mark.slow
def test_one_model_is_measured_and_checked_into_one_folder(gallery, lookalike, tmp_path, monkeypatch):
    for name in ("EPOCHS", "FEWEST_STEPS", "ENSEMBLE"):  # a glance of the network; its own tests say what it sees
        monkeypatch.setattr(scratch_cnn, name, 1)
    evaluated = tmp_path / "out"
    said = lookalike("evaluate", gallery / "model1", "--patches", gallery / "patches", "--resamples", 20,
                     "--judges", "cnn, texture, texture_noise", "--blocks", 2, "--out", evaluated)  # fmt: skip
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
    assert (found["session"]["truncation"], found["blocks"]) == (load_model(gallery / "model1").truncation, 2)
    lines = {line.split("  ")[0]: line for line in said.out.splitlines()}
    assert said.out.startswith("Never used in training (AUC")
    assert found["never_used_in_training"] == list(found["fresh_eyes"]) == ["cnn", "texture", "texture_noise"]
    assert "2 deals only" in lines["network from scratch"]
    texture, later = found["fresh_eyes"]["texture"], found["session"]["fresh_eyes"]["texture"]
    assert f"{texture['generated']['value']:.3f} [" in lines["texture"]
    assert f"{later['generated']['value']:.3f} [" in lines["texture"]
    assert f"an AUC below {found['too_few']['smallest_auc']:.2f} in one block cannot be told from .5" in said.out
    assert said.out.index("texture, noise 2/255") < said.out.index("Pretrained features (VGG16)")
    assert "Training used: unknown: the model does not record" in said.out
    kid = found["scores"]["kid"]
    assert f"{kid['generated']['value'] * 1000:.1f} [{kid['generated']['low'] * 1000:.1f}, " in lines["KID x 1000"]
    assert f"{kid['real']['value'] * 1000:.1f} [{kid['real']['low'] * 1000:.1f}, " in lines["KID x 1000"]
    assert f"{kid['chance']:.3f}" in lines["KID x 1000"]
    assert f"Leaks: {leaks['verdict']}; {leaks['words']}" in lines
    assert leaks["images"] == found["images"] == len(read_patches(gallery / "patches").select("study"))
    assert f"2 blocks of {found['images']} generated images (seeds from 100000)" in said.out


@pytest.mark.slow
def test_several_models_are_only_ranked_and_on_select(gallery, lookalike, tmp_path):
    words = ("evaluate", gallery / "model1", gallery / "model2", "--patches", gallery / "patches", "--images", 40,
             "--resamples", 20)  # fmt: skip
    said = lookalike(*words)
    assert said.code == 0, said.err
    head, first, second, *_ = said.out.splitlines()
    assert {first.split()[0], second.split()[0]} == {str(gallery / "model1"), str(gallery / "model2")}
    assert (head.split()[:2], first.split("]")[1].split()[0]) == (["model", "AUC"], "-")
    assert "40 generated images each" in said.out
    shown = json.loads(lookalike(*words, "--out", tmp_path / "out", "--json").out)
    assert shown == read_json(tmp_path / "out" / "ranking.json")
    assert shown["models"][0]["model"] == first.split()[0]
    values = [one["auc"]["value"] for one in shown["models"]]
    assert values == sorted(values)
    assert shown["split"] == "select"


def test_evaluate_refuses_in_one_line(gallery, mistake, tmp_path):
    model, patches = gallery / "model1", ("--patches", gallery / "patches")
    out = ("--out", tmp_path / "out")
    mistake("evaluate", model, *patches, code="missing-option")
    assert "split is 'train'" in mistake("evaluate", model, *patches, *out, "--split", "train", code="unknown-choice")
    mistake("evaluate", model, gallery / "model2", *patches, "--split", "study", code="unused-option")
    mistake("evaluate", model, model, *patches, code="duplicate-model")
    assert f"{tmp_path / 'nowhere'}: " in mistake(
        "evaluate", tmp_path / "nowhere", *patches, *out, code="no-such-folder"
    )
    assert f"{tmp_path}: " in mistake("evaluate", model, "--patches", tmp_path, *out, code="not-a-patch-set")
    assert "--resamples is 0" in mistake("evaluate", model, *patches, *out, "--resamples", 0, code="out-of-range")
    assert "judge is 'cnnn'" in mistake("evaluate", model, *patches, *out, "--judges", "cnnn", code="unknown-choice")
    assert "blocks is 0" in mistake("evaluate", model, *patches, *out, "--blocks", 0, code="out-of-range")
    reference = ("--reference", gallery / "patches")
    mistake("evaluate", model, *patches, *out, *reference, "--split", "study", code="unused-option")
    for option in (reference, ("--blocks", 2), ("--judges", "cnn"), ("--session-truncation", 0.5)):
        said = mistake("evaluate", model, gallery / "model2", *patches, *option, code="unused-option")
        assert f"{option[0]}: several models are only ranked" in said
    said = mistake("evaluate", model, *patches, *out, *reference, code="patient-overlap")
    assert "of its patients" in said
    assert said.endswith("leave them out\n")
    assert "images is 3" in mistake("evaluate", model, gallery / "model2", *patches, "--images", 3, code="out-of-range")
    assert not (tmp_path / "out").exists()


def test_every_judge_and_every_metric_has_its_label():
    """One without would be missed only at the end of a long evaluation."""
    assert list(command._JUDGES) == list(JUDGES)
    assert list(command._FEATURES) == list(METRICS)


@pytest.mark.parametrize("split", ["study", "select"])
def test_a_model_is_never_measured_against_patients_that_it_was_trained_on(
    gallery, untrained, mistake, tmp_path, split
):
    patches = read_patches(gallery / "patches")
    known = patches.select(split)["patient"].tolist()[:1]
    model = untrained(tmp_path / "model", patches, 4, train_patients=known)
    words = ("evaluate", model, "--patches", gallery / "patches", "--split", split, "--out", tmp_path / "out")
    said = mistake(*words, code="patient-overlap")
    assert f"1 {split} patients ({known[0]}, ...) are among those" in said
    if split == "select":
        both = ("evaluate", gallery / "model1", model, "--patches", gallery / "patches")
        assert f"1 select patients ({known[0]}, ...)" in mistake(*both, code="patient-overlap")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_codes_of_another_key_need_a_confirmation_and_leave_leaks_unchecked(
    gallery, untrained, lookalike, mistake, tmp_path
):
    patches = read_patches(gallery / "patches")
    model = untrained(tmp_path / "model", patches, 5, key_fingerprint="other", patches_sha256="other")
    words = ("evaluate", model, "--patches", gallery / "patches", "--resamples", 5, "--judges", "none",
             "--blocks", 1, "--out", tmp_path / "out")  # fmt: skip
    assert "--disjoint-patients" in mistake(*words, code="key-mismatch")
    said = lookalike(*words, "--disjoint-patients")
    assert said.code == 0, said.err
    assert "Leaks: not checked; it is unknown" in said.out
    assert said.out.startswith("Pretrained features (VGG16)")
    assert read_json(tmp_path / "out" / "leaks.json")["verdict"] is None
    assert not (tmp_path / "out" / "closest.png").exists()


@pytest.mark.slow
def test_an_external_reference_is_measured_with_all_of_its_patients(gallery, lookalike, many_mammograms, tmp_path):
    reference = cut_patches(
        read_source(many_mammograms)[:30], tmp_path / "other", b"o" * 32, Cut(size_px=16, split=(0.4, 0.3, 0.3))
    )
    words = ("evaluate", gallery / "model1", "--patches", gallery / "patches", "--reference", tmp_path / "other",
             "--disjoint-patients", "--judges", "texture", "--blocks", 1, "--resamples", 5)  # fmt: skip
    said = lookalike(*words, "--out", tmp_path / "out")
    assert said.code == 0, said.err
    found = read_json(tmp_path / "out" / "evaluation.json")
    assert (found["images"], found["patients"]) == (len(reference.table), reference.table["patient"].nunique())
    assert (found["split"], found["reference_sha256"]) == ("reference", reference.sha256)
    first = found["fresh_eyes"]["texture"]
    assert 0 < first["training"] < 1 == len(first["blocks"])
    assert "training patches" in said.out
    assert f"against {found['images']} patches of the reference, {found['patients']} patients" in said.out
    assert read_json(tmp_path / "out" / "leaks.json")["verdict"] is not None  # training patches are those of --patches
