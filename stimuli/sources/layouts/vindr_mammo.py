"""VinDr-Mammo: `finding_annotations.csv` and images in folders named by study.

BI-RADS is an assessment, not a diagnosis, so pathology stays unknown. A study stands for its patient.

References
----------
Nguyen et al. 2023, Sci. Data 10:277; physionet.org/content/vindr-mammo.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import read_table
from stimuli.readers.formats import SUFFIXES
from stimuli.sources.layouts.found import MISSING, NORMAL, Found, Index

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_TEXT = ("study_id", "image_id", "laterality", "view_position", "finding_categories")
_SHAPE = ("height", "width")
_NEEDED = (*_TEXT, *_CORNERS)


def tables(folder: Path, given: Path | None) -> list[Path]:
    """`finding_annotations.csv` in the folder, or the table given if it has that table's columns."""
    path = folder / "finding_annotations.csv" if given is None else given
    if not path.is_file():
        return []
    try:
        read_table(path, _NEEDED)
    except LookalikeError:
        return []
    return [path]


def lesions(folder: Path, found: list[Path]) -> Iterator[Found]:
    """One lesion for each finding, and one that says so for each image with 'No Finding'."""
    (table,) = found
    frame, index = read_table(table, _NEEDED, text=_TEXT), Index(folder, (*SUFFIXES, ""))
    corners = frame[list(_CORNERS)].apply(pd.to_numeric, errors="coerce")
    shapes = frame.reindex(columns=list(_SHAPE)).apply(pd.to_numeric, errors="coerce").to_numpy(float)
    for row, (left, top, right, bottom), sides in zip(frame.itertuples(), corners.to_numpy(float), shapes, strict=True):
        placeless = bool(np.isnan([left, top, right, bottom]).all())
        normal = placeless and "no finding" in str(row.finding_categories).lower()
        if not placeless and not (right > left and bottom > top):
            raise LookalikeError(
                "bad-value", f"{table}: row {row.Index + 2} has no usable box (xmin, ymin, xmax, ymax)"
            )
        file = index.only(str(row.image_id), table)
        if normal and file is None:
            continue
        shape = (int(sides[0]), int(sides[1])) if np.isfinite(sides).all() else None
        yield Found(
            file or folder / str(row.image_id),
            str(row.study_id),
            str(row.laterality),
            str(row.view_position),
            "NORMAL" if normal else "",
            None if placeless else (left, top, right - left, bottom - top),
            left_out=NORMAL if normal else MISSING if file is None else "has no coordinates" if placeless else "",
            shape=shape,
        )
