"""Multi-reader multi-case (MRMC) analysis of the AUC: what holds for other participants and other images.

Participants are the readers, images the cases, and both are samples. The AUC averaged over participants
varies because other participants would see more or less, and because other images would be easier or
harder *for everyone*; this second part does not shrink with more participants, and a t-test on the
participants' AUCs leaves it out.

The variance is Gallas's one-shot estimate, unbiased in any design (`analysis.mrmc.variance`): S² / R + C̄, S² the
variance of R participants' AUCs and C̄ what their AUCs share because they judged the same images.

A *negative* or very small unbiased variance happens and is reported as `variance`; the interval never rests on less
than the variance with participants, or images, fixed (`variance.one_shot` says why). The interval is a t interval. In
simulated studies of 100 images, with an effect of images (SD .5) that all participants share, the 90% one covers
.88–.91 with 6 and 10 participants, in crossed, split-plot and partly crossed designs; equivalence at the bound is
declared in 4–5% of studies (test_mrmc). docs/coverage.md has other sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.intervals import TInterval, t_interval
from analysis.mrmc.pairing import Overlap, pair, two_of
from analysis.mrmc.variance import OneShot, Sampled, one_shot
from analysis.readings import Design, Readings, as_readings, of_one_modality
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class Auc(Result):
    """The AUC averaged over participants, and how far it would differ with others and with other images.

    `auc` [0, 1] weighs each participant equally. `se` and `df` give the t interval `low` to `high` at `level`,
    cut at 0 and 1; `p_chance` is two-sided against .5; `p_equivalence` that of the two one-sided tests against
    .5 ± `delta` (both NaN without a delta). `variance` is the unbiased estimate, which may be negative, and the
    sum of `participant_variance` (S² / R; NaN with readers fixed) and `image_variance` (C̄, or with readers
    fixed all of it; NaN with images fixed); `method` says what `se` and `df` come from, with sources. `between_sd` is
    the SD of participants' true AUCs: what they differ by beyond what finitely many images make them differ (NaN
    unless both are random). `participants`, `generated` and `real` images are what was used; `unrated` trials and
    participants `set_aside`, with the reason, were not. What is undefined is NaN and `reason` says why.
    """

    auc: float
    se: float
    df: float
    low: float
    high: float
    level: float
    p_chance: float
    delta: float
    p_equivalence: float
    variance: float
    participant_variance: float
    image_variance: float
    readers: Sampled
    images: Sampled
    design: Design
    participants: int
    generated: int
    real: int
    unrated: int
    set_aside: dict[str, str]  # the key that summaries have always had
    reason: str | None
    method: str = ""  # results of earlier versions have neither
    between_sd: float = np.nan


@dataclass(frozen=True, eq=False)
class Difference(Result):
    """The AUC of the `first` modality less that of the `second`; fields as in `Auc`, `p` two-sided against 0.

    Participants who judged both modalities are compared with themselves (`same_participants`), and those who
    judged one are excluded; if nobody judged both, two groups are compared. `same_images` says whether the two
    modalities show the same images.
    """

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
    first: Auc
    second: Auc
    set_aside: dict[str, str]  # the key that summaries have always had
    reason: str | None
    method: str = ""


def mrmc_auc(
    trials: pd.DataFrame | Readings,
    *,
    delta: float | None = None,
    level: float = 0.9,
    readers: Sampled = "random",
    images: Sampled = "random",
) -> Auc:
    """The AUC averaged over participants, with an interval that speaks of other participants and other images.

    Parameters
    ----------
    trials : pandas.DataFrame or Readings
        Columns participant, stimulus_id, truth and rating (`analysis.readings.from_trials`): one session, one modality.
    delta : float, optional
        Half the width of the bounds .5 ± delta of the equivalence test, in AUC.
    level : float, optional
        Level of the interval, in (0, 1). At .9 the interval inside the bounds is the equivalence test at 5%.
    readers, images : {"random", "fixed"}, optional
        Whether participants and images stand for others like them, or are the only ones of interest. Not both fixed; a
        single participant can only be fixed.

    Returns
    -------
    Auc
        `auc` [0, 1] with standard error, degrees of freedom, bounds, `p_chance` against .5 and `p_equivalence`; the
        parts of the variance; what was used and what was left out.

    Raises
    ------
    LookalikeError
        For a table that `analysis.readings.from_trials` refuses, several modalities, readers and images both fixed, and
        for a level or delta out of range.

    Notes
    -----
    The variance is Gallas's one-shot estimate, unbiased in any design; the standard error with participants and images
    random is never below that with one of them fixed. In simulated studies of 100 images, with an effect of images (SD
    .5) that all participants share, the 90% interval covers .88–.91 with 6 and 10 participants (test_mrmc); with fewer
    than 5 its degrees of freedom are their number less one, and it covers more.

    References
    ----------
    Gallas 2006, Acad. Radiol. 13:353; Gallas & Brown 2008, Neural Netw. 21:387; Hillis 2007, Stat. Med. 26:596;
    Obuchowski & Rockette 1995, Commun. Stat. Simul. Comput. 24:285; Schuirmann 1987, J. Pharmacokinet. Biopharm.
    15:657.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import mrmc_auc
    >>> from analysis.readings import from_matrix
    >>> truth = np.tile(["real", "generated"], 20)
    >>> ratings = np.random.default_rng(1).normal(truth == "generated", size=(6, 40))
    >>> found = mrmc_auc(from_matrix(truth, ratings), delta=0.084)
    >>> round(found.auc, 3), round(found.se, 3), round(found.low, 2), round(found.high, 2), found.design
    (0.806, 0.03, 0.75, 0.87, 'crossed')
    """
    study = of_one_modality(trials)
    found = one_shot(study, [[(1, range(len(study.readings)))]], readers, images)
    tested = interval_of(found, 0.5, (0, 1), level, delta)
    return Auc(
        auc=found.value,
        p_chance=tested.p,
        design=study.design,
        participants=len(study.participants),
        generated=study.generated,
        real=study.real,
        unrated=study.unrated,
        set_aside=study.excluded,
        between_sd=float(np.sqrt(max(found.between, 0))),
        **common_fields(found, tested, readers, images, level, delta),
    )


def mrmc_difference(
    trials: pd.DataFrame | Readings,
    modalities: tuple[str, str] | None = None,
    *,
    delta: float | None = None,
    level: float = 0.9,
    readers: Sampled = "random",
    images: Sampled = "random",
) -> Difference:
    """The difference of two mean AUCs, with an interval that speaks of other participants and other images.

    Parameters
    ----------
    trials : pandas.DataFrame or Readings
        As in `mrmc_auc`, with a column modality: two conditions, generators or studies.
    modalities : tuple of two str, optional
        Which is first and which second; by default the two there are, by name.
    delta : float, optional
        Half the width of the bounds 0 ± delta of the equivalence test, in AUC.
    level : float, optional
        Level of the interval, in (0, 1).
    readers, images : {"random", "fixed"}, optional
        As in `mrmc_auc`.

    Returns
    -------
    Difference
        The AUC of the first less that of the second, with standard error, bounds and tests. Participants who judged
        both are compared with themselves, and those who judged one are left out; if nobody judged both, two groups are
        compared.

    Raises
    ------
    LookalikeError
        As `mrmc_auc`, and for modalities that are not two or do not occur.

    Notes
    -----
    Modalities may show the same images, others, or (two generators beside the same real images) some of each.

    References
    ----------
    Gallas, B. D. (2006). One-shot estimate of MRMC variance: AUC. Academic Radiology, 13, 353-362.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from analysis import mrmc_difference
    >>> rng = np.random.default_rng(1)
    >>> person, image = np.divmod(np.arange(240), 40)
    >>> table = pd.DataFrame({"participant": person, "stimulus_id": image})
    >>> table["truth"] = np.tile(["real", "generated"], 120)
    >>> signal = table["truth"] == "generated"
    >>> early = table.assign(modality="early", rating=rng.normal(2.0 * signal))
    >>> late = table.assign(modality="late", rating=rng.normal(1.0 * signal))
    >>> found = mrmc_difference(pd.concat([early, late]))
    >>> round(found.difference, 3), round(found.se, 3), found.same_participants, found.same_images
    (0.137, 0.031, True, 'all')
    """
    study = as_readings(trials)
    names = two_of(study, modalities)
    pairing = pair(study, names)
    found = one_shot(pairing.study, pairing.samples, readers, images)
    tested = interval_of(found, 0, (-1, 1), level, delta)
    alone = [mrmc_auc(pairing.study.where([name]), level=level, readers=readers, images=images) for name in names]
    return Difference(
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


def interval_of(
    found: OneShot, null: float, limits: tuple[float, float], level: float, delta: float | None
) -> TInterval:
    """The t interval of a value with its variance, and its tests; undefined where the variance is."""
    tested = t_interval(found.value, found.used, found.df, null=null, level=level, delta=delta, limits=limits)
    return TInterval(reason=found.reason) if found.reason else tested


def common_fields(
    found: OneShot, tested: TInterval, readers: Sampled, images: Sampled, level: float, delta: float | None
) -> dict[str, Any]:
    """The fields that a value and a difference of two share."""
    return {
        "se": tested.se,
        "df": tested.df,
        "low": tested.low,
        "high": tested.high,
        "level": level,
        "delta": np.nan if delta is None else delta,
        "p_equivalence": tested.p_equivalence,
        "variance": found.unbiased,
        "participant_variance": found.readers,
        "image_variance": found.images,
        "readers": readers,
        "images": images,
        "reason": tested.reason,
        "method": found.method,
    }
