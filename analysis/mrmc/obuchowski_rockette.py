"""Obuchowski & Rockette's analysis of readers' AUCs, as Hillis completed it.

The AUC of reader j with modality i is an ANOVA's observation, μ + modality + reader + interaction + ε, whose
errors ε are correlated because all readers judge the same images: their variance is `error`, their covariance
`cov1` for one reader with two modalities, `cov2` for two readers with one, `cov3` for two readers with two
(Obuchowski & Rockette 1995, Commun. Stat. Simul. Comput. 24:285). Denominators and degrees of freedom are
Hillis's (2007, Stat. Med. 26:596; 2014, Stat. Med. 33:330).

`mrmc` is the analysis to report: its variance is this one with unbiased covariances, and its degrees of
freedom allow for few images. This module is for comparison with published work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.intervals import t_interval
from analysis.mrmc.auc_covariance import Method, covariance
from analysis.mrmc.ustatistics import kernel_sums
from analysis.mrmc.variance import Sampled, check_sampled
from analysis.readings import Readings, as_readings, of_one_modality
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result


class Covariances(NamedTuple):
    """Variance and covariances of the errors; `cov1` and `cov3` are NaN with one modality."""

    error: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True, eq=False)
class OrAuc(Result):
    """The mean AUC of one modality: t interval `low` to `high` at `level`, cut at 0 and 1, and p against .5.

    `ms_reader` is the mean square of R participants, `error` and `cov2` the errors' variance and covariance,
    `reader_variance` the component of participants (may be negative). What is undefined is NaN, with a `reason`.
    """

    auc: float
    se: float
    df: float
    low: float
    high: float
    level: float
    p_chance: float
    participants: int
    ms_reader: float
    error: float
    cov2: float
    reader_variance: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class OrDifference(Result):
    """The mean AUC of the first modality less that of the second, with its ANOVA.

    `f` has 1 and `df` degrees of freedom; with readers fixed df is infinite and f a chi-square of 1. `ms_*` are
    mean squares of the AUCs; `error` and `cov1` to `cov3` the errors' variance and covariances;
    `reader_variance` and `reader_modality_variance` the components (may be negative). `first` and `second` rest on
    one modality each. What is undefined is NaN, with a `reason`.
    """

    difference: float
    se: float
    df: float
    low: float
    high: float
    level: float
    f: float
    p: float
    participants: int
    ms_modality: float
    ms_reader: float
    ms_reader_modality: float
    error: float
    cov1: float
    cov2: float
    cov3: float
    reader_variance: float
    reader_modality_variance: float
    first: OrAuc
    second: OrAuc
    reason: str | None


def auc(
    trials: pd.DataFrame | Readings,
    method: Method = "jackknife",
    *,
    level: float = 0.9,
    readers: Sampled = "random",
    images: Sampled = "random",
    seed: int = 0,
) -> OrAuc:
    """Analysis of one modality, from a table for `readings.from_trials` or from readings.

    `method` and `seed` are for `auc_covariance.covariance`, which says what designs it takes. Raises
    `LookalikeError` as that and `from_trials` do, and for several modalities.
    """
    study = of_one_modality(trials)
    if not study.readings:
        return from_aucs(np.empty(0), Covariances(*[np.nan] * 4), level=level, readers=readers, images=images)
    sums = kernel_sums(study)
    errors = _one_modality(covariance(study, sums, method, seed=seed))
    return from_aucs(sums.auc, errors, level=level, readers=readers, images=images)


def difference(
    trials: pd.DataFrame | Readings,
    method: Method = "jackknife",
    *,
    level: float = 0.9,
    readers: Sampled = "random",
    images: Sampled = "random",
    seed: int = 0,
) -> OrDifference:
    """Analysis of two modalities, first less second by name, over the participants who judged both.

    Arguments as for `auc`. Raises `LookalikeError` as that does, and unless there are two modalities and a
    participant with an AUC in both.
    """
    study = paired(as_readings(trials))
    sums = kernel_sums(study)
    every = covariance(study, sums, method, seed=seed)
    r = len(study.participants)
    ends, across = (every[:r, :r], every[r:, r:]), every[:r, r:]
    alone = [_one_modality(block) for block in ends]
    errors = Covariances(
        error=(alone[0].error + alone[1].error) / 2,
        cov1=float(np.mean(np.diag(across))),
        cov2=(alone[0].cov2 + alone[1].cov2) / 2,
        cov3=_mean_off_diagonal(across),
    )
    aucs = sums.auc.reshape(2, r)
    return from_two_aucs(aucs, errors, (alone[0], alone[1]), level=level, readers=readers, images=images)


def from_aucs(
    aucs: npt.ArrayLike,
    errors: Covariances,
    *,
    level: float = 0.9,
    readers: Sampled = "random",
    images: Sampled = "random",
) -> OrAuc:
    """Analysis of readers' AUCs (R,) whose error variance and `cov2` are known, for example from a publication."""
    values = np.asarray(aucs, dtype=np.float64)
    r, mean = values.size, float(np.mean(values)) if values.size else np.nan
    ms_reader = float(np.var(values, ddof=1)) if r > 1 else np.nan
    variance, df = _denominator(ms_reader, errors.error, errors.cov2, r, readers, images)
    tested = t_interval(mean, variance / r if r else np.nan, df, null=0.5, level=level, limits=(0, 1))
    return OrAuc(
        auc=mean,
        se=tested.se,
        df=tested.df,
        low=tested.low,
        high=tested.high,
        level=level,
        p_chance=tested.p,
        participants=r,
        ms_reader=ms_reader,
        error=errors.error,
        cov2=errors.cov2,
        reader_variance=ms_reader - errors.error + errors.cov2,
        reason=_reason(r, readers) or tested.reason,
    )


def from_two_aucs(
    aucs: npt.ArrayLike,
    errors: Covariances,
    alone: tuple[Covariances, Covariances],
    *,
    level: float = 0.9,
    readers: Sampled = "random",
    images: Sampled = "random",
) -> OrDifference:
    """Analysis of two modalities' AUCs, shape (2, R), with known covariances; `alone` are each modality's own."""
    values = np.asarray(aucs, dtype=np.float64)
    r = values.shape[1]
    means, each = values.mean(axis=1), values.mean(axis=0)
    ms_modality = float(r * np.var(means, ddof=1))
    ms_reader = float(2 * np.var(each, ddof=1)) if r > 1 else np.nan
    rest = values - means[:, np.newaxis] - each + values.mean()
    ms_rest = float(np.sum(rest**2)) / (r - 1) if r > 1 else np.nan
    variance, df = _denominator(ms_rest, errors.error - errors.cov1, errors.cov2 - errors.cov3, r, readers, images)
    value = float(means[0] - means[1])
    tested = t_interval(value, 2 * variance / r, df, null=0, level=level, limits=(-1, 1))
    first, second = (
        from_aucs(row, own, level=level, readers=readers, images=images) for row, own in zip(values, alone, strict=True)
    )
    return OrDifference(
        difference=value,
        se=tested.se,
        df=tested.df,
        low=tested.low,
        high=tested.high,
        level=level,
        f=(value / tested.se) ** 2,
        p=tested.p,
        participants=r,
        ms_modality=ms_modality,
        ms_reader=ms_reader,
        ms_reader_modality=ms_rest,
        **errors._asdict(),
        reader_variance=(ms_reader - ms_rest) / 2 - errors.cov1 + errors.cov3,
        reader_modality_variance=ms_rest - errors.error + errors.cov1 + errors.cov2 - errors.cov3,
        first=first,
        second=second,
        reason=_reason(r, readers) or tested.reason,
    )


def paired(study: Readings) -> Readings:
    """The readings of the participants who have an AUC in both of two modalities, first modality first.

    Raises `LookalikeError` unless there are two modalities and such a participant.
    """
    if len(study.modalities) != 2:
        raise LookalikeError(
            "not-two-modalities", f"modalities {', '.join(study.modalities) or 'none'}: a comparison needs two"
        )
    first, second = (set(study.where([name]).participants) for name in study.modalities)
    if not first & second:
        raise LookalikeError(
            "no-auc", "no participant has an AUC in both modalities; compare two groups with mrmc_difference()"
        )
    return study.where(study.modalities, first & second)


def _denominator(
    mean_square: float, own: float, shared: float, r: int, readers: Sampled, images: Sampled
) -> tuple[float, float]:
    """R times the variance of a mean over R readers, and its degrees of freedom (Hillis 2007).

    `mean_square` is of the readers' values; `own` and `shared` are their errors' variance and covariance.
    """
    check_sampled(readers, images)
    if readers == "fixed":
        return own + (r - 1) * max(shared, 0), np.inf
    if images == "fixed":
        return mean_square, r - 1
    variance = mean_square + max(r * shared, 0)
    return variance, variance**2 / (mean_square**2 / (r - 1)) if mean_square > 0 else np.inf


def _one_modality(block: Floats) -> Covariances:
    return Covariances(float(np.mean(np.diag(block))), np.nan, _mean_off_diagonal(block), np.nan)


def _mean_off_diagonal(block: Floats) -> float:
    size = len(block)
    return float(np.mean(block[~np.eye(size, dtype=np.bool_)])) if size > 1 else 0.0


def _reason(r: int, readers: Sampled) -> str | None:
    if r == 0:
        return "no participant rated images of both classes"
    if r == 1 and readers == "random":
        return "one participant: how others would differ is unknown; readers can only be fixed"
    return None
