"""How close is suspiciously close? Distances to training patches, relative to the distances to their neighbours.

Images differ in how close any two of them are: smooth ones, and those crossed by the skin line, are close to many. So
the distance to the nearest patch is divided by the mean distance to the next-nearest patches of other patients (Carlini
et al. 2023, arXiv:2301.13188, score extracted images in the same way). The null distribution of this score is that of
training patches among patches of other patients.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.arrays import Floats, Ints
from gan.bootstrap import Groups

Distances = Floats
TINY = 1e-12
_NEIGHBOURS = 50  # next-nearest patches whose mean distance is the reference
_TAIL, _TAIL_FEWEST = (
    0.1,
    20,
)  # share, and least number, of the smallest scores from which the tail's decay is estimated


@dataclass(frozen=True)
class NullScores:
    """The null distribution: scores of real patches among patches of other patients, ascending."""

    scores: tuple[float, ...] = field(repr=False)

    @property
    def smallest(self) -> float:
        return self.scores[0]

    @property
    def tail_scale(self) -> float:
        """The mean distance of the log scores of the lowest tenth from its upper end."""
        logs = np.log(self.scores[: max(_TAIL_FEWEST, round(_TAIL * len(self.scores)))])
        return float((logs[-1] - logs[:-1]).mean())

    @property
    def independent(self) -> int:
        """Nearest neighbours come in pairs that share one distance, so only half of the scores are independent."""
        return len(self.scores) // 2

    def chance(self, score: float) -> float:
        """The approximate probability of a score this small or smaller for an image that copies nothing, in (0, 1]."""
        if score >= self.smallest:
            below = int(np.searchsorted(self.scores, score, side="right"))
            return max(1 / (self.independent + 1), below / len(self.scores))
        depth = (np.log(self.smallest) - np.log(max(score, TINY))) / max(self.tail_scale, TINY)
        return float(np.exp(-depth) / (self.independent + 1))

    def to_dict(self) -> dict[str, Any]:
        return {
            "patches": len(self.scores),
            "smallest": self.smallest,
            "median": float(np.median(self.scores)),
            "tail_scale": self.tail_scale,
        }


def null_scores(distances: Distances, patients: Groups) -> NullScores:
    """From the distances (M, M) of training patches to one another; only those of other patients count."""
    others = np.where(patients[:, None] == patients[None], np.inf, distances)
    scores, _ = relative_scores(others, patients)
    return NullScores(tuple(float(score) for score in np.sort(np.maximum(scores, TINY))))


def relative_scores(distances: Distances, patients: Groups) -> tuple[Floats, Ints]:
    """Scores (N,) from distances (N, M) to training patches of `patients` (M,), and the index of each nearest patch.

    A score is the smallest distance over the mean of the next-nearest 50. All patches of the nearest patch's patient
    are left out of these: a second view of the same lesion is as close to a copy as the first, and would hide it.
    """
    nearest = distances.argmin(axis=1)
    others = np.where(patients[nearest][:, None] == patients[None], np.inf, distances)
    neighbours = np.sort(others, axis=1)[:, :_NEIGHBOURS]
    known = np.isfinite(neighbours)
    usual = np.where(known, neighbours, 0).sum(axis=1) / known.sum(axis=1)
    smallest = np.take_along_axis(distances, nearest[:, None], axis=1)[:, 0]
    return smallest / np.maximum(usual, TINY), nearest


def chance_of(suspects: int, images: int, independent: int) -> float:
    """The chance that so many or more of `images` honest scores lie below all `independent` real ones, in one measure.

    Exact if all scores are exchangeable: it is the chance that the smallest `suspects` of all are all generated.
    """
    return float(np.prod([(images - k) / (images + independent - k) for k in range(suspects)]))
