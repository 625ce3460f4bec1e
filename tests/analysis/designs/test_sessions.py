"""Measures of every session, their change and their reliability."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy.stats import ttest_rel

from analysis.designs.sessions import SessionChange, session_changes, session_table
from analysis.roc.roc import roc_auc
from analysis.sdt.yesno import dprime_from_responses
from analysis.trials import Trials, load_trials, with_ratings


def test_every_session_is_measured_by_itself(tmp_path: Path) -> None:
    trials = _study(tmp_path, seed=1)
    table = session_table(trials)
    assert len(table) == 16
    row = table[(table["participant"] == "p3") & (table["session"] == 2)].iloc[0]
    own = trials.retests[trials.retests["participant"] == "p3"]
    expected = dprime_from_responses(own["truth"], own["response"])
    assert (row["dprime"], row["criterion"], row["dprime_se"]) == (expected.dprime, expected.criterion, expected.se)
    assert row["auc"] == roc_auc(own["truth"], with_ratings(own)["rating"]).auc


def test_change_is_a_paired_t_test_and_reliability_an_icc(tmp_path: Path) -> None:
    table = session_table(_study(tmp_path, seed=2))
    for found in session_changes(table):
        wide = table.pivot_table(index="participant", columns="session", values=found.measure)
        assert found.change.mean == pytest.approx((wide[2] - wide[1]).mean())
        assert found.p == pytest.approx(ttest_rel(wide[2], wide[1]).pvalue)
        icc = pingouin.intraclass_corr(table, "participant", "session", found.measure).set_index("Type")
        absolute = next(name for name in icc.index if name in ("ICC2", "ICC(A,1)"))
        assert found.icc == pytest.approx(icc.loc[absolute, "ICC"], abs=1e-6)
        assert found.participants == 8
        assert SessionChange.from_json(found.to_json()) == found
    assert [one.measure for one in session_changes(table)] == ["dprime", "criterion", "auc"]


def test_ceiling_is_the_icc_of_people_who_do_not_change(tmp_path: Path) -> None:
    """Mean over 4 studies of 40 people whose true d′ is the same in both sessions."""
    found = [
        session_changes(session_table(_study(tmp_path, seed, people=40, images=60, spread=0.5)))[0] for seed in range(4)
    ]
    assert np.mean([one.icc for one in found]) == pytest.approx(np.mean([one.ceiling for one in found]), abs=0.1)
    assert all(0.2 < one.ceiling < 0.9 for one in found)


def test_who_did_not_come_back_takes_no_part_and_perfect_answers_have_no_interval(tmp_path: Path) -> None:
    table = session_table(_study(tmp_path, seed=3))
    without = table[~((table["participant"] == "p0") & (table["session"] == 2))]
    assert session_changes(without)[0].participants == 7
    perfect = table.assign(corrected=table["participant"] == "p0")
    assert "correction" in str(session_changes(perfect)[0].reason)
    assert math.isnan(session_changes(perfect)[0].icc)
    assert session_changes(perfect)[2].reason is None  # the area has no correction
    assert session_changes(table[table["session"] == 1]) == ()


def test_conditions_are_measured_apart(tmp_path: Path) -> None:
    trials = _study(tmp_path, seed=4, conditions=True)
    table = session_table(trials, conditions=True)
    assert sorted(table["condition"].unique()) == ["a", "b"]
    assert len(table) == 32
    assert len(session_table(trials)) == 16


def _study(
    folder: Path, seed: int, people: int = 8, images: int = 40, spread: float = 0.8, conditions: bool = False
) -> Trials:
    rng = np.random.default_rng(seed)
    truth = np.arange(images) % 2 == 1
    parts = []
    for person in range(people):
        dprime, criterion = 1 + spread * rng.normal(), 0.3 * rng.normal()
        for session in (1, 2):
            evidence = dprime * (truth - 0.5) - criterion + rng.normal(size=images)
            one = pd.DataFrame({"participant": f"p{person}", "session": session, "stimulus_id": np.arange(images)})
            one["truth"] = np.where(truth, "generated", "real")
            one["response"] = np.where(evidence > 0, "generated", "real")
            one["confidence"] = 1 + (np.abs(evidence) > 0.7)
            if conditions:
                one["condition"] = np.where(truth, np.where(np.arange(images) % 4 == 1, "a", "b"), "")
            parts.append(one)
    pd.concat(parts).to_csv(folder / "trials.csv", index=False)
    return load_trials(folder / "trials.csv")
