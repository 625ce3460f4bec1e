"""Who judged which modalities, and on which images: how the readings of two or more are set against one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from analysis.mrmc.variance import Sample
from analysis.readings import Reading, Readings
from data.errors import LookalikeError

Overlap = Literal["all", "some", "none"]


class Pairing(NamedTuple):
    """The readings that are compared, and the places in them of each modality's readings, in the order of `names`.

    With `same_participants` each list has the same participants in the same order. `set_aside` says who was left out.
    """

    study: Readings
    names: tuple[str, ...]
    places: tuple[list[int], ...]
    same_participants: bool
    set_aside: dict[str, str]

    @property
    def samples(self) -> list[Sample]:
        """Of two modalities: paired participants are one sample of differences, otherwise there are two samples."""
        (first, second) = self.places
        return [[(1, first), (-1, second)]] if self.same_participants else [[(1, first)], [(-1, second)]]

    def overlap(self) -> Overlap:
        """Whether the modalities show the same images: all, some, or none in common."""
        return overlap([[self.study.readings[i] for i in one] for one in self.places])


def pair(study: Readings, names: Sequence[str]) -> Pairing:
    """Compare participants with themselves where any judged every one of these modalities, otherwise groups."""
    chosen = study.where(names)
    seen = [set(chosen.where([name]).participants) for name in names]
    every = set.intersection(*seen)
    compared = chosen.where(names, every) if every else chosen
    places = tuple([i for i, one in enumerate(compared.readings) if one.modality == name] for name in names)
    partly = sorted(set.union(*seen) - every) if every else []
    why = "has an AUC in one modality only" if len(names) == 2 else "has no AUC in some of the modalities"
    return Pairing(compared, tuple(names), places, bool(every), chosen.excluded | dict.fromkeys(partly, why))


def two_of(study: Readings, modalities: tuple[str, str] | None) -> tuple[str, str]:
    """The two modalities to compare, by default the two there are. Raises `LookalikeError` if that makes no two."""
    names = study.modalities if modalities is None else modalities
    if len(set(names)) != 2 or len(names) != 2 or not set(names) <= set(study.modalities):
        raise LookalikeError(
            "not-two-modalities",
            f"modalities {', '.join(names)}: name two different ones of those in the data, which are "
            f"{', '.join(study.modalities)}",
        )
    return names[0], names[1]


def overlap(parts: Sequence[Sequence[Reading]]) -> Overlap:
    """Whether the parts rest on the same images: all, some (any two of them), or none in common."""
    # Images of the two classes are numbered apart, so the real ones are turned negative here.
    images = [
        np.unique(np.concatenate([number for one in part for number in (one.generated, -1 - one.real)]))
        for part in parts
        if part
    ]
    if not images:
        return "none"
    if all(np.array_equal(images[0], other) for other in images[1:]):
        return "all"
    every = np.concatenate(images)
    return "some" if np.unique(every).size < every.size else "none"
