"""What tables know of lesions, patch by patch: which patches a word of a column is true of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import LookalikeError
from data.files import read_table
from stimuli.patches import PatchSet
from stimuli.patient_codes import code, patient_code

_NAMES = {"left_or_right_breast": "laterality", "image_view": "view", "abnormality_id": "lesion"}  # of CBIS-DDSM
_LESION, _IMAGE = ("file", "lesion"), ("patient_id", "laterality", "view")
RESERVED = ("size", "contrast")  # what every report has
FEWEST = 20  # patients with and without a label


@dataclass(frozen=True)
class Label:
    """A name for some words of a table's column, against some others, or against all others.

    Words are patterns: `*SPICULATED*` is any cell with that in it. Cells that are neither are unknown, as empty ones.

    Attributes
    ----------
    name : str
        What its direction will be called.
    column : str
        Of the table.
    words, against : tuple of str
        Those of which it is true, and those of which it is not: by default all others.

    Examples
    --------
    >>> import gan, pandas as pd
    >>> label = gan.Label("malignancy", "pathology", ("MALIGNANT",), ("BENIGN",))
    >>> label.of(pd.Series(["MALIGNANT", "BENIGN", "MIXED", None])).tolist()
    [1.0, 0.0, nan, nan]
    """

    name: str
    column: str
    words: tuple[str, ...]
    against: tuple[str, ...] = ("*",)

    def of(self, cells: pd.Series) -> pd.Series[float]:
        """1 where it is true of a cell, 0 where it is not, NaN where that is unknown."""
        text = cells.astype(object).where(cells.notna(), "").map(_word).str.upper()
        found = pd.Series(np.nan, index=cells.index)
        for value, patterns in ((0.0, self.against), (1.0, self.words)):  # what is both, is
            found[[_like(word, patterns) for word in text]] = value
        return found

    def __str__(self) -> str:
        against = "" if self.against == ("*",) else f":{'|'.join(self.against)}"
        return f"{self.name}={self.column}:{'|'.join(self.words)}{against}"


def _like(word: str, patterns: Sequence[str]) -> bool:
    return word != "" and any(fnmatchcase(word, pattern.upper()) for pattern in patterns)


def _word(cell: object) -> str:
    """A cell as a word: 3.0, as a column of whole numbers with gaps is read, is 3."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def label_of(text: str) -> Label:
    """A label from words such as `malignancy=pathology:MALIGNANT:BENIGN`. Raises `LookalikeError` for other words."""
    name, equals, rest = (part.strip() for part in text.partition("="))
    column, *words = (part.strip() for part in rest.split(":"))
    parts = [tuple(word.strip() for word in part.split("|") if word.strip()) for part in words]
    if not (name and equals and column and all(parts)) or len(parts) not in (1, 2):
        raise LookalikeError(
            "bad-mapping",
            f"--label is {text!r}; write NAME=COLUMN:WORD|WORD or NAME=COLUMN:WORD:OTHER WORD, such as "
            "malignancy=pathology:MALIGNANT:BENIGN",
        )
    if not all(letter.isalnum() or letter in "-_" for letter in name) or name in RESERVED:
        raise LookalikeError(
            "bad-name",
            f"--label is {text!r}: name it with letters, digits, - and _ only, and not {' or '.join(RESERVED)}",
        )
    return Label(name, _usual(column), *parts)


def read_labels(
    labels: Sequence[Label], patches: PatchSet, table: Path | str | None = None, key: bytes | None = None
) -> pd.DataFrame:
    """Which labels are true of which patches.

    Parameters
    ----------
    labels : sequence of Label
        Columns and words; columns are found with blanks or underscores.
    patches : PatchSet
        The patches, in whose order the answer is.
    table : path, optional
        A table with one row per lesion: `patch_id`; or `file` and `lesion` as in the table of boxes that the patches
        were cut by; or `patient_id`, `laterality` and `view` (CBIS-DDSM's own tables), where a word counts if all rows
        of an image agree. By default the patch set's own table.
    key : bytes, optional
        The key of the patches' codes, needed for all but `patch_id`.

    Returns
    -------
    DataFrame
        One row per patch, one column per label: 1, 0, or NaN where it is unknown.

    Raises
    ------
    LookalikeError
        If a column is missing, the table names none of the patches, the key is another's, two labels share a name, or
        fewer than 20 patients have a label or lack it.

    Examples
    --------
    >>> import gan, stimuli
    >>> stimuli.write_phantoms("film", 100, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> found = gan.read_labels([gan.Label("seen", "split", ("train",))], patches)
    >>> int(found["seen"].sum()) == len(patches.select("train"))
    True
    """
    names = [label.name for label in labels]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None or not names:
        raise LookalikeError("same-name", f"labels are called {names}; give one or more, each its own name")
    cells, where = _cells(patches, None if table is None else Path(table), key)
    for label in labels:
        if label.column not in cells:
            raise LookalikeError(
                "missing-column", f"{where}: column {label.column} is missing; it has {', '.join(cells.columns)}"
            )
    found = pd.DataFrame({label.name: label.of(cells[label.column]) for label in labels})
    check_counts(labels, found, patches.table["patient"].to_numpy(str), where)
    return found


def check_counts(
    labels: Sequence[Label], known: pd.DataFrame, patients: npt.NDArray[np.str_], where: Path | str
) -> None:
    """Raise `LookalikeError` if fewer than 20 of the patients have a label, or lack it."""
    for label in labels:
        for value, what in ((1, "with"), (0, "without")):
            count = len(set(patients[(known[label.name] == value).to_numpy()]))
            if count < FEWEST:
                raise LookalikeError(
                    "too-few-images",
                    f"{where}: {count} patients {what} {label}; {FEWEST} or more are needed: give other words",
                )


def _usual(column: str) -> str:
    name = "_".join(column.lower().replace("_", " ").split())
    return _NAMES.get(name, name)


def _cells(patches: PatchSet, path: Path | None, key: bytes | None) -> tuple[pd.DataFrame, Path]:
    """The columns that are known of each patch, in the order of the patches."""
    if path is None:
        return patches.table, patches.folder / "patches.csv"
    text = ("patch_id", "file", "patient_id")
    frame = read_table(path, (), text=text).rename(columns=_usual)
    mine = patches.table.reset_index(drop=True)
    if "patch_id" in frame:
        keys, others = mine["patch_id"], frame["patch_id"]
    elif set(_LESION) <= set(frame):
        key = _needed(key, path)
        lesion = mine["patch_id"].str.split("-").str[1]
        keys = mine["source"] + "-" + lesion
        sources = frame["file"].astype(str).str.replace("\\", "/").map(lambda name: code(key, "source", name))
        others = sources + "-" + frame["lesion"].map(_word)
    elif set(_IMAGE) <= set(frame):
        key = _needed(key, path)
        keys = mine["patient"] + mine["laterality"] + mine["view"]
        others = frame["patient_id"].map(lambda name: patient_code(key, str(name))) + (
            frame["laterality"] + frame["view"]
        )
    else:
        raise LookalikeError(
            "missing-column",
            f"{path}: names no lesions: it needs patch_id, or file and lesion, or patient_id, laterality and view; it "
            f"has {', '.join(frame.columns)}",
        )
    if not set(keys) & set(others):
        raise LookalikeError(
            "no-such-image",
            f"{path}: none of its rows is a patch of {patches.folder}; give the key and the table that these were cut "
            "with",
        )
    agreed = frame.groupby(others.to_numpy(), sort=False).agg(_agreed)
    return agreed.reindex(keys).reset_index(drop=True), path


def _agreed(cells: pd.Series) -> object:
    """What all rows say, or nothing."""
    return cells.iloc[0] if len(set(cells)) == 1 else None


def _needed(key: bytes | None, path: Path) -> bytes:
    if key is None:
        raise LookalikeError(
            "missing-option",
            f"{path}: its files or patients are coded in the patches; give the --key they were cut with",
        )
    return key
