"""How reliable are participants' ratings of images: the intraclass correlations, with participants as the raters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.agreement.intraclass import IntraclassCorrelations, shrout_fleiss
from analysis.readings import answer_matrix
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class RaterReliability(Result):
    """The intraclass correlations of ratings of images `of` one kind (all | real | generated).

    `answers_alone` says that there are no confidences, so that an answer is a rating of 0 or 1.
    """

    of: str
    answers_alone: bool
    found: IntraclassCorrelations


def rater_reliability(frame: pd.DataFrame, level: float = 0.95) -> tuple[RaterReliability, ...]:
    """Intraclass correlations of the ratings of all, of the real and of the generated images.

    `frame` has the main trials of session 1, as `analysis.agreement.observer_agreement` takes them; used are the images
    that every participant rated. Raises `LookalikeError` as `analysis.readings.answer_matrix` does.
    """
    answers = answer_matrix(frame)
    alone = bool(np.isnan(answers.rating).all())
    table = (answers.said if alone else answers.rating).T
    kinds = {
        "all": np.ones(answers.images.size, dtype=np.bool_),
        "real": ~answers.generated,
        "generated": answers.generated,
    }
    return tuple(RaterReliability(of, alone, shrout_fleiss(table[kept], level)) for of, kept in kinds.items())
