"""The classifier, against scikit-learn's own cross-validation, and on patients that it must not memorise."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gan.evaluation.metrics.separability import C, separate


def draws(n, seed, shift=0.0, width=8):
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, 1, (n, width)))


def ones(n):
    return torch.ones(n, dtype=torch.float64)


def test_auc_is_the_mean_of_scikit_learns_held_out_aucs_weighted_by_pairs():
    real, fake = draws(60, 0), draws(60, 1, shift=0.4)
    separation = separate(real, fake, np.arange(60), np.arange(60), seed=3)
    # Which images share a fold stands in `counted`; number the folds by their first real image.
    counted = separation.counted.numpy()
    fold_of_real = np.unique(counted.T, axis=0, return_inverse=True)[1].reshape(-1)
    fold_of_fake = fold_of_real[counted.argmax(axis=1)]
    assert np.bincount(fold_of_real).tolist() == np.bincount(fold_of_fake).tolist() == [12] * 5
    x, y = np.concatenate([real, fake]), np.repeat([0, 1], 60)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000))
    folds = PredefinedSplit(np.concatenate([fold_of_real, fold_of_fake]))
    each = cross_val_score(classifier, x, y, cv=folds, scoring="roc_auc")
    found = separation.auc(ones(60), ones(60))
    assert found == pytest.approx(each.mean())  # 12 of each in every fold, so all pairs weigh the same
    assert found > 0.7


def test_a_patients_images_share_a_fold():
    patients, seeds = np.repeat(np.arange(20), 3), np.arange(30)
    counted = separate(draws(60, 8), draws(30, 9), patients, seeds).counted
    assert (counted[:, 0::3] == counted[:, 1::3]).all()
    assert (counted[:, 0::3] == counted[:, 2::3]).all()
    assert counted.sum(dim=0).tolist() == [6.0] * 60


def test_weights_count_images_as_often_as_they_say():
    real, fake = draws(40, 2), draws(40, 3, shift=0.3)
    separation = separate(real, fake, np.arange(40), np.arange(40))
    scores = separation.wins.sum(dim=0), separation.wins.sum(dim=1)
    assert scores[0].shape == scores[1].shape == (40,)
    weights = np.random.default_rng(4).integers(0, 3, (2, 40))
    total = pairs = 0.0
    for i in range(40):
        for j in range(40):
            for _ in range(weights[1, i] * weights[0, j] * int(separation.counted[i, j])):
                total, pairs = total + float(separation.wins[i, j]), pairs + 1
    assert separation.auc(*(torch.from_numpy(w).double() for w in weights)) == pytest.approx(total / pairs)


def test_patients_that_repeat_do_not_help_it():
    """Many near-copies of few patients: memorised, they would make real and real discriminable."""
    rng = np.random.default_rng(5)
    aucs, memorised = [], []
    for seed in range(8):
        patients = np.repeat(np.arange(15), 4)
        sets = [
            draws(15, 100 + 2 * seed + one, width=30)[patients] + draws(60, seed, width=30) * 0.01 for one in (0, 1)
        ]
        aucs.append(separate(*sets, patients, patients, seed).auc(ones(60), ones(60)))
        memorised.append(separate(*sets, rng.permutation(60), rng.permutation(60), seed).auc(ones(60), ones(60)))
    assert abs(np.mean(aucs) - 0.5) < 0.12
    assert np.mean(memorised) > 0.75


def test_equal_scores_are_half_a_win():
    same = torch.zeros(30, 4, dtype=torch.float64)
    assert separate(same, same, np.arange(30), np.arange(30)).auc(ones(30), ones(30)) == 0.5


def test_sets_that_do_not_overlap_are_discriminated():
    found = separate(draws(30, 6), draws(30, 7, shift=9.0), np.arange(30), np.arange(30))
    assert found.auc(ones(30), ones(30)) == 1.0
