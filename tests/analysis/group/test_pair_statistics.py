"""Every kind with pairs has a statistic in the registry, and no other is analysed as if it were one of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from analysis.group import pairs
from analysis.group.pair_statistics import find_statistic
from data.external_tables.read import read_trials
from data.kinds.registry import find, names


@pytest.mark.parametrize("name", [name for name in names() if find(name).report == "pairs"])
def test_a_kind_with_pairs_names_its_statistic(name: str) -> None:
    statistic = find_statistic(find(name).measure)
    assert statistic.symbol
    assert set(statistic.models) <= {field.name for field in dataclasses.fields(pairs.PairGroup)}


def test_only_the_statistic_of_forced_choice_has_a_bound() -> None:
    bound = find_statistic("dprime").bound
    assert bound is not None
    assert bound(0.084) == pytest.approx(0.3, abs=1e-3)  # sqrt(2) z(.584)
    assert find_statistic("z_difference").bound is None


def test_what_is_not_a_statistic_of_pairs_is_refused(
    tmp_path: Path, refuses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pairs.csv").write_text("participant,truth,response\na,left,left\na,right,left\n")
    answers = read_trials(tmp_path / "pairs.csv", "two_alternative")
    monkeypatch.setattr(type(find("two_alternative")), "measure", "share_left")
    with refuses("unknown-statistic") as caught:
        pairs.measure(answers)
    assert "there are dprime, z_difference" in str(caught.value)
