"""Tables with one row per participant and a column per question and image, as surveys export them, made long."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.mapping import OUR_COLUMNS, TableMapping
from data.external_tables.programs.export import Export
from data.files import read_table

_PLACE = re.compile(r"\{(\w+)\}")
_PARTS = ("stimulus_id", "field", "truth", "trial", "session")


def long_table(export: Export, mapping: TableMapping) -> Export:
    """One row per participant and image, if `mapping.wide` has a pattern of the columns' names; else as it is.

    Raises `LookalikeError` if the pattern is not one or fits no column, or the table of images lacks one.
    """
    wide, sheet = mapping.wide, export.sheet
    if not wide.pattern:
        return export
    names = _PLACE.findall(wide.pattern)
    if "stimulus_id" not in names or set(names) - set(_PARTS) or len(set(names)) < len(names):
        raise LookalikeError(
            "bad-setting",
            f"wide.pattern is {wide.pattern!r}; it needs {{stimulus_id}}, and may have {{field}}, {{truth}}, {{trial}} "
            "and {session}, each once",
        )
    pieces = _PLACE.split(wide.pattern)
    expression = re.compile(
        "".join(f"(?P<{piece}>.+?)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
    )
    found = [(name, match.groupdict()) for name in sheet.cells.columns if (match := expression.fullmatch(name))]
    if not found:
        there = ", ".join(map(str, sheet.cells.columns[:25]))
        raise LookalikeError(
            "missing-column", f"{sheet.path}: no column fits wide.pattern {wide.pattern!r}; it has {there}"
        )
    rest = [name for name in sheet.cells.columns if name not in {name for name, _ in found}]
    trials: dict[tuple[str, ...], dict[str, pd.Series]] = {}
    for name, parts in found:
        field = parts.pop("field", "response")
        trials.setdefault(tuple(parts.items()), {})[field] = sheet.cells[name]  # type: ignore[arg-type]
    long = pd.concat(
        [sheet.cells[rest].assign(**{**dict(key), **columns}) for key, columns in trials.items()]  # type: ignore[arg-type]
    ).rename_axis("row")
    long = long.astype(object).where(long.notna(), None)
    if wide.images:
        long = _with_images(long, sheet.path.parent / wide.images)
    asked = [
        theirs
        for ours, theirs in mapping.columns.items()
        if ours in ("response", "confidence", "rating") and theirs in long
    ]
    answers = asked or [name for name in ("response", "rating") if name in long]
    if answers:
        long = long[long[answers].notna().any(axis=1)]  # images that a participant was not shown
    ours = {name: name for name in OUR_COLUMNS if name in long and name in (*_PARTS, "response")}
    return replace(
        export, sheet=replace(sheet, cells=long.sort_index(kind="stable")), columns={**export.columns, **ours}
    )


def _with_images(long: pd.DataFrame, path: object) -> pd.DataFrame:
    images = read_table(path, ("stimulus_id", "truth"), text=("stimulus_id", "truth"))  # type: ignore[arg-type]
    truths = dict(zip(images["stimulus_id"], images["truth"], strict=True))
    unknown = long.loc[~long["stimulus_id"].isin(list(truths)), "stimulus_id"]
    if len(unknown):
        raise LookalikeError("unknown-image", f"{path}: has no row for stimulus_id {unknown.iloc[0]!r}; add it")
    return long.assign(truth=long["stimulus_id"].map(truths))
