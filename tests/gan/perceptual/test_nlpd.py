"""NLPD against plenoptic 2.1.1, an independent implementation by its authors' group."""

import numpy as np
import pytest
import torch

from gan.perceptual.nlpd import band_distance, nlpd, normalised_pyramid


def noise_and_gratings(rows, columns):
    rng = np.random.default_rng(0)
    noise = [torch.from_numpy(rng.random((1, 1, rows, columns))) for _ in range(2)]
    y, x = torch.meshgrid(
        torch.linspace(0, 1, rows, dtype=torch.float64),
        torch.linspace(0, 1, columns, dtype=torch.float64),
        indexing="ij",
    )
    gratings = [(0.5 + 0.3 * torch.sin(9 * x + 4 * y + phase))[None, None] for phase in (0, 0.5)]
    return noise, gratings


# plenoptic.metric.nlpd(..., epsilon=0): two noise images, two gratings, noise and grating.
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((64, 64), (1.3609749984618364, 0.7402976697804675, 1.8387957483664195)),
        ((128, 128), (1.3155639005277078, 0.5749302311780333, 1.6511141278840904)),
        ((65, 97), (1.380448883918998, 0.5840286666934797, 1.6652887664916376)),
    ],
)
def test_distances_are_plenoptics(shape, expected):
    noise, gratings = noise_and_gratings(*shape)
    found = [float(nlpd(*pair)) for pair in (noise, gratings, (noise[0], gratings[0]))]
    assert found == pytest.approx(expected, rel=1e-10)


def test_levels_halve_and_small_images_have_fewer():
    assert [level.shape[-1] for level in normalised_pyramid(torch.rand(2, 1, 64, 64))] == [64, 32, 16, 8, 4, 2]
    assert [level.shape[-1] for level in normalised_pyramid(torch.rand(2, 1, 16, 16))] == [16, 8, 4, 2]


def test_each_pair_by_itself_and_one_against_many():
    images = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    one = torch.cat([nlpd(images[:1], images[k : k + 1]) for k in range(4)])
    torch.testing.assert_close(nlpd(images[:1], images), one)
    torch.testing.assert_close(band_distance(normalised_pyramid(images), normalised_pyramid(images[:1])), one)
    assert one[0] == 0


def test_contrast_is_masked_by_contrast():
    y, x = np.mgrid[:64, :64] / 64
    grating = torch.from_numpy(np.sin(20 * x + 13 * y))[None, None]
    added = 0.02 * torch.from_numpy(np.sin(31 * x - 17 * y))[None, None]
    low, high = 0.5 + 0.05 * grating, 0.5 + 0.4 * grating
    assert nlpd(high, high + added) < 0.5 * nlpd(low, low + added)


def test_it_can_be_descended():
    target = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(2))
    image = torch.full_like(target, 0.5).requires_grad_()
    before = nlpd(image, target)
    (gradient,) = torch.autograd.grad(before.sum(), image)
    assert torch.isfinite(gradient).all()
    assert nlpd(image - 0.01 * gradient / gradient.abs().max(), target) < before


def test_images_that_do_not_fit(refuses):
    with refuses("wrong-size"):
        nlpd(torch.rand(1, 1, 32, 32), torch.rand(1, 1, 16, 16))
    for shape in ((1, 1, 3, 32), (1, 3, 32, 32), (32, 32)):
        with refuses("wrong-size"):
            normalised_pyramid(torch.rand(*shape))
