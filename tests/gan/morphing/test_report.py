"""Measures of loops on points of known geometry."""

import numpy as np
import pytest
import torch

from gan.morphing.metrics import describe, metric_of
from gan.morphing.report import far_side, folds, realism, report
from gan.networks.features import Vgg16, pooled_features


def pairs_of(points):
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def polygon(corners, count):
    """Points at even distances along the edges of a closed polygon with equal sides."""
    place = np.arange(count) * len(corners) / count
    start, share = place.astype(int), (place % 1)[:, None]
    return corners[start] * (1 - share) + corners[(start + 1) % len(corners)] * share


ANGLE = 2 * np.pi * np.arange(48) / 48
CIRCLE = np.stack([np.cos(ANGLE), np.sin(ANGLE)], axis=1)
TRIANGLE = polygon(np.eye(3), 48)
BACK_AND_FORTH = polygon(np.array([[0.0], [1.0]]), 48)


def test_the_far_side_of_a_circle_is_opposite():
    found = far_side(pairs_of(CIRCLE))
    assert found["growth"] == pytest.approx(np.sqrt(2))
    assert found["farthest_deg"] == pytest.approx(180)


def test_of_a_triangle_it_is_not():
    assert far_side(pairs_of(TRIANGLE))["farthest_deg"] < 170
    assert far_side(pairs_of(TRIANGLE))["growth"] < 1.38


def test_only_what_comes_back_is_folded():
    assert folds(pairs_of(CIRCLE)) == 0
    assert folds(pairs_of(TRIANGLE)) == 0
    assert folds(pairs_of(BACK_AND_FORTH)) > 0.6
    eight = np.stack([np.sin(ANGLE), np.sin(2 * ANGLE)], axis=1)
    assert 0 < folds(pairs_of(eight)) < 0.6


def measured(images, metric, closed, vgg16):
    return report(images, metric, describe(metric, images), closed, vgg16)


def test_the_report_has_every_metric_that_fits():
    images = np.random.default_rng(0).random((12, 16, 16), dtype=np.float32)
    torch.manual_seed(0)
    found = measured(images, metric_of("nlpd"), True, Vgg16())
    assert set(found["variation"]) == {"nlpd", "vgg", "ssim", "pixel"}
    steps = np.sqrt(np.square(np.roll(images, -1, 0) - images).mean(axis=(1, 2)))
    assert found["variation"]["pixel"] == pytest.approx(steps.std() / steps.mean(), rel=1e-3)
    both = measured(images, metric_of("nlpd+vgg", Vgg16()), True, Vgg16())
    assert set(both["variation"]) == {"nlpd", "vgg", "ssim", "pixel", "nlpd+vgg"}
    without = measured(images[:, :8, :8], metric_of("nlpd"), False, None)
    assert set(without) == {"variation"}
    assert set(without["variation"]) == {"nlpd", "pixel"}


def test_realism_is_the_distance_to_the_nearest_patch(patches, refuses):
    torch.manual_seed(0)
    network = Vgg16()
    table = patches.table
    real = np.stack([patches.read(row) for row in table.itertuples()])
    found = realism(network, real[:1], real[:3] * 0.5, patches)
    assert found["anchors"] == pytest.approx(0, abs=1e-6)
    features = pooled_features(network, real).numpy()
    dark = pooled_features(network, real[:3] * 0.5).numpy()
    nearest = [min(np.linalg.norm(one - other) for other in features) for one in dark]
    assert found["midpoints"] == pytest.approx(np.median(nearest), rel=1e-6)
    patients = table["patient"].to_numpy()
    others = [
        min(np.linalg.norm(features[k] - features[j]) for j in range(len(real)) if patients[j] != patients[k])
        for k in range(len(real))
    ]
    assert found["real_patches"] == pytest.approx(np.median(others), rel=1e-6)
    with refuses("wrong-size"):
        realism(network, np.zeros((1, 32, 32), np.float32), np.zeros((1, 32, 32), np.float32), patches)
