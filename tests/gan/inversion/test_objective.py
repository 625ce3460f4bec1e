"""Each term by its definition, written out with loops or another library."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d, uniform_filter

from gan.inversion.objective import (
    at_features,
    calibrated_weight,
    detail_difference,
    noise_irregularity,
    squared_difference,
)


def test_squared_differences_are_means_over_each_image():
    first, second = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).unbind(0)
    first, second = first[None].repeat(2, 1, 1, 1), torch.stack([second, 2 * second])
    by_hand = [np.mean([(a - b) ** 2 for a, b in zip(x.flatten(), y.flatten(), strict=True)])
               for x, y in zip(first.numpy(), second.numpy(), strict=True)]  # fmt: skip
    np.testing.assert_allclose(squared_difference(first, second), by_hand, rtol=1e-5)


def test_under_a_soft_mask_they_are_weighted_means():
    rng = torch.Generator().manual_seed(1)
    first, second = torch.rand(2, 2, 3, 4, 4, generator=rng).unbind(0)
    mask = torch.rand(2, 1, 4, 4, generator=rng)
    for n, value in enumerate(squared_difference(first, second, mask)):
        total, weight = 0.0, 0.0
        for y in range(4):
            for x in range(4):
                share = float(mask[n, 0, y, x])
                total += share * float(((first - second)[n, :, y, x] ** 2).mean())
                weight += share
        assert float(value) == pytest.approx(total / weight, rel=1e-5)


def test_a_small_region_counts_as_much_as_a_large_one():
    small, large = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    small[..., :2, :2], large[..., :6, :6] = 1, 1
    first, second = torch.zeros(1, 1, 8, 8), torch.full((1, 1, 8, 8), 0.5)
    assert squared_difference(first, second, small) == squared_difference(first, second, large) == 0.25
    second[..., 6:, 6:] = 9  # outside of both
    assert squared_difference(first, second, large) == 0.25


def test_a_mask_at_features_is_the_share_of_each_that_it_covers():
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8, :4] = 1
    np.testing.assert_allclose(at_features(mask, torch.zeros(1, 512, 2, 2))[0, 0], [[0.5, 0], [0, 0]])


def test_at_the_calibrated_weight_two_draws_of_the_noise_differ_as_much_in_both_terms(generator, features):
    weight = calibrated_weight(generator, features)
    rng = torch.Generator().manual_seed(42)  # other draws than its own
    z = torch.randn(128, 16, generator=rng)
    one, other = (generator(z, generator.random_noise(128, rng)) for _ in range(2))
    pixel = squared_difference(one, other).mean()
    perceptual = squared_difference(features(one), features(other)).mean()
    assert float(weight * perceptual / pixel) == pytest.approx(1, abs=0.2)
    assert calibrated_weight(generator, features) == weight


def test_the_irregularity_of_noise_by_its_definition():
    noise = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 1.3
    by_hand = []
    for image in noise[:, 0].numpy().astype(np.float64):
        halved = image.reshape(8, 2, 8, 2).mean(axis=(1, 3)) * 2
        total = 0.0
        for x in (image, halved):
            total += (np.mean(x**2) - 1) ** 2
            total += np.mean(x * np.roll(x, 1, axis=0)) ** 2 + np.mean(x * np.roll(x, 1, axis=1)) ** 2
        by_hand.append(total)
    np.testing.assert_allclose(noise_irregularity([noise]), by_hand, rtol=1e-4)


def test_white_noise_is_regular_and_a_picture_is_not():
    white = torch.randn(50, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    smooth = torch.linspace(-1.7, 1.7, 64).expand(1, 1, 64, 64)
    assert noise_irregularity([white]).mean() < 0.1
    assert noise_irregularity([smooth]) > 1
    assert noise_irregularity([0 * white])[0] > 1


def test_the_difference_in_detail_by_its_definition():
    first, second = torch.rand(2, 1, 1, 20, 20, generator=torch.Generator().manual_seed(0)).unbind(0)

    def amplitude(image):
        kernel = np.array([0.25, 0.5, 0.25])
        weight = correlate1d(np.ones(20), kernel, mode="constant")
        smooth = correlate1d(correlate1d(image, kernel, axis=0, mode="constant"), kernel, axis=1, mode="constant")
        energy = (image - smooth / np.outer(weight, weight)) ** 2
        window, count = (uniform_filter(x, 9, mode="constant") for x in (energy, np.ones((20, 20))))
        return np.sqrt(window / count + 1e-6)

    a, b = (amplitude(x[0, 0].numpy().astype(np.float64)) for x in (first, second))
    assert float(detail_difference(first, second)) == pytest.approx(np.mean((a - b) ** 2), rel=1e-4)


def test_moved_detail_is_no_loss_of_detail_but_blur_is():
    texture = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    blurred = (texture + texture.roll(1, 2) + texture.roll(1, 3) + texture.roll((1, 1), (2, 3))) / 4
    moved = texture.roll(5, 3)
    assert detail_difference(texture, blurred) > 10 * detail_difference(texture, moved)
    assert squared_difference(texture, blurred) < squared_difference(texture, moved)
