"""Covariances of readers' AUCs: each method against its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from analysis.mrmc import auc_covariance
from analysis.mrmc.ustatistics import kernel_sums
from analysis.readings import Readings, from_matrix
from analysis.roc import roc

TRUTH = np.array(["generated"] * 12 + ["real"] * 15)


def ratings(seed: int = 1) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=(4, 27)) + rng.normal(size=27) + 0.5 * (TRUTH == "generated"), 1)


def covariance(study: Readings, method: auc_covariance.Method, **more: int) -> npt.NDArray[np.float64]:
    return auc_covariance.covariance(study, kernel_sums(study), method, **more)


def test_delong_is_the_definition() -> None:
    """DeLong, DeLong & Clarke-Pearson (1988): S10 / m + S01 / n from the components V10 and V01."""
    x, y = ratings()[:, :12, np.newaxis], ratings()[:, np.newaxis, 12:]
    s = (x > y) + 0.5 * (x == y)
    expected = np.cov(s.mean(axis=2)) / 12 + np.cov(s.mean(axis=1)) / 15
    found = covariance(from_matrix(TRUTH, ratings()), "delong")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.sqrt(found[2, 2]) == pytest.approx(roc.roc_auc(TRUTH, ratings()[2]).se)


@pytest.mark.slow
@pytest.mark.parametrize("missing", [False, True])
def test_jackknife_leaves_out_one_image_at_a_time(missing: bool) -> None:
    """Each image of the study in turn, for the readers who rated it, with scikit-learn's AUC of the rest."""
    rating = ratings()
    if missing:
        rating[0, 3] = rating[1, 14] = rating[2, 20] = np.nan
    without = np.array([[_auc(row, leave_out) for leave_out in range(27)] for row in rating])
    deviation = without - without.mean(axis=1, keepdims=True)
    expected = deviation @ deviation.T * 26 / 27
    found = covariance(from_matrix(TRUTH, rating), "jackknife")
    # An image that a reader did not rate leaves his AUC where it was, so the mean moves a little in the definition.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_bootstrap_comes_near_delong_and_repeats_by_seed() -> None:
    """Of 20,000 resamples; the bootstrap's variances are (m − 1)/m and (n − 1)/n of DeLong's, to first order."""
    study = from_matrix(TRUTH, ratings())
    found = covariance(study, "bootstrap", resamples=20_000)
    np.testing.assert_allclose(found, covariance(study, "delong") * 0.925, rtol=0.08)
    np.testing.assert_array_equal(found, covariance(study, "bootstrap", resamples=20_000))
    assert (
        covariance(study, "bootstrap", resamples=10, seed=1)[0, 0] != covariance(study, "bootstrap", resamples=10)[0, 0]
    )


@pytest.mark.slow
def test_bootstrap_is_the_auc_of_resampled_images() -> None:
    """With the same draws, one resample after the other by scikit-learn."""
    rating = ratings()
    rng = np.random.default_rng(0)
    generated, real = (rng.multinomial(count, np.full(count, 1 / count), size=50) for count in (12, 15))
    aucs = []
    for m, n in zip(generated, real, strict=True):
        images = np.repeat(np.arange(27), np.concatenate([m, n]))
        aucs.append([roc_auc_score(TRUTH[images] == "generated", row[images]) for row in rating])
    found = covariance(from_matrix(TRUTH, rating), "bootstrap", resamples=50)
    np.testing.assert_allclose(found, np.cov(np.transpose(aucs)), atol=1e-12)


def test_methods_that_need_a_crossed_design_say_so(refuses: Any) -> None:
    rating = ratings()
    rating[0, 0] = np.nan
    for method in ("delong", "bootstrap"):
        with refuses("design-not-crossed"):
            covariance(from_matrix(TRUTH, rating), method)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["unbiased", "delong", "jackknife"])
def test_a_single_image_of_a_class_has_no_covariance(method: auc_covariance.Method) -> None:
    study = from_matrix(["generated", "real", "real"], [[2, 1, 3], [3, 1, 2]])
    assert np.isnan(covariance(study, method)).all()


def _auc(row: npt.NDArray[np.float64], leave_out: int) -> float:
    kept = ~np.isnan(row) & (np.arange(27) != leave_out)
    return float(roc_auc_score(TRUTH[kept] == "generated", row[kept]))
