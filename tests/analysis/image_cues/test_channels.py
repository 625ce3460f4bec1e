"""Laguerre–Gauss and Gabor channels against their definitions, published widths and brute-force filtering."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import convolve

from analysis.image_cues import channels
from analysis.image_cues.channel_banks import energy_bank, gabor_bank, laguerre_gauss_bank


@pytest.mark.parametrize(
    ("shape", "count"), [((32, 32), 4), ((64, 64), 6), ((64, 64), 1), ((65, 90), 8), ((256, 256), 10)]
)
def test_laguerre_gauss_channels_are_orthonormal(shape: tuple[int, int], count: int) -> None:
    """To 5e-4 at the default width; at twice that width they no longer fit."""
    flat = channels.laguerre_gauss(shape, count).reshape(count, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(count), atol=5e-4)
    if count > 1:
        wide = channels.laguerre_gauss(shape, count, 2 * channels.laguerre_gauss_width(shape, count)).reshape(count, -1)
        assert np.abs(wide @ wide.T - np.eye(count)).max() > 0.05


def test_laguerre_gauss_channels_follow_gallas_and_barrett() -> None:
    """u_0 = √2/a exp(−πr²/a²) and u_1 = u_0 (1 − 2πr²/a²), by hand at three points, to 1e-6; 1/a² px of area."""
    u = channels.laguerre_gauss((65, 65), 2, 15.0)
    for x, y in ((0, 0), (3, 0), (5, 4)):
        reduced = math.pi * (x**2 + y**2) / 15**2
        gauss = math.sqrt(2) / 15 * math.exp(-reduced)
        assert u[0, 32 + y, 32 + x] == pytest.approx(gauss, abs=1e-6)
        assert u[1, 32 + y, 32 + x] == pytest.approx(gauss * (1 - 2 * reduced), abs=1e-6)


def test_gabor_widths_are_the_published_ones() -> None:
    """56.48, 28.24, 14.12 and 7.06 px for 3/128, 3/64, 3/32 and 3/16 cycles per pixel, one octave, as published sets
    of Gabor channels have them; to .01 px."""
    frequencies = np.array([3 / 128, 3 / 64, 3 / 32, 3 / 16])
    np.testing.assert_allclose(channels.gabor_width(frequencies), [56.48, 28.24, 14.12, 7.06], atol=0.01)
    # Half a width from the centre the envelope of an even Gabor with bars across has fallen to a half.
    template = channels.gabor((129, 129), 1 / 16, (90,), (0,))[0, 0, 0]
    width = float(channels.gabor_width(1 / 16))
    at_half = np.interp(64 + width / 2, np.arange(129), template[64])
    assert at_half / template[64, 64] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("frequency", [3 / 64, 3 / 32, 3 / 16])
@pytest.mark.parametrize("orientation", [0, 45, 120])
def test_gabor_spectrum_peaks_where_it_should(frequency: float, orientation: float) -> None:
    """Peak within .002 cycles per pixel of its frequency and 1° of its orientation, half amplitude an octave apart."""
    even, odd = channels.gabor((128, 128), frequency, (orientation,))[0, 0]
    amplitude = np.abs(np.fft.fft2(even, (1024, 1024)))
    f = np.fft.fftfreq(1024)
    row, column = np.unravel_index(np.argmax(amplitude), amplitude.shape)
    assert math.hypot(f[row], f[column]) == pytest.approx(frequency, abs=0.002)
    assert math.degrees(math.atan2(f[row], f[column])) % 180 == pytest.approx(orientation % 180, abs=1)
    low, high = (frequency * factor / 1.5 for factor in (1, 2))
    direction = math.cos(math.radians(orientation)), math.sin(math.radians(orientation))
    peak, below, above = (_amplitude_at(even, where, direction) for where in (frequency, low, high))
    assert below / peak == pytest.approx(0.5, abs=0.02)
    assert above / peak == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(even, even[::-1, ::-1], atol=1e-12)
    np.testing.assert_allclose(odd, -odd[::-1, ::-1], atol=1e-12)
    assert (np.sum(even**2), np.sum(odd**2)) == pytest.approx((1, 1))


def test_bars_of_orientation_0_are_vertical() -> None:
    template = channels.gabor((33, 33), 0.1, (0,), (0,))[0, 0, 0]
    assert np.ptp(np.sign(template[8:25, 16])) == 0
    assert np.ptp(np.sign(template[16, 8:25])) == 2


def test_octaves_run_from_three_cycles_per_image_to_three_eighths() -> None:
    np.testing.assert_allclose(channels.octaves((64, 64)), [3 / 64, 3 / 32, 3 / 16, 3 / 8])
    assert [channels.octaves((side, 300)).size for side in (16, 31, 32, 128, 256)] == [2, 2, 3, 5, 6]


def test_outputs_are_inner_products() -> None:
    rng = np.random.default_rng(1)
    images, templates = rng.random((3, 20, 24)), rng.random((2, 4, 20, 24))
    np.testing.assert_allclose(
        channels.outputs(images, templates), np.einsum("nij,abij->nab", images, templates), rtol=1e-12
    )


@pytest.mark.parametrize("shape", [(20, 24), (21, 17)])
def test_energies_are_mean_squares_of_the_filtered_image(shape: tuple[int, int]) -> None:
    """Brute-force convolution of the windowed image, wrapped round, for even and odd sides; to 1e-10."""
    rng = np.random.default_rng(2)
    images, templates = rng.random((2, *shape)), rng.random((3, *(side - (side + 1) % 2 for side in shape)))
    window = np.outer(channels.hann(shape[0]), channels.hann(shape[1]))
    padded = np.zeros((3, *shape))
    padded[:, : templates.shape[1], : templates.shape[2]] = templates
    found = channels.energies(images, channels.transfer(padded))
    for image, row in zip(images, found, strict=True):
        for template, energy in zip(templates, row, strict=True):
            filtered = convolve((image - image.mean()) * window, template, mode="wrap")
            assert energy == pytest.approx(np.mean(filtered**2) / np.mean(window**2), rel=1e-10)


def test_white_noise_gives_its_variance_in_every_channel() -> None:
    """Templates of unit energy pass as much as there is, σ² = .01; 3,000 images, to 4%."""
    images = np.random.default_rng(3).normal(0.5, 0.1, (3000, 32, 32))
    found = channels.energies(images, channels.transfer(channels.gabor((32, 32), [3 / 32, 3 / 16])))
    np.testing.assert_allclose(found.mean(axis=0), 0.01, rtol=0.04)


def test_a_grating_excites_its_own_channel() -> None:
    frequencies = channels.octaves((64, 64))
    passed = channels.transfer(channels.gabor((64, 64), frequencies)).mean(axis=2)
    y, x = np.mgrid[:64, :64]
    for f, frequency in enumerate(frequencies):
        for o, angle in enumerate(np.deg2rad([0, 45, 90, 135])):
            grating = 0.5 + 0.1 * np.cos(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)) + 1)
            energy = channels.energies(grating[None], passed)[0]
            assert np.unravel_index(np.argmax(energy), energy.shape) == (f, o)


def test_energies_see_contrast_and_not_brightness() -> None:
    image = 0.4 + 0.05 * np.random.default_rng(4).normal(size=(1, 32, 32))
    passed = channels.transfer(channels.gabor((32, 32), [3 / 32]))
    base, brighter, stronger = (channels.energies(one, passed) for one in (image, image + 0.2, 2 * image))
    np.testing.assert_allclose(brighter, base, rtol=1e-9)
    np.testing.assert_allclose(channels.log_energies(stronger) - channels.log_energies(base), math.log(4), rtol=1e-6)
    assert np.isfinite(channels.log_energies(channels.energies(np.full((1, 32, 32), 0.5), passed))).all()


def test_impossible_channels_are_refused(refuses: Any) -> None:
    with refuses("out-of-range") as caught:
        channels.gabor((32, 32), [0.1, 0.5])
    assert "frequency 0.5" in str(caught.value)
    with refuses("out-of-range") as caught:
        channels.gabor((32, 32), 0.1, bandwidth_octaves=0)
    assert "bandwidth of 0" in str(caught.value)
    with refuses("out-of-range") as caught:
        channels.laguerre_gauss((32, 32), 0)
    assert "0 channels" in str(caught.value)
    with refuses("out-of-range") as caught:
        channels.laguerre_gauss((32, 32), 2, -1)
    assert "width -1" in str(caught.value)


@pytest.mark.parametrize(
    ("bank_for", "most", "count", "words"),
    [
        (laguerre_gauss_bank, 3, 3, "3 Laguerre–Gauss channels"),
        (laguerre_gauss_bank, 50, 6, "6 Laguerre–Gauss channels"),
        (gabor_bank, 3, 3, "averaged into one channel, even phase (the whole bank has 32"),
        (gabor_bank, 15, 4, "averaged"),
        (gabor_bank, 16, 16, "0, 45, 90, 135°, even phase"),
        (gabor_bank, 32, 32, "even and odd phase"),
        (energy_bank, 1, 1, "the whole bank has 16"),
        (energy_bank, 5, 4, "averaged"),
        (energy_bank, 16, 16, "0, 45, 90, 135°"),
    ],
)
def test_a_bank_takes_as_many_channels_as_it_may(bank_for, most: int, count: int, words: str) -> None:
    bank = bank_for((64, 64), most)
    images = np.random.default_rng(5).random((3, 64, 64))
    features = bank.respond(images)
    assert features.shape == (3, count)
    assert np.isfinite(features).all()
    assert words in bank.words
    assert ("whole bank" in bank.words) == (bank_for((64, 64), 99).respond(images).shape[1] > count)
    changed = bank.respond(bank.change(images))
    assert np.all(np.any(changed != features, axis=1))


def test_a_bank_averaged_over_orientations_is_blind_to_them() -> None:
    y, x = np.mgrid[:64, :64]
    gratings = np.stack([0.5 + 0.1 * np.cos(2 * np.pi * 0.1 * axis) for axis in (x, y)])
    single, double = energy_bank((64, 64), 4).respond(gratings), energy_bank((64, 64), 16).respond(gratings)
    np.testing.assert_allclose(single[0], single[1], atol=1e-6)
    assert np.abs(double[0] - double[1]).max() > 1


def _amplitude_at(template: npt.NDArray[np.float64], frequency: float, direction: tuple[float, float]) -> float:
    y, x = np.mgrid[: template.shape[0], : template.shape[1]]
    return float(np.abs(np.sum(template * np.exp(-2j * np.pi * frequency * (x * direction[0] + y * direction[1])))))
