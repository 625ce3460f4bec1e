"""Does an observer give the same answer again? Agreement of two sessions, image by image.

High agreement alone does not show that someone sees something: an observer who nearly always says
"real" agrees with himself too. So the agreement expected from the two sessions' own shares of
"generated" stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from analysis.result import Result
from analysis.trials import is_generated
from data.errors import LookalikeError


@dataclass(frozen=True)
class Retest(Result):
    """Agreement of a retest with session 1.

    `similarity` [0, 1] is `matches` / `pairs`, with Wilson bounds `low` and `high` at `level`; `expected`
    [0, 1] is what the two sessions' marginals alone would give and `kappa` the agreement beyond it
    (1 is perfect, 0 is as expected). `unanswered` counts shared images left out because one session
    has no answer. What is undefined is NaN and `reason` says why.
    """

    pairs: int
    matches: int
    unanswered: int
    similarity: float
    low: float
    high: float
    level: float
    expected: float
    kappa: float
    reason: str | None


def from_sessions(first: pd.DataFrame, second: pd.DataFrame, level: float = 0.95) -> Retest:
    """Agreement of two sessions' trial tables (`data.trials`) on the images that both show.

    Raises `LookalikeError` if a session shows an image twice.
    """
    for table in (first, second):
        if table["stimulus_id"].duplicated().any():
            twice = table.loc[table["stimulus_id"].duplicated(), "stimulus_id"].iloc[0]
            raise LookalikeError(f"{twice}: is judged twice in one session; pass one session's trials at a time")
    columns = ["stimulus_id", "response"]
    shared = first[columns].merge(second[columns], on="stimulus_id", suffixes=("_first", "_second"))
    return from_pairs(shared["response_first"].to_numpy(), shared["response_second"].to_numpy(), level)


def from_pairs(first: npt.ArrayLike, second: npt.ArrayLike, level: float = 0.95) -> Retest:
    """Agreement of paired answers (real | generated | missing), both of shape (images,).

    Similarity = matches / pairs, the simple matching coefficient (Sokal & Michener 1958, Univ. Kansas
    Sci. Bull. 38:1409); what scipy and scikit-learn called "sokalmichener" counted mismatches twice,
    which is Rogers–Tanimoto. Bounds: Wilson 1927, J. Am. Stat. Assoc. 22:209. With p and q the shares of
    "generated", expected = p q + (1 − p)(1 − q) and κ = (similarity − expected) / (1 − expected) (Cohen
    1960, Educ. Psychol. Meas. 20:37). Raises `LookalikeError` for another word or unequal lengths.
    """
    a, b = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
    if a.shape != b.shape:
        raise LookalikeError(f"{a.size} first and {b.size} second answers: they must be paired")
    both = ~np.asarray(pd.isna(a) | pd.isna(b), dtype=np.bool_)
    yes_a, yes_b = is_generated(a[both]), is_generated(b[both])
    pairs, matches = int(yes_a.size), int(np.sum(yes_a == yes_b))
    similarity = low = high = expected = kappa = np.nan
    reason: str | None = None
    if not pairs:
        reason = "the sessions share no image" if not a.size else "no shared image was answered in both sessions"
    else:
        p, q = float(np.mean(yes_a)), float(np.mean(yes_b))
        similarity, expected = matches / pairs, p * q + (1 - p) * (1 - q)
        low, high = _wilson(similarity, pairs, level)
        if expected < 1:
            kappa = (similarity - expected) / (1 - expected)
        else:
            reason = "both sessions hold one answer only: κ is undefined"
    return Retest(
        pairs=pairs,
        matches=matches,
        unanswered=int(np.sum(~both)),
        similarity=similarity,
        low=low,
        high=high,
        level=level,
        expected=expected,
        kappa=kappa,
        reason=reason,
    )


def _wilson(share: float, n: int, level: float) -> tuple[float, float]:
    z = float(ndtri((1 + level) / 2))
    centre, margin = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Exactly 0 and 1 at the ends, where rounding would land just inside or outside.
    low, high = (float((centre + side * margin) / (1 + z**2 / n)) for side in (-1, 1))
    return max(0.0, min(share, low)), min(1.0, max(share, high))
