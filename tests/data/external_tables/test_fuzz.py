"""Whatever is in a file, it is read or refused in one line; and how a table is written down does not matter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping
from data.external_tables.read import TrialTable, read_external_table
from data.trials import TRUTHS

NAMES = ["participant", "truth", "response", "confidence", "stimulus_id", "session", "trial", "rating", "response_time",
         "correct", "role", "Subject", "key_resp.keys", "RT", "Réponse", " truth ", ""]  # fmt: skip
WORDS = ["real", "generated", "fake", "1", "2", "3", "0", "-1", "NA", "nan", "inf", "1e400", "1,234", "1.5", "2,5", "",
         " ", "P1", "p1", "P01", "12", "12.0", "1.234,5", "=1+1", "True", "n/a", "None", "é", "王", "a\nb", 'say "x"',
         ";", "\t", "\x00", "1;2", "999", "-999", "main", "50%", "01/02/2026"]  # fmt: skip
cells = st.one_of(st.sampled_from(WORDS), st.text(max_size=6), st.integers(-5, 120).map(str))
pytestmark = pytest.mark.slow
quiet = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(path: Path, mapping: TableMapping | None = None) -> TrialTable | str:
    """What was read, or the message of the refusal; anything else is a fault of the program."""
    try:
        return read_external_table(path, mapping=mapping)
    except LookalikeError as error:
        return str(error)


def is_sound(found: TrialTable | str) -> bool:
    """Whether a table holds only what analyses take, or a message is one line."""
    if isinstance(found, str):
        return len(found.splitlines()) == 1 and "Traceback" not in found
    trials = found.trials
    numbers = trials[["confidence", "response_time"]].to_numpy(dtype=float)
    return (
        bool(trials["truth"].isin(TRUTHS).all())
        and bool(trials["response"].dropna().isin(TRUTHS).all())
        and not np.isinf(numbers).any()
        and bool((trials["trial"] >= 1).all())
        and not any("\n" in note for note in (*found.notes, *found.doubts))
    )


@quiet
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=7),
    rows=st.lists(st.lists(cells, max_size=8), max_size=8),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    quoted=st.booleans(),
)
def test_any_cells(tmp_path: Path, names: list[str], rows: list[list[str]], separator: str, quoted: bool) -> None:
    def line(row: list[str]) -> str:
        return separator.join(f'"{cell}"' if quoted else cell for cell in row)

    path = tmp_path / "table.csv"
    path.write_bytes("\n".join(map(line, [names, *rows])).encode("utf-8", "surrogatepass"))
    found = outcome(path)
    assert is_sound(found), found


@quiet
@given(data=st.data())
def test_cells_at_fault_in_a_good_table(tmp_path: Path, study: pd.DataFrame, data: st.DataObject) -> None:
    table = study.copy()
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(table) - 1)), data.draw(st.integers(0, table.shape[1] - 1))
        table.iloc[place] = data.draw(cells)
    path = tmp_path / "table.csv"
    path.write_bytes(table.to_csv(index=False).encode("utf-8", "surrogatepass"))
    found = outcome(path)
    assert is_sound(found), found


@quiet
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=120).map(lambda text: text.encode("utf-16"))),
    suffix=st.sampled_from([".csv", ".txt", ".tsv", ".xlsx", ".json", ".imrmc", ".dat", ""]),
    start=st.sampled_from([b"", b"PK\x03\x04", b"\xef\xbb\xbf", b"\xff\xfe", b"[{", b"BEGIN DATA:\n", b"NR 2\n"]),
)
def test_any_bytes(tmp_path: Path, content: bytes, suffix: str, start: bytes) -> None:
    path = tmp_path / f"table{suffix}"
    path.write_bytes(start + content)
    found = outcome(path)
    assert is_sound(found), found


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
    max_leaves=12,
)


@quiet
@given(content=values)
def test_any_json(tmp_path: Path, content: object) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(content))
    found = outcome(path)
    assert is_sound(found), found


@quiet
@given(
    words=st.dictionaries(cells, cells, max_size=3),
    columns=st.dictionaries(st.sampled_from(["truth", "response", "participant"]), st.sampled_from(NAMES), max_size=2),
    missing=st.lists(cells, max_size=2),
    middle=st.one_of(st.none(), st.floats(-10, 10)),
)
def test_any_options(
    tmp_path: Path, study: pd.DataFrame, words: dict[str, str], columns: dict[str, str], missing: list[str],
    middle: float | None,
) -> None:  # fmt: skip
    path = tmp_path / "table.csv"
    study.to_csv(path, index=False)
    try:
        mapping = TableMapping(columns, words, missing=tuple(missing), rating={"middle": middle})
    except (LookalikeError, ValueError):  # pydantic's, of a mapping made in a notebook
        return
    assert is_sound(outcome(path, mapping))


@quiet
@given(data=st.data())
def test_how_a_table_is_written_does_not_matter(
    tmp_path: Path, study: pd.DataFrame, clean: TrialTable, data: st.DataObject
) -> None:
    columns = data.draw(st.permutations(list(study.columns)))
    separator = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    lines = study[columns].to_csv(index=False, sep=separator).splitlines()
    for place in sorted(data.draw(st.lists(st.integers(1, len(lines) - 1), max_size=3)), reverse=True):
        lines.insert(place, data.draw(st.sampled_from(["", "  ", separator * (len(columns) - 1)])))
    if data.draw(st.booleans()):
        lines[0] = separator.join(f" {name} " for name in lines[0].split(separator))
    if data.draw(st.booleans()):
        lines = ["Answers of the pilot", "", *lines]
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    path = tmp_path / "table.csv"
    path.write_bytes(end.join(lines).encode(data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))))
    found = outcome(path)
    assert isinstance(found, TrialTable), found
    pd.testing.assert_frame_equal(found.trials[study.columns], clean.trials[study.columns])
