"""meta-I: scipy's G test and scikit-learn's mutual information, its limits, its bias."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from sklearn.metrics import mutual_info_score

from analysis.sdt.information import meta_information


def _study(rng: np.random.Generator, trials: int, knows: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth = np.repeat(["real", "generated"], trials // 2)
    evidence = rng.normal(np.repeat([-0.6, 0.6], trials // 2))
    said = np.where(evidence > 0, "generated", "real")
    felt = np.abs(evidence) if knows else np.abs(rng.normal(size=trials))
    return truth, said, 1 + np.digitize(felt, [0.4, 0.9, 1.5])


def test_it_is_the_mutual_information_and_its_p_that_of_the_g_test() -> None:
    truth, said, sure = _study(np.random.default_rng(1), 200, True)
    found = meta_information(truth, said, sure)
    right = truth == said
    assert found.meta_i == pytest.approx(mutual_info_score(right, sure) / math.log(2), abs=1e-12)
    table = [np.bincount(sure[right == kind], minlength=5)[1:] for kind in (True, False)]
    g = chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert (found.p, found.df) == (pytest.approx(g.pvalue, abs=1e-12), g.dof)


def test_confidence_that_knows_all_carries_the_whole_entropy() -> None:
    found = meta_information(["real"] * 8, ["real"] * 4 + ["generated"] * 4, [2] * 4 + [1] * 4)
    assert (found.meta_i, found.share) == pytest.approx((1, 1))


def test_correction_removes_the_bias_where_nothing_is_known() -> None:
    """300 observers of 200 trials whose confidence is unrelated: the mean of the corrected value is 0 within .002."""
    rng = np.random.default_rng(2)
    found = [meta_information(*_study(rng, 200, False)) for _ in range(300)]
    assert np.mean([one.corrected for one in found]) == pytest.approx(0, abs=0.002)
    assert np.mean([one.meta_i for one in found]) > 0.008
    assert np.mean([one.p < 0.05 for one in found]) == pytest.approx(0.05, abs=0.04)


@pytest.mark.parametrize(
    ("said", "sure", "reason"),
    [
        (["real"] * 4, [1, 2, 1, 2], "all answers are right"),
        (["real", "generated"] * 2, [1] * 4, "one level"),
        ([None] * 4, [1] * 4, "no trial"),
    ],
)
def test_without_anything_to_know_it_is_undefined(said: list[str], sure: list[int], reason: str) -> None:
    found = meta_information(["real"] * 4, said, sure)
    assert math.isnan(found.meta_i)
    assert reason in str(found.reason)
