"""The curves and the agreement of ratings in a whole analysis: tables, page, summary, and whom the words are about."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.group.group import Group
from analysis.report.page import Note, Section, Table
from analysis.report.report import realfake_results
from analysis.report.results import Results
from analysis.trials import load_trials
from data.simulated.populations import Population, draw_ratings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Four simulated observers, 80 images, d′ 1.5, and a retest with the same answers but for every fifth."""
    generated = np.arange(80) % 2 == 1
    ratings = draw_ratings(Population(dprime=1.5), 4, generated, np.random.default_rng(5))[0]
    person, image = np.indices(ratings.shape)
    table = pd.DataFrame(
        {
            "participant": [f"p{n}" for n in person.flat],
            "stimulus_id": [f"s{n}" for n in image.flat],
            "truth": np.where(generated[image.ravel()], "generated", "real"),
            "response": np.where(ratings.ravel() > 0, "generated", "real"),
            "confidence": np.abs(ratings.ravel()),
            "session": 1,
            "observer": "simulated",
        }
    )
    again = table.assign(session=2)
    again.loc[::5, "confidence"] = 5 - again.loc[::5, "confidence"]
    path: Path = tmp_path_factory.mktemp("study") / "trials.csv"
    pd.concat([table, again]).to_csv(path, index=False)
    return realfake_results(load_trials(path), draw=False)


def test_models_rates_and_reliability_have_their_tables(found: Results) -> None:
    models, rates, icc = (found.tables[name] for name in ("models", "rates", "reliability"))
    assert models.groupby("participant").size().tolist() == [4] * 4
    assert (models.groupby("participant")["preferred"].sum() <= 1).all()
    assert models["words"].str.len().min() > 20
    assert rates.groupby("participant").size().tolist() == [4] * 4
    assert ((rates["low"] <= rates["value"]) & (rates["value"] <= rates["high"])).all()
    assert len(icc) == 3 * 6
    assert set(icc["of_images"]) == {"all", "real", "generated"}


def test_the_retest_has_weighted_kappas_that_forgive_near_misses(found: Results) -> None:
    retests = found.tables["retests"]
    assert (retests["quadratic_kappa"] > retests["linear_kappa"]).all()
    assert (retests["linear_categories"] == 8).all()


def test_the_summary_has_the_groups_ratio_and_is_read_back(found: Results) -> None:
    (group,) = found.summary["groups"]
    assert 0 < group["m_ratio"]["m_ratio"]["low"] < group["m_ratio"]["m_ratio"]["high"]
    assert group["effect"]["g"] > 0
    assert Group.from_dict(group).to_dict()["observer"] == "simulated"
    for name in ("effect", "m_ratio", "reliability"):
        del group[name]
    assert Group.from_dict(group).m_ratio is None  # as a summary of an earlier version
    assert found.summary["participants"][0]["meta_i"] > 0


def test_the_page_reads_as_a_results_section_and_calls_nobody_people(found: Results) -> None:
    titles = [one.title for one in found.page.sections]
    assert titles[:4] == [
        "Primary result",
        "Who can tell",
        "ROC of every participant",
        "Areas under the ROC, by participant",
    ]
    assert titles.index("Models of the ROC") < titles.index("Secondary results") < titles.index(titles[-1])
    said = [text for block in found.page.blocks() for text in _texts(block)]
    assert not [text for text in said if "people" in text and "not people" not in text]
    assert any("of such observers" in text for text in said)


def test_no_python_shows_in_tables(found: Results) -> None:
    cells = [
        cell
        for one in found.page.blocks()
        if isinstance(one, Table)
        for row in (one.header, *one.rows, (one.note,))
        for cell in row
    ]
    assert len(cells) > 100
    python = re.compile(r"\b(None|nan|True|False)\b(?!-)|analysis\.|\(\)")
    assert not [cell for cell in cells if python.search(cell)]


def _texts(block: object) -> list[str]:
    if isinstance(block, str):
        return [block]
    if isinstance(block, Note):
        return [block.lead, *block.paragraphs]
    assert not isinstance(block, Section)
    return [getattr(block, "text", "")]
