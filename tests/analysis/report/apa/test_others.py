"""Sentences in APA style of comparisons, scales and psychometric functions: the numbers and verdicts of the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.report.apa.numbers import plain, unit
from analysis.report.apa.sentences import apa_sentences
from analysis.report.compare_report import compare_studies
from analysis.report.number_text import fine
from analysis.report.scaling.psychometric_report import save_psychometric
from analysis.report.scaling.scale_report import save_scale
from analysis.scaling.difference_scale import difference_scale
from analysis.scaling.psychometric import psychometric_functions
from data.scales import Scale
from data.simulated.comparer import SimulatedComparer, draw_triads
from data.simulated.populations import Population, draw_ratings


def readings(path: Path, dprime: float, people: int = 6) -> Path:
    generated = np.arange(60) % 2 == 1
    ratings = draw_ratings(Population(dprime=dprime), people, generated, np.random.default_rng(4))[0]
    person, image = np.indices(ratings.shape)
    table = pd.DataFrame({"participant": person.ravel(), "stimulus_id": [f"s{n}" for n in image.flat]})
    table["truth"] = np.where(generated[image.ravel()], "generated", "real")
    table["response"] = np.where(ratings.ravel() > 0, "generated", "real")
    table["confidence"] = np.abs(ratings.ravel())
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def compared(tmp_path: Path) -> dict[str, Any]:
    sides = readings(tmp_path / "old.csv", 1.5), readings(tmp_path / "new.csv", 0.0)
    return compare_studies(sides, tmp_path / "comparison", delta=0.1, images="different")


def test_a_comparison_has_its_difference_interval_and_test(compared: dict[str, Any]) -> None:
    (text,) = apa_sentences(compared)
    d = compared["difference"]
    assert f"For old − new, ΔAUC = {unit(d['difference'])}, 95% CI [{unit(d['low'])}, {unit(d['high'])}]" in text
    assert f") = {plain(d['difference'] / d['se'])}, p < .001, so the two differed." in text
    assert f"AUC = {unit(d['first']['auc'])}" in text
    assert "judged by the same observers" in text
    assert text.endswith("The interval generalises to other observers and other images.")


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("shown to be equivalent", "so the two were equivalent"), ("not decided", "neither a difference nor equivalence")],
)
def test_a_comparison_says_no_more_than_its_verdict(compared: dict[str, Any], verdict: str, words: str) -> None:
    (text,) = apa_sentences(compared | {"verdict": verdict})
    assert words in text
    assert "so the two differed" not in text


def test_a_comparison_without_an_interval_says_so(compared: dict[str, Any]) -> None:
    compared["difference"].update(low=None, high=None, reason="one image of a kind")
    assert apa_sentences(compared)[0].endswith("The difference has no interval: one image of a kind.")


def scaled(folder: Path, length: float) -> dict[str, Any]:
    where = tuple(float(one) for one in np.arange(8) * 45)
    steps = (1 + 0.6 * np.cos(np.radians(where))) / 8 * length
    rng = np.random.default_rng(5)
    triads = draw_triads(where, 400, closed=True, rng=rng)
    answers = SimulatedComparer(Scale(where, tuple(steps.tolist()), closed=True)).answer(triads, rng)
    return save_scale(difference_scale(answers, resamples=20), folder, {})


def test_a_scale_has_its_length_and_its_test_of_evenness(tmp_path: Path) -> None:
    summary = scaled(tmp_path / "scaled", 24.0)
    (text,) = apa_sentences(json.loads((tmp_path / "scaled" / "summary.json").read_text(encoding="utf-8")))
    length, even = summary["length_jnd"], summary["evenness"]
    assert text.startswith("One observer compared differences between 8 images of a loop.")
    assert f"was {plain(length['value'])} just-noticeable differences long, 95% CI [{plain(length['low'])}, " in text
    assert f"did not look equal, likelihood ratio χ²({even['df']}) = {plain(even['statistic'])}, p < .001." in text


def test_a_scale_claims_nothing_of_guesses_and_no_evenness(tmp_path: Path) -> None:
    summary = scaled(tmp_path / "scaled", 24.0)
    (guessed,) = apa_sentences(summary | {"verdict": "Not decided"})
    assert guessed.endswith("compatible with guessing, so no scale is reported.")
    (even,) = apa_sentences(summary | {"verdict": "Not shown to be uneven"})
    assert "were not shown to look unequal" in even


def test_thresholds_have_significant_digits_whatever_their_unit(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(6), []
    for person in ("a", "b", "c"):
        for level in np.repeat(np.linspace(0, 0.02, 7), 20):
            said = rng.random() < 1 / (1 + np.exp(-(level - 0.01) / 0.002))
            rows.append({"participant": person, "level": level, "response": "yes" if said else "no"})
    found = psychometric_functions(pd.DataFrame(rows), resamples=20)
    summary = save_psychometric(found, tmp_path / "out", {})
    (text,) = apa_sentences(summary)
    mean = summary["mean_threshold"]
    low, high = fine(mean["low"]), fine(mean["high"])
    assert f"Thresholds of 3 observers: M = {fine(mean['value'])}, SD = " in text
    assert f"95% CI [{low}, {high}]" in text
    assert "M = 0.01," not in text


def test_nobody_with_a_threshold_is_said() -> None:
    summary = {"mean_threshold": {}, "level": 0.95, "participants": [{"threshold": {"value": None}, "reason": "flat"}]}
    assert apa_sentences(summary) == [
        "Psychometric functions were fitted by maximum likelihood. One observer had no threshold."
    ]
