"""Texture statistics, against SciPy and plain loops, and by what they tell apart."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from scipy.stats import kurtosis

from gan.bootstrap import random_split
from gan.evaluation.judges import texture
from gan.evaluation.judges.texture import NOISE_SD, texture_statistics
from gan.evaluation.metrics.separability import separate


def textures(n, seed, size=32, slope=1.5):
    """Noise with power falling off with frequency, as in mammograms, about .5."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    noise = np.random.default_rng(seed).standard_normal((n, size, size))
    shaped = np.fft.ifft2(np.fft.fft2(noise) / (frequency + 0.05) ** slope).real
    return (0.5 + 0.1 * shaped / shaped.std()).astype(np.float32)


def auc(real, fake, noise_sd=0.0, groups=None):
    ones = torch.ones(len(real), dtype=torch.float64), torch.ones(len(fake), dtype=torch.float64)
    statistics = [texture_statistics(images, noise_sd, seed) for seed, images in enumerate((real, fake))]
    return separate(*statistics, *(groups or (np.arange(len(real)), np.arange(len(fake))))).auc(*ones)


def test_a_change_of_texture_is_seen(change):
    assert auc(textures(80, 0), change(textures(80, 1))) > 0.85


def test_textures_of_the_same_kind_are_not_told_apart():
    assert abs(auc(textures(80, 0), textures(80, 1)) - 0.5) < 0.15


@pytest.mark.slow
def test_a_change_of_real_patches_is_seen_and_none_is_not(change, mammograms):
    images, patients = mammograms
    one, two = random_split(patients, 200, np.random.default_rng(0))
    groups = patients[one], patients[two]
    assert auc(images[one], images[two], groups=groups) == pytest.approx(0.5, abs=0.09)
    assert auc(images[one], change(images[two]), groups=groups) > (0.6 if "variance" in change.__name__ else 0.95)


def test_noise_hides_a_change_smaller_than_itself():
    faint = 1e-3 * np.random.default_rng(5).standard_normal((80, 32, 32)).astype(np.float32)
    plain, rough = textures(80, 0, slope=3), textures(80, 1, slope=3) + faint
    assert auc(plain, rough) > 0.75
    assert abs(auc(plain, rough, NOISE_SD) - 0.5) < 0.15


def test_laws_energies_are_those_of_whole_masks():
    images = textures(3, 2).astype(float)
    found = texture._laws(images)
    inside = slice(2, -2)
    for number, (i, j) in enumerate([(0, 1), (1, 4), (2, 2), (4, 3)]):
        mask = np.outer(texture._LAWS[i], texture._LAWS[j])
        response = np.stack([correlate(image, mask)[inside, inside] for image in images]).reshape(3, -1)
        column = 2 * (5 * i + j - 1)
        np.testing.assert_allclose(found[:, column], np.log(response.var(axis=1)), err_msg=str(number))
        np.testing.assert_allclose(found[:, column + 1], np.log(kurtosis(response, axis=1, fisher=False) + 1))


def test_cooccurrence_is_that_of_all_pairs_of_pixels_a_step_apart():
    image = textures(1, 3)[0]
    grey = image.ravel().argsort().argsort().reshape(image.shape) * texture._LEVELS // image.size
    found = texture._cooccurrence(image[None].astype(float)).reshape(len(texture._STEPS), 4)
    for place, (rows, columns) in enumerate(texture._STEPS):
        pixels = [(y, x) for y in range(32 - rows) for x in range(32) if 0 <= x + columns < 32]
        pairs = np.array([(grey[y, x], grey[y + rows, x + columns]) for y, x in pixels])
        difference, counts = pairs[:, 0] - pairs[:, 1], np.unique(pairs, axis=0, return_counts=True)[1]
        expected = [
            np.log((difference**2).mean()),
            (1 / (1 + difference**2)).mean(),
            np.log(((counts / len(pairs)) ** 2).sum()),
            ((pairs - grey.mean()).prod(axis=1)).mean() / grey.var(),
        ]
        np.testing.assert_allclose(found[place], expected, rtol=1e-9)


def test_power_goes_to_the_bins_of_its_frequency_and_direction():
    y, x = np.mgrid[:64, :64]
    across, down = (0.5 + 0.1 * np.sin(2 * np.pi * 0.21 * along) for along in (x, y))
    power = texture._spectrum(np.stack([across, down]))
    ring = int(np.digitize(0.21, texture._RINGS) - 1)
    places = [ring * texture._DIRECTIONS + direction for direction in (0, texture._DIRECTIONS // 2)]
    occupied = _occupied(64)
    assert [occupied[int(place)] for place in power.argmax(axis=1)] == places


def _occupied(size):
    """The bins (ring by direction) that hold a frequency of images of this size."""
    fy, fx = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    ring = np.digitize(np.hypot(fx, fy), texture._RINGS) - 1
    direction = np.round(np.arctan2(fy, fx) % np.pi / np.pi * texture._DIRECTIONS).astype(int) % texture._DIRECTIONS
    return np.unique(ring * texture._DIRECTIONS + direction)


def test_statistics_of_an_image_do_not_depend_on_the_others():
    images = textures(70, 4)
    together = texture_statistics(images)
    assert torch.equal(together[40:45], texture_statistics(images[40:45]))
    assert torch.isfinite(texture_statistics(np.zeros((2, 8, 8), np.float32))).all()  # flat, and the smallest there are


def test_the_seed_is_that_of_the_noise():
    images = textures(40, 0)
    first, again, other = (texture_statistics(images, NOISE_SD, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
