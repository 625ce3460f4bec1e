"""The way through the anchors, against its definition and the images it makes."""

import dataclasses

import numpy as np
import pytest
import torch

from gan.codes import codes_of_seeds, images_of
from gan.morphing.metrics import CHOICES, metric_of
from gan.morphing.path import even_positions, images_at, path_through, points, weights
from gan.networks.features import Vgg16


@pytest.mark.parametrize("shape", ["round", "straight", "open"])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_path_goes_through_its_anchors_and_its_weights_add_up_to_one(model, shape, count):
    anchors = codes_of_seeds(model, range(count))
    path = path_through(anchors, shape)
    torch.testing.assert_close(weights(path, np.arange(count)), torch.eye(count), atol=1e-6, rtol=0)
    assert weights(path, np.linspace(0, path.length, 50)).sum(dim=1) == pytest.approx(1, abs=1e-6)
    images = images_at(model.generator, path, np.arange(count))
    np.testing.assert_allclose(images, images_of(model.generator, anchors), atol=1e-5)


@pytest.mark.parametrize("count", [3, 5, 7])
def test_round_paths_of_unrelated_codes_keep_their_distance_from_the_mean(model, count):
    path = path_through(codes_of_seeds(model, range(count)), "round")
    squares = weights(path, np.linspace(0, count, 100)).square().sum(dim=1)
    assert squares == pytest.approx(1, abs=1e-5)


def test_three_anchors_equally_far_apart_lie_on_a_circle(model):
    anchors = codes_of_seeds(model, range(3))
    corners = [torch.nn.functional.one_hot(torch.tensor(k), anchors[0].code.numel()).float() for k in range(3)]
    anchors = [
        dataclasses.replace(one, code=corner.view_as(one.code)) for one, corner in zip(anchors, corners, strict=True)
    ]
    codes, _ = points(path_through(anchors, "round"), np.linspace(0, 3, 40))
    away = (codes - sum(one.code for one in anchors) / 3).flatten(1).norm(dim=1)
    assert away == pytest.approx(float(np.sqrt(2 / 3)), abs=1e-5)


def test_straight_is_a_line(model):
    anchors = codes_of_seeds(model, range(3))
    codes, _ = points(path_through(anchors, "straight"), np.array([0.25, 2.5]))
    torch.testing.assert_close(codes[0], 0.75 * anchors[0].code + 0.25 * anchors[1].code)
    torch.testing.assert_close(codes[1], 0.5 * anchors[2].code + 0.5 * anchors[0].code)


@pytest.mark.parametrize("shape", ["round", "straight", "open"])
def test_noise_keeps_its_contrast(model, shape):
    anchors = codes_of_seeds(model, range(3))
    anchors[1] = dataclasses.replace(anchors[1], noise=tuple(3 * layer for layer in anchors[1].noise))
    _, noise = points(path_through(anchors, shape), np.array([0, 0.5, 1, 1.5, 2]))
    contrast = noise[-1].square().mean(dim=(1, 2)).sqrt().tolist()
    own = [one.noise[-1].square().mean().sqrt().item() for one in anchors]
    assert contrast[::2] == pytest.approx(own, rel=1e-5)
    assert own[0] < contrast[1] < own[1]
    if shape != "round":
        assert contrast[1] == pytest.approx((own[0] + own[1]) / 2, rel=1e-5)


def test_noise_of_none_stays_none(model):
    anchors = [
        dataclasses.replace(one, noise=tuple(torch.zeros_like(layer) for layer in one.noise))
        for one in codes_of_seeds(model, range(2))
    ]
    _, noise = points(path_through(anchors, "straight"), np.linspace(0, 1, 5))
    assert all(torch.equal(layer, torch.zeros_like(layer)) for layer in noise)


@pytest.mark.parametrize("name", ["nlpd", "pixel", "ssim"])
@pytest.mark.parametrize("shape", ["round", "straight", "open"])
def test_steps_are_even_in_the_metric(model, shape, name):
    path = path_through(codes_of_seeds(model, [1, 2, 3]), shape)
    metric = metric_of(name)
    positions = even_positions(model.generator, path, 60, metric)
    assert positions[0] == 0
    assert positions[-1] == path.length if shape == "open" else positions[-1] < path.length
    images = torch.from_numpy(images_at(model.generator, path, positions)).unsqueeze(1)
    after = images.roll(-1, 0) if path.closed else images[1:]
    here = images if path.closed else images[:-1]
    taken = metric.distance(metric.describe(here), metric.describe(after))
    assert taken.std() / taken.mean() < (0.05 if shape == "straight" else 0.02)  # lines have corners
    even = torch.from_numpy(images_at(model.generator, path, np.linspace(0, path.length, 60))).unsqueeze(1)
    uneven = metric.distance(metric.describe(even[:-1]), metric.describe(even[1:]))
    assert uneven.std() / uneven.mean() > 0.05


def test_a_slow_metric_begins_where_steps_are_even_in_a_quick_one(model):
    path = path_through(codes_of_seeds(model, [1, 2, 3]), "round")
    quick, described = metric_of("nlpd"), []

    def describe(images):
        described.append(len(images))
        return quick.describe(images)

    slow = dataclasses.replace(quick, describe=describe, quick=metric_of("pixel"))
    found = even_positions(model.generator, path, 40, slow)
    assert sum(described) % 40 == 0  # no denser row of 48
    images = torch.from_numpy(images_at(model.generator, path, found)).unsqueeze(1)
    taken = quick.distance(quick.describe(images), quick.describe(images.roll(-1, 0)))
    assert taken.std() / taken.mean() < 0.03
    already = sum(described)
    even_positions(model.generator, path, 40, dataclasses.replace(slow, quick=quick))
    assert sum(described) - already < already  # the nearer, the fewer passes


def test_slow_metrics_name_a_quick_one():
    network = Vgg16()
    assert {name: metric_of(name, network).quick is not None for name in CHOICES} == {
        "nlpd": False, "vgg": True, "ssim": False, "pixel": False, "nlpd+vgg": True
    }  # fmt: skip


def test_anchors_and_words_that_make_no_path(model, refuses):
    anchors = codes_of_seeds(model, [1, 2])
    for few in ([], anchors[:1], [anchors[0], anchors[0]]):
        with refuses("bad-anchors"):
            path_through(few, "round")
    with refuses("unknown-choice"):
        path_through(anchors, "square")


def test_a_generator_that_ignores_its_code_has_no_path(model, refuses):
    model.generator.synthesis.to_grey.weight.zero_()
    with refuses("bad-anchors"):
        even_positions(model.generator, path_through(codes_of_seeds(model, [1, 2]), "round"), 12, metric_of("pixel"))
