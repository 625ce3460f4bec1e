"""Who rated which image: counts, designs, and tables that are refused with the rows at fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import readings


def table(rows: list[tuple[Any, ...]], *more: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["participant", "stimulus_id", "truth", "rating", *more])


def judged(participant: str, generated: str, real: str) -> list[tuple[str, str, str, float]]:
    """One participant's rows; each letter is an image, rated by its place."""
    images = [(image, "generated") for image in generated] + [(image, "real") for image in real]
    return [(participant, image, truth, float(place)) for place, (image, truth) in enumerate(images)]


def test_each_participant_keeps_his_own_ratings_whatever_the_order_of_rows() -> None:
    """By hand: image a is generated number 0 and c is number 1; z is real number 1."""
    rows = [("q", "z", "real", 5), ("p", "c", "generated", 1), ("p", "y", "real", 2), ("q", "a", "generated", 3)]
    rows += [("q", "c", "generated", 4), ("p", "z", "real", np.nan)]
    study = readings.from_trials(table(rows))
    p, q = study.readings
    assert (p.participant, q.participant) == ("p", "q")
    assert (study.generated, study.real, study.unrated) == (2, 2, 1)
    shared = set(p.generated) & set(q.generated)
    assert len(shared) == 1
    assert dict(zip(q.generated, q.generated_rating, strict=True))[shared.pop()] == 4
    np.testing.assert_array_equal([*p.generated_rating, *p.real_rating, *q.real_rating], [1, 2, 5])


@pytest.mark.parametrize(
    ("sets", "design"),
    [
        ((("ab", "yz"), ("ab", "yz"), ("ab", "yz")), "crossed"),
        ((("ab", "yz"), ("cd", "wx"), ("ef", "uv")), "split-plot"),
        ((("ab", "yz"), ("ab", "yz"), ("cd", "wx")), "split-plot"),
        ((("ab", "yz"), ("ab", "y"), ("ab", "yz")), "partly crossed"),
        ((("ab", "yz"), ("cd", "yz"), ("ef", "yz")), "partly crossed"),
        ((("ab", "yz"),), "one participant"),
        ((("ab", ""), ("", "yz")), "no participant"),
    ],
)
def test_the_design_is_told_from_the_data(sets: tuple[tuple[str, str], ...], design: str) -> None:
    rows = [row for number, (generated, real) in enumerate(sets) for row in judged(f"p{number}", generated, real)]
    assert readings.from_trials(table(rows)).design == design


def test_a_missing_rating_makes_a_crossed_design_partly_crossed() -> None:
    rows = judged("p", "ab", "yz") + judged("q", "ab", "yz")
    assert readings.from_trials(table(rows)).design == "crossed"
    rows[0] = ("p", "a", "generated", np.nan)
    assert readings.from_trials(table(rows)).design == "partly crossed"


def test_a_participant_with_one_class_is_left_out_with_the_reason_and_so_are_his_own_images() -> None:
    study = readings.from_trials(table([*judged("p", "ab", "yz"), *judged("q", "abc", ""), ("q", "z", "real", np.nan)]))
    assert study.participants == ("p",)
    assert study.excluded == {"q": "rated no real image"}
    assert (study.generated, study.real, study.unrated) == (2, 2, 1)


def test_modalities_share_images_by_name_and_are_picked_out() -> None:
    rows = [(*row, "one") for row in judged("p", "ab", "yz")] + [(*row, "two") for row in judged("p", "bc", "z")]
    rows += [(*row, "two") for row in judged("q", "bc", "")]
    study = readings.from_trials(table(rows, "modality"))
    assert study.modalities == ("one", "two")
    assert (study.generated, study.real) == (3, 2)
    assert study.excluded == {"q, two": "rated no real image"}
    second = study.where(["two"])
    assert (second.generated, second.real, second.design) == (2, 1, "one participant")


def test_a_matrix_says_the_same_as_a_table() -> None:
    rng = np.random.default_rng(1)
    rating = rng.integers(-4, 5, (5, 12)).astype(float)
    rating[rng.random(rating.shape) < 0.2] = np.nan
    truth = np.where(rng.random(12) < 0.5, "generated", "real")
    rows = [(f"p{r}", f"s{i:02d}", truth[i], rating[r, i]) for r in range(5) for i in range(12)]
    a = readings.from_matrix(truth, rating, [f"p{r}" for r in range(5)])
    b = readings.from_trials(table(rows).sample(frac=1, random_state=2))
    assert (a.participants, a.unrated, a.design) == (b.participants, b.unrated, "partly crossed")
    for one, other in zip(a.readings, b.readings, strict=True):
        assert sorted(one.generated_rating) == sorted(other.generated_rating)
        assert sorted(one.real_rating) == sorted(other.real_rating)


def test_an_empty_table_has_no_participant() -> None:
    assert readings.from_trials(table([])).design == "no participant"


@pytest.mark.parametrize(
    ("change", "code", "fact"),
    [
        ({"participant": [None, "p", "q", "q"]}, "missing-value", "participant is missing (row 2)"),
        ({"stimulus_id": ["a", "z", None, "z"]}, "missing-value", "stimulus_id is missing (row 4)"),
        ({"truth": ["generated", "fake", "generated", "real"]}, "unknown-word", "row 3"),
        ({"rating": [1, 2, np.inf, 3]}, "not-a-number", "row 4"),
        ({"rating": [1, 2, "high", 3]}, "not-a-number", "row 4"),
        ({"participant": ["p", "p", "p", "q"]}, "repeated-stimulus", "row 2, 4"),
        ({"truth": ["generated", "real", "real", "real"]}, "contradictory-truth", "row 2, 4"),
    ],
)
def test_wrong_rows_are_named(change: dict[str, list[Any]], code: str, fact: str, refuses: Any) -> None:
    frame = table(
        [("p", "a", "generated", 1), ("p", "z", "real", 2), ("q", "a", "generated", 3), ("q", "z", "real", 4)]
    )
    with refuses(code) as caught:
        readings.from_trials(frame.assign(**change))
    assert fact in str(caught.value)


def test_wrong_shapes_are_refused(refuses: Any) -> None:
    with refuses("missing-column"):
        readings.from_trials(table([]).drop(columns="rating"))
    with refuses("unequal-lengths") as caught:
        readings.from_matrix(["real", "generated"], np.zeros((2, 3)))
    assert "shape (2, 3), 2 truths" in str(caught.value)
    with refuses("not-a-number") as caught:
        readings.from_matrix(["real", "generated"], [[1, np.inf]])
    assert "participant 1, image 1" in str(caught.value)
    with refuses("unequal-lengths"):
        readings.from_matrix(["real", "generated"], np.zeros((2, 2)), ["p", "p"])
    with refuses("unknown-word"):
        readings.from_matrix(["real", "fake"], np.zeros((2, 2)))


def test_columns_are_a_table() -> None:
    truth, people, images = ["generated", "real"] * 2, ["p", "p", "q", "q"], list("azbz")
    a = readings.from_columns(truth, [1, 2, 3, 4], people, images)
    b = readings.from_trials(table(list(zip(people, images, truth, [1, 2, 3, 4], strict=True))))
    assert [one.real_rating.tolist() for one in a.readings] == [one.real_rating.tolist() for one in b.readings]
    assert (a.participants, a.generated, a.real) == (b.participants, b.generated, b.real) == (("p", "q"), 2, 1)
    alone = readings.from_columns(truth, [1, 2, 3, np.nan])
    assert (alone.participants, alone.generated, alone.real, alone.unrated) == (("0",), 2, 1, 1)


def test_columns_who_lacks_a_class_is_left_out_and_counted() -> None:
    truth = ["generated", "real", "generated", "generated", "real", "generated"]
    found = readings.from_columns(truth, [1, 2, 3, 4, np.nan, 5], list("aabbbb"), [1, 2, 1, 3, 2, 4])
    assert (found.participants, found.unrated, found.generated + found.real) == (("a",), 1, 2)
    assert [one.participant for one in found.left_out] == ["b"]


@pytest.mark.parametrize(
    ("people", "images", "truth", "code", "fact"),
    [
        ("aab", [7, 7, 7], "ggg", "repeated-stimulus", "row 2, 3"),
        ("aba", [7, 8, 9], "gr", "unequal-lengths", "2 truths, but rating has 3"),
        ("ab", [7, 8, 9], "grg", "unequal-lengths", "3 truths, but participant has 2"),
        ("aba", [7, 8], "grg", "unequal-lengths", "3 truths, but stimulus_id has 2"),
        (["a", None, "a"], [7, 8, 9], "grg", "missing-value", "participant is missing (row 3)"),
        ("aba", [7, 8, np.nan], "grg", "missing-value", "stimulus_id is missing (row 4)"),
        ("aab", ["x", "y", "x"], "grr", "contradictory-truth", "row 2, 4"),
    ],
)
def test_faulty_columns_are_refused(
    people: str, images: list[Any], truth: str, code: str, fact: str, refuses: Any
) -> None:
    words = [{"g": "generated", "r": "real"}[letter] for letter in truth]
    with refuses(code) as caught:
        readings.from_columns(words, [1, 2, 3], list(people), images)
    assert fact in str(caught.value)
