"""Cross-validation by patient: against scikit-learn, and its interval, null distribution and power by simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from analysis.image_cues.crossvalidation import CrossValidated, cross_validate, fewest_in_training, fold_of
from analysis.image_cues.model_observer import hotelling

TRUTH = np.array(["real"] * 50 + ["generated"] * 50)
SIGNAL = TRUTH == "generated"


def test_auc_is_that_of_scikit_learns_discriminant_in_the_same_folds() -> None:
    """Pairs within folds counted one by one; equal but for the ridge, to .002."""
    features = _features(np.random.default_rng(1), 0.7)
    found = cross_validate(features, TRUTH, None, hotelling, permutations=19)
    right, pairs = 0.0, 0
    for one in range(5):
        train, test = found.fold != one, found.fold == one
        model = LinearDiscriminantAnalysis(solver="lsqr").fit(features[train], SIGNAL[train])
        score = model.decision_function(features[test])
        generated, real = score[SIGNAL[test]], score[~SIGNAL[test]]
        right += sum(float(a > b) for a in generated for b in real)
        pairs += generated.size * real.size
    assert found.auc == pytest.approx(right / pairs, abs=0.002)


@pytest.mark.slow
def test_at_chance_p_and_interval_keep_their_promise() -> None:
    """150 sets at chance: standard errors of .018. Unwidened, the interval would cover .86."""
    results = _simulate(150, 0.0)
    assert np.mean([one.p <= 0.05 for one in results]) < 0.11
    assert np.mean([one.auc > one.null_high for one in results]) < 0.11
    assert np.mean([one.low <= 0.5 <= one.high for one in results]) > 0.9
    assert np.mean([one.auc for one in results]) == pytest.approx(0.5, abs=0.025)
    plain = [abs(one.auc - 0.5) <= 1.96 * one.se / one.widening for one in results]
    assert np.mean(plain) < 0.92


@pytest.mark.slow
def test_the_smallest_detectable_auc_is_found_with_80_percent_power() -> None:
    """150 sets whose mean AUC is the smallest detectable one (d′ = .78): the standard error is .033."""
    results = _simulate(150, 0.78)
    mean = np.mean([one.auc for one in results])
    assert mean == pytest.approx(np.mean([one.smallest_detectable for one in results]), abs=0.015)
    assert np.mean([one.p <= 0.05 for one in results]) == pytest.approx(0.8, abs=0.1)
    assert np.mean([one.low <= mean <= one.high for one in results]) > 0.92


def test_folds_keep_patients_whole_and_classes_even() -> None:
    codes = np.concatenate([np.repeat(np.arange(25), 2), 100 + np.arange(50)])
    fold = fold_of(SIGNAL, codes, 5, seed=3)
    assert fold is not None
    for patient in range(25):
        assert np.unique(fold[codes == patient]).size == 1
    assert all(np.sum((fold == one) & kind) == 10 for one in range(5) for kind in (SIGNAL, ~SIGNAL))
    assert fewest_in_training(SIGNAL, fold) == 40
    assert np.any(fold != fold_of(SIGNAL, codes, 5, seed=4))
    # Seven patients of four real images cannot be dealt evenly; that must not unbalance the generated images.
    signal, codes = np.arange(56) >= 28, np.concatenate([np.repeat(np.arange(7), 4), 7 + np.arange(28)])
    fold = fold_of(signal, codes, 5, seed=0)
    assert fold is not None
    assert sorted(np.bincount(fold[signal])) == [5, 5, 6, 6, 6]
    assert sorted(np.bincount(fold[~signal])) == [4, 4, 4, 8, 8]


def test_near_copies_of_a_patient_leak_without_groups() -> None:
    """At chance, with 12 patients of four near copies each on either side, ungrouped folds find what is not there."""
    rng = np.random.default_rng(5)
    patients = np.repeat(np.arange(24), 4)
    truth = np.repeat(["real", "generated"], 48)
    kept, leaked = [], []
    for _ in range(30):
        features = np.repeat(rng.normal(size=(24, 4)), 4, axis=0) + 0.1 * rng.normal(size=(96, 4))
        kept.append(cross_validate(features, truth, patients, hotelling, permutations=19).auc)
        leaked.append(cross_validate(features, truth, None, hotelling, permutations=19).auc)
    assert np.mean(kept) == pytest.approx(0.5, abs=0.08)
    assert np.mean(leaked) > 0.65


def test_relabellings_keep_patients_whole() -> None:
    seen: list[npt.NDArray[np.bool_]] = []

    def spy(train: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_], test: npt.NDArray[np.float64]):
        seen.append(labels)
        return hotelling(train, labels, test)

    codes = np.concatenate([np.repeat(np.arange(25), 2), 25 + np.arange(50)])
    # The features name the image, so that labels can be traced to patients.
    found = cross_validate(np.arange(100.0)[:, None], TRUTH, codes, spy, permutations=50)
    train = codes[found.fold != 0]
    np.testing.assert_array_equal(seen[0][0], SIGNAL[found.fold != 0])
    for labels in seen[0][1:]:
        assert all(np.unique(labels[train == patient]).size <= 1 for patient in range(25))
    assert np.unique(seen[0], axis=0).shape[0] == 51


def test_a_patient_with_both_classes_is_relabelled_within() -> None:
    """Pairs of a real image and its changed copy: each keeps one of either kind."""
    seen: list[npt.NDArray[np.bool_]] = []

    def spy(train: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_], test: npt.NDArray[np.float64]):
        seen.append(labels)
        return hotelling(train, labels, test)

    codes = np.tile(np.arange(50), 2)
    found = cross_validate(_features(np.random.default_rng(6), 0), TRUTH, codes, spy, permutations=30)
    train = codes[found.fold != 0]
    for labels in seen[0]:
        assert all(labels[train == pair].sum() == 1 for pair in np.unique(train))
    assert np.unique(seen[0], axis=0).shape[0] == 31


def test_too_few_patients_are_undefined() -> None:
    features = _features(np.random.default_rng(7), 1)
    found = cross_validate(features, TRUTH, ["p1"] * 50 + [""] * 50, hotelling)
    assert math.isnan(found.auc)
    assert "fewer than two patients" in str(found.reason)
    assert np.isnan(found.score).all()
    three = cross_validate(features, TRUTH, [f"p{n % 3}" for n in range(50)] + [""] * 50, hotelling)
    assert three.folds == 3
    one_class = cross_validate(features[:50], TRUTH[:50], None, hotelling)
    assert math.isnan(one_class.auc)


def test_constant_features_teach_nothing() -> None:
    found = cross_validate(np.ones((100, 2)), TRUTH, None, hotelling, permutations=19)
    assert found.auc == 0.5
    assert math.isnan(found.p)
    assert found.reason == "all scores tie: nothing was learned"


def test_complete_separation_claims_no_certainty() -> None:
    found = cross_validate(np.arange(100.0)[:, None], TRUTH, None, hotelling, permutations=99)
    assert (found.auc, found.p) == (1, 0.01)
    assert math.isnan(found.low)
    assert "separate" in str(found.reason)


def test_the_same_seed_is_the_same_result() -> None:
    features = _features(np.random.default_rng(8), 0.5)
    a, b, c = (cross_validate(features, TRUTH, None, hotelling, permutations=30, seed=s) for s in (1, 1, 2))
    assert (a.auc, a.p, a.null_high) == (b.auc, b.p, b.null_high)
    assert a.auc != c.auc
    assert a.to_dict()["score"] == b.to_dict()["score"]


def test_wrong_input_is_refused(refuses: Any) -> None:
    features = _features(np.random.default_rng(9), 0)
    with refuses("out-of-range") as caught:
        cross_validate(features, TRUTH, None, hotelling, permutations=10)
    assert "19 are needed" in str(caught.value)
    with refuses("not-a-number"):
        cross_validate(np.where(features > 2, np.nan, features), TRUTH, None, hotelling)
    with refuses("unequal-lengths") as caught:
        cross_validate(features, TRUTH[:3], None, hotelling)
    assert "3 truths and 100 images" in str(caught.value)


def _features(rng: np.random.Generator, dprime: float) -> npt.NDArray[np.float64]:
    features = rng.normal(size=(100, 4))
    features[SIGNAL, 0] += dprime
    return features


def _simulate(count: int, dprime: float) -> list[CrossValidated]:
    rng = np.random.default_rng(11)
    return [
        cross_validate(_features(rng, dprime), TRUTH, None, hotelling, permutations=99, seed=n) for n in range(count)
    ]
