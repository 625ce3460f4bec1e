"""Dorfman, Berbaum & Metz's analysis of one or two modalities: an ANOVA of jackknife pseudovalues.

A pseudovalue is what one image adds to a reader's AUC, N · AUC − (N − 1) · AUC without the image. Modality x
reader x image tables of them are analysed as if observed (Dorfman, Berbaum & Metz 1992, Invest. Radiol.
27:723) with the denominators and degrees of freedom of Hillis, Berbaum & Metz (2008, Acad. Radiol. 15:647).
So done, it is Obuchowski & Rockette's analysis with jackknife covariances (Hillis et al. 2005, Stat. Med.
24:1579), by another road.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.arrays import Floats
from analysis.mrmc.obuchowski import paired
from analysis.mrmc.readings import Readings, from_trials
from analysis.mrmc.t_interval import interval
from analysis.mrmc.ustatistics import influences, kernel_sums
from analysis.mrmc.variance import Sampled
from analysis.result import Result
from data.errors import LookalikeError

_ALONE = "one participant: how others would differ is unknown; readers can only be fixed"


@dataclass(frozen=True)
class Dbm(Result):
    """The mean AUC of the first modality less that of the second, with the pseudovalues' ANOVA.

    `f` has 1 and `df` degrees of freedom. The `ms_*` are mean squares of pseudovalues; the `*_variance` are the
    components (may be negative), `residual_variance` that of the threefold interaction and the error. What is
    undefined is NaN and `reason` says why.
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
    images: int
    ms_modality: float
    ms_reader: float
    ms_image: float
    ms_modality_reader: float
    ms_modality_image: float
    ms_reader_image: float
    ms_residual: float
    reader_variance: float
    image_variance: float
    modality_reader_variance: float
    modality_image_variance: float
    reader_image_variance: float
    residual_variance: float
    reason: str | None


@dataclass(frozen=True)
class DbmAuc(Result):
    """The mean AUC of one modality, readers and images random, with the pseudovalues' ANOVA.

    The t interval is cut at 0 and 1, `p_chance` is against .5. What is undefined is NaN and `reason` says why.
    """

    auc: float
    se: float
    df: float
    low: float
    high: float
    level: float
    p_chance: float
    participants: int
    images: int
    ms_reader: float
    ms_image: float
    ms_reader_image: float
    reason: str | None


def auc(trials: pd.DataFrame | Readings, *, level: float = 0.9) -> DbmAuc:
    """Analysis of one modality, with readers and images random.

    Raises `LookalikeError` as `pseudovalues` does, and for several modalities.
    """
    study = trials if isinstance(trials, Readings) else from_trials(trials)
    if len(study.modalities) > 1:
        raise LookalikeError(f"modalities {', '.join(study.modalities)}: pass one, or compare two with difference()")
    values = pseudovalues(study)
    _, r, n = values.shape
    ms = _mean_squares(values)
    # As in `_denominator`, with the effects of readers and images in place of their interactions with modality.
    variance, df = _denominator({"tr": ms["r"], "tc": ms["c"], "trc": ms["rc"]}, r, n, "random", "random")
    tested = interval(float(values.mean()), variance / (r * n), df, null=0.5, level=level, limits=(0, 1))
    return DbmAuc(
        auc=float(values.mean()),
        se=tested.se,
        df=tested.df,
        low=tested.low,
        high=tested.high,
        level=level,
        p_chance=tested.p,
        participants=r,
        images=n,
        ms_reader=ms["r"],
        ms_image=ms["c"],
        ms_reader_image=ms["rc"],
        reason=_ALONE if r == 1 else tested.reason,
    )


def difference(
    trials: pd.DataFrame | Readings, *, level: float = 0.9, readers: Sampled = "random", images: Sampled = "random"
) -> Dbm:
    """Analysis of two modalities, first less second by name, over the participants who judged both.

    `trials` is a table for `readings.from_trials` or readings. Raises `LookalikeError` as `obuchowski.difference`
    does, and unless all participants judged the same images (two or more of each class) in both modalities.
    """
    study = paired(trials if isinstance(trials, Readings) else from_trials(trials))
    values = pseudovalues(study)
    _, r, n = values.shape
    ms = _mean_squares(values)
    variance, df = _denominator(ms, r, n, readers, images)
    means = values.mean(axis=(1, 2))
    value = float(means[0] - means[1])
    tested = interval(value, 2 * variance / (r * n), df, null=0, level=level, limits=(-1, 1))
    return Dbm(
        difference=value,
        se=tested.se,
        df=tested.df,
        low=tested.low,
        high=tested.high,
        level=level,
        f=(value / tested.se) ** 2,
        p=tested.p,
        participants=r,
        images=n,
        ms_modality=ms["t"],
        ms_reader=ms["r"],
        ms_image=ms["c"],
        ms_modality_reader=ms["tr"],
        ms_modality_image=ms["tc"],
        ms_reader_image=ms["rc"],
        ms_residual=ms["trc"],
        reader_variance=(ms["r"] - ms["tr"] - ms["rc"] + ms["trc"]) / (2 * n),
        image_variance=(ms["c"] - ms["tc"] - ms["rc"] + ms["trc"]) / (2 * r),
        modality_reader_variance=(ms["tr"] - ms["trc"]) / n,
        modality_image_variance=(ms["tc"] - ms["trc"]) / r,
        reader_image_variance=(ms["rc"] - ms["trc"]) / 2,
        residual_variance=ms["trc"],
        reason=_ALONE if r == 1 and readers == "random" else tested.reason,
    )


def pseudovalues(study: Readings) -> Floats:
    """Pseudovalues of a study crossed in everything, shape (modalities, readers, images), generated images first.

    Raises `LookalikeError` for another design, or with fewer than two images of a class.
    """
    if not study.crossed:
        raise LookalikeError("pseudovalues need the same images in all readings; use mrmc.difference()")
    if min(study.generated, study.real) < 2:
        raise LookalikeError("pseudovalues need two images of each class or more")
    sums, m, n = kernel_sums(study), study.generated, study.real
    # Without an image the AUC falls by the image's influence, times count / (count − 1) for its class.
    falls = [np.array(one) * count / (count - 1) for one, count in zip(influences(sums), (m, n), strict=True)]
    values = sums.auc[:, np.newaxis] + (m + n - 1) * np.concatenate(falls, axis=1)
    return np.asarray(values.reshape(len(study.modalities), -1, m + n), dtype=np.float64)


def _mean_squares(values: Floats) -> dict[str, float]:
    """Mean squares of the three-way table, by the effects t (modality), r (reader) and c (image)."""
    axes = {"t": 0, "r": 1, "c": 2}
    effects: dict[str, Floats] = {"": np.asarray(values.mean(keepdims=True), dtype=np.float64)}
    squares = {}
    for name in ("t", "r", "c", "tr", "tc", "rc", "trc"):
        others = tuple(axis for letter, axis in axes.items() if letter not in name)
        effect = np.asarray(values.mean(axis=others, keepdims=True), dtype=np.float64)
        effects[name] = effect = effect - sum(part for other, part in effects.items() if set(other) < set(name))
        df = math.prod([values.shape[axes[letter]] - 1 for letter in name])
        repeats = values.size / effect.size
        squares[name] = float(np.sum(effect**2) * repeats / df) if df else np.nan
    return squares


def _denominator(ms: dict[str, float], r: int, n: int, readers: Sampled, images: Sampled) -> tuple[float, float]:
    """The F test's denominator and its degrees of freedom."""
    if {readers, images} - {"random", "fixed"} or (readers, images) == ("fixed", "fixed"):
        raise LookalikeError(f"readers {readers}, images {images}: random or fixed, and not both fixed")
    if readers == "fixed":
        return ms["tc"], n - 1
    if images == "fixed":
        return ms["tr"], r - 1
    variance = ms["tr"] + max(ms["tc"] - ms["trc"], 0)
    return variance, variance**2 / (ms["tr"] ** 2 / (r - 1)) if ms["tr"] > 0 else np.inf
