"""Whole runs: what they write, and what they refuse."""

import errno
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import gan.training.run
import gan.training.train
import gan.training.training_images
from gan.checkpoint import load_model
from gan.training.run import make_accelerator, start
from gan.training.state import stored_step
from gan.training.train import train
from stimuli.images import read_image, write_png
from tests.gan.training.runs import GROWING, SETTINGS, SMALL, same, weights


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


@pytest.mark.slow
def test_half_precision_trains_to_finite_losses_near_those_of_full(patches, tmp_path):
    losses = {}
    for precision in ("no", "bf16"):
        seen = []
        train(patches, tmp_path / precision, replace(SETTINGS, precision=precision), progress=seen.append)
        losses[precision] = seen[0].loss_d
    assert losses["bf16"] == pytest.approx(losses["no"], rel=0.05)
    assert losses["bf16"] != losses["no"]
