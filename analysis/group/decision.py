"""Do the data decide? The rules of the verdict, in numbers only.

`primary` puts them into words, and `power` counts them in simulated studies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.mrmc import mrmc
from analysis.mrmc.mrmc import Auc
from analysis.readings import Reading, Readings
from analysis.roc import roc
from analysis.roc.permutation import PermutationTest, permutation_test_of
from analysis.roc.ratings import RatingCounts

# So near to 0 or 1 the AUCs of participants hardly vary, and a t interval says less than a permutation test.
NEARLY_PERFECT = 0.95
_SEED = 0


@dataclass(frozen=True)
class Decision:
    """What the data decide about the AUC.

    `inside`: its interval lies within .5 ± delta. `differs`: it differs from .5, with `p`. `exact` is the permutation
    test of the images' labels, where it decides in place of the t test: discrimination is (nearly) perfect.
    """

    auc: Auc
    inside: bool
    differs: bool
    p: float
    exact: PermutationTest | None


def decide(study: Readings, delta: float | None, level: float) -> Decision:
    """Evaluate the readings of one modality; both tests are at 1 − `level`, divided by two for each."""
    # One participant says nothing about others, only about other images.
    alone = len(study.participants) < 2
    found = mrmc.mrmc_auc(study, delta=delta, level=level, readers="fixed" if alone else "random")
    alpha = error_rate(level)
    exact = None
    if not alone and not 1 - NEARLY_PERFECT < found.auc < NEARLY_PERFECT:
        exact = permutation_test_of(study, _SEED)
    p = exact.p if exact else found.p_chance
    return Decision(found, found.p_equivalence < alpha, p < alpha, p, exact)  # NaN is neither


def error_rate(level: float) -> float:
    """That of each of the tests that go with an interval at this level: 5% with 90%."""
    return (1 - level) / 2


def differing(study: Readings, found: Auc, delta: float) -> tuple[str, ...]:
    """Why the participants differ too much for their mean to stand for them, if they do.

    Their true AUCs have an SD above delta; or some participants are beyond the bounds by themselves, by an interval
    whose level allows for the number of participants (Bonferroni).
    """
    reasons = []
    if found.between_sd > delta:
        reasons.append(
            f"participants differ by more than the bounds: their true AUCs have an SD of {found.between_sd:.3f}, and "
            f"the bounds are ± {delta:.3f}"
        )
    level = 1 - error_rate(found.level) / max(len(study.readings), 1)
    beyond = sum(_beyond(one, delta, level) for one in study.readings) if len(study.readings) > 1 else 0
    if beyond:
        of = f"{beyond} of {len(study.readings)} participants"
        reasons.append(f"{of} {'is' if beyond == 1 else 'are'} beyond the bounds, each by an interval of their own")
    return tuple(reasons)


def never_mistaken(auc: float, generated: int, real: int, alpha: float) -> bool:
    """Whether every generated image was discriminated from every real one, and that is no coincidence.

    There is no variance then, hence no interval, to say so. By chance alone (labels assigned at random) it must be less
    likely than `alpha`.
    """
    return auc == 1 and min(generated, real) > 1 and 1 / math.comb(generated + real, generated) < alpha


def _beyond(one: Reading, delta: float, level: float) -> bool:
    ratings = np.unique(np.concatenate([one.generated_rating, one.real_rating]))
    real, generated = (
        np.bincount(np.searchsorted(ratings, part), minlength=ratings.size)
        for part in (one.real_rating, one.generated_rating)
    )
    alone = roc.roc_auc_from_counts(RatingCounts(ratings, real, generated), level)
    perfect = never_mistaken(max(alone.auc, 1 - alone.auc), one.generated.size, one.real.size, (1 - level) / 2)
    return perfect or alone.low > 0.5 + delta or alone.high < 0.5 - delta
