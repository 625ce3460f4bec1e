"""CBIS-DDSM: the official tables, with images as TCIA delivers them (DICOM) or as JPEG repackagings name them.

TCIA's download tools name folders and files anew, so a row's image is found by its series (the last folder of the path
in the table) or its case (the first). Some rows swap mask and crop: the mask is whichever is as large as the mammogram.
Boxes are those of the masks; the tables have none.

References
----------
Lee et al. 2017, Sci. Data 4:170177; TCIA, doi 10.7937/K9/TCIA.2016.7O02S9CY.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from data.errors import LookalikeError
from data.files import read_table
from stimuli.readers.formats import SUFFIXES, shape_px
from stimuli.sources.layouts.found import MISSING, Found, Index

_IMAGE, _MASK, _CROP = "image file path", "roi mask file path", "cropped image file path"
_NEEDED = ("patient id", "left or right breast", "image view", "pathology", _IMAGE, _MASK)


def tables(folder: Path, given: Path | None) -> list[Path]:
    """The official tables (`*_case_description_*.csv`) anywhere in the folder, or the one given."""
    if given is not None:
        return [given] if given.is_file() and {_IMAGE, _MASK} <= set(_names(given)) else []
    return sorted(folder.rglob("*case_description*.csv"))


def lesions(folder: Path, found: list[Path]) -> Iterator[Found]:
    """One lesion for each row of the tables. Raises `LookalikeError` for a missing column."""
    index = Index(folder, SUFFIXES)
    for table in found:
        for row in _rows(table):
            image = _only(index, row[_IMAGE], table)
            mask = _mask_of(index, row, shape_px(image)) if image else None
            yield Found(
                image or folder / row[_IMAGE],
                row["patient id"],
                row["left or right breast"],
                row["image view"],
                row["pathology"],
                mask=mask,
                left_out="" if mask else "has no mask of the mammogram's size" if image else MISSING,
            )


def _names(table: Path) -> list[str]:
    try:
        return [_usual(name) for name in read_table(table, ()).columns]
    except LookalikeError:
        return []


def _usual(name: str) -> str:
    """The tables write 'breast_density' and 'breast density'."""
    return " ".join(name.lower().replace("_", " ").split())


def _rows(table: Path) -> list[dict[str, str]]:
    plain = read_table(table, ())
    frame = read_table(table, (), text=tuple(plain.columns)).rename(columns=_usual)
    missing = [name for name in _NEEDED if name not in frame]
    if missing:
        raise LookalikeError(
            "missing-column",
            f"{table}: column {', '.join(missing)} is missing; it has {', '.join(map(str, plain.columns))}",
        )
    # Some paths end in a line break, inside their quotes.
    stripped = frame.apply(lambda column: column.astype(object).where(column.notna(), "").str.strip())
    for name in ("patient id", _IMAGE):
        for row in stripped.index[stripped[name] == ""]:
            raise LookalikeError("missing-value", f"{table}: row {row + 2} has no {name}")
    rows: list[dict[str, str]] = stripped.to_dict("records")
    return rows


def _named(index: Index, path: str) -> list[Path]:
    parts = PurePosixPath(path).parts
    return (index.all(parts[-2]) or index.all(parts[0])) if len(parts) > 1 else []


def _only(index: Index, path: str, table: Path) -> Path | None:
    """A mammogram, alone in its series; None if it is missing. Raises `LookalikeError` if it is not alone."""
    found = _named(index, path)
    if len(found) > 1:
        raise LookalikeError(
            "ambiguous-file",
            f"{index.folder / path}: one of {len(found)} files for {table.name}; keep the mammogram alone",
        )
    return found[0] if found else None


def _mask_of(index: Index, row: dict[str, str], shape: tuple[int, int]) -> Path | None:
    """The one file, of those that a row names as mask or crop, that is as large as the mammogram."""
    files = dict.fromkeys([*_named(index, row[_MASK]), *_named(index, row.get(_CROP, ""))])
    fitting = [path for path in files if shape_px(path) == shape]
    return fitting[0] if len(fitting) == 1 else None
