"""Do observers agree on images, and are differences between images more than chance?

Images are distinguished reliably if other observers would order them alike. Observers who see what is
real agree for that reason alone, so agreement is given for all images and within each truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import intervals
from analysis.readings import answer_matrix
from data.arrays import Floats
from data.results.result import UNDEFINED, Estimate, Result

_SPLITS = 200


@dataclass(frozen=True, eq=False)
class ObserverAgreement(Result):
    """Agreement of observers on the answers to images `of` one kind (all | real | generated).

    Used are `images` that two or more of `observers` answered; `left_out` have fewer answers; `complete`
    were answered by all. `pairwise` [0, 1] is the share of pairs of answers to one image that agree.
    `alpha` (Krippendorff, nominal) is agreement beyond chance and allows for gaps; `fleiss` (Fleiss' κ) and
    `kr20` (reliability of the images' shares, observers as items) rest on the complete images. `split_half`
    is that reliability from halves of the observers, and allows for gaps. Bounds are at `level`, from
    resampled images: other images, these observers. What is undefined is NaN and `reason` says why.
    """

    of: str
    observers: int
    images: int
    left_out: int
    complete: int
    pairwise: Estimate
    alpha: Estimate
    fleiss: Estimate
    kr20: Estimate
    split_half: float
    level: float
    reason: str | None


def observer_agreement(frame: pd.DataFrame, level: float = 0.95, seed: int = 0) -> tuple[ObserverAgreement, ...]:
    """Do observers agree on images: on all, on the real and on the generated ones?

    Parameters
    ----------
    frame : pandas.DataFrame
        The main trials of session 1 (`data.trials`): participant, stimulus_id, truth and response.
    level : float, optional
        Level of the intervals, in (0, 1).
    seed : int, optional
        Of the resamples of the images.

    Returns
    -------
    tuple of ObserverAgreement
        For all, for real and for generated images: the share of agreeing pairs of answers, Krippendorff's α, Fleiss' κ,
        KR-20 and split-half reliability. See `agreement_of_answers`.

    Raises
    ------
    LookalikeError
        For a missing column, an unknown word, an image that a participant judged twice or that has two truths, a trial
        that is not main, or a retest.

    References
    ----------
    Krippendorff 2004, Content Analysis, 11.3; Fleiss 1971, Psychol. Bull. 76:378; Kuder & Richardson 1937,
    Psychometrika 2:151.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from analysis import observer_agreement
    >>> rng = np.random.default_rng(1)
    >>> image, person = np.tile(np.arange(40), 5), np.repeat(np.arange(5), 40)
    >>> looks = rng.normal(size=40)[image] + rng.normal(size=200) > 0
    >>> truth, response = np.where(image % 2, "generated", "real"), np.where(looks, "generated", "real")
    >>> trials = pd.DataFrame({"participant": person, "stimulus_id": image, "truth": truth, "response": response})
    >>> every, real, generated = observer_agreement(trials)
    >>> round(every.alpha.value, 2), round(every.alpha.low, 2), round(every.alpha.high, 2)
    (0.3, 0.13, 0.44)
    """
    answers, rng = answer_matrix(frame), np.random.default_rng(seed)
    kinds = {
        "all": np.ones(answers.images.size, dtype=np.bool_),
        "real": ~answers.generated,
        "generated": answers.generated,
    }
    return tuple(agreement_of_answers(answers.said[:, kept], of, level, rng) for of, kept in kinds.items())


def agreement_of_answers(said: Floats, of: str, level: float, rng: np.random.Generator) -> ObserverAgreement:
    """Agreement of answers 0 | 1 | NaN (none), shape (observers, images).

    With k of m observers saying 1 of an image: pairwise = Σ [k(k−1) + (m−k)(m−k−1)] / Σ m(m−1); α = 1 −
    (n−1) Σ [k(m−k)/(m−1)] / (n₀ n₁), over n = n₀ + n₁ answers (Krippendorff 2004, Content Analysis, 11.3);
    κ as Fleiss (1971, Psychol. Bull. 76:378). KR-20 is Kuder & Richardson's (1937, Psychometrika 2:151),
    which Cronbach's α is for binary items. Split-half: the mean over 200 random halves of the observers of
    the correlation of their shares across images, stepped up to all (Spearman–Brown). Intervals are
    expanded percentiles (`analysis.intervals`) of 2,000 resamples of the images, standard errors their SD; for eight
    observers and 60 images whose true α is .2 the intervals cover .93–.96 (test_observer_agreement).
    """
    answered = np.sum(~np.isnan(said), axis=0)
    kept = answered >= 2
    observers, complete = len(said), (answered == len(said)) & kept
    m, k = answered[kept].astype(np.float64), np.nansum(said[:, kept], axis=0)
    everyone = said[:, complete].T

    def estimate(statistic: Callable[[Floats], Floats], units: int) -> Estimate:
        value = float(statistic(np.ones((1, units)))[0]) if units else np.nan
        if np.isnan(value):
            return UNDEFINED
        weights = rng.multinomial(units, np.full(units, 1 / units), size=intervals.RESAMPLES).astype(np.float64)
        replicates = statistic(weights)
        defined = replicates[~np.isnan(replicates)]
        se = float(np.std(defined, ddof=1)) if units > 1 and defined.size > 1 else np.nan
        return Estimate(value, se, *intervals.expanded_percentile(replicates, units, level))

    pairwise = estimate(lambda weights: _pairwise(weights, k, m), m.size)
    alpha = estimate(lambda weights: _alpha(weights, k, m), m.size)
    fleiss = estimate(lambda weights: _fleiss(weights, everyone.sum(axis=1), observers), len(everyone))
    kr20 = estimate(lambda weights: _kr20(weights, everyone), len(everyone))
    split_half = _split_half(said[:, kept], rng)
    return ObserverAgreement(
        of=of,
        observers=observers,
        images=int(kept.sum()),
        left_out=int(np.sum(~kept)),
        complete=len(everyone),
        pairwise=pairwise,
        alpha=alpha,
        fleiss=fleiss,
        kr20=kr20,
        split_half=split_half,
        level=level,
        reason=_reason({"Fleiss κ": fleiss.value, "KR-20": kr20.value}, split_half, k, m, len(everyone)),
    )


def _reason(of_complete: dict[str, float], split_half: float, k: Floats, m: Floats, complete: int) -> str | None:
    if not m.size:
        return "no image was answered by two observers"
    if k.sum() in (0, m.sum()):
        return "one answer only: agreement beyond chance is undefined"
    lacking = [name for name, value in of_complete.items() if np.isnan(value)]
    reasons = []
    if lacking:
        why = "the images answered by all do not differ" if complete else "no image was answered by all observers"
        reasons.append(f"{why}: no {' and no '.join(lacking)}")
    if np.isnan(split_half):
        reasons.append("no split-half reliability: shares of the halves do not vary or run opposite")
    if m.size == 1:
        reasons.append("one image: no intervals")
    return "; ".join(reasons) or None


def _pairwise(weights: Floats, k: Floats, m: Floats) -> Floats:
    return _divided(weights @ (k * (k - 1) + (m - k) * (m - k - 1)), weights @ (m * (m - 1)))


def _alpha(weights: Floats, k: Floats, m: Floats) -> Floats:
    ones, n = weights @ k, weights @ m
    return 1 - _divided((n - 1) * (weights @ (k * (m - k) / (m - 1))), ones * (n - ones))


def _fleiss(weights: Floats, k: Floats, observers: int) -> Floats:
    units = weights.sum(axis=1)
    alike = weights @ (k * (k - 1) + (observers - k) * (observers - k - 1)) / (units * observers * (observers - 1))
    share = weights @ k / (units * observers)
    chance = share**2 + (1 - share) ** 2
    return _divided(alike - chance, 1 - chance)


def _kr20(weights: Floats, said: Floats) -> Floats:
    """`said` has shape (images, observers)."""
    units, observers = weights.sum(axis=1), said.shape[1]
    share, total = weights @ said / units[:, None], said.sum(axis=1)
    # About the mean first: squares of large totals would cancel badly.
    total = total - total.mean() if total.size else total
    spread = weights @ total**2 / units - (weights @ total / units) ** 2
    reliability: Floats = observers / (observers - 1) * (1 - _divided(np.sum(share * (1 - share), axis=1), spread))
    return reliability


def _split_half(said: Floats, rng: np.random.Generator) -> float:
    observers, images = said.shape
    if observers < 2 or images < 2:
        return np.nan
    first = rng.permuted(np.tile(np.arange(observers) < observers // 2, (_SPLITS, 1)), axis=1).astype(np.float64)
    there, answers = (~np.isnan(said)).astype(np.float64), np.nan_to_num(said)
    shares = [_divided(half @ answers, half @ there) for half in (first, 1 - first)]
    both = ~np.isnan(shares[0] + shares[1])
    n = np.maximum(both.sum(axis=1, keepdims=True), 1)
    a, b = (np.where(both, one - np.where(both, one, 0).sum(axis=1, keepdims=True) / n, 0) for one in shares)
    r = _divided(np.sum(a * b, axis=1), np.sqrt(np.sum(a**2, axis=1) * np.sum(b**2, axis=1)))
    mean = float(np.mean(r[~np.isnan(r)])) if np.isfinite(r).any() else np.nan
    # Halves that order the images the opposite way round have nothing to step up.
    return 2 * mean / (1 + mean) if mean > -1 + 1e-9 else np.nan


def _divided(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 1e-12)
    return ratio
