"""How the AUCs of several readers vary together because they rated the same images.

Four estimates of one thing: the covariances of the readings' AUCs over samples of images, readers fixed.
They feed Obuchowski & Rockette's analysis; the unbiased one is what Gallas's one-shot variance rests on.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from analysis.mrmc.ustatistics import KernelSums, gram, influences, kernel, unbiased_covariance
from analysis.readings import Readings
from data.arrays import Floats
from data.errors import LookalikeError

Method = Literal["unbiased", "delong", "jackknife", "bootstrap"]


def covariance(study: Readings, sums: KernelSums, method: Method, resamples: int = 2000, seed: int = 0) -> Floats:
    """Covariances of the AUCs of all readings, shape (Q, Q), from the study and its `kernel_sums`.

    - `unbiased`: `ustatistics.unbiased_covariance`; any design.
    - `delong`: sums of products of placements (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837); crossed
      designs.
    - `jackknife`: leaves out one image of all N of the study at a time, factor (N − 1)/N (Quenouille; Hillis,
      Obuchowski, Schartz & Berbaum 2005, Stat. Med. 24:1579); any design.
    - `bootstrap`: images drawn with replacement within each class, the same draw for all readings, `resamples`
      times from `seed`; crossed designs.

    NaN where a reading has a single image of a class. Raises `LookalikeError` if the readings have different images
    where the design must be crossed.
    """
    if method == "unbiased":
        return unbiased_covariance(sums)
    if method == "jackknife":
        return _jackknife(study, sums)
    if not study.crossed:
        raise LookalikeError(
            "design-not-crossed",
            f"{method} covariances need the same images in all readings; use unbiased or jackknife",
        )
    return _delong(study, sums) if method == "delong" else _bootstrap(study, resamples, seed)


def _delong(study: Readings, sums: KernelSums) -> Floats:
    total = np.zeros((sums.auc.size, sums.auc.size))
    for influence, count in zip(influences(sums), (study.generated, study.real), strict=True):
        placements = np.array(influence)
        total += placements @ placements.T * (count / (count - 1) if count > 1 else np.nan)
    return total


def _jackknife(study: Readings, sums: KernelSums) -> Floats:
    # Without image k the AUC of a reading that has k changes by −influence · m / (m − 1), of the others not at all.
    generated, real = (
        [part * (part.size / (part.size - 1) if part.size > 1 else np.nan) for part in parts]
        for parts in influences(sums)
    )
    images = study.generated + study.real
    return (
        gram([one.generated for one in study.readings], generated, study.generated)
        + gram([one.real for one in study.readings], real, study.real)
    ) * ((images - 1) / images)


def _bootstrap(study: Readings, resamples: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    # How often each image is drawn; a resample's AUC is the kernels' mean weighted by it.
    generated, real = (
        rng.multinomial(count, np.full(count, 1 / count), size=resamples) / count
        for count in (study.generated, study.real)
    )
    aucs = [np.sum((generated @ kernel(one)) * real, axis=1) for one in study.readings]
    return np.atleast_2d(np.cov(aucs))
