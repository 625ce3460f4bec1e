"""Sentences in APA style: the numbers are the summary's, in APA's form; whose they are; what is left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.report.apa.sentences import apa_sentences
from analysis.report.number_text import fine
from analysis.report.report import analyze
from analysis.report.task_report import analyze_task
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
    text, *_ = apa_sentences(summary)
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


def test_beside_a_mean_without_an_interval_stands_that_of_the_others(tmp_path: Path) -> None:
    summary = study(tmp_path / "seen", 1.0)
    assert "of the other" not in apa_sentences(summary)[0]
    group = summary["groups"][0]
    group["own_dprime"] = group["dprime"] | {"n": 4}
    group["dprime"] = group["dprime"] | {"low": None, "high": None, "reason": "one answer to everything"}
    text, *_ = apa_sentences(summary)
    assert "without an interval (one answer to everything); of the other 4, M(d′) = " in text
    assert f"95% CI [{group['own_dprime']['low']:.2f}, {group['own_dprime']['high']:.2f}]." in text


def test_a_summary_that_was_read_back_gives_the_same(tmp_path: Path) -> None:
    summary = study(tmp_path / "seen", 1.0)
    stored = json.loads((tmp_path / "seen" / "results" / "summary.json").read_text(encoding="utf-8"))
    assert apa_sentences(stored) == apa_sentences(summary)


def test_earlier_summaries_without_the_new_fields_are_read(tmp_path: Path) -> None:
    summary = study(tmp_path / "seen", 1.0)
    for name in ("effect", "m_ratio", "reliability", "own_dprime"):
        del summary["groups"][0][name]
    text, *_ = apa_sentences(summary)
    assert "Hedges" not in text
    assert "M(d′)" in text


def test_at_chance_nothing_is_claimed(tmp_path: Path) -> None:
    text, *_ = apa_sentences(study(tmp_path / "chance", 0.0))
    assert "neither a difference from chance nor equivalence to it was shown" in text
    assert "M-ratio" not in text
    assert "nan" not in text.lower()
    assert "None" not in text


@pytest.mark.parametrize(("observer", "whom"), [("human", "in the population"), ("simulated", "in such observers")])
def test_simulated_observers_are_no_people(tmp_path: Path, observer: str, whom: str) -> None:
    summary = study(tmp_path / observer, 1.5, people=3)
    summary["groups"][0]["observer"] = observer
    text, *_ = apa_sentences(summary)
    assert whom in text
    assert ("Three participants" if observer == "human" else "Three simulated observers") in text
    if observer == "simulated":
        assert "people" not in text


@pytest.mark.parametrize(
    ("count", "start"),
    [(1, "One observer "), (12, "Twelve observers "), (40, "Forty "), (99, "Ninety-nine "), (630, "A total of 630 ")],
)
def test_no_sentence_begins_with_figures(tmp_path: Path, count: int, start: str) -> None:
    summary = study(tmp_path / "seen", 1.0)
    summary["groups"][0]["primary"]["auc"]["participants"] = count
    text, *_ = apa_sentences(summary)
    assert text.startswith(start)


def test_one_observer_is_no_mean_and_no_contradiction(tmp_path: Path) -> None:
    text, *_ = apa_sentences(study(tmp_path / "one", 1.5, people=1))
    assert "p < .001 against .50. One observer’s result says nothing about other observers." in text
    assert not re.search("mean area|on average|neither", text)


def test_below_chance_is_the_wrong_direction(tmp_path: Path) -> None:
    text, *_ = apa_sentences(study(tmp_path / "below", -1.5))
    assert "discriminated in the wrong direction" in text


def test_equivalence_that_is_not_claimed_says_why(tmp_path: Path) -> None:
    summary = study(tmp_path / "chance", 0.0)
    main = summary["groups"][0]["primary"]
    main.update(delta=0.1, withheld=["participants differ"])
    main["auc"]["p_equivalence"] = 0.01
    assert "p = .010, but it is not claimed: participants differ." in apa_sentences(summary)[0]
    main["auc"]["p_equivalence"] = 0.2
    assert "not claimed" not in apa_sentences(summary)[0]


def test_large_bayes_factors_are_powers_of_ten(tmp_path: Path) -> None:
    summary = study(tmp_path / "seen", 1.5)
    summary["groups"][0]["jzs"].update(bf10=7254.0, bf01=1 / 7254)
    assert "BF10 = 7.25 × 10³, t(4)" in apa_sentences(summary)[0]


def test_conditions_and_covariates_are_told_and_before_all_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = [
        (f"p{person}", f"{name}{image}", "generated" if name else "real", name, value > 0.7, person)
        for person in range(6)
        for name, dprime in (("", 0.0), ("early", 2.0), ("late", 0.0))
        for image, value in enumerate(rng.normal(dprime, 1, 25))
    ]
    table = pd.DataFrame(rows, columns=["participant", "stimulus_id", "truth", "condition", "response", "years"])
    table["response"] = table["response"].map({True: "generated", False: "real"})
    table.to_csv(tmp_path / "both.csv", index=False)
    summary = analyze(tmp_path / "both.csv", tmp_path / "results", formats=(), covariates=["years"])
    compared, together, covariates, *_ = apa_sentences(summary)
    found = summary["conditions"][0]
    assert compared.startswith("Conditions were compared, all judged by the same observers. With early, AUC = .")
    assert "against .50 (discriminated; by themselves, " in compared
    assert "against .50 (not decided; by themselves, " in compared
    d = found["differences"][0]["auc"]
    assert f"For early − late, ΔAUC = {d['difference']:.2f}, 95% CI [{d['low']:.2f}, ".replace("0.", ".") in compared
    assert together.startswith("All conditions together: Six observers judged")
    effect = summary["covariates"]["not stated"][0]["effects"][0]
    assert f"d′, years: b = {fine(effect['change'])}, 95% CI [" in covariates


def test_pairs_are_told_in_apas_form(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    truth = np.where(rng.random(240) < 0.5, "left", "right")
    for name, wrong in (("seen", 0.2), ("perfect", 0.0)):
        other = np.where(truth == "left", "right", "left")
        said = np.where(rng.random(240) < wrong, other, truth)
        table = pd.DataFrame({"participant": np.repeat([*"abcd"], 60), "truth": truth, "response": said})
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        summary = analyze_task("two_alternative", tmp_path / f"{name}.csv", tmp_path / name, formats=())
        text, *_ = apa_sentences(summary)
        assert text.startswith("Four observers judged pairs of images. Sensitivity with these images: M(d′) = ")
        assert "Verdict" not in text
        assert "e-" not in text
        t = summary["group"]["jzs"]["t"]
        expected = (
            f", t(3) = {t:.2f}, p " if name == "seen" else "An exact conditional test within participants gave p <"
        )
        assert expected in text
        whom = "other observers judging these" if name == "seen" else "these observers and these"
        assert text.endswith(f"The images were discriminated; this speaks of {whom} images.")


def test_same_different_names_its_measure(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    truth = np.where(rng.random(240) < 0.5, "same", "different")
    said = np.where(rng.random(240) < 0.2, "same", truth)
    table = pd.DataFrame({"participant": np.repeat([*"abcd"], 60), "truth": truth, "response": said})
    table.to_csv(tmp_path / "pairs.csv", index=False)
    (text,) = apa_sentences(analyze_task("same_different", tmp_path / "pairs.csv", tmp_path / "out", formats=()))
    assert "M(z(H) − z(F)) = " in text
    assert "Bayes factor of the mean z(H) − z(F) was" in text


def test_other_tasks_give_their_verdict_and_other_files_are_refused(refuses: Any) -> None:
    assert apa_sentences({"verdict": "Shown to differ", "words": "So it is."}) == [
        "Verdict: shown to differ. So it is."
    ]
    with refuses("not-a-summary"):
        apa_sentences({"format": "something else"})
