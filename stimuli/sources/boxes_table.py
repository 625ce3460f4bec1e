"""Mammograms with lesion boxes, read from a folder and a table, or as a known collection delivers them.

The table (`boxes.csv` in the folder, unless another is named) has one row per lesion:
`file, patient_id, x, y, width, height` in pixels of that file, and, where known, `laterality`,
`view`, `pathology`, `mask` (the file of a mask that covers the image, relative to the folder), `frame` (of a file
that holds several, from 1) and `pixel_aspect` (height of a pixel over its width; where it is empty what the file says
holds, else 1).
Other columns are ignored. What else is read is in `stimuli.sources.layouts`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from data.arrays import Floats
from data.errors import LookalikeError
from stimuli.images import read_image
from stimuli.masks import Outline
from stimuli.readers.record import Image
from stimuli.sources.cells import table_in
from stimuli.sources.layouts import cbis_ddsm, coco, inbreast, mini_mias, vindr_mammo
from stimuli.sources.layouts.found import AGAIN, MISSING, NORMAL, Found
from stimuli.sources.mask_files import masks_of
from stimuli.sources.tables import check_words, numbers, one_writing_each, present, read_images_table, words

_REQUIRED = ("file", "patient_id", "x", "y", "width", "height")
_BOX = ("x", "y", "width", "height")
_NUMERIC = (*_BOX, "frame", "pixel_aspect")
LAYOUTS: tuple[ModuleType, ...] = (cbis_ddsm, vindr_mammo, mini_mias, coco, inbreast)


@dataclass(frozen=True)
class Lesion:
    """A lesion's number in its image, from 1, its box in pixels (left, top, width, height), and its mask.

    The mask is a file that covers the whole image and may show other lesions too, or a drawn outline. Where there is no
    box (all four NaN), it is that of the mask. `left_out` says why no patch can be cut; it is empty if one can.
    """

    number: int
    x: float
    y: float
    width: float
    height: float
    pathology: str
    mask: Path | Outline | None = None
    left_out: str = ""


@dataclass(frozen=True)
class Mammogram:
    """One mammogram: its file and name in the table, patient, view and lesions. Pixels are read on demand.

    `frame` is which of the file's frames it is, from 1; None where the file holds one. `shape` is the (rows, columns)
    of the image that the boxes were drawn in, where that is known.
    """

    path: Path
    file: str
    patient_id: str
    laterality: str
    view: str
    pixel_aspect: float | None
    lesions: tuple[Lesion, ...]
    frame: int | None = None
    shape: tuple[int, int] | None = None

    def read(self) -> Image:
        """Decode the image; the table's pixel aspect overrides the file's.

        Raises `LookalikeError` if the file is missing or damaged or lacks the frame, is of another size than the image
        that the boxes are of, or a box reaches outside it.
        """
        picture = read_image(self.path, self.frame)
        rows, columns = picture.pixels.shape
        if self.shape not in (None, (rows, columns)):
            raise LookalikeError(
                "wrong-size",
                f"{self.path}: is {columns} x {rows} px, but its boxes are places in an image of {self.shape[1]} x "
                f"{self.shape[0]} px; use the images as the collection has them, or scale the boxes and give boxes.csv",
            )
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
        return replace(picture, pixel_aspect=self.pixel_aspect)


def read_source(
    folder: Path | str,
    boxes: Path | str | None = None,
    masks: Path | str | None = None,
    frame: int | None = None,
    normal: bool = False,
    tell: Callable[[str], None] = lambda _note: None,
) -> list[Mammogram]:
    """List the mammograms of a folder, in the order of its table of lesion boxes.

    Collections are read as they are delivered: CBIS-DDSM (the official tables, with DICOM or JPEG files), mini-MIAS,
    VinDr-Mammo and INbreast, as are COCO files whose images have a `patient_id`.

    Parameters
    ----------
    folder : path
        The folder that holds the mammograms.
    boxes : path, optional
        A table with one row per lesion and the columns `file`, `patient_id`, `x`, `y`, `width` and `height` (in pixels
        of the file), and optionally `laterality`, `view`, `pathology`, `mask` (a file relative to the folder), `frame`
        (from 1) and `pixel_aspect` (height over width), or the table or JSON file of a collection; by default
        `boxes.csv` in the folder, else the tables of a collection that are there.
    masks : path, optional
        A folder of masks named as the mammograms, instead of the column `mask`.
    frame : int, optional
        Which frame of each file is the mammogram, from 1, where the column `frame` does not say; it is needed for files
        that hold several.
    normal : bool
        Whether to list images of normal tissue too, without lesions: those of a collection, and rows of the table with
        pathology NORMAL and an empty box.
    tell : function
        Called with what one should know of how the table was read, such as an encoding that had to be assumed.

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
    table = table_in(folder, "boxes") if boxes is None else Path(boxes)
    if folder.is_dir() and (boxes is not None or not table.is_file()):
        for layout in LAYOUTS:
            if found := layout.tables(folder, None if boxes is None else table):
                delivered = _as_delivered(folder, found[0], list(layout.lesions(folder, found)), masks, normal, tell)
                return [replace(one, frame=frame) for one in delivered]
    rows = read_images_table(folder, table, _REQUIRED, _NUMERIC, "lesion", tell)
    without = _shows_no_lesion(rows)
    _check_boxes(rows[~without], table)
    if not normal:
        rows = rows[~without]
        if rows.empty:
            raise LookalikeError("empty-table", f"{table}: lists no lesion; --normal cuts tissue without")
    listed = _mammograms(folder, table, rows, None if masks is None else Path(masks))
    return [one if one.frame else replace(one, frame=frame) for one in listed]


def _as_delivered(
    folder: Path,
    table: Path,
    found: list[Found],
    masks: Path | str | None,
    normal: bool,
    tell: Callable[[str], None],
) -> list[Mammogram]:
    """The mammograms of a collection, in the order in which its lesions name them."""
    if masks is not None:
        raise LookalikeError("unused-option", f"{table}: names masks of its own; leave out --masks")
    if not normal:
        found = [one for one in found if one.left_out != NORMAL]
    if not found:
        raise LookalikeError("empty-table", f"{table}: lists no lesion")
    if all(one.left_out == MISSING for one in found):
        raise LookalikeError(
            "missing-file",
            f"{found[0].file}: named in {table.name} but missing, as is every other image of its lesions",
        )
    known = pd.DataFrame(
        {name: [getattr(one, name) for one in found] for name in ("patient_id", "laterality", "view", "pathology")},
        range(2, len(found) + 2),
    )
    check_words(known.assign(file="-").replace("", None), table)
    patients = one_writing_each(known["patient_id"].str.strip(), table, tell)
    found = [replace(one, patient_id=patient) for one, patient in zip(found, patients, strict=True)]
    _refuse_shares(np.array([one.box for one in found if one.box is not None], float), table)
    by_file: dict[Path, list[Found]] = {}
    for one in found:
        by_file.setdefault(one.file, []).append(one)
    return [_mammogram(folder, table, file, lesions) for file, lesions in by_file.items()]


def _mammogram(folder: Path, table: Path, file: Path, found: list[Found]) -> Mammogram:
    first = found[0]
    if len(patients := dict.fromkeys(one.patient_id for one in found)) > 1:
        raise LookalikeError(
            "ambiguous-patient", f"{file}: belongs to several patients in {table.name} ({', '.join(patients)})"
        )
    places = [(one.box, one.mask, one.pathology) for one in found]
    lesions = tuple(
        Lesion(
            number,
            *(one.box or (math.nan,) * 4),
            one.pathology,
            one.mask,
            one.left_out or (AGAIN if places[number - 1] in places[: number - 1] else ""),
        )
        for number, one in enumerate(found, start=1)
        if one.left_out != NORMAL
    )
    name = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name
    return Mammogram(file, name, first.patient_id, first.laterality, first.view, None, lesions, shape=first.shape)


def _shows_no_lesion(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which rows say that an image has no lesion: NORMAL, and no part of a box."""
    return words(rows)["pathology"].str.upper().eq("NORMAL") & rows[list(_BOX)].isna().all(axis=1)


def _check_boxes(frame: pd.DataFrame, table: Path) -> None:
    box = numbers(frame, _BOX)
    for row, sides in box.iterrows():
        if fault := _fault(sides):
            raise LookalikeError("bad-value", f"{table}: row {row} has no usable box: {fault}")
    frames = numbers(frame, ("frame",))["frame"]
    for row in frame.index[frames.notna() & ~(frames.between(1, 2**31) & (frames % 1 == 0))]:
        raise LookalikeError(
            "bad-value", f"{table}: row {row} has no usable frame: {frames[row]:g} is no whole number from 1"
        )
    same = box.assign(**words(frame)[["file", "patient_id", "mask", "pathology"]], frame=frames).fillna(0)
    for row in frame.index[same.duplicated()]:
        first = frame.index[(same == same.loc[row]).all(axis=1)][0]
        raise LookalikeError(
            "repeated-lesion",
            f"{table}: row {row} is the lesion of row {first} again, which would count twice; remove one",
        )
    _refuse_shares(box.to_numpy(), table)
    aspect = numbers(frame, ("pixel_aspect",))["pixel_aspect"]
    for row in frame.index[aspect.le(0)]:
        raise LookalikeError(
            "bad-value",
            f"{table}: row {row} has no usable pixel_aspect: {aspect[row]:g}; it is height over width, above 0",
        )


def _fault(box: pd.Series[float]) -> str:
    """What is wrong with a box; empty if nothing is."""
    for name in _BOX:
        if pd.isna(box[name]):
            return f"{name} is empty"
    for name in _BOX[2:]:
        if box[name] <= 0:
            return f"{name} is {box[name]:g}; it must be above 0"
    return ""


def _refuse_shares(boxes: Floats, table: Path) -> None:
    if boxes.size and (boxes <= 1).all():
        raise LookalikeError(
            "bad-value", f"{table}: its boxes are shares of the image (0 to 1); multiply them by its columns and rows"
        )


def _refuse_disagreement(table: Path, file: str, rows: pd.DataFrame) -> None:
    """Raise `LookalikeError` if the rows of one image say different things of the image itself."""
    for name in ("laterality", "view", "pixel_aspect"):
        said = rows[name].drop_duplicates().to_list()
        if len(said) > 1:
            words = " and ".join("nothing" if one == "" or pd.isna(one) else str(one) for one in said[:2])
            raise LookalikeError(
                "bad-value", f"{table}: {name} of {file} is {words} in different rows; correct the table"
            )


def _mammograms(folder: Path, table: Path, frame: pd.DataFrame, masks: Path | None) -> Iterator[Mammogram]:
    text, aspects = words(frame), numbers(frame, ("pixel_aspect",))["pixel_aspect"]
    paths = {file: present(folder, file, table) for file in text["file"].unique()}
    mask = pd.Series(masks_of(list(text["file"]), list(text["mask"]), folder, table, masks), frame.index, dtype=object)
    without = _shows_no_lesion(frame)
    frames = numbers(frame, ("frame",))["frame"].fillna(0).astype(int)
    for (file, number), known in text.groupby([text["file"], frames], sort=False):
        patients = known["patient_id"].unique()
        if len(patients) > 1:
            raise LookalikeError(
                "ambiguous-patient",
                f"{paths[file]}: belongs to several patients in the table ({', '.join(patients)})",
            )
        _refuse_disagreement(table, str(file), known.assign(pixel_aspect=aspects[known.index]))
        boxes = numbers(frame.loc[known.index], _BOX).to_numpy()
        lesions = tuple(
            Lesion(order, float(x), float(y), float(width), float(height), pathology, mask[row])
            for order, (row, pathology, (x, y, width, height)) in enumerate(
                zip(known.index, known["pathology"], boxes, strict=True), start=1
            )
            if not without[row]
        )
        first, aspect = known.iloc[0], aspects[known.index[0]]
        yield Mammogram(
            paths[file],
            f"{file}#{number}" if number else str(file),
            first["patient_id"],
            first["laterality"],
            first["view"],
            None if pd.isna(aspect) else float(aspect),
            lesions,
            int(number) or None,
        )
