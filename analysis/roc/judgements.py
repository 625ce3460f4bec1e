"""Ratings of several participants on images that they may share, checked and put into arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from analysis.arrays import Flags, Floats, Ints
from analysis.roc.ratings import rated
from analysis.roc.tables import areas
from data.errors import LookalikeError


@dataclass(frozen=True, eq=False)
class Judgements:
    """The rated trials of the participants who rated images of both classes.

    Arrays of shape (trials,): `signal` says which images are generated, `participant` (0 to
    `participants` − 1) and `image` (0 to `images` − 1) who judged which, and `category` numbers each
    participant's own ratings from 0, ascending. `truth_of_image` has shape (images,). `unrated` trials
    and `left_out` participants (without both classes) are not among them.
    """

    signal: Flags
    participant: Ints
    image: Ints
    category: Ints
    participants: int
    images: int
    categories: int
    truth_of_image: Flags
    unrated: int
    left_out: int

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


def read(
    truth: npt.ArrayLike, rating: npt.ArrayLike, participant: npt.ArrayLike, image: npt.ArrayLike | None
) -> Judgements:
    """Check paired columns, all of shape (trials,), and number what they name.

    Without `image` every trial shows an image of its own. Raises `LookalikeError`, naming rows from 0, for
    unequal lengths, a missing name, an image that a participant judges twice, or one that is real in one row
    and generated in another; and for what `ratings.rated` refuses.
    """
    signal, scores = rated(truth, rating)
    people = _numbered(participant, signal.size, "participant")
    images = np.arange(signal.size) if image is None else _numbered(image, signal.size, "image")
    if image is not None:
        _check_images(signal, people, images, np.asarray(image, dtype=object))
    has_rating = ~np.isnan(scores)
    both = np.intersect1d(*(people[has_rating & (signal == kind)] for kind in (False, True)))
    kept = has_rating & np.isin(people, both)
    left_out = np.unique(people).size - both.size
    signal, people, images = signal[kept], _dense(people[kept]), _dense(images[kept])
    category = _category(people, scores[kept])
    truth_of_image = np.zeros(_size(images), dtype=np.bool_)
    truth_of_image[images] = signal
    return Judgements(
        signal=signal,
        participant=people,
        image=images,
        category=category,
        participants=_size(people),
        images=_size(images),
        categories=_size(category),
        truth_of_image=truth_of_image,
        unrated=int(np.sum(~has_rating)),
        left_out=int(left_out),
    )


def _numbered(names: npt.ArrayLike, trials: int, what: str) -> Ints:
    given = np.asarray(names, dtype=object)
    if given.shape != (trials,):
        raise LookalikeError(f"{trials} truths and {given.size} {what}s: there must be one {what} per trial")
    numbers, _ = pd.factorize(given)
    if (numbers < 0).any():
        raise LookalikeError(f"{what} is missing in row {int(np.flatnonzero(numbers < 0)[0])} (from 0); name it")
    return np.asarray(numbers, dtype=np.int64)


def _check_images(signal: Flags, people: Ints, images: Ints, names: npt.NDArray[Any]) -> None:
    pairs = people * (_size(images)) + images
    _, first, place = np.unique(pairs, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[place] != np.arange(pairs.size))
    if again.size:
        row, before = int(again[0]), int(first[place][again[0]])
        raise LookalikeError(
            f"image {names[row]!r} is judged twice by one participant, in rows {before} and {row} (from 0); "
            "pass one session's trials at a time"
        )
    _, first = np.unique(images, return_index=True)
    other = np.flatnonzero(signal != signal[first][images])
    if other.size:
        row = int(other[0])
        raise LookalikeError(
            f"image {names[row]!r} is real in one row and generated in another, rows {int(first[images[row]])} and "
            f"{row} (from 0)"
        )


def _category(people: Ints, scores: Floats) -> Ints:
    """Each participant's own ratings, numbered from 0 in ascending order."""
    order = np.lexsort((scores, people))
    sorted_people, sorted_scores = people[order], scores[order]
    starts = np.diff(sorted_people, prepend=-1) != 0
    new = np.diff(sorted_scores, prepend=np.nan) != 0
    steps = np.cumsum(new | starts)
    numbers = np.empty(people.size, dtype=np.int64)
    numbers[order] = steps - steps[starts][sorted_people]
    return numbers


def _dense(numbers: Ints) -> Ints:
    """The same numbers without gaps, from 0."""
    return np.asarray(np.unique(numbers, return_inverse=True)[1], dtype=np.int64)


def _size(numbers: Ints) -> int:
    return int(numbers.max()) + 1 if numbers.size else 0
