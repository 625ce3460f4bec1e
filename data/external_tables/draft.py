"""A draft of an import file for a table: what was recognised, and a line to fill in for what was not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping
from data.external_tables.names import resolve
from data.external_tables.programs.registry import read_export
from data.external_tables.read import external_columns
from data.external_tables.sources import tables_of
from data.external_tables.values import translated
from data.external_tables.wide import long_table
from data.kinds.registry import find
from data.shipped import DEFAULT_TASK

_SHOWN = 6  # words of a column that a comment lists
_HINT = "# For tables that need it: remove the # of a line to use it. More such lines are at the end."
_FIRST = {
    "missing": '# missing = ["-1", "confidence:999"]      # no answer',
    "time_unit": '# time_unit = "ms"',
    "ignore": '# ignore = ["trial"]                      # columns of ours that are not to be read',
}  # settings without a heading come first in TOML
_MORE = """
# What follows is for tables that need it: remove the # of a line, and of its heading, to use it.
# [order]                                 # words from the lowest to the highest
# confidence = ["Guess", "Fairly sure", "Sure"]
# session = ["pre", "post"]

# [rows]                                  # only rows with one of these words
# "Their column" = ["main task"]

# [rating]                                # a column from surely real to surely generated
# middle = 3.5
# high = "generated"

# [file]
# encoding = "cp1251"
# separator = ";"
# decimal = ","
# header_row = 3
# sheet = "Sheet1"
# program = "none"                        # or psychopy, jspsych, opensesame, gorilla, qualtrics, eprime, mrmc
# participant = "P[0-9]+"                 # the id in the names of files, a regular expression

# [wide]                                  # a row per participant, a column per question and image
# pattern = "{stimulus_id}_{field}"       # {stimulus_id}, {field}, {truth}, {trial}, {session}
# images = "images.csv"                   # stimulus_id and truth, beside the table
"""


def draft_import(source: Path | Sequence[Path], kind: str = DEFAULT_TASK, mapping: TableMapping | None = None) -> str:
    """The text of an import file for the first table of a source.

    Raises `LookalikeError` if there is no table, or it cannot be read as one.
    """
    mapping, asked = mapping or TableMapping(), find(kind)
    table = tables_of(Path(source) if isinstance(source, (str, Path)) else list(source))[0][0]
    export = long_table(read_export(table.path, mapping), mapping)
    cells = export.sheet.cells
    ours = external_columns(asked)
    found, _ = resolve(export.sheet, mapping, ours, export.columns)
    lines = [
        f"# How to read {table.path.name}: lookalike analyze {table.path.name} --import THIS_FILE --out results",
        f"# Its program: {export.program or 'not known'}. Its columns, and what they hold:",
        *(f"#   {name}: {_words(cells[name])}" for name in cells.columns),
        "",
    ]
    first = dict(_FIRST)
    if mapping.missing:
        first["missing"] = f"missing = {json.dumps(list(mapping.missing), ensure_ascii=False)}"
    lines += [_HINT, *first.values(), ""]
    lines += ["[columns]                               # our column = theirs"]
    lines += [
        f"{name} = {_quoted(found[name])}" if name in found else f'# {name} = "..."'
        for name in ours
        if name not in mapping.ignore
    ]
    if asked.vocabularies:
        vocabulary = [word for pair in asked.vocabularies for word in pair]
        for name in (asked.shown_column, asked.answer_column):
            if name in found and cells[found[name]].nunique() <= 20:
                lines += ["", f"[words.{name}]                          # their word = ours"]
                words = {
                    key.partition(":")[2]: word for key, word in export.words.items() if key.startswith(f"{name}:")
                }
                lines += _word_lines(cells[found[name]], found[name], vocabulary, {**words, **mapping.words_of(name)})
    return "\n".join(lines) + "\n" + _MORE


def _words(column: pd.Series) -> str:
    words = column.dropna().unique()
    shown = ", ".join(" ".join(word.split())[:30] for word in words[:_SHOWN])
    return shown + (f", ... ({len(words)} different)" if len(words) > _SHOWN else "")


def _word_lines(column: pd.Series, theirs: str, vocabulary: Sequence[str], words: dict[str, str]) -> list[str]:
    written = column.dropna().drop_duplicates()
    meant = translated(written, theirs, vocabulary, words)
    return [
        f"{_quoted(word)} = {_quoted(ours)}"
        if ours in vocabulary
        else f"# {_quoted(word)} = {_quoted(' or '.join(vocabulary[:2]))}"
        for word, ours in zip(written, meant, strict=True)
    ]


def _quoted(word: str) -> str:
    """A TOML string: JSON's rules are TOML's."""
    return json.dumps(word, ensure_ascii=False)


def write_draft(path: Path, text: str) -> None:
    """Write a draft to a new file. Raises `LookalikeError` if there is one."""
    if path.exists():
        raise LookalikeError("occupied", f"{path}: exists already and is never overwritten; choose another name")
    path.write_text(text, encoding="utf-8")
