"""From the options of `lookalike train` to a run."""

import json
import shutil
import signal
from dataclasses import replace

import pytest

import gan.training.train
from gan.checkpoint import load_model, seal
from gan.training.settings import PRESETS
from lookalike.flows.train import WARM_UP_KIMG, chosen, waiting

SMALL = ("--batch", 8, "--channel-base", 128, "--channel-max", 16, "--latent", 16)


@pytest.mark.parametrize(("size", "preset"), [(64, "tiny"), (128, "small"), (256, "paper"), (512, "paper")])
def test_without_a_preset_the_patches_choose_it_and_the_size(size, preset):
    settings = chosen(None, size, {}, {})
    assert settings.architecture == replace(PRESETS[preset].architecture, resolution=size)
    assert replace(settings, architecture=PRESETS[preset].architecture) == PRESETS[preset]


def test_a_named_preset_keeps_its_size_and_given_options_replace_its_own(refuses):
    settings = chosen("paper", 64, {"channel_max": 100, "z_dim": None}, {"kimg": 5.0, "seed": None})
    assert settings.architecture.resolution == 256
    assert (settings.architecture.channel_max, settings.architecture.z_dim, settings.kimg) == (100, 512, 5.0)
    with refuses("unknown-choice") as caught:
        chosen("huge", 64, {}, {})
    assert "tiny, small, paper" in str(caught.value)


@pytest.mark.slow
def test_a_dry_run_prints_the_plan_and_writes_nothing(workshop, lookalike, tmp_path):
    out = tmp_path / "run"
    said = lookalike("train", workshop / "patches", "--out", out, "--dry-run", "--kimg", 100, *SMALL, "--json")
    plan = json.loads(said.out)
    assert [(stage["resolution"], stage["kimg"]) for stage in plan["stages"]] == [(16, 100)]
    assert plan["hours"] > 0
    assert plan["memory_gib"] > 0
    assert not out.exists()
    printed = lookalike("train", workshop / "patches", "--out", out, "--dry-run", *SMALL, "--progressive").out
    assert "16 px, fading in: 30 kimg at" in printed
    assert "parameters to train (stylegan)" in printed


def test_a_resumed_run_keeps_its_settings_by_itself(workshop, lookalike, tmp_path):
    out = tmp_path / "run"
    options = (*SMALL, "--learning-rate", 0.001, "--symmetry", "none", "--seed", 3)
    lookalike("train", workshop / "patches", "--out", out, "--kimg", 0.008, *options)
    lookalike("train", workshop / "patches", "--out", out, "--kimg", 0.016, "--resume")
    config = json.loads((out / "models" / "000000016-images" / "config.json").read_text())
    used = config["training"]
    assert (used["batch"], used["learning_rate"], used["symmetry"], used["seed"]) == (8, 0.001, "none", 3)


def test_a_run_starts_from_a_stored_model_after_a_wait(workshop, lookalike, mistake, tmp_path):
    options = (*SMALL, "--snapshot-kimg", 0.008)
    lookalike("train", workshop / "patches", "--out", tmp_path / "first", "--kimg", 0.008, *options)
    model, more = tmp_path / "first" / "models" / "000000008-images", tmp_path / "more"
    given = ("train", workshop / "patches", "--out", more, "--from", model)
    lookalike(*given, "--kimg", 0.008, *options)
    config = json.loads((more / "models" / "000000008-images" / "config.json").read_text())["training"]
    assert config["started_from"] == load_model(model).sha256
    assert config["warm_up_kimg"] == 1  # of the model's own discriminator
    shutil.copytree(model, bare := tmp_path / "bare")
    (bare / "discriminator.safetensors").unlink()
    seal(bare)
    for start, wanted, wait in ((model, "its", 1), (bare, "a new", WARM_UP_KIMG)):
        said = lookalike(*given[:3], tmp_path / "none", "--from", start, "--dry-run", "--kimg", 0.008, *options).out
        assert f"with {wanted} discriminator" in said
        found = waiting(chosen(None, 16, {}, {"discriminator": "stylegan"}), start)
        assert found.warm_up_kimg == wait
    mistake(*given, "--resume", code="conflicting-options")
    mistake(
        *given[:3], tmp_path / "other", *given[4:], "--dry-run", *SMALL[:2], "--latent", 8, code="wrong-architecture"
    )


def test_ctrl_c_keeps_what_was_learned_and_says_how_to_resume(workshop, lookalike, tmp_path, monkeypatch):
    step = gan.training.train.step

    def interrupted(run, training_images):
        losses = step(run, training_images)
        if run.step == 3:
            signal.raise_signal(signal.SIGINT)
        return losses

    monkeypatch.setattr(gan.training.train, "step", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs of a shell in the background ignore it
    try:
        said = lookalike("train", workshop / "patches", "--out", tmp_path / "run", *SMALL)
    finally:
        signal.signal(signal.SIGINT, before)
    assert said.code == 130
    assert "interrupted; to resume: lookalike train" in said.err
    assert "Traceback" not in said.err
    assert (tmp_path / "run" / "training.safetensors").is_file()
