"""Image by image: shares, extremes, item-total correlation and cues against hand-made tables and libraries."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import binomtest, pearsonr, spearmanr

from analysis.agreement import items
from analysis.readings import answer_matrix

R, G = "real", "generated"


def test_a_hand_made_table() -> None:
    """Three participants, three images; one answer missing, one confidence missing."""
    frame = pd.DataFrame(
        {
            "participant": [*"aaa", *"bbb", *"ccc"],
            "stimulus_id": ["x", "y", "z"] * 3,
            "truth": [R, G, G] * 3,
            "response": [R, G, R, G, G, R, R, None, G],
            "confidence": [4, 3, 2, 1, np.nan, 1, 2, np.nan, 4],
        }
    )
    table = items.item_table(frame).set_index("stimulus_id")
    assert tuple(table.reset_index().columns) == items.COLUMNS
    assert table["judged"].tolist() == [3, 2, 3]
    assert table["said_generated"].tolist() == [1, 2, 1]
    np.testing.assert_allclose(table["share_generated"], [1 / 3, 1, 1 / 3])
    np.testing.assert_allclose(table["share_correct"], [2 / 3, 1, 1 / 3])
    assert table["rated"].tolist() == [3, 1, 3]
    np.testing.assert_allclose(table["mean_rating"], [(-4 + 1 - 2) / 3, 3, (-2 - 1 + 4) / 3])
    assert table["place"].tolist() == [1, 2, 1]
    interval = binomtest(1, 3).proportion_ci(0.95, "wilson")
    assert (table.loc["z", "correct_low"], table.loc["z", "correct_high"]) == pytest.approx(tuple(interval))
    assert table.loc["y", "generated_high"] == 1


def test_wilson_bounds_are_scipys_for_every_image() -> None:
    table = items.item_table(_frame(9, 40, seed=1), level=0.9)
    for row in table.to_dict("records"):
        interval = binomtest(row["said_generated"], row["judged"]).proportion_ci(0.9, "wilson")
        assert (row["generated_low"], row["generated_high"]) == pytest.approx(tuple(interval), abs=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_item_total_leaves_the_image_out(missing: float) -> None:
    """Each image's correlation written out with `scipy.stats.pearsonr` over those who judged it."""
    frame = _frame(12, 30, seed=2, missing=missing)
    table = items.item_table(frame).set_index("stimulus_id")
    right = (frame["truth"] == frame["response"]).where(frame["response"].notna()).astype(float)
    wide = frame.assign(right=right).pivot(index="participant", columns="stimulus_id", values="right")
    for image in wide.columns:
        there = wide[wide[image].notna()]
        rest = there.drop(columns=image).mean(axis=1)
        expected = pearsonr(there[image], rest)[0] if np.ptp(there[image]) > 0 else np.nan
        assert table.loc[image, "item_total"] == pytest.approx(expected, nan_ok=True)
        assert pd.isna(table.loc[image, "reason"]) == (not math.isnan(expected))


def test_item_total_is_about_nothing_at_chance_and_positive_where_skill_differs() -> None:
    """Keeping the image in the total would lift the first by about 1/√40 = .16."""
    rng = np.random.default_rng(3)
    skill = rng.normal(0, 1.5, 60)[:, None]
    for strength, low, high in ((0.0, -0.03, 0.03), (1.0, 0.2, 0.6)):
        right = rng.random((60, 40)) < 1 / (1 + np.exp(-strength * skill))
        truth = np.tile([R, G], 20)
        said = np.where(right, truth, np.where(truth == R, G, R))
        assert low < items.item_table(_long(said, truth))["item_total"].mean() < high


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([[R, R], [R, R], [R, R]], "everyone was right"),
        ([[G, R], [G, G]], "fewer than three participants"),
        ([[R, R], [G, R], [G, R]], "right equally often elsewhere"),
        ([[None, R], [None, G], [None, R]], "no one answered"),
    ],
)
def test_undefined_item_totals_say_why(said: list[list[str | None]], reason: str) -> None:
    first = items.item_table(_long(np.array(said, dtype=object), np.array([R, R]))).iloc[0]
    assert math.isnan(first["item_total"])
    assert reason in first["reason"]
    if reason == "no one answered":
        undefined = ["share_generated", "generated_low", "share_correct", "mean_rating", "place"]
        assert first[undefined].isna().all()


def test_extremes_go_by_share_then_rating() -> None:
    """Five generated images called generated 0, 1, 1, 2 and 3 times of 3; the two ties by mean rating."""
    said = np.array([[R, G, R, G, G], [R, R, G, G, G], [R, R, R, R, G]], dtype=object)
    frame = _long(said, np.array([G] * 5), confidence=np.array([[1, 1, 2, 1, 1]] * 3))
    table = items.item_table(frame)
    # s001: +1 −1 −1, s002: −2 +2 −2
    assert table.sort_values("place")["stimulus_id"].tolist() == ["s000", "s002", "s001", "s003", "s004"]
    picked = items.extremes(table, 2)
    assert picked["stimulus_id"].tolist() == ["s000", "s002", "s003", "s004"]
    assert picked["convincing"].tolist() == ["most", "most", "least", "least"]
    assert items.extremes(table, 5)["stimulus_id"].tolist() == ["s000", "s002", "s001", "s003", "s004"]
    assert items.extremes(table[:0]).empty


def test_swapping_the_words_and_order_of_rows() -> None:
    frame = _frame(6, 20, seed=4)
    base = items.item_table(frame)
    pd.testing.assert_frame_equal(items.item_table(frame.sample(frac=1, random_state=1)), base)
    swapped = items.item_table(frame.replace({"truth": {R: G, G: R}, "response": {R: G, G: R}}))
    np.testing.assert_allclose(swapped["share_generated"], 1 - base["share_generated"])
    np.testing.assert_allclose(swapped["mean_rating"], -base["mean_rating"])
    np.testing.assert_allclose(swapped["generated_low"], 1 - base["generated_high"])
    np.testing.assert_allclose(swapped[["share_correct", "item_total"]], base[["share_correct", "item_total"]])


def test_cues_within_truth_are_scipys_with_holm() -> None:
    table = items.item_table(_frame(10, 60, seed=5))
    rng = np.random.default_rng(6)
    cues = pd.DataFrame({"stimulus_id": table["stimulus_id"], "noise": rng.normal(size=60)})
    cues["shine"] = table["mean_rating"] + rng.normal(0, 0.8, 60)
    cues = cues[3:].sample(frac=1, random_state=1)
    relations = items.cue_relations(table, cues)
    assert relations[["cue", "truth"]].to_numpy().tolist() == [[c, t] for c in ("noise", "shine") for t in (R, G)]
    assert (relations["images"] + relations["left_out"]).tolist() == [30] * 4
    joined = table.merge(cues, on="stimulus_id")
    for row in relations.to_dict("records"):
        pairs = joined[joined["truth"] == row["truth"]]
        reference = spearmanr(pairs[row["cue"]], pairs["mean_rating"])
        assert (row["spearman"], row["p"]) == pytest.approx(tuple(reference))
        assert row["low"] < row["spearman"] < row["high"]
    ordered = np.sort(relations["p"])
    holm = np.minimum(1, np.maximum.accumulate(ordered * [4, 3, 2, 1]))
    np.testing.assert_allclose(np.sort(relations["p_holm"]), holm)
    # A monotone transform of a cue changes nothing.
    bent = items.cue_relations(table, cues.assign(noise=np.exp(cues["noise"])))
    pd.testing.assert_frame_equal(bent, relations)


def test_a_cue_of_truth_alone_goes_with_no_rating_within_truth() -> None:
    """Observers at d′ 2 and a cue that is 1 for generated images: strong across truths, undefined within."""
    rng = np.random.default_rng(7)
    truth = np.tile([R, G], 20)
    said = np.where(rng.normal(size=(8, 40)) + np.where(truth == G, 1, -1) > 0, G, R)
    table = items.item_table(_long(said, truth))
    relations = items.cue_relations(table, pd.DataFrame({"stimulus_id": table["stimulus_id"], "cue": truth == G}) * 1)
    assert relations["spearman"].isna().all()
    assert relations["p_holm"].isna().all()
    assert relations["reason"].str.contains("does not vary").all()


def test_wrong_input_is_refused(refuses: Any) -> None:
    frame = _frame(2, 4, seed=10)
    with refuses("missing-column"):
        items.item_table(frame.drop(columns="truth"))
    changes: list[tuple[dict[str, Any], str, str]] = [
        ({"truth": ["fake", *frame["truth"][1:]]}, "unknown-word", "row 2"),
        ({"response": ["fake", *frame["response"][1:]]}, "unknown-word", "row 2"),
        ({"session": [1] * 7 + [2]}, "retest-pooled", "row 9"),
        ({"role": ["main", "catch"] * 4}, "not-a-main-trial", "row 3, 5, 7, 9"),
        ({"participant": [None, *["a"] * 7]}, "missing-value", "participant is missing (row 2"),
        ({"stimulus_id": ["s001", *frame["stimulus_id"][1:]]}, "repeated-stimulus", "row 2, 3"),
        ({"truth": [*frame["truth"][:7], R]}, "contradictory-truth", "row 5, 9"),
    ]
    for change, code, rows in changes:
        with refuses(code) as caught:
            items.item_table(frame.assign(**change))
        assert rows in str(caught.value)
    table = items.item_table(frame)
    cues = pd.DataFrame({"stimulus_id": table["stimulus_id"], "cue": 1.0})
    with refuses("missing-column"):
        items.cue_relations(table, cues[["cue"]])
    with refuses("duplicate-id") as caught:
        items.cue_relations(table, pd.concat([cues, cues[:1]]))
    assert "s000: has cues twice" in str(caught.value)
    for bad in ("text", np.inf):
        with refuses("not-a-number"):
            items.cue_relations(table, cues.assign(cue=bad))


def test_empty_and_without_confidence() -> None:
    frame = _frame(3, 4, seed=11)
    assert items.item_table(frame[:0]).empty
    table = items.item_table(frame.drop(columns="confidence"))
    assert (table["rated"] == 0).all()
    assert table["mean_rating"].isna().all()
    assert table["place"].notna().all()
    relations = items.cue_relations(table, pd.DataFrame({"stimulus_id": table["stimulus_id"], "cue": [1.0, 2, 3, 4]}))
    assert relations["reason"].str.contains("fewer than two pairs").all()


def test_the_matrix_holds_every_answer_in_its_place() -> None:
    frame = _frame(4, 6, seed=12, missing=0.2).sample(frac=1, random_state=2)
    answers = answer_matrix(frame)
    for row in frame.to_dict("records"):
        place = list(answers.participants).index(row["participant"]), list(answers.images).index(row["stimulus_id"])
        said = {R: 0.0, G: 1.0}.get(row["response"], np.nan)
        assert answers.said[place] == pytest.approx(said, nan_ok=True)
        assert answers.rating[place] == pytest.approx((2 * said - 1) * row["confidence"], nan_ok=True)
        assert answers.correct[place] == pytest.approx(said if row["truth"] == G else 1 - said, nan_ok=True)
        assert answers.generated[place[1]] == (row["truth"] == G)


def _frame(participants: int, images: int, seed: int, missing: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.2, 0.8, images)
    said = np.where(rng.random((participants, images)) < share, G, R).astype(object)
    said[rng.random(said.shape) < missing] = None
    return _long(said, np.tile([R, G], images)[:images], rng.integers(1, 5, said.shape))


def _long(
    said: npt.NDArray[Any], truth: npt.NDArray[Any], confidence: npt.NDArray[np.int64] | None = None
) -> pd.DataFrame:
    participants, images = said.shape
    return pd.DataFrame(
        {
            "participant": np.repeat([f"p{n:03d}" for n in range(participants)], images),
            "stimulus_id": np.tile([f"s{n:03d}" for n in range(images)], participants),
            "truth": np.tile(truth, participants),
            "response": said.ravel(),
            "confidence": np.ones(said.size) if confidence is None else confidence.ravel().astype(float),
        }
    )
