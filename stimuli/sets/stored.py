"""The stimulus set on disk: images, and the manifest that says what each one is, verified wherever it is read."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256 as hash_bytes
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import inside, read_json, read_table, sha256
from data.trials import ROLES, TRUTHS
from stimuli.images import Pixels
from stimuli.readers import formats

FORMAT = "lookalike-stimuli/1"
LEVELS = ("mean", "sd", "p01", "p99")
COLUMNS = (
    "stimulus_id", "file", "truth", "role", "source", "patient", "loop_position_deg", *LEVELS, "sha256",
)  # fmt: skip
FACTOR_COLUMNS = ("texture", "shape")  # only in sets that hold composed images
LEVEL = "level"  # how visible a known fake is, in any unit, above 0; only in graded sets
_TEXT = ("stimulus_id", "file", "truth", "role", "source", "patient", "sha256", *FACTOR_COLUMNS)
_NAME = re.compile(r"(?!\.)(?=.*\S)[^/\\\x00-\x1f\x7f]{1,100}")  # what may be the name of a file, without its suffix


@dataclass(frozen=True)
class StimulusSet:
    """A verified set: folder, table (columns `COLUMNS`), provenance, and the SHA-256 of its table.

    `largest_px` is the (rows, columns) of its largest image.
    """

    folder: Path
    table: pd.DataFrame
    about: dict[str, Any]
    sha256: str
    largest_px: tuple[int, int] = (1, 1)

    def select(self, role: str) -> pd.DataFrame:
        """The rows of one role, in table order."""
        return self.table[self.table["role"] == role].reset_index(drop=True)

    @property
    def mean(self) -> float:
        """The mean P-value of all images."""
        return float(self.table["mean"].mean())

    def read(self, stimulus_id: str) -> Pixels:
        """The P-values of one image, shape (rows, columns); its hash is checked again.

        Raises `LookalikeError` if the id is unknown or the file is missing or altered.
        """
        if stimulus_id not in self.by_id:
            raise LookalikeError("no-such-stimulus", f"{self.folder}: has no stimulus {stimulus_id!r}")
        row = self.by_id[stimulus_id]
        return formats.read(self.folder / row["file"], verified(self.folder, row)).pixels

    @cached_property
    def by_id(self) -> dict[str, dict[str, Any]]:
        """The rows of the table by stimulus id, in table order."""
        return {row["stimulus_id"]: row for row in self.table.to_dict("records")}


def read_set(folder: Path | str) -> StimulusSet:
    """Read a stimulus set, and verify every image against its hash.

    Parameters
    ----------
    folder : path
        The set's folder.

    Returns
    -------
    StimulusSet
        `table`; `select(role)` gives the rows of a role, `read(id)` the P-values of an image; `about`; `mean`.

    Raises
    ------
    LookalikeError
        For a missing manifest, another format, unknown truths or roles, ids or files used twice, a file outside the
        folder, a number that is none, or a missing or altered image.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> noise = np.random.default_rng(0).random((2, 16, 16), dtype=np.float32)
    >>> real, generated = ([stimuli.Candidate(image, "seed:0")] for image in noise)
    >>> _ = stimuli.build_set("set", real, generated, stimuli.Layout(main=2), provenance={})
    >>> stimuli.read_set("set").table["stimulus_id"].tolist()
    ['s0001', 's0002']
    """
    folder = Path(folder)
    table, about = read_manifest(folder)
    sizes = [formats.size_px(folder / row["file"], verified(folder, row)) for row in table.to_dict("records")]
    largest_px = (max((rows for rows, _ in sizes), default=1), max((columns for _, columns in sizes), default=1))
    return StimulusSet(folder, table, about, sha256(folder / "stimuli.csv"), largest_px)


def read_manifest(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table and the provenance of a set, without its images.

    Raises `LookalikeError` for a missing manifest, another format, unknown truths or roles, ids or files used twice, a
    file outside the folder, or a number that is none.
    """
    path = folder / "stimuli.csv"
    if not path.is_file():
        raise LookalikeError(
            "not-a-stimulus-set",
            f"{folder}: no stimulus set here (stimuli.csv is missing); is this the study's folder? If there is no set "
            "yet, 'lookalike stimuli build' makes one",
        )
    table = read_table(path, COLUMNS, text=_TEXT)
    if table.empty:
        raise LookalikeError("empty-table", f"{path}: lists no image; restore the table, or build the set again")
    about = read_json(folder / "stimuli.json")
    if about.get("format") != FORMAT:
        raise LookalikeError(
            "wrong-format", f"{folder / 'stimuli.json'}: format is {about.get('format')!r}, expected {FORMAT!r}"
        )
    for column, words in (("truth", TRUTHS), ("role", ROLES)):
        for row in table.index[~table[column].isin(words)]:
            raise LookalikeError("unknown-word", f"{path}: row {row + 2}: {column} is none of {', '.join(words)}")
    for row in table.index[table["file"].isna() | table["sha256"].isna()]:
        raise LookalikeError("missing-value", f"{path}: row {row + 2}: file or sha256 is missing")
    for row, file in table["file"].items():
        inside(folder, file, f"{path}: row {row + 2}")
    same = {"stimulus_id": table["stimulus_id"], "file": table["file"].map(lambda file: PurePosixPath(file).as_posix())}
    for column, values in same.items():
        for row in table.index[values.duplicated() | values.isna()]:
            raise LookalikeError("duplicate-id", f"{path}: row {row + 2}: {column} is missing or used twice")
    for row, identifier in table["stimulus_id"].items():
        if not _NAME.fullmatch(identifier):
            raise LookalikeError(
                "bad-value",
                f"{path}: row {row + 2}: stimulus_id is {identifier[:40]!r}; exported files are named after it: write "
                "up to 100 letters, numbers, blanks or signs other than / and \\, without a point in front",
            )
    for column in LEVELS:
        table[column] = _numbers(path, table[column], 0, 1)
    table["loop_position_deg"] = _numbers(path, table["loop_position_deg"], -np.inf, np.inf, missing=True)
    if LEVEL in table:
        table[LEVEL] = _numbers(path, table[LEVEL], sys.float_info.min, sys.float_info.max, missing=True)
    return table, about


def _numbers(path: Path, column: pd.Series[Any], low: float, high: float, missing: bool = False) -> pd.Series[float]:
    """A column as finite numbers from `low` to `high`, or `missing`. Raises `LookalikeError` for anything else."""
    values = pd.to_numeric(column, errors="coerce").astype(np.float64)
    known = np.isfinite(values) & values.between(low, high)
    for row in column.index[~known & ~(column.isna() & missing)]:
        said = f"{path}: row {row + 2}: {column.name} is {str(column[row])!r}"
        if high == np.inf:
            raise LookalikeError("not-a-number", f"{said}; it must be a number")
        raise LookalikeError(
            "out-of-range", f"{said}, not a number from {low:g} to {high:g}; restore the table, or build the set again"
        )
    return values


def verified(folder: Path, row: dict[str, Any]) -> bytes:
    """The content of an image's file, read once and compared with its hash."""
    path = folder / str(row["file"])
    if not path.is_file():
        raise LookalikeError(
            "missing-file", f"{path}: named in stimuli.csv but missing; restore it or build the set again"
        )
    content = path.read_bytes()
    if hash_bytes(content).hexdigest() != row["sha256"]:
        raise LookalikeError(
            "altered-file", f"{path}: altered since the set was built; restore it or build the set again"
        )
    return content
