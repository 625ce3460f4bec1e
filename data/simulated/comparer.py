"""A simulated participant who compares differences, and the triads of a difference-scaling session.

In a triad, the observer says which of two outer images differs more from the middle one. Perceived distances are those
of `SimulatedComparer.distance`; the decision has normal noise (Maloney & Yang 2003, J. Vis. 3:573).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.arrays import Floats, Ints
from data.errors import LookalikeError
from data.scales import Scale

# Four readings of images, each with noise of 1 JND (d′ = 1), enter a decision.
DECISION_SD_JND = 2.0


EVEN = Scale(tuple(float(at) for at in range(0, 360, 30)), (2.0,) * 12, closed=True)


class Comparison(NamedTuple):
    """One simulated answer: the side that differs more, the time it took in s, and how sure it felt, 0 to below 1."""

    response: str
    response_time: float
    sureness: float


@dataclass(frozen=True)
class SimulatedComparer:
    """A simulated observer of a scale.

    Attributes
    ----------
    scale : data.scales.Scale
        What the observer perceives, in JNDs. By default a loop of 24 JNDs in even steps.
    distance : {'arc', 'chord'}
        How far apart two images of a loop look: along the shorter arc, or straight across as if the loop were a circle
        of that circumference. On an open path there is only one way.
    lapse : float
        Share of answers that are a guess, 0 to 1.
    seed : int
        The observer's identity: the same one gives the same answer to the same trial of the same session.

    Examples
    --------
    >>> import numpy as np
    >>> from data import SimulatedComparer, draw_triads
    >>> from data.scales import Scale
    >>> scale = Scale(tuple(range(0, 360, 30)), (2.0,) * 12, closed=True)
    >>> triads = draw_triads(scale.positions_deg, 4, closed=True, rng=np.random.default_rng(1))
    >>> SimulatedComparer(scale).answer(triads, np.random.default_rng(2))["response"].isin(["left", "right"]).all()
    np.True_
    """

    scale: Scale = EVEN
    distance: Literal["arc", "chord"] = "arc"
    lapse: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.lapse <= 1:
            raise LookalikeError("out-of-range", f"lapse {self.lapse}: must be a share from 0 to 1")

    def perceived(self, one_deg: npt.ArrayLike, other_deg: npt.ArrayLike) -> Floats:
        """Perceived distances in JNDs of images at some positions; same shape as they."""
        apart = np.abs(self.scale.value(one_deg) - self.scale.value(other_deg))
        if not self.scale.closed:
            return apart
        around = self.scale.length_jnd
        if self.distance == "chord":
            return np.asarray(around / np.pi * np.sin(np.pi * apart / around), dtype=np.float64)
        return np.asarray(np.minimum(apart, around - apart), dtype=np.float64)

    def answer(self, triads: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """The triads with a column `response`: left or right, the outer image that differs more from the middle."""
        left, middle, right = (triads[f"{name}_deg"].to_numpy() for name in ("left", "middle", "right"))
        difference = self.perceived(middle, right) - self.perceived(left, middle)
        says_right = difference + DECISION_SD_JND * rng.standard_normal(len(triads)) > 0
        guessed = rng.random(len(triads)) < self.lapse
        says_right = np.where(guessed, rng.random(len(triads)) < 0.5, says_right)
        return triads.assign(response=np.where(says_right, "right", "left"))

    def compare(self, left_deg: float, middle_deg: float, right_deg: float, session: int, trial: int) -> Comparison:
        """Answer one trial of a session."""
        name = f"compare/{self.seed}/{session}/{trial}"
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
        left, right = self.perceived([left_deg, right_deg], [middle_deg, middle_deg])
        difference = float(right - left + DECISION_SD_JND * rng.standard_normal())
        guess, lapsed, pace = rng.random() < 0.5, rng.random() < self.lapse, np.exp(0.35 * rng.standard_normal())
        response = "right" if (guess if lapsed else difference > 0) else "left"
        return Comparison(response, float(2.0 * pace), 0.0 if lapsed else float(np.tanh(abs(difference) / 4)))


def draw_triads(
    positions_deg: npt.ArrayLike, count: int, *, closed: bool, rng: np.random.Generator, widest: float = 0.5
) -> pd.DataFrame:
    """Triads for a session: the middle image between two outer ones, the arcs to them chosen independently.

    Arcs of unequal numbers of steps are among them, without which the scale's length could not be known
    (`analysis.scaling`), and on a loop a triad spans at most half of it, so that nobody has to compare the two ways
    round. Every image is in the middle about equally often, and in a random half of the triads the two outer ones
    change sides.

    Parameters
    ----------
    positions_deg : array_like, shape (images,)
        Positions of five or more images, rising.
    count : int
        Number of triads, 1 or more.
    closed : bool
        Whether the positions are on a loop.
    rng : numpy.random.Generator
        The source of randomness.
    widest : float
        Share of a loop that a triad spans at most, above 0 and up to 1.

    Returns
    -------
    pandas.DataFrame
        trial (from 1), left_deg, middle_deg, right_deg.

    Raises
    ------
    LookalikeError
        If there are too few images or triads, or no triad is narrow enough.

    Examples
    --------
    >>> import numpy as np
    >>> from data import draw_triads
    >>> draw_triads(range(0, 360, 45), 2, closed=True, rng=np.random.default_rng(1)).columns.tolist()
    ['trial', 'left_deg', 'middle_deg', 'right_deg']
    """
    where = np.asarray(positions_deg, dtype=np.float64)
    images = where.size
    if images < 5 or count < 1 or not (np.diff(where) > 0).all():
        raise LookalikeError("out-of-range", f"{count} triads of {images} images; ask for 1 or more of 5 or more")
    kinds = np.array([(a, c) for a in range(1, images) for c in range(1, images) if a + c < images])
    if closed:
        kinds = kinds[kinds.sum(axis=1) <= widest * images]
        if not (kinds[:, 0] != kinds[:, 1]).any():
            raise LookalikeError("out-of-range", f"widest {widest}: no triad of unequal arcs is so narrow; raise it")
        middle = _evenly_drawn(np.arange(images), count, rng)
        arcs = kinds[_evenly_drawn(np.arange(len(kinds)), count, rng)]
        before, after = (middle - arcs[:, 0]) % images, (middle + arcs[:, 1]) % images
    else:
        every = np.array([(m - a, m, m + c) for a, c in kinds for m in range(a, images - c)])
        before, middle, after = every[_evenly_drawn(np.arange(len(every)), count, rng)].T
    swapped = rng.permutation(count) % 2 == rng.integers(2)
    return pd.DataFrame(
        {
            "trial": np.arange(1, count + 1),
            "left_deg": where[np.where(swapped, after, before)],
            "middle_deg": where[middle],
            "right_deg": where[np.where(swapped, before, after)],
        }
    )


def _evenly_drawn(values: Ints, count: int, rng: np.random.Generator) -> Ints:
    """`count` of the values in random order, each as often as any other, or once more."""
    rounds = [rng.permutation(values) for _ in range(-(-count // values.size))]
    return np.asarray(np.concatenate(rounds)[:count], dtype=np.int64)
