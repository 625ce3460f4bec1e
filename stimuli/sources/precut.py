"""Patches that are already cut, read from a folder and a table.

The table (`patches.csv` in the folder, unless another is named) has one row per patch: `file, patient_id`, and, where
known, `laterality`, `view`, `pathology`, `mask` (a file relative to the folder, of the patch's size), the lesion's box
in pixels of the patch (`lesion_x`, `lesion_y`, `lesion_width` or `lesion_w`, `lesion_height` or `lesion_h`) and the
side of the patch in native pixels (`native_side`, `native_side_est` or `native_rows`). Other columns are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from stimuli.images import read_image
from stimuli.readers.record import Image
from stimuli.sources.cells import table_in
from stimuli.sources.mask_files import masks_of
from stimuli.sources.tables import numbers, present, read_images_table, words

_BOX = ("lesion_x", "lesion_y", "lesion_width", "lesion_height")
_NATIVE = "native_side"
_ALSO_KNOWN_AS = {
    "lesion_w": "lesion_width", "lesion_h": "lesion_height",
    "native_side_est": _NATIVE, "native_rows": _NATIVE,
}  # fmt: skip
_NUMERIC = (*_BOX, _NATIVE, *_ALSO_KNOWN_AS)


@dataclass(frozen=True)
class Precut:
    """A patch that somebody else cut. Pixels are read on demand.

    Attributes
    ----------
    path, file : path, str
        The image, and its name in the table.
    patient_id, laterality, view, pathology : str
        Empty where unknown, except the patient.
    size_px : int
        The side that it must have, px.
    box : (float, float, float, float), optional
        The lesion's box in pixels of the patch (left, top, width, height); it may reach beyond the patch.
    native_px : int, optional
        The side of the patch before it was resampled, px.
    mask : path, optional
        The file of the lesion's mask.
    frame : int, optional
        Which of the file's frames it is, from 1; None where the file holds one.
    """

    path: Path
    file: str
    patient_id: str
    laterality: str
    view: str
    pathology: str
    size_px: int
    box: tuple[float, float, float, float] | None = None
    native_px: int | None = None
    mask: Path | None = None
    frame: int | None = None

    @property
    def context(self) -> float | None:
        """Side of the patch over the larger side of the lesion's box; None where there is no box."""
        return None if self.box is None else self.size_px / max(self.box[2:])

    def read(self) -> Image:
        """Decode the image. Raises `LookalikeError` if it is missing, damaged, not square or of another size."""
        picture = read_image(self.path, self.frame)
        _refuse_oblong(self.path, picture)
        if len(picture.pixels) != self.size_px:
            raise LookalikeError(
                "wrong-size",
                f"{self.path}: its side is {len(picture.pixels)} px, not {self.size_px} px; patches of a set are equal "
                "in size: leave it out, or cut all from their mammograms",
            )
        return picture


def read_precut(
    folder: Path | str,
    table: Path | str | None = None,
    masks: Path | str | None = None,
    size_px: int | None = None,
    frame: int | None = None,
    tell: Callable[[str], None] = lambda _note: None,
) -> list[Precut]:
    """List patches that are already cut, in the order of their table.

    Parameters
    ----------
    folder : path
        The folder that holds the patches.
    table : path, optional
        A table with one row per patch and the columns `file` and `patient_id`, and optionally `laterality`, `view`,
        `pathology`, `mask`, the lesion's box in pixels of the patch (`lesion_x`, `lesion_y`, `lesion_width`,
        `lesion_height`) and the patch's side in native pixels (`native_side`); by default `patches.csv` in the folder.
    masks : path, optional
        A folder of masks named as the patches, instead of the column `mask`.
    size_px : int, optional
        The side that patches must have, px; by default that of the first.
    frame : int, optional
        Which frame of each file is the patch, from 1; it is needed for files that hold several.
    tell : function
        Called with what one should know of how the table was read.

    Returns
    -------
    list of Precut
        Each with `patient_id`, `box`, `context`; `read()` decodes its image.

    Raises
    ------
    LookalikeError
        If the folder or the table is missing or empty, a file is missing or listed twice, a box has no area, or the
        first patch is not square or of another size than asked for.

    Examples
    --------
    >>> import numpy as np, pandas as pd, stimuli
    >>> stimuli.write_png("a.png", np.full((64, 64), 0.5, np.float32))
    >>> pd.DataFrame({"file": ["a.png"], "patient_id": ["P1"]}).to_csv("patches.csv")
    >>> (patch,) = stimuli.read_precut(".")
    >>> patch.patient_id, patch.size_px, patch.context
    ('P1', 64, None)
    """
    folder = Path(folder)
    path = table_in(folder, "patches") if table is None else Path(table)
    rows = read_images_table(folder, path, ("file", "patient_id"), _NUMERIC, "patch", tell)
    for row in rows.index[rows["file"].duplicated()]:
        raise LookalikeError(
            "duplicate-id", f"{path}: row {row}: {rows['file'][row]} is listed twice; a patch has one row"
        )
    rows = rows.rename(columns={old: new for old, new in _ALSO_KNOWN_AS.items() if new not in rows})
    boxes, native = numbers(rows, _BOX), numbers(rows, (_NATIVE,))[_NATIVE]
    _check_numbers(rows, boxes, native, path)
    known = words(rows)
    files = [present(folder, file, path) for file in known["file"]]
    mask = masks_of(list(known["file"]), list(known["mask"]), folder, path, None if masks is None else Path(masks))
    size = _side(files[0], size_px, frame)
    return [
        Precut(
            file, word.file, word.patient_id, word.laterality, word.view, word.pathology, size,
            None if np.isnan(box).any() else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            None if pd.isna(side) else int(side), one_mask, frame,
        )
        for file, word, box, side, one_mask in zip(
            files, known.itertuples(), boxes.to_numpy(float), native, mask, strict=True
        )
    ]  # fmt: skip


def _side(path: Path, asked: int | None, frame: int | None) -> int:
    """The side of the first patch, which all others must have. Raises `LookalikeError` if another was asked for."""
    first = read_image(path, frame)
    _refuse_oblong(path, first)
    side = len(first.pixels)
    if asked not in (None, side):
        raise LookalikeError(
            "wrong-size",
            f"{path}: its side is {side} px, but --size asks for {asked} px; precut patches keep their pixels: give "
            f"--size {side}, or leave it out",
        )
    if side < 8:
        raise LookalikeError("out-of-range", f"{path}: its side is {side} px; at least 8 is needed")
    return side


def _refuse_oblong(path: Path, picture: Image) -> None:
    rows, columns = picture.pixels.shape
    if rows != columns or picture.pixel_aspect != 1:
        shape = f"{columns} x {rows} px" + (
            f" of pixels {picture.pixel_aspect:.3g} times as high as wide" if picture.pixel_aspect != 1 else ""
        )
        raise LookalikeError(
            "wrong-size", f"{path}: is {shape}, not square; give it as a mammogram with its box, without --precut"
        )


def _check_numbers(frame: pd.DataFrame, boxes: pd.DataFrame, native: pd.Series[float], table: Path) -> None:
    given = frame.reindex(columns=list(_BOX)).notna()
    usable = np.isfinite(boxes).all(axis=1) & boxes["lesion_width"].gt(0) & boxes["lesion_height"].gt(0)
    for row in frame.index[given.any(axis=1) & ~usable]:
        raise LookalikeError(
            "bad-value",
            f"{table}: row {row} has no usable box ({', '.join(_BOX)}, the last two above 0); leave all four "
            "empty where it is unknown",
        )
    for row in frame.index[frame.reindex(columns=[_NATIVE])[_NATIVE].notna() & ~(native.ge(1) & np.isfinite(native))]:
        raise LookalikeError("bad-value", f"{table}: row {row} has no usable {_NATIVE} (pixels, at least 1)")
