"""Finishing a stored model: only its last layers learn, its coarse content is kept, and the rates cool down."""

from dataclasses import replace

import pytest
import torch

from gan.checkpoint import load_model
from gan.networks.generator import Architecture
from gan.networks.layers import coarse
from gan.training.run import make_accelerator, start
from gan.training.settings import Settings
from gan.training.train import train

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(SMALL, kimg=0.096, batch=8, r1_every=4, snapshot_kimg=0.048, learning_rate=1e-3, ada_kimg=0.1)
FINISH = replace(
    SETTINGS,
    discriminator="pixels",
    pixel_moments=30.0,
    last_layers=2,
    keep_coarse=1000.0,
    learning_rate=3e-3,
    cool_down_kimg=0.048,
)


@pytest.fixture(scope="module")
def model(patches, tmp_path_factory):
    return load_model(train(patches, tmp_path_factory.mktemp("start") / "run", SETTINGS))


def finished(patches, out, model, settings=FINISH, **options):
    return load_model(train(patches, out, settings, start_from=model, **options)).generator


def difference(one, two):
    """RMS of what is left of two generators' images after blurring, for the same codes and noise."""
    torch.manual_seed(5)
    z, noise = torch.randn(64, 16), one.random_noise(64)
    with torch.no_grad():
        return float((coarse(one(z, noise)) - coarse(two(z, noise))).square().mean().sqrt())


def test_only_the_last_layers_learn(patches, tmp_path, model):
    after = finished(patches, tmp_path / "run", model).state_dict()
    changed = {name for name, value in model.generator.state_dict().items() if not torch.equal(value, after[name])}
    last = ("synthesis.styled.4.", "synthesis.styled.5.", "synthesis.convolutions.3.", "synthesis.convolutions.4.")
    learns = (*last, "synthesis.to_grey.", "w_mean")  # the running mean goes on running
    assert {name for name in after if name.startswith(learns)} == changed


def test_a_last_filter_learns_with_them():
    run = start(replace(FINISH, architecture=replace(SMALL, filter_px=3)), make_accelerator())
    assert run.generator.synthesis.filter.weight.requires_grad
    assert not any(parameter.requires_grad for parameter in run.generator.mapping.parameters())
    assert not run.generator.synthesis.constant.requires_grad
    every = start(replace(FINISH, last_layers=6), make_accelerator()).generator.synthesis
    assert all(parameter.requires_grad for layer in every.styled for parameter in layer.parameters())


def test_coarse_content_is_kept(patches, tmp_path, model):
    kept = finished(patches, tmp_path / "kept", model)
    free = finished(patches, tmp_path / "free", model, replace(FINISH, keep_coarse=0.0))
    assert difference(kept, model.generator) < difference(free, model.generator) / 2


def test_coarse_is_without_the_finest_detail():
    chequered = (torch.arange(16)[:, None] + torch.arange(16)).remainder(2).float().mul(2).sub(1)[None, None]
    assert coarse(chequered)[..., 4:12, 4:12].abs().max() < 1e-6
    torch.testing.assert_close(coarse(torch.full((1, 1, 16, 16), 0.3)), torch.full((1, 1, 16, 16), 0.3))


def test_a_stopped_run_resumes_as_if_it_had_not_been_stopped(patches, tmp_path, model):
    whole = finished(patches, tmp_path / "whole", model)

    def stop(now):
        if now.step == 6:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        finished(patches, tmp_path / "parts", model, progress=stop)
    resumed = load_model(
        train(patches, tmp_path / "parts", replace(FINISH, started_from=model.sha256), resume=True)
    ).generator
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


def test_rates_fall_to_zero_at_the_end(patches, tmp_path, model, monkeypatch):
    assert [FINISH.cooling(images) for images in (0, 48, 72, 96, 120)] == pytest.approx([1, 1, 0.5, 0, 0])
    assert SETTINGS.cooling(1e9) == 1
    rates, original = [], torch.optim.Adam.step
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda self, *a: rates.append(self.param_groups[0]["lr"]) or original(self, *a)
    )
    train(patches, tmp_path / "run", FINISH, start_from=model)
    of_generator = rates[1::2]  # the discriminator's optimiser comes first in each step
    assert of_generator == pytest.approx([3e-3] * 7 + [3e-3 * left / 6 for left in (5, 4, 3, 2, 1)])


@pytest.mark.parametrize("option", ["last_layers", "keep_coarse"])
def test_what_is_to_be_kept_needs_a_model(patches, tmp_path, option, refuses):
    with refuses("missing-option") as caught:
        train(patches, tmp_path / "run", replace(SETTINGS, **{option: 2}))
    assert "--from" in str(caught.value)
    assert not (tmp_path / "run").exists()
    with refuses("conflicting-options") as caught:
        replace(SETTINGS, progressive=True, **{option: 2})
    assert "--no-progressive" in str(caught.value)
