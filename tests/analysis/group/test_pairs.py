"""Groups that judge pairs: no interval from a correction's spread, and the exact test that then decides."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from analysis.group import pairs
from analysis.group.pairs import PairGroup, exact_test
from analysis.sdt.outcomes import outcomes
from data.external_tables.read import read_trials

COUNT = st.integers(0, 12)


def judged(folder: Path, right: list[float], trials: list[int]) -> PairGroup:
    """Participants who answer so many trials, and so large a share of them rightly."""
    rows = []
    for person, (share, count) in enumerate(zip(right, trials, strict=True)):
        truth = np.where(np.arange(count) % 2 == 0, "left", "right")
        other = np.where(truth == "left", "right", "left")
        said = np.where(np.arange(count) < round(share * count), truth, other)
        rows.append(pd.DataFrame({"participant": f"p{person}", "truth": truth, "response": said}))
    pd.concat(rows).to_csv(folder / "pairs.csv", index=False)
    answers = read_trials(folder / "pairs.csv", "two_alternative")
    return pairs.group(answers, pairs.measure(answers), 0.3)


def test_what_else_is_compatible_is_the_bound_farther_from_chance(tmp_path: Path) -> None:
    """An interval of −1 to 0.1 speaks of a d′ of −1, not of one of 0.1."""
    found = judged(tmp_path, [0.3, 0.35, 0.4, 0.45, 0.55], [60] * 5)
    assert found.value.low < -found.value.high < 0
    assert f"cannot: −{-found.value.low:.2f} is compatible" in found.words


def test_perfect_observers_have_no_interval_and_differ_by_the_exact_test(tmp_path: Path) -> None:
    """Their d′ differ only because some answered more trials, and the correction with them."""
    found = judged(tmp_path, [1, 1, 1, 1, 1], [60, 60, 62, 58, 60])
    assert found.verdict == "shown to differ"
    assert math.isnan(found.value.low)
    assert "the correction’s" in str(found.value.reason)
    assert "300 of 300 answers were right" in found.words
    assert found.tost is None
    assert found.p_exact < 1e-80


def test_who_always_names_one_place_has_no_interval_of_the_corrections(tmp_path: Path) -> None:
    """Truth is on the left in 24, 21, 19 and 25 of 40 trials, and the correction makes d′ of that alone."""
    rows = [
        pd.DataFrame({"participant": f"p{person}", "truth": np.where(np.arange(40) < lefts, "left", "right")})
        for person, lefts in enumerate((24, 21, 19, 25))
    ]
    pd.concat(rows).assign(response="left").to_csv(tmp_path / "pairs.csv", index=False)
    answers = read_trials(tmp_path / "pairs.csv", "two_alternative")
    found = pairs.group(answers, pairs.measure(answers), 0.3)
    assert found.verdict == "not decided"
    assert found.p_exact == pytest.approx(1)
    assert math.isnan(found.value.low)
    assert "one answer to everything" in str(found.value.reason)
    assert found.jzs.reason == found.between.reason == found.value.reason
    assert found.tost is None


def test_all_wrong_is_a_difference_too_and_few_answers_are_not(tmp_path: Path) -> None:
    assert "The wrong answer was given more often" in judged(tmp_path, [0, 0], [20, 22]).words
    few = judged(tmp_path, [1, 1], [2, 2])
    assert few.verdict == "not decided"
    assert few.p_exact == pytest.approx(0.5)


def test_observers_who_err_keep_their_interval(tmp_path: Path) -> None:
    found = judged(tmp_path, [0.8, 0.75, 0.8, 0.85], [60, 60, 60, 60])
    assert found.value.low > 0
    assert found.tost is not None
    assert found.words.endswith(
        f"interval {found.value.low:.2f} to {found.value.high:.2f} for other observers judging these images."
    )


@settings(max_examples=50, deadline=None)
@given(st.tuples(COUNT, COUNT, COUNT, COUNT))
def test_of_one_participant_it_is_fishers_test(counts: tuple[int, int, int, int]) -> None:
    table = np.array(counts).reshape(2, 2)
    found = exact_test([outcomes(*counts)])
    if sum(counts) == 0:
        assert math.isnan(found)
    elif (table.sum(axis=0) > 0).all() and (table.sum(axis=1) > 0).all():
        assert found == pytest.approx(fisher_exact(table).pvalue)
    else:
        assert found == pytest.approx(1)


def test_of_two_participants_it_is_every_relabelling_of_each() -> None:
    """Three and two left images of five and four; labels are put on the images within each participant."""
    said = [np.array([1, 1, 0, 1, 0]), np.array([1, 0, 0, 0])]
    lefts = [3, 2]
    hits = [
        [int(one[list(chosen)].sum()) for chosen in itertools.combinations(range(one.size), left)]
        for one, left in zip(said, lefts, strict=True)
    ]
    sums = np.array([a + b for a in hits[0] for b in hits[1]])
    likelihood = {value: np.mean(sums == value) for value in set(sums.tolist())}
    found = exact_test([outcomes(3, 0, 0, 2), outcomes(1, 1, 0, 2)])
    assert found == pytest.approx(sum(p for p in likelihood.values() if p <= likelihood[4] * (1 + 1e-9)))
