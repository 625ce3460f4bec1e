"""Pairs and matches from a table to results."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.group import pairs
from analysis.group.equivalence import equivalence_test
from analysis.report.results import Results
from analysis.report.task_report import analyze_task, task_results
from analysis.sdt import same_different, two_alternative
from analysis.serial import loop as serial_loop
from data.external_tables.read import read_trials
from data.study import read_study

Refuses = Callable[[str], AbstractContextManager[Any]]


def results(kind: str, source: Path, *choices: Any) -> Results:
    found: Results = task_results(read_trials(source, kind), *choices)
    return found


def forced_choice(folder: Path, dprime: float, people: int = 5, trials: int = 120) -> Path:
    """The evidence of the left image less that of the right one has means ± d′ and SD √2."""
    rng = np.random.default_rng(1)
    rows = []
    for person in range(people):
        left = np.arange(trials) % 2 == 0
        evidence = np.where(left, dprime, -dprime) + np.sqrt(2) * rng.standard_normal(trials)
        said = np.where(evidence > 0, "left", "right")
        rows += [
            (f"p{person}", 1, n + 1, "left" if left[n] else "right", said[n] if n else None) for n in range(trials)
        ]
        rows.append((f"p{person}", 2, 1, "left", "right"))
    table = pd.DataFrame(rows, columns=["participant", "session", "trial", "truth", "response"])
    table.to_csv(folder / "choice.csv", index=False)
    return folder / "choice.csv"


def matches(folder: Path, amplitude: float, people: int = 5, lag: int = 1, trials: int = 150) -> Path:
    """Errors that follow the target `lag` before (−1: after), with a break in the middle."""
    rng, rows = np.random.default_rng(2), []
    for person in range(people):
        target = rng.uniform(0, 360, trials)
        other = np.roll(target, lag)
        pull = serial_loop.derivative_of_gaussian(serial_loop.wrap(other - target), amplitude, 30)
        response = (target + pull + 5 * rng.standard_normal(trials)) % 360
        gap = np.where(np.arange(trials) == trials // 2, "break", "no")
        rows += [(f"p{person}", n + 1, target[n], response[n], gap[n]) for n in range(trials)]
    table = pd.DataFrame(rows, columns=["participant", "trial", "target_deg", "response_deg", "after_gap"])
    table.to_csv(folder / "match.csv", index=False)
    return folder / "match.csv"


@pytest.mark.slow
def test_forced_choice_is_measured_session_by_session(tmp_path: Path) -> None:
    source = forced_choice(tmp_path, 1.0)
    summary = analyze_task("two_alternative", source, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "participants.tsv", sep="\t", na_values=["n/a"])
    raw = pd.read_csv(source)
    one = raw[(raw["participant"] == "p3") & (raw["session"] == 1)]
    expected = two_alternative.two_alternative_from_responses(one["truth"], one["response"], ("left", "right"))
    row = table[(table["participant"] == "p3") & (table["session"] == 1)].iloc[0]
    assert (row["dprime"], row["low"], row["criterion"]) == pytest.approx(
        (expected.dprime, expected.low, expected.criterion)
    )
    assert (row["unanswered"], len(table)) == (1, 10)
    first = table[table["session"] == 1]
    assert summary["group"]["value"]["mean"] == pytest.approx(first["dprime"].mean())
    assert summary["group"]["participants"] == 5
    assert summary["verdict"] == "shown to differ"
    assert summary["words"] in (tmp_path / "out" / "report.html").read_text("utf-8")
    names = {"participants.tsv", "sequence.tsv", "summary.json", "report.html", "forest.svg", "forest.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())


@pytest.mark.slow
def test_a_participant_without_a_value_is_said_to_be_left_out(tmp_path: Path) -> None:
    source = forced_choice(tmp_path, 1.0)
    table = pd.read_csv(source)
    table.loc[table["participant"] == "p0", "response"] = table["truth"]
    table.to_csv(source, index=False)
    said = "The mean d′ is that of 4 of 5 participants: 1 without a value left out (the table says why)."
    for correction, words in (("log-linear", "corrected log-linearly"), ("none", "Rates are not corrected")):
        found = results("two_alternative", source, None, correction)
        assert words in found.page.methods[0]
        assert (said in found.page.summary) == (correction == "none")
        assert found.summary["group"]["value"]["undefined"] == (correction == "none")


def test_the_studys_bounds_are_those_of_dprime(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text('name = "S"\nplanned_participants = 5\n[endpoint]\ndelta = 0.084\n')
    source = forced_choice(tmp_path, 0.0)
    study = read_study(tmp_path / "study.toml")
    summary = results("two_alternative", source, study).summary
    dprimes = [one.measure[0] for one in pairs.measure(read_trials(source, "two_alternative")) if one.session == 1]
    expected = equivalence_test(dprimes, np.sqrt(2) * 0.2121)  # z(.584) = .2121
    assert summary["group"]["tost"]["bound"] == pytest.approx(0.3, abs=1e-3)
    assert summary["group"]["tost"]["p"] == pytest.approx(expected.p, abs=1e-3)
    assert "Nor do they show that they cannot" in summary["words"]


def test_wrong_answers_on_purpose_are_no_guessing(tmp_path: Path) -> None:
    summary = results("two_alternative", forced_choice(tmp_path, -1.0)).summary
    assert "coded as intended" in summary["words"]


@pytest.mark.slow
def test_same_different_averages_what_has_no_floor(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    truth = np.tile(["same", "different"], 200)
    table = pd.DataFrame({"participant": np.repeat([f"p{n}" for n in range(8)], 50), "truth": truth})
    table["response"] = rng.choice(["same", "different"], 400)
    table.to_csv(tmp_path / "pairs.csv", index=False)
    answers = read_trials(tmp_path / "pairs.csv", "same_different")
    found = pairs.group(answers, pairs.measure(answers))
    each = [
        same_different.same_different_from_responses(part["truth"], part["response"])
        for _, part in table.groupby("participant")
    ]
    assert found.measure == "z_difference"
    assert found.value.mean == pytest.approx(np.mean([one.z_difference for one in each]))
    assert found.independent is not None
    assert found.independent.undefined == sum(one.z_difference < 0 for one in each) > 0
    page = results("same_different", tmp_path / "pairs.csv").page
    assert page.verdicts[0].lead == "Verdict: not decided."
    said = " ".join(one for one in page.summary if isinstance(one, str))
    assert "without a value are left out" in said
    assert "trial (filled in: the order of the rows)" in said
    assert "{christensen2009}" in " ".join(page.methods)


@pytest.mark.slow
def test_matches_on_a_loop(tmp_path: Path) -> None:
    source = matches(tmp_path, 5.0)
    summary = analyze_task("matching", source, tmp_path / "out")
    expected = serial_loop.loop_serial_dependence(read_trials(source, "matching").trials)
    assert summary["previous"]["amplitude_deg"] == expected.previous.amplitude_deg == pytest.approx(5, abs=1)
    assert summary["verdict"] == "serial dependence"
    assert "attracted to the previous target" in summary["words"]
    rows = pd.read_csv(tmp_path / "out" / "pairs.tsv", sep="\t")
    assert len(rows) == 5 * (150 - 2)
    assert len(pd.read_csv(tmp_path / "out" / "participants.tsv", sep="\t")) == 5
    assert (tmp_path / "out" / "serial.svg").exists()
    away = results("matching", matches(tmp_path, -5.0)).summary
    assert "repelled from the previous target" in away["words"]


@pytest.mark.slow
def test_matches_without_dependence_and_with_a_failing_control(tmp_path: Path) -> None:
    none = results("matching", matches(tmp_path, 0.0)).summary
    assert none["verdict"] == "no dependence shown"
    source = matches(tmp_path, 5.0)
    table = pd.read_csv(source)
    # An effect of the next target beside that of the previous one: neither can be believed.
    following = table.groupby("participant")["target_deg"].shift(-1)
    pull = serial_loop.derivative_of_gaussian(serial_loop.wrap(following - table["target_deg"]), 5, 30)
    table.assign(response_deg=table["response_deg"] + np.nan_to_num(pull)).to_csv(source, index=False)
    both = results("matching", source).summary
    assert both["verdict"] == "not decided"
    assert "which cannot have had an effect" in both["words"]


@pytest.mark.parametrize("kind", ["two_alternative", "matching"])
def test_nothing_to_measure_is_refused(tmp_path: Path, refuses: Refuses, kind: str) -> None:
    source = forced_choice(tmp_path, 1.0) if kind == "two_alternative" else matches(tmp_path, 1.0)
    pd.read_csv(source).assign(role="practice").to_csv(source, index=False)
    with refuses("nothing-to-analyse"):
        analyze_task(kind, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_matches_are_too_few_and_say_so(tmp_path: Path) -> None:
    source = matches(tmp_path, 1.0, people=1, trials=4)
    summary = results("matching", source).summary
    assert summary["verdict"] == "not decided"
    assert summary["previous"]["reason"]


def test_forced_choice_with_confidence_has_its_roc(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"participant": np.repeat([*"abcdef"], 60), "truth": ["left", "right"] * 180})
    evidence = rng.normal(np.where(table["truth"] == "left", 1.0, -1.0), np.sqrt(2))
    table["response"], table["confidence"] = np.where(evidence > 0, "left", "right"), 1 + (np.abs(evidence) > 1)
    table.to_csv(tmp_path / "pairs.csv", index=False)
    summary = analyze_task("two_alternative", tmp_path / "pairs.csv", tmp_path / "out")
    ratings = pd.read_csv(tmp_path / "out" / "ratings.tsv", sep="\t")
    assert summary["group"]["by_confidence"]["mean"] == pytest.approx(ratings["dprime"].mean())
    assert summary["group"]["by_confidence"]["mean"] == pytest.approx(summary["group"]["value"]["mean"], abs=0.2)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "With confidence each answer becomes a rating" in page
    assert (tmp_path / "out" / "roc.png").exists()
    bare = table.drop(columns="confidence")
    bare.to_csv(tmp_path / "bare.csv", index=False)
    assert analyze_task("two_alternative", tmp_path / "bare.csv", tmp_path / "bare")["group"]["by_confidence"] is None
    assert not (tmp_path / "bare" / "ratings.tsv").exists()
