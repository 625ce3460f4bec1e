"""Can a classifier discriminate two sets of images, on patients that it has not seen?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from data.arrays import Floats, Ints
from gan.bootstrap import Groups

FOLDS = 5
C = 0.01  # inverse strength of the L2 penalty: features outnumber images, so it has to be strong


@dataclass(frozen=True)
class Separation:
    """Comparisons of held-out scores, from which the AUC follows for any weights of the images.

    `wins` (fake, real): 1 where the generated image scored higher, ½ for a tie; `counted`: 1 where
    the same classifier scored both, so that scores of different folds are never compared.
    """

    wins: Tensor
    counted: Tensor

    def auc(self, real: Tensor, fake: Tensor) -> float:
        """Area under the ROC curve in [0, 1], .5 at chance."""
        return float(fake @ (self.wins * self.counted) @ real / (fake @ self.counted @ real))


def separate(real: Tensor, fake: Tensor, real_groups: Groups, fake_groups: Groups, seed: int = 0) -> Separation:
    """Five-fold cross-validated logistic regression on standardised features (N, D), (M, D).

    Each set's groups (patients) are assigned to the folds at random, so none is in training and test at
    once. The features are standardised on each fold's training part.
    """
    x = torch.cat([real, fake]).numpy()
    y = np.repeat([0, 1], [len(real), len(fake)])
    fold_of = deal_folds(real_groups, fake_groups, seed)
    scores = np.empty(len(y))
    for fold in range(FOLDS):
        test = fold_of == fold
        mean, sd = x[~test].mean(axis=0), x[~test].std(axis=0)
        scaled = (x - mean) / np.where(sd > 0, sd, 1)
        classifier = LogisticRegression(C=C, max_iter=2000).fit(scaled[~test], y[~test])
        scores[test] = classifier.decision_function(scaled[test])
    return compare(scores, y, fold_of)


def deal_folds(real_groups: Groups, fake_groups: Groups, seed: int) -> Ints:
    """The fold of each image, real ones first, (N + M,): whole groups (patients, seeds), dealt at random."""
    rng = np.random.default_rng(seed)
    return np.concatenate([_folds(real_groups, rng), _folds(fake_groups, rng)])


def compare(scores: Floats, y: Ints, fold_of: Ints) -> Separation:
    """Compare held-out scores (N + M,), higher for generated; `y` is 1 for a generated image, 0 for a real one."""
    wins = _pairs(scores, y, np.greater) + 0.5 * _pairs(scores, y, np.equal)
    return Separation(torch.from_numpy(wins), torch.from_numpy(_pairs(fold_of, y, np.equal)))


def _folds(groups: Groups, rng: np.random.Generator) -> Ints:
    """The fold of each image, (N,): groups in random order, assigned in rotation."""
    names, members = np.unique(groups, return_inverse=True)
    return (rng.permutation(len(names)) % FOLDS)[members.reshape(-1)]


def _pairs(values: npt.NDArray[np.generic], y: Ints, relation: np.ufunc) -> Floats:
    """1 where the relation holds between a generated image (row) and a real one (column)."""
    holds: Floats = relation(values[y == 1][:, None], values[y == 0][None]).astype(np.float64)
    return holds
