"""meta-I: how many bits of information confidence carries about being right (Dayan 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, xlogy

from analysis.sdt.confidence import ConfidenceCounts, count_confidence
from data.arrays import Floats
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class MetaInformation(Result):
    """meta-I of one observer, in bits.

    `meta_i` is the mutual information of accuracy and confidence as the counts have it, `corrected` that less its bias
    (Miller & Madow), which may fall below 0. `share` [0, 1] is `meta_i` over the entropy of accuracy, Dayan's second
    ratio. `p` is that of the G test of no association in χ² with `df` degrees of freedom. `trials` have an answer and a
    confidence, `unrated` have not. What is undefined is NaN and `reason` says why.
    """

    meta_i: float
    corrected: float
    share: float
    p: float
    df: int
    trials: int
    unrated: int
    reason: str | None


def meta_information(truth: npt.ArrayLike, response: npt.ArrayLike, confidence: npt.ArrayLike) -> MetaInformation:
    """meta-I: the bits of information that confidence carries about whether the answer is right.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    response : array_like of str, shape (trials,)
        "real" or "generated", None or NaN where there is none.
    confidence : array_like of float, shape (trials,)
        1, 2, 3, ... from unsure to sure, NaN where there is none.

    Returns
    -------
    MetaInformation
        `meta_i` in bits, less its bias in `corrected`, as a share of the entropy of accuracy, and `p`.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths, or a confidence that is not a positive whole number.

    Notes
    -----
    meta-I = H(right) − H(right | confidence). It assumes no model of the evidence and holds at any d′; but it grows
    with d′, since a better observer has more to know, so that it does not compare observers of unequal d′ as M-ratio
    does. Counts alone make it too large, by about (levels − 1) / (2 ln 2 · trials) bits.

    References
    ----------
    Dayan 2023, Open Mind 7:392; Miller 1955, in Quastler, Information Theory in Psychology, 95.

    Examples
    --------
    >>> from analysis import meta_information
    >>> truth = ["real"] * 20
    >>> response = ["real"] * 9 + ["generated"] * 1 + ["real"] * 5 + ["generated"] * 5
    >>> found = meta_information(truth, response, [2] * 10 + [1] * 10)
    >>> round(found.meta_i, 3), round(found.corrected, 3), round(found.share, 3)
    (0.147, 0.111, 0.167)
    """
    return meta_information_from_counts(count_confidence(truth, response, confidence))


def meta_information_from_counts(counts: ConfidenceCounts) -> MetaInformation:
    """meta-I of a table of confidences; see `meta_information`."""
    table = np.stack([counts.correct(), counts.incorrect()]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    trials, df = int(table.sum()), max(0, table.shape[1] - 1)
    reason = None
    if not trials:
        reason = "no trial has an answer and a confidence"
    elif df == 0:
        reason = "one level of confidence was used: it carries no information"
    elif not table.sum(axis=1).all():
        reason = "all answers are right, or all wrong: there is nothing to know"
    if reason:
        return MetaInformation(np.nan, np.nan, np.nan, np.nan, df, trials, counts.unrated, reason)
    of_accuracy = _entropy(table.sum(axis=1))
    bits = max(0.0, of_accuracy + _entropy(table.sum(axis=0)) - _entropy(table.ravel()))
    return MetaInformation(
        meta_i=bits,
        corrected=float(bits - df / (2 * np.log(2) * trials)),
        share=bits / of_accuracy,
        p=float(chdtrc(df, 2 * np.log(2) * trials * bits)),
        df=df,
        trials=trials,
        unrated=counts.unrated,
        reason=None,
    )


def _entropy(counts: Floats) -> float:
    shares = counts / counts.sum()
    return float(-np.sum(xlogy(shares, shares)) / np.log(2))
