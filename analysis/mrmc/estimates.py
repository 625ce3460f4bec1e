"""Each reading's value of one statistic, and how far the values vary over samples of images.

What the analysis of several readers needs is the same whatever is measured: the values, their unbiased covariances
over images with readers held fixed, and the influence of every image. `of_aucs` gives them for areas under the
rating ROC, `analysis.mrmc.answers` for what is measured at the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.mrmc.ustatistics import influences, kernel_sums, unbiased_covariance
from analysis.readings import Readings
from data.arrays import Floats, Ints


class ClassInfluence(NamedTuple):
    """How the `number` images of one class move the values: the `images` of each reading, and their influence on it."""

    images: Sequence[Ints]
    influence: Sequence[Floats]
    number: int

    def products(self, weights: Sequence[Floats]) -> Floats:
        """Covariances over images of weighted sums of values, from the images' influence on them.

        `weights` holds, for each of K sums, the weight of each reading (Q,); the result has shape (K, K).
        """
        where = np.concatenate(self.images)
        sums = [
            np.bincount(
                where,
                np.concatenate([w * one for w, one in zip(weight, self.influence, strict=True)]),
                minlength=self.number,
            )
            for weight in weights
        ]
        every = np.array(sums)
        # An only image leaves nothing to vary over.
        factor = self.number / (self.number - 1) if self.number > 1 else np.nan
        return np.asarray(every @ every.T * factor, dtype=np.float64)


class Estimates(NamedTuple):
    """`each` reading's value (Q,), their `covariance` (Q, Q) over images, and each class's influence on them."""

    each: Floats
    covariance: Floats
    classes: Sequence[ClassInfluence]


def of_aucs(study: Readings) -> Estimates:
    """The areas under the rating ROC (Gallas 2006, Acad. Radiol. 13:353)."""
    sums = kernel_sums(study)
    generated, real = influences(sums)
    classes = (
        ClassInfluence([one.generated for one in study.readings], generated, study.generated),
        ClassInfluence([one.real for one in study.readings], real, study.real),
    )
    return Estimates(sums.auc, unbiased_covariance(sums), classes)
