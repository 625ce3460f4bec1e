"""Metrics of loops against their definitions."""

import numpy as np
import pytest
import torch

from gan.morphing.metrics import all_pairs, describe, metric_of, steps, variation
from gan.networks.features import Vgg16
from gan.perceptual.nlpd import nlpd
from gan.perceptual.ssim import ssim

IMAGES = np.random.default_rng(0).random((5, 16, 16), dtype=np.float32)


def by_hand(name, vgg16, first, second):
    if name == "nlpd":
        return nlpd(first, second).item()
    if name == "nlpd+vgg":
        near, far = (by_hand(one, vgg16, first, second) for one in ("nlpd", "vgg"))
        return ((near**2 + (far / 2.3) ** 2) / 2) ** 0.5
    if name == "ssim":
        return (1 - ssim(first, second)).sqrt().item()
    if name == "vgg":
        first, second = (vgg16(2 * one - 1) for one in (first, second))
    return (first - second).square().mean().sqrt().item()


@pytest.mark.parametrize("name", ["nlpd", "vgg", "nlpd+vgg", "ssim", "pixel"])
def test_distances_are_those_of_each_pair(name):
    torch.manual_seed(0)
    vgg16 = Vgg16()
    metric = metric_of(name, vgg16)
    described = describe(metric, IMAGES, batch=2)
    images = torch.from_numpy(IMAGES)[:, None, None]
    pairs = all_pairs(metric, described)
    for one in range(5):
        for other in range(5):
            expected = 0 if one == other else by_hand(name, vgg16, images[one], images[other])
            assert pairs[one, other] == pytest.approx(expected, rel=1e-4)
    around = [pairs[k, (k + 1) % 5] for k in range(5)]
    assert steps(metric, described, closed=True) == pytest.approx(around, rel=1e-5)
    assert steps(metric, described, closed=False) == pytest.approx(around[:4], rel=1e-5)


@pytest.mark.parametrize("name", ["nlpd", "vgg", "nlpd+vgg", "ssim", "pixel"])
def test_half_a_small_change_is_half_the_distance(name):
    torch.manual_seed(0)
    metric = metric_of(name, Vgg16().double())
    image = torch.from_numpy(IMAGES[:1]).double()[None] * 0.8 + 0.1
    change = 1e-4 * torch.from_numpy(IMAGES[1:2] - IMAGES[2:3]).double()[None]
    far, near = (metric.distance(metric.describe(image), metric.describe(image + k * change)) for k in (1, 0.5))
    assert (far / near).item() == pytest.approx(2, rel=0.02)


def test_variation():
    assert variation(np.array([1.0, 3.0])) == pytest.approx(0.5)
    assert np.isnan(variation(np.zeros(3)))


def test_words_and_weights(refuses, monkeypatch):
    with refuses("unknown-choice"):
        metric_of("eye")
    monkeypatch.delenv("LOOKALIKE_VGG16", raising=False)
    for name in ("vgg", "nlpd+vgg"):
        with refuses("weights-needed"):
            metric_of(name)
