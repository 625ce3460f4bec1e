"""Does an observer give the same answer again? Agreement of two sessions, image by image.

High agreement alone does not show that someone sees something: an observer who nearly always says
"real" agrees with themselves too, and so does one who remembers the images. So the agreement expected
from the two sessions' own shares of "generated" stands beside it, and internal noise from the double
pass (`analysis.agreement.double_pass`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import hypergeom

from analysis import intervals
from analysis.agreement import double_pass, rating_agreement
from analysis.agreement.double_pass import Change, InternalNoise
from analysis.agreement.rating_agreement import RatingAgreement
from analysis.agreement.weighted_kappa import WeightedKappa, signed_scale, weighted_kappa
from analysis.trials import is_generated
from data.arrays import Floats, Ints
from data.errors import LookalikeError
from data.results.result import UNDEFINED, Estimate, Result
from data.trials import rating


@dataclass(frozen=True, eq=False)
class Retest(Result):
    """Agreement of a retest with session 1.

    Of `pairs` images answered in both sessions, `real_real` … `generated_generated` were given that first
    and that second answer. `similarity` [0, 1] is `matches` / `pairs`, with Wilson bounds `low` and `high`
    at `level`. `chance` is what two flips of a coin give; `expected` [0, 1] is what the two sessions'
    marginals alone would give, and `p` the exact probability of so many matches or more if the second
    session's answers were assigned to the images at random. `kappa` (Cohen) and `ac1` (Gwet) are agreement
    beyond chance (1 is perfect, 0 is as expected), with bounds. `unanswered` counts shared images left out
    because one session has no answer. What is undefined is NaN and `reason` says why.
    """

    pairs: int
    matches: int
    unanswered: int
    real_real: int
    real_generated: int
    generated_real: int
    generated_generated: int
    similarity: float
    low: float
    high: float
    level: float
    chance: float
    expected: float
    p: float
    kappa: float
    kappa_se: float
    kappa_low: float
    kappa_high: float
    ac1: float
    ac1_se: float
    ac1_low: float
    ac1_high: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class SessionComparison(Result):
    """All that two sessions of one observer say about each other, on the `shared` images.

    `first_only` and `second_only` count images that one session alone shows. `linear` and `quadratic` are weighted κ of
    the ratings; results of earlier versions lack them.
    """

    shared: int
    first_only: int
    second_only: int
    answers: Retest
    answers_to_real: Retest
    answers_to_generated: Retest
    ratings: RatingAgreement
    noise: InternalNoise
    change: Change
    linear: WeightedKappa | None = None
    quadratic: WeightedKappa | None = None


def compare_sessions(first: pd.DataFrame, second: pd.DataFrame, level: float = 0.95) -> SessionComparison:
    """All that two sessions of one observer say about each other, on the images that both show.

    Parameters
    ----------
    first, second : pandas.DataFrame
        Trial tables of the two sessions (`data.trials`): stimulus_id, truth, response and confidence.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    SessionComparison
        Agreement of the answers, of all images and by truth (`sokal_michener`), agreement of the ratings
        (`rating_agreement`), internal noise (`internal_noise`) and the change of d′ and c (`dprime_change`).

    Raises
    ------
    LookalikeError
        If a column is missing, a session shows an image twice, or an image is real in one session and generated in the
        other.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis import compare_sessions
    >>> first = pd.DataFrame({"stimulus_id": list("abcdef"), "truth": ["real", "generated"] * 3, "confidence": 2.0})
    >>> second = first.assign(response=["real", "real", "real", "generated", "real", "generated"])
    >>> found = compare_sessions(first.assign(response=first["truth"]), second)
    >>> found.shared, round(found.answers.similarity, 3), found.answers_to_real.similarity
    (6, 0.833, 1.0)
    """
    shared = _shared(first, second, ["truth", "response", "confidence"])
    truth = shared["truth_first"].to_numpy()
    contradicted = shared.loc[truth != shared["truth_second"].to_numpy(), "stimulus_id"]
    if len(contradicted):
        raise LookalikeError(
            "contradictory-truth",
            f"{', '.join(map(str, contradicted[:5]))}: real in one session and generated in the other "
            f"({len(contradicted)} images); the sessions do not show the same set",
        )
    said_first, said_second = (shared[f"response_{which}"].to_numpy(dtype=object) for which in ("first", "second"))
    generated = is_generated(truth)
    sure = [shared[f"confidence_{which}"].to_numpy(dtype=np.float64) for which in ("first", "second")]
    ratings = rating(said_first, shared["confidence_first"]), rating(said_second, shared["confidence_second"])
    scale = signed_scale(np.concatenate(sure))
    return SessionComparison(
        shared=len(shared),
        first_only=len(first) - len(shared),
        second_only=len(second) - len(shared),
        answers=sokal_michener(said_first, said_second, level),
        answers_to_real=sokal_michener(said_first[~generated], said_second[~generated], level),
        answers_to_generated=sokal_michener(said_first[generated], said_second[generated], level),
        ratings=rating_agreement.rating_agreement(*ratings, level),
        noise=double_pass.internal_noise(truth, said_first, said_second, level),
        change=double_pass.dprime_change(truth, said_first, said_second, level),
        linear=weighted_kappa(*ratings, "linear", scale, level),
        quadratic=weighted_kappa(*ratings, "quadratic", scale, level),
    )


def sokal_michener(first: npt.ArrayLike, second: npt.ArrayLike, level: float = 0.95) -> Retest:
    """Retest similarity: how often the same image got the same answer twice, and what that is worth.

    Parameters
    ----------
    first, second : array_like of str, shape (images,)
        The answers "real" or "generated" of two sessions to the same images; None or NaN where there is none.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    Retest
        `similarity` [0, 1] with Wilson bounds; `expected`, what the two sessions' shares of "generated" alone would
        give, and the exact one-sided `p` of so many matches; Cohen's κ and Gwet's AC1 with standard errors and bounds.

    Raises
    ------
    LookalikeError
        For another word, or unequal lengths.

    Notes
    -----
    Similarity = matches / pairs, the simple matching coefficient; what scipy and scikit-learn called "sokalmichener"
    counted mismatches twice, which is Rogers–Tanimoto. With p and q the shares of "generated", expected = p q + (1 −
    p)(1 − q). The permutation p is for more agreement: given the marginals, the images called "generated" twice are
    hypergeometric, so it is exact and Fisher's.

    κ and AC1 are (similarity − e) / (1 − e). For κ, e is `expected`; for AC1 it is 2 π (1 − π) with π = (p + q) / 2,
    which stays calm where nearly all answers are the same. Their standard errors are by the delta method over images,
    their bounds ± z·SE, cut at ±1; for 100 images, true κ from 0 to .65 and shares of .5 to .85 they cover .92–.95
    (2,000 pairs of sessions each).

    References
    ----------
    Sokal & Michener 1958, Univ. Kansas Sci. Bull. 38:1409; Wilson 1927, J. Am. Stat. Assoc. 22:209; Cohen 1960, Educ.
    Psychol. Meas. 20:37; Fleiss, Cohen & Everitt 1969, Psychol. Bull. 72:323; Gwet 2008, Br. J. Math. Stat. Psychol.
    61:29, equation 5.

    Examples
    --------
    >>> from analysis import sokal_michener
    >>> first = ["real", "real", "real", "generated", "generated", "generated", "real", "generated"]
    >>> second = ["real", "real", "generated", "generated", "generated", "real", "real", "generated"]
    >>> found = sokal_michener(first, second)
    >>> found.similarity, found.expected, found.kappa, round(found.p, 3)
    (0.75, 0.5, 0.5, 0.243)
    """
    a, b = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
    if a.shape != b.shape:
        raise LookalikeError("unequal-lengths", f"{a.size} first and {b.size} second answers: they must be paired")
    both = ~np.asarray(pd.isna(a) | pd.isna(b), dtype=np.bool_)
    table = np.bincount(2 * is_generated(a[both]) + is_generated(b[both]), minlength=4)
    pairs, matches = int(table.sum()), int(table[0] + table[3])
    similarity = low = high = expected = p = np.nan
    kappa = ac1 = UNDEFINED
    reason: str | None = None
    if not pairs:
        reason = "the sessions share no image" if not a.size else "no shared image was answered in both sessions"
    else:
        similarity = matches / pairs
        low, high = (float(bound) for bound in intervals.wilson(matches, pairs, level))
        expected, p = _expected(table), _permutation_p(table)
        kappa, ac1 = _beyond_chance(table, level)
        reason = _no_kappa(kappa, ac1)
    return Retest(
        pairs=pairs,
        matches=matches,
        unanswered=int(np.sum(~both)),
        real_real=int(table[0]),
        real_generated=int(table[1]),
        generated_real=int(table[2]),
        generated_generated=int(table[3]),
        similarity=similarity,
        low=low,
        high=high,
        level=level,
        chance=0.5,
        expected=expected,
        p=p,
        kappa=kappa.value,
        kappa_se=kappa.se,
        kappa_low=kappa.low,
        kappa_high=kappa.high,
        ac1=ac1.value,
        ac1_se=ac1.se,
        ac1_low=ac1.low,
        ac1_high=ac1.high,
        reason=reason,
    )


# The four cells of a table: real_real, real_generated, generated_real, generated_generated.
_FIRST, _SECOND = np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 0, 1])
_MATCH = np.array([1.0, 0, 0, 1])


def _shared(first: pd.DataFrame, second: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """One row per image that both sessions show, each column twice (`_first`, `_second`)."""
    for which, table in (("first", first), ("second", second)):
        missing = [column for column in ("stimulus_id", *columns) if column not in table.columns]
        if missing:
            raise LookalikeError("missing-column", f"the {which} session's table lacks column {', '.join(missing)}")
        repeated = table["stimulus_id"].duplicated()
        if repeated.any():
            twice = table.loc[repeated, "stimulus_id"].iloc[0]
            raise LookalikeError(
                "repeated-stimulus", f"{twice}: is judged twice in one session; pass one session's trials at a time"
            )
    wanted = ["stimulus_id", *columns]
    return first[wanted].merge(second[wanted], on="stimulus_id", suffixes=("_first", "_second"))


def _expected(table: Ints) -> float:
    p, q = (float(table @ which / table.sum()) for which in (_FIRST, _SECOND))
    return p * q + (1 - p) * (1 - q)


def _permutation_p(table: Ints) -> float:
    # Matches rise by two with each image called "generated" twice, so their upper tails are one.
    first, second = int(table[2] + table[3]), int(table[1] + table[3])
    return float(hypergeom.sf(table[3] - 1, table.sum(), first, second))


def _beyond_chance(table: Ints, level: float) -> tuple[Estimate, Estimate]:
    """Cohen's κ and Gwet's AC1."""
    p, q = (float(table @ which / table.sum()) for which in (_FIRST, _SECOND))
    mean = (p + q) / 2
    # Chance agreement, and by how much an image with these answers moves it.
    for_kappa = (2 * q - 1) * (_FIRST - p) + (2 * p - 1) * (_SECOND - q)
    for_ac1 = 2 * (1 - 2 * mean) * ((_FIRST + _SECOND) / 2 - mean)
    kappa = _coefficient(table, _expected(table), for_kappa, level)
    return kappa, _coefficient(table, 2 * mean * (1 - mean), for_ac1, level)


def _coefficient(table: Ints, chance: float, moves: Floats, level: float) -> Estimate:
    """(similarity − chance) / (1 − chance), its standard error from each image's influence on it."""
    if chance == 1:
        return UNDEFINED
    share = table / table.sum()
    similarity = float(share @ _MATCH)
    value = (similarity - chance) / (1 - chance)
    influence = (_MATCH - similarity - (1 - value) * moves) / (1 - chance)
    se = float(np.sqrt(share @ influence**2 / table.sum()))
    # A standard error of nothing (all agree, say) means too little data, not certainty.
    if se < 1e-12:
        return Estimate(value, se, np.nan, np.nan)
    low, high = intervals.normal(value, se, level)
    return Estimate(value, se, max(-1.0, low), min(1.0, high))


def _no_kappa(kappa: Estimate, ac1: Estimate) -> str | None:
    if np.isnan(kappa.value):
        return "both sessions contain one answer only: κ is undefined, AC1 has no interval"
    flat = [name for name, one in (("κ", kappa), ("AC1", ac1)) if np.isnan(one.low)]
    return f"the pairs of answers do not vary: no interval for {' and '.join(flat)}" if flat else None
