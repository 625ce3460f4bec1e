"""Sensitivity, specificity, d′ and c at the answer, for other participants and other images.

The analysis is that of the AUC (`analysis.mrmc.variance`) with the answers in place of the ratings' kernels: a rate is
a mean over the images of one class, so its unbiased covariance for two participants is that of one-sample U-statistics
(Gallas, Pennello & Myers 2007, J. Opt. Soc. Am. A 24:B70; Chen, Wunderlich, Petrick & Gallas 2014, J. Med. Imaging
1:031011). d′ and c are differences and means of z of the rates, corrected log-linearly, and take their covariances by
the delta method; a participant's own variance is Gourevitch & Galanter's (1967, Psychometrika 32:25).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import norm

from analysis.mrmc.estimates import ClassInfluence, Estimates
from analysis.mrmc.mrmc import common_fields, interval_of
from analysis.mrmc.pairing import Overlap, pair, two_of
from analysis.mrmc.ustatistics import gram
from analysis.mrmc.variance import OneShot, Sample, Sampled, check_sampled, no_variance, one_shot_of
from analysis.readings import Design, Reading, Readings, from_trials, of_one_modality
from data.arrays import Floats, Ints
from data.errors import check_choice
from data.results.result import Result
from data.trials import rating

AnswerMeasure = Literal["dprime", "criterion", "sensitivity", "specificity"]
_RATES = ("sensitivity", "specificity")


@dataclass(frozen=True, eq=False)
class AnswerMean(Result):
    """A measure at the answer, averaged over participants, and how far it would differ with others and other images.

    `measure` is dprime or criterion (SDs of the evidence; c above 0 leans towards "real"), or sensitivity or
    specificity (shares [0, 1] of generated images called generated, of real ones called real). `p` is two-sided
    against `null`: 0, or .5 for a rate. The other fields are as in `analysis.mrmc.mrmc.Auc`.
    """

    measure: AnswerMeasure
    value: float
    null: float
    se: float
    df: float
    low: float
    high: float
    level: float
    p: float
    delta: float
    p_equivalence: float
    variance: float
    participant_variance: float
    image_variance: float
    between_sd: float
    readers: Sampled
    images: Sampled
    design: Design
    participants: int
    generated: int
    real: int
    unrated: int
    set_aside: dict[str, str]
    reason: str | None
    method: str


@dataclass(frozen=True, eq=False)
class AnswerDifference(Result):
    """The `measure` at the answer in the `first` modality less that in the `second`; fields as in `AnswerMean`.

    `p` is two-sided against 0. Who is compared with whom is as in `analysis.mrmc.mrmc.Difference`.
    """

    measure: AnswerMeasure
    difference: float
    se: float
    df: float
    low: float
    high: float
    level: float
    p: float
    delta: float
    p_equivalence: float
    variance: float
    participant_variance: float
    image_variance: float
    readers: Sampled
    images: Sampled
    same_participants: bool
    same_images: Overlap
    first_modality: str
    second_modality: str
    first: AnswerMean
    second: AnswerMean
    set_aside: dict[str, str]
    reason: str | None
    method: str


def mrmc_answers(
    trials: pd.DataFrame | Readings,
    measure: AnswerMeasure = "dprime",
    *,
    delta: float | None = None,
    level: float = 0.95,
    readers: Sampled = "random",
    images: Sampled = "random",
) -> AnswerMean:
    """d′, c, sensitivity or specificity averaged over participants, for other participants and other images.

    Parameters
    ----------
    trials : pandas.DataFrame or Readings
        Columns participant, stimulus_id, truth and response: one session, one modality. Readings are taken by the sign
        of their ratings.
    measure : {"dprime", "criterion", "sensitivity", "specificity"}, optional
        What is averaged.
    delta : float, optional
        Half the width of the bounds of an equivalence test around 0 (around .5 for a rate).
    level : float, optional
        Level of the interval, in (0, 1).
    readers, images : {"random", "fixed"}, optional
        As in `mrmc_auc`.

    Returns
    -------
    AnswerMean
        The mean with standard error, degrees of freedom, bounds and p.

    Raises
    ------
    LookalikeError
        As `mrmc_auc` does, and for an unknown measure.

    Notes
    -----
    Each participant counts equally. d′ and c rest on rates corrected log-linearly, which pulls a d′ of 2 or less
    towards 0 by .01 at most with 50 + 50 images, and by .02 with 25 + 25 (test_answers). Where a participant's answers
    are all right, all wrong or all the same, d′ and c are the correction's alone and there is no interval.

    References
    ----------
    Gallas, Pennello & Myers 2007, J. Opt. Soc. Am. A 24:B70; Chen, Wunderlich, Petrick & Gallas 2014, J. Med. Imaging
    1:031011; Gourevitch & Galanter 1967, Psychometrika 32:25; Hautus 1995, Behav. Res. Methods Instrum. Comput. 27:46.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from analysis import mrmc_answers
    >>> person, image = np.divmod(np.arange(240), 40)
    >>> table = pd.DataFrame({"participant": person, "stimulus_id": image})
    >>> table["truth"] = np.tile(["real", "generated"], 120)
    >>> evidence = np.random.default_rng(1).normal(1.0 * (table["truth"] == "generated"))
    >>> table["response"] = np.where(evidence > 0.5, "generated", "real")
    >>> found = mrmc_answers(table)
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (1.21, 0.74, 1.68)
    """
    study = of_one_modality(by_answer(trials))
    found = _mean_of(study, measure, [[(1, range(len(study.readings)))]], readers, images)
    null = 0.5 if measure in _RATES else 0.0
    tested = interval_of(found, null, _limits(measure), level, delta)
    return AnswerMean(
        measure=measure,
        value=found.value,
        null=null,
        p=tested.p,
        between_sd=float(np.sqrt(max(found.between, 0))),
        design=study.design,
        participants=len(study.participants),
        generated=study.generated,
        real=study.real,
        unrated=study.unrated,
        set_aside=study.excluded,
        **common_fields(found, tested, readers, images, level, delta),
    )


def mrmc_answers_difference(
    trials: pd.DataFrame | Readings,
    measure: AnswerMeasure = "dprime",
    modalities: tuple[str, str] | None = None,
    *,
    delta: float | None = None,
    level: float = 0.95,
    readers: Sampled = "random",
    images: Sampled = "random",
) -> AnswerDifference:
    """The difference of two modalities in d′, c, sensitivity or specificity, for other participants and images.

    Parameters
    ----------
    trials : pandas.DataFrame or Readings
        As in `mrmc_answers`, with a column modality.
    measure : {"dprime", "criterion", "sensitivity", "specificity"}, optional
        What is compared.
    modalities : tuple of two str, optional
        Which is first and which second; by default the two there are, by name.
    delta : float, optional
        Half the width of the bounds 0 ± delta of an equivalence test.
    level : float, optional
        Level of the interval, in (0, 1).
    readers, images : {"random", "fixed"}, optional
        As in `mrmc_auc`.

    Returns
    -------
    AnswerDifference
        First less second, with standard error, bounds and p. Participants who judged both are compared with
        themselves; if nobody did, two groups are.

    Raises
    ------
    LookalikeError
        As `mrmc_difference` does, and for an unknown measure.

    References
    ----------
    Chen, Wunderlich, Petrick & Gallas 2014, J. Med. Imaging 1:031011.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from analysis import mrmc_answers_difference
    >>> rng = np.random.default_rng(1)
    >>> person, image = np.divmod(np.arange(240), 40)
    >>> table = pd.DataFrame({"participant": person, "stimulus_id": image})
    >>> table["truth"] = np.tile(["real", "generated"], 120)
    >>> parts = []
    >>> for name, skill in (("early", 2.0), ("late", 1.0)):
    ...     said = rng.normal(skill * (table["truth"] == "generated")) > skill / 2
    ...     parts.append(table.assign(modality=name, response=np.where(said, "generated", "real")))
    >>> found = mrmc_answers_difference(pd.concat(parts))
    >>> round(found.difference, 2), round(found.se, 2), found.same_participants
    (0.93, 0.25, True)
    """
    study = by_answer(trials)
    names = two_of(study, modalities)
    pairing = pair(study, names)
    found = _mean_of(pairing.study, measure, pairing.samples, readers, images)
    limits = (-1, 1) if measure in _RATES else (-np.inf, np.inf)
    tested = interval_of(found, 0, limits, level, delta)
    alone = [
        mrmc_answers(pairing.study.where([name]), measure, level=level, readers=readers, images=images)
        for name in names
    ]
    return AnswerDifference(
        measure=measure,
        difference=found.value,
        p=tested.p,
        same_participants=pairing.same_participants,
        same_images=pairing.overlap(),
        first_modality=names[0],
        second_modality=names[1],
        first=alone[0],
        second=alone[1],
        set_aside=pairing.set_aside,
        **common_fields(found, tested, readers, images, level, delta),
    )


def of_answers(study: Readings, measure: AnswerMeasure) -> Estimates:
    """Each reading's value of a measure at the answer (a rating above 0 says generated), with its covariances.

    Raises `LookalikeError` for an unknown measure.
    """
    check_choice(measure, get_args(AnswerMeasure), "measure")
    hit = _Rates.of([(one.generated, one.generated_rating) for one in study.readings], study.generated)
    false_alarm = _Rates.of([(one.real, one.real_rating) for one in study.readings], study.real)
    if measure == "sensitivity":
        parts, values = [(hit, np.ones(hit.n.size))], hit.share
    elif measure == "specificity":
        parts, values = [(false_alarm, np.full(hit.n.size, -1.0))], 1 - false_alarm.share
    else:
        scale = (1.0, -1.0) if measure == "dprime" else (-0.5, -0.5)
        parts = [(hit, scale[0] / hit.density), (false_alarm, scale[1] / false_alarm.density)]
        values = scale[0] * hit.z + scale[1] * false_alarm.z
    by_z = measure not in _RATES
    covariance = np.sum([np.outer(slope, slope) * rates.covariance(by_z) for rates, slope in parts], axis=0)
    return Estimates(values, covariance, [rates.influence(slope) for rates, slope in parts])


class _Rates:
    """How often each reading called the images of one class generated; all arrays are over readings (Q,)."""

    def __init__(self, images: Sequence[Ints], said: Sequence[Floats], count: int) -> None:
        self.images, self.said, self.count = images, said, count
        self.n = np.array([one.size for one in said], dtype=np.float64)
        self.share = np.array([float(np.mean(one)) for one in said])
        self.corrected = (self.share * self.n + 0.5) / (self.n + 1)
        self.z = ndtri(self.corrected)
        self.density = norm.pdf(self.z)

    @classmethod
    def of(cls, ratings: Sequence[tuple[Ints, Floats]], count: int) -> _Rates:
        """Those of the images' numbers and ratings."""
        return cls([images for images, _ in ratings], [(given > 0).astype(np.float64) for _, given in ratings], count)

    def covariance(self, corrected: bool) -> Floats:
        """Unbiased covariances of the shares over samples of images (Q, Q); NaN for two with the same single image.

        With `corrected`, a reading's own variance is that of its corrected rate, which does not vanish at 0 and 1.
        """
        together = gram(self.images, self.said, self.count)
        shared = gram(self.images, [np.ones(one.size) for one in self.said], self.count)
        apart, pairs = np.outer(self.share * self.n, self.share * self.n) - together, np.outer(self.n, self.n) - shared
        mean = np.divide(apart, pairs, out=np.full(apart.shape, np.nan), where=pairs > 0)
        found = np.where(shared > 0, np.outer(self.share, self.share) - mean, 0)
        if corrected:
            np.fill_diagonal(found, self.corrected * (1 - self.corrected) / self.n)
        return found

    def influence(self, slope: Floats) -> ClassInfluence:
        """How each image moves each reading's value, which changes by `slope` with the share."""
        moved = [s * (one - p) / n for s, one, p, n in zip(slope, self.said, self.share, self.n, strict=True)]
        return ClassInfluence(self.images, moved, self.count)


def _mean_of(
    study: Readings, measure: AnswerMeasure, samples: Sequence[Sample], readers: Sampled, images: Sampled
) -> OneShot:
    check_sampled(readers, images)
    check_choice(measure, get_args(AnswerMeasure), "measure")
    if not study.readings:
        return no_variance(np.nan, "no participant answered images of both classes")
    found = one_shot_of(of_answers(study, measure), samples, readers, images)
    perfect = only_corrected(study)
    if perfect and measure not in _RATES:
        return no_variance(found.value, by_correction_alone(perfect, len(study.readings)))
    return found


def by_correction_alone(perfect: int, readings: int) -> str:
    """Why there is no interval where some values rest on the correction of the rates alone."""
    return (
        f"in {perfect} of {readings} all answers are right, or all wrong, or all the same, so that value is the "
        "correction’s and its spread is not the participants’"
    )


def only_corrected(study: Readings) -> int:
    """How many readings' d′ and c are the correction's alone: all answers are right, or all wrong, or all the same."""
    return sum(_only_corrected(one) for one in study.readings)


def _only_corrected(one: Reading) -> bool:
    hits, false_alarms = np.mean(one.generated_rating > 0), np.mean(one.real_rating > 0)
    return hits in (0, 1) and false_alarms in (0, 1)


def by_answer(trials: pd.DataFrame | Readings) -> Readings:
    """Readings of answers as ratings of two steps, or readings as they are."""
    if isinstance(trials, Readings):
        return trials
    if "response" in trials:
        trials = trials.assign(rating=rating(trials["response"], np.ones(len(trials))))
    return from_trials(trials)


def _limits(measure: AnswerMeasure) -> tuple[float, float]:
    return (0, 1) if measure in _RATES else (-np.inf, np.inf)
