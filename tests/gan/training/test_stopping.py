"""Runs that are stopped, killed or disturbed, and what goes on from there."""

import errno
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from filelock import FileLock
from safetensors import safe_open
from safetensors.torch import save_file

import gan.training.run
import gan.training.train
import gan.training.training_images
from gan.checkpoint import load_model
from gan.training.sole_user import LOCK
from gan.training.state import FILE, stored_step
from gan.training.train import train
from tests.gan.training.runs import GROWING, SETTINGS, SMALL, same, weights
from tests.waiting import PATIENCE_S


@pytest.mark.slow
@pytest.mark.parametrize("settings", [SETTINGS, GROWING], ids=["whole", "growing"])
def test_a_resumed_run_is_bit_identical_to_one_that_never_stopped(patches, tmp_path, settings):
    whole = train(patches, tmp_path / "whole", settings)
    for kimg in (0.048, 0.072, settings.kimg):  # the second stop is not at a snapshot's time
        resumed = train(patches, tmp_path / "parts", replace(settings, kimg=kimg), resume=kimg > 0.048)
    assert same(whole, resumed)


RUN = """
import json, signal, time
from pathlib import Path
import torch
import gan.training.train
from gan.training.settings import Settings
from stimuli.patches import read_patches
torch.set_num_threads(1)
settings = Settings.from_dict(json.loads({settings!r}))
patches, out = read_patches(Path({patches!r})), Path({out!r})
"""


def run_script(patches, out, then):
    """A script that has `settings`, `patches` and `out`, and then runs some lines."""
    about = {"settings": json.dumps(SETTINGS.to_dict()), "patches": str(patches.folder), "out": str(out)}
    return RUN.format(**about) + then


# Prints each tick's step; at step 10, after the snapshot of step 6 and before that of step 12, waits for a file "go".
PAUSED = """
def progress(now):
    print(now.step, flush=True)
    while now.step == 10 and not out.with_name("go").exists():
        time.sleep(0.05)
gan.training.train.train(patches, out, settings, progress=progress)
"""


def started(patches, out):
    """A training process that has come to its pause at step 10."""
    process = subprocess.Popen(
        [sys.executable, "-c", run_script(patches, out, PAUSED)], stdout=subprocess.PIPE, text=True
    )
    assert "10" in (line.strip() for line in process.stdout), "it ended too early"
    return process


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_last_snapshot_as_if_it_had_not_been_killed(patches, whole, tmp_path):
    with started(patches, tmp_path / "killed") as process:
        process.kill()
    assert process.wait() != 0
    assert same(whole, train(patches, tmp_path / "killed", SETTINGS, resume=True))


@pytest.mark.slow
def test_a_run_killed_before_its_first_snapshot_restarts(patches, whole, tmp_path, monkeypatch):
    original = gan.training.train.step

    def killed(run, training_images):
        if run.step == 2:
            raise SystemExit  # nothing of ours handles it, as nothing handles a kill
        return original(run, training_images)

    monkeypatch.setattr(gan.training.train, "step", killed)
    with pytest.raises(SystemExit):
        train(patches, tmp_path / "run", SETTINGS)
    monkeypatch.setattr(gan.training.train, "step", original)
    assert same(whole, train(patches, tmp_path / "run", SETTINGS, resume=True))


@pytest.mark.slow
def test_the_settings_of_a_resumed_run_are_stored(patches, half):
    """They are what `--resume` alone resumes with."""
    train(patches, half, SETTINGS, resume=True)
    assert json.loads((half / "settings.json").read_text())["kimg"] == SETTINGS.kimg


def test_a_finished_run_says_so(patches, half, refuses):
    with refuses("run-finished") as caught:
        train(patches, half, replace(SETTINGS, kimg=0.024), resume=True)
    assert "48 images; give a larger --kimg" in str(caught.value)
    assert load_model(half / "models" / "000000048-images")


@pytest.mark.slow
def test_a_run_asked_to_stop_with_broken_weights_keeps_the_good_ones(patches, tmp_path, monkeypatch, refuses):
    original = gan.training.train.step

    def breaks(run, training_images):
        losses = original(run, training_images)
        if run.step == 9:
            with torch.no_grad():
                run.generator.synthesis.to_grey.bias.fill_(torch.nan)
            signal.raise_signal(signal.SIGTERM)
        return losses

    monkeypatch.setattr(gan.training.train, "step", breaks)
    with refuses("diverged") as caught:
        train(patches, tmp_path / "run", SETTINGS)
    assert "to_grey.bias is not finite at step 9; the snapshot of step 6 stays" in str(caught.value)
    assert stored_step(tmp_path / "run") == 6


def test_a_state_of_other_networks_is_refused_in_a_short_sentence(patches, half, refuses):
    with safe_open(half / FILE, framework="pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys() if "to_grey" not in name}  # noqa: SIM118
    save_file({name: value for name, value in tensors.items() if "generator" not in name}, half / FILE, about)
    with refuses("other-version") as caught:
        train(patches, half, SETTINGS, resume=True)
    assert len(str(caught.value)) < 400 + len(str(half))  # torch names every tensor


STOPPED = """
step = gan.training.train.step

def asked(run, training_images):
    losses = step(run, training_images)
    if run.step == 3 and run.accelerator.process_index == 1:
        signal.raise_signal(signal.SIGTERM)  # one of them is asked
    return losses

gan.training.train.step = asked
try:
    gan.training.train.train(patches, out, settings)
except KeyboardInterrupt:
    pass
"""
RESUMED = "gan.training.train.train(patches, out, settings, resume=True)"


def two_processes(script):
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--main_process_port", "0"]  # any free one: the usual port may be another test's
    done = subprocess.run([*launch, str(script)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("two-processes")
def test_one_of_two_processes_asked_to_stop_stops_both_and_saves(patches, whole, tmp_path):
    """And both resume from there. In single precision, Adam amplifies the rounding in which two differ from one."""
    script = tmp_path / "script.py"
    script.write_text(run_script(patches, tmp_path / "run", STOPPED))
    two_processes(script)
    assert stored_step(tmp_path / "run") == 6  # where they next met: the first snapshot
    script.write_text(run_script(patches, tmp_path / "run", RESUMED))
    two_processes(script)
    one, two = weights(whole), weights(tmp_path / "run" / "models" / "000000096-images")
    apart = sum(float((one[name] - two[name]).square().sum()) for name in one) ** 0.5
    assert apart / sum(float(value.square().sum()) for value in one.values()) ** 0.5 < 1e-3


@pytest.mark.slow
def test_a_run_stopped_between_a_model_and_its_state_resumes(patches, whole, tmp_path, monkeypatch):
    save = gan.training.train.save_state

    def full_disk(run, *args):
        if run.step == 12:
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "run" / FILE))
        save(run, *args)

    monkeypatch.setattr(gan.training.train, "save_state", full_disk)
    with pytest.raises(OSError, match="No space left"):
        train(patches, tmp_path / "run", SETTINGS)
    monkeypatch.setattr(gan.training.train, "save_state", save)
    assert same(whole, train(patches, tmp_path / "run", SETTINGS, resume=True))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["sheet", "model"])
def test_a_full_disk_leaves_the_last_snapshot_whole(patches, whole, tmp_path, monkeypatch, part):
    name = {"sheet": "write_png", "model": "save_model"}[part]
    write, calls = getattr(gan.training.train, name), []

    def full_disk(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*args, **kwargs)

    monkeypatch.setattr(gan.training.train, name, full_disk)
    with pytest.raises(OSError, match="No space left"):
        train(patches, tmp_path / "run", SETTINGS)
    resumed = train(patches, tmp_path / "run", SETTINGS, resume=True)
    assert same(whole, resumed)


def test_a_second_run_is_kept_out_of_the_folder_and_the_first_can_be_resumed(patches, half, refuses):
    with FileLock(half / LOCK), refuses("in-use"):
        train(patches, half, SETTINGS, resume=True)
    train(patches, half, SETTINGS, resume=True)


@pytest.mark.slow
def test_of_two_runs_at_once_in_one_folder_the_first_is_left_alone(patches, whole, tmp_path, refuses):
    with started(patches, tmp_path / "run") as first:
        with refuses("in-use"):
            train(patches, tmp_path / "run", SETTINGS, resume=True)
        with refuses("occupied"):
            train(patches, tmp_path / "run", SETTINGS)
        (tmp_path / "go").touch()
        assert first.wait(timeout=PATIENCE_S) == 0
    assert same(whole, tmp_path / "run" / "models" / "000000096-images")


def test_resuming_needs_a_run_the_same_patches_and_the_same_settings(patches, tmp_path, refuses):
    with refuses("nothing-to-resume"):
        train(patches, tmp_path / "nowhere", SETTINGS, resume=True)
    (tmp_path / "empty").mkdir()
    with refuses("nothing-to-resume"):
        train(patches, tmp_path / "empty", SETTINGS, resume=True)
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.008))
    with refuses("settings-changed") as caught:
        train(patches, tmp_path / "run", replace(SETTINGS, r1_gamma=3.0), resume=True)
    assert "r1_gamma was 1.0 and is now 3.0" in str(caught.value)
    narrower = replace(SETTINGS, architecture=replace(SMALL, channel_max=8))
    with refuses("settings-changed") as caught:
        train(patches, tmp_path / "run", narrower, resume=True)
    assert "architecture.channel_max was 16 and is now 8" in str(caught.value)
    with refuses("other-patches"):
        train(replace(patches, sha256="0" * 64), tmp_path / "run", SETTINGS, resume=True)


def test_a_run_is_resumed_with_another_learning_rate(patches, whole, half):
    slower = train(patches, half, replace(SETTINGS, learning_rate=1e-7), resume=True)
    before = weights(half / "models" / "000000048-images")

    def moved(model):
        after = weights(model)
        return max(float((after[key] - value).abs().max()) for key, value in before.items() if key != "w_mean")

    assert moved(slower) < moved(whole) / 10


def test_a_run_is_finished_without_style_mixing(patches, half):
    """It is not part of the state, so it may change on resuming; the settings then say so."""
    model = train(patches, half, replace(SETTINGS, style_mixing=0.0), resume=True)
    kept = json.loads((half / "settings.json").read_text())
    assert kept["style_mixing"] == 0.0
    assert load_model(model).training["style_mixing"] == 0.0


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_log_does_not_stop_a_resume(patches, half, damage):
    log = half / "log.jsonl"
    log.unlink() if damage == "gone" else log.write_text(log.read_text() + '{"step": 9')
    train(patches, half, SETTINGS, resume=True)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()][-1] == 12


def test_folders_that_were_cleared_away_do_not_stop_a_resume(patches, half):
    for part in ("samples", "models"):
        shutil.rmtree(half / part)
    assert train(patches, half, SETTINGS, resume=True).is_dir()
    assert list((half / "samples").iterdir())


def test_a_damaged_state_is_named(patches, half, refuses):
    state = half / FILE
    state.write_bytes(state.read_bytes()[:5000])
    with refuses("damaged-file") as caught:
        train(patches, half, SETTINGS, resume=True)
    assert "training.safetensors: " in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_asked_to_stop_ends_its_step_and_keeps_all_of_it(patches, whole, tmp_path, monkeypatch, number):
    original = gan.training.train.step

    def asked(run, training_images):
        losses = original(run, training_images)
        if run.step == 3:
            signal.raise_signal(number)
        return losses

    before = signal.getsignal(number)
    monkeypatch.setattr(gan.training.train, "step", asked)
    with pytest.raises(KeyboardInterrupt):
        train(patches, tmp_path / "run", SETTINGS)
    monkeypatch.setattr(gan.training.train, "step", original)
    assert signal.getsignal(number) is before
    assert stored_step(tmp_path / "run") == 3
    assert same(whole, train(patches, tmp_path / "run", SETTINGS, resume=True))


def test_asked_twice_it_stops_at_once(patches, tmp_path, monkeypatch):
    def impatient(_run, _images):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second Ctrl-C should have been heard")

    monkeypatch.setattr(gan.training.train, "step", impatient)
    with pytest.raises(KeyboardInterrupt):
        train(patches, tmp_path / "run", SETTINGS)
