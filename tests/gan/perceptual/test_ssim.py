"""SSIM against plenoptic 2.1.1 and its definition."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate

from gan.perceptual.ssim import ssim


def test_values_are_plenoptics():
    y, x = torch.meshgrid(*[torch.linspace(0, 1, 64, dtype=torch.float64)] * 2, indexing="ij")
    gratings = [(0.5 + 0.3 * torch.sin(9 * x + 4 * y + phase))[None, None] for phase in (0, 0.5)]
    assert float(ssim(*gratings)) == pytest.approx(0.772838723518354, abs=1e-5)  # its window has single precision


def test_each_place_by_the_definition():
    rng = np.random.default_rng(3)
    first, second = rng.random((2, 20, 17))
    line = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    window = np.outer(line, line) / np.outer(line, line).sum()

    def mean(image):
        return correlate(image, window)[5:-5, 5:-5]

    m1, m2 = mean(first), mean(second)
    v1, v2 = mean(first**2) - m1**2, mean(second**2) - m2**2
    both = mean(first * second) - m1 * m2
    places = (2 * m1 * m2 + 1e-4) * (2 * both + 9e-4) / ((m1**2 + m2**2 + 1e-4) * (v1 + v2 + 9e-4))
    found = ssim(torch.from_numpy(first)[None, None], torch.from_numpy(second)[None, None])
    assert float(found) == pytest.approx(places.mean(), rel=1e-10)


def test_images_that_do_not_fit(refuses):
    for shape in ((1, 1, 10, 32), (1, 1, 32, 31)):
        with refuses("wrong-size"):
            ssim(torch.rand(*shape), torch.rand(1, 1, 32, 32))
