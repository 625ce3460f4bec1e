"""Who rated which image, and how: the input of every multi-reader multi-case (MRMC) analysis.

Readers are participants, cases are images. Which participant rated which image makes the *design*, and
the design decides how far the participants' AUCs vary together; so it is read off the data.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.arrays import Flags, Floats, Ints
from analysis.trials import is_generated
from data.errors import LookalikeError
from data.trials import TRUTHS, refuse_rows

Design = Literal["crossed", "split-plot", "partly crossed", "one participant", "no participant"]

_SOURCE = "the table of ratings"
_ONE_SESSION = "pass one session's trials, or tell them apart in a column 'modality'"


@dataclass(frozen=True, eq=False)
class Reading:
    """One participant's ratings in one modality.

    `generated` (m,) and `real` (n,) are the numbers of the rated images, rising; a number means the same
    image in every reading of a study. `generated_rating` and `real_rating` are their ratings. `unrated`
    counts images without a rating, which are left out.
    """

    participant: str
    modality: str
    generated: Ints
    real: Ints
    generated_rating: Floats
    real_rating: Floats
    unrated: int

    @property
    def no_auc(self) -> str | None:
        """Why there is no AUC, if there is none."""
        missing = [name for name, part in (("generated", self.generated), ("real", self.real)) if not part.size]
        return f"rated no {' and no '.join(missing)} image" if missing else None


@dataclass(frozen=True, eq=False)
class Readings:
    """A study's readings, ordered by modality and participant, and those that were left out.

    The `readings` have an AUC each, and `generated` and `real` different images between them; images are
    numbered from 0 in each class. `left_out` have images of one class only.
    """

    readings: tuple[Reading, ...]
    left_out: tuple[Reading, ...]
    generated: int
    real: int

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that occur, by name."""
        return tuple(sorted({one.modality for one in (*self.readings, *self.left_out)}))

    @property
    def participants(self) -> tuple[str, ...]:
        """The participants who have an AUC, by name."""
        return tuple(sorted({one.participant for one in self.readings}))

    @property
    def unrated(self) -> int:
        """How many trials have no rating."""
        return sum(one.unrated for one in (*self.readings, *self.left_out))

    @property
    def set_aside(self) -> dict[str, str]:
        """Why a participant (in a modality, if there are several) has no AUC."""
        several = len(self.modalities) > 1
        return {
            f"{one.participant}, {one.modality}" if several else one.participant: str(one.no_auc)
            for one in self.left_out
        }

    @property
    def crossed(self) -> bool:
        """Whether all readings have the same images."""
        # A reading's images are different ones, so it has all of them if it has as many.
        return all((one.generated.size, one.real.size) == (self.generated, self.real) for one in self.readings)

    @property
    def design(self) -> Design:
        """How participants and images were paired.

        `crossed`: all readings have the same images. `split-plot`: two readings have the same images or none
        in common (each participant, or each group, has his own). `partly crossed`: anything else, a crossed
        design with missing ratings for one.
        """
        if len(self.participants) < 2:
            return "one participant" if self.readings else "no participant"
        if self.crossed:
            return "crossed"
        sets = {(one.generated.tobytes(), one.real.tobytes()): one for one in self.readings}.values()
        # Sets are disjoint exactly when their sizes add up to the images there are.
        generated, real = sum(one.generated.size for one in sets), sum(one.real.size for one in sets)
        return "split-plot" if (generated, real) == (self.generated, self.real) else "partly crossed"

    def where(self, modalities: Collection[str], participants: Collection[str] | None = None) -> Readings:
        """The readings of these modalities, and of these participants only if given."""
        return _numbered(
            [
                one
                for one in sorted((*self.readings, *self.left_out), key=lambda one: (one.modality, one.participant))
                if one.modality in modalities and (participants is None or one.participant in participants)
            ]
        )


def from_trials(frame: pd.DataFrame) -> Readings:
    """Readings from a table with columns participant, stimulus_id, truth, rating and, if need be, modality.

    A row is one judgement: a larger rating is more generated-looking; NaN is unrated, left out and counted.
    A participant who rated images of one class only has no AUC and is left out, with the reason. Raises
    `LookalikeError`, naming rows, for a missing participant, image or modality, another truth, a rating that
    is no finite number, a participant who judged an image twice (in one modality), and an image with two
    truths.
    """
    needed = ("participant", "stimulus_id", "truth", "rating")
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise LookalikeError(f"{_SOURCE} has no column {', '.join(missing)}; it needs {', '.join(needed)}")
    rating = _checked(frame)
    signal = (frame["truth"] == "generated").to_numpy()
    image, _ = pd.factorize(frame["stimulus_id"])
    reader, participants = _named(frame["participant"])
    viewed, modalities = np.zeros(len(frame), dtype=np.int64), [""]
    if "modality" in frame.columns:
        viewed, modalities = _named(frame["modality"])
    images, reading = int(image.max(initial=0)) + 1, viewed * len(participants) + reader
    trial = reading * images + image
    refuse_rows(pd.Series(trial).duplicated(keep=False), _SOURCE, "a participant judged an image twice", _ONE_SESSION)
    times_generated = np.bincount(image, signal, minlength=images)
    both = (times_generated > 0) & (times_generated < np.bincount(image, minlength=images))
    refuse_rows(pd.Series(both[image]), _SOURCE, "an image is called both real and generated")

    order = np.argsort(trial)
    ends = np.flatnonzero(np.diff(reading[order])) + 1
    found = [
        _reading(
            participant=participants[reader[rows[0]]],
            modality=modalities[viewed[rows[0]]],
            image=image[rows],
            signal=signal[rows],
            rating=rating[rows],
        )
        for rows in np.split(order, ends)
        if rows.size
    ]
    return _numbered(found)


def from_matrix(truth: npt.ArrayLike, rating: npt.ArrayLike, participants: Sequence[str] | None = None) -> Readings:
    """Readings from `truth` (images,) and `rating` (participants, images), NaN where there is none.

    Participants are numbered from 1 unless named. Raises `LookalikeError` for an unknown truth, an infinite
    rating, or shapes and names that do not fit.
    """
    scores = np.asarray(rating, dtype=np.float64)
    words = np.asarray(truth, dtype=object)
    names = [str(number + 1) for number in range(len(scores))] if participants is None else list(participants)
    if scores.shape != (len(names), words.size) or len(set(names)) != len(names):
        raise LookalikeError(
            f"ratings of shape {scores.shape}, {words.size} truths and {len(names)} participants: there must be a row "
            "per participant, each named once, and a column per image"
        )
    signal = is_generated(words)
    if np.isinf(scores).any():
        row, column = np.argwhere(np.isinf(scores))[0]
        raise LookalikeError(f"rating of participant {names[row]}, image {column} (from 0) is infinite")
    image = np.arange(words.size, dtype=np.int64)
    found = [_reading(name, "", image, signal, row) for name, row in zip(names, scores, strict=True)]
    return _numbered(sorted(found, key=lambda one: one.participant))


def _named(column: pd.Series) -> tuple[Ints, list[str]]:
    """Ints and names, sorted. Few names are turned into words, not each of many rows."""
    codes, values = pd.factorize(column)
    names, place = np.unique([str(value) for value in values], return_inverse=True)
    return place[codes].astype(np.int64), names.tolist()


def _checked(frame: pd.DataFrame) -> Floats:
    """The ratings, after each row by itself has been found in order."""
    for column in ("participant", "stimulus_id", "modality"):
        if column in frame.columns:
            refuse_rows(frame[column].isna(), _SOURCE, f"{column} is missing")
    refuse_rows(~frame["truth"].isin(TRUTHS), _SOURCE, "truth is neither 'real' nor 'generated'")
    rating: pd.Series = pd.to_numeric(frame["rating"], errors="coerce").astype(np.float64)
    no_number = rating.isna() & frame["rating"].notna()
    refuse_rows(no_number | np.isinf(rating), _SOURCE, "rating is no finite number")
    return np.asarray(rating, dtype=np.float64)


def _reading(participant: str, modality: str, image: Ints, signal: Flags, rating: Floats) -> Reading:
    there = ~np.isnan(rating)
    generated, real = there & signal, there & ~signal
    unrated = int(there.size - np.sum(there))
    return Reading(participant, modality, image[generated], image[real], rating[generated], rating[real], unrated)


def _numbered(found: Sequence[Reading]) -> Readings:
    """Number the images of the readings that have an AUC, without gaps, and leave the others out."""
    kept = [one for one in found if one.no_auc is None]
    left_out = tuple(one for one in found if one.no_auc is not None)
    generated, generated_numbers = _renumber([one.generated for one in kept])
    real, real_numbers = _renumber([one.real for one in kept])
    readings = tuple(
        Reading(one.participant, one.modality, m, n, one.generated_rating, one.real_rating, one.unrated)
        for one, m, n in zip(kept, generated_numbers, real_numbers, strict=True)
    )
    return Readings(readings, left_out, generated, real)


def _renumber(images: Sequence[Ints]) -> tuple[int, list[Ints]]:
    if not images:
        return 0, []
    there, number = np.unique(np.concatenate(images), return_inverse=True)
    return int(there.size), np.split(number.astype(np.int64), np.cumsum([part.size for part in images])[:-1])
