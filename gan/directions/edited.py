"""Edited images on disk: images, codes, and a table that names the source, direction and amount of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, sha256, write_json, write_table
from data.shipped import VERSION
from gan.checkpoint import Model
from gan.codes import ImageCode, images_of, read_codes, write_codes
from gan.directions.edit import Direction, edit
from gan.image_tables import read_image_table
from stimuli.export import write_sheet
from stimuli.images import write_png

FORMAT = "lookalike-edited/1"
COLUMNS = ("image", "file", "sha256", "source", "direction", "amount", "patients")
_READABLE_PX = 128


@dataclass(frozen=True)
class Edited:
    """Edited images as they are stored.

    Attributes
    ----------
    folder : path
        Where they are.
    table : DataFrame
        One row per image: its name and file, the image that it was made from, direction, amount in SD, and the codes of
        its patients with blanks between, if it was made from real ones.
    about : dict
        Model, direction and its measured effect, amounts.
    codes : list of ImageCode
        What makes each image, in the order of the table.

    Examples
    --------
    >>> import gan, pandas as pd
    >>> gan.Edited("nowhere", pd.DataFrame(), {"direction": "density"}, []).about["direction"]
    'density'
    """

    folder: Path
    table: pd.DataFrame
    about: dict[str, Any]
    codes: list[ImageCode]


def save_edited(
    out: Path | str,
    model: Model,
    codes: Sequence[ImageCode],
    direction: Direction,
    amounts: Sequence[float],
    bits: int = 16,
) -> pd.DataFrame:
    """Edit images and write them into a new folder.

    Parameters
    ----------
    out : path
        A folder that does not exist yet, or is empty.
    model : Model
        The model of the codes and the direction.
    codes : sequence of ImageCode
        One or more images to edit, all names different.
    direction : Direction
        From `load_directions`.
    amounts : sequence of float
        In SD of the codes that seeds make.
    bits : {8, 16}
        Bits per pixel of the PNGs.

    Returns
    -------
    DataFrame
        The content of `edited.csv`. Beside it: `images/`, `codes.json` for `morph`, `edited.json`, and `strip.png` with
        a row for each image.

    Raises
    ------
    LookalikeError
        If `out` is occupied, two images share a name, or an image is not finite.

    Examples
    --------
    >>> import gan, torch
    >>> from data.shipped import DEFAULT_MODEL
    >>> model = gan.load_model(DEFAULT_MODEL)
    >>> seeds, direction = gan.codes_of_seeds(model, [4, 8]), gan.Direction("density", 0.1 * torch.ones(128))
    >>> gan.save_edited("edited", model, seeds, direction, [-1, 0, 1])["amount"].tolist()
    [-1.0, 0.0, 1.0, -1.0, 0.0, 1.0]
    """
    made = edit(codes, direction, amounts)
    images = images_of(model.generator, made)
    with new_folder(Path(out)) as folder:
        (folder / "images").mkdir()
        write_codes(folder / "codes.json", made, model)
        rows = []
        for number, (one, image) in enumerate(zip(made, images, strict=True)):
            file, before = f"images/{one.name}.png", codes[number // len(amounts)]
            write_png(folder / file, image, bits)
            amount = float(amounts[number % len(amounts)])
            told = (before.name, direction.name, amount, " ".join(one.patients))
            rows.append((one.name, file, sha256(folder / file), *told))
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        write_table(folder / "edited.csv", table)
        write_json(folder / "edited.json", _about(model, direction, amounts, codes))
        write_sheet(folder / "strip.png", list(images), len(amounts), readable_px=_READABLE_PX)
    return table


def _about(model: Model, direction: Direction, amounts: Sequence[float], codes: Sequence[ImageCode]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "lookalike_version": VERSION,
        "model_sha256": model.sha256,
        "direction": direction.name,
        "shift": [float(value) for value in direction.shift],
        "measured": direction.about,
        "amounts": [float(one) for one in amounts],
        "sources": {one.name: one.source for one in codes},
    }


def read_edited(folder: Path | str, model: Model) -> Edited:
    """Read edited images, and verify that they are a model's and unaltered.

    Parameters
    ----------
    folder : path
        What `save_edited` wrote.
    model : Model
        The model with which the codes will be used.

    Returns
    -------
    Edited
        Table, codes, and how they were made.

    Raises
    ------
    LookalikeError
        If a file is missing, altered or of another format, the table's images or patients are not those of the codes,
        or the codes are of another model.

    Examples
    --------
    >>> import gan
    >>> from data import LookalikeError
    >>> try:
    ...     gan.read_edited("nowhere", gan.Model(gan.Generator(gan.Architecture(16)), "", {}))
    ... except LookalikeError as error:
    ...     print(error.code)
    no-such-file
    """
    folder = Path(folder)
    table, about = read_image_table(
        folder, "edited", FORMAT, COLUMNS, ("image", "file", "sha256", "source", "patients"), "edit the images again"
    )
    table["patients"] = table["patients"].fillna("")
    codes = read_codes(folder / "codes.json", model)
    if [(one.name, " ".join(one.patients)) for one in codes] != [
        (row.image, row.patients) for row in table.itertuples()
    ]:
        raise LookalikeError(
            "altered-file", f"{folder / 'edited.csv'}: images or patients are not those of codes.json; restore it"
        )
    return Edited(folder, table, about, codes)
