"""From the options of `lookalike train` to a run."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from data.errors import LookalikeError
from gan.training.settings import PRESETS
from lookalike.flows.train import chosen


@pytest.mark.parametrize(("size", "preset"), [(64, "tiny"), (128, "small"), (256, "paper"), (512, "paper")])
def test_without_a_preset_the_patches_choose_it_and_the_size(size, preset):
    settings = chosen(None, size, {}, {})
    assert settings.architecture == replace(PRESETS[preset].architecture, resolution=size)
    assert replace(settings, architecture=PRESETS[preset].architecture) == PRESETS[preset]


def test_a_named_preset_keeps_its_size_and_given_options_take_the_place_of_its_own():
    settings = chosen("paper", 64, {"channel_max": 100, "z_dim": None}, {"kimg": 5.0, "seed": None})
    assert settings.architecture.resolution == 256
    assert (settings.architecture.channel_max, settings.architecture.z_dim, settings.kimg) == (100, 512, 5.0)
    with pytest.raises(LookalikeError, match="preset is 'huge'; it is tiny, small, paper"):
        chosen("huge", 64, {}, {})


def test_a_dry_run_tells_the_plan_and_writes_nothing(workshop, lookalike, tmp_path):
    out = tmp_path / "run"
    said = lookalike("train", workshop / "patches", "--out", out, "--dry-run", "--kimg", 100, "--batch", 8, "--json")
    plan = json.loads(said.out)
    assert [(stage["resolution"], stage["kimg"]) for stage in plan["stages"]] == [(16, 100)]
    assert plan["hours"] > 0
    assert plan["memory_gib"] > 0
    assert not out.exists()
    told = lookalike("train", workshop / "patches", "--out", out, "--dry-run", "--batch", 8, "--progressive").out
    assert "16 px, fading in: 30 kimg at" in told
    assert "parameters to train (stylegan)" in told


def test_a_resumed_run_keeps_its_settings_without_being_told(workshop, lookalike, tmp_path):
    out = tmp_path / "run"
    options = ("--batch", 8, "--learning-rate", 0.001, "--symmetry", "none", "--seed", 3)
    lookalike("train", workshop / "patches", "--out", out, "--kimg", 0.008, *options)
    lookalike("train", workshop / "patches", "--out", out, "--kimg", 0.016, "--resume")
    config = json.loads((out / "models" / "000000016-images" / "config.json").read_text())
    used = config["training"]
    assert (used["batch"], used["learning_rate"], used["symmetry"], used["seed"]) == (8, 0.001, "none", 3)


def test_ctrl_c_keeps_what_was_learned_and_says_how_to_go_on(workshop, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "lookalike", "train", workshop / "patches", "--out", out, "--batch", "8"]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        while not (out / "log.jsonl").is_file() or not (out / "log.jsonl").read_text():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert "stopped; go on with: lookalike train" in said
    assert "Traceback" not in said
    assert (out / "training.safetensors").is_file()
