"""FID against independent implementations, and against what it is meant to notice."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from gan.bootstrap import one_thread
from gan.evaluation.metrics.fid import fid


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


def features(n, seed, width=16, scale=1.0, shift=0.0):
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, scale, (n, width)))


@pytest.mark.parametrize("n", [12, 200])
def test_fid_is_the_frechet_distance_also_with_fewer_images_than_features(n):
    real, fake = features(n, 4).numpy(), features(n, 5, scale=1.5, shift=0.4).numpy()
    a, b = np.cov(real.T), np.cov(fake.T)
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert fid(torch.from_numpy(real), torch.from_numpy(fake)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_fid_agrees_with_torchmetrics():
    from torchmetrics.image.fid import _compute_fid

    real, fake = features(60, 4), features(60, 5, scale=1.5, shift=0.4)
    expected = _compute_fid(real.mean(0), real.T.cov(), fake.mean(0), fake.T.cov())
    assert fid(real, fake) == pytest.approx(float(expected), rel=1e-6)


def test_fid_of_a_set_with_itself_is_zero():
    x = features(50, 6)
    assert fid(x, x) == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_variance_cut_by_thirty_percent_is_noticed():
    real, same, cut = features(800, 13), features(800, 14), features(800, 15, scale=0.7**0.5)
    assert fid(real, cut) > 1.5 * fid(real, same)


def test_weights_count_images_that_occur_several_times():
    sets = features(12, 16, width=3), features(10, 17, width=3, shift=0.6)
    weights = [torch.from_numpy(np.random.default_rng(18).integers(0, 4, len(one))) for one in sets]
    copies = [one.repeat_interleave(weight, dim=0) for one, weight in zip(sets, weights, strict=True)]
    assert fid(*sets, *(one.double() for one in weights)) == pytest.approx(fid(*copies))
