"""KID, FID, precision and recall, and a classifier, all on pooled features of a pretrained network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gan.bootstrap import Groups, one_thread, random_split
from gan.evaluation.blocks import Measure, Score, score_blocks
from gan.evaluation.metrics.fid import fid
from gan.evaluation.metrics.kid import kernel_pairs
from gan.evaluation.metrics.precision_recall import distance_pairs
from gan.evaluation.metrics.separability import separate
from gan.evaluation.metrics.whitening import Whitening

# Each metric, the values it can take, and which way is worse: +1 up, −1 down.
METRICS = {
    "kid": ((-np.inf, np.inf), 1),
    "kid_raw": ((-np.inf, np.inf), 1),
    "fid": ((0.0, np.inf), 1),
    "precision": ((0.0, 1.0), -1),
    "recall": ((0.0, 1.0), -1),
    "auc": ((0.0, 1.0), 1),
}
Deals = list[tuple[float, ...]]


def score_features(
    white: Whitening,
    real: Tensor,
    blocks: Sequence[Tensor],
    deals: Deals,
    patients: Groups,
    rng: np.random.Generator,
    resamples: int,
    stand_in: tuple[Tensor, Groups] | None = None,
) -> dict[str, Score]:
    """The scores of blocks of generated images, from features (N, D) of the real ones and of each block.

    `stand_in` are features and patients of as many training patches, if these are measured too.
    """
    with one_thread():
        measures = [
            _measure(white, real, fake, patients, np.arange(len(fake)), int(rng.integers(2**31))) for fake in blocks
        ]
        training = _measure(white, real, stand_in[0], patients, stand_in[1], 0) if stand_in else None
        return score_blocks(METRICS, measures, deals, patients, rng, resamples, training)


def deal_features(
    white: Whitening, features: Tensor, groups: Groups, count: int, rng: np.random.Generator, deals: int
) -> Deals:
    """All metrics of two sets of `count` real images of different groups (patients), many times."""
    found, ones = [], torch.ones(count, dtype=torch.float64)
    with one_thread():
        for _ in range(deals):
            one, two = random_split(groups, count, rng)
            seed = int(rng.integers(2**31))
            found.append(_measure(white, features[one], features[two], groups[one], groups[two], seed)(ones, ones))
    return found


def _measure(
    white: Whitening, real: Tensor, fake: Tensor, real_groups: Groups, fake_groups: Groups, seed: int
) -> Measure:
    """All metrics of two sets, in the order of `METRICS`, as a function of the images' weights."""
    distances = distance_pairs(real, fake)
    kernels = [
        kernel_pairs(*features, real_groups, fake_groups) for features in ((white(real), white(fake)), (real, fake))
    ]
    separation = separate(real, fake, real_groups, fake_groups, seed)

    def measure(real_weights: Tensor, fake_weights: Tensor) -> tuple[float, ...]:
        weights = real_weights, fake_weights
        near = distances.precision_recall(*weights)
        kids = [one.kid(*weights) for one in kernels]
        return *kids, fid(real, fake, *weights), near.precision, near.recall, separation.auc(*weights)

    return measure
