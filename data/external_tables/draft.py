"""A draft of an import file for a table: what was recognised, and a line to fill in for what was not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping
from data.external_tables.names import FILE, resolve
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
_MORE_HINT = "# What follows is for tables that need it: remove the # of a line, and of its heading, to use it."
# Sections after the words: what their heading says, and their lines.
_SECTIONS = {
    "order": (
        "words from the lowest to the highest",
        'confidence = ["Guess", "Fairly sure", "Sure"]',
        'session = ["pre", "post"]',
    ),
    "rows": ("only rows with one of these words", '"Their column" = ["main task"]'),
    "rating": ("a column from surely real to surely generated", "middle = 3.5", 'high = "generated"'),
    "file": (
        "how the file is written",
        'encoding = "cp1251"',
        'separator = ";"',
        'decimal = ","',
        "header_row = 3",
        'sheet = "Sheet1"',
        'program = "none"                        # or psychopy, jspsych, opensesame, gorilla, qualtrics, eprime, mrmc',
        'participant = "P[0-9]+"                 # the id in the names of files, a regular expression',
    ),
    "wide": (
        "a row per participant, a column per question and image",
        'pattern = "{stimulus_id}_{field}"       # {stimulus_id}, {field}, {truth}, {trial}, {session}',
        'images = "images.csv"                   # stimulus_id and truth, beside the table',
    ),
}


def draft_import(source: Path | Sequence[Path], kind: str = DEFAULT_TASK, mapping: TableMapping | None = None) -> str:
    """The text of an import file for the first table of a source.

    Raises `LookalikeError` if there is no table, or it cannot be read as one.
    """
    mapping, asked = mapping or TableMapping(), find(kind)
    table = tables_of(Path(source) if isinstance(source, (str, Path)) else list(source))[0][0]
    export = long_table(read_export(table.path, mapping), mapping)
    cells = export.sheet.cells
    ours = external_columns(asked)
    by_file = {name: theirs for name, theirs in mapping.columns.items() if theirs == FILE}
    columns = {name: theirs for name, theirs in mapping.columns.items() if theirs != FILE}
    found, _ = resolve(export.sheet, mapping.model_copy(update={"columns": columns}), ours, export.columns)
    found |= by_file
    lines = [
        f"# How to read {table.path.name}: lookalike analyze {table.path.name} --import THIS_FILE --out results",
        f"# Its program: {export.program or 'not known'}. Its columns, and what they hold:",
        *(f"#   {name}: {_words(cells[name])}" for name in cells.columns),
        "",
    ]
    first = dict(_FIRST)
    given = mapping.model_dump(exclude_defaults=True)
    first |= {name: f"{name} = {_toml(given[name])}" for name in first if name in given}
    lines += [_HINT, *first.values(), ""]
    lines += ["[columns]                               # our column = theirs"]
    lines += [
        f"{name} = {_toml(found[name])}" if name in found else f'# {name} = "..."'
        for name in ours
        if name not in mapping.ignore
    ]
    answers = (asked.shown_column, asked.answer_column) if asked.vocabularies else ()
    if asked.vocabularies:
        vocabulary = [word for pair in asked.vocabularies for word in pair]
        for name in answers:
            if name in found and name not in by_file and cells[found[name]].nunique() <= 20:
                lines += ["", f"[words.{name}]                          # their word = ours"]
                words = {
                    key.partition(":")[2]: word for key, word in export.words.items() if key.startswith(f"{name}:")
                }
                lines += _word_lines(cells[found[name]], found[name], vocabulary, {**words, **mapping.words_of(name)})
    for name in ours:
        if name not in answers and (words := mapping.words_of(name, all_columns=False)):
            lines += ["", f"[words.{name}]", *(f"{_toml(word)} = {_toml(meant)}" for word, meant in words.items())]
    return "\n".join([*lines, "", _MORE_HINT, *_sections(given)])


def _sections(given: Mapping[str, Any]) -> Iterator[str]:
    """The lines of `_SECTIONS`: those that were given as settings, the rest as comments."""
    for name, (about, *examples) in _SECTIONS.items():
        settings = given.get(name, {})
        yield f"{'' if settings else '# '}[{name}]".ljust(42) + f"# {about}"
        yield from (f"{_toml(key)} = {_toml(value)}" for key, value in settings.items())
        yield from (f"# {line}" for line in examples if line.partition(" = ")[0] not in settings)
        yield ""


def _words(column: pd.Series) -> str:
    words = column.dropna().unique()
    shown = ", ".join(" ".join(word.split())[:30] for word in words[:_SHOWN])
    return shown + (f", ... ({len(words)} different)" if len(words) > _SHOWN else "")


def _word_lines(column: pd.Series, theirs: str, vocabulary: Sequence[str], words: dict[str, str]) -> list[str]:
    written = column.dropna().drop_duplicates()
    meant = translated(written, theirs, vocabulary, words)
    return [
        f"{_toml(word)} = {_toml(ours)}"
        if ours in vocabulary
        else f"# {_toml(word)} = {_toml(' or '.join(vocabulary[:2]))}"
        for word, ours in zip(written, meant, strict=True)
    ]


def _toml(value: object) -> str:
    """A value or key as TOML has it: for strings, numbers and lists JSON's rules are TOML's."""
    return json.dumps(value, ensure_ascii=False)


def write_draft(path: Path, text: str) -> None:
    """Write a draft to a new file. Raises `LookalikeError` if there is one."""
    if path.exists():
        raise LookalikeError("occupied", f"{path}: exists already and is never overwritten; choose another name")
    path.write_text(text, encoding="utf-8")
