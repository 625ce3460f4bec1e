"""The last filter, fitted to spectra."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gan.checkpoint import load_model, save_model
from gan.networks.generator import Architecture, Generator
from gan.networks.layers import ImageFilter
from gan.training.fit_filter import fit_filter, taps_of, typical_spectrum
from gan.training.growth import grow_generator
from gan.training.settings import Settings
from gan.training.train import train
from gan.training.warm_start import copy_weights

FILTERED = Architecture(16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2, filter_px=5)
PLAIN = replace(FILTERED, filter_px=0)


def test_a_new_filter_changes_nothing():
    images = torch.randn(3, 1, 16, 16)
    torch.testing.assert_close(ImageFilter(7)(images), images)


def test_the_filter_is_a_reflected_convolution():
    taps = torch.randn(5, 5)
    last = ImageFilter(5)
    last.set_taps(taps)
    image = torch.randn(9, 9)
    around = np.pad(image.numpy(), 2, mode="reflect")
    expected = [[(around[r : r + 5, c : c + 5] * taps.numpy()).sum() for c in range(9)] for r in range(9)]
    np.testing.assert_allclose(last(image[None, None])[0, 0].detach(), expected, atol=1e-5)


def test_the_filter_keeps_full_precision_under_autocast():
    images = torch.randn(1, 1, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ImageFilter(3)(images), images)


@pytest.mark.parametrize("side", [-1, 1, 2, 4, 17])
def test_other_sides_are_refused(side, refuses):
    with refuses("out-of-range"):
        Architecture(filter_px=side)


def test_taps_whose_gain_can_be_reached_are_found_exactly():
    rng = np.random.default_rng(0)
    taps = rng.normal(size=(5, 5))
    taps = taps + taps[::-1, ::-1]
    placed = np.zeros((16, 16))
    placed[:5, :5] = taps
    gain = np.fft.fft2(np.roll(placed, (-2, -2), (0, 1))).real
    np.testing.assert_allclose(taps_of(gain, 5), taps, atol=1e-12)
    np.testing.assert_allclose(taps_of(gain, 9)[2:7, 2:7], taps, atol=1e-12)


def test_the_spectrum_of_white_noise_is_flat_and_that_of_its_blur_is_the_blurs():
    noise = torch.randn(4000, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    white = typical_spectrum(noise.split(1000))
    away = white[1:, 1:]  # the means are taken out
    assert away.std() < 0.1
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[None, None] / 16
    blurred = typical_spectrum([F.conv2d(F.pad(noise, [1] * 4, mode="reflect"), kernel)])
    ratio = np.exp((blurred - white) / 2)
    along = (1 + np.cos(2 * np.pi * np.fft.fftfreq(16))) / 2
    expected = np.outer(along, along)
    low = expected > 0.15
    np.testing.assert_allclose(ratio[low], expected[low], rtol=0.15)


def test_a_fitted_filter_brings_the_spectrum_to_that_of_the_real_images():
    torch.manual_seed(1)
    generator = Generator(replace(FILTERED, filter_px=9)).requires_grad_(False)
    for layer in generator.synthesis.styled:
        layer.noise_strength.fill_(0.3)
    generator.synthesis.to_grey.weight.mul_(0.2)  # well within black and white
    kernel = torch.tensor([[0.05, 0.1, 0.05], [0.1, 0.4, 0.1], [0.05, 0.1, 0.05]])[None, None]
    z = torch.randn(600, 16)
    real = F.conv2d(F.pad(generator(z, generator.random_noise(600)), [1] * 4, mode="reflect"), kernel)
    before = generator(z, generator.random_noise(600))
    fit_filter(generator, real.split(200))
    after = generator(z, generator.random_noise(600))
    wanted = typical_spectrum([real])
    off = [np.abs(typical_spectrum([images]) - wanted).mean() for images in (before, after)]
    assert off[0] > 0.9
    assert off[1] < 0.25
    np.testing.assert_allclose(generator.synthesis.filter.weight[0, 0, 3:6, 3:6] / 9, kernel[0, 0], atol=0.06)


def test_a_model_with_a_filter_comes_back_whole(tmp_path):
    torch.manual_seed(2)
    generator = Generator(FILTERED).requires_grad_(False)
    generator.synthesis.filter.weight.normal_()
    save_model(tmp_path / "model", generator, {})
    z, noise = torch.randn(2, 16), generator.random_noise(2)
    stored = load_model(tmp_path / "model").generator
    assert stored.architecture == FILTERED
    assert torch.equal(stored(z, noise), generator(z, noise))


def test_a_model_without_a_filter_goes_on_with_one(refuses):
    torch.manual_seed(0)
    old, new = (Generator(each).requires_grad_(False) for each in (PLAIN, FILTERED))
    copy_weights(old, new)
    z, noise = torch.randn(2, 16), old.random_noise(2)
    torch.testing.assert_close(new(z, noise), old(z, noise))
    new.synthesis.filter.weight.normal_()
    wider = Generator(replace(FILTERED, filter_px=9)).requires_grad_(False)
    copy_weights(new, wider)
    inner = [g(z, noise)[..., 4:-4, 4:-4] for g in (new, wider)]
    torch.testing.assert_close(*inner, rtol=1e-4, atol=1e-5)
    with refuses("wrong-architecture") as caught:
        copy_weights(new, old)
    assert "--filter 5" in str(caught.value)


def test_a_grown_generator_keeps_its_filter():
    generator = Generator(FILTERED).requires_grad_(False)
    generator.synthesis.filter.weight.normal_()
    grown, _ = grow_generator(generator, generator, 0)
    assert torch.equal(grown.synthesis.filter.weight, generator.synthesis.filter.weight)


@pytest.mark.slow
def test_a_run_fits_the_filter_that_it_adds_and_trains_it(patches, tmp_path):
    torch.manual_seed(0)
    save_model(tmp_path / "plain", Generator(PLAIN), {})
    settings = Settings(FILTERED, kimg=0.032, batch=8, warm_up_kimg=0.008)
    first = load_model(train(patches, tmp_path / "run", settings, start_from=load_model(tmp_path / "plain")))
    weight = first.generator.synthesis.filter.weight[0, 0] / 5
    assert (weight - weight.flip(0, 1)).abs().max() > 0  # a fitted one is symmetric; training has moved it
    assert weight.abs().sum() - weight[2, 2].abs() > 0.05  # far from the one that changes nothing
    again = replace(settings, kimg=0.04)
    second = load_model(train(patches, tmp_path / "more", again, start_from=first))
    moved = (second.generator.synthesis.filter.weight[0, 0] / 5 - weight).abs().max()
    assert 0 < moved < 0.02  # not fitted anew
