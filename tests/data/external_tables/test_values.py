"""Words, numbers and missing values: what is understood, what is told, and what each refusal advises."""

from __future__ import annotations

import pandas as pd
import pytest

from data.external_tables.mapping import TableMapping
from data.external_tables.read import read_external_table
from data.external_tables.values import numbers, translated


@pytest.mark.parametrize(
    "word", ["NA", "N/A", "NaN", "nan", "None", "null", "NULL", "undefined", "#N/A", "<NA>", "n/a", "  "]
)
def test_usual_words_for_no_answer(read, is_clean, study, word):
    is_clean(read(study.replace({"": word})))


@pytest.mark.parametrize("word", ["-1", "-1.0", "999", "missed", "-", "."])
def test_other_words_for_no_answer(read, is_clean, study, refuses, word):
    table = study.replace({"": word})
    is_clean(read(table, mapping=TableMapping(missing=[word])))
    with refuses("unknown-word") as caught:
        read(table)
    assert repr(word) in str(caught.value)
    assert "(row 14)" in str(caught.value)
    assert "--missing" in str(caught.value)


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u2009", "\u202f", "'", "’"])
@pytest.mark.parametrize("point", [".", ","])
def test_groups_of_thousands_that_can_be_nothing_else(read, is_clean, study, blank, point):
    written = study["response_time"].map(
        lambda time: f"{float(time) * 1000:,.1f}".replace(".", point if point != "," else "_").replace(",", blank)
        .replace("_", ",") if time else time
    )  # fmt: skip
    is_clean(read(study.assign(response_time=written), mapping=TableMapping(time_unit="ms")))


@pytest.mark.parametrize("time", ["1028ms", "00:00:01.028", "1 02 8", "1'0280"])
def test_a_time_with_its_unit_is_no_missing_answer(read, study, refuses, time):
    with refuses("not-a-number") as caught:
        read(study.assign(response_time=[time, *study["response_time"][1:]]))
    assert "response_time is" in str(caught.value)
    assert "write times as plain numbers" in str(caught.value)


def test_a_word_for_no_answer_in_one_column_is_an_answer_in_others(read, study):
    table = study.assign(confidence=study["confidence"].replace({"1": "9"}), trial=study["trial"].replace({"8": "9"}))
    found = read(table, mapping=TableMapping(missing=["confidence:9"])).trials
    assert found["confidence"].isna().sum() == (table["confidence"] == "9").sum() + 1
    assert found["trial"].max() == 9


def test_what_is_named_as_a_word_is_an_answer(read, is_clean, study):
    table = study.assign(response=study["response"].replace({"generated": "None", "real": "NA"}))
    is_clean(read(table, mapping=TableMapping(words={"None": "generated", "NA": "real"})))


@pytest.mark.parametrize(
    ("real", "generated"),
    [
        ("Real", "Generated"),
        ("REAL", "FAKE"),
        ("genuine", "synthetic"),
        ("Authentic", "AI-generated"),
        ("real ", "gan"),
    ],
)
def test_words_in_other_cases_and_usual_words(read, is_clean, study, real, generated):
    is_clean(read(study.replace({"real": real, "generated": generated})))


@pytest.mark.parametrize(
    ("column", "real", "generated"),
    [("IsFake", "0", "1"), ("is_generated", "FALSE", "TRUE"), ("is_real", "1", "0"), ("isAI", "no", "yes")],
)
def test_a_column_that_says_itself_what_one_means(read, is_clean, study, column, real, generated):
    table = study.assign(truth=study["truth"].map({"real": real, "generated": generated}))
    found = read(table.rename(columns={"truth": column}))
    is_clean(found)
    assert any(f"truth = '{column}'" in note for note in found.notes)


def test_numbers_say_nothing_by_themselves(read, study, refuses):
    with refuses("unknown-word") as caught:
        read(study.assign(truth=study["truth"].map({"real": "0", "generated": "1"})))
    assert "truth is '1' (also '0')" in str(caught.value)
    assert "--words truth:1=...,truth:0=..." in str(caught.value)


WORDS = {
    "A: real": "real", "B: fake": "generated", "truth:1": "generated", "truth:0": "real",
}  # fmt: skip


def test_words_with_colons_and_words_of_one_column(read, is_clean, study):
    table = study.assign(
        truth=study["truth"].map({"real": "0", "generated": "1"}),
        response=study["response"].map({"real": "A: real", "generated": "b: FAKE", "": ""}),
    )
    is_clean(read(table, mapping=TableMapping(words=WORDS)))


def test_numbers_are_the_same_however_they_are_written(read, is_clean, study):
    table = study.assign(truth=study["truth"].map({"real": "0.0", "generated": "1.0"}))
    is_clean(read(table, mapping=TableMapping(words={"truth:1": "generated", "truth:0": "real"})))


SCALE = ["Guess", "Somewhat sure", "Sure", "Very sure"]


def test_confidence_in_words(read, is_clean, study, refuses):
    table = study.assign(confidence=study["confidence"].map(lambda n: n and SCALE[int(n) - 1]))
    is_clean(read(table, mapping=TableMapping(order={"confidence": SCALE})))
    words = {f"confidence:{word}": str(place) for place, word in enumerate(SCALE, 1)}
    is_clean(read(table, mapping=TableMapping(words=words)))
    with refuses("not-a-number") as caught:
        read(table)
    assert "--words 'confidence:" in str(caught.value)
    assert all(word in str(caught.value) for word in SCALE)


@pytest.mark.parametrize("label", ["{} - {}", "{}: {}", "{} ({})", "{}. {}", "{} = {}"])
def test_labels_with_their_numbers(read, is_clean, study, label):
    is_clean(read(study.assign(confidence=study["confidence"].map(lambda n: n and label.format(n, SCALE[int(n) - 1])))))


def test_labels_that_share_a_number_are_words(read, study, refuses):
    with refuses("not-a-number"):
        read(study.assign(confidence=[f"{1 + n % 2} - {n % 3}x" for n in range(16)]))


def test_roles_in_other_words(read, study, refuses):
    table = study.assign(role=["Test"] * 14 + ["warm-up"] * 2)
    found = read(table, mapping=TableMapping(words={"role:test": "main", "role:warm-up": "practice"}))
    assert found.trials["role"].value_counts().to_dict() == {"main": 14, "practice": 2}
    with refuses("unknown-word") as caught:
        read(table)
    assert "role is 'Test' (row 2)" in str(caught.value)


def test_rows_are_kept_by_a_word_of_another_column(read, is_clean, study, refuses):
    extra = study.assign(stimulus_id="p" + study["stimulus_id"], trial="99", Phase="Practice").iloc[:3]
    extra["trial"] = ["97", "98", "99"]
    table = pd.concat([study.assign(Phase="Main"), extra])
    is_clean(read(table, mapping=TableMapping(rows={"Phase": "main"})))
    with refuses("empty-table") as caught:
        read(table, mapping=TableMapping(rows={"Phase": "test"}))
    assert "'Main', 'Practice'" in str(caught.value)
    with refuses("missing-column"):
        read(table, mapping=TableMapping(rows={"Phases": "Main"}))


def test_rows_of_other_things_are_left_out_and_counted(read, is_clean, study):
    other = pd.DataFrame(
        {"participant": ["Zoé", "P02", None], "key_instr": ["space", "space", None], "note": [None, None, "mean: 3"]}
    )
    found = read(pd.concat([other.iloc[:1], study, other.iloc[1:]]))
    is_clean(found)
    assert "3 rows without an image and an answer were left out" in found.notes


def test_a_trial_without_truth_or_participant_is_no_other_thing(read, study, refuses):
    table = study.copy()
    table.loc[3, "truth"] = ""
    with refuses("missing-value") as caught:
        read(table)
    assert "truth is missing (row 5)" in str(caught.value)
    table = study.copy()
    table.loc[3, "participant"] = ""
    with refuses("missing-value") as caught:
        read(table)
    assert "participant is missing (row 5)" in str(caught.value)


def test_times_in_milliseconds(read, is_clean, study):
    slow = study.assign(response_time=study["response_time"].map(lambda time: time and str(1000 * float(time))))
    is_clean(read(slow, mapping=TableMapping(time_unit="ms")))
    assert any("looks like milliseconds" in note and "--time-unit ms" in note for note in read(slow).doubts)
    assert not any("milliseconds" in note for note in read(study).doubts)


def test_a_number_below_0_is_told(read, study):
    found = read(study.assign(response_time=["-0.5", *study["response_time"][1:]]))
    assert any("response_time is below 0 in 1 row (first row 2)" in note for note in found.doubts)


def test_a_column_is_named_twice(read, study, refuses):
    doubled = pd.concat([study, study[["response"]].rename(columns={"response": "confidence"})], axis=1)
    with refuses("repeated-column") as caught:
        read(doubled)
    assert "'confidence'" in str(caught.value)


def test_other_names_are_taken_and_told(read, is_clean, study):
    theirs = {"participant": "Subj_idx", "stimulus_id": "Image File", "truth": "ground_truth", "response_time": "RT"}
    found = read(study.rename(columns={**theirs, "confidence": "Conf", "session": "Visit", "trial": "TrialNumber"}))
    is_clean(found)
    (told,) = (note for note in found.notes if note.startswith("columns taken by their names"))
    assert "participant = 'Subj_idx'" in told
    assert "stimulus_id = 'Image File'" in told


def test_our_names_and_named_columns_come_before_usual_ones(read, is_clean, study):
    is_clean(read(study.assign(subject="x", image="y", rt="3", conf="9", score="1")))
    shuffled = study.rename(columns={"truth": "response", "response": "truth"})
    is_clean(read(shuffled, mapping=TableMapping({"truth": "response", "response": "truth"})))


def test_image_files_and_truths_are_found_by_what_they_are(read, clean, study):
    table = study.assign(stimulus_id="img/" + study["stimulus_id"] + ".png").replace({"truth": {"generated": "fake"}})
    found = read(table.rename(columns={"stimulus_id": "shown", "truth": "source"}))
    assert found.trials["truth"].tolist() == clean.trials["truth"].tolist()
    assert found.trials["stimulus_id"].iloc[0].endswith(".png")
    assert sum("whose cells" in note for note in found.notes) == 2


@pytest.mark.parametrize("mark", [("1", "0"), ("True", "False"), ("1.0", "0.0")])
def test_keys_are_understood_from_which_were_right(read, is_clean, study, mark):
    right = (
        (study["truth"] == study["response"]).map({True: mark[0], False: mark[1]}).where(study["response"] != "", "")
    )
    keys = study["response"].map({"real": "f", "generated": "j", "": ""})
    found = read(study.assign(response=keys, correct=right))
    is_clean(found)
    assert any("'f' = real" in note and "'j' = generated" in note for note in found.notes)
    swapped = keys.mask(study["participant"] == "P02", keys.map({"f": "j", "j": "f", "": ""}))
    found = read(study.assign(response=swapped, correct=right))
    is_clean(found)
    assert any("differ between participants" in note for note in found.notes)
    is_clean(read(study.drop(columns="response").assign(correct=right)))


def test_keys_that_contradict_what_was_right_are_refused(read, study, refuses):
    right = (study["truth"] == study["response"]).astype(int).astype(str)
    with refuses("unknown-word"):
        read(study.assign(response=["f", "j"] * 8, correct=right))


def test_numbers_name_the_word_the_row_and_the_cure(refuses):
    column = pd.Series(
        ["1.5", "12", "−3", ".5", "1e3", "fast", None], index=pd.Index(range(2, 9), name="row"), dtype=object
    )
    with refuses("not-a-number") as caught:
        numbers(column, "response_time", "t.csv", "the cure")
    assert "t.csv: response_time is 'fast' (row 7), not a number; the cure" in str(caught.value)
    assert numbers(column.drop(7), "x", "t.csv", "").tolist()[:5] == [1.5, 12, -3, 0.5, 1000]


def test_a_column_that_is_partly_in_percent_is_refused(read, study, refuses):
    """A program that shows shares in percent stores 50% as .5, so 50 and .5 would be different confidences."""
    partly = study["confidence"].replace({"2": "50%"})
    with refuses("not-a-number") as caught:
        read(study.assign(confidence=partly))
    first = partly.tolist().index("50%") + 2
    assert f"confidence is '50%' (row {first}), and '" in str(caught.value)
    assert "write all in percent, or none" in str(caught.value)


def test_a_word_of_theirs_wins_over_ours():
    column = pd.Series(["real", "generated", "Fake"], dtype=object)
    found = translated(column, "Key", ("real", "generated"), {"real": "generated", "generated": "real"})
    assert found.tolist() == ["generated", "real", "generated"]


@pytest.mark.parametrize("separator", [",", "\t", "|"])
def test_a_comma_that_may_part_thousands_is_refused(tmp_path, refuses, separator):
    """1,234 beside 987 is no decimal comma; as one it would be a thousandth of the time."""
    rows = [["participant", "truth", "response", "rt"], ["a", "real", "real", '"1,234"'], ["a", "fake", "real", "987"]]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(separator.join(row) for row in rows))
    with refuses("not-a-number") as caught:
        read_external_table(path)
    assert "'1,234' (row 2), which may be thousands" in str(caught.value)
    times = read_external_table(path, mapping=TableMapping(file={"decimal": ","})).trials["response_time"]
    assert times.tolist() == [1.234, 987]
    path.write_text(path.read_text().replace("987", '"0,5"'))
    assert read_external_table(path).trials["response_time"].tolist() == [1.234, 0.5]


@pytest.mark.parametrize("word", ["inf", "-Infinity", "1e999"])
def test_a_rating_without_end_is_refused(read, study, refuses, word):
    """No middle lies between it and the others, so that every answer would be the same."""
    table = study.drop(columns=["response", "confidence"]).assign(rating=["1", word, *["2"] * (len(study) - 2)])
    with refuses("not-a-number") as caught:
        read(table)
    assert f"--missing rating:{word}" in str(caught.value)


def test_words_for_correct_are_known_or_refused(read, study, refuses):
    table = study[study["response"] != ""].drop(columns=["response", "confidence"])
    right = study.loc[table.index, "truth"].eq(study.loc[table.index, "response"])
    expected = study.loc[table.index, "response"]
    for yes, no in (("1", "0"), ("1.00", "0,00"), ("TRUE", "FALSE"), ("Right", "wrong")):
        found = read(table.assign(correct=right.map({True: yes, False: no}))).trials
        assert sorted(found["response"]) == sorted(expected)
    told = table.assign(correct=right.map({True: "hit", False: "miss"}))
    with refuses("unknown-word") as caught:
        read(told)
    assert "--words correct:" in str(caught.value)
    words = {"correct:hit": "1", "correct:miss": "0"}
    assert sorted(read(told, mapping=TableMapping(words=words)).trials["response"]) == sorted(expected)


def test_a_column_of_correct_answers_that_contradicts_the_answers_is_told(read, study):
    right = study["truth"].eq(study["response"]).map({True: "1", False: "0"})
    assert not any("contradicts" in note for note in read(study.assign(correct=right)).notes)
    wrong = right.replace({"1": "0", "0": "1"})
    (note,) = [note for note in read(study.assign(correct=wrong)).notes if "contradicts" in note]
    assert note.startswith("in 15 rows (first row 2)")  # all but the missed one


def test_words_that_no_cell_holds_are_told(read, is_clean, study):
    given = {"REAL": "real", "f": "real", "role:prac": "practice", "confidence:1.0": "1", "confidence:7": "2"}
    found = read(study, mapping=TableMapping(words=given))
    is_clean(found)
    (note,) = [note for note in found.notes if "no cell" in note]
    assert note.startswith("no cell holds 'confidence:7', 'f', 'role:prac', which --words")


def test_a_word_in_one_of_several_files_is_used(study, tmp_path):
    for who, part in study.groupby("participant"):
        key = {"Zoé": "j", "P02": "k"}[who]
        part.replace({"response": {"generated": key}}).to_csv(tmp_path / f"{who}.csv", index=False)
    found = read_external_table(tmp_path, mapping=TableMapping(words={"j": "generated", "k": "generated", "l": "real"}))
    assert [note for note in found.notes if note.startswith("no cell holds 'l', which")]


@pytest.mark.parametrize("rating", [None, "3"])
def test_a_middle_without_ratings_is_refused(read, study, refuses, rating):
    table = study if rating is None else study.assign(rating=rating)
    with refuses("unused-option"):
        read(table, mapping=TableMapping(rating={"middle": 3}))
