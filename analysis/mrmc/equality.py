"""Do several modalities have the same value? One test for two and more, in any design.

The values θ of t modalities, averaged over participants, have the mean square MS = Σ (θ − θ̄)² / (t − 1). Without a
difference its expectation is the mean variance of a θ less the mean covariance of two, which is half the mean variance
of the difference of two. F is MS over the estimate of that from the readings' spread and their covariances over images
(Obuchowski & Rockette 1995; the marginal-mean form for all designs: Hillis 2014, Stat. Med. 33:330):

- participants who judged every modality: MS(modality × participant) / R;
- a group of its own for each modality: the mean of each group's variance / R;
- to either, what participants have in common because they judged the same images, Cov2 − Cov3, but not below 0. It is
  read off the data, so images may be the same in all modalities, partly, or nested in modality or in participants.

With two modalities it is the square of the t of `mrmc_difference`; in a crossed design with unbiased covariances it is
Obuchowski & Rockette's F. Degrees of freedom are as in `variance.one_shot`, of t − 1 contrasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

from analysis.mrmc.answers import AnswerMeasure, by_answer, by_correction_alone, of_answers, only_corrected
from analysis.mrmc.estimates import Estimates, of_aucs
from analysis.mrmc.pairing import Overlap, Pairing, pair
from analysis.mrmc.variance import FEW_READERS, SINGLE_IMAGE, Sampled, check_sampled, method_of, satterthwaite
from analysis.readings import Readings, as_readings
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result

_ROUNDING = 1e-15  # a variance of values near 1 that is only rounding
Crossing = Literal["crossed", "nested", "partly crossed"]


@dataclass(frozen=True, eq=False)
class Equality(Result):
    """The test that `modalities` have the same mean `measure` (auc, or one of `analysis.mrmc.answers`).

    `f` has `df1` and `df2` degrees of freedom. `mean_square` is of the `means`, and `variance` what it is compared
    with: at least the sum of `participant_variance` (not of images; NaN with readers fixed) and `image_variance`
    (NaN with images fixed). `participants` says whether the same people judged every modality (crossed), each judged
    one (nested), or some judged several but not all (partly crossed: then those who judged all are compared, and if
    nobody did there is no test); `same_images` whether the modalities show the same images. Participants `set_aside`
    took no part. What is undefined is NaN and `reason` says why.
    """

    measure: Literal["auc"] | AnswerMeasure
    modalities: tuple[str, ...]
    means: Floats
    f: float
    df1: float
    df2: float
    p: float
    mean_square: float
    variance: float
    participant_variance: float
    image_variance: float
    readers: Sampled
    images: Sampled
    participants: Crossing
    same_images: Overlap
    compared: int
    set_aside: dict[str, str]
    method: str
    reason: str | None


class _Variance(NamedTuple):
    """What the mean square of the values would be without a difference, with its parts."""

    used: float = np.nan
    df: float = np.nan
    readers: float = np.nan
    images: float = np.nan
    method: str = ""


def mrmc_equality(
    trials: pd.DataFrame | Readings,
    measure: Literal["auc"] | AnswerMeasure = "auc",
    modalities: Sequence[str] | None = None,
    *,
    readers: Sampled = "random",
    images: Sampled = "random",
) -> Equality:
    """Test whether two or more modalities have the same mean AUC, or the same measure at the answer.

    Parameters
    ----------
    trials : pandas.DataFrame or Readings
        Columns participant, stimulus_id, truth, modality and rating (of the answers: response).
    measure : {"auc", "dprime", "criterion", "sensitivity", "specificity"}, optional
        What is compared.
    modalities : sequence of str, optional
        Which; by default all there are.
    readers, images : {"random", "fixed"}, optional
        As in `mrmc_auc`.

    Returns
    -------
    Equality
        F with its degrees of freedom and p, and how participants and images were paired with modalities.

    Raises
    ------
    LookalikeError
        As `mrmc_auc` does, and for fewer than two modalities or one that does not occur.

    References
    ----------
    Obuchowski & Rockette 1995, Commun. Stat. Simul. Comput. 24:285; Hillis 2014, Stat. Med. 33:330; Gallas & Brown
    2008, Neural Netw. 21:387.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from analysis import mrmc_equality
    >>> rng = np.random.default_rng(1)
    >>> person, image = np.divmod(np.arange(240), 40)
    >>> table = pd.DataFrame({"participant": person, "stimulus_id": image})
    >>> table["truth"] = np.tile(["real", "generated"], 120)
    >>> signal = table["truth"] == "generated"
    >>> skills = {"a": 2, "b": 1, "c": 1}
    >>> parts = [table.assign(modality=name, rating=rng.normal(d * signal)) for name, d in skills.items()]
    >>> found = mrmc_equality(pd.concat(parts))
    >>> round(found.f, 1), round(found.df1), round(found.df2), found.p < 0.001, found.participants
    (12.3, 2, 10, False, 'crossed')
    """
    check_sampled(readers, images)
    study = as_readings(trials) if measure == "auc" else by_answer(trials)
    names = tuple(sorted(study.modalities if modalities is None else modalities))
    if len(set(names)) != len(names) or len(names) < 2 or not set(names) <= set(study.modalities):
        raise LookalikeError(
            "not-two-modalities",
            f"modalities {', '.join(names) or 'none'}: name two or more of those in the data, which are "
            f"{', '.join(study.modalities) or 'none'}",
        )
    pairing = pair(study, names)
    crossing = _crossing(study, names)
    sizes = [len(one) for one in pairing.places]
    reason = _undefined(pairing, crossing, sizes, readers)
    means, mean_square, found = np.full(len(names), np.nan), np.nan, _Variance()
    if min(sizes):
        estimates = of_aucs(pairing.study) if measure == "auc" else of_answers(pairing.study, measure)
        means = np.array([float(np.mean(estimates.each[places])) for places in pairing.places])
        mean_square = float(np.var(means, ddof=1))
        perfect = 0 if measure in ("auc", "sensitivity", "specificity") else only_corrected(pairing.study)
        if perfect:
            reason = reason or by_correction_alone(perfect, len(pairing.study.readings))
        if reason is None:
            found = _without_a_difference(estimates, pairing, readers, images)
            reason = (
                None if found.used > _ROUNDING else "the estimated variance is not positive: too little data for a test"
            )
            reason = SINGLE_IMAGE if np.isnan(found.used) else reason
    f = mean_square / found.used if reason is None else np.nan
    return Equality(
        measure=measure,
        modalities=names,
        means=means,
        f=float(f),
        df1=float(len(names) - 1),
        df2=float(found.df),
        p=float(f_distribution.sf(f, len(names) - 1, found.df)),
        mean_square=mean_square,
        variance=found.used,
        participant_variance=found.readers,
        image_variance=found.images,
        readers=readers,
        images=images,
        participants=crossing,
        same_images=pairing.overlap(),
        compared=len(pairing.study.participants),
        set_aside=pairing.set_aside,
        method=found.method,
        reason=reason,
    )


def _crossing(study: Readings, names: Sequence[str]) -> Crossing:
    seen = [set(study.where([name]).participants) for name in names]
    if all(one == seen[0] for one in seen):
        return "crossed"
    return "nested" if sum(map(len, seen)) == len(set.union(*seen)) else "partly crossed"


def _undefined(pairing: Pairing, crossing: Crossing, sizes: list[int], readers: Sampled) -> str | None:
    if min(sizes) == 0:
        empty = pairing.names[sizes.index(0)]
        return f"nobody judged real and generated images of {empty}"
    if crossing == "partly crossed" and not pairing.same_participants:
        return "nobody judged all of them, and some judged several: compare them two by two"
    if readers == "random" and min(sizes) < 2:
        return "one participant: how others would differ is unknown; readers can only be fixed"
    return None


def _without_a_difference(found: Estimates, pairing: Pairing, readers: Sampled, images: Sampled) -> _Variance:
    """Mean variance of a value less the mean covariance of two."""
    places, paired, t = pairing.places, pairing.same_participants, len(pairing.names)
    sizes = [len(one) for one in places]
    parts = _reader_parts(np.array([found.each[one] for one in places]) if paired else None, found.each, places)
    between = sum(part for part, _ in parts)
    if images == "fixed":
        return _Variance(between, satterthwaite(between, parts), between, np.nan, "variance of participants' values")
    own, shared, all_shared = _over_images(found.covariance, places, paired)
    fixed = own + max(all_shared, 0)
    image_parts = _image_parts(found, places)
    if readers == "fixed":
        method = method_of(all_shared)
        return _Variance(fixed, satterthwaite(fixed, image_parts), np.nan, own + all_shared, method)
    random = between + max(shared, 0)
    few = min(sizes) < FEW_READERS
    least = (t - 1) * (min(sizes) - 1) if paired else min(sizes) - 1
    df = least if few else satterthwaite(random, [*parts, *image_parts])
    return _Variance(max(random, fixed), df, between, shared, method_of(shared, raised=fixed > random, few=few))


def _reader_parts(crossed: Floats | None, values: Floats, places: Sequence[Sequence[int]]) -> list[tuple[float, int]]:
    """The readers' parts of the variance, with their degrees of freedom: of their interaction, or of each group."""
    if crossed is not None:
        t, r = crossed.shape
        rest = crossed - crossed.mean(axis=0) - crossed.mean(axis=1, keepdims=True) + crossed.mean()
        df = (t - 1) * (r - 1)
        return [(float(np.sum(rest**2)) / df / r if df else np.nan, df)]
    return [
        (float(np.var(values[one], ddof=1)) / len(one) / len(places) if len(one) > 1 else np.nan, len(one) - 1)
        for one in places
    ]


def _over_images(covariance: Floats, places: Sequence[Sequence[int]], paired: bool) -> tuple[float, float, float]:
    """Of variances less covariances of two values: each reader's own part, that of two readers, and of all given."""
    t = len(places)
    own, shared, every = (np.zeros((t, t)) for _ in range(3))
    for i, one in enumerate(places):
        for j, other in enumerate(places):
            block = covariance[np.ix_(one, other)].copy()
            same = i == j or paired
            own[i, j] = float(np.trace(block)) / len(one) ** 2 if same else 0.0
            if same:
                np.fill_diagonal(block, 0)
            pairs = len(one) * (len(one) - 1) if same else block.size
            shared[i, j] = float(np.sum(block)) / max(pairs, 1)
            every[i, j] = float(np.sum(block)) / (len(one) * len(other))
    first, second, third = map(_contrast, (own, shared, every))
    return first, second, third


def _image_parts(found: Estimates, places: Sequence[Sequence[int]]) -> list[tuple[float, int]]:
    """For each class, the same by the influence of its images, and its degrees of freedom."""
    weights = np.zeros((len(places), found.each.size))
    for weight, one in zip(weights, places, strict=True):
        weight[np.asarray(one)] = 1 / len(one)
    freedom = len(places) - 1
    return [(_contrast(one.products(list(weights))), freedom * (one.number - 1)) for one in found.classes]


def _contrast(covariances: Floats) -> float:
    """The mean of the diagonal of a square array less the mean of what is off it."""
    t = len(covariances)
    diagonal = float(np.trace(covariances)) / t
    return diagonal - (float(np.sum(covariances)) - t * diagonal) / (t * (t - 1))
