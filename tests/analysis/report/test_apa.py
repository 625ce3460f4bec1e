"""Sentences in APA style: the numbers are the summary's, in APA's form; whose they are; what is left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.report.apa import apa_sentences
from analysis.report.report import analyze
from data.simulated.populations import Population, draw_ratings


def study(folder: Path, dprime: float, observer: str | None = None, people: int = 5) -> dict[str, Any]:
    generated = np.arange(60) % 2 == 1
    ratings = draw_ratings(Population(dprime=dprime), people, generated, np.random.default_rng(3))[0]
    person, image = np.indices(ratings.shape)
    table = pd.DataFrame(
        {
            "participant": [f"p{n}" for n in person.flat],
            "stimulus_id": [f"s{n}" for n in image.flat],
            "truth": np.where(generated[image.ravel()], "generated", "real"),
            "response": np.where(ratings.ravel() > 0, "generated", "real"),
            "confidence": np.abs(ratings.ravel()),
        }
    )
    if observer:
        table["observer"] = observer
    folder.mkdir(parents=True)
    table.to_csv(folder / "trials.csv", index=False)
    return analyze(folder / "trials.csv", folder / "results", formats=())


def test_the_numbers_are_the_summarys_in_apas_form(tmp_path: Path) -> None:
    summary = study(tmp_path / "seen", 1.5)
    (text,) = apa_sentences(summary)
    auc, d = summary["groups"][0]["primary"]["auc"], summary["groups"][0]["dprime"]
    assert text.startswith("Five observers judged 30 generated and 30 real images.")
    assert f"AUC) was {auc['auc']:.2f}".replace("0.", ".") in text
    assert f"90% CI [{auc['low']:.2f}, {auc['high']:.2f}]".replace("0.", ".") in text
    assert f"M(d′) = {d['mean']:.2f}, SD = {d['sd']:.2f}, 95% CI [{d['low']:.2f}, {d['high']:.2f}]" in text
    assert "so the images were discriminated" in text
    assert "Hedges’ g = " in text
    # No zero before the point of p, AUC or α; a zero before that of d′ below 1.
    assert not re.search(r"(p|AUC|α) = 0\.", text)
    assert re.search(r"p (= \.\d{3}|< \.001)", text)


def test_a_summary_that_was_read_back_gives_the_same(tmp_path: Path) -> None:
    summary = study(tmp_path / "seen", 1.0)
    stored = json.loads((tmp_path / "seen" / "results" / "summary.json").read_text(encoding="utf-8"))
    assert apa_sentences(stored) == apa_sentences(summary)


def test_earlier_summaries_without_the_new_fields_are_read(tmp_path: Path) -> None:
    summary = study(tmp_path / "seen", 1.0)
    for name in ("effect", "m_ratio", "reliability"):
        del summary["groups"][0][name]
    (text,) = apa_sentences(summary)
    assert "Hedges" not in text
    assert "M(d′)" in text


def test_at_chance_nothing_is_claimed(tmp_path: Path) -> None:
    (text,) = apa_sentences(study(tmp_path / "chance", 0.0))
    assert "neither a difference from chance nor equivalence to it was shown" in text
    assert "M-ratio" not in text
    assert "nan" not in text.lower()
    assert "None" not in text


@pytest.mark.parametrize(("observer", "whom"), [("human", "in the population"), ("simulated", "in such observers")])
def test_simulated_observers_are_no_people(tmp_path: Path, observer: str, whom: str) -> None:
    summary = study(tmp_path / observer, 1.5, people=3)
    summary["groups"][0]["observer"] = observer
    (text,) = apa_sentences(summary)
    assert whom in text
    assert ("Three participants" if observer == "human" else "Three simulated observers") in text
    if observer == "simulated":
        assert "people" not in text


def by_condition(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Generated images of several conditions beside the same real ones, judged by participants of two kinds."""
    rng = np.random.default_rng(5)
    rows = []
    for person in range(8):
        shift = rng.normal(scale=0.3)
        for image in range(90):
            name = "" if image < 30 else names[image % len(names)]
            seen = rng.normal() + (0 if image < 30 else shift + 1.5 - 0.9 * names.index(name))
            truth = "real" if image < 30 else "generated"
            answer = "generated" if seen > 0.4 else "real"
            rated = 1 + min(3, int(2 * abs(seen - 0.4)))
            cases = 100 * person + 50 if person else ""
            kind = ("resident", "student")[person % 2]
            rows.append((f"p{person}", f"s{image}", truth, answer, rated, name, kind, cases))
    columns = ["participant", "stimulus_id", "truth", "response", "confidence", "condition", "expertise", "cases"]
    folder.mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).to_csv(folder / "trials.csv", index=False)
    return analyze(folder / "trials.csv", folder / "results", formats=(), covariates=("expertise", "cases"))


def short(value: float, digits: int = 2) -> str:
    return re.sub(r"^(-?)0\.", r"\1.", f"{value:.{digits}f}").replace("-", "−")


def test_conditions_come_before_what_holds_over_all_of_them(tmp_path: Path) -> None:
    summary = by_condition(tmp_path / "two", ("early", "late"))
    (text,) = apa_sentences(summary)
    found = summary["conditions"][0]
    for one in found["each"]:
        auc = one["primary"]["auc"]
        said = (
            f"In the condition {one['name']}, the mean area under the ROC curve (AUC) was {short(auc['auc'])}, 90% CI "
        )
        assert said + f"[{short(auc['low'])}, {short(auc['high'])}]" in text
    (pair,) = found["differences"]
    assert f"The difference of AUC, early − late, was {short(pair['auc']['difference'])}, 95% CI " in text
    assert f"that of d′ was {pair['dprime']['difference']:.2f}, 95% CI " in text
    assert text.index("In the condition early") < text.index("Over all conditions, the mean AUC was")
    # Two conditions make one pair, so nothing is adjusted, and their test of equality would say the same again.
    assert "F(" not in text
    assert "(Holm-adjusted); that of d′" not in text


def test_three_conditions_are_tested_together_and_their_pairs_are_adjusted(tmp_path: Path) -> None:
    summary = by_condition(tmp_path / "three", ("a", "b", "c"))
    (text,) = apa_sentences(summary)
    test = summary["conditions"][0]["equality"]
    assert re.search(rf"all conditions: F\(2, [\d.]+\) = {test['f']:.2f}, p ", text)
    assert text.count("The difference of AUC, ") == text.count("(Holm-adjusted); that of d′") == 3


def test_covariates_have_the_decimals_that_their_errors_allow(tmp_path: Path) -> None:
    summary = by_condition(tmp_path / "two", ("early", "late"))
    (text,) = apa_sentences(json.loads((tmp_path / "two" / "results" / "summary.json").read_text(encoding="utf-8")))
    model = summary["covariates"]["not stated"][0]
    effects = {one["name"]: one for one in model["effects"]}
    kind, cases = effects["expertise"], effects["cases"]
    assert "Covariates of d′ (linear mixed model; 7 participants, 1 left out for want of a value): expertise " in text
    assert f"(student against resident), b = {kind['change']:.2f}".replace("-", "−") in text
    assert f"t({kind['df']:.0f}) = {kind['change'] / kind['se']:.2f}".replace("-", "−") in text
    # A slope per case is small: two decimals would print 0.00 whatever it is.
    said = re.search(r"cases, b = (−?0\.\d+), 95% CI", text)
    assert said is not None
    assert float(said[1].replace("−", "-")) == pytest.approx(cases["change"], abs=cases["se"] / 10)
    assert "Covariates of c" in text
    assert "Covariates of AUC" in text


def test_without_conditions_and_covariates_nothing_is_said_of_them(tmp_path: Path) -> None:
    (text,) = apa_sentences(study(tmp_path / "plain", 1.0))
    assert "condition" not in text
    assert "Covariates" not in text


def test_large_bayes_factors_are_no_computer_notation(tmp_path: Path) -> None:
    summary = study(tmp_path / "seen", 1.5)
    summary["groups"][0]["jzs"]["bf10"] = 15312.0
    (text,) = apa_sentences(summary)
    assert "BF10 = 1.53 × 10⁴, t(" in text


def test_other_tasks_give_their_verdict_and_other_files_are_refused(refuses: Any) -> None:
    assert apa_sentences({"verdict": "Shown to differ", "words": "So it is."}) == [
        "Verdict: shown to differ. So it is."
    ]
    with refuses("not-a-summary"):
        apa_sentences({"format": "something else"})
