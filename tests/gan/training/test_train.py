"""Whole runs: what they write, and what stopping, killing, breaking and disturbing them does."""

import errno
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors import safe_open
from safetensors.torch import save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import gan.training.run
import gan.training.train
import gan.training.training_images
from gan.checkpoint import load_model
from gan.networks.generator import Architecture
from gan.training.run import make_accelerator, start
from gan.training.settings import Settings
from gan.training.sole_user import LOCK
from gan.training.state import FILE, stored_step
from gan.training.train import train
from stimuli.images import read_image, write_png
from tests.waiting import PATIENCE_S

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(SMALL, kimg=0.096, batch=8, r1_every=4, snapshot_kimg=0.048, learning_rate=1e-3, ada_kimg=0.1)
HALF = replace(SETTINGS, kimg=0.048)
GROWING = replace(SETTINGS, progressive=True, stage_kimg=0.032, fade_kimg=0.032, snapshot_kimg=0.048, kimg=0.144)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C as usual: a shell starts background jobs with SIGINT ignored, and Python leaves it so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole(patches, tmp_path_factory):
    """The model of a run that was never stopped."""
    return train(patches, tmp_path_factory.mktemp("whole") / "run", SETTINGS)


@pytest.fixture(scope="module")
def first_half(patches, tmp_path_factory):
    out = tmp_path_factory.mktemp("half") / "run"
    train(patches, out, HALF)
    return out


@pytest.fixture
def half(first_half, tmp_path):
    """A run that came to an end half-way, to be resumed."""
    return shutil.copytree(first_half, tmp_path / "run")


def weights(folder):
    return load_model(folder).generator.state_dict()


def same(folder, other):
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(folder).items())


@pytest.mark.slow
def test_training_goes_from_patches_to_a_model_a_sheet_and_a_log(patches, tmp_path):
    seen = []
    folder = train(patches, tmp_path / "run", SETTINGS, progress=seen.append)
    assert [(now.step, now.images, now.total) for now in seen] == [(6, 48, 96), (10, 80, 96), (12, 96, 96)]
    assert [now.model and now.model.name for now in seen] == ["000000048-images", None, "000000096-images"]
    assert read_image(seen[-1].sheet).pixels.shape == (8 * 18 - 2, 8 * 18 - 2)
    model = load_model(folder)
    assert model.training["credit"] == "nobody"
    assert model.training["patches"] == len(patches.select("train"))
    assert model.training["images_seen"] == 96
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines] == [48, 80, 96]
    assert {"loss_d", "loss_g", "ada_p", "real_sign", "kimg_per_h", "resolution", "blend"} <= lines[0].keys()
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in board.Scalars("loss_d")] == [6, 10, 12]
    assert [event.step for event in board.Images("samples")] == [6, 12]


@pytest.mark.slow
def test_training_moves_every_parameter_of_the_generator(whole):
    first = start(SETTINGS, make_accelerator()).generator.state_dict()
    for name, value in weights(whole).items():
        assert not torch.equal(value, first[name]), name


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


def test_a_run_that_never_reached_its_size_has_no_model(patches, tmp_path):
    assert train(patches, tmp_path / "run", replace(GROWING, kimg=0.016)) is None
    assert not list((tmp_path / "run" / "models").iterdir())


def test_a_full_disk_at_the_start_leaves_nothing_behind(patches, tmp_path, monkeypatch):
    def full_disk(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gan.training.training_images.np.lib.format, "write_array_header_1_0", full_disk)
    with pytest.raises(OSError, match="No space left"):
        train(patches, tmp_path / "run", SETTINGS)
    assert not (tmp_path / "run").exists()


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


def test_adams_averages_must_be_finite_too(patches, tmp_path, monkeypatch, refuses):
    original = gan.training.train.step

    def breaks(run, training_images):
        losses = original(run, training_images)
        if run.step == 12:
            run.optimiser_g.state[run.generator.synthesis.constant]["exp_avg_sq"].fill_(torch.inf)
        return losses

    monkeypatch.setattr(gan.training.train, "step", breaks)
    with refuses("diverged") as caught:
        train(patches, tmp_path / "run", SETTINGS)
    assert "adam_g.synthesis.constant.exp_avg_sq is not finite at step 12" in str(caught.value)


class Launched:
    """What `accelerate launch --mixed_precision bf16` makes of an `Accelerator`."""

    num_processes = 1
    mixed_precision = "bf16"


def test_another_precision_than_accelerates_is_refused(patches, tmp_path, monkeypatch, refuses):
    monkeypatch.setattr(gan.training.train, "make_accelerator", lambda: Launched())
    with refuses("conflicting-options") as caught:
        train(patches, tmp_path / "run", SETTINGS)
    assert "mixed precision bf16, but the run's is no" in str(caught.value)
    assert not (tmp_path / "run").exists()


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


def test_only_the_train_split_is_read(patches, tmp_path, monkeypatch):
    read = []
    original = type(patches).read
    monkeypatch.setattr(type(patches), "read", lambda self, row: read.append(row.split) or original(self, row))
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.008))
    assert set(read) == {"train"}


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_and_the_last_snapshot_is_kept_and_named(
    patches, whole, tmp_path, monkeypatch, refuses
):
    original = gan.training.train.step

    def fails_late(run, training_images):
        losses = original(run, training_images)
        return replace(losses, d=torch.tensor(torch.nan)) if run.step == 9 else losses

    monkeypatch.setattr(gan.training.train, "step", fails_late)
    with refuses("diverged") as caught:
        train(patches, tmp_path / "run", SETTINGS)
    assert "a loss is nan at step 10; the snapshot of step 6 stays in" in str(caught.value)
    (folder,) = (tmp_path / "run" / "models").iterdir()
    assert load_model(folder).training["images_seen"] == 48
    monkeypatch.setattr(gan.training.train, "step", original)
    assert same(whole, train(patches, tmp_path / "run", SETTINGS, resume=True))


def test_weights_that_are_not_finite_are_never_saved(patches, tmp_path, monkeypatch, refuses):
    original = gan.training.train.step

    def breaks(run, training_images):
        losses = original(run, training_images)
        with torch.no_grad():
            run.generator.synthesis.to_grey.bias.fill_(torch.inf)
        return losses

    monkeypatch.setattr(gan.training.train, "step", breaks)
    with refuses("diverged") as caught:
        train(patches, tmp_path / "run", replace(SETTINGS, snapshot_kimg=0.008))
    assert "to_grey.bias is not finite at step 1; there was no snapshot yet" in str(caught.value)
    assert stored_step(tmp_path / "run") == 0


@pytest.mark.slow
def test_models_are_written_once_the_networks_have_their_full_size(patches, tmp_path):
    seen = []
    train(patches, tmp_path / "run", GROWING, progress=seen.append)
    assert [(now.images, now.resolution) for now in seen if now.sheet] == [(48, 16), (96, 16), (144, 16)]
    assert [now.images for now in seen if now.model] == [96, 144]
    assert seen[0].blend == pytest.approx((40 - 32) / 32)  # the blend of the last step, which began after 40 images


def test_too_few_patches_are_refused(patches, tmp_path, refuses):
    with refuses("set-too-small") as caught:
        train(patches, tmp_path / "run", replace(SETTINGS, batch=500))
    assert "fewer than a batch of 500" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_patches_of_another_size_are_refused(patches, tmp_path, refuses):
    with refuses("wrong-size") as caught:
        train(patches, tmp_path / "run", replace(SETTINGS, architecture=replace(SMALL, resolution=32)))
    assert "--size 32" in str(caught.value)


def test_a_patch_of_another_size_is_named_and_no_folder_is_left(patches, tmp_path, monkeypatch, refuses):
    odd = patches.select("train").iloc[3]
    write_png(tmp_path / "odd.png", np.zeros((16, 20), np.float32))
    monkeypatch.setattr(
        "stimuli.patches.read_image",
        lambda path: read_image(tmp_path / "odd.png" if path == patches.folder / odd.file else path),
    )
    with refuses("wrong-size") as caught:
        train(patches, tmp_path / "run", SETTINGS)
    assert f"{odd.file}: is 20 x 16 px, the others 16 x 16" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_occupied_folder_is_left_alone(patches, tmp_path, refuses):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    with refuses("occupied"):
        train(patches, tmp_path / "run", SETTINGS)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine.txt"]


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
def test_half_precision_trains_to_finite_losses_near_those_of_full(patches, tmp_path):
    losses = {}
    for precision in ("no", "bf16"):
        seen = []
        train(patches, tmp_path / precision, replace(SETTINGS, precision=precision), progress=seen.append)
        losses[precision] = seen[0].loss_d
    assert losses["bf16"] == pytest.approx(losses["no"], rel=0.05)
    assert losses["bf16"] != losses["no"]


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
