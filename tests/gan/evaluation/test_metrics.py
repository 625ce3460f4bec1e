"""Each metric against an independent implementation, and against what it is meant to notice."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from sklearn.metrics.pairwise import polynomial_kernel

from gan.bootstrap import one_thread
from gan.evaluation.metrics import compare, fid, kid, precision_recall


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


def draws(n, seed, width=16, scale=1.0, shift=0.0):
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, scale, (n, width)))


def test_kid_is_the_unbiased_mmd_of_scikit_learns_kernel():
    real, fake = draws(40, 0).numpy(), draws(30, 1, shift=0.5).numpy()
    kernel = lambda x, y: polynomial_kernel(x, y, degree=3, gamma=1 / 16, coef0=1)  # noqa: E731
    off_diagonal = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))  # noqa: E731
    expected = off_diagonal(kernel(real, real)) + off_diagonal(kernel(fake, fake)) - 2 * kernel(real, fake).mean()
    assert kid(torch.from_numpy(real), torch.from_numpy(fake)) == pytest.approx(expected)


def test_kid_agrees_with_torchmetrics():
    from torchmetrics.image.kid import poly_mmd

    real, fake = draws(50, 2), draws(50, 3, shift=0.3)
    assert kid(real, fake) == pytest.approx(float(poly_mmd(real, fake)), rel=1e-6)


def test_kid_is_zero_on_average_for_equal_distributions_at_any_number():
    for n in (10, 40):
        values = [kid(draws(n, 2 * i), draws(n, 2 * i + 1)) for i in range(150)]
        assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(150)


@pytest.mark.parametrize("n", [12, 200])
def test_fid_is_the_frechet_distance_also_with_fewer_images_than_features(n):
    real, fake = draws(n, 4).numpy(), draws(n, 5, scale=1.5, shift=0.4).numpy()
    a, b = np.cov(real.T), np.cov(fake.T)
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert fid(torch.from_numpy(real), torch.from_numpy(fake)) == pytest.approx(expected, rel=1e-4)


def test_fid_agrees_with_torchmetrics():
    from torchmetrics.image.fid import _compute_fid

    real, fake = draws(60, 4), draws(60, 5, scale=1.5, shift=0.4)
    expected = _compute_fid(real.mean(0), real.T.cov(), fake.mean(0), fake.T.cov())
    assert fid(real, fake) == pytest.approx(float(expected), rel=1e-6)


def test_fid_of_a_set_with_itself_is_zero():
    x = draws(50, 6)
    assert fid(x, x) == pytest.approx(0, abs=1e-9)


def test_precision_and_recall_by_brute_force():
    real, fake = draws(25, 7, width=3), draws(20, 8, width=3, shift=0.8)

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
    real = draws(300, 9, width=4)
    narrow, wide = draws(300, 10, width=4, scale=0.4), draws(300, 11, width=4, scale=2.5)
    same = precision_recall(real, draws(300, 12, width=4))
    assert precision_recall(real, narrow).recall < 0.6 * same.recall
    assert precision_recall(real, wide).precision < 0.6 * same.precision


def test_every_distance_notices_variance_cut_by_thirty_percent():
    real, same, cut = draws(800, 13), draws(800, 14), draws(800, 15, scale=0.7**0.5)
    assert kid(real, cut) > 4 * abs(kid(real, same))
    assert fid(real, cut) > 1.5 * fid(real, same)
    assert precision_recall(real, cut).recall < precision_recall(real, same).recall - 0.1


def test_weights_stand_for_images_that_are_there_several_times():
    """Spelled out with copies; a copy makes no pair with itself and is no neighbour of itself."""
    real, fake = draws(12, 16, width=3), draws(10, 17, width=3, shift=0.6)
    real_weights, fake_weights = (torch.from_numpy(np.random.default_rng(18).integers(0, 4, n)) for n in (12, 10))
    real_copies, fake_copies = (
        torch.arange(12).repeat_interleave(real_weights),
        torch.arange(10).repeat_interleave(fake_weights),
    )
    pairs, weights = compare(real, fake), (real_weights.double(), fake_weights.double())

    def mean_kernel(x, y, left, right):
        values = [
            (float(x[i] @ y[j]) / 3 + 1) ** 3 for i in left.tolist() for j in right.tolist() if x is not y or i != j
        ]
        return np.mean(values)

    expected = mean_kernel(real, real, real_copies, real_copies) + mean_kernel(fake, fake, fake_copies, fake_copies)
    expected -= 2 * mean_kernel(real, fake, real_copies, fake_copies)
    assert pairs.kid(*weights) == pytest.approx(expected)
    assert pairs.fid(*weights) == pytest.approx(fid(real[real_copies], fake[fake_copies]))
    found, distinct = pairs.precision_recall(*weights), (real[real_weights > 0], fake[fake_weights > 0])
    distance = torch.cdist(*distinct)
    radii = [torch.cdist(x, x).sort(dim=1).values[:, 3] for x in distinct]
    near = [(distance <= radii[0][:, None]).any(dim=0), (distance <= radii[1]).any(dim=1)]
    copies = [
        near[0].repeat_interleave(fake_weights[fake_weights > 0]),
        near[1].repeat_interleave(real_weights[real_weights > 0]),
    ]
    assert [found.precision, found.recall] == pytest.approx([float(one.double().mean()) for one in copies])


def test_pairs_within_a_group_do_not_count_towards_kid():
    real, fake = draws(6, 19, width=2).numpy(), draws(5, 20, width=2).numpy()
    groups = np.array([0, 0, 1, 2, 2, 2])
    kernel = lambda x, y: (x @ y / 2 + 1) ** 3  # noqa: E731
    within = [kernel(real[i], real[j]) for i in range(6) for j in range(6) if groups[i] != groups[j]]
    other = [kernel(fake[i], fake[j]) for i in range(5) for j in range(5) if i != j]
    between = [kernel(x, y) for x in real for y in fake]
    expected = np.mean(within) + np.mean(other) - 2 * np.mean(between)
    assert kid(torch.from_numpy(real), torch.from_numpy(fake), groups) == pytest.approx(expected)
