"""The search over turns and shifts, against loops that do it one at a time."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gan.leaks.alignment import SHIFT_PX, align, correlations, orientations


def textures(n, size, seed):
    noise = np.random.default_rng(seed).normal(0, 1, (n, size, size))
    return (0.5 + gaussian_filter(noise, (0, 1.5, 1.5)) * 0.4).astype(np.float32)


@pytest.mark.slow
def test_the_best_correlation_is_that_of_a_search_one_by_one():
    images, patches = textures(3, 12, 0), textures(4, 12, 1)
    found = correlations(images, orientations(patches), batch=2)

    def passed(image):
        image = image.astype(float)
        band = gaussian_filter(image, 1) - gaussian_filter(image, 6)
        return band / np.sqrt(gaussian_filter(band**2, 6) + 0.005**2)

    for i, image in enumerate(images):
        for j, patch in enumerate(patches):
            best = -1.0
            for turned in (passed(patch), passed(patch).T):
                for quarter in range(4):
                    centre = np.rot90(turned, quarter)[SHIFT_PX:-SHIFT_PX, SHIFT_PX:-SHIFT_PX]
                    for down in range(2 * SHIFT_PX + 1):
                        for right in range(2 * SHIFT_PX + 1):
                            window = passed(image)[down:, right:][: len(centre), : len(centre)]
                            best = max(best, np.corrcoef(window.ravel(), centre.ravel())[0, 1])
            assert found[i, j] == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("quarter", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_shifted_brightened_copy_is_found_and_laid_back_over_the_original(quarter, mirrored):
    patches = textures(5, 32, 2)
    whole = np.pad(patches[3], 4, mode="reflect")
    copy = np.rot90(whole[::-1] if mirrored else whole, quarter)[2:34, 5:37]
    copy = (copy * 0.5 + 0.2).astype(np.float32)
    templates = orientations(patches)
    found = correlations(copy[None], templates)[0]
    assert found.argmax() == 3
    assert found[3] > 0.95 > 0.7 > np.delete(found, 3).max()
    laid = align(copy, patches[3], templates[3])
    inner = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(laid[inner] * 0.5 + 0.2, copy[inner], atol=1e-5)


def test_an_image_without_structure_matches_nothing():
    flat = np.stack([np.zeros((16, 16), np.float32), np.full((16, 16), 0.7, np.float32)])
    assert correlations(flat, orientations(np.concatenate([flat, textures(2, 16, 3)]))).tolist() == [[0.0] * 4] * 2


def test_large_images_are_compared_at_64_px_and_laid_back_at_their_own_size():
    patches = gaussian_filter(textures(3, 128, 4), (0, 3, 3)) * 2
    copy = np.rot90(np.pad(patches[1], 8, mode="reflect"))[4:132, 8:136].copy()  # 4 px are 2 at 64 px
    templates = orientations(patches)
    assert templates.shape == (3, 8, 58 * 58)
    found = correlations(copy[None], templates)[0]
    assert found.argmax() == 1
    assert found[1] > 0.95
    np.testing.assert_allclose(align(copy, patches[1], templates[1])[8:-8, 8:-8], copy[8:-8, 8:-8], atol=1e-5)
