"""Judges over blocks of seeds and deals of real patches, with judges whose answers are known."""

import numpy as np
import pytest
import torch

from data.results.result import Estimate
from gan.bootstrap import one_thread
from gan.evaluation.blocks import Score
from gan.evaluation.fresh import (
    JUDGES,
    Judge,
    RealPatches,
    check_judges,
    fresh_eyes,
    patches_needed,
    smallest_auc,
    texture_auc,
)
from gan.evaluation.judges.texture import NOISE_SD, texture_statistics
from gan.evaluation.metrics.separability import separate

PATIENTS = np.repeat(np.arange(60), 2)


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


def images(n, seed, level=0.5):
    """Flat images; their level, with an SD of .1, is all there is to see."""
    levels = level + 0.1 * np.random.default_rng(seed).standard_normal((n, 1, 1))
    return np.broadcast_to(levels, (n, 8, 8)).astype(np.float32)


@pytest.fixture
def brightness(monkeypatch):
    """One judge, which sees the mean of an image and learns as the classifiers do."""

    def sees(pictures, seed):  # noqa: ARG001
        return torch.from_numpy(pictures.mean(axis=(1, 2), dtype=np.float64)[:, None])

    monkeypatch.setitem(JUDGES, "brightness", Judge(sees, separate, 30))


def ask(generated, train=80, **settings):
    real = RealPatches(images(40, 0), images(train, 1), PATIENTS[: 40 + train])
    usual = {"seed": 0, "resamples": 50, "progress": lambda _: None}
    return fresh_eyes(["brightness"], real, generated, **{**usual, **settings})


@pytest.mark.usefixtures("brightness")
def test_each_block_at_each_truncation_has_its_auc_and_real_patches_have_theirs():
    blocks = [images(40, 10 + k, level) for k, level in enumerate((0.5, 0.6, 0.9))]
    found = ask({1.0: blocks, 0.7: blocks[:1]})
    score = found[1.0]["brightness"]
    same, near, far = score.blocks
    assert abs(same - 0.5) < 0.2
    assert 0.65 < near < 0.9 < 0.97 < far
    assert score.generated.value == pytest.approx(np.mean(score.blocks))
    assert score.generated.low < score.generated.value < score.generated.high
    assert (score.deals, len(found[0.7]["brightness"].blocks)) == (30, 1)
    assert score.real.low < 0.5 < score.real.high < score.generated.value
    assert score.chance == 1 / 31
    assert found[0.7]["brightness"].chance > 0.05


@pytest.mark.usefixtures("brightness")
def test_a_patient_shares_a_fold_and_never_is_on_both_sides(monkeypatch):
    groups = []
    judge = JUDGES["brightness"]

    def learns(one, two, ones, others, seed):
        groups.append((ones, others))
        return judge.learns(one, two, ones, others, seed)

    monkeypatch.setitem(JUDGES, "brightness", Judge(judge.sees, learns, 3))
    ask({1.0: [images(40, 10)]})
    *deals, (ours, seeds) = groups
    assert len(deals) == 3
    assert not any(set(one) & set(other) for one, other in deals)
    np.testing.assert_array_equal(ours, PATIENTS[:40])
    np.testing.assert_array_equal(seeds, np.arange(40))


@pytest.mark.usefixtures("brightness")
def test_without_training_patches_there_is_no_real_against_real():
    score = ask({1.0: [images(40, 10)]}, train=0)[1.0]["brightness"]
    assert (score.real, score.deals, score.chance) == (None, 0, None)


@pytest.mark.usefixtures("brightness")
def test_where_real_patches_are_from_elsewhere_training_patches_show_what_that_alone_does():
    """Patches of another film are told from training patches, and from a generator that made just those."""
    train = images(80, 1)
    real = RealPatches(images(40, 0, level=0.7), train, PATIENTS, stand_in=np.arange(10, 50))
    settings = {"seed": 0, "resamples": 10, "progress": lambda _: None}
    found = fresh_eyes(["brightness"], real, {1.0: [train[10:50]]}, **settings)[1.0]["brightness"]
    assert found.training > 0.85
    assert found.training == pytest.approx(found.generated.value, abs=0.05)
    assert ask({1.0: [train[:40]]})[1.0]["brightness"].training is None


@pytest.mark.usefixtures("brightness")
def test_a_judge_says_the_same_whichever_others_there_are():
    real = RealPatches(images(40, 0), images(80, 1), PATIENTS)
    settings = {"seed": 3, "resamples": 10, "progress": lambda _: None}
    blocks = {1.0: [images(40, 10, 0.55)]}
    alone = fresh_eyes(["brightness"], real, blocks, **settings)
    together = fresh_eyes(["texture", "brightness"], real, blocks, **settings)
    assert together[1.0]["brightness"] == alone[1.0]["brightness"]


def test_the_shipped_judges_stand_in_the_order_of_their_strength_and_unknown_ones_are_refused(refuses):
    assert list(JUDGES) == ["cnn", "texture", "texture_noise", "squeezenet"]
    check_judges(JUDGES, 1)
    with refuses("unknown-choice"):
        check_judges(["texture", "eyes"], 5)
    with refuses("out-of-range"):
        check_judges([], 0)


def score(low, high, deals):
    return Score(Estimate(0.9, low=0.8, high=1.0), (0.9,), Estimate(0.5, low=low, high=high), deals, None)


def test_an_auc_is_told_from_chance_only_beyond_what_real_patches_vary_by():
    """√((2 · 126 + 1) / (12 · 126²)) is .0364."""
    alone = 0.5 + 1.96 * 0.03644
    assert smallest_auc([], 126) == pytest.approx(alone, abs=1e-4)
    assert smallest_auc([score(0.49, 0.51, 100), score(0.2, 0.8, 2)], 126) == pytest.approx(alone, abs=1e-4)
    assert smallest_auc([score(0.41, 0.59, 100)], 126) == pytest.approx(0.59)


def test_patches_needed_grow_with_the_square_of_the_precision():
    assert patches_needed(0.60, 203, auc=0.55) == 812
    assert patches_needed(0.55, 203, auc=0.55) == 203


def test_the_quick_texture_auc_is_that_of_the_judge():
    noise = np.random.default_rng(0).normal(0.5, 0.1, (2, 40, 16, 16)).astype(np.float32)
    rough = noise[1] + np.roll(noise[1], 1, axis=2)
    groups = np.arange(40) // 2, np.arange(40)
    statistics = texture_statistics(noise[0], NOISE_SD, 4), texture_statistics(rough, NOISE_SD, 5)
    ones = torch.ones(40, dtype=torch.float64)
    expected = separate(*statistics, *groups, 4).auc(ones, ones)
    assert texture_auc(noise[0], rough, *groups, noise_sd=NOISE_SD, seed=4) == expected
    assert texture_auc(noise[0], rough, *groups) > 0.95
