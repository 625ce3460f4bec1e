"""Each participant's AUC by every method: intervals, an exact test, a part of the curve, and how the model fits.

Secondary: what each single observer did with these images.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from analysis.group.participants import Participant
from analysis.mrmc.other_methods import MOST
from analysis.roc import bootstrap as roc_bootstrap
from analysis.roc import partial as roc_partial
from analysis.roc import permutation as roc_permutation
from analysis.roc.binormal import equal_variance_test
from analysis.roc.ratings import RatingCounts

# The strict end of the ROC: few real images are called generated.
PARTIAL = (0.0, 0.2)
_SEED = 0


def areas_table(participants: Sequence[Participant], level: float = 0.95) -> pd.DataFrame:
    """One row per participant.

    `auc` with DeLong's interval (`low`, `high`), the stratified bootstrap's (`bca_low`, `bca_high`) and the `p` of the
    permutation test (`p_exact` says if it is exact); `partial` is the standardised area over false-alarm rates 0 to
    .2 (.5 is chance) with its BCa bounds; `d_a`, `a_z` of the binormal model, its `goodness_p` (Pearson's X² of the
    counts), `equal_variance_p` (σ = 1) and a `remark`. What is undefined is missing and `reason` says why; with
    more than `other_methods.MOST` participants the permutation test, the partial area's bounds and the test of σ = 1,
    which are for looking at single ones, are left out.
    """
    # Drawing the resamples is nearly all of the work, and NumPy does it outside Python's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = pool.map(lambda one: _row(one, level, len(participants) <= MOST), participants)
        return pd.DataFrame(list(rows))


def _row(one: Participant, level: float, closely: bool) -> dict[str, object]:
    counts, model = one.counts, one.binormal
    part = roc_partial.partial_auc_from_counts(counts, *PARTIAL)
    whole = roc_bootstrap.auc_bootstrap_from_counts(counts, _SEED, level=level)
    row: dict[str, object] = {
        "participant": one.name,
        "auc": one.roc.auc,
        "low": one.roc.low,
        "high": one.roc.high,
        "bca_low": whole.bca_low,
        "bca_high": whole.bca_high,
        "p": np.nan,
        "p_exact": pd.NA,
        "partial": part.standardised,
        **dict.fromkeys(("partial_low", "partial_high"), np.nan),
        "d_a": model.d_a.value,
        "a_z": model.a_z.value,
        "goodness_x2": model.goodness.pearson,
        "goodness_df": model.goodness.df,
        "goodness_p": model.goodness.pearson_p,
        "equal_variance_p": np.nan,
        "remark": model.remark,
    }
    reasons = [one.roc.reason, model.reason or model.goodness.reason, whole.reason]
    if closely:
        cut = roc_bootstrap.auc_bootstrap_from_counts(
            counts, _SEED, level=level, statistic=roc_partial.statistic(*PARTIAL)
        )
        tested = _permuted(counts)
        row |= {"p": tested.p, "p_exact": tested.exact, "partial_low": cut.bca_low, "partial_high": cut.bca_high}
        row["equal_variance_p"] = equal_variance_test(counts).p
        reasons += [cut.reason, tested.reason]
    else:
        reasons.append(f"more than {MOST} participants: no permutation test, and no bounds of the partial area")
    return row | {"reason": "; ".join(dict.fromkeys(why for why in reasons if why)) or None}


def _permuted(counts: RatingCounts) -> roc_permutation.PermutationTest:
    """The test needs trials; the table of counts holds the same."""
    trials = [np.repeat(counts.ratings, number) for number in (counts.generated, counts.real)]
    truth = np.repeat(["generated", "real"], [part.size for part in trials])
    return roc_permutation.permutation_test(truth, np.concatenate(trials), _SEED)
