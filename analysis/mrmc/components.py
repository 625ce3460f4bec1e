"""Where the variance of a mean AUC comes from, and what other numbers of participants and images would give.

The AUC of reader r on one generated image j and one real image i has seven components of variance: readers
(r), images (j, i, ji), and images that differ from reader to reader (rj, ri, rji). They are differences of
the moments M1 to M8 (`ustatistics`): Clarkson, Kupinski & Barrett (2006, Acad. Radiol. 13:1410); Gallas,
Bandos, Samuelson & Wagner (2009, Commun. Stat. Theory Methods 38:2586).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.mrmc.ustatistics import kernel_sums, second_moments
from analysis.readings import Readings, of_one_modality
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class Components(Result):
    """Unbiased components of the variance of one reader's AUC on one pair of images; each may be negative.

    `reader` is the variance of participants' true AUCs; `generated`, `real` and `pair` are of images, the same for
    all participants; `reader_generated`, `reader_real` and `reader_pair` of images as each participant sees them.
    `moments` (8,) are M1 to M8. If no two participants share images, the parts of images and of readers' images
    cannot be separated: they are NaN and `reason` says so (`predicted_se` still holds where each has their own images).
    """

    reader: float
    generated: float
    real: float
    pair: float
    reader_generated: float
    reader_real: float
    reader_pair: float
    moments: Floats
    reason: str | None


def variance_components(trials: pd.DataFrame | Readings) -> Components:
    """Where the variance of a mean AUC comes from: participants, images, and images as each participant sees them.

    Parameters
    ----------
    trials : pandas.DataFrame or Readings
        Columns participant, stimulus_id, truth and rating (`analysis.readings.from_trials`): one session, one modality.

    Returns
    -------
    Components
        Unbiased components of the variance of one reader's AUC on one pair of images; each may be negative.

    Raises
    ------
    LookalikeError
        For a table that `analysis.readings.from_trials` refuses, and for several modalities.

    Notes
    -----
    Moments are means over all products of their kind, so readers with more images count for more.

    References
    ----------
    Clarkson, Kupinski & Barrett 2006, Acad. Radiol. 13:1410; Gallas, Bandos, Samuelson & Wagner 2009, Commun. Stat.
    Theory Methods 38:2586.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import variance_components
    >>> from analysis.readings import from_matrix
    >>> truth = np.tile(["real", "generated"], 20)
    >>> ratings = np.random.default_rng(1).normal(truth == "generated", size=(6, 40))
    >>> found = variance_components(from_matrix(truth, ratings))
    >>> round(found.reader, 4), round(found.reader_pair, 3)
    (-0.0032, 0.059)
    """
    study = of_one_modality(trials)
    m = second_moments(kernel_sums(study)) if study.readings else np.full(8, np.nan)
    shared, own = m[4:], m[:4]
    # What sharing adds: nothing, a generated image, a real one, both; without the same reader and with.
    images = np.array([shared[1] - shared[3], shared[2] - shared[3], shared[0] - shared[1] - shared[2] + shared[3]])
    with_reader = np.array([own[1] - own[3], own[2] - own[3], own[0] - own[1] - own[2] + own[3]])
    views = with_reader - images
    return Components(
        reader=float(m[3] - m[7]),
        generated=float(images[0]),
        real=float(images[1]),
        pair=float(images[2]),
        reader_generated=float(views[0]),
        reader_real=float(views[1]),
        reader_pair=float(views[2]),
        moments=m,
        reason=_undefined(m, len(study.participants)),
    )


def predicted_se(found: Components, participants: float, generated: int, real: int, image_sets: float = 1) -> float:
    """The standard error of the mean AUC that a study of another size would have, from these components.

    Parameters
    ----------
    found : Components
        From `variance_components`.
    participants : float
        At least 1; may be infinite, which gives the part of the images that no number of participants removes.
    generated, real : int
        How many images each participant judges.
    image_sets : float, optional
        1 if all judge one set; or the participants are spread evenly over so many sets. With as many sets as
        participants, each has images of their own.

    Returns
    -------
    float
        In AUC; NaN where the components that it takes are undefined.

    Raises
    ------
    LookalikeError
        For numbers below 1, or more sets than participants.

    Notes
    -----
    A negative part counts as 0, but is taken off what readers differ by as it is, and the result is not below that
    with readers fixed; so at the study's own size in a crossed design it is the `se` of `mrmc_auc`.

    References
    ----------
    Gallas, B. D., Bandos, A., Samuelson, F. W. & Wagner, R. F. (2009). A framework for random-effects ROC analysis.
    Communications in Statistics - Theory and Methods, 38, 2586-2603.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import predicted_se, variance_components
    >>> from analysis.readings import from_matrix
    >>> truth = np.tile(["real", "generated"], 20)
    >>> ratings = np.random.default_rng(1).normal(truth == "generated", size=(6, 40))
    >>> found = variance_components(from_matrix(truth, ratings))
    >>> [round(predicted_se(found, participants, 50, 50), 3) for participants in (6, 12, 24)]
    [0.019, 0.014, 0.01]
    """
    if min(participants, generated, real, image_sets) < 1 or image_sets > participants:
        raise LookalikeError(
            "out-of-range",
            f"{participants} participants, {generated} generated and {real} real images in {image_sets} sets: each "
            "must be at least 1, and there cannot be more sets than participants",
        )
    one_reader = _over_images(found.moments[:4], generated, real) - found.moments[7]
    own = one_reader - found.reader  # its variance over images alone
    if image_sets == participants:
        return float(np.sqrt(max(one_reader, own, 0) / participants))
    shared = _over_images(found.moments[4:], generated, real) - found.moments[7]
    random = max(one_reader - shared, 0) / participants + max(shared, 0) / image_sets
    fixed = own / participants + max(shared * (1 / image_sets - 1 / participants), 0)
    return float(np.sqrt(max(random, fixed)))


def _over_images(moments: Floats, generated: int, real: int) -> float:
    """Mean of the four moments over all pairs of kernels in `generated` x `real` images."""
    number = np.array([1, real - 1, generated - 1, (generated - 1) * (real - 1)])
    # A moment that does not occur may be unknown.
    return float(np.sum((moments * number)[number > 0]) / (generated * real))


def _undefined(moments: Floats, participants: int) -> str | None:
    if participants < 2:
        return "fewer than two participants: the variance among them is unknown"
    if np.isnan(moments[[0, 1, 2, 3, 7]]).any():
        return "too few images of a class to separate the components"
    if np.isnan(moments).any():
        return "no two participants share images of both classes: what they see alike cannot be separated"
    return None
