"""Which ids are one person's, which may be, and what is told."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.external_tables.ids import (
    canonical_id,
    merged_note,
    one_writing,
    perhaps_same_person,
    same_person,
    whole_number,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12", "12.0"),
        ("12", "12,00"),
        ("12", " 12\u00a0"),
        ("12", "１２"),
        ("12", "١٢"),
        ("p01", "P01"),
        ("P 01", "p01"),
        ("Ann  Lee", "ann lee"),
        ("Zoé", "ZOE\u0301"),
        ("P1", "Ｐ１\u200b"),
        ("Straße", "STRASSE"),
    ],
)
def test_one_person(one, other):
    assert same_person(one) == same_person(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("P-1", "P1"), ("P_1", "P-1"), ("12", "012"), ("1-23", "1 23"), ("AnnLee", "Ann Lee"), ("P.1", "P-01")],
)
def test_perhaps_one_person(one, other):
    assert same_person(one) != same_person(other)
    assert (perhaps_same_person(one) == perhaps_same_person(other)) == ("Lee" not in one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 23", "12 3"),
        ("1-23", "12-3"),
        ("Li Na", "Lin A"),
        ("v1.0", "v1"),
        ("12.5", "125"),
        ("कि", "कु"),
        ("-", "+"),
    ],
)
def test_two_people(one, other):
    assert same_person(one) != same_person(other)
    assert perhaps_same_person(one) != perhaps_same_person(other)


@given(NAMES)
def test_writing_again_changes_nothing(name):
    once = same_person(name)
    assert same_person(once) == once
    assert whole_number(whole_number(name)) == whole_number(name)


@given(NAMES, st.sampled_from(["", " ", "\u3000", "\t"]), st.sampled_from(["NFC", "NFD"]))
def test_blanks_around_and_how_accents_are_encoded_never_make_another_person(name, blank, form):
    assert same_person(f"{blank}{unicodedata.normalize(form, name)}{blank}") == same_person(name)


@given(st.integers(0, 10**9), st.integers(1, 6), st.sampled_from(".,"))
def test_whole_numbers_with_decimals(number, places, point):
    assert same_person(f"{number}{point}{'0' * places}") == same_person(str(number))


@given(st.lists(st.sampled_from(["a1", "A1", "A 1", "12", "12.0", "１２", "012", "P-1", "P1", "p1"]), min_size=1))
def test_a_person_has_one_writing_whatever_the_order(names):
    kept = one_writing(names)
    shuffled = random.Random(0).sample(names, len(names))
    assert kept == one_writing(shuffled)
    for one in names:
        assert kept[one] in names
        for other in names:
            assert (kept[one] == kept[other]) == (same_person(one) == same_person(other))


def test_what_was_merged_is_told_of_three_and_counted():
    assert merged_note("patients", one_writing(["P1", "P2"])) == []
    assert merged_note("patients", one_writing(["12.0", "12", "P1"])) == [
        "patients written in several ways were taken for one: '12.0' for '12'"
    ]
    (note,) = merged_note("patients", one_writing([f"{case}{n}" for n in range(5) for case in "pP"]))
    assert note.endswith("'p0' for 'P0'; 'p1' for 'P1'; 'p2' for 'P2'; and 2 more")


def test_one_number_in_two_writings_that_judged_one_image_may_be_two_people(read, study, refuses):
    with refuses("ambiguous-participant") as caught:
        read(study.replace({"participant": {"Zoé": "12", "P02": "12.0"}}))
    assert "'12' and '12.0'" in str(caught.value)


@given(st.lists(NAMES, min_size=2, max_size=2))
def test_two_writings_lead_to_one_id_just_where_they_are_one_person(names):
    one, other = names
    assert (canonical_id(one) == canonical_id(other)) == (same_person(one) == same_person(other))
    assert canonical_id(canonical_id(one)) == canonical_id(one)


@pytest.mark.parametrize("name", ["P_00001", "P_02115", "MDB001", "12", "00012", "A-1"])
def test_an_id_in_capitals_stays_as_it_is(name):
    assert canonical_id(name) == name


@pytest.mark.parametrize(("one", "other"), [("I1", "ı1"), ("ss", "ſß")])
def test_capitals_make_no_two_people_one(one, other):
    assert canonical_id(one) != canonical_id(other)
