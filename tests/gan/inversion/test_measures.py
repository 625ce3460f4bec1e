"""Measures of reconstructions."""

import numpy as np
import pytest

from gan.inversion.measures import MEASURES, fine_detail, psnr, squared_error


def test_peak_signal_to_noise_ratio_of_known_errors():
    np.testing.assert_allclose(psnr(np.array([1.0, 0.01, 0.0001])), [0, 20, 40])
    assert psnr(np.array([0.0]))[0] == np.inf


def test_every_measure_is_perfect_for_the_same_images():
    images = np.random.default_rng(0).random((2, 32, 32), dtype=np.float32)
    perfect = {"mse": 0, "psnr_db": np.inf, "ssim": 1, "nlpd": 0, "detail_kept": 1}
    assert perfect.keys() == MEASURES.keys()
    for name, value in perfect.items():
        np.testing.assert_allclose(MEASURES[name](images, images), value, atol=1e-5)


def test_errors_belong_to_their_image():
    images = np.zeros((2, 8, 8), np.float32)
    others = images.copy()
    others[1, 0, 0] = 0.5
    np.testing.assert_allclose(squared_error(images, others), [0, 0.25 / 64])


def test_fine_detail_of_a_checkerboard_and_of_a_ramp():
    checks = np.indices((16, 16)).sum(axis=0)[None] % 2
    assert fine_detail(checks.astype(np.float32))[0] == pytest.approx(0.5)
    ramp = np.broadcast_to(np.linspace(0, 1, 16, dtype=np.float32), (1, 16, 16))
    assert fine_detail(ramp)[0] < 0.02
