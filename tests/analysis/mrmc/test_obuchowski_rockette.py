"""Obuchowski & Rockette's analysis against the published one of Van Dyke et al.'s study (1993, Radiology 186:A).

Five readers, 45 patients with and 69 without aortic dissection, single spin-echo and cine MRI. The AUCs and
covariances are those that OR-DBM MRMC 2.51 (Schartz, Hillis, Pesce & Berbaum, University of Iowa) and MRMCaov
(Smith, Hillis & Pesce) print; so are the results. The ratings themselves are not kept here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.mrmc import mrmc, obuchowski_rockette
from analysis.mrmc.auc_covariance import Method
from analysis.mrmc.obuchowski_rockette import Covariances
from analysis.readings import from_matrix

AUCS = [
    [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066],
    [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
]
# Jackknife, DeLong and unbiased: error, cov1, cov2, cov3; then error and cov2 of each modality.
JACKKNIFE = Covariances(0.00080228827, 0.00034661371, 0.00034407483, 0.00023902837)
DELONG = Covariances(0.0007921325, 0.0003420090, 0.0003395265, 0.0002358497)
UNBIASED = Covariances(0.0007883925, 0.0003416706, 0.0003390650, 0.0002356148)
ALONE = (
    Covariances(0.0010141028, math.nan, 0.0004839618, math.nan),
    Covariances(0.0005904738, math.nan, 0.0002041879, math.nan),
)


@pytest.mark.parametrize(
    ("errors", "se", "df", "f", "p", "low", "high", "reader", "rest"),
    [
        (JACKKNIFE, 0.02075, 15.26, 4.46, 0.0517, -0.08796, 0.00036, 0.00153500, 0.00020040),
        (DELONG, 0.0206825, 15.06611, 4.484854, 0.05123303, -0.08786720, 0.00026655, 0.0015364254, 0.0002045840),
        (UNBIASED, 0.02067154, 15.03418, 4.489614, 0.0511618, -0.08785194, 0.00025130, 0.0015365290, 0.0002077588),
    ],
)
def test_published_comparison(
    errors: Covariances, se: float, df: float, f: float, p: float, low: float, high: float, reader: float, rest: float
) -> None:
    found = obuchowski_rockette.from_two_aucs(AUCS, errors, ALONE, level=0.95)
    assert found.difference == pytest.approx(-0.04380032, abs=1e-8)
    assert (found.ms_modality, found.ms_reader) == pytest.approx((0.00479617, 0.00383620), abs=1e-8)
    assert found.ms_reader_modality == pytest.approx(0.00055103, abs=1e-8)
    assert found.se == pytest.approx(se, abs=5e-6)
    assert (found.df, found.f) == pytest.approx((df, f), abs=5e-3)
    assert found.p == pytest.approx(p, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-6)
    assert (found.reader_variance, found.reader_modality_variance) == pytest.approx((reader, rest), abs=2e-8)


def test_published_single_modalities() -> None:
    found = obuchowski_rockette.from_two_aucs(AUCS, JACKKNIFE, ALONE, level=0.95)
    for one, expected in (
        (found.first, (0.89703704, 0.03317360, 0.82522360, 0.96885048, 0.00308263)),
        (found.second, (0.94083736, 0.02156637, 0.89413783, 0.98753689, 0.00130460)),
    ):
        assert (one.auc, one.se, one.low, one.high, one.ms_reader) == pytest.approx(expected, abs=1e-7)
    assert (found.first.df, found.second.df) == pytest.approx((12.74, 12.71), abs=5e-3)


def test_published_analysis_of_these_readers_only() -> None:
    found = obuchowski_rockette.from_two_aucs(AUCS, JACKKNIFE, ALONE, level=0.95, readers="fixed")
    assert (found.f, found.p) == pytest.approx((5.475953, 0.01927984), abs=1e-5)
    assert (found.se, found.low, found.high) == pytest.approx((0.01871748, -0.08048591, -0.00711473), abs=1e-7)
    assert (found.first.se, found.first.low, found.first.high) == pytest.approx(
        (0.02428971, 0.84943008, 0.94464399), abs=1e-7
    )


def test_published_analysis_of_these_images_only() -> None:
    found = obuchowski_rockette.from_two_aucs(AUCS, JACKKNIFE, ALONE, level=0.95, images="fixed")
    assert (found.f, found.df, found.p) == pytest.approx((8.704, 4, 0.04195875), abs=1e-4)
    assert (found.se, found.low, found.high) == pytest.approx((0.01484629, -0.08502022, -0.00258042), abs=1e-7)
    assert (found.second.se, found.second.low) == pytest.approx((0.01615303, 0.89598936), abs=1e-7)


def test_published_comparison_with_other_images_in_each_modality() -> None:
    """MRMCaov, cases nested within treatments: no covariance between modalities."""
    errors = Covariances(8.058382e-04, 0.0, 3.455973e-04, 0.0)
    found = obuchowski_rockette.from_two_aucs(AUCS, errors, ALONE, level=0.95)
    assert (found.f, found.p) == pytest.approx((2.104491, 0.1514363), abs=1e-5)
    assert found.df == pytest.approx(68.42325, abs=1e-3)


@pytest.mark.parametrize("method", ["unbiased", "delong", "jackknife", "bootstrap"])
def test_the_covariances_of_two_modalities_come_from_their_places(method: Method) -> None:
    """Against the mean over readers of the same entries of one matrix, for each method the one for all readings."""
    from analysis.mrmc.auc_covariance import covariance
    from analysis.mrmc.ustatistics import kernel_sums
    from analysis.readings import from_trials

    trials = _trials()
    study = from_trials(trials)
    every = covariance(study, kernel_sums(study), method)
    found = obuchowski_rockette.difference(trials, method)
    r = range(4)
    assert found.error == pytest.approx(np.mean(np.diag(every)))
    assert found.cov1 == pytest.approx(np.mean([every[i, 4 + i] for i in r]))
    assert found.cov2 == pytest.approx(np.mean([every[t + i, t + j] for t in (0, 4) for i in r for j in r if i != j]))
    assert found.cov3 == pytest.approx(np.mean([every[i, 4 + j] for i in r for j in r if i != j]))
    alone = obuchowski_rockette.auc(trials[trials["modality"] == "a"], method)
    if method != "bootstrap":  # whose draws differ
        assert alone.to_dict() == pytest.approx(found.first.to_dict(), nan_ok=True)


def test_unbiased_covariances_give_gallas_standard_error() -> None:
    """Two derivations of one number, in crossed and partly crossed designs, for one modality and two."""
    trials = _trials()
    gaps = trials.assign(rating=trials["rating"].mask(np.random.default_rng(2).random(len(trials)) < 0.1))
    for data in (trials, gaps):
        for options in ({}, {"readers": "fixed"}, {"images": "fixed"}):
            a, b = mrmc.mrmc_difference(data, **options), obuchowski_rockette.difference(data, "unbiased", **options)  # type: ignore[arg-type]
            assert b.se == pytest.approx(a.se, abs=1e-12)
            assert b.difference == pytest.approx(a.difference, abs=1e-12)
            one = data[data["modality"] == "b"]
            assert obuchowski_rockette.auc(one, "unbiased", **options).se == pytest.approx(
                mrmc.mrmc_auc(one, **options).se, abs=1e-12
            )  # type: ignore[arg-type]


def test_a_negative_cov2_counts_as_nothing() -> None:
    errors = Covariances(0.001, math.nan, -0.0005, math.nan)
    found = obuchowski_rockette.from_aucs([0.5, 0.55, 0.6], errors)
    assert found.se**2 == pytest.approx(found.ms_reader / 3)
    assert found.df == pytest.approx(2)
    assert found.reader_variance == pytest.approx(found.ms_reader - 0.001 - 0.0005)


def test_too_little_is_undefined_with_a_reason() -> None:
    errors = Covariances(0.001, math.nan, 0.0, math.nan)
    assert "one participant" in str(obuchowski_rockette.from_aucs([0.6], errors).reason)
    assert obuchowski_rockette.from_aucs([0.6], errors, readers="fixed").se == pytest.approx(np.sqrt(0.001))
    assert "no participant" in str(obuchowski_rockette.from_aucs([], errors).reason)
    nobody = obuchowski_rockette.auc(from_matrix(["generated", "real"], [[1, np.nan]]))
    assert math.isnan(nobody.auc)
    one = obuchowski_rockette.difference(_trials().query("participant == 'p0'"))
    assert "one participant" in str(one.reason)
    assert obuchowski_rockette.difference(_trials().query("participant == 'p0'"), readers="fixed").se > 0


def test_wrong_questions_are_refused(refuses: Any) -> None:
    trials = _trials()
    with refuses("several-modalities"):
        obuchowski_rockette.auc(trials)
    with refuses("not-two-modalities"):
        obuchowski_rockette.difference(trials[trials["modality"] == "a"])
    with refuses("no-auc"):
        obuchowski_rockette.difference(trials.assign(participant=trials["participant"] + trials["modality"]))
    with refuses("nothing-sampled"):
        obuchowski_rockette.from_aucs([0.5, 0.6], JACKKNIFE, readers="fixed", images="fixed")


def _trials() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    image = rng.normal(size=30)
    rows = [
        (f"p{r}", f"s{i}", "generated" if i < 14 else "real", round(rating, 1), modality)
        for modality in "ab"
        for r in range(4)
        for i, rating in enumerate(image + rng.normal(size=30) + 0.6 * (np.arange(30) < 14))
    ]
    return pd.DataFrame(rows, columns=["participant", "stimulus_id", "truth", "rating", "modality"])
