"""Small tables on which a sentence of the report was once wrong, or did not fit: one test for each kind of table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.group.participants import Estimators
from analysis.report.page import Block, Fact, Facts, Note, Page, Small, Table
from analysis.report.report import realfake_results
from analysis.report.results import Results
from analysis.trials import load_trials
from lookalike.console import headline

Analysed = Callable[[pd.DataFrame], Results]


@pytest.fixture
def analysed(tmp_path: Path) -> Analysed:
    def run(table: pd.DataFrame) -> Results:
        table.to_csv(tmp_path / "trials.csv", index=False)
        found: Results = realfake_results(load_trials(tmp_path / "trials.csv"), draw=False)
        return found

    return run


def judged(people: int, images: int, dprime: float = 0.8, generated: int | None = None, seed: int = 1) -> pd.DataFrame:
    """Equal observers who judge every image, in an order of their own."""
    rng = np.random.default_rng(seed)
    fake = np.arange(images) < (images // 2 if generated is None else generated)
    rows = []
    for person in range(people):
        evidence = rng.normal(size=images) + dprime * (fake - 0.5)
        rows.append(
            pd.DataFrame(
                {
                    "participant": f"p{person}",
                    "stimulus_id": [f"i{image}" for image in range(images)],
                    "truth": np.where(fake, "generated", "real"),
                    "response": np.where(evidence > 0, "generated", "real"),
                    "confidence": np.clip(np.ceil(2 * np.abs(evidence)), 1, 4),
                    "trial": 1 + rng.permutation(images),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def text_of(page: Page) -> str:
    """Every sentence of a page."""

    def words(block: Block) -> list[str]:
        if isinstance(block, str):
            return [block]
        if isinstance(block, Note):
            return [block.lead, *block.paragraphs]
        if isinstance(block, Facts):
            return [part for one in block.facts for part in (one.name, one.value, one.detail)]
        if isinstance(block, Table):
            return [*block.header, *(cell for row in block.rows for cell in row), block.note]
        return [block.text] if isinstance(block, Small) else []

    return "\n".join(part for block in page.blocks() for part in words(block))


def fact(page: Page, name: str) -> Fact:
    (found,) = (one for block in page.summary if isinstance(block, Facts) for one in block.facts if one.name == name)
    return found


def test_one_answer_to_everything_is_no_sensitivity(analysed: Analysed) -> None:
    """With 10 generated and 40 real images the log-linear correction alone makes a d′ of .56 of it."""
    found = analysed(judged(5, 50, generated=10).assign(response="real"))
    (group,) = found.summary["groups"]
    assert group["dprime"]["mean"] == pytest.approx(0.56, abs=0.01)
    assert "one answer to everything" in fact(found.page, "Mean d′").detail + group["dprime"]["reason"]
    assert group["jzs"]["bf10"] is None
    assert group["between"]["tau"] is None


def test_one_who_gives_one_answer_takes_the_interval_of_the_mean(analysed: Analysed) -> None:
    table = judged(6, 50, generated=10)
    table.loc[table["participant"] == "p0", "response"] = "real"
    (group,) = analysed(table).summary["groups"]
    assert group["dprime"]["low"] is None
    assert group["dprime"]["reason"].startswith("1 of 6 participants")
    assert group["auc"]["low"] is not None


def test_beside_one_who_gives_one_answer_stands_the_interval_of_the_others(analysed: Analysed) -> None:
    table = judged(6, 50, generated=10)
    table.loc[table["participant"] == "p0", "response"] = "real"
    found = analysed(table)
    alone = analysed(table[table["participant"] != "p0"]).summary["groups"][0]["dprime"]
    (group,), (first,) = found.summary["groups"], found.summary["headline"]
    assert group["own_dprime"] == first["these_images_only"]["own_dprime"] == alone
    bounds = f"[{alone['low']:.2f}, {alone['high']:.2f}], 95% CI"
    assert bounds in headline(found.summary, Path("results"))["d', these images only, the other 5 of 6 participants"]
    assert f"of the other 5 {alone['mean']:.2f}, 95% CI" in fact(found.page, "Mean d′").detail
    assert "That of the other 5 is" in text_of(found.page)


def test_where_nobody_gives_one_answer_there_are_no_others(analysed: Analysed) -> None:
    found = analysed(judged(6, 50))
    assert found.summary["groups"][0]["own_dprime"] is None
    assert "the other" not in str(headline(found.summary, Path("results")).keys())


def test_without_a_correction_no_value_is_the_corrections(tmp_path: Path) -> None:
    """The one whose rates are 0 has no d′ then, and is left out."""
    table = judged(6, 50, generated=10)
    table.loc[table["participant"] == "p0", "response"] = "real"
    table.to_csv(tmp_path / "trials.csv", index=False)
    by = Estimators(correction="none")
    found = realfake_results(load_trials(tmp_path / "trials.csv"), by=by, draw=False)
    (group,) = found.summary["groups"]
    assert group["dprime"]["undefined"] == 1
    assert group["dprime"]["low"] is not None
    assert group["jzs"]["bf10"] is not None
    assert "the correction’s" not in text_of(found.page)


def test_who_saw_images_of_one_truth_only_takes_no_interval_from_the_others(analysed: Analysed) -> None:
    """They have no d′; that all their answers were right is not a correction's doing."""
    table = judged(6, 50)
    table = table[(table["participant"] != "p0") | (table["truth"] == "real")]
    table.loc[table["participant"] == "p0", "response"] = "real"
    (group,) = analysed(table).summary["groups"]
    assert (group["dprime"]["n"], group["dprime"]["undefined"]) == (5, 1)
    assert group["dprime"]["low"] is not None


def test_where_few_gave_confidences_each_number_says_of_how_many_it_is(analysed: Analysed) -> None:
    table = judged(8, 50)
    table.loc[~table["participant"].isin(["p0", "p1"]), "confidence"] = np.nan
    found = analysed(table)
    said = headline(found.summary, Path("results"))
    assert "AUC, 2 of 8 participants" in said
    assert "d', these images only, 8 participants" in said
    told = text_of(found.page)
    assert "judged each image as real or generated; 2 of them rated their confidence." in told
    assert "Only 2 of 8 participants have an area (the others rated no images of both classes)" in told
    assert "n/a*" not in told


def test_small_p_are_never_zero(analysed: Analysed) -> None:
    """An observer who is sure of generated images, and only of them, has variances that are far from equal."""
    table = judged(3, 200)
    fake = table["truth"] == "generated"
    evidence = np.random.default_rng(0).normal(size=len(table)) * np.where(fake, 4.0, 0.6)
    table["response"] = np.where(evidence > 0, "generated", "real")
    table["confidence"] = np.clip(np.ceil(2 * np.abs(evidence)), 1, 4)
    page = analysed(table).page
    (section,) = (one for one in page.sections if one.title == "Areas under the ROC, by participant")
    (areas,) = (one for one in section.blocks if isinstance(one, Table))
    assert {row[-1] for row in areas.rows} == {"< .001"}


def test_methods_tell_how_sequences_and_fingerprints_were_measured(analysed: Analysed) -> None:
    both = pd.concat([judged(4, 20, seed=seed).assign(session=seed) for seed in (1, 2)])
    methods = "\n".join(analysed(both).page.methods)
    assert re.search(r"\*\*Error fingerprint\.\*\* .*\{wang2022\}.*\{finn2015\}", methods)
    assert re.search(r"\*\*Sequence and time on task\.\*\* .*\{firth1993\}.*\{moon2022\}", methods)
    alone = "\n".join(analysed(judged(4, 20)).page.methods)
    assert "fingerprint" not in alone
    assert "Sequence and time on task" in alone


def test_conditions_with_one_participant_each_say_nothing_of_others(analysed: Analysed) -> None:
    table = judged(2, 40)
    table["condition"] = table["participant"].map({"p0": "early", "p1": "late"})
    table["stimulus_id"] = table["condition"] + table["stimulus_id"]
    told = text_of(analysed(table).page)
    assert "These results generalise to other images, not other participants." in told
    assert "Means over participants, for other images, not other participants." in told


def test_perfect_ratings_of_a_single_real_image_have_no_interval_for_that_reason(analysed: Analysed) -> None:
    found = analysed(judged(3, 61, dprime=9, generated=60))
    (first,) = found.summary["headline"]
    assert first["verdict"] == "shown to differ"
    assert first["reason"] == "no interval, as there is a single image of a class"
    told = text_of(found.page)
    assert "do not vary" not in first["words"] + told
    assert "60 generated and 1 real image." in told


def test_perfect_discrimination_is_nowhere_too_little_data(analysed: Analysed) -> None:
    found = analysed(judged(3, 40, dprime=12))
    assert "without an interval (the areas do not vary)" in text_of(found.page)


def test_strictly_alternating_truths_say_why_there_is_no_history(analysed: Analysed) -> None:
    table = judged(4, 40)
    table["trial"] = 0
    for person in table["participant"].unique():
        for offset, truth in enumerate(("real", "generated")):
            rows = table.index[(table["participant"] == person) & (table["truth"] == truth)]
            table.loc[rows, "trial"] = 1 + offset + 2 * np.arange(rows.size)
    told = text_of(analysed(table).page)
    assert "Serial dependence is not measured (truths always alternate" in told
    assert "truth 2 back: truths always alternate" in told


def test_an_answer_given_throughout_says_why_there_is_no_sequence(analysed: Analysed) -> None:
    told = text_of(analysed(judged(4, 40).assign(response="generated")).page)
    assert "Serial dependence is not measured (only one answer was given" in told
    assert "every participant gave one answer only" in told


def test_one_participant_is_no_share_of_others_anywhere(analysed: Analysed) -> None:
    told = text_of(analysed(judged(1, 60, dprime=2)).page)
    assert "One participant’s result says nothing of others." in told
    assert "most probable share" not in told


def test_who_passes_a_test_at_chance_is_not_said_to_be_shown_to_tell(analysed: Analysed) -> None:
    """Of 40 people who guess, some pass a test at 5%; how many would is told with them."""
    found = analysed(judged(40, 40, dprime=0.0, seed=3))
    words = found.summary["headline"][0]["words"]
    assert "which 2 would pass by chance" in words
    assert "shown to discriminate" not in words + text_of(found.page)


def test_without_confidence_nothing_is_said_of_it(analysed: Analysed) -> None:
    told = text_of(analysed(judged(6, 60).drop(columns="confidence")).page)
    assert "rated their confidence" not in told
    assert "which counts confidence too" not in told


def test_a_withheld_ratio_does_not_speak_of_the_mean_that_the_page_shows(analysed: Analysed) -> None:
    """Most right answers lack a confidence, so those with one are nearly at chance: the mean d′ is of all."""
    table = judged(5, 60, dprime=1.5)
    right = table["truth"] == table["response"]
    rng = np.random.default_rng(2)
    table["confidence"] = table["confidence"].where(~right | (rng.random(len(table)) < 0.15))
    found = analysed(table)
    assert found.summary["groups"][0]["dprime"]["low"] > 0
    told = text_of(found.page)
    assert "M-ratio is withheld: the interval of the mean d′ of answers with a confidence" in told


def test_one_session_under_several_codes_is_told_on_the_page(analysed: Analysed) -> None:
    """Eight copies of one participant were once a group without spread, and nothing was said."""
    table = judged(4, 40)
    one = table[table["participant"] == "p0"]
    found = analysed(pd.concat([table, *(one.assign(participant=f"c{n}") for n in range(4))]))
    (told,) = (note for note in found.page.warnings if "implausible" in note.lead)
    assert "(session 1): the same answers to the same images in the same order" in told.paragraphs[0]
    assert any("copies of one session" in note for note in found.summary["notes"])
    assert not any("copies" in note for note in analysed(table).summary["notes"])


def test_what_all_see_a_little_is_reconciled_with_nobody_who_can_tell_alone(analysed: Analysed) -> None:
    (weak,) = analysed(judged(30, 60, dprime=0.35, seed=3)).summary["headline"]
    assert weak["verdict"] == "shown to differ"
    assert weak["can_tell"]["either"]["low"] == 0
    assert "What many see a little shows in their mean before it shows in anyone alone." in weak["words"]
    (clear,) = analysed(judged(6, 60, dprime=1.5)).summary["headline"]
    assert "see a little" not in clear["words"]
    assert "p < .001" in clear["words"]
