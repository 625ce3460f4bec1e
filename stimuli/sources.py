"""Mammograms with lesion boxes, read from a folder and a table.

The table (`boxes.csv` in the folder, unless another is named) has one row per lesion:
`file, patient_id, x, y, width, height` in pixels of that file, and, where known, `laterality`,
`view`, `pathology` and `pixel_aspect` (height of a pixel over its width; without the column a
DICOM's own spacing holds, else 1). Other columns are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import read_table
from stimuli.images import SUFFIXES, Image, read_image

_REQUIRED = ("file", "patient_id", "x", "y", "width", "height")
_TEXT = ("file", "patient_id", "laterality", "view", "pathology")
# The terms of DICOM and CBIS-DDSM.
_VOCABULARY = {
    "laterality": ("LEFT", "RIGHT", "L", "R"),
    "view": ("CC", "MLO", "ML", "LM", "LMO", "XCCL", "XCCM", "FB", "SIO", "AT", "CV"),
    "pathology": ("BENIGN", "BENIGN_WITHOUT_CALLBACK", "MALIGNANT", "MIXED", "NORMAL", "UNKNOWN"),
}


@dataclass(frozen=True)
class Lesion:
    """A lesion's number in its image, from 1, and its box in pixels: left, top, width, height."""

    number: int
    x: float
    y: float
    width: float
    height: float
    pathology: str


@dataclass(frozen=True)
class Mammogram:
    """One mammogram: its file, patient, view and lesions. Pixels are read on demand."""

    path: Path
    file: str
    patient_id: str
    laterality: str
    view: str
    pixel_aspect: float | None
    lesions: tuple[Lesion, ...]

    def read(self) -> Image:
        """Decode the image; the table's pixel aspect overrides the file's.

        Raises `LookalikeError` if the file is missing or damaged, or a box reaches outside it.
        """
        picture = read_image(self.path)
        rows, columns = picture.pixels.shape
        for lesion in self.lesions:
            # A tolerance of half a pixel, because published boxes are rounded.
            outside = min(lesion.x, lesion.y) < -0.5 or lesion.x + lesion.width > columns + 0.5
            if outside or lesion.y + lesion.height > rows + 0.5:
                raise LookalikeError(
                    "box-outside-image",
                    f"{self.path}: box of lesion {lesion.number} (x {lesion.x:g}, y {lesion.y:g}, "
                    f"width {lesion.width:g}, height {lesion.height:g}) reaches outside "
                    f"the image of {columns} x {rows}; correct the table",
                )
        if self.pixel_aspect is None:
            return picture
        return Image(picture.pixels, picture.bit_depth, self.pixel_aspect)


def read_source(folder: Path | str, boxes: Path | str | None = None) -> list[Mammogram]:
    """List the mammograms of a folder, in the order of its table of lesion boxes.

    Parameters
    ----------
    folder : path
        The folder that holds the mammograms.
    boxes : path, optional
        A table with one row per lesion and the columns `file`, `patient_id`, `x`, `y`, `width` and `height` (in pixels
        of the file), and optionally `laterality`, `view`, `pathology` and `pixel_aspect` (height over width); by
        default `boxes.csv` in the folder.

    Returns
    -------
    list of Mammogram
        Each with `patient_id`, `laterality`, `view` and `lesions`; `read()` decodes its image.

    Raises
    ------
    LookalikeError
        If the folder or the table is missing or empty, a file is missing, or a box has no area.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.write_phantoms("film", 2, lesion_px=16)
    >>> first, second = stimuli.read_source("film")
    >>> first.patient_id, first.lesions[0].width, first.read().pixels.shape
    ('P000', 16.0, (48, 48))
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LookalikeError("no-such-folder", f"{folder}: no such folder; give the folder that holds the mammograms")
    table = folder / "boxes.csv" if boxes is None else Path(boxes)
    if not table.is_file():
        if not any(path.suffix.lower() in SUFFIXES for path in folder.rglob("*")):
            raise LookalikeError("no-images", f"{folder}: holds no mammograms ({', '.join(SUFFIXES)})")
        raise LookalikeError("no-such-file", f"{table}: no such table of lesion boxes; give one with --boxes")
    frame = _stripped(read_table(table, _REQUIRED, text=_TEXT))
    if frame.empty:
        raise LookalikeError("empty-table", f"{table}: has no rows; it needs one per lesion")
    _check_boxes(frame, table)
    _check_words(frame, table)
    return list(_mammograms(folder, frame))


def _stripped(frame: pd.DataFrame) -> pd.DataFrame:
    """Without spaces around words: 'P1' and 'P1 ' are one patient. A cell of spaces is empty."""
    text = {name: frame[name].str.strip().replace("", None) for name in _TEXT if name in frame}
    return frame.assign(**text)


def _check_words(frame: pd.DataFrame, table: Path) -> None:
    """Free text could carry a patient's name into everything made from the patches, so it is refused."""
    for name, words in _VOCABULARY.items():
        if name in frame:
            for row in frame.index[frame[name].notna() & ~frame[name].str.upper().isin(words)]:
                raise LookalikeError("unknown-word", f"{table}: row {row + 2}: {name} is none of {', '.join(words)}")
    patients = frame["patient_id"].drop_duplicates()
    for row in patients.index[patients.str.casefold().duplicated()]:
        raise LookalikeError(
            "ambiguous-patient",
            f"{table}: row {row + 2}: patient_id {patients[row]} differs from another only in upper and lower case; "
            "write each patient's id in one way",
        )


def _check_boxes(frame: pd.DataFrame, table: Path) -> None:
    # Row 1 is the header, as a spreadsheet counts.
    for column in ("file", "patient_id"):
        for row in frame.index[frame[column].isna()]:
            raise LookalikeError("missing-value", f"{table}: row {row + 2} has no {column}")
    numbers = frame[["x", "y", "width", "height"]].apply(pd.to_numeric, errors="coerce")
    bad = numbers.isna().any(axis=1) | (numbers["width"] <= 0) | (numbers["height"] <= 0)
    for row in frame.index[bad]:
        raise LookalikeError(
            "bad-value", f"{table}: row {row + 2} has no usable box (x, y, and width and height above 0)"
        )
    if "pixel_aspect" in frame:
        aspect = pd.to_numeric(frame["pixel_aspect"], errors="coerce")
        for row in frame.index[~(aspect.gt(0) & np.isfinite(aspect))]:
            raise LookalikeError(
                "bad-value", f"{table}: row {row + 2} has no usable pixel_aspect (height over width, above 0)"
            )


def _mammograms(folder: Path, frame: pd.DataFrame) -> Iterator[Mammogram]:
    optional = frame.reindex(columns=[*frame.columns, *(c for c in (*_TEXT, "pixel_aspect") if c not in frame)])
    text = optional[list(_TEXT)].astype(object).fillna("")
    for file, rows in optional.groupby("file", sort=False):
        path = folder / str(file)
        if not path.is_file():
            raise LookalikeError("missing-file", f"{path}: named in the table of boxes but missing")
        words = text.loc[rows.index]
        patients = words["patient_id"].unique()
        if len(patients) > 1:
            raise LookalikeError(
                "ambiguous-patient", f"{path}: belongs to several patients in the table ({', '.join(patients)})"
            )
        lesions = tuple(
            Lesion(n, float(row.x), float(row.y), float(row.width), float(row.height), word.pathology)
            for n, (row, word) in enumerate(zip(rows.itertuples(), words.itertuples(), strict=True), start=1)
        )
        first, aspect = words.iloc[0], rows["pixel_aspect"].iloc[0]
        yield Mammogram(
            path,
            str(file),
            first["patient_id"],
            first["laterality"],
            first["view"],
            None if pd.isna(aspect) else float(aspect),
            lesions,
        )
