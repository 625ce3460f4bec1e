"""What is said first: small tables on which plain words once went wrong, through the whole report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from analysis.report.apa.sentences import apa_sentences
from analysis.report.page import Facts, Note, Page
from analysis.report.realfake.page import _NOT_CHANCE
from analysis.report.report import realfake_results
from analysis.report.results import Results
from analysis.trials import load_trials
from lookalike.console import headline

Analysed = Callable[[npt.NDArray[Any], npt.NDArray[np.bool_]], Results]


@pytest.fixture
def analysed(tmp_path: Path) -> Analysed:
    """The results of signed ratings (participants, images); a rating of NaN size has no confidence."""

    def run(ratings: npt.NDArray[Any], generated: npt.NDArray[np.bool_], confidence: bool = True) -> Results:
        people, images = np.indices(ratings.shape)
        table = pd.DataFrame(
            {
                "participant": [f"P{n}" for n in people.flat],
                "stimulus_id": [f"i{n}" for n in images.flat],
                "truth": np.where(generated[images.ravel()], "generated", "real"),
                "response": np.where(ratings.ravel() > 0, "generated", "real"),
            }
        )
        if confidence:
            table["confidence"] = np.abs(ratings.ravel())
        table.to_csv(tmp_path / "trials.csv", index=False)
        return realfake_results(load_trials(tmp_path / "trials.csv"), draw=False)

    return run


def first_words(page: Page) -> tuple[Note, Facts, Facts]:
    (verdict,) = page.verdicts
    primary, given = (one for one in page.summary if isinstance(one, Facts))
    return verdict, primary, given


def test_perfect_discrimination_is_shown(analysed: Analysed, tmp_path: Path) -> None:
    generated = np.arange(20) < 10
    found = analysed(np.where(generated, 4, -4) * np.ones((3, 1)), generated)
    (first,) = found.summary["headline"]
    assert (first["verdict"], first["auc"], first["low"]) == ("shown to differ", 1, None)
    assert first["p"] == pytest.approx(2 / 184_756)
    assert first["p_is_of"] == "permuted labels of the images"
    assert first["generalises_to"] == "these participants and images"
    assert first["these_images_only"]["dprime"]["low"] is None
    assert "the correction’s" in first["these_images_only"]["dprime"]["reason"]
    assert "too little data" not in json.dumps(headline(found.summary, tmp_path))


def test_the_headline_counts_other_images_and_what_does_not_stands_apart(analysed: Analysed, tmp_path: Path) -> None:
    """40 participants who answer 16 images alike: a mean over participants is precise and says nothing of others."""
    rng = np.random.default_rng(2)
    generated = np.arange(16) % 2 == 0
    evidence = 1.5 * rng.normal(size=16) + 0.3 * generated + 0.4 * rng.normal(size=(40, 16))
    found = analysed(np.sign(evidence) * np.clip(np.ceil(np.abs(evidence)), 1, 4), generated)
    (first,), (group,) = found.summary["headline"], found.summary["groups"]
    given = first["these_images_only"]["auc"]
    assert (first["low"], first["high"]) == (group["primary"]["auc"]["low"], group["primary"]["auc"]["high"])
    assert first["high"] - first["low"] > 5 * (given["high"] - given["low"])
    assert first["generalises_to"] == "other participants and other images"
    said = headline(found.summary, tmp_path)
    assert f"[{first['low']:.3f}, {first['high']:.3f}], 90% CI for other" in said["AUC, 40 participants"]
    assert f"[{given['low']:.3f}, {given['high']:.3f}]" in said["AUC, these images only, 40 participants"]
    verdict, primary, apart = first_words(found.page)
    assert primary.facts[0].name == "Area under the ROC"
    assert "other participants and other images" in primary.facts[0].detail
    assert [one.name for one in apart.facts][:2] == ["Mean d′", "Mean area"]
    assert f"{first['low']:.3f}".removeprefix("0") in primary.facts[0].detail
    assert verdict.paragraphs[0] == first["words"]


def test_without_confidences_the_area_is_that_of_the_answers_everywhere(analysed: Any) -> None:
    generated = np.arange(40) % 2 == 0
    ratings = np.where(np.random.default_rng(3).random((4, 40)) < 0.75, 1, -1) * np.where(generated, 1, -1)
    found = analysed(ratings, generated, confidence=False)
    (first,) = found.summary["headline"]
    accuracy = [one["accuracy"] for one in found.summary["participants"]]
    assert [one["auc"] for one in found.summary["participants"]] == pytest.approx(accuracy)  # as many of each truth
    assert first["auc"] == pytest.approx(np.mean(accuracy))
    assert first["these_images_only"]["auc"]["mean"] == pytest.approx(first["auc"])
    assert found.tables["areas"]["auc"].tolist() == pytest.approx(accuracy)
    assert found.tables["methods"]["value"].dropna().to_list() == pytest.approx([first["auc"]] * 7)
    assert "the area is that of the answers alone" in first["words"]


@pytest.mark.parametrize("dprime", [0.0, 2.0])
def test_a_sentence_that_does_not_fit_the_verdict_is_not_printed(analysed: Analysed, dprime: float) -> None:
    generated = np.arange(60) % 2 == 0
    evidence = np.random.default_rng(5).normal(size=(6, 60)) + dprime * (generated - 0.5)
    found = analysed(np.sign(evidence) * np.clip(np.ceil(np.abs(evidence)), 1, 4), generated)
    decided = found.summary["headline"][0]["verdict"] == "shown to differ"
    assert decided == (dprime > 0)
    texts = [one for one in found.page.summary if isinstance(one, str)]
    assert any("Nor do they show that they cannot" in one for one in texts) == (not decided)
    assert (_NOT_CHANCE in found.page.summary) == (not decided)


def test_who_can_tell_is_counted_beside_the_mean(analysed: Analysed) -> None:
    """Three of six see nearly everything, and one everything the wrong way round."""
    generated = np.arange(40) % 2 == 0
    rng = np.random.default_rng(6)
    skill = np.array([4, 4, 4, 0, 0, -4])
    evidence = rng.normal(size=(6, 40)) + skill[:, None] * (generated - 0.5)
    found = analysed(np.sign(evidence) * np.clip(np.ceil(np.abs(evidence)), 1, 4), generated)
    able = found.summary["headline"][0]["can_tell"]
    assert (able["above"]["significant"], able["below"]["significant"], able["participants"]) == (3, 1, 6)
    verdict, primary, _ = first_words(found.page)
    assert "4 of 6 participants discriminated the images, 1 of them in the wrong" in verdict.paragraphs[0]
    assert "which 0.3 would pass by chance" in verdict.paragraphs[0]
    (fact,) = (one for one in primary.facts if one.name == "Discriminate, tested one by one")
    assert fact.value == "4 of 6"
    assert fact.detail.startswith("1 in the wrong direction; 0.3 would by chance; most probably ")
    assert "(1 in the wrong direction)" in str(headline(found.summary, Path("results")).values())
    assert "4 of 6 discriminated the images (1 in the wrong direction)" in apa_sentences(found.summary)[0]


def test_one_participant_is_no_share_of_others(analysed: Analysed) -> None:
    generated = np.arange(40) % 2 == 0
    evidence = np.random.default_rng(6).normal(size=(1, 40)) + 3 * (generated - 0.5)
    found = analysed(np.sign(evidence) * np.clip(np.ceil(np.abs(evidence)), 1, 4), generated)
    _, primary, _ = first_words(found.page)
    (fact,) = (one for one in primary.facts if one.name == "Discriminate, tested one by one")
    assert (fact.value, fact.detail) == ("1 of 1", "one participant’s result says nothing of others")
    assert "such observers" not in str(headline(found.summary, Path("results")).values())


def test_a_mean_at_chance_of_people_who_can_tell_is_not_said_to_show_nothing(analysed: Analysed) -> None:
    generated = np.arange(60) % 2 == 0
    evidence = np.random.default_rng(5).normal(size=(6, 60))
    evidence += np.array([2, -2, 2, -2, 2, -2])[:, None] * (generated - 0.5)
    page = analysed(np.sign(evidence) * np.clip(np.ceil(np.abs(evidence)), 1, 4), generated).page
    texts = " ".join(one for one in page.summary if isinstance(one, str))
    assert page.verdicts[0].lead == "Verdict: not decided."
    assert "6 of 6 participants discriminated the images, tested one by one, where 0.3 would by chance" in texts
    assert "Nor do they show that they cannot" not in texts


def test_each_kind_of_observer_has_means_of_its_own(tmp_path: Path) -> None:
    """What people answered never stands beside the mean of simulated observers."""
    rng = np.random.default_rng(4)
    truth = np.where(np.arange(40) % 2, "generated", "real")
    rows = [
        pd.DataFrame(
            {
                "participant": f"{kind}{n}",
                "stimulus_id": [f"i{image}" for image in range(40)],
                "truth": truth,
                "response": np.where(rng.random(40) < share, truth, np.where(truth == "real", "generated", "real")),
                "observer": kind,
            }
        )
        for kind, share in (("human", 0.6), ("simulated", 0.9))
        for n in range(3)
    ]
    pd.concat(rows).to_csv(tmp_path / "trials.csv", index=False)
    summary = realfake_results(load_trials(tmp_path / "trials.csv"), draw=False).summary
    said = headline(summary, tmp_path)
    for one in summary["headline"]:
        kind = {"human": "3 people", "simulated": "3 simulated observers"}[one["observer"]]
        for name in ("d'", "AUC"):
            mean = one["these_images_only"]["auc" if name == "AUC" else "dprime"]["mean"]
            assert f"mean {mean:.{3 if name == 'AUC' else 2}f}" in said[f"{name}, these images only, {kind}"]


def test_participants_who_never_vary_the_rating_are_not_told_to_collect_more(analysed: Analysed) -> None:
    generated = np.arange(40) % 2 == 0
    found = analysed(np.full((4, 40), -2), generated)
    (first,) = found.summary["headline"]
    assert "nobody ever varies the rating" in first["words"]
    assert "too little data" not in first["words"]
    # One answer depends on nothing: an effect of it would be the penalty's alone.
    assert found.tables["sequence"]["mean"].isna().all()
    text = apa_sentences(found.summary)[0]
    assert "M(d′) = 0.00, without an interval" in text
    assert "Serial dependence" not in text


def test_a_perfect_observer_makes_no_spread_between_observers(analysed: Analysed) -> None:
    """The d′ of an observer without a mistake is the correction's, and so would be how far it lies from the others."""
    generated = np.arange(40) % 2 == 0
    evidence = np.random.default_rng(7).normal(size=(5, 40))
    evidence[0] = 3 * (generated - 0.5)
    found = analysed(np.sign(evidence) * np.clip(np.ceil(np.abs(evidence)), 1, 4), generated)
    (group,) = found.summary["groups"]
    assert group["between"]["tau"] is None
    assert group["between"]["high"] is None
    assert group["between"]["p"] < 0.001
    assert "1 of 5 participants gave only right answers" in group["between"]["reason"]
    assert "true d′ between observers" not in apa_sentences(found.summary)[0]


def test_five_images_are_too_few_to_say_who_can_tell(analysed: Analysed, tmp_path: Path) -> None:
    """Even images all told apart have p = 1/10 then: nobody failed a test, and no mean is belied by one."""
    generated = np.array([True, False, True, False, False])
    ratings = np.array([[1, -2, 3, -1, 2], [2, 1, -1, -3, -2], [3, -1, 2, -2, -3], [-1, 2, 1, -2, 1]], dtype=float)
    found = analysed(ratings, generated)
    (first,) = found.summary["headline"]
    assert first["can_tell"]["participants"] == 0
    assert first["can_tell"]["untested"] == 4
    shown = json.dumps(headline(found.summary, tmp_path), ensure_ascii=False)
    assert "undefined (nobody rated enough images" in shown
    told = repr(found.page)
    assert "nobody could be tested alone" in told
    assert "tested one by one" not in told.lower()
    assert "may not stand for them" not in told


def test_participants_without_ratings_are_left_out_and_told(analysed: Analysed) -> None:
    """Of six, one gave no confidence: five have an area, five are tested alone, and six answered."""
    rng = np.random.default_rng(4)
    generated = np.arange(20) % 2 == 0
    ratings = rng.choice([-2.0, -1.0, 1.0, 2.0], (6, 20))
    ratings[0] = np.nan
    told = repr(analysed(ratings, generated).page)
    assert "5 observers (kind not stated) (1 of 6 left out, without an area), 10 generated" in told
    assert re.search(r"\d of 5 observers \(kind not stated\).* discriminated them at 5%", told)
    assert "1 rated too few images to be tested." in told
    assert " of 6 observers" not in told
