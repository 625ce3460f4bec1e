"""How a table from elsewhere is to be read: names of columns, words, missing values, scales; as a TOML file too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from data.errors import LookalikeError
from data.settings import Section, read_settings


class RatingScale(Section):
    """One rating column in place of an answer and a confidence."""

    middle: float | None = Field(
        None, description="ratings above it say generated; by default half-way along the scale"
    )
    high: Literal["generated", "real"] = Field("generated", description="what the largest rating means")


class FileSettings(Section):
    """How the file itself is written; all of it is found out where it is not said."""

    encoding: str = Field("", description="such as cp1251, shift_jis or mac_roman")
    separator: str = Field("", description="between cells: , or ; or | or a tab, written \\t")
    decimal: Literal["", ".", ","] = Field("", description="decimal point or comma")
    header_row: int = Field(0, ge=0, description="row of the column names, from 1")
    sheet: str = Field("", description="sheet of a workbook")
    program: str = Field("", description="program that wrote the table, or none to read it as it is")
    participant: str = Field("", description="regular expression: the participant's id in the name of each file")


class WideTable(Section):
    """A table with one row per participant and a column per question and image."""

    pattern: str = Field("", description="column names such as {stimulus_id}_{field} or {field}.{stimulus_id}")
    images: str = Field("", description="table of the images beside this file, with stimulus_id and truth")


class TableMapping(Section):
    """How an external table names what Lookalike names otherwise, and how its cells are to be read.

    Attributes
    ----------
    columns : mapping of str to str
        Our column to theirs, for those that differ.
    words : mapping of str to str
        Their word to ours. A key `column:word`, with our name of the column, is for that column alone; a key without
        one is for truth, response and role.
    missing : tuple of str
        Words and numbers that mean "no answer", besides empty cells, n/a, NA, NaN, None, null; `column:word` is for
        one column.
    order : mapping of str to tuple of str
        For confidence, session or rating in words: the words from the lowest to the highest.
    rows : mapping of str to tuple of str
        Their column to the words of the rows to keep.
    ignore : tuple of str
        Our columns that are not to be read.
    people : tuple of str
        Their columns that describe participants, such as expertise.
    rating : RatingScale
        The middle and the direction of a rating column.
    time_unit : {"", "s", "ms"}
        Unit of all times; by default s, or that of the program that wrote the table.
    file, wide : FileSettings, WideTable
        How the file is written, and how its columns become rows.

    Examples
    --------
    >>> from data import TableMapping
    >>> mapping = TableMapping({"response": "Key"}, {"j": "generated", "f": "real", "truth:1": "generated"})
    >>> mapping.columns, mapping.words_of("response")
    ({'response': 'Key'}, {'j': 'generated', 'f': 'real'})
    """

    columns: dict[str, str] = Field({}, description="our column = theirs")
    words: dict[str, str] = Field({}, description="their word = ours")
    missing: tuple[str, ...] = Field((), description="words and numbers that mean no answer")
    order: dict[str, tuple[str, ...]] = Field({}, description="words of a column from the lowest to the highest")
    rows: dict[str, tuple[str, ...]] = Field({}, description="their column = words of the rows to keep")
    ignore: tuple[str, ...] = Field((), description="our columns that are not to be read")
    people: tuple[str, ...] = Field((), description="their columns that describe participants, such as expertise")
    rating: RatingScale = RatingScale()
    time_unit: Literal["", "s", "ms"] = ""
    file: FileSettings = FileSettings()
    wide: WideTable = WideTable()

    def __init__(
        self, columns: Mapping[str, str] | None = None, words: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        BaseModel.__init__(self, columns=dict(columns or {}), words=dict(words or {}), **more)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        """Lists become tuples, one word a list of one, numbers words, and `[words.response]` keys with a column."""
        if not isinstance(given, dict):
            return given
        given = dict(given)
        for name in ("missing", "ignore", "people"):
            if name in given:
                given[name] = _texts(given[name])
        for name in ("order", "rows"):
            if isinstance(given.get(name), dict):
                given[name] = {key: _texts(value) for key, value in given[name].items()}
        if isinstance(given.get("words"), dict):
            flat: dict[str, Any] = {}
            for key, value in given["words"].items():
                nested = isinstance(value, dict)
                flat |= (
                    {f"{key}:{word}": _text(ours) for word, ours in value.items()} if nested else {key: _text(value)}
                )
            given["words"] = flat
        return given

    def words_of(self, column: str, all_columns: bool = True) -> dict[str, str]:
        """Their word to ours in one of our columns; with `all_columns` also those that name no column."""
        prefix, found = f"{column}:", {}
        if all_columns:
            found = {key: word for key, word in self.words.items() if column_of(key) is None}
        return found | {key.removeprefix(prefix): word for key, word in self.words.items() if key.startswith(prefix)}

    def missing_in(self, column: str) -> set[str]:
        """The words that mean "no answer" in one of our columns, besides the usual ones."""
        prefix = f"{column}:"
        return {word for word in self.missing if column_of(word) is None} | {
            word.removeprefix(prefix) for word in self.missing if word.startswith(prefix)
        }


OUR_COLUMNS = (
    *("participant", "session", "trial", "role", "after_gap", "stimulus_id", "stim_file", "truth", "response"),
    *("confidence", "rating", "response_time", "confidence_time", "onset", "loop", "target_deg", "response_deg"),
    *("observer", "correct", "condition"),
)


def read_import(path: Path) -> TableMapping:
    """Read an import file: a TOML file with the settings of `TableMapping`.

    Raises `LookalikeError` if it is missing, is not TOML, or names a setting that there is not.
    """
    cure = "no such import file; 'lookalike analyze TABLE --write-import import.toml' writes one to start from"
    return read_settings(path, TableMapping, cure)[0]


def with_options(
    mapping: TableMapping,
    columns: Mapping[str, str],
    words: Mapping[str, str],
    missing: Iterable[str] = (),
    rows: Mapping[str, tuple[str, ...]] | None = None,
    middle: float | None = None,
) -> TableMapping:
    """A mapping with what was given on the command line, which wins over the import file."""
    rating = mapping.rating if middle is None else mapping.rating.model_copy(update={"middle": middle})
    return mapping.model_copy(
        update={
            "columns": {**mapping.columns, **columns},
            "words": {**mapping.words, **words},
            "missing": (*mapping.missing, *missing),
            "rows": {**mapping.rows, **(rows or {})},
            "rating": rating,
        }
    )


def refuse_unknown(mapping: TableMapping, names: tuple[str, ...]) -> None:
    """Raise `LookalikeError` for a column that is not one of ours, `names`."""
    for setting, given in (("order", mapping.order), ("ignore", mapping.ignore), ("columns", mapping.columns)):
        for name in given:
            if name not in names:
                raise LookalikeError(
                    "unknown-column", f"{setting}: {name!r} is not a column of ours; they are {', '.join(names)}"
                )
    for key in (*mapping.words, *mapping.missing):
        column = column_of(key)
        if column is not None and column not in names:
            raise LookalikeError(
                "unknown-column", f"{key!r}: this kind of task has no column {column!r}; it has {', '.join(names)}"
            )


def column_of(key: str) -> str | None:
    """The column of a key `column:word`; None if what stands before the colon is not a column of ours."""
    column, colon, _ = key.partition(":")
    return column if colon and column in OUR_COLUMNS else None


def _texts(value: Any) -> Any:
    if isinstance(value, (str, int, float)):
        value = (value,)
    return tuple(_text(one) for one in value) if isinstance(value, (list, tuple)) else value


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, (int, float)) else value
