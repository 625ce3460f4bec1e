"""Model observers against theory, and what they can and cannot see."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import ndtr
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from analysis.image_cues import channels
from analysis.image_cues.channel_banks import Bank, energy_bank, gabor_bank, laguerre_gauss_bank
from analysis.image_cues.model_observer import ModelObserver, hotelling, model_observer, with_internal_noise

Images = npt.NDArray[np.float64]


@pytest.mark.slow
@pytest.mark.parametrize("lumpy", [0.0, 0.3])
def test_hotelling_approaches_the_ideal_use_of_its_channels(lumpy: float) -> None:
    """A narrow Gaussian signal in noise of known spectrum, white or lumpy: AUC = Φ(d′/√2) with
    d′² = sᵀU (UᵀKU)⁻¹ Uᵀs, to .02 with 1,000 images of each kind (standard error .01)."""
    y, x = np.mgrid[:24, :24] - 11.5
    signal = 0.06 * np.exp(-(x**2 + y**2) / (2 * 1.3**2))
    f = np.hypot(np.fft.fftfreq(24)[:, None], np.fft.fftfreq(24))
    amplitude = 0.06 + lumpy * np.exp(-f / 0.05)
    u = channels.laguerre_gauss((24, 24), 3)
    through = channels.outputs(signal[None], u)[0]
    spectra = np.fft.fft2(u).reshape(3, -1)
    covariance = (spectra * amplitude.ravel() ** 2 @ spectra.conj().T).real / 24**2
    dprime = math.sqrt(through @ np.linalg.solve(covariance, through))
    ideal = ndtr(dprime / math.sqrt(2))
    truth = np.repeat(["real", "generated"], 1000)
    white = np.random.default_rng(1).normal(size=(2000, 24, 24))
    images = 0.5 + np.fft.ifft2(np.fft.fft2(white) * amplitude).real
    images[1000:] += signal
    images = (images - images.min()) / np.ptp(images)
    found = model_observer(images, truth, None, laguerre_gauss_bank, permutations=19)
    assert found.channels == 3
    assert found.found.auc == pytest.approx(ideal, abs=0.02)
    # Without the right weights it would do worse: each channel alone, and their sum as it is.
    alone = np.max(np.abs(through) / np.sqrt(np.diag(covariance)))
    assert max(alone, abs(np.sum(through)) / math.sqrt(np.sum(covariance))) < 0.95 * dprime


def test_hotelling_weights_are_scikit_learns_discriminant() -> None:
    """Scores of new data correlate above .99999; their SD within a class is 1 to 3%."""
    rng = np.random.default_rng(2)
    mix = rng.normal(size=(4, 4))
    labels = np.arange(3000) % 3 == 0
    train = rng.normal(size=(3000, 4)) @ mix + labels[:, None] * rng.normal(size=4)
    test = rng.normal(size=(3000, 4)) @ mix
    score = hotelling(train, np.stack([labels, ~labels]), test)
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(train, labels).decision_function(test)
    assert np.corrcoef(score[0], reference)[0, 1] > 0.99999
    assert np.std(score[0]) == pytest.approx(1, rel=0.03)
    np.testing.assert_allclose(score[1], -score[0], rtol=1e-9)


def test_equal_and_constant_channels_do_no_harm() -> None:
    rng = np.random.default_rng(3)
    labels = np.arange(200) % 2 == 0
    one = rng.normal(size=(200, 1)) + labels[:, None]
    table = np.concatenate([one, one, np.ones((200, 1))], axis=1)
    score = hotelling(table, labels[None], table)
    assert np.isfinite(score).all()
    assert abs(np.corrcoef(score[0], one[:, 0])[0, 1]) == pytest.approx(1)


def test_only_the_quadratic_observer_sees_a_difference_of_contrast() -> None:
    """Noise of SD .1 against .13, the same mean image."""
    images, truth = _noise(50, 32, seed=104)
    images[truth == "generated"] = 0.5 + 1.3 * (images[truth == "generated"] - 0.5)
    images = np.clip(images, 0, 1)
    linear = [model_observer(images, truth, None, bank, permutations=99) for bank in (laguerre_gauss_bank, gabor_bank)]
    quadratic = model_observer(images, truth, None, energy_bank, permutations=99)
    assert quadratic.found.auc > 0.95
    assert "discriminates generated from real" in quadratic.meaning
    for one in linear:
        assert one.found.p > 0.05
        assert one.found.auc < 0.7
        assert one.control.p <= 0.05
        assert "does not discriminate" in one.meaning
        assert "It does find a Gaussian blob" in one.meaning


def test_the_linear_observers_see_a_mean_image() -> None:
    images, truth = _noise(60, 32, seed=5)
    y, x = np.mgrid[:32, :32] - 15.5
    images[truth == "generated"] += 0.08 * np.exp(-(x**2 + y**2) / (2 * 2**2))
    for bank in (laguerre_gauss_bank, gabor_bank):
        found = model_observer(np.clip(images, 0, 1), truth, None, bank, permutations=99)
        assert found.found.auc > 0.8
        assert found.found.p == 0.01


@pytest.mark.slow
def test_equal_distributions_are_seldom_discriminated() -> None:
    """100 relabellings of 100 images by patient: the standard error of the rate is .022."""
    images, truth = _noise(50, 16, seed=6)
    images[1::2] = 0.5 * (images[1::2] + images[::2])  # two images of a patient are alike
    patient = np.repeat(np.arange(50), 2)
    rng = np.random.default_rng(7)
    images = np.clip(images, 0, 1)
    p = []
    for seed in range(100):
        shuffled = np.repeat(rng.permutation(truth[::2]), 2)
        result = model_observer(images, shuffled, patient, energy_bank, permutations=39, seed=seed)
        p.append(result.found.p)
        assert (result.found.groups, result.control.groups) == (50, 25)
    assert np.mean(np.array(p) <= 0.05) < 0.13
    assert np.mean(p) == pytest.approx(0.5, abs=0.1)


def test_near_copies_of_a_patient_leak_without_groups() -> None:
    """12 patients of four near copies each on either side, at chance: with copies on both sides of a fold, the
    observer finds what is not there."""
    kept, leaked = [], []
    for seed in range(12):
        patients, _ = _noise(12, 16, seed=20 + seed)
        images = np.repeat(patients, 4, axis=0)
        images += np.random.default_rng(seed).normal(0, 0.01, images.shape)
        truth = np.repeat(["real", "generated"], 48)
        for groups, results in ((np.repeat(np.arange(24), 4), kept), (None, leaked)):
            results.append(model_observer(np.clip(images, 0, 1), truth, groups, _raw_bank, permutations=19).found.auc)
    assert np.mean(kept) == pytest.approx(0.5, abs=0.12)
    assert np.mean(leaked) > np.mean(kept) + 0.1


def test_channels_are_as_many_as_the_images_allow() -> None:
    """With 30 of a class, 24 train: 2 channels. With 10, 8 train, and none is allowed."""
    images, truth = _noise(30, 32, seed=8)
    found = model_observer(images, truth, None, laguerre_gauss_bank, permutations=19)
    assert found.channels == 2
    assert "2 Laguerre–Gauss channels" in found.channels_words
    assert "more images would allow more" in found.channels_words
    few = model_observer(images[20:40], truth[20:40], None, laguerre_gauss_bank)
    assert math.isnan(few.found.auc)
    assert math.isnan(few.control.auc)
    assert few.reason == "8 training images of a class for 1 channel; 10 are needed"
    assert few.reason in few.meaning


def test_a_bank_with_too_many_channels_is_refused() -> None:
    images, truth = _noise(30, 32, seed=9)
    found = model_observer(images, truth, None, lambda shape, _: laguerre_gauss_bank(shape, 3))
    assert found.reason == "24 training images of a class for 3 channels; 30 are needed"
    assert math.isnan(found.found.auc)


def test_images_of_one_patient_cannot_be_tested() -> None:
    images, truth = _noise(30, 32, seed=10)
    found = model_observer(images, truth, np.where(truth == "real", "p1", ""), energy_bank)
    assert math.isnan(found.found.auc)
    assert "fewer than two patients" in str(found.reason)


def test_a_control_that_is_not_found_shows_that_the_result_shows_nothing() -> None:
    def blind(shape: tuple[int, int], most: int) -> Bank:
        return replace(laguerre_gauss_bank(shape, most), change=lambda images: images, change_words="nothing")

    images, truth = _noise(50, 32, seed=11)
    found = model_observer(images, truth, None, blind, permutations=19)
    assert found.found.p > 0.05
    assert not found.control.p <= 0.05
    assert "does not find nothing either, so the result is inconclusive" in found.meaning


def test_no_observer_is_called_a_prediction_of_people() -> None:
    images, truth = _noise(30, 32, seed=12)
    for bank in (laguerre_gauss_bank, gabor_bank, energy_bank):
        assert "no internal noise" in model_observer(images, truth, None, bank, permutations=19).meaning
        assert "not a prediction of human d′" in model_observer(images, truth, None, bank, permutations=19).meaning


def test_internal_noise_lowers_dprime_as_it_should() -> None:
    """Normal scores of SD 1 and d′ = 2: noise of s SDs leaves d′ / √(1 + s²); to .12 (500 images of each kind)."""
    observer = _with_scores(2.0)
    clean = with_internal_noise(observer, sd=0)
    assert clean.auc == pytest.approx(observer.found.auc)
    assert (clean.low, clean.high) == pytest.approx((observer.found.low, observer.found.high))
    for sd in (0.5, 1.0, 2.0):
        noisy = with_internal_noise(observer, sd=sd)
        assert noisy.dprime == pytest.approx(clean.dprime / math.sqrt(1 + sd**2), abs=0.12)
        assert noisy.low < noisy.auc < noisy.high
        assert noisy.noise_sd == sd


def test_internal_noise_is_what_drawn_noise_does() -> None:
    """200 draws of noise of 1 SD on both images of a pair; the mean AUC agrees to .003."""
    observer = _with_scores(1.0)
    rng = np.random.default_rng(13)
    found = observer.found
    drawn = []
    for _ in range(200):
        score = found.score + rng.normal(size=found.score.size)
        drawn.append(np.mean([_area(score, found.signal, found.fold == one) for one in range(5)]))
    assert with_internal_noise(observer, sd=1).auc == pytest.approx(np.mean(drawn), abs=0.003)


def test_internal_noise_is_fitted_to_a_human_dprime() -> None:
    observer = _with_scores(2.0)
    noisy = with_internal_noise(observer, dprime=0.8)
    assert noisy.dprime == pytest.approx(0.8, abs=1e-6)
    assert noisy.auc == pytest.approx(ndtr(0.8 / math.sqrt(2)), abs=1e-9)
    assert with_internal_noise(observer, sd=noisy.noise_sd).auc == pytest.approx(noisy.auc)
    assert "fitted to a human d′ of 0.8" in noisy.meaning


def test_noise_cannot_make_an_observer_better() -> None:
    observer = _with_scores(1.0)
    better = with_internal_noise(observer, dprime=3)
    assert math.isnan(better.noise_sd)
    assert math.isnan(better.auc)
    assert "below" in str(better.reason)
    assert "no noise up to" in str(with_internal_noise(observer, dprime=0).reason)
    images, truth = _noise(5, 32, seed=14)
    refused = model_observer(images, truth, None, energy_bank)
    assert with_internal_noise(refused, sd=1).reason == refused.found.reason
    assert math.isnan(with_internal_noise(refused, dprime=1).auc)


@pytest.mark.parametrize("given", [{}, {"sd": 1, "dprime": 1}, {"sd": -1}, {"dprime": math.nan}])
def test_internal_noise_is_given_in_one_way(given: dict[str, float], refuses: Any) -> None:
    with refuses("conflicting-options"):
        with_internal_noise(_with_scores(1.0), **given)


def test_the_same_seed_is_the_same_result() -> None:
    images, truth = _noise(30, 32, seed=15)
    a, b = (model_observer(iter(images), truth, None, energy_bank, permutations=19, seed=5) for _ in range(2))
    assert a.to_dict() == b.to_dict()
    assert a.to_frame()["found_auc"].item() == a.found.auc


def test_wrong_input_is_refused(refuses: Any) -> None:
    images, truth = _noise(20, 32, seed=16)
    with refuses("unequal-lengths") as caught:
        model_observer(images[:39], truth, None, energy_bank)
    assert "40 truths and 39 images" in str(caught.value)
    with refuses("unequal-lengths") as caught:
        model_observer(images, truth[:39], None, energy_bank)
    assert "39 truths and 40 images" in str(caught.value)
    with refuses("unequal-lengths") as caught:
        model_observer([], truth, None, energy_bank)
    assert "0 images" in str(caught.value)
    with refuses("unknown-word"):
        model_observer(images, ["fake"] * 40, None, energy_bank)
    with refuses("missing-value") as caught:
        model_observer(images, truth, [""] * 40, energy_bank)
    assert "20 real images have no patient" in str(caught.value)
    with refuses("out-of-range") as caught:
        model_observer(images + (np.arange(40) == 3)[:, None, None], truth, None, energy_bank)
    assert "image 3: runs from" in str(caught.value)


def _noise(count: int, side: int, seed: int) -> tuple[Images, npt.NDArray[np.str_]]:
    """White noise of mean .5 and SD .1: `count` real images, then as many generated."""
    images = np.random.default_rng(seed).normal(0.5, 0.1, (2 * count, side, side))
    return np.clip(images, 0, 1), np.repeat(["real", "generated"], count)


def _raw_bank(shape: tuple[int, int], most: int) -> Bank:
    """The first pixels themselves, as many as allowed: nothing that averages copies apart."""
    bank = laguerre_gauss_bank(shape, 1)
    return replace(bank, respond=lambda images: images[:, 0, :most])


def _with_scores(dprime: float) -> ModelObserver:
    """An observer whose decision variable is normal with SD 1."""
    rng = np.random.default_rng(17)
    images, truth = _noise(40, 16, seed=18)
    observer = model_observer(images, truth, None, laguerre_gauss_bank, permutations=19)
    signal = np.arange(1000) % 2 == 0
    found = replace(
        observer.found,
        score=rng.normal(size=1000) + dprime * signal,
        signal=signal,
        group=np.arange(1000),
        fold=np.arange(1000) // 2 % 5,
    )
    area = float(np.mean([_area(found.score, signal, found.fold == one) for one in range(5)]))
    found = replace(found, auc=area, widening=1.0)
    clean = with_internal_noise(replace(observer, found=found), sd=0)
    return replace(observer, found=replace(found, low=clean.low, high=clean.high))


def _area(score: Images, signal: npt.NDArray[np.bool_], here: npt.NDArray[np.bool_]) -> float:
    return float(np.mean(score[here & signal][:, None] > score[here & ~signal]))
