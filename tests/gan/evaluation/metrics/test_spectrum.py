"""The radial spectrum, against a transform written out, and against spectra that are known."""

import numpy as np
import pytest

from gan.evaluation.metrics.spectrum import Spectrum, radial_power, spectrum, spectrum_figure, widest_gap


def test_power_is_that_of_a_transform_written_out():
    size, image = 8, np.random.default_rng(0).uniform(0, 1, (8, 8))
    window = [0.5 - 0.5 * np.cos(2 * np.pi * place / size) for place in range(size)]
    both = np.array([[a * b for b in window] for a in window])
    image32 = image.astype(np.float32)
    centred = image32 - (image32 * both).sum() / both.sum()
    rings = {1: [], 2: [], 3: [], 4: []}
    for u in range(-4, 4):
        for v in range(-4, 4):
            total = 0j
            for y in range(size):
                for x in range(size):
                    total += centred[y, x] * both[y, x] * np.exp(-2j * np.pi * (u * y + v * x) / size)
            ring = round((u * u + v * v) ** 0.5)
            if ring in rings:
                rings[ring].append(abs(total) ** 2 / (both**2).sum())
    frequencies, power = radial_power(image32[None])
    assert frequencies.tolist() == [1 / 8, 2 / 8, 3 / 8, 4 / 8]
    np.testing.assert_allclose(power[0], [np.mean(rings[ring]) for ring in (1, 2, 3, 4)], rtol=1e-9)


def test_white_noise_is_flat_at_its_variance():
    _, power = radial_power(np.random.default_rng(1).normal(0.5, 0.1, (200, 32, 32)).astype(np.float32))
    np.testing.assert_allclose(power.mean(axis=0)[1:], 0.01, rtol=0.05)  # the lowest ring lost power with the mean


def test_a_grating_peaks_at_its_frequency_and_brightness_does_not_count():
    x = np.arange(32)
    grating = np.broadcast_to(0.5 + 0.2 * np.sin(2 * np.pi * x * 6 / 32), (1, 32, 32)).astype(np.float32)
    found = spectrum(grating)
    assert found.cycles_per_px[found.mean.argmax()] == 6 / 32
    np.testing.assert_allclose(spectrum(grating + np.float32(0.25)).mean[4:7], found.mean[4:7], atol=1e-4)
    assert np.isfinite(spectrum(np.full((3, 32, 32), 0.5, np.float32)).mean).all()


def test_blur_shows_as_a_gap_at_high_frequencies():
    images = np.random.default_rng(2).normal(0.5, 0.1, (50, 32, 32)).astype(np.float32)
    blurred = (images + np.roll(images, 1, 1) + np.roll(images, 1, 2) + np.roll(images, (1, 1), (1, 2))) / 4
    gap, frequency = widest_gap(spectrum(images), spectrum(blurred))
    assert gap < -0.5
    assert frequency > 0.4


def test_the_band_holds_eight_in_ten_images():
    images = np.random.default_rng(3).normal(0.5, 0.1, (500, 16, 16)).astype(np.float32)
    found, logs = spectrum(images), np.log10(radial_power(images)[1])
    inside = ((logs >= found.low) & (logs <= found.high)).mean(axis=0)
    np.testing.assert_allclose(inside, 0.8, atol=0.01)
    assert (found.low < found.mean).all()
    assert (found.mean < found.high).all()


def test_the_figure_shows_both_curves_over_all_frequencies():
    made = [Spectrum(np.array([0.125, 0.25, 0.5]), np.array([3.0, 2, c]), np.zeros(3), np.ones(3)) for c in (1, 0)]
    (axes,) = spectrum_figure(*made).axes
    assert [line.get_label() for line in axes.lines] == ["real", "generated"]
    assert [line.get_ydata()[-1] for line in axes.lines] == [1, 0]
    assert axes.get_xlim() == pytest.approx((0.125, 0.5))
