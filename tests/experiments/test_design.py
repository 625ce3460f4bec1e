from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import LookalikeError
from data.files import sha256
from data.study import Plan as Settings
from data.study import Study, StudyFile
from data.task import read_task, shipped_tasks
from experiments.design import draw_plan, retest_plan
from experiments.order import _count_ways, _draw_truths, longest_run
from experiments.plan import read_plan, write_plan
from stimuli.sets import StimulusSet

REALFAKE = read_task(shipped_tasks()["realfake"])


def a_set(main: int, practice: int = 0, catch: int = 0) -> StimulusSet:
    """A set's table without its images, which a plan does not look at."""
    kinds = [("real", "main"), ("generated", "main")] * (main // 2) + [
        ("real", "practice"),
        ("generated", "practice"),
    ] * (practice // 2)
    kinds += [("generated", "catch")] * catch
    rows = [
        {"stimulus_id": f"s{n:04d}", "file": f"images/s{n:04d}.png", "truth": t, "role": r, "sha256": f"{n:064x}"}
        for n, (t, r) in enumerate(kinds)
    ]
    return StimulusSet(Path("a-set"), pd.DataFrame(rows), {}, "f" * 64)


def a_study(**plan: object) -> StudyFile:
    study = Study(name="A study", planned_participants=6, plan=Settings.model_validate(plan))
    return StudyFile(study, Path("study.toml"), "e" * 64, REALFAKE)


LAYOUTS = st.fixed_dictionaries(
    {
        "trials": st.integers(1, 30).map(lambda half: 2 * half),
        "practice_trials": st.integers(0, 6),
        "catch_trials": st.integers(0, 4),
        "max_run": st.none() | st.integers(3, 6),
    }
)


@given(LAYOUTS, st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_a_plan_is_balanced_and_in_its_parts(layout: dict[str, int | None], seed: int) -> None:
    plan = draw_plan(a_set(70, 8, 5), a_study(**layout), "p1", 1, seed)
    roles = [trial.role for trial in plan.trials]
    practice = layout["practice_trials"]
    assert roles[:practice] == ["practice"] * practice
    assert Counter(roles[practice:]) == Counter(main=layout["trials"], catch=layout["catch_trials"])
    truths = Counter(trial.truth for trial in plan.trials if trial.role == "main")
    assert truths["real"] == truths["generated"] == layout["trials"] // 2
    assert len({trial.stimulus_id for trial in plan.trials}) == len(plan.trials)
    if layout["max_run"] is not None:
        assert longest_run([trial.truth for trial in plan.trials[practice:]]) <= layout["max_run"]


@given(st.integers(0, 2**31), st.none() | st.integers(2, 4))
@settings(max_examples=10, deadline=None)
def test_a_seed_fixes_the_plan_and_another_changes_it(seed: int, max_run: int | None) -> None:
    arguments = a_set(60), a_study(trials=40, max_run=max_run), "p1", 1
    assert draw_plan(*arguments, seed) == draw_plan(*arguments, seed)
    assert draw_plan(*arguments, seed).trials != draw_plan(*arguments, seed + 1).trials


@given(st.integers(0, 2**31), st.integers(0, 2**31), st.none() | st.integers(2, 4))
@settings(max_examples=15, deadline=None)
def test_a_retest_shows_the_same_images_in_another_order(seed: int, later: int, max_run: int | None) -> None:
    first = draw_plan(a_set(60, 4, 2), a_study(trials=40, practice_trials=4, max_run=max_run), "p1", 1, seed)
    for retest_seed in (later, seed):  # session 1's own seed gives another order too
        retest = retest_plan(first, 2, retest_seed)
        assert {t.stimulus_id: t.sha256 for t in retest.trials} == {t.stimulus_id: t.sha256 for t in first.trials}
        assert [t.stimulus_id for t in retest.trials] != [t.stimulus_id for t in first.trials]
        assert [t.trial for t in retest.trials] == [t.trial for t in first.trials]
        assert [t.role for t in retest.trials[:4]] == ["practice"] * 4
        assert (retest.session, retest.seed, retest.keys) == (2, retest_seed, first.keys)
        if max_run is not None:
            assert longest_run([t.truth for t in retest.trials[4:]]) <= max_run


@pytest.mark.parametrize(("real", "generated", "max_run"), [(3, 3, 2), (4, 3, 2), (5, 2, 3), (4, 4, 3), (6, 2, 2)])
def test_orders_are_uniform_over_all_admissible_ones(real: int, generated: int, max_run: int) -> None:
    total = real + generated
    orders = (
        tuple("real" if place in places else "generated" for place in range(total))
        for places in combinations(range(total), real)
    )
    admissible = {order for order in orders if longest_run(list(order)) <= max_run}
    ways = _count_ways(real, generated, max_run)
    assert ways["real", real, generated] + ways["generated", real, generated] == len(admissible)
    draws = 100 * len(admissible)
    counts = Counter(tuple(_draw_truths(real, generated, max_run, seed)) for seed in range(draws))
    assert set(counts) == admissible
    chi_square = sum((counts[order] - 100) ** 2 / 100 for order in admissible)
    assert chi_square < len(admissible) + 5 * (2 * len(admissible)) ** 0.5  # mean and 5 SDs; the seeds are fixed


def test_an_impossible_order_is_refused() -> None:
    with pytest.raises(LookalikeError, match=r"no order of 1 real and 6 generated images keeps runs .* to 2"):
        draw_plan(a_set(2, 0, 5), a_study(trials=2, catch_trials=5, max_run=2), "p1", 1, 0)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"trials": 24}, r"a-set: needs 12 real main images, the set has 10: .* lower trials in study\.toml"),
        ({"trials": 20, "practice_trials": 6}, r"needs 3 real practice images, the set has 2: .* practice_trials"),
        ({"trials": 20, "catch_trials": 2}, r"needs 2 generated catch images, the set has 1: .* catch_trials"),
    ],
)
def test_too_small_a_set_is_refused(layout: dict[str, int], message: str) -> None:
    with pytest.raises(LookalikeError, match=message):
        draw_plan(a_set(20, 4, 1), a_study(**layout), "p1", 1, 0)


def test_a_written_plan_reads_back_and_hashes_as_its_file(tmp_path: Path) -> None:
    plan = draw_plan(a_set(20), a_study(trials=20, told_prevalence=0.3, max_run=3), "p1", 1, 7)
    write_plan(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    assert sha256(tmp_path / "plan.json") == plan.sha256


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"seed": 7', '"seed": "7"', "seed"),
        ('"trial": 2,', '"trial": 3,', "not numbered"),
        ('"session"', '"sesion"', "session"),
        ('"truth": "real"', '"truth": "fake"', r"trials\.\d+\.truth"),
        ("}\n", "", "Invalid JSON"),
    ],
)
def test_a_spoilt_plan_is_refused(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, draw_plan(a_set(20), a_study(trials=20), "p1", 1, 7))
    text = path.read_text(encoding="utf-8")
    head, found, tail = text.rpartition(before) if before == "}\n" else text.partition(before)
    assert found
    path.write_text(head + after + tail, encoding="utf-8")
    with pytest.raises(LookalikeError, match=message) as caught:
        read_plan(path)
    assert str(path) in str(caught.value)
    with pytest.raises(LookalikeError, match="no such plan"):
        read_plan(tmp_path / "none.json")
