"""Texture statistics, on noise textures whose difference is known."""

import numpy as np
import pytest
import torch

from gan.evaluation.judges.texture import NOISE_SD, texture_statistics
from gan.evaluation.separability import separate


def textures(n, seed, size=32):
    """Noise with power falling off with frequency, of mammograms' kind, about .5."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    noise = np.random.default_rng(seed).standard_normal((n, size, size))
    shaped = np.fft.ifft2(np.fft.fft2(noise) / (frequency + 0.05) ** 1.5).real
    return (0.5 + 0.1 * shaped / shaped.std()).astype(np.float32)


def filtered(images, gain):
    size = images.shape[1]
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    return np.fft.ifft2(np.fft.fft2(images) * gain(frequency)).real.astype(np.float32)


def blind_spot(images):
    """Three times the power in the corner of the spectrum, less at .36–.47 c/px."""
    return filtered(images, lambda f: np.where(f > 0.5, 3**0.5, np.where((f > 0.36) & (f < 0.47), 0.8, 1)))


def half_a_pixel_of_blur(images):
    return filtered(images, lambda f: np.exp(-2 * (np.pi * f * 0.5) ** 2))


def less_variance(images):
    return (0.5 + 0.7**0.5 * (images - 0.5)).astype(np.float32)


def auc(real, fake, noise_sd=0.0):
    ones = torch.ones(len(real), dtype=torch.float64), torch.ones(len(fake), dtype=torch.float64)
    statistics = [texture_statistics(images, noise_sd, seed) for seed, images in enumerate((real, fake))]
    return separate(*statistics, np.arange(len(real)), np.arange(len(fake))).auc(*ones)


@pytest.mark.parametrize("change", [blind_spot, half_a_pixel_of_blur, less_variance])
def test_a_change_of_texture_is_seen(change):
    assert auc(textures(80, 0), change(textures(80, 1))) > 0.85


def test_textures_of_the_same_kind_are_not_told_apart():
    assert abs(auc(textures(80, 0), textures(80, 1)) - 0.5) < 0.15


def test_noise_hides_a_change_smaller_than_itself():
    faint = 1e-3 * np.random.default_rng(5).standard_normal((80, 32, 32)).astype(np.float32)
    plain, rough = textures(80, 0), textures(80, 1) + faint
    assert auc(plain, rough, NOISE_SD) < auc(plain, rough)


def test_the_spectrum_below_nyquist_is_the_same_upside_down():
    statistics = texture_statistics(textures(4, 2))
    turned = texture_statistics(np.rot90(textures(4, 2), 2, axes=(1, 2)).copy())
    assert statistics.shape[1] > 150
    assert torch.allclose(statistics[:, :60], turned[:, :60], atol=1e-5)


def test_the_same_seed_gives_the_same_auc():
    assert auc(textures(40, 0), textures(40, 1), NOISE_SD) == auc(textures(40, 0), textures(40, 1), NOISE_SD)
