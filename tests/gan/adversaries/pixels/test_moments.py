"""Moments of fine detail: what they see, what they do not, and that matching them pulls the right way."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gan.adversaries.pixels.moments import PixelMoments, Whitening
from gan.adversaries.step_rng import StepRng

RNG = StepRng(0, 0, 8)


def patches(count=200, seed=0):
    """Smooth images, each of its own contrast, with faint noise."""
    drawn = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 1, 8, 8, generator=drawn)
    smooth = F.interpolate(coarse, size=(32, 32), mode="bicubic")
    contrast = torch.rand(count, 1, 1, 1, generator=drawn) * 0.3 + 0.05
    return contrast * (smooth + 0.05 * torch.randn(count, 1, 32, 32, generator=drawn))


def known(real, weight=1.0):
    moments = PixelMoments(weight)
    moments.prepare(lambda: real.split(64))
    return moments


@pytest.fixture(scope="module")
def of_many():
    """Moments of as many images as it takes to know how little they differ in some statistics."""
    return known(patches(3000))


def distance(moments, images):
    """Of the means of these images alone, in SD of real images."""
    moments.grow(0)
    fake = moments.view(images, RNG, torch.ones(len(images), dtype=torch.bool))
    moments.discriminator_loss([], fake, 0)
    return float(moments.adapt(len(images), lambda value: value)["pixel_distance"])


def test_whitened_statistics_are_uncorrelated():
    drawn = torch.randn(4000, 3, generator=torch.Generator().manual_seed(1)) @ torch.tensor(
        [[3.0, 0, 0], [1, 2, 0], [0, 1, 1]]
    )
    white = Whitening(3)
    white.fit(drawn + 5)
    found = white(drawn + 5)
    torch.testing.assert_close(found.T.cov(), torch.eye(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(3), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "change", ["blind spot", "blur", "every second column", "where it is dark", "a line at a border"]
)
def test_what_frozen_networks_hardly_see_moves_them(change, of_many):
    other = patches(1000, seed=1)
    chess = torch.tensor([1.0, -1.0]).repeat(16) * torch.tensor([[1.0], [-1.0]]).repeat(16, 1)
    noise = torch.randn(other.shape, generator=torch.Generator().manual_seed(2))
    changed = {
        "blind spot": other + 0.03 * other.std(dim=(2, 3), keepdim=True) * chess,
        "blur": 0.8 * other + 0.2 * other.roll(1, dims=3),
        "a line at a border": torch.cat([other[:, :, :1] + 0.03, other[:, :, 1:]], dim=2),
        "where it is dark": other + other.std(dim=(2, 3), keepdim=True) * 0.1 * (other < 0) * noise,
        "every second column": other + 0.3 * (other - F.avg_pool2d(other, 3, 1, 1)) * chess[0],
    }[change]
    by_chance = distance(of_many, other)
    assert distance(of_many, changed) > 2 * by_chance


def test_matching_finds_the_strength_of_the_detail(of_many):
    moments, generator = deepcopy(of_many), nn.Parameter(torch.tensor(0.15))  # of noise; the real one has .05
    moments.weight = 100.0
    moments.grow(0)
    optimiser = torch.optim.Adam([generator], lr=0.004)
    drawn = torch.Generator().manual_seed(2)
    for step in range(200):
        coarse = torch.randn(32, 1, 8, 8, generator=drawn)
        contrast = torch.rand(32, 1, 1, 1, generator=drawn) * 0.3 + 0.05
        smooth = F.interpolate(coarse, size=(32, 32), mode="bicubic")
        images = contrast * (smooth + generator * torch.randn(32, 1, 32, 32, generator=drawn))
        fake = moments.view(images, RNG, torch.ones(32, dtype=torch.bool))
        moments.discriminator_loss([], [one.detach() for one in fake], step)
        moments.adapt(32, lambda value: value)
        optimiser.zero_grad()
        loss = moments.generator_loss(fake, [])
        assert float(loss) == 0  # its gradient alone counts
        loss.backward()
        optimiser.step()
    assert float(generator) == pytest.approx(0.05, abs=0.015)


def test_few_images_are_no_reason_to_pull_hard():
    """Fewer than statistics of a kind leave directions in which they do not differ at all."""
    assert distance(known(patches(40)), patches(500, seed=1)) < 100


def test_of_many_images_each_statistic_is_measured_in_its_own_sd(of_many):
    """Textures are told apart by what varies little among them: ratios of energies."""
    real = patches(3000)
    for kind, found in enumerate(zip(*(of_many._statistics(part) for part in real.split(500)), strict=True)):
        sd = torch.cat(found).std(dim=0)
        moments = of_many.moments[kind]
        known = (moments.square - moments.real.square()).sqrt()
        varies = sd > 0.01
        torch.testing.assert_close(known[varies], sd[varies], rtol=0.02, atol=1e-3)
    assert (sds := torch.cat(list(of_many._statistics(real[:500])[:1])).std(dim=0)).min() < 0.3 < sds.max()


def test_few_statistics_count_as_much_as_many():
    """Where all are off by an SD, each kind's share of the slope is the same."""
    moments = known(patches(), weight=6.0)
    kinds = list(moments.moments)
    sds = [(one.square - one.real.square()).sqrt() for one in kinds]
    seen = [(one.real + sd).expand(8, -1) for one, sd in zip(kinds, sds, strict=True)]
    for step in range(50):  # until the means of generated images are known
        moments.discriminator_loss([], seen, step)
        moments.adapt(8, lambda value: value)
    seen = [one.clone().requires_grad_() for one in seen]
    moments.generator_loss(seen, []).backward()
    slopes = [float((one.grad.sum(dim=0) * sd).sum()) for one, sd in zip(seen, sds, strict=True)]
    assert slopes == pytest.approx([6.0 / len(kinds)] * len(kinds), rel=1e-2)


def test_only_images_of_a_single_code_are_pulled():
    moments = known(patches())
    images = patches(4).requires_grad_()
    single = torch.tensor([True, False, True, False])
    seen = moments.view(images, RNG, single)
    assert {len(one) for one in seen} == {2}
    torch.cat(seen, dim=1).sum().backward()
    assert images.grad[1].abs().max() == 0 < images.grad[0].abs().max()
    assert moments.view(images, RNG, None) == []
