import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import gan.discriminator
import gan.train
from data.errors import LookalikeError
from gan.checkpoint import load_model
from gan.generator import Architecture
from gan.train import Settings, train

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(SMALL, kimg=0.096, batch=8, r1_every=4, snapshot_kimg=0.048, learning_rate=1e-3)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(folder):
    return load_model(folder).generator.state_dict()


def test_training_goes_from_patches_to_a_model_a_sheet_and_a_log(patches, tmp_path):
    seen = []
    folder = train(patches, tmp_path / "run", SETTINGS, progress=seen.append)
    assert [now.images for now in seen] == list(range(8, 97, 8))
    assert len(list((tmp_path / "run" / "samples").iterdir())) == 2
    model = load_model(folder)
    assert model.training["credit"] == "nobody"
    assert model.training["patches"] == len(patches.select("train"))
    assert model.training["images_seen"] == 96
    last = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert last["images"] == 96


def test_training_moves_every_parameter_of_the_generator(patches, tmp_path):
    folder = train(patches, tmp_path / "run", SETTINGS)
    start = gan.train._start(SETTINGS).generator.state_dict()
    for name, value in weights(folder).items():
        assert not torch.equal(value, start[name]), name


def test_a_resumed_run_is_bit_identical_to_one_that_never_stopped(patches, tmp_path):
    whole = train(patches, tmp_path / "whole", SETTINGS)
    train(patches, tmp_path / "parts", replace(SETTINGS, kimg=0.048))
    resumed = train(patches, tmp_path / "parts", SETTINGS, resume=True)
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(resumed)[name]), name


def test_a_run_killed_between_snapshots_goes_on_from_the_last(patches, tmp_path):
    whole = train(patches, tmp_path / "whole", SETTINGS)

    def stop(now):
        if now.images == 80:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(patches, tmp_path / "parts", SETTINGS, progress=stop)
    resumed = train(patches, tmp_path / "parts", SETTINGS, resume=True)
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(resumed)[name]), name


def test_only_the_train_split_is_read(patches, tmp_path, monkeypatch):
    read = []
    original = type(patches).read
    monkeypatch.setattr(type(patches), "read", lambda self, row: read.append(row.split) or original(self, row))
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.008))
    assert set(read) == {"train"}


def test_every_patch_is_seen_once_per_epoch():
    reals = torch.arange(50.0).view(50, 1, 1, 1)
    settings = replace(SETTINGS, mirror=False)
    shown = torch.cat([gan.train._batch(reals, step, settings) for step in range(25)]).flatten().tolist()
    for epoch in range(4):
        assert sorted(shown[epoch * 50 : (epoch + 1) * 50]) == list(range(50))
    assert shown[:50] != shown[50:100]


def test_mirroring_flips_columns_of_about_half():
    reals = torch.tensor([[0.0, 1.0]]).view(1, 1, 1, 2).repeat(400, 1, 1, 1)
    torch.manual_seed(0)
    flipped = gan.train._batch(reals, 0, replace(SETTINGS, batch=400))[:, 0, 0, 0].mean().item()
    assert 0.4 < flipped < 0.6
    plain = gan.train._batch(reals, 0, replace(SETTINGS, batch=400, mirror=False))
    assert torch.equal(plain, reals)


def test_style_mixing_uses_two_codes_in_about_its_share_of_images():
    torch.manual_seed(0)
    run = gan.train._start(SETTINGS)
    used = []
    run.generator.synthesis.forward = lambda ws, _: used.append(ws) or torch.zeros(len(ws), 1, 16, 16)
    gan.train._fakes(run.generator, replace(SETTINGS, batch=500))
    mixed = (used[0] != used[0][:, :1]).any(dim=(1, 2)).float().mean().item()
    assert mixed == pytest.approx(0.9, abs=0.04)
    gan.train._fakes(run.generator, replace(SETTINGS, batch=500, style_mixing=0.0))
    assert not (used[1] != used[1][:, :1]).any()


def test_the_mean_of_w_follows_the_mapping():
    run = gan.train._start(SETTINGS)
    for _ in range(1500):
        gan.train._fakes(run.generator, replace(SETTINGS, batch=16))
    expected = run.generator.mapping(torch.randn(4000, 16)).mean(dim=0)
    torch.testing.assert_close(run.generator.w_mean[2], expected, atol=0.1, rtol=0)


def test_the_average_has_the_stated_half_life():
    run = gan.train._start(SETTINGS)
    for parameter in run.average.parameters():
        parameter.zero_()
    for parameter in run.generator.parameters():
        parameter.requires_grad_(False).fill_(1.0)
    settings = replace(SETTINGS, ema_kimg=0.8)
    for run.step in range(10_000, 10_100):  # 100 steps x 8 images = one half-life
        gan.train._average(run, settings)
    for parameter in run.average.parameters():
        torch.testing.assert_close(parameter, torch.full_like(parameter, 0.5), atol=1e-4, rtol=0)


def test_the_lazy_penalty_comes_every_k_steps_with_k_times_the_weight(patches, monkeypatch):
    calls = []
    original = gan.discriminator.r1_penalty
    monkeypatch.setattr(gan.discriminator, "r1_penalty", lambda *a: calls.append(1) or original(*a))
    reals = gan.train._real_images(patches, SETTINGS)
    run = gan.train._start(SETTINGS)
    for _ in range(9):
        gan.train._step(run, reals, SETTINGS)
    assert len(calls) == 3
    group = run.optimiser_d.param_groups[0]
    assert group["lr"] == pytest.approx(1e-3 * 4 / 5)
    assert group["betas"] == pytest.approx((0.0, 0.99 ** (4 / 5)))


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_snapshot(patches, tmp_path, monkeypatch):
    original = gan.train._step

    def fails_late(run, reals, settings):
        losses = original(run, reals, settings)
        return (float("nan"), losses[1]) if run.step == 9 else losses

    monkeypatch.setattr(gan.train, "_step", fails_late)
    with pytest.raises(LookalikeError, match="a loss is nan at step 9; the last snapshot is kept"):
        train(patches, tmp_path / "run", SETTINGS)
    (folder,) = (tmp_path / "run" / "models").iterdir()
    assert load_model(folder).training["images_seen"] == 48


def test_too_few_patches_are_refused_in_words(patches, tmp_path):
    with pytest.raises(LookalikeError, match=r"patches in the train split, fewer than a batch of 500"):
        train(patches, tmp_path / "run", replace(SETTINGS, batch=500))
    assert not (tmp_path / "run").exists()


def test_patches_of_another_size_are_refused(patches, tmp_path):
    with pytest.raises(LookalikeError, match="patches are 16 px but the network makes 32 px"):
        train(patches, tmp_path / "run", replace(SETTINGS, architecture=replace(SMALL, resolution=32)))


def test_an_occupied_folder_is_left_alone(patches, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    with pytest.raises(LookalikeError, match="never overwritten"):
        train(patches, tmp_path / "run", SETTINGS)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine.txt"]


def test_resuming_needs_a_run_the_same_patches_and_the_same_settings(patches, tmp_path):
    with pytest.raises(LookalikeError, match="no snapshot to resume from"):
        train(patches, tmp_path / "nowhere", SETTINGS, resume=True)
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.008))
    with pytest.raises(LookalikeError, match=r"learning_rate was 0\.001 and is now 0\.1"):
        train(patches, tmp_path / "run", replace(SETTINGS, learning_rate=0.1), resume=True)
    with pytest.raises(LookalikeError, match="other patches"):
        train(replace(patches, sha256="0" * 64), tmp_path / "run", SETTINGS, resume=True)


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_log_does_not_stop_a_resume(patches, tmp_path, damage):
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.048))
    log = tmp_path / "run" / "log.jsonl"
    log.unlink() if damage == "gone" else log.write_text(log.read_text() + '{"step": 9')
    train(patches, tmp_path / "run", SETTINGS, resume=True)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()][-1] == 12


def test_a_damaged_state_is_named(patches, tmp_path):
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.048))
    state = tmp_path / "run" / gan.train.STATE
    state.write_bytes(state.read_bytes()[:5000])
    with pytest.raises(LookalikeError, match=r"training\.safetensors: damaged"):
        train(patches, tmp_path / "run", SETTINGS, resume=True)


@pytest.mark.parametrize("field", ["kimg", "batch", "learning_rate", "r1_gamma", "ema_kimg"])
@pytest.mark.parametrize("value", [float("nan"), -1.0])
def test_a_setting_that_is_no_sensible_number_is_refused(field, value):
    with pytest.raises(LookalikeError, match="it must be"):
        replace(SETTINGS, **{field: value})


def test_the_weight_of_the_lazy_penalty_is_gamma_halves_times_the_interval():
    adversary = gan.discriminator.StyleGanAdversary(SMALL, r1_gamma=3.0, r1_every=4)
    torch.manual_seed(0)
    real, fake = [torch.randn(4, 1, 16, 16)], [torch.randn(4, 1, 16, 16)]
    with_penalty, plain = adversary.discriminator_loss(real, fake, step=8)
    images = real[0].clone().requires_grad_()
    penalty = gan.discriminator.r1_penalty(images, adversary.trained(images))
    assert (with_penalty - plain).item() == pytest.approx(3.0 / 2 * 4 * penalty.item(), rel=1e-4)
    without, plain = adversary.discriminator_loss(real, fake, step=9)
    assert without.item() == plain.item()


def test_real_images_are_in_the_networks_range(patches):
    reals = gan.train._real_images(patches, SETTINGS)
    assert reals.shape == (len(patches.select("train")), 1, 16, 16)
    first = patches.read(patches.select("train").iloc[0])
    np.testing.assert_allclose(reals[0, 0].numpy(), first * 2 - 1, atol=1e-6)
