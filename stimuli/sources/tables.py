"""What every table of images must hold: files, patients, and words from a short list."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.ids import is_shortened, merged_note, one_writing, perhaps_same_person, whole_number
from stimuli.readers.formats import SUFFIXES
from stimuli.sources.cells import read_cells

TEXT = ("file", "mask", "patient_id", "laterality", "view", "pathology")
# The terms of DICOM and CBIS-DDSM.
VOCABULARY = {
    "laterality": ("LEFT", "RIGHT", "L", "R"),
    "view": ("CC", "MLO", "ML", "LM", "LMO", "XCCL", "XCCM", "FB", "SIO", "AT", "CV"),
    "pathology": ("BENIGN", "BENIGN_WITHOUT_CALLBACK", "MALIGNANT", "MIXED", "NORMAL", "UNKNOWN"),
}


def read_images_table(
    folder: Path,
    table: Path,
    required: tuple[str, ...],
    numeric: tuple[str, ...],
    of: str,
    tell: Callable[[str], None],
) -> pd.DataFrame:
    """A table of the images in a folder, with its words checked; `of` says what each row is, for messages.

    The index is the row in the file. `numeric` columns are numbers; `tell` is called as for `read_cells`.

    Raises `LookalikeError` if the folder or the table is missing or empty, or a row lacks its file or patient.
    """
    if not folder.is_dir():
        raise LookalikeError("no-such-folder", f"{folder}: no such folder; give the folder that holds the images")
    if not table.is_file():
        if not any(path.suffix.lower() in SUFFIXES for path in folder.rglob("*")):
            raise LookalikeError("no-images", f"{folder}: holds no images ({', '.join(SUFFIXES)})")
        raise LookalikeError("no-such-file", f"{table}: no such table, with one row per {of}; give one with --boxes")
    frame = read_cells(table, tuple(dict.fromkeys((*TEXT, *required, *numeric))), required, numeric, tell)
    frame = _stripped(frame)
    if frame.empty:
        raise LookalikeError("empty-table", f"{table}: has no rows; it needs one per {of}")
    check_words(frame, table)
    return frame.assign(patient_id=one_writing_each(frame["patient_id"], table, tell))


def words(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns `TEXT` of a table, empty strings where it has none."""
    return frame.reindex(columns=list(TEXT)).astype(object).fillna("")


def numbers(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Columns that were read as numbers; NaN where there is none, or the column is missing."""
    return frame.reindex(columns=list(columns)).astype(float)


def present(folder: Path, file: str, table: Path) -> Path:
    """The path of a file that a table names. Raises `LookalikeError` if it is missing."""
    path = folder / file
    try:
        if path.is_file():
            return path
    except OSError as error:  # longer than a name can be
        raise LookalikeError("missing-file", f"{table}: no file is called {file[:40]}... ({error.strerror})") from None
    raise LookalikeError("missing-file", f"{path}: named in {table.name} but missing")


def _stripped(frame: pd.DataFrame) -> pd.DataFrame:
    """Without spaces around words; a cell of spaces is empty."""
    text = {name: frame[name].str.strip().replace("", None) for name in TEXT if name in frame}
    for name in {"file", "mask"} & set(text):
        text[name] = text[name].map(file_in_one_way, na_action="ignore")
    return frame.assign(**text)


def file_in_one_way(file: str) -> str:
    """A file's name in one way: `./a.png`, and `images\\a.png` as tables from Windows have it, are no other files."""
    return PurePosixPath(file.replace("\\", "/")).as_posix()


def check_words(frame: pd.DataFrame, table: Path) -> None:
    """Raise `LookalikeError` for what a row lacks, or an unknown word. The index is the row in the file.

    Free text could carry a patient's name into everything made from the patches, so it is refused, and not repeated in
    the message.
    """
    for column in ("file", "patient_id"):
        for row in frame.index[frame[column].isna()]:
            raise LookalikeError("missing-value", f"{table}: row {row} has no {column}")
    for name, known in VOCABULARY.items():
        if name in frame:
            for row in frame.index[frame[name].notna() & ~frame[name].str.upper().isin(known)]:
                raise LookalikeError("unknown-word", f"{table}: row {row}: {name} is none of {', '.join(known)}")


def one_writing_each(patients: pd.Series[str], table: Path, tell: Callable[[str], None]) -> pd.Series[str]:
    """Each patient's id in one writing, in one form of Unicode, so that it has one code; tells what was merged.

    The index is the row in the file. Raises `LookalikeError` for ids that differ only in signs or leading zeros: nobody
    knows whether P1 and P-01 are one patient, and one patient must not be in two splits. Nor for ids that a spreadsheet
    shortened, each of which may be several patients.
    """
    for row, patient in patients[patients.map(is_shortened)].items():
        raise LookalikeError(
            "shortened-id",
            f"{table}: row {row}: patient_id is {patient!r}, to which spreadsheets shorten long numbers, so that "
            "different ids become one; export the table again and do not save it in a spreadsheet",
        )
    kept = one_writing(patients)
    for note in merged_note("patients", kept):
        tell(f"{table}: {note}")
    coded = patients.map({name: whole_number(unicodedata.normalize("NFKC", one).strip()) for name, one in kept.items()})
    written: dict[tuple[str, ...], str] = {}
    for row, patient in coded.drop_duplicates().items():
        other = written.setdefault(perhaps_same_person(patient), patient)
        if other != patient:
            raise LookalikeError(
                "ambiguous-patient",
                f"{table}: row {row}: patient_id {patient} differs from {other} only in how it is written (blanks, "
                "signs or leading zeros); write each patient's id in one way",
            )
    return coded
