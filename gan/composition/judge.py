"""How real composed images look beside real ones: distance to the nearest, and a classifier of reconstructions.

Both look at features of EfficientNet-lite0, which composition does not optimise, and at local contrast in five bands;
patients of the composed images are left out of whatever they are compared with.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from data.arrays import Floats
from data.errors import LookalikeError
from gan.evaluation.metrics.separability import FOLDS, C
from gan.evaluation.metrics.whitening import Whitening, whitening
from gan.networks.efficientnet import EfficientNetLite
from stimuli.images import Pixels

FALSE_ALARMS = 0.05  # of the classifier among real images
_SIDE = 128
_BATCH = 32
_BANDS = 5
_FEWEST = 20  # patients


def describe(images: Pixels) -> Floats:
    """Features of images (N, R, R): maps of EfficientNet-lite0, averaged over positions, and log contrast in bands."""
    network = _network()
    x = torch.from_numpy(np.ascontiguousarray(images, np.float32)).unsqueeze(1) * 2 - 1
    parts = []
    with torch.inference_mode():
        for batch in x.split(_BATCH):
            parts.append(torch.cat([maps.mean(dim=(2, 3)) for maps in network(batch, _SIDE)], dim=1))
    return np.hstack([torch.cat(parts).double().numpy(), _contrast(images)])


@cache
def _network() -> EfficientNetLite:
    return EfficientNetLite(0)


def _contrast(images: Pixels) -> Floats:
    """Log SD of differences of Gaussians an octave apart, the finest first, (N, 5)."""
    sharp, bands = images.astype(float), []
    for octave in range(_BANDS):
        smooth = gaussian_filter(images.astype(float), (0, *[0.5 * 2**octave] * 2))
        bands.append(np.log((sharp - smooth).std(axis=(1, 2)) + 1e-6))
        sharp = smooth
    return np.stack(bands, axis=1)


@dataclass(frozen=True)
class RealImages:
    """Real images to be near to: whitened features, and how near real images of other patients are to one another."""

    space: Whitening = field(repr=False)
    features: torch.Tensor = field(repr=False)
    usual: float

    def distance(self, described: Floats) -> Floats:
        """Distance of each image (N, D) to the nearest real one, over the median of real images' own; 1 is as usual."""
        near = torch.cdist(self.space(torch.from_numpy(described)), self.features).min(dim=1).values
        made: Floats = near.numpy() / self.usual
        return made


def real_images(described: Floats, patients: npt.NDArray[np.str_], without: Collection[str] = ()) -> RealImages:
    """The real images with features (N, D) of some patients, but for those `without`.

    Raises `LookalikeError` for fewer than 20 patients.
    """
    kept = ~np.isin(patients, list(without))
    _refuse_few(patients[kept])
    features = torch.from_numpy(described[kept])
    space = whitening(features)
    features = space(features)
    among = torch.cdist(features, features).numpy()
    among[patients[kept][:, None] == patients[kept][None]] = np.inf
    return RealImages(space, features, float(np.median(among.min(axis=1))))


@dataclass(frozen=True)
class Classifier:
    """Logistic regression of real against reconstructed images.

    `auc` and the real images' scores are of patients that it had not seen, five-fold; 0.5 is chance.
    """

    auc: float
    network: Pipeline = field(repr=False)
    real_scores: Floats = field(repr=False)

    def chance(self, described: Floats) -> Floats:
        """The share of real images that look as reconstructed as each image (N, D), or more."""
        scores = self.network.decision_function(described)
        made: Floats = (self.real_scores[None] >= scores[:, None]).mean(axis=1)
        return made


def train_classifier(
    real: Floats, reconstructed: Floats, patients: npt.NDArray[np.str_], without: Collection[str] = ()
) -> Classifier:
    """From features (N, D) of images and of their reconstructions, but for the patients `without`.

    Raises `LookalikeError` for fewer than 20 patients.
    """
    kept = ~np.isin(patients, list(without))
    _refuse_few(patients[kept])
    x = np.concatenate([real[kept], reconstructed[kept]])
    y = np.repeat([0, 1], int(kept.sum()))
    groups = np.tile(patients[kept], 2)
    network = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    held_out = cross_val_predict(network, x, y, groups=groups, cv=folds, method="decision_function")
    return Classifier(float(roc_auc_score(y, held_out)), network.fit(x, y), held_out[y == 0])


def _refuse_few(patients: npt.NDArray[np.str_]) -> None:
    count = len(set(patients))
    if count < _FEWEST:
        raise LookalikeError(
            "set-too-small", f"{count} patients besides those of the parts; {_FEWEST} or more are needed to judge"
        )
