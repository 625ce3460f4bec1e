"""`lookalike train-encoder` and `lookalike invert`, and the mistakes that they refuse."""

import json

import pandas as pd
import pytest

from data.results.result import Estimate
from gan.bootstrap import group_numbers, mean_over_groups
from lookalike.flows.invert import interval_numbers, interval_words

SHORT = ("--kimg", 0.064, "--batch", 8, "--blocks", 2, "--base", 4)


@pytest.fixture(scope="module")
def inputs(gallery):
    return gallery / "patches", ("--model", gallery / "model1", "--vgg16", gallery / "vgg16.safetensors")


@pytest.fixture(scope="module")
def encoder(inputs, exit_code, tmp_path_factory):
    patches, common = inputs
    out = tmp_path_factory.mktemp("encoder") / "run"
    assert exit_code("train-encoder", patches, *common, "--out", out, *SHORT) == 0
    return out


@pytest.mark.slow
def test_a_dry_run_tells_time_and_size_and_writes_nothing(inputs, lookalike, tmp_path):
    patches, common = inputs
    said = lookalike("train-encoder", patches, *common, "--out", tmp_path / "run", *SHORT, "--dry-run", "--json")
    plan = json.loads(said.out)
    assert plan["steps"] == 8
    assert plan["hours"] > 0
    assert plan["settings"]["perceptual_weight"] > 0
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_patches_are_inverted_into_a_table_with_their_patients(inputs, encoder, lookalike, tmp_path):
    patches, common = inputs
    words = ("--encoder", encoder, "--count", 3, "--steps", 2, "--out", tmp_path / "inverted", "--json")
    said = lookalike("invert", patches, *common, *words)
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert told["images"] == 3
    table = pd.read_csv(tmp_path / "inverted" / "inverted.csv", dtype={"patient": str})
    cut = pd.read_csv(patches / "patches.csv", dtype={"patient": str}).set_index("patch_id")
    assert table["patient"].tolist() == cut.loc[table["patch_id"], "patient"].tolist()
    expected = mean_over_groups(table["psnr_db"].to_numpy(), group_numbers(table["patient"].tolist()))
    assert told["means"]["psnr_db"] == pytest.approx(interval_numbers(expected), abs=1e-3)
    assert {"mse", "psnr_db", "ssim", "nlpd", "vgg", "code_distance", "steps", "seconds"} <= set(table.columns)


@pytest.mark.slow
def test_an_interrupted_command_can_be_resumed_with_the_runs_own_settings(inputs, encoder, mistake):
    patches, common = inputs
    assert "is finished" in mistake(
        "train-encoder", patches, *common, "--out", encoder, "--resume", code="run-finished"
    )


@pytest.mark.slow
def test_mistakes_are_told_in_one_line(gallery, inputs, encoder, mistake, tmp_path, monkeypatch):
    patches, common = inputs
    out = ("--out", tmp_path / "out")
    mistake("invert", patches, *common, *out, code="no-such-file")  # no encoder beside this model
    mistake("invert", patches, *common, "--encoder", encoder, *out, "--split", "all", code="unknown-choice")
    mistake("invert", patches, *common, "--encoder", encoder, *out, "--space", "z", code="unknown-choice")
    mistake("invert", patches, *common, "--encoder", encoder, "--out", patches, code="occupied")
    other = ("--model", gallery / "model2", "--vgg16", gallery / "vgg16.safetensors")
    mistake("invert", patches, *other, "--encoder", encoder, *out, code="other-model")
    mistake("invert", patches, *common, "--encoder", encoder, *out, "--masks", tmp_path, code="missing-file")
    monkeypatch.delenv("LOOKALIKE_VGG16", raising=False)
    mistake("invert", patches, *common[:2], "--encoder", encoder, *out, code="weights-needed")
    mistake("train-encoder", patches, *common[:2], *out, code="weights-needed")
    mistake("train-encoder", patches, *common, *out, "--adversary", "both", code="unknown-choice")
    assert not (tmp_path / "out").exists()


def test_means_of_one_patient_have_no_interval():
    assert interval_words(Estimate(27.04, low=26.6, high=27.4)) == "mean 27.0 [26.6, 27.4], 95% CI over patients"
    assert interval_words(Estimate(27.04)) == "mean 27.0"
    assert interval_numbers(Estimate(float("inf"))) == {"value": None, "low": None, "high": None}
