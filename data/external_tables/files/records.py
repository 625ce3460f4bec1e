"""JSON records: lists of objects, objects of lists, one on each line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.external_tables.files.sheet import Sheet, as_typed, sheet_of
from data.external_tables.files.text import decoded


def read_records(path: Path, content: bytes, known: frozenset[str]) -> Sheet:
    """JSON records as a sheet: a list of objects, an object of lists, or such a list on each line (JATOS).

    A cell that holds an object of one value is that value; other objects become columns `name.key`.
    """
    text, notes = decoded(path, content)
    records = list(_records(path, _parsed(path, text)))
    if not records:
        raise LookalikeError("empty-table", f"{path}: holds no record; it needs one per trial")
    flat = [_flat(record) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    # A record has no header row: the first is row 1.
    table = sheet_of(
        path, [names, *([record.get(name, "") for name in names] for record in flat)], known, 1, notes=notes
    )
    cells = table.cells.set_axis(table.cells.index - 1, axis=0).rename_axis("row")
    return Sheet(path, cells, notes=table.notes, repeated=table.repeated)


def _parsed(path: Path, text: str) -> list[Any]:
    text = text.lstrip("\ufeff")
    try:
        return [json.loads(text)]
    except RecursionError:
        raise LookalikeError("not-json", f"{path}: is nested too deeply; it needs a record per trial") from None
    except json.JSONDecodeError as whole:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise LookalikeError("not-json", f"{path}: not readable as JSON ({whole}); export it again") from None


def _records(path: Path, parsed: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    for one in parsed:
        if isinstance(one, list):
            yield from _records(path, one)
        elif isinstance(one, dict):
            lists = [value for value in one.values() if isinstance(value, list)]
            if len(lists) == 1 and lists[0] and all(isinstance(row, dict) for row in lists[0]):
                about = {name: value for name, value in one.items() if value is not lists[0]}
                yield from ({**about, **row} for row in lists[0])
            elif _is_split(one):
                yield from (dict(zip(one["columns"], row, strict=False)) for row in one["data"])
            elif _is_of_columns(one):  # pandas' default: by column, then by row
                yield from ({name: values.get(row) for name, values in one.items()} for row in next(iter(one.values())))
            elif one and len(lists) == len(one) and len({len(value) for value in lists}) == 1:
                yield from (dict(zip(one, row, strict=True)) for row in zip(*lists, strict=True))
            else:
                yield one
        else:
            raise LookalikeError("not-json", f"{path}: holds {one!r} where a record {{...}} is needed")


def _is_split(one: Mapping[str, Any]) -> bool:
    """Whether an object holds names of columns and rows of cells, as pandas writes them."""
    columns, rows = one.get("columns"), one.get("data")
    return isinstance(columns, list) and isinstance(rows, list) and all(isinstance(row, list) for row in rows)


def _is_of_columns(one: Mapping[str, Any]) -> bool:
    """Whether an object holds columns, each an object with the same rows."""
    columns = list(one.values())
    return len(columns) > 1 and all(
        isinstance(column, dict) and column.keys() == columns[0].keys() for column in columns
    )


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, dict) and len(value) == 1:
            (value,) = value.values()
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = json.dumps(value) if isinstance(value, list) else as_typed(value)
    return flat
