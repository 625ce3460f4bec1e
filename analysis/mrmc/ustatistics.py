"""One-shot U-statistics of several readers' AUCs (Gallas 2006, Acad. Radiol. 13:353).

The kernel s of reader r, generated image j and real image i is 1 if r rates j higher than i, ½ if the
ratings tie, else 0; the AUC of r is its mean. Products of two kernels fall into eight kinds by what they
share, and the mean of each kind is a second moment:

| moment | reader    | generated | real      |
|--------|-----------|-----------|-----------|
| M1     | same      | same      | same      |
| M2     | same      | same      | different |
| M3     | same      | different | same      |
| M4     | same      | different | different |
| M5–M8  | different | as M1–M4  | as M1–M4  |

All follow from sums over images of each reader's kernels and from one matrix product, for any design:
an image that a reader did not rate adds nothing (Gallas & Brown 2008, Neural Netw. 21:387).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from analysis.readings import Reading, Readings
from data.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)
class KernelSums:
    """What the second moments of Q readings are made of.

    `auc`, `generated` and `real` (Q,): each reading's AUC [0, 1] and its numbers of images. `wins` and `losses`
    hold, for each reading, the sums of its kernels for each generated image (m,) and each real one (n,).

    The others have shape (Q, Q), for two readings: `pairs` is Σ s s′ over the (generated, real) pairs that both
    rated; `by_generated` and `by_real` sum the products of their wins, and losses, over the images that both
    rated; `shared_generated` and `shared_real` count those images.
    """

    auc: Floats
    generated: Floats
    real: Floats
    wins: tuple[Floats, ...]
    losses: tuple[Floats, ...]
    pairs: Floats
    by_generated: Floats
    by_real: Floats
    shared_generated: Floats
    shared_real: Floats


_KEPT: WeakKeyDictionary[Readings, KernelSums] = WeakKeyDictionary()


def kernel_sums(study: Readings) -> KernelSums:
    """The sums of all readings, in O(Q · pairs) plus one (Q, pairs) matrix times its transpose.

    They are kept for as long as the study is: most methods ask for them.
    """
    if study not in _KEPT:
        _KEPT[study] = _summed(study)
    return _KEPT[study]


def _summed(study: Readings) -> KernelSums:
    generated, real = [one.generated for one in study.readings], [one.real for one in study.readings]
    kernels = [kernel(one) for one in study.readings]
    wins = tuple(one.sum(axis=1, dtype=np.float64) for one in kernels)
    losses = tuple(one.sum(axis=0, dtype=np.float64) for one in kernels)
    m, n = (np.array([part.size for part in parts], dtype=np.float64) for parts in (generated, real))
    return KernelSums(
        auc=np.array([float(one.sum()) for one in wins]) / (m * n),
        generated=m,
        real=n,
        wins=wins,
        losses=losses,
        pairs=_shared_pairs(study, kernels),
        by_generated=gram(generated, wins, study.generated),
        by_real=gram(real, losses, study.real),
        shared_generated=gram(generated, [np.ones(part.size) for part in generated], study.generated),
        shared_real=gram(real, [np.ones(part.size) for part in real], study.real),
    )


def kernel(reading: Reading) -> npt.NDArray[np.float32]:
    """1, ½ or 0 for each (generated, real) pair of a reading, shape (m, n)."""
    generated, real = reading.generated_rating[:, np.newaxis], reading.real_rating
    # In single precision 0, ½ and 1 are exact, and so are sums of their products over 4 million pairs.
    return np.add(generated > real, generated >= real, dtype=np.float32) * np.float32(0.5)


def influences(sums: KernelSums) -> tuple[list[Floats], list[Floats]]:
    """How each image moves each reading's AUC, to first order: shapes (m,) and (n,) per reading, of mean 0.

    It is (the image's mean kernel − AUC) / number of images of its class, the differential of the AUC in the
    weight of that image; DeLong's and the jackknife's covariances are sums of its products.
    """
    m, n, auc = sums.generated, sums.real, sums.auc
    return (
        [(wins / own_n - a) / own_m for wins, own_m, own_n, a in zip(sums.wins, m, n, auc, strict=True)],
        [(losses / own_m - a) / own_n for losses, own_m, own_n, a in zip(sums.losses, m, n, auc, strict=True)],
    )


def unbiased_covariance(sums: KernelSums) -> Floats:
    """Unbiased covariances of the readings' AUCs over samples of images, readers held fixed; shape (Q, Q).

    The product of two AUCs estimates E[Â Â′] without bias, and the mean product of kernels that share no image
    E[Â] E[Â′]. The difference is 0 for readings without a shared image, and may be negative by chance. It is
    NaN where two readings have no kernels apart: both have the same single image of a class.
    """
    apart = _ratio(_products(sums)[3], _counts(sums)[3])
    share = (sums.shared_generated > 0) | (sums.shared_real > 0)
    return np.where(share, np.outer(sums.auc, sums.auc) - apart, 0)


def second_moments(sums: KernelSums) -> Floats:
    """M1 to M8, shape (8,), for readings of one modality by different readers.

    Each is the mean over all products of its kind in the data, so every product counts the same. NaN where
    the design has none (M5 to M7 when no two readers share images; M5 to M8 of a single reader).
    """
    products, counts = _products(sums), _counts(sums)
    same = np.array([[np.trace(one) for one in kinds] for kinds in (products, counts)])
    every = np.array([[one.sum() for one in kinds] for kinds in (products, counts)])
    total, number = np.concatenate([same, every - same], axis=1)
    return _ratio(total, number)


def gram(columns: Sequence[Ints], values: Sequence[npt.NDArray[np.floating]], width: int) -> Floats:
    """X Xᵀ, shape (Q, Q), of the matrix X (Q, width) with these values in these columns of its rows."""
    starts = np.concatenate([[0], np.cumsum([part.size for part in columns])])
    column, value = np.concatenate(columns), np.concatenate(values)
    if width > column.size:
        # A sparse product takes memory for every column, used or not.
        used, column = np.unique(column, return_inverse=True)
        width = used.size
    rows = csr_array((value, column, starts), shape=(len(columns), width))
    if value.size > 0.2 * len(columns) * width:
        dense = rows.toarray()
        return np.asarray(dense @ dense.T, dtype=np.float64)
    return np.asarray((rows @ rows.T).toarray(), dtype=np.float64)


def _ratio(total: Floats, number: Floats) -> Floats:
    """total / number, NaN where there is nothing to average."""
    mean: Floats = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return mean


def _products(sums: KernelSums) -> tuple[Floats, Floats, Floats, Floats]:
    """Sums of kernel products for two readings, by the images shared: both, generated, real, none."""
    total = sums.auc * sums.generated * sums.real
    return (
        sums.pairs,
        sums.by_generated - sums.pairs,
        sums.by_real - sums.pairs,
        np.outer(total, total) - sums.by_generated - sums.by_real + sums.pairs,
    )


def _counts(sums: KernelSums) -> tuple[Floats, Floats, Floats, Floats]:
    """How many kernel products there are of each of the four kinds."""
    j, i = sums.shared_generated, sums.shared_real
    different_j, different_i = np.outer(sums.generated, sums.generated) - j, np.outer(sums.real, sums.real) - i
    return j * i, j * different_i, different_j * i, different_j * different_i


def _shared_pairs(study: Readings, kernels: Sequence[npt.NDArray[np.float32]]) -> Floats:
    """Σ s s′ over the (generated, real) pairs that two readings share."""
    if study.crossed:
        every = np.array([s.ravel() for s in kernels])
        return np.asarray(every @ every.T, dtype=np.float64)
    # Images of a single reading are left out of the matrix: where each reader has their own, that is all of them.
    generated, of_generated = _shared([one.generated for one in study.readings], study.generated)
    real, of_real = _shared([one.real for one in study.readings], study.real)
    columns, values = [], []
    for one, s in zip(study.readings, kernels, strict=True):
        j, i = of_generated[one.generated], of_real[one.real]
        columns.append((j[j >= 0][:, np.newaxis] * real + i[i >= 0]).ravel())
        values.append(s[np.ix_(j >= 0, i >= 0)].ravel())
    sums = gram(columns, values, generated * real)
    np.fill_diagonal(sums, [float(np.sum(np.square(s, dtype=np.float64))) for s in kernels])
    return sums


def _shared(images: Sequence[Ints], count: int) -> tuple[int, Ints]:
    """How many images occur in two readings or more, and their numbers among those (−1 for the others)."""
    several = np.bincount(np.concatenate(images), minlength=count) > 1
    return int(np.sum(several)), np.where(several, np.cumsum(several) - 1, -1)
