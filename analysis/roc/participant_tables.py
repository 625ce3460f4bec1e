"""Ratings of several participants on images that they may share, as count tables for resampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from analysis.readings import Readings
from analysis.roc.tables import areas
from data.arrays import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class ParticipantTables:
    """The rated trials of the participants who rated images of both classes.

    Arrays of shape (trials,): `signal` says which images are generated, `participant` (0 to
    `participants` − 1) and `image` (0 to `images` − 1) who judged which, and `category` numbers each
    participant's own ratings from 0, ascending, so that tables stay as narrow as one person's scale.
    `truth_of_image` has shape (images,).
    """

    signal: Flags
    participant: Ints
    image: Ints
    category: Ints
    participants: int
    images: int
    categories: int
    truth_of_image: Flags

    def tables(self) -> tuple[Floats, Floats]:
        """Count tables of real and of generated images, each (participants, categories)."""
        place = self.participant * self.categories + self.category
        shape = (self.participants, self.categories)
        real, generated = (
            np.bincount(place[self.signal == kind], minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
            for kind in (False, True)
        )
        return real, generated

    def by_image(self) -> csr_array:
        """What each image adds to the count tables: (participants · categories, images), for any choice of images."""
        place = self.participant * self.categories + self.category
        shape = (self.participants * self.categories, self.images)
        return csr_array((np.ones(place.size), (place, self.image)), shape=shape)

    def areas(self) -> Floats:
        """Every participant's AUC, of shape (participants,)."""
        return areas(*self.tables())


def tables_of(study: Readings) -> ParticipantTables:
    """The readings of one modality; real images are numbered first, then generated ones."""
    signal, participant, image, category = (np.zeros(0, dtype=np.int64) for _ in range(4))
    if study.readings:
        signal = np.concatenate([np.repeat([0, 1], [one.real.size, one.generated.size]) for one in study.readings])
        sizes = [one.real.size + one.generated.size for one in study.readings]
        participant = np.repeat(np.arange(len(sizes)), sizes)
        image = np.concatenate([part for one in study.readings for part in (one.real, study.real + one.generated)])
        category = np.concatenate(
            [
                np.unique(np.concatenate([one.real_rating, one.generated_rating]), return_inverse=True)[1]
                for one in study.readings
            ]
        )
    return ParticipantTables(
        signal=signal == 1,
        participant=participant,
        image=image,
        category=category.astype(np.int64),
        participants=len(study.readings),
        images=study.real + study.generated,
        categories=int(category.max(initial=-1)) + 1,
        truth_of_image=np.repeat([False, True], [study.real, study.generated]),
    )
