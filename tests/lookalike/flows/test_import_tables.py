"""Options that say how a table is to be read, as they are typed."""

from __future__ import annotations

import pytest

from lookalike.console import pairs
from lookalike.flows.import_tables import mapping_of


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", {}),
        ("  ", {}),
        ("a=b", {"a": "b"}),
        (" a = b , c d=e f ", {"a": "b", "c d": "e f"}),
        ("A: real=real,truth:B: x=generated", {"A: real": "real", "truth:B: x": "generated"}),
        ('"Yes, real"=real,"a=b"=generated', {"Yes, real": "real", "a=b": "generated"}),
        ('response:"Yes, real"=real', {"response:Yes, real": "real"}),
        ('"a ""quoted"" word"=real', {'a "quoted" word': "real"}),
        ('truth="Is it, really?"', {"truth": "Is it, really?"}),
    ],
)
def test_pairs_with_and_without_quotation_marks(typed, meant):
    assert pairs(typed, "--words") == meant


@pytest.mark.parametrize("typed", ["a", "a=", "=b", "a=b=c", "a=b,", '"a=b', ","])
def test_what_is_no_pair_is_refused(typed, refuses):
    with refuses("bad-mapping") as caught:
        pairs(typed, "--words")
    assert "--words" in str(caught.value)


def test_all_options_become_one_mapping(tmp_path):
    (tmp_path / "import.toml").write_text(
        'time_unit = "s"\n[columns]\nparticipant = "Subj"\n[words.truth]\n1 = "generated"\n'
    )
    found = mapping_of(
        tmp_path / "import.toml", "response=Key", "j=generated", '-1,"a, b",confidence:9', "Phase=main|test", 3.5, "ms"
    )
    assert found.columns == {"participant": "Subj", "response": "Key"}
    assert found.words == {"truth:1": "generated", "j": "generated"}
    assert found.missing == ("-1", "a, b", "confidence:9")
    assert found.rows == {"Phase": ("main", "test")}
    assert (found.rating.middle, found.time_unit) == (3.5, "ms")


def test_missing_words_that_cannot_be_read(refuses):
    with refuses("bad-mapping"):
        mapping_of(None, "", "", '"a')
