"""Precision and recall by brute force, and against what they are meant to notice."""

import numpy as np
import pytest
import torch

from gan.bootstrap import one_thread
from gan.evaluation.metrics.precision_recall import distance_pairs, precision_recall


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


def features(n, seed, width=16, scale=1.0, shift=0.0):
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, scale, (n, width)))


def test_precision_and_recall_by_brute_force():
    real, fake = features(25, 7, width=3), features(20, 8, width=3, shift=0.8)

    def covered(points, members):
        count = 0
        for point in points.numpy():
            for member in members.numpy():
                others = np.sort(np.linalg.norm(members.numpy() - member, axis=1))
                if np.linalg.norm(point - member) <= others[3]:  # the 0th is itself
                    count += 1
                    break
        return count / len(points)

    found = precision_recall(real, fake)
    assert found.precision == covered(fake, real)
    assert found.recall == covered(real, fake)


def test_lost_variety_lowers_recall_and_noise_lowers_precision():
    real = features(300, 9, width=4)
    narrow, wide = features(300, 10, width=4, scale=0.4), features(300, 11, width=4, scale=2.5)
    same = precision_recall(real, features(300, 12, width=4))
    assert precision_recall(real, narrow).recall < 0.6 * same.recall
    assert precision_recall(real, wide).precision < 0.6 * same.precision


def test_variance_cut_by_thirty_percent_is_noticed():
    real, same, cut = features(800, 13), features(800, 14), features(800, 15, scale=0.7**0.5)
    assert precision_recall(real, cut).recall < precision_recall(real, same).recall - 0.1


def test_weights_count_images_that_occur_several_times():
    """Spelled out with copies; a copy is not its own neighbour."""
    real, fake = features(12, 16, width=3), features(10, 17, width=3, shift=0.6)
    real_weights, fake_weights = (torch.from_numpy(np.random.default_rng(18).integers(0, 4, n)) for n in (12, 10))
    found = distance_pairs(real, fake).precision_recall(real_weights.double(), fake_weights.double())
    distinct = real[real_weights > 0], fake[fake_weights > 0]
    distance = torch.cdist(*distinct)
    radii = [torch.cdist(x, x).sort(dim=1).values[:, 3] for x in distinct]
    near = [(distance <= radii[0][:, None]).any(dim=0), (distance <= radii[1]).any(dim=1)]
    copies = [
        near[0].repeat_interleave(fake_weights[fake_weights > 0]),
        near[1].repeat_interleave(real_weights[real_weights > 0]),
    ]
    assert [found.precision, found.recall] == pytest.approx([float(one.double().mean()) for one in copies])
