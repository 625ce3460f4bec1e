"""The network trained from scratch, on noise whose difference is known and on real patches with known changes."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from gan.bootstrap import random_split
from gan.evaluation.judges import scratch_cnn as module
from gan.evaluation.judges.scratch_cnn import scratch_cnn


def noise(n, seed, correlated=False, size=16):
    """White noise, or noise of the same variance whose neighbours are alike."""
    white = np.random.default_rng(seed).standard_normal((n, size, size))
    mixed = (white + np.roll(white, 1, axis=2)) / 2**0.5 if correlated else white
    return (0.5 + 0.1 * mixed).astype(np.float32)


def judged(real, fake, groups=None, seed=0):
    groups = np.arange(len(real)) if groups is None else groups
    return scratch_cnn(*map(torch.from_numpy, (real, fake)), groups, np.arange(len(fake)), seed)


def auc(separation):
    return separation.auc(*(torch.ones(n, dtype=torch.float64) for n in reversed(separation.wins.shape)))


@pytest.fixture
def short(monkeypatch):
    """A recipe that is long enough for noise."""
    monkeypatch.setattr(module, "EPOCHS", 1)
    monkeypatch.setattr(module, "FEWEST_STEPS", 30)
    monkeypatch.setattr(module, "ENSEMBLE", 1)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_a_change_at_pixel_scale_is_seen_and_none_is_not():
    assert auc(judged(noise(80, 0), noise(80, 1, correlated=True))) > 0.9
    assert abs(auc(judged(noise(80, 0), noise(80, 1))) - 0.5) < 0.15


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_larger_images_are_learned_from_parts_and_scored_whole(monkeypatch):
    monkeypatch.setattr(module, "_CROP_PX", 16)
    seen = []
    cropped = module._cropped
    monkeypatch.setattr(module, "_cropped", lambda images: (seen.append(cropped(images).shape[2:]), cropped(images))[1])
    assert auc(judged(noise(40, 0, size=32), noise(40, 1, correlated=True, size=32))) > 0.9
    assert set(seen) == {(16, 16)}


@pytest.mark.usefixtures("short")
def test_a_patient_is_in_one_fold_and_the_seed_decides(monkeypatch):
    monkeypatch.setattr(module, "FEWEST_STEPS", 2)
    groups = np.repeat(np.arange(10), 4)
    first, again, other = (judged(noise(40, 0), noise(40, 1), groups, seed) for seed in (0, 0, 1))
    assert torch.equal(first.wins, again.wins)
    assert not torch.equal(first.wins, other.wins)
    assert all((first.counted[:, i::4] == first.counted[:, ::4]).all() for i in range(4))


@pytest.mark.usefixtures("short")
def test_an_image_is_judged_by_networks_that_were_not_trained_on_its_patient(monkeypatch):
    """Each fold's networks train on the images of the other folds, and on nothing else."""
    monkeypatch.setattr(module, "FEWEST_STEPS", 1)
    trained = []
    train = module._train
    monkeypatch.setattr(
        module, "_train", lambda images, labels, seed: (trained.append(labels), train(images, labels, seed))[1]
    )
    judged(noise(40, 0), noise(40, 1), np.repeat(np.arange(10), 4))
    assert [(int((labels == 0).sum()), int((labels == 1).sum())) for labels in trained] == [(32, 32)] * 5


@pytest.mark.usefixtures("short")
def test_the_callers_random_numbers_are_left_alone(monkeypatch):
    monkeypatch.setattr(module, "FEWEST_STEPS", 1)
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    judged(noise(20, 0), noise(20, 1))
    assert torch.rand(1) == expected


@pytest.mark.slow
def test_one_network_sees_the_blind_spot_of_pretrained_ones_on_real_patches(mammograms, blind_spot):
    images, patients = mammograms
    one, two = random_split(patients, 200, np.random.default_rng(0))
    x = module._with_detail(torch.from_numpy(np.concatenate([images[one], blind_spot(images[two])])))
    x = (x - x.mean(dim=(0, 2, 3), keepdim=True)) / x.std(dim=(0, 2, 3), keepdim=True)
    labels, test = np.repeat([0, 1], 200), np.arange(400) % 200 >= 160  # by patient: random_split takes whole ones
    network = module._train(x[~test], labels[~test], seed=0)
    assert roc_auc_score(labels[test], module._scores(network, x[test])) > 0.9
