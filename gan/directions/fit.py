"""Directions among whitened codes, for labels of real images.

Two ways lead from labels to codes, and both give a unit vector that is the same for all layers:

- *by images* (`fit_to_images`, as Shen et al. do): a classifier learns the label from real patches and judges generated
  ones, whose codes are known exactly; its answer is regressed on these codes.
- *by codes* (`fit_to_codes`): the label is regressed on the codes of inverted patches themselves. It finds what
  inversion keeps of the label, which is little where a label is texture.

What changes mean grey, contrast or fine detail is then taken out, and directions are made orthogonal to one another.

References
----------
Shen, Gu, Tang & Zhou (2020), "Interpreting the latent space of GANs for semantic face editing", arXiv:1907.10786: a
classifier's answers, hyperplanes, and projections that keep other attributes. Löwdin (1950), J. Chem. Phys. 18:365: the
orthonormal vectors nearest to given ones, which do not depend on their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from data.arrays import Floats
from data.results.result import Estimate
from gan.bootstrap import Groups, bootstrap_weights, estimate, group_numbers, one_thread
from gan.composition.judge import describe
from gan.directions.sample import LOOKS, Sample, looks
from stimuli.images import Pixels

FOLDS = 5
C = 1.0  # inverse strength of a classifier's ridge penalty, of standardised features whose variances add up to 1
_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3)  # likewise of codes, each with a variance of about 1
_RIDGE = 100.0  # of answers on the codes of generated images
_RESAMPLES = 500

Patients = npt.NDArray[np.str_]


@dataclass(frozen=True)
class FittedDirection:
    """A direction as it was fitted.

    Attributes
    ----------
    name : str
        Of its label.
    way : array, shape (w_dim,)
        Unit vector among whitened codes, the same for all layers.
    auc : Estimate
        How well the label was told on patients left out, five-fold, from pixels or from codes; 95% interval over
        patients.
    explained : float
        The share of the variance of the classifier's answers to generated images that follows from their codes, on
        images left out; NaN for a fit to codes.
    with_label, without_label : int
        Images.
    """

    name: str
    way: Floats
    auc: Estimate
    explained: float
    with_label: int
    without_label: int

    @property
    def learned(self) -> bool:
        """Whether the interval of the AUC lies above .5."""
        return self.auc.low is not None and self.auc.low > 0.5


def fit_to_images(images: Pixels, labels: pd.DataFrame, patients: Patients, sample: Sample) -> list[FittedDirection]:
    """Fit a direction for each label, by way of what a classifier of real patches says of generated images.

    The classifier is a logistic regression on features of EfficientNet-lite0 and contrast in bands.

    Parameters
    ----------
    images : array of float32, shape (N, R, R)
        Real patches, P-values.
    labels : DataFrame
        One row per image, one column per label: 1, 0, or NaN (`gan.read_labels`).
    patients : array of str, shape (N,)
        No patient is in two folds.
    sample : Sample
        Generated images and their codes.

    Returns
    -------
    list of FittedDirection
        In the order of the labels; those that were learned are orthonormal.
    """
    with one_thread():
        scaler = StandardScaler().fit(raw := describe(images))
        seen, made = (scaler.transform(one) / np.sqrt(raw.shape[1]) for one in (raw, describe(sample.images)))
        half = len(made) // 2
        found = []
        for name in labels:
            known, truth = _known(labels[name])
            scores = held_out_scores(LogisticRegression(C=C, max_iter=2000), seen[known], truth, patients[known])
            answers = made @ LogisticRegression(C=C, max_iter=2000).fit(seen[known], truth).coef_[0]
            explained = float(
                Ridge(_RIDGE).fit(sample.codes[:half], answers[:half]).score(sample.codes[half:], answers[half:])
            )
            way = Ridge(_RIDGE).fit(sample.codes, answers).coef_
            found.append(_fitted(str(name), way, truth, scores, patients[known], explained))
        return keep_apart(found, appearance(sample))


def fit_to_codes(codes: Floats, labels: pd.DataFrame, patients: Patients, sample: Sample) -> list[FittedDirection]:
    """Fit a direction for each label to codes of inverted images.

    Logistic regression under the ridge penalty with the best AUC on patients left out.

    Parameters
    ----------
    codes : array, shape (N, w_dim)
        Whitened codes of inverted images, averaged over layers.
    labels, patients, sample
        As for `fit_to_images`.

    Returns
    -------
    list of FittedDirection
        In the order of the labels; those that were learned are orthonormal.
    """
    with one_thread():
        found = []
        for name in labels:
            known, truth = _known(labels[name])
            tried = {}
            for penalty in _PENALTIES:
                learner = LogisticRegression(C=penalty, max_iter=2000)
                tried[penalty] = held_out_scores(learner, codes[known], truth, patients[known])
            best = max(tried, key=lambda penalty: float(roc_auc_score(truth, tried[penalty])))
            way = LogisticRegression(C=best, max_iter=2000).fit(codes[known], truth).coef_[0]
            found.append(_fitted(str(name), way, truth, tried[best], patients[known], float("nan")))
        return keep_apart(found, appearance(sample))


def _known(label: pd.Series[float]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    known = label.notna().to_numpy()
    return known, label[known].to_numpy(np.int64)


def _fitted(
    name: str, way: Floats, truth: npt.NDArray[np.int64], scores: Floats, patients: Patients, explained: float
) -> FittedDirection:
    auc, with_label = auc_estimate(truth, scores, group_numbers(list(patients))), int(truth.sum())
    return FittedDirection(name, way, auc, explained, with_label, len(truth) - with_label)


def held_out_scores(
    learner: LogisticRegression, seen: Floats, truth: npt.NDArray[np.int64], patients: Patients
) -> Floats:
    """Scores of all images, each by a learner to whom its patient was unknown."""
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    scores: Floats = cross_val_predict(learner, seen, truth, groups=patients, cv=folds, method="decision_function")
    return scores


def auc_estimate(truth: npt.NDArray[np.int64], scores: Floats, groups: Groups) -> Estimate:
    """AUC of scores, with its 95% interval over groups (patients)."""
    rng, draws = np.random.default_rng(0), list[float]()
    while len(draws) < _RESAMPLES:
        weights = bootstrap_weights(groups, rng).numpy()
        if weights[truth == 1].any() and weights[truth == 0].any():
            draws.append(float(roc_auc_score(truth, scores, sample_weight=weights)))
    return estimate(float(roc_auc_score(truth, scores)), draws, (0.0, 1.0))


def appearance(sample: Sample) -> Floats:
    """Orthonormal directions (w_dim, 3) among whitened codes, along which grey, contrast and fine detail change."""
    seen = looks(sample.images)
    ways = Ridge(_RIDGE).fit(sample.codes, (seen - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), 1e-12)).coef_
    basis: Floats = np.linalg.qr(ways.reshape(len(LOOKS), -1).T)[0]
    return basis


def keep_apart(found: Sequence[FittedDirection], kept_out: Floats) -> list[FittedDirection]:
    """Unit directions without what lies along `kept_out`; those that were learned made orthonormal."""
    ways = [one.way - kept_out @ (kept_out.T @ one.way) for one in found]
    found = [replace(one, way=way / np.linalg.norm(way)) for one, way in zip(found, ways, strict=True)]
    learned = [one.way for one in found if one.learned]
    nearest: Iterator[Floats] = iter(nearest_orthonormal(np.stack(learned)) if learned else ())
    return [replace(one, way=next(nearest)) if one.learned else one for one in found]


def nearest_orthonormal(ways: Floats) -> Floats:
    """The orthonormal vectors nearest to unit vectors (K, D), each to its own (Löwdin 1950)."""
    left, _, right = np.linalg.svd(ways, full_matrices=False)
    nearest: Floats = left @ right
    return nearest
