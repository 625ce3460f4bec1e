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


def test_other_tasks_give_their_verdict_and_other_files_are_refused(refuses: Any) -> None:
    assert apa_sentences({"verdict": "Shown to differ", "words": "So it is."}) == [
        "Verdict: shown to differ. So it is."
    ]
    with refuses("not-a-summary"):
        apa_sentences({"format": "something else"})
