"""Who judged which image, and how: trials of several participants, checked once and put into arrays.

Participants are the readers of multi-reader multi-case (MRMC) analyses, images their cases. Which participant rated
which image makes the *design*, and the design decides how far the participants' AUCs vary together; so it is read
off the data. `from_trials`, `from_columns` and `from_matrix` give the ratings by participant, `answer_matrix` the
answers as a table of participants x images.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.trials import is_generated
from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.trials import TRUTHS, rating, refuse_rows

Design = Literal["crossed", "split-plot", "partly crossed", "one participant", "no participant"]

_SOURCE = "the table of trials"


@dataclass(frozen=True, eq=False)
class Reading:
    """One participant's ratings in one modality.

    `generated` (m,) and `real` (n,) are the numbers of the rated images, ascending; a number means the same
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

    The `readings` have an AUC each and rest on `generated` and `real` different images; images are
    numbered from 0 in each class. `left_out` are of participants who rated images of one class only.
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
    def excluded(self) -> dict[str, str]:
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
        in common (each participant, or each group, has their own). `partly crossed`: anything else, such as a
        crossed design with missing ratings.
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


@dataclass(frozen=True, eq=False)
class AnswerMatrix:
    """One session of a group; rows are participants, columns images, both by name.

    `said` is 1 for "generated", 0 for "real"; `rating` is signed, larger = more generated-looking. Both
    have shape (participants, images) and are NaN where there is no answer (or no confidence).
    """

    participants: tuple[str, ...]
    images: npt.NDArray[np.object_]
    generated: Flags
    said: Floats
    rating: Floats

    @property
    def correct(self) -> Floats:
        """1 where the answer is right, 0 where it is wrong, NaN where there is none."""
        return np.where(self.generated, self.said, 1 - self.said)


def from_trials(frame: pd.DataFrame) -> Readings:
    """Readings from a table with columns participant, stimulus_id, truth, rating and, if need be, modality.

    A row is one judgement: a larger rating is more generated-looking; NaN is unrated, left out and counted.
    A participant who rated images of one class only has no AUC and is left out, with the reason. Raises
    `LookalikeError` as `check_trials` does, and for a rating that is not a finite number.
    """
    found = check_trials(frame, "rating")
    ratings: pd.Series = pd.to_numeric(frame["rating"], errors="coerce").astype(np.float64)
    no_number = (ratings.isna() & frame["rating"].notna()) | np.isinf(ratings)
    refuse_rows(no_number, _SOURCE, "rating is not a finite number", code="not-a-number")
    scores, signal = np.asarray(ratings, dtype=np.float64), found.generated[found.image]

    reading = found.modality * len(found.participants) + found.participant
    order = np.argsort(reading * found.generated.size + found.image)
    ends = np.flatnonzero(np.diff(reading[order])) + 1
    return _numbered(
        [
            _reading(
                participant=found.participants[found.participant[rows[0]]],
                modality=found.modalities[found.modality[rows[0]]],
                image=found.image[rows],
                signal=signal[rows],
                rating=scores[rows],
            )
            for rows in np.split(order, ends)
            if rows.size
        ]
    )


def from_columns(
    truth: npt.ArrayLike,
    rating: npt.ArrayLike,
    participant: npt.ArrayLike | None = None,
    image: npt.ArrayLike | None = None,
) -> Readings:
    """Readings from paired columns, all of shape (trials,).

    Without `participant` all trials are of one participant, without `image` each shows an image of its own. Raises
    `LookalikeError` for unequal lengths, and as `from_trials` does; rows are counted as in a table with a header.
    """
    given = {"truth": truth, "rating": rating, "participant": participant, "stimulus_id": image}
    trials = np.size(truth)
    columns = {
        name: np.arange(trials) * (name == "stimulus_id") if column is None else np.asarray(column, dtype=object)
        for name, column in given.items()
    }
    for name, column in columns.items():
        if column.shape != (trials,):
            raise LookalikeError(
                "unequal-lengths", f"{trials} truths, but {name} has {column.size}: give one per trial"
            )
    return from_trials(pd.DataFrame(columns))


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
            "unequal-lengths",
            f"ratings of shape {scores.shape}, {words.size} truths and {len(names)} participants: there must be a row "
            "per participant, each named once, and a column per image",
        )
    signal = is_generated(words)
    if np.isinf(scores).any():
        row, column = np.argwhere(np.isinf(scores))[0]
        raise LookalikeError("not-a-number", f"rating of participant {names[row]}, image {column} (from 0) is infinite")
    image = np.arange(words.size, dtype=np.int64)
    found = [_reading(name, "", image, signal, row) for name, row in zip(names, scores, strict=True)]
    return _numbered(sorted(found, key=lambda one: one.participant))


def as_readings(trials: pd.DataFrame | Readings) -> Readings:
    """The readings of a table, or readings as they are."""
    return trials if isinstance(trials, Readings) else from_trials(trials)


def of_one_modality(trials: pd.DataFrame | Readings) -> Readings:
    """The same; raises `LookalikeError` for several modalities."""
    study = as_readings(trials)
    if len(study.modalities) > 1:
        names = ", ".join(study.modalities)
        raise LookalikeError(
            "several-modalities", f"modalities {names}: pass one, or compare two with mrmc_difference()"
        )
    return study


def answer_matrix(frame: pd.DataFrame) -> AnswerMatrix:
    """The main trials of session 1 (`data.trials`) as a matrix.

    `frame` has the columns participant, stimulus_id, truth and response; confidence if there is one.
    Raises `LookalikeError` as `check_trials` does, and for a trial that is not main, or a retest.
    """
    if "session" in frame.columns:
        cure = "a retest is never pooled: leave it out"
        refuse_rows(frame["session"] != 1, _SOURCE, "session is not 1", cure, code="retest-pooled")
    if "role" in frame.columns:
        cure = "leave practice and catch trials out"
        refuse_rows(frame["role"] != "main", _SOURCE, "role is not main", cure, code="not-a-main-trial")
    found = check_trials(frame, "response")
    by_name = np.argsort(found.images)
    row, column = found.participant, np.argsort(by_name)[found.image]
    response = frame["response"].to_numpy(dtype=object)
    confidence = frame["confidence"].to_numpy(dtype=np.float64) if "confidence" in frame.columns else np.nan
    said, ratings = (np.full((len(found.participants), found.images.size), np.nan) for _ in range(2))
    said[row, column] = np.select([response == "generated", response == "real"], [1.0, 0.0], np.nan)
    ratings[row, column] = rating(response, confidence)
    return AnswerMatrix(tuple(found.participants), found.images[by_name], found.generated[by_name], said, ratings)


class CheckedTrials(NamedTuple):
    """Trials as numbers: `participant`, `image` and `modality` (trials,) count in the names that follow each.

    Participants and modalities are ordered by name, images by where they occur first. `generated` is the images'.
    """

    participant: Ints
    participants: list[str]
    image: Ints
    images: npt.NDArray[np.object_]
    modality: Ints
    modalities: list[str]
    generated: Flags


def check_trials(frame: pd.DataFrame, answer: Literal["rating", "response"]) -> CheckedTrials:
    """Trials of one session of each participant, found in order: what every analysis of several participants relies on.

    `frame` has the columns participant, stimulus_id, truth and `answer`, and modality if there are several. Raises
    `LookalikeError`, naming rows, for a missing column, participant, image or modality, a truth or response that is
    neither real nor generated, a participant who judged an image twice (in one modality), and an image with two truths.
    """
    needed = ("participant", "stimulus_id", "truth", answer)
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise LookalikeError(
            "missing-column", f"{_SOURCE} has no column {', '.join(missing)}; it needs {', '.join(needed)}"
        )
    for name in ("participant", "stimulus_id", "modality"):
        if name in frame.columns:
            refuse_rows(frame[name].isna(), _SOURCE, f"{name} is missing", code="missing-value")
    refuse_rows(~frame["truth"].isin(TRUTHS), _SOURCE, "truth is neither 'real' nor 'generated'", code="unknown-word")
    if answer == "response":
        known = frame["response"].isin(TRUTHS) | frame["response"].isna()
        refuse_rows(~known, _SOURCE, "response is neither 'real' nor 'generated'", code="unknown-word")

    signal = (frame["truth"] == "generated").to_numpy(dtype=np.bool_)
    image, images = pd.factorize(frame["stimulus_id"])
    participant, participants = _named(frame["participant"])
    modality, modalities = np.zeros(len(frame), dtype=np.int64), [""]
    if "modality" in frame.columns:
        modality, modalities = _named(frame["modality"])
    trial = (modality * len(participants) + participant) * len(images) + image
    refuse_rows(
        pd.Series(trial).duplicated(keep=False),
        _SOURCE,
        "a participant judged an image twice",
        "pass one session's trials, or tell them apart in a column 'modality'",
        code="repeated-stimulus",
    )
    generated = np.zeros(len(images), dtype=np.bool_)
    generated[image] = signal
    contradicted = np.zeros(len(images), dtype=np.bool_)
    contradicted[image[generated[image] != signal]] = True
    refuse_rows(
        pd.Series(contradicted[image]),
        _SOURCE,
        "an image is called both real and generated",
        code="contradictory-truth",
    )
    names = np.asarray(images, dtype=object)
    return CheckedTrials(participant, participants, image, names, modality, modalities, generated)


def _named(column: pd.Series) -> tuple[Ints, list[str]]:
    """Numbers and names, ordered by name. Few names are turned into words, not each of many rows."""
    codes, values = pd.factorize(column)
    names, place = np.unique([str(value) for value in values], return_inverse=True)
    return place[codes].astype(np.int64), names.tolist()


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
