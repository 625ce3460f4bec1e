"""Each participant's area by every method: the columns are what the functions of those names return."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analysis.group.participants import Participant, measure_one
from analysis.report.realfake import tables
from analysis.roc import binormal
from analysis.roc import bootstrap as roc_bootstrap
from analysis.roc import partial as roc_partial
from analysis.roc import permutation as roc_permutation
from data.simulated.populations import Population, draw_ratings


def participant(name: str, seed: int, dprime: float = 1.0, images: int = 60) -> Participant:
    generated = np.arange(images) % 2 == 1
    ratings = draw_ratings(Population(dprime=dprime), 1, generated, np.random.default_rng(seed))[0][0]
    table = pd.DataFrame(
        {
            "stimulus_id": np.arange(images),
            "truth": np.where(generated, "generated", "real"),
            "response": np.where(ratings > 0, "generated", "real"),
            "confidence": np.abs(ratings).astype(float),
        }
    )
    return measure_one(name, "human", table, table.iloc[:0].assign(session=1))


def test_the_columns_are_the_functions() -> None:
    one = participant("p", 1)
    (row,) = tables.areas_table([one]).to_dict("records")
    whole = roc_bootstrap.auc_bootstrap_from_counts(one.counts, 0)
    assert (row["auc"], row["bca_low"], row["bca_high"]) == (one.roc.auc, whole.bca_low, whole.bca_high)
    assert row["partial"] == roc_partial.partial_auc_from_counts(one.counts, 0, 0.2).standardised
    assert row["partial_low"] < row["partial"] < row["partial_high"]
    assert row["goodness_p"] == one.binormal.goodness.pearson_p
    assert row["equal_variance_p"] == binormal.equal_variance_test(one.counts).p
    truth = np.repeat(["generated", "real"], [one.counts.generated.sum(), one.counts.real.sum()])
    ratings = np.concatenate([np.repeat(one.counts.ratings, part) for part in (one.counts.generated, one.counts.real)])
    assert (row["p"], row["p_exact"]) == (roc_permutation.permutation_test(truth, ratings, 0).p, True)


def test_permuting_counts_is_permuting_trials() -> None:
    """The exact p of a table of counts is scipy's rank-sum test's where there are no ties: here all C(8, 4) labels."""
    table = pd.DataFrame({"stimulus_id": range(8), "truth": ["real"] * 4 + ["generated"] * 4})
    ratings = np.array([1, 2, 3, 5, 4, 6, 7, 8])
    table = table.assign(response="generated", confidence=ratings.astype(float))
    one = measure_one("p", "human", table, table.iloc[:0].assign(session=1))
    (row,) = tables.areas_table([one]).to_dict("records")
    # AUC 15/16; 2 labellings reach 16/16 or 15/16, and as many 0 or 1/16: 4 of 70.
    assert row["auc"] == 15 / 16
    assert row["p"] == pytest.approx(4 / 70)


def test_what_is_undefined_says_why() -> None:
    nothing = participant("p", 1)
    blank = pd.DataFrame({"stimulus_id": [1, 2], "truth": ["real", "real"], "response": ["real", "generated"]})
    blank["confidence"] = 1.0
    one_class = measure_one("q", "human", blank, blank.iloc[:0].assign(session=1))
    table = tables.areas_table([nothing, one_class]).set_index("participant")
    assert math.isnan(table.loc["q", "auc"])
    assert "generated" in table.loc["q", "reason"]
    assert pd.isna(table.loc["p", "reason"])


def test_many_participants_have_their_bootstrap_and_are_not_shown_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [participant("p", 1), participant("q", 2)]
    closely = tables.areas_table(two)
    monkeypatch.setattr(tables, "MOST", 1)
    table = tables.areas_table(two)
    assert table[["p", "partial_low", "equal_variance_p"]].isna().all(axis=None)
    same = ["auc", "low", "high", "bca_low", "bca_high", "partial", "a_z"]
    assert table[same].notna().all(axis=None)
    pd.testing.assert_frame_equal(table[same], closely[same])
    assert table["reason"].str.contains("more than 1 participants: no permutation test").all()
