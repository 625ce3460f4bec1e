"""The import file: what it may say, what it refuses, and the draft that a command writes."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from data.external_tables.draft import draft_import, write_draft
from data.external_tables.mapping import TableMapping, read_import, with_options
from data.external_tables.read import read_external_table

WHOLE = """
missing = ["NA", -1, "confidence:999"]
ignore = "trial"
time_unit = "ms"

[columns]
participant = "Subj"
response = "Key"

[words]
maybe = "real"

[words.response]
1 = "real"
"yes, fake" = "generated"

[order]
confidence = ["Guess", "Sure"]

[rows]
Phase = "main"
Block = [1, 2]

[rating]
middle = 3.5
high = "real"

[file]
encoding = "utf-16"
separator = "\\t"

[wide]
pattern = "{stimulus_id}_{field}"
"""


@pytest.fixture
def toml(tmp_path: Path):
    def write(text: str) -> Path:
        (tmp_path / "import.toml").write_text(text, encoding="utf-8")
        return tmp_path / "import.toml"

    return write


def test_every_setting_is_read(toml):
    found = read_import(toml(WHOLE))
    assert found.columns == {"participant": "Subj", "response": "Key"}
    assert found.words_of("response") == {"maybe": "real", "1": "real", "yes, fake": "generated"}
    assert found.words_of("truth") == {"maybe": "real"}
    assert found.missing_in("confidence") == {"NA", "-1", "999"}
    assert found.missing_in("truth") == {"NA", "-1"}
    assert (found.ignore, found.time_unit) == (("trial",), "ms")
    assert found.order == {"confidence": ("Guess", "Sure")}
    assert found.rows == {"Phase": ("main",), "Block": ("1", "2")}
    assert (found.rating.middle, found.rating.high) == (3.5, "real")
    assert (found.file.encoding, found.file.separator, found.wide.pattern) == ("utf-16", "\t", "{stimulus_id}_{field}")


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("[colums]\na = 'b'", "unknown-setting", "'columns'"),
        ("[file]\nencodng = 'x'", "unknown-setting", "'encoding'"),
        ("time_unit = 'min'", "bad-setting", "time_unit"),
        ("[rating]\nhigh = 'fake'", "bad-setting", "rating.high"),
        ("[columns", "not-toml", "import.toml"),
    ],
)
def test_what_is_no_setting_is_refused(toml, refuses, text, code, told):
    with refuses(code) as caught:
        read_import(toml(text))
    assert told in str(caught.value)


def test_a_missing_file_says_how_to_get_one(tmp_path, refuses):
    with refuses("no-such-file") as caught:
        read_import(tmp_path / "import.toml")
    assert "--write-import" in str(caught.value)


def test_options_win_over_the_file(toml):
    file = read_import(toml(WHOLE))
    both = with_options(file, {"response": "Said"}, {"maybe": "generated"}, ["x"], {"Phase": ("test",)}, 4.5)
    assert both.columns == {"participant": "Subj", "response": "Said"}
    assert both.words_of("truth") == {"maybe": "generated"}
    assert both.missing[-1] == "x"
    assert both.rows == {"Phase": ("test",), "Block": ("1", "2")}
    assert (both.rating.middle, both.rating.high) == (4.5, "real")
    assert with_options(file, {}, {}) == file


@pytest.mark.parametrize(
    "mapping",
    [
        TableMapping({"answer": "x"}),
        TableMapping(order={"answer": ["a", "b"]}),
        TableMapping(ignore=["answer"]),
        TableMapping(words={"loop:a": "b"}),
        TableMapping(missing=["target_deg:-1"]),
    ],
)
def test_columns_that_are_none_of_ours_are_refused(read, study, refuses, mapping):
    with refuses("unknown-column"):
        read(study, mapping=mapping)


def test_a_draft_of_a_table_that_is_understood_reads_it(tmp_path, study, is_clean, toml):
    theirs = study.rename(columns={"participant": "Subj", "truth": "IsFake", "response": "answer"})
    theirs["IsFake"] = theirs["IsFake"].map({"real": "0", "generated": "1"})
    theirs["answer"] = theirs["answer"].replace({"generated": "fake"})
    theirs.to_csv(tmp_path / "theirs.csv", index=False)
    text = draft_import(tmp_path / "theirs.csv")
    assert 'participant = "Subj"' in text
    assert '"1" = "generated"' in text
    is_clean(read_external_table(tmp_path / "theirs.csv", mapping=read_import(toml(text))))


def test_a_draft_has_a_line_for_all_that_is_not_understood(tmp_path, study, is_clean, toml):
    odd = study.rename(columns={"truth": "what", "response": "Key", "participant": "Code"})
    odd = odd.replace({"what": {"real": "a", "generated": "b"}, "Key": {"real": "f", "generated": "j"}})
    odd.to_csv(tmp_path / "odd.csv", index=False)
    text = draft_import(tmp_path / "odd.csv", mapping=TableMapping({"response": "Key"}))
    for line in (
        '# participant = "..."',
        '# truth = "..."',
        'response = "Key"',
        '# "f" = "generated or real"',
        "#   Key: j, f",
    ):
        assert line in text
    text = text.replace('# participant = "..."', 'participant = "Code"').replace('# truth = "..."', 'truth = "what"')
    text = text.replace('# "f" = "generated or real"', '"f" = "real"').replace(
        '# "j" = "generated or real"', '"j" = "generated"'
    )
    text += '[words.truth]\na = "real"\nb = "generated"\n'
    is_clean(read_external_table(tmp_path / "odd.csv", mapping=read_import(toml(text))))


def test_every_line_of_a_draft_can_be_used(tmp_path, study, toml):
    """Where it stands: a setting without a heading must not come below one."""
    study.to_csv(tmp_path / "t.csv", index=False)
    text = draft_import(tmp_path / "t.csv")
    used = re.sub(r'^# (?=\[\w+\]|(?:\w+|"Their column") = (?!"\.\.\."))', "", text, flags=re.MULTILINE)
    found = read_import(toml(used))
    assert found.missing == ("-1", "confidence:999")
    assert (found.time_unit, found.ignore) == ("ms", ("trial",))
    assert found.columns["participant"] == "participant"
    assert found.order["session"] == ("pre", "post")
    assert found.rating.middle == 3.5
    assert found.wide.pattern == "{stimulus_id}_{field}"


def test_a_draft_replaces_no_file(tmp_path, refuses):
    write_draft(tmp_path / "a.toml", "x")
    with refuses("occupied"):
        write_draft(tmp_path / "a.toml", "y")
    assert (tmp_path / "a.toml").read_text() == "x"


@pytest.fixture
def wide(tmp_path: Path, study: pd.DataFrame) -> Path:
    """A row per participant; columns such as im1_answer and im1_conf."""
    rows = []
    for who, part in study.groupby("participant", sort=False):
        row = {"participant": who, "age": "40"}
        for trial in part.to_dict("records"):
            row |= {
                f"{trial['stimulus_id']}_answer": trial["response"],
                f"{trial['stimulus_id']}_conf": trial["confidence"],
            }
        rows.append(row)
    pd.DataFrame(rows).to_csv(tmp_path / "wide.csv", index=False)
    study[["stimulus_id", "truth"]].drop_duplicates().to_csv(tmp_path / "images.csv", index=False)
    return tmp_path / "wide.csv"


def wide_mapping(**change: str) -> TableMapping:
    wide = {"pattern": "{stimulus_id}_{field}", "images": "images.csv", **change}
    return TableMapping({"response": "answer", "confidence": "conf"}, wide=wide)


def test_a_row_per_participant(wide, clean):
    found = read_external_table(wide, mapping=wide_mapping()).trials.sort_values(["participant", "stimulus_id"])
    right = clean.trials.sort_values(["participant", "stimulus_id"])
    answered = right[right["response"].notna()]
    assert found["response"].tolist() == answered["response"].tolist()
    assert found["confidence"].tolist() == answered["confidence"].tolist()
    assert found["truth"].tolist() == answered["truth"].tolist()


def test_the_truth_in_the_columns_names(tmp_path):
    (tmp_path / "w.csv").write_text("participant,real_01,real_02,fake_07\na,1,2,6\nb,3,1,5\n")
    found = read_external_table(
        tmp_path / "w.csv", mapping=TableMapping({"rating": "response"}, wide={"pattern": "{truth}_{stimulus_id}"})
    )
    assert found.trials.groupby("truth").size().to_dict() == {"generated": 2, "real": 4}
    assert found.trials["response"].tolist().count("generated") == 2


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"pattern": "{field}"}, "bad-setting", "{stimulus_id}"),
        ({"pattern": "{stimulus_id}_{fild}"}, "bad-setting", "{stimulus_id}"),
        ({"pattern": "Q{stimulus_id}:{field}"}, "missing-column", "no column fits"),
        ({"images": "nowhere.csv"}, "no-such-file", "nowhere.csv"),
    ],
)
def test_patterns_that_do_not_fit(wide, refuses, change, code, told):
    with refuses(code) as caught:
        read_external_table(wide, mapping=wide_mapping(**change))
    assert told in str(caught.value)


def test_an_image_that_the_table_of_images_lacks(wide, refuses):
    images = wide.with_name("images.csv")
    images.write_text("\n".join(images.read_text().splitlines()[:-1]))
    with refuses("unknown-image"):
        read_external_table(wide, mapping=wide_mapping())


@pytest.mark.parametrize("name", ["RT (ms)", "rt_ms", "Response Time [msec]", "rtMs", "RT.milliseconds"])
def test_a_name_may_say_that_times_are_in_milliseconds(read, study, is_clean, name):
    in_ms = study["response_time"].map(lambda time: str(1000 * float(time)) if time else "")
    is_clean(read(study.drop(columns="response_time").assign(**{name: in_ms})))


@pytest.mark.parametrize("name", ["RT (s)", "rt_sec", "reaction time, seconds"])
def test_a_name_may_say_that_times_are_in_seconds(read, study, is_clean, name):
    is_clean(read(study.rename(columns={"response_time": name})))


def test_seconds_under_a_name_that_says_milliseconds_are_told(read, study, is_clean):
    named = study.rename(columns={"response_time": "RT (ms)"})
    (doubt,) = read(named).doubts
    assert "too short for an answer" in doubt
    is_clean(read(named, mapping=TableMapping(time_unit="s")))


def test_a_draft_keeps_what_was_given(tmp_path, study):
    path, file = tmp_path / "P7.csv", tmp_path / "import.toml"
    study.to_csv(path, index=False)
    given = TableMapping(
        {"participant": "{file}", "response": "response"},
        {"response:f": "real", "confidence:Guess": "1"},
        missing=("-1", "confidence:999"),
        order={"session": ("pre", "post")},
        rows={"truth": ("real", "generated")},
        ignore=("onset",),
        rating={"middle": 3.5, "high": "real"},
        time_unit="ms",
        file={"encoding": "utf-8", "separator": ",", "header_row": 1, "participant": "P[0-9]+"},
    )
    file.write_text(draft_import(path, mapping=given), encoding="utf-8")
    again = read_import(file)
    for name in ("missing", "order", "rows", "ignore", "rating", "time_unit", "file"):
        assert getattr(again, name) == getattr(given, name)
    assert again.columns["participant"] == "{file}"
    assert again.words["confidence:Guess"] == "1"
