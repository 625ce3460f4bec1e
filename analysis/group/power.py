"""How many participants and images does a study need? By simulation, with the same endpoint as its analysis.

Each simulated study draws new observers and new images from a population (`data.simulated.observers`), and is judged as
`analysis.group.primary` would judge it, as if its bounds were fixed and its catch trials detected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.group.decision import decide, differing
from analysis.readings import from_matrix
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result
from data.simulated.populations import Population, draw_ratings

_BATCH = 200  # studies drawn at a time, which bounds the memory


@dataclass(frozen=True, eq=False)
class Power(Result):
    """Outcomes of simulated studies: shares in [0, 1] that add up to 1.

    `near_chance`: interval inside .5 ± `delta`, and participants who differ by less. `difference`: not that, and
    different from .5. `undecided`: the
    rest. `mean_auc` and `sd_auc` are of the studies' AUCs. `simulation_se` is the largest standard error of a
    share that so many studies leave. `own_images`: each participant judged images of their own.
    """

    dprime: float
    participants: int
    images: int
    own_images: bool
    delta: float
    level: float
    studies: int
    near_chance: float
    difference: float
    undecided: float
    mean_auc: float
    sd_auc: float
    simulation_se: float


def power(
    population: Population,
    participants: int,
    images: int,
    *,
    delta: float,
    level: float = 0.9,
    studies: int = 2000,
    own_images: bool = False,
    seed: int = 0,
) -> Power:
    """What a study of this size would show, by simulation, with the endpoint of its analysis.

    Parameters
    ----------
    population : data.simulated.populations.Population
        What each simulated study draws its observers and images from.
    participants : int
        At least 2.
    images : int
        Judged by each participant, half of them generated; even, at least 4.
    delta : float
        Half the width of the bounds .5 ± delta, in AUC.
    level : float, optional
        Level of the interval, in (0, 1).
    studies : int, optional
        How many are simulated.
    own_images : bool, optional
        Whether each participant judges images of their own.
    seed : int, optional
        Of the simulation.

    Returns
    -------
    Power
        The shares of studies that show near chance, a difference, or neither, and their simulation error.

    Raises
    ------
    LookalikeError
        For fewer than 2 participants, an odd number of images or fewer than 4, no studies, or a delta or level out of
        range.

    References
    ----------
    Gallas, B. D. (2006). One-shot estimate of MRMC variance: AUC. Academic Radiology, 13, 353-362.

    Examples
    --------
    >>> from analysis import power
    >>> from data.simulated.populations import Population
    >>> found = power(Population(dprime=1.0), participants=6, images=40, delta=0.084, studies=50)
    >>> found.difference, found.near_chance, round(found.mean_auc, 2)
    (0.98, 0.0, 0.75)
    """
    if participants < 2 or images < 4 or images % 2 or studies < 1:
        raise LookalikeError(
            "out-of-range",
            f"{participants} participants, {images} images, {studies} studies: at least 2 participants, an even number "
            "of images from 4 up, and 1 study are needed",
        )
    generated = np.arange(images) % 2 == 1
    truth = np.where(generated, "generated", "real")
    rng = np.random.default_rng(seed)
    outcomes, areas = np.zeros((studies, 2), dtype=np.bool_), np.zeros(studies)
    for start in range(0, studies, _BATCH):
        some = min(_BATCH, studies - start)
        for place, ratings in enumerate(
            draw_ratings(population, participants, generated, rng, studies=some, own_images=own_images), start
        ):
            readings = from_matrix(*_spread(truth, ratings) if own_images else (truth, ratings))
            found = decide(readings, delta, level)
            alike = found.inside and not differing(readings, found.auc, delta)
            outcomes[place], areas[place] = (alike, found.differs), found.auc.auc
    near = float(np.mean(outcomes[:, 0]))
    difference = float(np.mean(outcomes[:, 1] & ~outcomes[:, 0]))
    worst = max(share * (1 - share) for share in (near, difference, 1 - near - difference))
    return Power(
        dprime=population.dprime,
        participants=participants,
        images=images,
        own_images=own_images,
        delta=delta,
        level=level,
        studies=studies,
        near_chance=near,
        difference=difference,
        undecided=max(0.0, 1 - near - difference),
        mean_auc=float(np.mean(areas)),
        sd_auc=float(np.std(areas, ddof=1)) if studies > 1 else math.nan,
        simulation_se=math.sqrt(worst / studies),
    )


def power_table(
    population: Population,
    dprimes: Sequence[float],
    participants: Sequence[int],
    images: Sequence[int],
    *,
    progress: Callable[[int], None] = lambda _: None,
    **options: float | bool,
) -> pd.DataFrame:
    """`power` for every combination, one row each; `options` are passed on, `progress` is called after each row."""
    rows = []
    for dprime in dprimes:
        for count in images:
            for people in participants:
                found = power(replace(population, dprime=dprime), people, count, **options)  # type: ignore[arg-type]
                rows.append(found.to_frame())
                progress(1)
    return pd.concat(rows, ignore_index=True)


def _spread(truth: npt.NDArray[np.str_], ratings: npt.NDArray[np.int8]) -> tuple[npt.NDArray[np.str_], Floats]:
    """Ratings of each participant's own images, as a matrix in which no other participant rated them."""
    participants, images = ratings.shape
    whole = np.full((participants, participants * images), np.nan)
    for person, row in enumerate(ratings):
        whole[person, person * images : (person + 1) * images] = row
    return np.tile(truth, participants), whole
