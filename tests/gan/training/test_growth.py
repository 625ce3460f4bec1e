"""Growing must change nothing at the moment when it happens."""

import copy
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from gan.adversaries.discriminator import Discriminator
from gan.networks.generator import Architecture, Generator
from gan.training.growth import Stage, grow_generator, stage_at, stages
from gan.training.settings import Settings

SMALL = Architecture(resolution=8, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
PAPER = Settings(replace(SMALL, resolution=32), progressive=True, stage_kimg=600, fade_kimg=600, kimg=5000)


def test_the_schedule_is_that_of_the_paper():
    expected = {
        0: (8, 1),
        599_999: (8, 1),
        600_000: (16, 0),
        900_000: (16, 0.5),
        1_200_000: (16, 1),
        1_799_000: (16, 1),
    }
    expected |= {2_100_000: (32, 0.5), 2_400_000: (32, 1), 9_000_000: (32, 1)}
    for images, (resolution, blend) in expected.items():
        assert stage_at(PAPER, images) == Stage(resolution, pytest.approx(blend))


def test_without_growing_there_is_one_stage():
    assert stage_at(replace(PAPER, progressive=False), 0) == Stage(32)
    assert stage_at(replace(PAPER, architecture=SMALL), 0) == Stage(8)


@pytest.mark.parametrize("kimg", [100, 700, 1200, 2500, 5000])
def test_the_plan_fills_the_run(kimg):
    planned = stages(replace(PAPER, kimg=kimg))
    assert sum(length for _, length in planned) == pytest.approx(kimg)
    at = 0.0
    for stage, length in planned:
        assert stage_at(PAPER, round(at * 1000)) == stage
        at += length


def test_a_grown_generator_makes_the_same_images_twice_as_large():
    torch.manual_seed(0)
    small = Generator(SMALL)
    small.w_mean.normal_()
    average = copy.deepcopy(small).requires_grad_(False)
    with torch.no_grad():
        average.synthesis.to_grey.weight.mul_(2)
    grown, following = grow_generator(small, average, seed=0)
    z = torch.randn(3, 16)
    noise = grown.random_noise(3)
    for new, old in ((grown, small), (following, average)):
        assert torch.equal(new(z, noise), F.interpolate(old(z, noise[:4]), scale_factor=2))
        assert torch.equal(new.w_mean[:4], old.w_mean)
    torch.testing.assert_close(grown.w_mean[-1], small.w_mean[-1])
    assert not any(parameter.requires_grad for parameter in following.parameters())
    grown.synthesis.blend = 0.25
    faded = grown(z, noise)
    grown.synthesis.fading = None
    expected = torch.lerp(F.interpolate(small(z, noise[:4]), scale_factor=2), grown(z, noise), 0.25)
    torch.testing.assert_close(faded, expected)


def test_a_grown_discriminator_gives_the_same_logits():
    torch.manual_seed(0)
    small = Discriminator(SMALL)
    grown = small.grown(seed=0)
    images = torch.randn(4, 1, 16, 16)
    torch.testing.assert_close(grown(images), small(F.avg_pool2d(images, 2)))
    grown.blend = 1.0
    with_all = grown(images)
    grown.fading = None
    torch.testing.assert_close(with_all, grown(images))
    assert not torch.allclose(with_all, small(F.avg_pool2d(images, 2)))


def test_new_layers_follow_from_the_seed():
    torch.manual_seed(0)
    small = Discriminator(SMALL)
    torch.manual_seed(1)
    one = small.grown(seed=5).from_grey.weight
    torch.manual_seed(2)
    assert torch.equal(one, small.grown(seed=5).from_grey.weight)
    assert not torch.equal(one, small.grown(seed=6).from_grey.weight)
