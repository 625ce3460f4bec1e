"""KID against independent implementations, and against what it is meant to notice."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from gan.bootstrap import one_thread
from gan.evaluation.metrics.kid import kernel_pairs, kid


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


def features(n, seed, width=16, scale=1.0, shift=0.0):
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, scale, (n, width)))


def test_kid_is_the_unbiased_mmd_of_scikit_learns_kernel():
    real, fake = features(40, 0).numpy(), features(30, 1, shift=0.5).numpy()
    kernel = lambda x, y: polynomial_kernel(x, y, degree=3, gamma=1 / 16, coef0=1)  # noqa: E731
    off_diagonal = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))  # noqa: E731
    expected = off_diagonal(kernel(real, real)) + off_diagonal(kernel(fake, fake)) - 2 * kernel(real, fake).mean()
    assert kid(torch.from_numpy(real), torch.from_numpy(fake)) == pytest.approx(expected)


def test_kid_agrees_with_torchmetrics():
    from torchmetrics.image.kid import poly_mmd

    real, fake = features(50, 2), features(50, 3, shift=0.3)
    assert kid(real, fake) == pytest.approx(float(poly_mmd(real, fake)), rel=1e-6)


def test_kid_is_zero_on_average_for_equal_distributions_at_any_number():
    for n in (10, 40):
        values = [kid(features(n, 2 * i), features(n, 2 * i + 1)) for i in range(150)]
        assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(150)


def test_pairs_within_a_group_do_not_count_towards_kid():
    real, fake = features(6, 19, width=2).numpy(), features(5, 20, width=2).numpy()
    groups = np.array([0, 0, 1, 2, 2, 2])
    kernel = lambda x, y: (x @ y / 2 + 1) ** 3  # noqa: E731
    within = [kernel(real[i], real[j]) for i in range(6) for j in range(6) if groups[i] != groups[j]]
    other = [kernel(fake[i], fake[j]) for i in range(5) for j in range(5) if i != j]
    between = [kernel(x, y) for x in real for y in fake]
    expected = np.mean(within) + np.mean(other) - 2 * np.mean(between)
    assert kid(torch.from_numpy(real), torch.from_numpy(fake), groups) == pytest.approx(expected)


def test_variance_cut_by_thirty_percent_is_noticed():
    real, same, cut = features(800, 13), features(800, 14), features(800, 15, scale=0.7**0.5)
    assert kid(real, cut) > 4 * abs(kid(real, same))


def test_weights_count_images_that_occur_several_times():
    """Spelled out with copies; a copy makes no pair with itself."""
    real, fake = features(12, 16, width=3), features(10, 17, width=3, shift=0.6)
    weights = [torch.from_numpy(np.random.default_rng(18).integers(0, 4, n)) for n in (12, 10)]
    real_copies, fake_copies = (torch.arange(len(one)).repeat_interleave(one).tolist() for one in weights)

    def mean_kernel(x, y, left, right):
        return np.mean([(float(x[i] @ y[j]) / 3 + 1) ** 3 for i in left for j in right if x is not y or i != j])

    expected = mean_kernel(real, real, real_copies, real_copies) + mean_kernel(fake, fake, fake_copies, fake_copies)
    expected -= 2 * mean_kernel(real, fake, real_copies, fake_copies)
    assert kernel_pairs(real, fake).kid(*(one.double() for one in weights)) == pytest.approx(expected)
