"""Who said what of which image: a table of participants × images, with gaps where an image was not judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.arrays import Flags, Floats
from data.errors import LookalikeError
from data.trials import TRUTHS, rating, refuse_rows


@dataclass(frozen=True, eq=False)
class AnswerMatrix:
    """Session 1 of a group; rows are participants, columns images, both by name.

    `said` is 1 for "generated", 0 for "real"; `rating` is signed, larger = more generated-looking. Both
    have shape (participants, images) and are NaN where there is no answer (or no confidence).
    """

    participants: npt.NDArray[np.object_]
    images: npt.NDArray[np.object_]
    generated: Flags
    said: Floats
    rating: Floats

    @property
    def correct(self) -> Floats:
        """1 where the answer is right, 0 where it is wrong, NaN where there is none."""
        return np.where(self.generated, self.said, 1 - self.said)


def from_trials(frame: pd.DataFrame) -> AnswerMatrix:
    """The main trials of session 1 (`data.trials`) as a matrix.

    `frame` has the columns participant, stimulus_id, truth and response; confidence if there is one.
    Raises `LookalikeError`, naming rows, for a missing column, an unknown word, an image that a participant
    judged twice or that is real in one row and generated in another, a trial that is not main, or a retest.
    """
    missing = [name for name in ("participant", "stimulus_id", "truth", "response") if name not in frame.columns]
    if missing:
        raise LookalikeError(f"the trials lack column {', '.join(missing)}")
    _refuse(frame)
    row, participants = pd.factorize(frame["participant"], sort=True)
    column, images = pd.factorize(frame["stimulus_id"], sort=True)
    response = frame["response"].to_numpy(dtype=object)
    confidence = frame["confidence"].to_numpy(dtype=np.float64) if "confidence" in frame.columns else np.nan
    said, ratings = (np.full((len(participants), len(images)), np.nan) for _ in range(2))
    said[row, column] = np.select([response == "generated", response == "real"], [1.0, 0.0], np.nan)
    ratings[row, column] = rating(response, confidence)
    generated = np.zeros(len(images), dtype=np.bool_)
    generated[column] = (frame["truth"] == "generated").to_numpy(dtype=np.bool_)
    return AnswerMatrix(
        np.asarray(participants, dtype=object), np.asarray(images, dtype=object), generated, said, ratings
    )


def _refuse(frame: pd.DataFrame) -> None:
    source = "the trials"
    for column in ("participant", "stimulus_id"):
        refuse_rows(frame[column].isna(), source, f"{column} is missing")
    refuse_rows(~frame["truth"].isin(TRUTHS), source, "truth is neither 'real' nor 'generated'")
    unknown = ~(frame["response"].isin(TRUTHS) | frame["response"].isna())
    refuse_rows(unknown, source, "response is neither 'real' nor 'generated'")
    if "session" in frame.columns:
        refuse_rows(frame["session"] != 1, source, "session is not 1", "a retest is never pooled: leave it out")
    if "role" in frame.columns:
        refuse_rows(frame["role"] != "main", source, "role is not main", "leave practice and catch trials out")
    twice = frame.duplicated(["participant", "stimulus_id"], keep=False)
    refuse_rows(twice, source, "a participant judged this image twice", "give one session of each")
    truths = frame.groupby("stimulus_id")["truth"].transform("nunique")
    refuse_rows(truths > 1, source, "an image is real in one row and generated in another")
