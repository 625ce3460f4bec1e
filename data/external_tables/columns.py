"""Which of their columns is which of ours: by what the user says, the program, usual names, and what cells hold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from data.external_tables.mapping import TableMapping
from data.external_tables.names import column_list, refuse_missing, resolve
from data.external_tables.programs.export import IMAGE_FILE, Export
from data.external_tables.scales import settle_ratings
from data.external_tables.values import USUAL_WORDS, without_missing
from data.kinds.kind import Kind
from data.trials import OBSERVERS, SESSION_FACTS


def columns_of(
    export: Export, kind: Kind[Any, Any], mapping: TableMapping, by_file: bool, unnamed: bool
) -> tuple[dict[str, str], list[str]]:
    """Our column to theirs. Raises `LookalikeError` for what is needed and missing.

    `by_file` says whether participants are named by files, `unnamed` whether nothing but a column can name them.
    """
    sheet = export.sheet
    # What cells hold is asked of answers; NA and the like are none.
    cells = sheet.cells.apply(lambda column: without_missing(column, "", mapping))
    rated = kind.single_images
    more = ("rating", "condition") if rated else ()
    ours = ("participant", "session", *kind.fields, "after_gap", *more, "correct", "observer")
    asked = mapping
    if by_file:
        others = {name: theirs for name, theirs in mapping.columns.items() if name != "participant"}
        asked = mapping.model_copy(update={"columns": others, "ignore": (*mapping.ignore, "participant")})
    columns, told = resolve(sheet, asked, ours, export.columns)
    said = list(told)
    if "participant" not in columns and "observer" in columns and not kinds_of_observer(cells[columns["observer"]]):
        columns["participant"] = columns.pop("observer")  # Dr. M.
        said.append(f"participant = {columns['participant']!r}")
    if rated and "stimulus_id" not in {*columns, *mapping.ignore}:
        said += _take_images(columns, cells)
    if rated and "truth" not in columns:
        if "condition" in columns and "condition" not in mapping.columns and _holds_truths(cells[columns["condition"]]):
            del columns["condition"]
        worded = [name for name in cells.columns if name not in columns.values() and _holds_truths(cells[name])]
        if len(worded) == 1:
            columns["truth"] = worded[0]
            said.append(f"truth = {worded[0]!r}, whose cells say what each image is")
    if rated:
        settle_ratings(columns, cells, mapping)
    lacking = [name for name in kind.required if name not in columns and name != "stimulus_id"]
    if "rating" in columns:
        lacking = [name for name in lacking if name != "response"]
    if "response" in lacking and "correct" in columns and kind.vocabularies:
        lacking.remove("response")  # it follows from truth and correct
    if unnamed and "participant" not in columns:
        lacking.insert(0, "participant")
    shown = [columns[name] for name in ("stimulus_id", kind.shown_column) if name in columns]
    if "stimulus_id" in columns and cells[shown].isna().all(axis=None):
        lacking = []  # no trial, so nothing to know of it
    refuse_missing(sheet.path, lacking, cells)
    return columns, [*said, *_unrated(export, columns, mapping)] if rated else said


def _take_images(columns: dict[str, str], cells: pd.DataFrame) -> list[str]:
    """Add the column that names the images, if there is one, and say so: BIDS's `stim_file`, or one of image files."""
    if "stim_file" in columns:
        columns["stimulus_id"] = columns["stim_file"]
        return [f"stimulus_id = {columns['stim_file']!r}"]
    files = [name for name in cells.columns if name not in columns.values() and _holds_images(cells[name])]
    if len(files) != 1:
        return []
    columns["stimulus_id"] = files[0]
    return [f"stimulus_id = {files[0]!r}, whose cells name image files"]


def _unrated(export: Export, columns: dict[str, str], mapping: TableMapping) -> list[str]:
    """What to say of a table without confidences that may hold them under a name of its own."""
    if {"confidence", "rating"} & {*columns, *mapping.ignore}:
        return []
    used = {*columns.values(), *mapping.rows, *SESSION_FACTS}
    cells = export.sheet.cells
    unused = [name for name in cells.columns if name not in used and len(cells[name].dropna().unique()) > 1]
    if not unused:
        return []
    return [
        f"no column is taken for confidence; if one holds it, name it with --columns confidence=...; not used: "
        f"{column_list(unused)}"
    ]


def _holds_images(column: pd.Series) -> bool:
    given = column.dropna()
    return bool(len(given)) and len(given.unique()) > 1 and given.str.fullmatch(IMAGE_FILE).all()


def _holds_truths(column: pd.Series) -> bool:
    words = {word.casefold() for word in column.dropna().unique()}
    return bool(words) and words <= set(USUAL_WORDS) and {USUAL_WORDS[word] for word in words} == {"real", "generated"}


def kinds_of_observer(column: pd.Series) -> bool:
    """Whether a column says, in our words, who answered: human, scripted or simulated."""
    words = column.dropna().str.casefold()
    return bool(len(words)) and bool(words.isin(OBSERVERS).all())
