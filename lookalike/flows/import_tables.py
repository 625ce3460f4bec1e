"""How tables of other programs are to be read: the import file and the options of a command, as one mapping."""

from __future__ import annotations

import csv
from pathlib import Path

from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping, read_import, with_options
from lookalike.console import pairs


def mapping_of(
    file: Path | None,
    columns: str,
    words: str,
    missing: str = "",
    rows: str = "",
    middle: float | None = None,
    unit: str | None = None,
) -> TableMapping:
    """The import file's settings, and those of the options, which win. Raises `LookalikeError`."""
    mapping = TableMapping() if file is None else read_import(file)
    wanted: dict[str, tuple[str, ...]] = {
        name: tuple(value.split("|")) for name, value in pairs(rows, "--rows").items()
    }
    mapping = with_options(
        mapping, pairs(columns, "--columns"), pairs(words, "--words"), _listed(missing), wanted, middle
    )
    return mapping if unit is None else mapping.model_copy(update={"time_unit": unit})


def _listed(text: str) -> tuple[str, ...]:
    """Words with commas between; one with a comma in quotation marks."""
    if not text:
        return ()
    try:
        (words,) = csv.reader([text], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        raise LookalikeError("bad-mapping", f"--missing is {text!r}; write words with commas, such as NA,-1") from None
    return tuple(word.strip() for word in words if word.strip())
