"""Participants, sessions and trials as others write them."""

from __future__ import annotations

import pandas as pd
import pytest

from data.external_tables.mapping import TableMapping
from data.external_tables.numbering import merged_participants, trial_numbers


@pytest.mark.parametrize("other", ["p02", " P02 ", "Ｐ02", "p02\u200b"])
def test_ids_that_differ_in_writing_only_are_one_and_told(read, is_clean, study, other):
    table = study.assign(participant=[*study["participant"][:-3], *[other] * 3])
    found = read(table)
    is_clean(found)
    assert any("02' for 'P02'" in note for note in found.notes) == (other.strip() != "P02")


def test_ids_that_may_be_two_people_are_refused(read, study, refuses):
    table = study.replace({"participant": {"Zoé": "p02"}})
    with refuses("ambiguous-participant") as caught:
        read(table)
    assert "'p02' and 'P02'" in str(caught.value)
    apart = read(table.drop(columns=["stimulus_id", "trial"]))
    assert set(apart.trials["participant"]) == {"p02"} or set(apart.trials["participant"]) == {"P02"}


def test_accents_that_are_encoded_in_two_ways_are_one():
    merged, notes = merged_participants(pd.Series(["Zoé", "Zoe\u0301", "Zoé"]))
    assert set(merged) == {"Zoé"}
    assert len(notes) == 1


def test_ids_that_differ_in_zeros_or_signs_are_told_and_kept_apart():
    merged, notes = merged_participants(pd.Series(["P1", "P01", "P10", "P2", "P-2"]))
    assert set(merged) == {"P1", "P01", "P10", "P2", "P-2"}
    assert notes == [
        "participants 'P1' and 'P01' are taken as different people",
        "participants 'P2' and 'P-2' are taken as different people",
    ]


def test_numbers_as_ids_are_the_same_with_a_decimal(read, study):
    table = study.assign(participant=["12"] * 5 + ["12.0"] * 3 + ["007"] * 8)
    assert set(read(table).trials["participant"]) == {"12", "007"}
    versions = study.assign(participant=["v1.0"] * 8 + ["v1"] * 8)
    assert set(read(versions).trials["participant"]) == {"v1.0", "v1"}


@pytest.mark.parametrize("rare", ["zoé", "Zoe\u0301"])
def test_the_writing_that_is_kept_does_not_follow_from_how_often_it_is_there(rare):
    for names in (["Zoé", rare, rare], [rare, "Zoé", "Zoé"]):
        assert set(merged_participants(pd.Series(names))[0]) == {"Zoé"}


def twice(study: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([study, study], ignore_index=True)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1", "2"),
        ("001", "002"),
        ("1.0", "2.0"),
        ("ses-01", "ses-02"),
        ("Visit 1", "Visit 2"),
        ("S1", "S2"),
        ("0", "1"),
    ],
)
def test_sessions_in_any_writing(read, study, first, second):
    found = read(twice(study).assign(session=[first] * 16 + [second] * 16))
    assert found.trials["session"].value_counts().to_dict() == {1: 16, 2: 16}
    assert ("1 was added" in " ".join(found.notes)) == (first == "0")


def test_sessions_in_words(read, study, refuses):
    table = twice(study).assign(session=["pre"] * 16 + ["post"] * 16)
    for mapping in (
        TableMapping(order={"session": ["pre", "post"]}),
        TableMapping(words={"session:pre": "1", "session:post": "2"}),
    ):
        found = read(table, mapping=mapping).trials
        assert found.groupby("session").size().to_dict() == {1: 16, 2: 16}
    with refuses("not-a-whole-number") as caught:
        read(table)
    assert "session is 'pre' (row 2)" in str(caught.value)
    assert "--words session:pre=...,session:post=..." in str(caught.value)
    with refuses("not-a-whole-number") as caught:
        read(study.assign(session=["1"] * 15 + [""]))
    assert "session is missing (row 17)" in str(caught.value)


@pytest.mark.parametrize(
    "renumber",
    [
        lambda n: n - 1,
        lambda n: n / 2,
        lambda n: (n - 1) % 4,
        lambda n: (n - 1) % 4 + 1,
        lambda n: n.where(n != 3),
        lambda n: n * 10.0,
        lambda n: "trial_0" + n.astype(str),
    ],
    ids=["from 0", "halves", "begin anew from 0", "begin anew from 1", "one missing", "tens", "with a word"],
)
def test_trials_are_in_order_whatever_their_numbers(read, clean, study, renumber):
    found = read(study.assign(trial=renumber(study["trial"].astype(int)))).trials
    assert found["stimulus_id"].tolist() == clean.trials["stimulus_id"].tolist()


def test_trials_from_0_are_counted_from_1_in_their_order_not_in_that_of_the_rows(read, is_clean, study):
    lower = study.assign(trial=study["trial"].astype(int) - 1).sample(frac=1, random_state=1)
    is_clean(read(lower))


@pytest.mark.parametrize(
    ("trials", "code"),
    [
        ([1, 2, 2, 3], "repeated-trial"),
        ([1, 2, 3, 3], "repeated-trial"),
        ([5, 6, 5, 6], "repeated-trial"),
        ([1, 2, "x", 4], "not-a-whole-number"),
    ],
)
def test_numbers_that_are_slips_are_refused(refuses, trials, code):
    table = pd.DataFrame({"participant": "a", "session": 1, "trial": [str(n) for n in trials]}, dtype=object)
    table.index = pd.RangeIndex(2, 6, name="row")
    with refuses(code) as caught:
        trial_numbers(table, "t.csv")
    assert "ignore" in str(caught.value)


def test_a_column_can_be_ignored(read, clean, study):
    found = read(study.assign(trial="first"), mapping=TableMapping(ignore=["trial"]))
    assert found.filled["trial"] == "the order of the rows"
    assert found.trials["trial"].tolist() == clean.trials["trial"].tolist()


@pytest.mark.parametrize(("first", "second"), [("pre1", "post1"), ("A1", "B1")])
def test_sessions_of_the_same_number_in_other_words_are_refused_not_joined(read, study, refuses, first, second):
    both = pd.concat([study.assign(session=first), study.assign(session=second)])
    with refuses("not-a-whole-number") as caught:
        read(both)
    assert f"--words session:{first}=1,session:{second}=2" in str(caught.value)
    words = {f"session:{first}": "1", f"session:{second}": "2"}
    assert read(both, mapping=TableMapping(words=words)).trials["session"].value_counts().to_dict() == {1: 16, 2: 16}
    with_prefix = pd.concat([study.iloc[:8].assign(session="1"), study.iloc[8:].assign(session="ses-01")])
    assert set(read(with_prefix).trials["session"]) == {1}


@pytest.mark.parametrize("column", ["participant", "stimulus_id"])
@pytest.mark.parametrize("word", ["6.12346E+11", "6,12346E+11", "5E+23"])
def test_ids_that_a_spreadsheet_shortened_are_refused(read, study, refuses, column, word):
    with refuses("shortened-id") as caught:
        read(study.assign(**{column: [word, *study[column][1:]]}), sep=";")
    assert f"{column} is {word!r} (row 2)" in str(caught.value)
    assert "export the table again" in str(caught.value)
