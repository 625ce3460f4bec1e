"""The one-shot moments against their definition, written out kernel by kernel."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from analysis.mrmc import ustatistics
from analysis.readings import Readings, from_matrix
from analysis.roc import roc

TRUTH = ["generated"] * 3 + ["real"] * 4
# Which of the 3 + 4 images each reader rated; the second and fourth of the partly crossed share real ones only.
DESIGNS = {
    "crossed": ["1111111", "1111111", "1111111", "1111111"],
    "partly crossed": ["1111111", "1101011", "0111110", "0010111"],
    "split-plot": ["1101100", "0010011", "1101100", "0010011"],
}


def study(design: str, seed: int = 1) -> Readings:
    rating = np.random.default_rng(seed).integers(-2, 3, (4, 7)).astype(float)
    rated = np.array([list(row) for row in DESIGNS[design]]) == "1"
    return from_matrix(TRUTH, np.where(rated, rating, np.nan))


def kernels(readings: Readings) -> list[tuple[int, int, int, float]]:
    """(reader, generated image, real image, kernel) for every pair of images that a reader rated."""
    return [
        (r, int(j), int(i), 1.0 if x > y else 0.5 if x == y else 0.0)
        for r, one in enumerate(readings.readings)
        for j, x in zip(one.generated, one.generated_rating, strict=True)
        for i, y in zip(one.real, one.real_rating, strict=True)
    ]


def brute_force_moments(readings: Readings) -> npt.NDArray[np.float64]:
    """Gallas (2006), equations 11–18: the mean product of two kernels, by what they share."""
    total, count = np.zeros(8), np.zeros(8)
    for (r, j, i, s), (r2, j2, i2, s2) in product(kernels(readings), repeat=2):
        kind = 4 * (r != r2) + 2 * (j != j2) + (i != i2)
        total[kind] += s * s2
        count[kind] += 1
    with np.errstate(invalid="ignore"):
        return total / count


@pytest.mark.parametrize("design", DESIGNS)
def test_moments_are_the_mean_products_of_kernels(design: str) -> None:
    readings = study(design)
    assert readings.design == design
    moments = ustatistics.second_moments(ustatistics.kernel_sums(readings))
    np.testing.assert_allclose(moments, brute_force_moments(readings), rtol=0, atol=1e-12)


def test_moments_that_the_design_does_not_have_are_nan() -> None:
    own_images = from_matrix(
        ["generated", "generated", "real", "real"] * 2, [[1, 2, 3, 1, *[np.nan] * 4], [*[np.nan] * 4, 4, 1, 2, 2]]
    )
    moments = ustatistics.second_moments(ustatistics.kernel_sums(own_images))
    np.testing.assert_array_equal(np.isnan(moments), [False] * 4 + [True] * 3 + [False])


@pytest.mark.parametrize("design", DESIGNS)
def test_covariance_is_the_product_of_aucs_less_that_of_kernels_apart(design: str) -> None:
    readings = study(design, 4)
    sums = ustatistics.kernel_sums(readings)
    found, every = ustatistics.unbiased_covariance(sums), kernels(readings)
    for r, r2 in product(range(4), repeat=2):
        apart = [
            s * s2
            for (a, j, i, s), (b, j2, i2, s2) in product(every, repeat=2)
            if (a, b) == (r, r2) and j != j2 and i != i2
        ]
        expected = sums.auc[r] * sums.auc[r2] - np.mean(apart) if apart else np.nan
        assert found[r, r2] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_readers_without_a_shared_image_have_no_covariance() -> None:
    found = ustatistics.unbiased_covariance(ustatistics.kernel_sums(study("split-plot")))
    assert found[0, 1] == 0
    assert found[0, 2] != 0


def test_few_shared_images_among_many_give_the_same_sums() -> None:
    """Sparse and dense products: 30 readers with 3 + 3 of 40 + 40 images each, against their plain definition."""
    rng = np.random.default_rng(3)
    rating = np.full((30, 80), np.nan)
    for row in rating:
        own = np.concatenate([rng.permutation(40)[:3], 40 + rng.permutation(40)[:3]])
        row[own] = rng.integers(0, 4, 6)
    sums = ustatistics.kernel_sums(
        from_matrix(["generated"] * 40 + ["real"] * 40, rating, [f"{r:02d}" for r in range(30)])
    )
    x, y = rating[:, :40, np.newaxis], rating[:, np.newaxis, 40:]
    s = (x > y) + 0.5 * (x == y)
    np.testing.assert_allclose(sums.pairs, np.einsum("rji,qji->rq", s, s), atol=1e-12)
    np.testing.assert_allclose(sums.by_generated, np.einsum("rj,qj->rq", s.sum(2), s.sum(2)), atol=1e-12)
    np.testing.assert_allclose(sums.by_real, np.einsum("ri,qi->rq", s.sum(1), s.sum(1)), atol=1e-12)
    there = ~np.isnan(rating[:, :40])
    np.testing.assert_array_equal(sums.shared_generated, there.astype(float) @ there.T)


def test_influence_is_the_differential_of_the_auc() -> None:
    """Doubling one image's weight in tiny steps moves the AUC by its influence (finite difference)."""
    readings = study("crossed")
    generated, real = ustatistics.influences(ustatistics.kernel_sums(readings))
    s = ustatistics.kernel(readings.readings[1]).astype(float)
    step = 1e-6
    for j in range(3):
        weight = np.ones(3)
        weight[j] += step
        assert (np.average(s.mean(axis=1), weights=weight) - s.mean()) / step == pytest.approx(
            generated[1][j], abs=1e-5
        )
    for i in range(4):
        weight = np.ones(4)
        weight[i] += step
        assert (np.average(s.mean(axis=0), weights=weight) - s.mean()) / step == pytest.approx(real[1][i], abs=1e-5)


def test_auc_and_influences_give_one_observers_roc() -> None:
    rng = np.random.default_rng(4)
    truth, rating = np.array(["generated"] * 20 + ["real"] * 30), rng.integers(-4, 5, 50).astype(float)
    sums = ustatistics.kernel_sums(from_matrix(truth, rating[np.newaxis]))
    one = roc.roc_auc(truth, rating)
    (generated,), (real,) = ustatistics.influences(sums)
    assert sums.auc[0] == pytest.approx(one.auc, abs=1e-12)
    variance = np.sum(generated**2) * 20 / 19 + np.sum(real**2) * 30 / 29
    assert variance == pytest.approx(one.se**2, abs=1e-12)
