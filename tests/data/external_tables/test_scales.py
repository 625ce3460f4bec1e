"""Ratings and confidences on other scales keep their order, and what they cannot be is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.external_tables.mapping import RatingScale, TableMapping
from data.external_tables.read import read_external_table
from data.external_tables.scales import implausible, scaled_confidence, split_ratings
from data.trials import TRUTHS, rating

ROWS = pd.RangeIndex(2, 8, name="row")


def order(values: np.ndarray) -> list[list[int]]:
    return np.sign(np.subtract.outer(np.asarray(values, float), np.asarray(values, float))).tolist()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.none() | st.floats(-1e3, 1e3))
def test_a_signed_rating_has_the_order_of_the_ratings(values, middle):
    given_ratings = pd.Series(np.round(values, 3))
    for high, sign in (("generated", 1), ("real", -1)):
        response, confidence, _ = split_ratings(given_ratings, RatingScale(middle=middle, high=high))
        assert (confidence >= 0).all()
        assert order(rating(response, confidence)) == order(sign * given_ratings)


@pytest.mark.parametrize(
    ("ratings", "middle", "said", "confidence"),
    [
        ([1, 2, 3, 4, 5, 6], None, "rrrggg", [3, 2, 1, 1, 2, 3]),
        ([1, 3, 4, 5, 7, 7], None, "rrrggg", [3, 1, 0, 1, 3, 3]),
        ([2, 2, 3, 4, 4, 5], 3.5, "rrrggg", [2, 2, 1, 1, 1, 2]),
        ([0, 0.2, 0.5, 0.6, 1, 1], None, "rrrggg", [0.5, 0.3, 0, 0.1, 0.5, 0.5]),
        ([-3, -2, -1, 1, 2, 3], 0, "rrrggg", [3, 2, 1, 1, 2, 3]),
    ],
)
def test_where_the_middle_is(ratings, middle, said, confidence):
    response, sure, _ = split_ratings(pd.Series(ratings, ROWS, dtype=float), RatingScale(middle=middle))
    assert "".join(word[0] for word in response) == said
    np.testing.assert_allclose(sure, confidence)


@pytest.mark.parametrize("middle", [np.nan, np.inf, -np.inf])
def test_a_middle_that_is_no_number_is_refused(middle, refuses):
    with refuses("out-of-range") as caught:
        split_ratings(pd.Series([1.0, 6.0]), RatingScale(middle=middle))
    assert "1 to 6" in str(caught.value)


def test_a_middle_that_was_not_given_is_told():
    note = split_ratings(pd.Series([1.0, 4, 7], dtype=float), RatingScale())[2]
    assert "above 4 is generated" in note
    assert "(1 at 4 itself)" in note
    assert "--middle" in note
    assert "--middle" not in split_ratings(pd.Series([1.0, 6.0]), RatingScale(middle=3.5))[2]


def test_a_missing_rating_is_no_answer():
    response, confidence, _ = split_ratings(pd.Series([1, np.nan, 6]), RatingScale())
    assert response.isna().tolist() == confidence.isna().tolist() == [False, True, False]


@pytest.fixture
def rated(study: pd.DataFrame) -> pd.DataFrame:
    sign = study["response"].map({"generated": 1, "real": -1, "": np.nan})
    half = pd.to_numeric(study["confidence"]) - 0.5
    return study.drop(columns=["response", "confidence"]).assign(rating=(4.5 + sign * half))


def test_one_rating_column_gives_the_answers_behind_it(read, is_clean, rated):
    is_clean(read(rated))
    for theirs in ("score", "Likert", "my scale"):
        columns = {} if theirs != "my scale" else {"rating": theirs}
        is_clean(read(rated.rename(columns={"rating": theirs}), mapping=TableMapping(columns)))
    is_clean(read(rated, mapping=TableMapping({"response": "rating"})))
    is_clean(read(rated.rename(columns={"rating": "response"})))


def test_a_scale_that_runs_the_other_way(read, is_clean, rated):
    is_clean(read(rated.assign(rating=9 - rated["rating"]), mapping=TableMapping(rating={"high": "real"})))


def test_a_rating_in_words(read, is_clean, rated):
    sure = ("very", "fairly", "rather", "hardly")
    words = [*(f"{one} real" for one in sure), *(f"{one} fake" for one in reversed(sure))]
    table = rated.assign(rating=rated["rating"].map(lambda value: None if np.isnan(value) else words[int(value) - 1]))
    is_clean(read(table, mapping=TableMapping(order={"rating": words})))


def test_a_response_and_a_rating_column(read, is_clean, study, rated):
    """A column called rating is none of ours beside responses, unless it is named."""
    both = study.assign(rating=rated["rating"].to_numpy())
    is_clean(read(both))
    is_clean(read(both.drop(columns="confidence"), mapping=TableMapping({"rating": "rating"})))


def test_a_confidence_from_0_is_moved_up(read, is_clean, study):
    lower = study.assign(confidence=pd.to_numeric(study["confidence"]) - 1)
    found = read(lower)
    is_clean(found)
    assert any("confidence begins at 0 (to 3)" in note for note in found.notes)


@pytest.mark.parametrize(
    "scale", [lambda n: 25.0 * n, lambda n: n / 4, lambda n: 25.0 * (n - 1), lambda n: (n - 1) / 3]
)
def test_sliders_keep_the_order_of_answers(read, clean, study, scale):
    found = read(study.assign(confidence=scale(pd.to_numeric(study["confidence"])))).trials
    known = found["confidence"].notna()
    new, old = (rating(one["response"], one["confidence"]) for one in (found, clean.trials))
    assert known.sum() == 15
    assert order(new[known]) == order(old[known])


def test_a_confidence_below_0_says_what_it_may_be(refuses):
    with refuses("not-a-number") as caught:
        scaled_confidence(pd.Series([1.0, -1, 3], index=pd.Index([2, 3, 4], name="row")), "t.csv")
    for told in ("confidence is -1 (row 3)", "--missing confidence:-1", "rating="):
        assert told in str(caught.value)


@pytest.mark.parametrize(
    ("values", "apart"),
    [
        ([1, 2, 3, 4, 999], [999]),
        ([1, 2, 3, 4, 9], [9]),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], []),
        ([0, 20, 45, 80, 99, 100], []),
        ([10, 30, 100, 999, -99], [999, -99]),
        ([1, 2, 3, 4, 50], [50]),
        ([1, 4], []),
        ([1, 2, 3, 4, 5, 7], []),
        ([0.1, 0.5, 0.9, 99], [99]),
    ],
)
def test_codes_stand_apart_from_a_scale(values, apart):
    table = pd.DataFrame({"confidence": np.asarray(values, float)}, index=pd.RangeIndex(2, 2 + len(values), name="row"))
    told = list(implausible(table, TableMapping()))
    assert len(told) == len(apart)
    for value in apart:
        assert any(f"confidence {value:g} (1 row," in one and f"--missing confidence:{value:g}" in one for one in told)


def test_times_in_two_units_are_told():
    times = [0.7, 0.9, 1.2, 0.8, 810, 1.1, 0.6, 930]
    table = pd.DataFrame({"response_time": times}, index=pd.RangeIndex(2, 10, name="row"))
    (told,) = implausible(table, TableMapping())
    assert "above 100 s in 2 rows (first row 6), and 1 s in the median" in told
    assert not list(implausible(table.drop(6), TableMapping()))  # one slip of attention


@pytest.mark.parametrize("column", ["response", "confidence_rating"])
@pytest.mark.parametrize("missing", ["NA", "n/a", "-1"])
def test_a_rating_is_one_where_some_are_missing(read, study, column, missing):
    table = study[["participant", "session", "trial", "stimulus_id", "truth"]]
    table = table.assign(**{column: [missing, *map(str, range(1, 16))]})
    found = read(table, mapping=TableMapping(missing=["-1"], rating={"middle": 8}))
    assert found.trials["response"].isna().sum() == 1
    assert found.trials["confidence"].max() > 2


def test_a_code_is_told_once_and_not_when_it_is_named(read, study):
    table = study.assign(confidence=study["confidence"].replace({"1": "999"}))
    assert sum("999" in note for note in read(table).doubts) == 1
    assert not any("999" in note for note in read(table, mapping=TableMapping(missing=["999"])).doubts)


def test_no_image_ids_make_images_of_their_own(read, study):
    found = read(study.drop(columns="stimulus_id"))
    assert found.trials["stimulus_id"].is_unique
    assert "an image of its own" in found.filled["stimulus_id"]


def test_observers_are_told_by_their_column_alone(read, study, refuses):
    who = study["participant"].map({"Zoé": "Human", "P02": "simulated"})
    found = read(study.assign(observer=who))
    assert found.observers == ("human", "simulated")
    assert found.facts["P02", 1] == {"Observer": "simulated"}
    with refuses("contradictory-facts"):
        read(study.assign(observer=["human"] * 3 + ["simulated"] * 13))
    assert read(study.assign(observer="Dr. M.")).observers == ()
    found = read(study.rename(columns={"participant": "observer"}))
    assert set(found.trials["participant"]) == {"Zoé", "P02"}
    assert found.observers == ()


def test_pairs_and_matches_take_the_same_care(tmp_path):
    (tmp_path / "pairs.csv").write_text("Subj;truth;response\nA;LEFT;right\nA;Right;NA\n", encoding="utf-16")
    found = read_external_table(tmp_path / "pairs.csv", "two_alternative")
    assert found.trials["truth"].tolist() == ["left", "right"]
    assert found.trials["response"].isna().tolist() == [False, True]
    (tmp_path / "m.csv").write_text("participant;target_deg;response_deg\na;10,5;12\na;20;-1\n")
    found = read_external_table(tmp_path / "m.csv", "matching", TableMapping(missing=["response_deg:-1"]))
    assert found.trials["target_deg"].tolist() == [10.5, 20]
    assert found.trials["response_deg"].isna().tolist() == [False, True]


def test_a_scale_in_tenths_has_as_many_levels_on_either_side(tmp_path):
    ratings = [round(0.1 * step, 1) for step in range(11)] * 2
    table = pd.DataFrame({"participant": "a", "stimulus_id": range(22), "truth": [*TRUTHS] * 11, "rating": ratings})
    table.to_csv(tmp_path / "tenths.csv", index=False)
    trials = read_external_table(tmp_path / "tenths.csv").trials
    assert sorted(trials["confidence"].unique()) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5], abs=1e-15)


def test_a_time_that_is_a_code_is_told(read, study):
    for slow, told in (("9999", 1), ("9", 0)):
        found = read(study.assign(response_time=[slow, *study["response_time"][1:]]))
        assert [note for note in found.doubts if "--missing response_time:9999" in note] == [*found.doubts]
        assert len(found.doubts) == told


def test_a_middle_outside_the_ratings_is_told(read, study):
    rated = study.drop(columns=["response", "confidence"]).assign(rating=[str(1 + n % 6) for n in range(len(study))])
    found = read(rated, mapping=TableMapping(rating={"middle": 35}))
    assert found.doubts == ("--middle 35 lies outside the ratings, 1 to 6, so all answers are the same",)
    assert read(rated, mapping=TableMapping(rating={"middle": 3.5})).doubts == ()


def test_numbers_before_labels_are_told_and_dates_are_no_labels(read, study, is_clean, refuses):
    labels = {"1": "1 (guess)", "2": "2", "3": "3", "4": "4 - very sure"}
    found = read(study.replace({"confidence": labels}))
    is_clean(found)
    assert any(note.startswith("confidence is the number that begins each label") for note in found.notes)
    with refuses("not-a-number"):  # what Excel makes of 1-1, 2-1, ...
        read(study.replace({"confidence": {sure: f"{sure}-Jan" for sure in "1234"}}))


def test_a_column_called_rating_is_the_answer_where_there_is_no_other(read, study):
    rated = study.drop(columns="response").rename(columns={"confidence": "conf_rating"})
    assert any("ratings from 1 to 4" in note for note in read(rated).notes)
