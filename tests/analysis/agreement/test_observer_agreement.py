"""Agreement of observers against statsmodels, pingouin, published values and simulated images."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pingouin
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa

from analysis.agreement import observer_agreement
from analysis.agreement.observer_agreement import ObserverAgreement

Array = npt.NDArray[np.float64]


def test_krippendorffs_binary_example() -> None:
    """Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section A: two observers, ten units, .095."""
    said = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]], dtype=float)
    result = _of(said)
    assert result.alpha.value == pytest.approx(0.095, abs=5e-4)
    assert result.pairwise.value == pytest.approx(0.6)


def test_alpha_with_gaps_is_the_coincidence_matrixs() -> None:
    """Krippendorff (2004), 11.3: α from the matrix of coincidences, written out; singly judged images left out.

    For this seed the package krippendorff 0.9.0 gives the same to 1e-12.
    """
    said = _answers(7, 50, seed=1, missing=0.5)
    coincidences = np.zeros((2, 2))
    for image in said.T:
        values = image[~np.isnan(image)].astype(int)
        for i, a in enumerate(values):
            for j, b in enumerate(values):
                if i != j:
                    coincidences[a, b] += 1 / (values.size - 1)
    n = coincidences.sum()
    alone = np.sum(~np.isnan(said), axis=0) < 2
    expected = 1 - (n - 1) * coincidences[0, 1] / (coincidences[0].sum() * coincidences[1].sum())
    result = _of(said)
    assert result.alpha.value == pytest.approx(expected)
    assert (result.images, result.left_out) == (50 - alone.sum(), alone.sum())


def test_complete_answers_against_statsmodels_and_pingouin() -> None:
    """Fleiss' κ (statsmodels) and Cronbach's α over observers (pingouin), which is KR-20; to 1e-12."""
    said = _answers(8, 60, seed=2)
    k = said.sum(axis=0)
    result = _of(said)
    assert result.fleiss.value == pytest.approx(fleiss_kappa(np.stack([k, 8 - k], axis=1)), abs=1e-12)
    assert result.kr20.value == pytest.approx(pingouin.cronbach_alpha(pd.DataFrame(said.T))[0], abs=1e-12)
    pairs = [np.mean(said[a] == said[b]) for a, b in combinations(range(8), 2)]
    assert result.pairwise.value == pytest.approx(np.mean(pairs))
    assert result.split_half == pytest.approx(result.kr20.value, abs=0.02)


def test_kappa_and_reliability_use_the_images_answered_by_all() -> None:
    said = _answers(6, 40, seed=3)
    gaps = np.hstack([said, _answers(6, 10, seed=4)])
    gaps[0, 40:] = np.nan
    result, whole = _of(gaps), _of(said)
    assert (result.images, result.complete) == (50, 40)
    assert (result.fleiss.value, result.kr20.value) == pytest.approx((whole.fleiss.value, whole.kr20.value))
    assert result.alpha.value != whole.alpha.value


@pytest.mark.slow
def test_split_half_bears_gaps() -> None:
    """A third of the answers missing lowers it a little; the true reliability of eight observers is .667."""
    values = [[_of(_answers(8, 300, seed=s, missing=gap)).split_half for s in range(5)] for gap in (0.0, 0.33)]
    assert np.mean(values[0]) == pytest.approx(2 / 3, abs=0.04)
    assert 0.45 < np.mean(values[1]) < np.mean(values[0])


@pytest.mark.slow
def test_intervals_cover() -> None:
    """Shares from Beta(2, 2): true α = κ = 1/5, pairs agree in .6, reliability 8 · .2 / 2.4; 90 groups of images.

    The standard error of a coverage is .024.
    """
    results = [_of(_answers(8, 60, seed=s)) for s in range(90)]
    for name, true in (("alpha", 0.2), ("fleiss", 0.2), ("pairwise", 0.6), ("kr20", 2 / 3)):
        intervals = [getattr(one, name) for one in results]
        assert np.mean([one.low <= true <= one.high for one in intervals]) == pytest.approx(0.945, abs=0.055), name


@pytest.mark.slow
def test_agreement_for_truths_sake_vanishes_within_truth(refuses: Any) -> None:
    """Observers at d′ 2 and nothing else in common: α is high over all images and about 0 within each truth."""
    rng = np.random.default_rng(5)
    truth = np.tile(["real", "generated"], 100)
    said = np.where(rng.normal(size=(6, 200)) + np.where(truth == "generated", 1, -1) > 0, "generated", "real")
    frame = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(6), 200),
            "stimulus_id": np.tile(np.arange(200), 6),
            "truth": np.tile(truth, 6),
            "response": said.ravel(),
        }
    )
    every, real, generated = observer_agreement.observer_agreement(frame)
    assert [one.of for one in (every, real, generated)] == ["all", "real", "generated"]
    assert (every.images, real.images, generated.images) == (200, 100, 100)
    assert every.alpha.low > 0.3
    for one in (real, generated):
        assert one.alpha.low < 0 < one.alpha.high
    again = observer_agreement.observer_agreement(frame.sample(frac=1, random_state=1))
    assert again == (every, real, generated)
    assert list(every.to_frame().columns[5:9]) == [f"pairwise_{name}" for name in ("value", "se", "low", "high")]
    with refuses("repeated-stimulus"):
        observer_agreement.observer_agreement(frame.assign(stimulus_id=1, truth="real"))


def test_swapping_answers_and_observers_changes_nothing() -> None:
    said = _answers(5, 30, seed=6, missing=0.1)
    base = _of(said)
    for other in (1 - said, said[::-1]):
        again = _of(other)
        for name in ("pairwise", "alpha", "fleiss", "kr20"):
            assert getattr(again, name).value == pytest.approx(getattr(base, name).value), name
            assert getattr(again, name).low == pytest.approx(getattr(base, name).low), name


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (np.empty((0, 0)), "no image was answered by two observers"),
        (np.array([[0.0, 1, 1]]), "no image was answered by two observers"),
        (np.full((3, 4), np.nan), "no image was answered by two observers"),
        (np.ones((3, 4)), "one answer only"),
        (np.array([[0.0, 1, np.nan], [1.0, np.nan, 0], [np.nan, 1, 1]]), "by all observers: no Fleiss κ and no KR-20"),
        (np.array([[0.0, 1], [1.0, 0]]), "do not differ: no KR-20"),
        (np.array([[0.0], [1.0]]), "do not differ"),
    ],
)
def test_what_is_undefined_says_why(said: Array, reason: str) -> None:
    result = _of(said)
    assert reason in str(result.reason)
    assert math.isnan(result.kr20.value)
    if "two observers" in reason:
        assert all(math.isnan(one) for one in (result.pairwise.value, result.alpha.value, result.split_half))
    if "one answer" in reason:
        assert result.pairwise.value == 1
        assert math.isnan(result.alpha.value)


def _of(said: Array) -> ObserverAgreement:
    return observer_agreement.agreement_of_answers(said, "all", 0.95, np.random.default_rng(1))


def _answers(observers: int, images: int, seed: int, missing: float = 0.0) -> Array:
    """Answers of like observers to images whose share of "generated" is drawn from Beta(2, 2)."""
    rng = np.random.default_rng(seed)
    said = (rng.random((observers, images)) < rng.beta(2, 2, images)).astype(float)
    said[rng.random(said.shape) < missing] = np.nan
    return said
