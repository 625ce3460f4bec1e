"""Starting from a stored model."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from data.shipped import DEFAULT_MODEL
from gan.checkpoint import load_model
from gan.networks.generator import Architecture, Generator
from gan.training.settings import Settings
from gan.training.train import EARLIER, train
from gan.training.warm_start import copy_weights

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)


def lively(architecture):
    """A generator whose noise, biases and styles all matter."""
    made = Generator(architecture).requires_grad_(False)
    for layer in made.synthesis.styled:
        layer.noise_strength.normal_()
        layer.bias.normal_()
        layer.style.bias.normal_()
    made.w_mean.normal_()
    return made


def test_a_wider_generator_makes_the_same_images():
    torch.manual_seed(0)
    old, new = lively(SMALL), lively(replace(SMALL, channel_base=256, channel_max=40))
    z, noise = torch.randn(4, 16), old.random_noise(4)
    assert not torch.allclose(old(z, noise), new(z, noise), atol=0.1)
    copy_weights(old, new)
    torch.testing.assert_close(new(z, noise), old(z, noise), rtol=1e-3, atol=1e-4)
    assert torch.equal(new.w_mean, old.w_mean)


def test_a_larger_generator_has_the_same_layers_below():
    torch.manual_seed(0)
    old, new = lively(SMALL), lively(replace(SMALL, resolution=32))
    copy_weights(old, new)
    z, noise = torch.randn(4, 16), new.random_noise(4)
    inner = []
    for generator in (old, new):
        generator.synthesis.styled[5].register_forward_hook(lambda _m, _i, out: inner.append(out))
    old(z, noise[:6]), new(z, noise)
    assert torch.equal(*inner)
    assert torch.equal(new.w_mean[-1], old.w_mean[-1])


@pytest.mark.parametrize("times", [2, 4])
def test_a_larger_generator_enlarges_the_images(times):
    """The shipped model's, whose codes decide brightness and contrast."""
    torch.manual_seed(0)
    old = load_model(DEFAULT_MODEL).generator
    architecture = old.architecture
    new = Generator(replace(architecture, resolution=times * architecture.resolution, channel_base=2048))
    new.requires_grad_(False)
    copy_weights(old, new)
    z, noise = torch.randn(24, architecture.z_dim), new.random_noise(24)
    enlarged = F.interpolate(old(z, noise[: old.architecture.num_layers]), scale_factor=times, mode="bilinear")
    found = new(z, noise)
    torch.testing.assert_close(found.mean(dim=(1, 2, 3)), enlarged.mean(dim=(1, 2, 3)), rtol=0, atol=0.005)
    alike = [
        torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1] for a, b in zip(found, enlarged, strict=True)
    ]
    assert min(alike) > 0.98  # none is its negative
    contrast = found.std(dim=(1, 2, 3)) / enlarged.std(dim=(1, 2, 3))
    assert 0.8 < contrast.median() < 1.1


@pytest.mark.parametrize(
    "smaller", [{"resolution": 8}, {"channel_max": 8}, {"w_dim": 8}, {"z_dim": 8}, {"mapping_layers": 3}]
)
def test_a_model_that_does_not_fit_is_refused(smaller, refuses):
    with refuses("wrong-architecture"):
        copy_weights(Generator(SMALL), Generator(replace(SMALL, **smaller)))


@pytest.mark.slow
def test_a_run_starts_from_a_model_and_resumes_without_it(patches, tmp_path):
    settings = Settings(SMALL, kimg=0.016, batch=8, snapshot_kimg=0.016, learning_rate=1e-3)
    first = load_model(train(patches, tmp_path / "first", settings))
    waiting = replace(settings, warm_up_kimg=0.016, kimg=0.032, started_from="")
    train(patches, tmp_path / "more", replace(waiting, kimg=0.016), start_from=first)
    kept = load_model(tmp_path / "more" / "models" / "000000016-images")
    for name, value in first.generator.named_parameters():
        assert torch.equal(value, dict(kept.generator.named_parameters())[name]), name
    assert kept.training["started_from"] == first.sha256
    assert [one["patches_sha256"] for one in kept.trainings] == [patches.sha256] * 2
    on = replace(waiting, started_from=first.sha256)
    resumed = load_model(train(patches, tmp_path / "more", on, resume=True))
    assert not torch.equal(resumed.generator.synthesis.to_grey.weight, first.generator.synthesis.to_grey.weight)
    assert resumed.trainings[1:] == kept.trainings[1:]


@pytest.mark.slow
def test_a_model_remembers_what_the_models_before_it_were_trained_on(patches, tmp_path, refuses):
    settings = Settings(SMALL, kimg=0.008, batch=8, snapshot_kimg=0.008)
    before = load_model(train(patches, tmp_path / "first", settings))
    before.training.update(key_fingerprint="another", train_patients=["p1"], credit="Their source", patches_sha256="x")
    second = load_model(train(patches, tmp_path / "second", settings, start_from=before))
    third = load_model(train(patches, tmp_path / "third", settings, start_from=second))
    assert [one["key_fingerprint"] == "another" for one in third.trainings] == [False, False, True]
    assert third.patients("another") == {"p1"}
    assert third.patients(patches.about["key_fingerprint"]) == set(patches.select("train")["patient"])
    assert "Their source" in third.training["credit"]
    assert "p1" not in (tmp_path / "third" / "models" / "000000008-images" / "MODEL_CARD.md").read_text()
    (tmp_path / "third" / EARLIER).unlink()
    with refuses("missing-file"):
        train(patches, tmp_path / "third", replace(settings, kimg=0.016, started_from=second.sha256), resume=True)
