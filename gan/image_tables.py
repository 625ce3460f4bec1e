"""Folders of images that were made, each with its hash in a table: how they are read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.files import inside, read_json, read_table, sha256


def read_image_table(
    folder: Path, name: str, format_: str, columns: tuple[str, ...], text: tuple[str, ...], again: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table `<name>.csv`, whose images are as they were made, and what `<name>.json` says of them.

    `text` are the columns that hold no numbers, and `again` is what cures a missing or altered image. Raises
    `LookalikeError` if a file is missing, altered or of another format.
    """
    about = read_json(folder / f"{name}.json")
    if about.get("format") != format_:
        raise LookalikeError(
            "wrong-format", f"{folder / f'{name}.json'}: format is {about.get('format')!r}, expected {format_!r}"
        )
    table = read_table(folder / f"{name}.csv", columns, text=text)
    for row in table.itertuples():
        path = inside(folder, row.file, f"{folder / f'{name}.csv'}: row {row.Index + 2}")
        if not path.is_file():
            raise LookalikeError("missing-file", f"{path}: named in {name}.csv but missing; {again}")
        if sha256(path) != row.sha256:
            raise LookalikeError("altered-file", f"{path}: altered since it was made; {again}")
    return table, about
